// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Of root's powers the daemon keeps one, CAP_NET_ADMIN: for interfaces, addresses, routes and the
 * module. Not libcap for it, because that is two system calls.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privilege.h"

#define KEPT (1ULL << CAP_NET_ADMIN)

/*
 * Landlock's, as linux/landlock.h has it since Linux 6.12 (ABI 6): our own, for it is built with older
 * headers as well.
 */
struct landlock_ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

#define SCOPE_SIGNAL (1ULL << 1)

static int get_caps(struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &header, data) ? -errno : 0;
}

static int keep_only(uint64_t kept)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	int i;

	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted = kept >> 32 * i;
		data[i].effective = data[i].permitted;
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/* What no program that we might start can get back. Needs CAP_SETPCAP; without it there is no more
 * to lose than what a service manager left us. */
static void drop_bounding_set(void)
{
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		if (cap != CAP_NET_ADMIN)
			prctl(PR_CAPBSET_DROP, cap);
	}
}

static int become(const char *name)
{
	const struct passwd *user;

	errno = 0;
	user = getpwnam(name);
	if (!user)
		return errno ? -errno : -ENOENT;
	if (prctl(PR_SET_KEEPCAPS, 1))
		return -errno;
	if (setgroups(0, NULL) || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid))
		return -errno;
	return 0;
}

/**
 * privilege_drop() - keep CAP_NET_ADMIN alone
 * @user:	become this user; NULL: stay who we are
 *
 * Return: 0; -ENOENT (no such user), -EPERM (we do not have CAP_NET_ADMIN), or another negated errno.
 */
int privilege_drop(const char *user)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	int error = get_caps(data);

	if (error)
		return error;
	if (!(data[0].permitted & KEPT))
		return -EPERM;
	drop_bounding_set();
	error = user ? become(user) : 0;
	if (!error)
		error = keep_only(KEPT);
	if (!error && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		error = -errno;
	return error;
}

/**
 * privilege_drop_all() - keep none
 * @user:	become this user; NULL: stay who we are
 *
 * Return: 0; -ENOENT (no such user), -EPERM (we may not become another user), or another negated errno.
 */
int privilege_drop_all(const char *user)
{
	int error = user ? become(user) : 0;

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (!error)
		error = keep_only(0);
	if (!error && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		error = -errno;
	if (!error && prctl(PR_SET_DUMPABLE, 0))
		error = -errno;
	return error;
}

/**
 * privilege_drop_signals() - signal nobody any more but who is started from now on
 *
 * Whoever has the same user is out of reach as well, for ptrace() too. Privileges cannot be had any more
 * (no_new_privs).
 *
 * Return: 0; a negated errno where the kernel cannot do that, as before Linux 6.12.
 */
int privilege_drop_signals(void)
{
	struct landlock_ruleset ruleset = { .scoped = SCOPE_SIGNAL };
	int fd = syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0), error;

	if (fd < 0)
		return -errno;
	error = syscall(SYS_landlock_restrict_self, fd, 0) ? -errno : 0;
	close(fd);
	return error;
}
