// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify.h"

static int send_to(const struct sockaddr_un *address, socklen_t len, const char *text)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t sent;
	int error;

	if (fd < 0)
		return -errno;
	sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
		      (const struct sockaddr *)address, len);
	error = sent < 0 ? -errno : 0;
	close(fd);
	return error;
}

/**
 * notify() - one message
 * @format:	assignments, in lines
 *
 * Return: 1; 0 if nobody wants to know; or a negated errno.
 */
int notify(const char *format, ...)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	char text[512];
	va_list args;
	size_t len;
	int error;

	if (!path || !*path)
		return 0;
	len = strlen(path);
	if ((*path != '/' && *path != '@') || len >= sizeof(address.sun_path))
		return -EAFNOSUPPORT;
	memcpy(address.sun_path, path, len);
	/* a name without a file */
	if (*path == '@')
		address.sun_path[0] = 0;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	error = send_to(&address, offsetof(struct sockaddr_un, sun_path) + len, text);
	return error ? error : 1;
}

/* How often the service manager wants to hear from us at least; 0: it does not. */
uint64_t notify_watchdog_ms(void)
{
	const char *pid = getenv("WATCHDOG_PID"), *interval = getenv("WATCHDOG_USEC");

	if (!interval || (pid && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return strtoull(interval, NULL, 10) / 1000;
}
