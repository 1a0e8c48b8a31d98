// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"

static int read_all(int fd, uint8_t *bytes, size_t size, size_t *len)
{
	ssize_t n;

	*len = 0;
	while (*len < size) {
		n = read(fd, bytes + *len, size - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		*len += n;
	}
	return 0;
}

static int read_file(int fd, uint8_t **bytes, size_t *len)
{
	struct stat st;
	int error;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((size_t)st.st_size > STORE_MAX_FILE)
		return -EFBIG;
	/* one more, so that an empty file is none without memory, and text can be ended */
	*bytes = malloc(st.st_size + 1);
	if (!*bytes)
		return -ENOMEM;
	error = read_all(fd, *bytes, st.st_size, len);
	if (error) {
		explicit_bzero(*bytes, st.st_size);
		free(*bytes);
		*bytes = NULL;
		return error;
	}
	(*bytes)[*len] = 0;
	return 0;
}

/**
 * store_read() - a whole file
 * @dir:	its directory
 * @name:	its name
 * @bytes:	gets the content, followed by a zero byte; to be freed, and wiped if it is secret
 * @len:	without the zero byte
 *
 * Return: 0; -ENOENT, or another negated errno.
 */
int store_read(int dir, const char *name, uint8_t **bytes, size_t *len)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int error;

	*bytes = NULL;
	*len = 0;
	if (fd < 0)
		return -errno;
	error = read_file(fd, bytes, len);
	close(fd);
	return error;
}

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO;
		bytes += n;
		len -= n;
	}
	return 0;
}

/* What is in the file is on the disk afterwards, or there is no file. */
static int write_new(int dir, const char *name, const void *bytes, size_t len, mode_t mode)
{
	int fd, error;

	if (unlinkat(dir, name, 0) && errno != ENOENT)
		return -errno;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	error = write_all(fd, bytes, len);
	/* not by open(): the mask is not ours to know */
	if (!error && fchmod(fd, mode))
		error = -errno;
	if (!error && fsync(fd))
		error = -errno;
	/* some file systems tell only now that there was no room */
	if (close(fd) && !error)
		error = -errno;
	if (error)
		unlinkat(dir, name, 0);
	return error;
}

/**
 * store_write() - replace a file
 * @dir:	its directory
 * @name:	its name
 * @bytes:	what is to be in it
 * @len:	how much that is
 * @mode:	who may read it
 *
 * Return: 0, and then it is on the disk; or a negated errno, and then the file is what it was
 * (-ENOSPC and -EDQUOT: to be tried again).
 */
int store_write(int dir, const char *name, const void *bytes, size_t len, mode_t mode)
{
	char temporary[256];
	int error;

	if ((size_t)snprintf(temporary, sizeof(temporary), ".%s.new", name) >= sizeof(temporary))
		return -ENAMETOOLONG;
	error = write_new(dir, temporary, bytes, len, mode);
	if (error)
		return error;
	if (renameat(dir, temporary, dir, name)) {
		error = -errno;
		unlinkat(dir, temporary, 0);
		return error;
	}
	/* the new name, too */
	return fsync(dir) ? -errno : 0;
}

/**
 * store_set_aside() - give a file that cannot be read another name
 * @dir:	its directory
 * @name:	its name
 * @aside:	gets the new one
 *
 * Never over a file that was set aside before: that one may be the better one.
 *
 * Return: 0 or a negated errno.
 */
int store_set_aside(int dir, const char *name, char aside[256])
{
	unsigned int n;

	for (n = 1; n < 1000; n++) {
		if (snprintf(aside, 256, "%s.damaged-%u", name, n) >= 256)
			return -ENAMETOOLONG;
		/* not every file system can rename without replacing */
		if (!faccessat(dir, aside, F_OK, AT_SYMLINK_NOFOLLOW))
			continue;
		return renameat(dir, name, dir, aside) ? -errno : 0;
	}
	return -EEXIST;
}
