/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands in for libweft/socket.c: what the library sends is given to
 * fake_kernel(), which every test program has its own of, and what that
 * answers with is what the library receives.
 */
#ifndef WEFT_FAKE_SOCKET_H
#define WEFT_FAKE_SOCKET_H

#include <netlink/msg.h>
#include <stdbool.h>
#include <stdint.h>

#define FAKE_FAMILY 0x77
#define FAKE_EVENTS_GROUP 9

/* Answer a request, other than one for the family, by any number of fake_… calls. */
void fake_kernel(const struct nlmsghdr *request);

/**
 * struct fake - how the kernel behaves
 * @no_family: the module is not loaded
 * @ops: commands that it has
 * @send_limit: largest request that the socket takes; 0 for any
 * @room: more bytes than usual for the messages that are made next
 * @recv_error: what receiving fails with when the answers are used up
 */
struct fake {
	bool no_family;
	uint64_t ops;
	size_t send_limit;
	size_t room;
	int recv_error;
};

extern struct fake fake;

/* A datagram for the socket of requests, or that of events. */
void fake_datagram(const void *data, size_t len);
void fake_event_datagram(const void *data, size_t len);

/* A message of our family that answers @request, or one that is an event if that is NULL. */
struct nl_msg *fake_message(const struct nlmsghdr *request, uint8_t cmd, int flags);
/* Deliver a message in a datagram of its own and free it. */
void fake_deliver(struct nl_msg *msg);
void fake_deliver_event(struct nl_msg *msg);

/* The error message; @text and @offset (0 for none) as extended ack. */
void fake_error(const struct nlmsghdr *request, int err, const char *text, uint32_t offset);
void fake_ack(const struct nlmsghdr *request);
void fake_done(const struct nlmsghdr *request, int err, int flags);

/* Forget everything. */
void fake_reset(void);

#endif /* WEFT_FAKE_SOCKET_H */
