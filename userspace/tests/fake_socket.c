// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <stdlib.h>
#include <string.h>

#include "../libweft/internal.h"
#include "fake_socket.h"

struct datagram {
	struct datagram *next;
	size_t len;
	unsigned char data[];
};

struct queue {
	struct datagram *first;
	struct datagram **end;
};

struct weft_sock {
	struct queue *queue;
};

struct fake fake = { .ops = UINT64_MAX };
static struct queue answers, events;

static void push(struct queue *queue, const void *data, size_t len)
{
	struct datagram *datagram = malloc(sizeof(*datagram) + len);

	if (!datagram)
		abort();
	if (!queue->first)
		queue->end = &queue->first;
	datagram->next = NULL;
	datagram->len = len;
	memcpy(datagram->data, data, len);
	*queue->end = datagram;
	queue->end = &datagram->next;
}

void fake_datagram(const void *data, size_t len)
{
	push(&answers, data, len);
}

void fake_event_datagram(const void *data, size_t len)
{
	push(&events, data, len);
}

static void clear(struct queue *queue)
{
	while (queue->first) {
		struct datagram *datagram = queue->first;

		queue->first = datagram->next;
		free(datagram);
	}
}

void fake_reset(void)
{
	clear(&answers);
	clear(&events);
	fake = (struct fake){ .ops = UINT64_MAX };
}

/* Enough for most messages; fake.room is for the others. */
#define MESSAGE_ROOM 8192U

struct nl_msg *fake_message(const struct nlmsghdr *request, uint8_t cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(MESSAGE_ROOM + fake.room);

	if (!msg || !genlmsg_put(msg, 0, request ? request->nlmsg_seq : 0, FAKE_FAMILY, 0, flags,
				 cmd, WEFT_FAMILY_VERSION))
		abort();
	/* libnl fills in one of its own for 0. */
	nlmsg_hdr(msg)->nlmsg_seq = request ? request->nlmsg_seq : 0;
	return msg;
}

void fake_deliver(struct nl_msg *msg)
{
	fake_datagram(nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
	nlmsg_free(msg);
}

void fake_deliver_event(struct nl_msg *msg)
{
	fake_event_datagram(nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
	nlmsg_free(msg);
}

static struct nl_msg *control(const struct nlmsghdr *request, int type, int flags,
			      const void *payload, size_t len)
{
	struct nl_msg *msg = nlmsg_alloc_size(MESSAGE_ROOM + len);

	if (!msg || !nlmsg_put(msg, 0, request->nlmsg_seq, type, 0, flags))
		abort();
	nlmsg_append(msg, (void *)payload, len, NLMSG_ALIGNTO);
	return msg;
}

static void put_extended_ack(struct nl_msg *msg, const char *text, uint32_t offset)
{
	if (text)
		nla_put_string(msg, NLMSGERR_ATTR_MSG, text);
	if (offset)
		nla_put_u32(msg, NLMSGERR_ATTR_OFFS, offset);
}

void fake_error(const struct nlmsghdr *request, int err, const char *text, uint32_t offset)
{
	struct nlmsgerr error = { .error = err, .msg = *request };
	int flags = NLM_F_CAPPED | (text || offset ? NLM_F_ACK_TLVS : 0);
	struct nl_msg *msg = control(request, NLMSG_ERROR, flags, &error, sizeof(error));

	put_extended_ack(msg, text, offset);
	fake_deliver(msg);
}

void fake_ack(const struct nlmsghdr *request)
{
	fake_error(request, 0, NULL, 0);
}

void fake_done(const struct nlmsghdr *request, int err, int flags)
{
	fake_deliver(control(request, NLMSG_DONE, NLM_F_MULTI | flags, &err, sizeof(err)));
}

static void put_ops(struct nl_msg *msg)
{
	struct nlattr *ops = nla_nest_start(msg, CTRL_ATTR_OPS);

	for (uint32_t cmd = 1; cmd < 64; ++cmd) {
		struct nlattr *op;

		if (!(fake.ops & (1ULL << cmd)))
			continue;
		op = nla_nest_start(msg, (int)cmd);
		nla_put_u32(msg, CTRL_ATTR_OP_ID, cmd);
		nla_put_u32(msg, CTRL_ATTR_OP_FLAGS, 0);
		nla_nest_end(msg, op);
	}
	nla_nest_end(msg, ops);
}

static void put_groups(struct nl_msg *msg)
{
	struct nlattr *groups = nla_nest_start(msg, CTRL_ATTR_MCAST_GROUPS);
	struct nlattr *group = nla_nest_start(msg, 1);

	nla_put_u32(msg, CTRL_ATTR_MCAST_GRP_ID, FAKE_EVENTS_GROUP);
	nla_put_string(msg, CTRL_ATTR_MCAST_GRP_NAME, WEFT_MCGRP_EVENTS);
	nla_nest_end(msg, group);
	nla_nest_end(msg, groups);
}

static void answer_family(const struct nlmsghdr *request)
{
	struct nl_msg *msg;

	if (fake.no_family) {
		fake_error(request, -ENOENT, NULL, 0);
		return;
	}
	msg = fake_message(request, CTRL_CMD_NEWFAMILY, 0);
	nlmsg_hdr(msg)->nlmsg_type = GENL_ID_CTRL;
	nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, WEFT_FAMILY_NAME);
	nla_put_u16(msg, CTRL_ATTR_FAMILY_ID, FAKE_FAMILY);
	put_ops(msg);
	put_groups(msg);
	fake_deliver(msg);
	fake_ack(request);
}

int weft_sock_open(struct weft_sock **out, bool nonblocking)
{
	struct weft_sock *sock = calloc(1, sizeof(*sock));

	if (!sock)
		return -ENOMEM;
	sock->queue = nonblocking ? &events : &answers;
	*out = sock;
	return 0;
}

void weft_sock_close(struct weft_sock *sock)
{
	free(sock);
}

int weft_sock_fd(const struct weft_sock *sock)
{
	return sock->queue == &events ? 78 : 77;
}

int weft_sock_join(struct weft_sock *sock, uint32_t group)
{
	return sock->queue == &events && group == FAKE_EVENTS_GROUP ? 0 : -EINVAL;
}

int weft_sock_send(struct weft_sock *sock, const void *buf, size_t len, size_t *limit)
{
	const struct nlmsghdr *request = buf;

	(void)sock;
	*limit = fake.send_limit ? fake.send_limit : len;
	if (len > *limit)
		return -WEFT_E_BUFFER;
	if (request->nlmsg_type == GENL_ID_CTRL)
		answer_family(request);
	else
		fake_kernel(request);
	return 0;
}

int weft_sock_recv(struct weft_sock *sock, unsigned char **buf, size_t *len)
{
	struct datagram *datagram = sock->queue->first;

	if (!datagram)
		return fake.recv_error ? fake.recv_error : -EAGAIN;
	*buf = malloc(datagram->len ? datagram->len : 1);
	if (!*buf)
		return -ENOMEM;
	memcpy(*buf, datagram->data, datagram->len);
	*len = datagram->len;
	sock->queue->first = datagram->next;
	free(datagram);
	return 0;
}
