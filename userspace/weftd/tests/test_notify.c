// SPDX-License-Identifier: GPL-2.0-or-later
/* What the service manager gets to read. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit.h"

#include "notify.h"

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	size_t len = strlen(path);

	memcpy(address.sun_path, path, len);
	if (*path == '@')
		address.sun_path[0] = 0;
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      offsetof(struct sockaddr_un, sun_path) + len), 0);
	return fd;
}

static void assert_arrives(const char *path)
{
	int fd = listen_at(path);
	char text[64] = "";

	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(notify("READY=%d\nSTATUS=x", 1), 1);
	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), 16);
	assert_memory_equal(text, "READY=1\nSTATUS=x", 16);
	close(fd);
}

static void test_sockets(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/tmp/weft-notify-%d", getpid());
	assert_arrives(path);
	assert_int_equal(notify("READY=1"), -ECONNREFUSED);
	unlink(path);
	snprintf(path, sizeof(path), "@weft-notify-%d", getpid());
	assert_arrives(path);
}

static void test_nobody(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(notify("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
	assert_int_equal(notify("READY=1"), -EAFNOSUPPORT);
	setenv("NOTIFY_SOCKET", "/nowhere", 1);
	assert_int_equal(notify("READY=1"), -ENOENT);
}

static void test_watchdog(void **state)
{
	char pid[16];

	(void)state;
	assert_int_equal(notify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(notify_watchdog_ms(), 30000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_watchdog_ms(), 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog_ms(), 30000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_watchdog),
	};

	return RUN_TESTS(tests);
}
