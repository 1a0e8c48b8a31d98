// SPDX-License-Identifier: GPL-2.0-or-later
/* One request to the kernel and all of its answers. */
#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Generic and netlink header, and the device's own attributes. */
#define REQUEST_ROOM 256

/* Messages may hold keys. */
void weft_buf_free(unsigned char *buf, size_t len)
{
	if (buf)
		sodium_memzero(buf, len);
	free(buf);
}

struct nl_msg *weft_request_new(struct weft *weft, uint8_t cmd, int flags, size_t payload)
{
	struct nl_msg *msg = nlmsg_alloc_size(REQUEST_ROOM + payload);
	uint16_t family = cmd ? weft->family : GENL_ID_CTRL;
	uint8_t version = cmd ? WEFT_FAMILY_VERSION : 1;

	if (!msg)
		return NULL;
	/* Command 0 is none of ours and stands for the look-up of the family. */
	if (!genlmsg_put(msg, NL_AUTO_PORT, ++weft->seq, family, 0, flags | NLM_F_REQUEST,
			 cmd ? cmd : CTRL_CMD_GETFAMILY, version)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

void weft_request_free(struct nl_msg *msg)
{
	if (!msg)
		return;
	sodium_memzero(nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
	nlmsg_free(msg);
}

static void copy_attr_string(char *to, size_t size, const struct nlattr *attr)
{
	snprintf(to, size, "%.*s", nla_len(attr), (const char *)nla_data(attr));
}

/* Extended ack attributes of @nlh, from @offset in its payload on. */
static void read_extended_ack(struct weft *weft, const struct nlmsghdr *request,
			      const struct nlmsghdr *nlh, size_t offset)
{
	const struct nlattr *attr;
	int rem;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || offset > (size_t)nlmsg_datalen(nlh))
		return;
	attr = (const struct nlattr *)((const char *)nlmsg_data(nlh) + offset);
	rem = nlmsg_datalen(nlh) - (int)offset;
	for (; nla_ok(attr, rem); attr = nla_next(attr, &rem)) {
		switch (nla_type(attr)) {
		case NLMSGERR_ATTR_MSG:
			copy_attr_string(weft->error.kernel, sizeof(weft->error.kernel), attr);
			break;
		case NLMSGERR_ATTR_OFFS:
			if (nla_len(attr) == sizeof(uint32_t))
				weft_describe_offset(request, nla_get_u32(attr),
						     weft->error.attribute,
						     sizeof(weft->error.attribute));
			break;
		}
	}
}

static int read_error(struct weft *weft, const struct nlmsghdr *request,
		      const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = nlmsg_data(nlh);
	size_t offset = sizeof(*err);

	if (nlmsg_datalen(nlh) < (int)sizeof(*err))
		return -WEFT_E_REPLY;
	if (err->error > 0)
		return -WEFT_E_REPLY;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED)) {
		if (err->msg.nlmsg_len < sizeof(err->msg))
			return err->error ? err->error : -WEFT_E_REPLY;
		offset += NLMSG_ALIGN(err->msg.nlmsg_len - sizeof(err->msg));
	}
	if (err->error)
		read_extended_ack(weft, request, nlh, offset);
	return err->error;
}

/* The last message of a dump may carry an error. */
static int read_done(struct weft *weft, const struct nlmsghdr *request,
		     const struct nlmsghdr *nlh)
{
	int32_t err;

	if (nlmsg_datalen(nlh) < (int)sizeof(err))
		return 0;
	memcpy(&err, nlmsg_data(nlh), sizeof(err));
	if (err < 0)
		read_extended_ack(weft, request, nlh, sizeof(err));
	return err < 0 ? err : 0;
}

/**
 * struct answer - what is known while the answers to one request come in
 * @weft: handle
 * @request: the request
 * @reply: given every message with data
 * @arg: for @reply
 * @err: first thing that went wrong
 * @interrupted: the kernel's data changed during the dump
 * @done: no more messages come
 */
struct answer {
	struct weft *weft;
	const struct nlmsghdr *request;
	weft_reply_fn reply;
	void *arg;
	int err;
	bool interrupted;
	bool done;
};

static void read_message(struct answer *answer, const struct nlmsghdr *nlh)
{
	int err = 0;

	/* An answer to an earlier request that was given up. */
	if (nlh->nlmsg_seq != answer->request->nlmsg_seq)
		return;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		answer->interrupted = true;
	switch (nlh->nlmsg_type) {
	case NLMSG_NOOP:
		break;
	case NLMSG_ERROR:
		err = read_error(answer->weft, answer->request, nlh);
		answer->done = true;
		break;
	case NLMSG_DONE:
		err = read_done(answer->weft, answer->request, nlh);
		answer->done = true;
		break;
	case NLMSG_OVERRUN:
		err = -WEFT_E_REPLY;
		break;
	default:
		/* After a failure only the end is waited for: a dump must be read out. */
		if (!answer->err && nlh->nlmsg_type == answer->request->nlmsg_type &&
		    answer->reply)
			err = answer->reply(nlh, answer->arg);
		break;
	}
	if (!answer->err)
		answer->err = err;
}

static int read_datagram(struct answer *answer)
{
	struct nlmsghdr *nlh;
	unsigned char *buf = NULL;
	size_t len = 0;
	int err, rem;

	err = weft_sock_recv(answer->weft->sock, &buf, &len);
	if (err)
		return err;
	nlh = (struct nlmsghdr *)buf;
	rem = (int)len;
	for (; nlmsg_ok(nlh, rem); nlh = nlmsg_next(nlh, &rem))
		read_message(answer, nlh);
	if (rem > 0 && !answer->err)
		answer->err = -WEFT_E_REPLY;
	weft_buf_free(buf, len);
	return 0;
}

static int has_command(const struct weft *weft, const struct nlmsghdr *request)
{
	const struct genlmsghdr *gnlh = nlmsg_data(request);

	return request->nlmsg_type == GENL_ID_CTRL || weft->ops & (1ULL << gnlh->cmd);
}

/* What the kernel says when it meets an attribute, a flag or a value newer than itself. */
static bool means_old_kernel(const char *text)
{
	static const char *const texts[] = {
		"Unknown attribute type",
		"Unsupported attribute",
		"reserved bit set",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); ++i) {
		if (!strcmp(text, texts[i]))
			return true;
	}
	return false;
}

/* Whether what the kernel refused is the interface itself, and not some setting. */
static bool is_about_interface(const struct weft_error *error)
{
	return !error->attribute[0] || !strncmp(error->attribute, "interface ", 10);
}

/* The kernel's errno, made more telling where the command leaves no doubt what it means. */
static int refine(const struct weft *weft, const struct nlmsghdr *request, int err)
{
	const struct genlmsghdr *gnlh = nlmsg_data(request);

	switch (err) {
	case -ENODEV:
		return -WEFT_E_NO_DEVICE;
	case -EOPNOTSUPP:
		return is_about_interface(&weft->error) ? -WEFT_E_NOT_WEFT : err;
	case -ENOENT:
		return gnlh->cmd == WEFT_CMD_PEER_SET || gnlh->cmd == WEFT_CMD_PEER_GET ||
		       gnlh->cmd == WEFT_CMD_PEER_DEL ? -WEFT_E_NO_PEER : err;
	case -EEXIST:
		return gnlh->cmd == WEFT_CMD_PEER_NEW ? -WEFT_E_PEER_EXISTS : err;
	case -EINVAL:
	case -ERANGE:
		return means_old_kernel(weft->error.kernel) ? -WEFT_E_OLD_KERNEL : err;
	default:
		return err;
	}
}

/* Whether a code says all that the kernel's own words do. */
static bool says_all(int code)
{
	return code == -WEFT_E_NO_DEVICE || code == -WEFT_E_NOT_WEFT ||
	       code == -WEFT_E_NO_PEER || code == -WEFT_E_PEER_EXISTS;
}

/* Put down a failure for weft_last_error(), with what is known of it already. */
int weft_fail(struct weft *weft, int code)
{
	struct weft_error *error = &weft->error;
	size_t used;

	error->code = code;
	used = (size_t)snprintf(error->text, sizeof(error->text), "%s", weft_strerror(code));
	if (says_all(code))
		return code;
	if (error->kernel[0] && used < sizeof(error->text))
		used += (size_t)snprintf(error->text + used, sizeof(error->text) - used,
					 "; the kernel says: %s", error->kernel);
	if (error->attribute[0] && used < sizeof(error->text))
		snprintf(error->text + used, sizeof(error->text) - used, " (%s)",
			 error->attribute);
	return code;
}

static void explain_buffer(struct weft_error *error, size_t len, size_t limit)
{
	error->code = -WEFT_E_BUFFER;
	snprintf(error->text, sizeof(error->text),
		 "%s: it has %zu bytes, the socket takes %zu; as root run: "
		 "sysctl -w net.core.wmem_max=%zu", weft_strerror(-WEFT_E_BUFFER), len, limit,
		 len / 2 + 1024);
}

int weft_request_run(struct weft *weft, struct nl_msg *msg, weft_reply_fn reply, void *arg)
{
	struct answer answer = {
		.weft = weft, .request = nlmsg_hdr(msg), .reply = reply, .arg = arg,
	};
	size_t limit = 0;
	int err;

	memset(&weft->error, 0, sizeof(weft->error));
	if (!has_command(weft, answer.request))
		return weft_fail(weft, -WEFT_E_OLD_KERNEL);
	err = weft_sock_send(weft->sock, answer.request, answer.request->nlmsg_len, &limit);
	if (err == -WEFT_E_BUFFER) {
		explain_buffer(&weft->error, answer.request->nlmsg_len, limit);
		return err;
	}
	while (!err && !answer.done)
		err = read_datagram(&answer);
	if (!err)
		err = answer.err;
	if (err)
		return weft_fail(weft, refine(weft, answer.request, err));
	return answer.interrupted ? weft_fail(weft, -WEFT_E_CHANGING) : 0;
}

static void read_ops(struct weft *weft, const struct nlattr *ops)
{
	struct nlattr *op, *attr;
	int rem, rem2;

	nla_for_each_nested(op, ops, rem) {
		nla_for_each_nested(attr, op, rem2) {
			if (nla_type(attr) == CTRL_ATTR_OP_ID &&
			    nla_len(attr) == sizeof(uint32_t) && nla_get_u32(attr) < WEFT_MAX_OPS)
				weft->ops |= 1ULL << nla_get_u32(attr);
		}
	}
}

static void read_group(struct weft *weft, const struct nlattr *group)
{
	struct nlattr *attr;
	bool ours = false;
	uint32_t id = 0;
	int rem;

	nla_for_each_nested(attr, group, rem) {
		if (nla_type(attr) == CTRL_ATTR_MCAST_GRP_NAME)
			ours = nla_len(attr) == sizeof(WEFT_MCGRP_EVENTS) &&
			       !memcmp(nla_data(attr), WEFT_MCGRP_EVENTS,
				       sizeof(WEFT_MCGRP_EVENTS));
		else if (nla_type(attr) == CTRL_ATTR_MCAST_GRP_ID &&
			 nla_len(attr) == sizeof(uint32_t))
			id = nla_get_u32(attr);
	}
	if (ours)
		weft->events_group = id;
}

static int read_family(const struct nlmsghdr *nlh, void *arg)
{
	struct weft *weft = arg;
	struct nlattr *attr, *group;
	int rem, rem2;

	if (nlmsg_datalen(nlh) < (int)GENL_HDRLEN)
		return -WEFT_E_REPLY;
	nlmsg_for_each_attr(attr, (struct nlmsghdr *)nlh, GENL_HDRLEN, rem) {
		switch (nla_type(attr)) {
		case CTRL_ATTR_FAMILY_ID:
			if (nla_len(attr) == sizeof(uint16_t))
				weft->family = nla_get_u16(attr);
			break;
		case CTRL_ATTR_OPS:
			read_ops(weft, attr);
			break;
		case CTRL_ATTR_MCAST_GROUPS:
			nla_for_each_nested(group, attr, rem2)
				read_group(weft, group);
			break;
		}
	}
	return 0;
}

int weft_resolve_family(struct weft *weft)
{
	struct nl_msg *msg = weft_request_new(weft, 0, NLM_F_ACK, 0);
	int err;

	if (!msg)
		return -ENOMEM;
	err = nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, WEFT_FAMILY_NAME) ? -EMSGSIZE : 0;
	if (!err)
		err = weft_request_run(weft, msg, read_family, weft);
	weft_request_free(msg);
	if (err == -ENOENT)
		return -WEFT_E_NO_MODULE;
	if (err || !weft->family)
		return err ? err : -WEFT_E_REPLY;
	/* A kernel that does not list its commands is asked and may answer for itself. */
	if (!weft->ops)
		weft->ops = UINT64_MAX;
	return 0;
}
