/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic netlink, raw: the tests send what no library would.
 */
#ifndef GENL_H
#define GENL_H

#include <err.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/weft.h>
#include <net/if.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

/* A request under construction: @len bytes of @buf, for which @room is allocated. */
struct request {
	uint8_t *buf;
	size_t len;
	size_t room;
};

struct genl {
	int sock;
	uint16_t family;
	uint32_t events_group;
	uint32_t seq;
};

/* What the kernel had to say to a request. */
struct answer {
	int error;
	char message[200];
	/* of the bad attribute in the request; 0 for none */
	uint32_t offset;
	/* type of the attribute that is missing, and of the nest that lacks it */
	int miss_type;
	uint32_t miss_nest;
	/* the reply, if there was one */
	size_t len;
	uint8_t reply[65536];
};

static inline void *req_grow(struct request *r, size_t more)
{
	if (r->len + more > r->room) {
		r->room = (r->len + more) * 2 + 4096;
		r->buf = realloc(r->buf, r->room);
		if (!r->buf)
			err(2, "realloc");
	}
	memset(r->buf + r->len, 0, more);
	r->len += more;
	return r->buf + r->len - more;
}

static inline void req_begin(struct request *r, uint16_t type, uint8_t cmd, uint16_t flags)
{
	struct nlmsghdr *nlh;
	struct genlmsghdr *genl;

	r->len = 0;
	nlh = req_grow(r, NLMSG_HDRLEN);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	genl = req_grow(r, NLMSG_ALIGN(sizeof(*genl)));
	genl->cmd = cmd;
	genl->version = WEFT_FAMILY_VERSION;
}

/* Returns the attribute's offset in the request, which is what the kernel names it by. */
static inline uint32_t req_put(struct request *r, uint16_t type, const void *data, size_t len)
{
	uint32_t at = r->len;
	struct nlattr *attr = req_grow(r, NLMSG_ALIGN(sizeof(*attr) + len));

	attr->nla_type = type;
	attr->nla_len = sizeof(*attr) + len;
	if (len)
		memcpy(attr + 1, data, len);
	return at;
}

static inline uint32_t req_put_u8(struct request *r, uint16_t type, uint8_t value)
{
	return req_put(r, type, &value, sizeof(value));
}

static inline uint32_t req_put_u16(struct request *r, uint16_t type, uint16_t value)
{
	return req_put(r, type, &value, sizeof(value));
}

static inline uint32_t req_put_u32(struct request *r, uint16_t type, uint32_t value)
{
	return req_put(r, type, &value, sizeof(value));
}

static inline uint32_t req_put_string(struct request *r, uint16_t type, const char *text)
{
	return req_put(r, type, text, strlen(text) + 1);
}

static inline uint32_t req_nest(struct request *r, uint16_t type)
{
	return req_put(r, type | NLA_F_NESTED, NULL, 0);
}

static inline void req_nest_end(struct request *r, uint32_t at)
{
	((struct nlattr *)(r->buf + at))->nla_len = r->len - at;
}

static inline struct nlattr *attr_first(const void *data)
{
	return (struct nlattr *)data;
}

static inline int attr_ok(const struct nlattr *attr, const void *end)
{
	size_t left = (const uint8_t *)end - (const uint8_t *)attr;

	return (const void *)attr < end && left >= sizeof(*attr) &&
	       attr->nla_len >= sizeof(*attr) && attr->nla_len <= left;
}

static inline struct nlattr *attr_next(const struct nlattr *attr)
{
	return (struct nlattr *)((uint8_t *)attr + NLA_ALIGN(attr->nla_len));
}

static inline void *attr_data(const struct nlattr *attr)
{
	return (void *)(attr + 1);
}

static inline size_t attr_len(const struct nlattr *attr)
{
	return attr->nla_len - sizeof(*attr);
}

#define for_each_attr(attr, data, len)						\
	for ((attr) = attr_first(data);						\
	     attr_ok(attr, (const uint8_t *)(data) + (len)); (attr) = attr_next(attr))

#define attr_type(attr) ((attr)->nla_type & NLA_TYPE_MASK)

static inline const struct nlattr *attr_find(const void *data, size_t len, uint16_t type)
{
	const struct nlattr *attr;

	for_each_attr(attr, data, len)
		if (attr_type(attr) == type)
			return attr;
	return NULL;
}

/* The attributes of a generic netlink message. */
static inline const void *msg_attrs(const struct nlmsghdr *nlh, size_t *len)
{
	size_t skip = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct genlmsghdr));

	*len = nlh->nlmsg_len > skip ? nlh->nlmsg_len - skip : 0;
	return (const uint8_t *)nlh + skip;
}

static inline int genl_send(struct genl *g, struct request *r)
{
	struct nlmsghdr *nlh = (void *)r->buf;

	nlh->nlmsg_len = r->len;
	nlh->nlmsg_seq = ++g->seq;
	return send(g->sock, r->buf, r->len, 0) < 0 ? -errno : 0;
}

static inline void read_ack(struct answer *a, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = (const void *)(nlh + 1);
	const struct nlattr *attr;
	size_t skip = NLMSG_HDRLEN + sizeof(*e);

	a->error = -e->error;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	/* the request that failed comes back, unless it was capped */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(e->msg.nlmsg_len - NLMSG_HDRLEN);
	if (skip >= nlh->nlmsg_len)
		return;
	for_each_attr(attr, (const uint8_t *)nlh + skip, nlh->nlmsg_len - skip) {
		switch (attr_type(attr)) {
		case NLMSGERR_ATTR_MSG:
			snprintf(a->message, sizeof(a->message), "%.*s", (int)attr_len(attr),
				 (char *)attr_data(attr));
			break;
		case NLMSGERR_ATTR_OFFS:
			memcpy(&a->offset, attr_data(attr), sizeof(a->offset));
			break;
		case 5: /* NLMSGERR_ATTR_MISS_TYPE, newer than some headers */
			memcpy(&a->miss_type, attr_data(attr), sizeof(a->miss_type));
			break;
		case 6: /* NLMSGERR_ATTR_MISS_NEST */
			memcpy(&a->miss_nest, attr_data(attr), sizeof(a->miss_nest));
			break;
		}
	}
}

/* Sends a request that is not a dump, and waits for its acknowledgement. */
static inline int genl_ask(struct genl *g, struct request *r, struct answer *a)
{
	static uint8_t buf[1 << 17];
	const struct nlmsghdr *nlh;
	ssize_t len;
	int rc;

	memset(a, 0, offsetof(struct answer, reply));
	((struct nlmsghdr *)r->buf)->nlmsg_flags |= NLM_F_ACK;
	rc = genl_send(g, r);
	if (rc)
		return a->error = -rc;
	for (;;) {
		len = recv(g->sock, buf, sizeof(buf), 0);
		if (len < 0)
			return a->error = errno;
		for (nlh = (void *)buf; NLMSG_OK(nlh, (size_t)len); nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_seq != g->seq)
				continue;
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				read_ack(a, nlh);
				return a->error;
			}
			a->len = nlh->nlmsg_len < sizeof(a->reply) ? nlh->nlmsg_len :
								       sizeof(a->reply);
			memcpy(a->reply, nlh, a->len);
		}
	}
}

/*
 * Sends a dump request and hands each message to @fn. Returns 0 or an errno;
 * *@interrupted tells whether the kernel said that the dump is inconsistent.
 */
static inline int genl_dump(struct genl *g, struct request *r,
			    void (*fn)(const struct nlmsghdr *nlh, void *arg), void *arg,
			    int *interrupted)
{
	static uint8_t buf[1 << 17];
	const struct nlmsghdr *nlh;
	ssize_t len;
	int rc;

	*interrupted = 0;
	((struct nlmsghdr *)r->buf)->nlmsg_flags |= NLM_F_DUMP;
	rc = genl_send(g, r);
	if (rc)
		return -rc;
	for (;;) {
		len = recv(g->sock, buf, sizeof(buf), 0);
		if (len < 0)
			return errno;
		for (nlh = (void *)buf; NLMSG_OK(nlh, (size_t)len); nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_seq != g->seq)
				continue;
			*interrupted |= !!(nlh->nlmsg_flags & NLM_F_DUMP_INTR);
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return -((const struct nlmsgerr *)(nlh + 1))->error;
			if (nlh->nlmsg_type == NLMSG_DONE) {
				memcpy(&rc, nlh + 1, sizeof(rc));
				return -rc;
			}
			fn(nlh, arg);
		}
	}
}

static inline void genl_read_family(struct genl *g, const struct nlmsghdr *nlh)
{
	const struct nlattr *groups, *group, *id, *name;
	const void *attrs;
	size_t len;

	attrs = msg_attrs(nlh, &len);
	id = attr_find(attrs, len, CTRL_ATTR_FAMILY_ID);
	if (id)
		memcpy(&g->family, attr_data(id), sizeof(g->family));
	groups = attr_find(attrs, len, CTRL_ATTR_MCAST_GROUPS);
	if (!groups)
		return;
	for_each_attr(group, attr_data(groups), attr_len(groups)) {
		name = attr_find(attr_data(group), attr_len(group), CTRL_ATTR_MCAST_GRP_NAME);
		id = attr_find(attr_data(group), attr_len(group), CTRL_ATTR_MCAST_GRP_ID);
		if (name && id && !strcmp(attr_data(name), WEFT_MCGRP_EVENTS))
			memcpy(&g->events_group, attr_data(id), sizeof(g->events_group));
	}
}

/* Opens a socket; 0 or an errno, ENOENT without the module. */
static inline int genl_open(struct genl *g)
{
	static struct answer answer;
	struct request r = { 0 };
	struct timeval patience = { .tv_sec = 30 };
	int on = 1, size = 8 << 20, rc;

	memset(g, 0, sizeof(*g));
	g->sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (g->sock < 0)
		err(2, "socket");
	setsockopt(g->sock, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	/* an error need not bring the whole request back */
	setsockopt(g->sock, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(g->sock, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	setsockopt(g->sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(g->sock, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(g->sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	req_begin(&r, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	req_put_string(&r, CTRL_ATTR_FAMILY_NAME, WEFT_FAMILY_NAME);
	rc = genl_ask(g, &r, &answer);
	if (!rc)
		genl_read_family(g, (void *)answer.reply);
	free(r.buf);
	return rc;
}

#endif /* GENL_H */
