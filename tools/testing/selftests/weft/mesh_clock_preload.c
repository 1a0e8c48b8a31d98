// SPDX-License-Identifier: GPL-2.0
/*
 * Other clocks for a program that uses libuv (or anything that waits with epoll), by LD_PRELOAD:
 * MESH_CLOCK names a file that mesh_clock writes. Its time goes on between two turns of its loop, not
 * within one, where it would read clocks one after the other that go too fast to agree.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "mesh_clock.h"

static const struct mesh_clock *shared;
static int64_t ahead_ns, unix_s, rate = 1;

static void look(void)
{
	const struct mesh_clock_pace *pace;
	struct timespec at;

	pace = &shared->paces[__atomic_load_n(&shared->current, __ATOMIC_ACQUIRE)];
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &at);
	ahead_ns = mesh_clock_ahead(pace, at.tv_sec * 1000000000LL + at.tv_nsec);
	unix_s = pace->unix_s;
	rate = pace->rate;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("MESH_CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *at = MAP_FAILED;

	if (fd >= 0) {
		at = mmap(NULL, sizeof(*shared), PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
	}
	/* a test whose clocks are as ever would not be what it says */
	if (at == MAP_FAILED) {
		fprintf(stderr, "mesh_clock: MESH_CLOCK is no clock\n");
		_exit(125);
	}
	shared = at;
	look();
}

int clock_gettime(clockid_t id, struct timespec *at)
{
	int64_t ns;

	if (syscall(SYS_clock_gettime, id, at))
		return -1;
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		at->tv_sec += unix_s;
		break;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		ns = at->tv_nsec + ahead_ns;
		at->tv_sec += ns / 1000000000;
		at->tv_nsec = ns % 1000000000;
		break;
	}
	return 0;
}

static int wait_for(int fd, struct epoll_event *events, int max, int timeout, const sigset_t *signals)
{
	int got;

	if (timeout > 0)
		timeout = (timeout + rate - 1) / rate;
	got = syscall(SYS_epoll_pwait, fd, events, max, timeout, signals, _NSIG / 8);
	look();
	return got;
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	return wait_for(fd, events, max, timeout, NULL);
}

int epoll_pwait(int fd, struct epoll_event *events, int max, int timeout, const sigset_t *signals)
{
	return wait_for(fd, events, max, timeout, signals);
}
