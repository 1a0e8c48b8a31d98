/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WEFT_INTERNAL_H
#define WEFT_INTERNAL_H

#include <linux/netlink.h>
#include <weft/weft.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct nl_msg;
struct nl_sock;
struct nlattr;

/* Commands that the module has, as a bit each: those this library knows fit. */
#define WEFT_MAX_OPS 64

/**
 * struct weft - a connection
 * @sock: for requests
 * @events: for events; NULL until weft_events_open()
 * @event_buf: datagram that the next event is taken from, and
 * @event_len: its length, and
 * @event_pos: how much of it has been read
 * @family: number of the generic netlink family
 * @ops: commands that the module has
 * @events_group: number of the multicast group, 0 for none
 * @seq: sequence number of the last request
 * @error: the last failure
 */
struct weft {
	struct weft_sock *sock;
	struct weft_sock *events;
	unsigned char *event_buf;
	size_t event_len;
	size_t event_pos;
	uint16_t family;
	uint64_t ops;
	uint32_t events_group;
	uint32_t seq;
	struct weft_error error;
};

/*
 * socket.c: moves datagrams between the kernel and us, and is all that tests
 * put something else in the place of. All return 0 or a negative code.
 */
struct weft_sock;
int weft_sock_open(struct weft_sock **sock, bool nonblocking);
void weft_sock_close(struct weft_sock *sock);
int weft_sock_fd(const struct weft_sock *sock);
int weft_sock_join(struct weft_sock *sock, uint32_t group);
/* On -WEFT_E_BUFFER, *@limit is how large a request may be. */
int weft_sock_send(struct weft_sock *sock, const void *buf, size_t len, size_t *limit);
/* One datagram from the kernel, in memory to be given to weft_buf_free(). */
int weft_sock_recv(struct weft_sock *sock, unsigned char **buf, size_t *len);

void weft_buf_free(unsigned char *buf, size_t len);

/* request.c: one request and its answers. */
typedef int (*weft_reply_fn)(const struct nlmsghdr *nlh, void *arg);

int weft_resolve_family(struct weft *weft);
struct nl_msg *weft_request_new(struct weft *weft, uint8_t cmd, int flags, size_t payload);
void weft_request_free(struct nl_msg *msg);
int weft_request_run(struct weft *weft, struct nl_msg *msg, weft_reply_fn reply, void *arg);
int weft_fail(struct weft *weft, int code);

/* encode.c: structures to attributes. */
size_t weft_device_size(const struct weft_device *dev);
size_t weft_peer_size(const struct weft_peer *peer);
int weft_put_device(struct nl_msg *msg, const struct weft_device *dev);
int weft_put_peer(struct nl_msg *msg, const struct weft_peer *peer);

/* decode.c: attributes to structures; they trust no length. */
struct weft_event_kind {
	bool session;
	bool path;
	bool has_destination;
	struct weft_allowed_ip destination;
	uint32_t session_event;
	uint32_t path_event;
};

int weft_parse_device(const struct nlmsghdr *nlh, struct weft_device *dev,
		      struct weft_event_kind *kind);

/* describe.c: which part of a request the kernel means. */
void weft_describe_offset(const struct nlmsghdr *nlh, size_t offset, char *text, size_t size);

#endif /* WEFT_INTERNAL_H */
