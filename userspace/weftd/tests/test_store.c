// SPDX-License-Identifier: GPL-2.0-or-later
/* Files of state: replaced as a whole or not at all, whatever fails on the way. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "store.h"

static char path[] = "/tmp/weft-store-XXXXXX";
static int dir;

/* Of the calls that can fail, the one that does, and with what; 0: none. */
static struct {
	int write, fsync, rename;
	size_t room;
} fault;
static unsigned int syncs;

ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __real_write(int fd, const void *bytes, size_t len);
int __wrap_fsync(int fd);
int __wrap_renameat(int old_dir, const char *old, int new_dir, const char *new);
int __real_renameat(int old_dir, const char *old, int new_dir, const char *new);

/* A disk with so much room, that takes a few bytes at a time. */
ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
	if (!fault.write)
		return __real_write(fd, bytes, len > 7 ? 7 : len);
	if (!fault.room) {
		errno = fault.write;
		return -1;
	}
	len = len < fault.room ? len : fault.room;
	fault.room -= len;
	return __real_write(fd, bytes, len);
}

int __wrap_fsync(int fd)
{
	(void)fd;
	++syncs;
	if (!fault.fsync)
		return 0;
	errno = fault.fsync;
	return -1;
}

int __wrap_renameat(int old_dir, const char *old, int new_dir, const char *new)
{
	/* what has not reached the disk must not get the name */
	assert_true(syncs);
	if (!fault.rename)
		return __real_renameat(old_dir, old, new_dir, new);
	errno = fault.rename;
	return -1;
}

static int begin(void **state)
{
	(void)state;
	if (!mkdtemp(path))
		return -1;
	dir = open(path, O_RDONLY | O_DIRECTORY);
	return dir < 0;
}

static int end(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", path);
	return system(command);
}

static void assert_content(const char *name, const char *text)
{
	uint8_t *bytes;
	size_t len;

	assert_int_equal(store_read(dir, name, &bytes, &len), 0);
	assert_int_equal(len, strlen(text));
	assert_string_equal((char *)bytes, text);
	free(bytes);
}

static unsigned int count_files(void)
{
	DIR *open_dir = opendir(path);
	unsigned int n = 0;

	while (readdir(open_dir))
		++n;
	closedir(open_dir);
	return n - 2;
}

static void test_replaced(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(store_write(dir, "a", "first", 5, 0600), 0);
	assert_content("a", "first");
	assert_int_equal(store_write(dir, "a", "the second one", 14, 0600), 0);
	assert_content("a", "the second one");
	assert_int_equal(fstatat(dir, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(store_write(dir, "a", "", 0, 0644), 0);
	assert_content("a", "");
	assert_int_equal(fstatat(dir, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(count_files(), 1);
}

/* The mask of whoever started us takes nothing away, and adds nothing. */
static void test_mode(void **state)
{
	mode_t mask = umask(0777);
	struct stat st;

	(void)state;
	assert_int_equal(store_write(dir, "b", "x", 1, 0600), 0);
	umask(0);
	assert_int_equal(fstatat(dir, "b", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(store_write(dir, "b", "x", 1, 0600), 0);
	assert_int_equal(fstatat(dir, "b", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	umask(mask);
	assert_int_equal(unlinkat(dir, "b", 0), 0);
}

static void assert_old_stays(int error)
{
	assert_int_equal(store_write(dir, "a", "something longer", 16, 0600), error);
	memset(&fault, 0, sizeof(fault));
	assert_content("a", "old");
	assert_int_equal(count_files(), 1);
}

static void test_failures(void **state)
{
	size_t room;

	(void)state;
	assert_int_equal(store_write(dir, "a", "old", 3, 0600), 0);
	for (room = 0; room < 16; ++room) {
		fault.write = ENOSPC;
		fault.room = room;
		assert_old_stays(-ENOSPC);
	}
	fault.fsync = EIO;
	assert_old_stays(-EIO);
	fault.rename = EDQUOT;
	assert_old_stays(-EDQUOT);
	/* and then it goes on */
	assert_int_equal(store_write(dir, "a", "new", 3, 0600), 0);
	assert_content("a", "new");
}

/* Of a daemon that was killed in the middle. */
static void test_left_over(void **state)
{
	int fd = openat(dir, ".a.new", O_WRONLY | O_CREAT, 0644);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(__real_write(fd, "half of a very long", 19), 19);
	close(fd);
	assert_int_equal(store_write(dir, "a", "whole", 5, 0600), 0);
	assert_content("a", "whole");
	assert_int_equal(count_files(), 1);
}

/* A link that somebody laid leads nowhere. */
static void test_links(void **state)
{
	uint8_t *bytes;
	size_t len;

	(void)state;
	assert_int_equal(symlinkat("a", dir, "link"), 0);
	assert_int_equal(store_read(dir, "link", &bytes, &len), -ELOOP);
	assert_null(bytes);
	assert_int_equal(symlinkat("a", dir, ".c.new"), 0);
	assert_int_equal(store_write(dir, "c", "c", 1, 0600), 0);
	assert_content("a", "whole");
	assert_content("c", "c");
	assert_int_equal(store_read(dir, "none", &bytes, &len), -ENOENT);
	assert_int_equal(store_read(dir, ".", &bytes, &len), -EINVAL);
	unlinkat(dir, "link", 0);
	unlinkat(dir, "c", 0);
}

static void test_set_aside(void **state)
{
	char aside[256], before[256];

	(void)state;
	assert_int_equal(store_set_aside(dir, "a", aside), 0);
	assert_content(aside, "whole");
	strcpy(before, aside);
	assert_int_equal(store_set_aside(dir, "a", aside), -ENOENT);
	/* what was set aside before is not lost for another */
	assert_int_equal(store_write(dir, "a", "again", 5, 0600), 0);
	assert_int_equal(store_set_aside(dir, "a", aside), 0);
	assert_string_not_equal(aside, before);
	assert_content(before, "whole");
	assert_content(aside, "again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_left_over),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_set_aside),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, begin, end);
}
