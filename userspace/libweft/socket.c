// SPDX-License-Identifier: GPL-2.0-or-later
/* The netlink socket. */
#include <errno.h>
#include <netlink/errno.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "internal.h"

/* The kernel keeps this much of a netlink socket's buffer to itself (netlink_sendmsg()). */
#define SNDBUF_RESERVE 32

/* Room for a burst of events while the reader is busy. */
#define EVENT_RCVBUF (1 << 20)

/* Dumps come in datagrams of at most this size, unless one object needs more. */
#define RCVBUF 32768

struct weft_sock {
	struct nl_sock *nl;
};

static void set_option(int fd, int option)
{
	const int on = 1;

	/* Only makes errors terser where the kernel has no such option. */
	(void)setsockopt(fd, SOL_NETLINK, option, &on, sizeof(on));
}

/* As far as we may. */
static void raise_receive_buffer(int fd, int size)
{
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

int weft_sock_open(struct weft_sock **out, bool nonblocking)
{
	struct weft_sock *sock = calloc(1, sizeof(*sock));
	int err;

	if (!sock)
		return -ENOMEM;
	sock->nl = nl_socket_alloc();
	if (!sock->nl) {
		free(sock);
		return -ENOMEM;
	}
	errno = 0;
	err = genl_connect(sock->nl);
	if (err < 0) {
		/* libnl has codes of its own; errno says more, if a system call failed. */
		err = errno ? -errno : -EIO;
		weft_sock_close(sock);
		return err;
	}
	nl_socket_set_msg_buf_size(sock->nl, RCVBUF);
	nl_socket_enable_msg_peek(sock->nl);
	if (nonblocking) {
		nl_socket_set_nonblocking(sock->nl);
		raise_receive_buffer(nl_socket_get_fd(sock->nl), EVENT_RCVBUF);
	}
	/* Without this an error brings back the whole request, which may be megabytes. */
	set_option(nl_socket_get_fd(sock->nl), NETLINK_CAP_ACK);
	set_option(nl_socket_get_fd(sock->nl), NETLINK_EXT_ACK);
	*out = sock;
	return 0;
}

void weft_sock_close(struct weft_sock *sock)
{
	if (!sock)
		return;
	nl_socket_free(sock->nl);
	free(sock);
}

int weft_sock_fd(const struct weft_sock *sock)
{
	return nl_socket_get_fd(sock->nl);
}

int weft_sock_join(struct weft_sock *sock, uint32_t group)
{
	if (setsockopt(weft_sock_fd(sock), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		       sizeof(group)))
		return -errno;
	return 0;
}

static size_t send_limit(int fd)
{
	socklen_t len = sizeof(int);
	int size = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &len) || size < SNDBUF_RESERVE)
		return 0;
	return (size_t)size - SNDBUF_RESERVE;
}

/* The kernel takes a message whole or not at all, so the buffer must hold all of it. */
static int raise_send_limit(int fd, size_t len, size_t *limit)
{
	int size;

	*limit = send_limit(fd);
	if (len <= *limit)
		return 0;
	if (len > INT32_MAX / 4)
		return -EMSGSIZE;
	/* The kernel doubles what is asked for. */
	size = (int)(len + SNDBUF_RESERVE + 1) / 2;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	*limit = send_limit(fd);
	return len <= *limit ? 0 : -WEFT_E_BUFFER;
}

int weft_sock_send(struct weft_sock *sock, const void *buf, size_t len, size_t *limit)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = weft_sock_fd(sock);
	ssize_t sent;
	int err;

	err = raise_send_limit(fd, len, limit);
	if (err)
		return err;
	do {
		sent = sendto(fd, buf, len, 0, (const struct sockaddr *)&kernel, sizeof(kernel));
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

int weft_sock_recv(struct weft_sock *sock, unsigned char **buf, size_t *len)
{
	for (;;) {
		struct sockaddr_nl from = { 0 };
		int got;

		errno = 0;
		got = nl_recv(sock->nl, &from, buf, NULL);
		if (got == -NLE_AGAIN)
			return -EAGAIN;
		if (got < 0)
			return errno ? -errno : -EIO;
		if (!got)
			return -EAGAIN;
		if (!from.nl_pid) {
			*len = (size_t)got;
			return 0;
		}
		/* Somebody else's: only the kernel has port 0. */
		weft_buf_free(*buf, (size_t)got);
	}
}
