// SPDX-License-Identifier: GPL-2.0-or-later
/* The handle, and what can be asked of the kernel with it. */
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* A reading that a change of the device spoils begins again, this often at most. */
#define READ_ATTEMPTS 32

int weft_open(struct weft **out)
{
	struct weft *weft = calloc(1, sizeof(*weft));
	int err;

	if (!weft)
		return -ENOMEM;
	err = weft_sock_open(&weft->sock, false);
	if (!err)
		err = weft_resolve_family(weft);
	if (err) {
		weft_close(weft);
		return err;
	}
	*out = weft;
	return 0;
}

void weft_close(struct weft *weft)
{
	if (!weft)
		return;
	weft_sock_close(weft->sock);
	weft_sock_close(weft->events);
	weft_buf_free(weft->event_buf, weft->event_len);
	free(weft);
}

const struct weft_error *weft_last_error(const struct weft *weft)
{
	return &weft->error;
}

/* Send @msg, which may be NULL for lack of memory, and free it. */
static int run(struct weft *weft, struct nl_msg *msg, int err, weft_reply_fn reply, void *arg)
{
	if (!msg)
		err = -ENOMEM;
	if (err) {
		memset(&weft->error, 0, sizeof(weft->error));
		err = weft_fail(weft, err);
	} else {
		err = weft_request_run(weft, msg, reply, arg);
	}
	weft_request_free(msg);
	return err;
}

static int read_listed(const struct nlmsghdr *nlh, void *arg)
{
	struct weft_device ***end = arg;
	struct weft_event_kind kind = { 0 };
	struct weft_device *dev = weft_device_new(NULL);

	if (!dev)
		return -ENOMEM;
	**end = dev;
	*end = &dev->next;
	return weft_parse_device(nlh, dev, &kind);
}

static int list_once(struct weft *weft, struct weft_device **list)
{
	struct nl_msg *msg = weft_request_new(weft, WEFT_CMD_DEVICE_GET, NLM_F_DUMP, 0);
	struct weft_device **end = list;
	int err;

	*list = NULL;
	err = run(weft, msg, 0, read_listed, &end);
	if (err) {
		weft_device_free(*list);
		*list = NULL;
	}
	return err;
}

int weft_device_list(struct weft *weft, struct weft_device **list)
{
	int err = -WEFT_E_CHANGING;

	for (int i = 0; err == -WEFT_E_CHANGING && i < READ_ATTEMPTS; ++i)
		err = list_once(weft, list);
	return err;
}

static int read_into(const struct nlmsghdr *nlh, void *arg)
{
	struct weft_event_kind kind = { 0 };

	return weft_parse_device(nlh, arg, &kind);
}

static int put_ifname(struct nl_msg *msg, const char *ifname)
{
	if (!msg)
		return -ENOMEM;
	/* No interface can have such a name. */
	if (!*ifname || strlen(ifname) >= IFNAMSIZ)
		return -WEFT_E_NO_DEVICE;
	return nla_put_string(msg, WEFT_A_DEVICE_IFNAME, ifname) < 0 ? -EMSGSIZE : 0;
}

static int query(struct weft *weft, const char *ifname, uint8_t cmd, int flags,
		 struct weft_device *dev)
{
	struct nl_msg *msg = weft_request_new(weft, cmd, flags, 0);

	return run(weft, msg, put_ifname(msg, ifname), read_into, dev);
}

static int get_once(struct weft *weft, const char *ifname, struct weft_device **out)
{
	struct weft_device *dev = weft_device_new(NULL);
	int err = -ENOMEM;

	if (dev)
		err = query(weft, ifname, WEFT_CMD_DEVICE_GET, NLM_F_ACK, dev);
	if (!err)
		err = query(weft, ifname, WEFT_CMD_PEER_GET, NLM_F_DUMP, dev);
	if (err) {
		weft_device_free(dev);
		return err;
	}
	*out = dev;
	return 0;
}

int weft_device_get(struct weft *weft, const char *ifname, struct weft_device **dev)
{
	int err = -WEFT_E_CHANGING;

	for (int i = 0; err == -WEFT_E_CHANGING && i < READ_ATTEMPTS; ++i)
		err = get_once(weft, ifname, dev);
	return err;
}

int weft_device_set(struct weft *weft, const struct weft_device *dev)
{
	struct nl_msg *msg = weft_request_new(weft, WEFT_CMD_DEVICE_SET, NLM_F_ACK,
					      weft_device_size(dev));

	return run(weft, msg, msg ? weft_put_device(msg, dev) : 0, NULL, NULL);
}

static int change_peer(struct weft *weft, uint8_t cmd, const char *ifname,
		       const struct weft_peer *peer)
{
	struct nl_msg *msg = weft_request_new(weft, cmd, NLM_F_ACK, weft_peer_size(peer));
	int err = put_ifname(msg, ifname);

	if (!err)
		err = weft_put_peer(msg, peer);
	return run(weft, msg, err, NULL, NULL);
}

int weft_peer_new(struct weft *weft, const char *ifname, const struct weft_peer *peer)
{
	return change_peer(weft, WEFT_CMD_PEER_NEW, ifname, peer);
}

int weft_peer_set(struct weft *weft, const char *ifname, const struct weft_peer *peer)
{
	return change_peer(weft, WEFT_CMD_PEER_SET, ifname, peer);
}

int weft_peer_del(struct weft *weft, const char *ifname, const struct weft_key *public_key)
{
	struct weft_peer peer = { .public_key = *public_key };

	return change_peer(weft, WEFT_CMD_PEER_DEL, ifname, &peer);
}

/* Move a peer out of a device that is about to be freed. */
static void take_peer(struct weft_peer *to, struct weft_peer *from)
{
	*to = *from;
	to->next = NULL;
	from->allowed_ips = NULL;
	from->paths = NULL;
}

/* A peer with more allowed IPs than a message holds is found among all peers. */
static int get_peer_by_dump(struct weft *weft, const char *ifname,
			    const struct weft_key *public_key, struct weft_peer *out)
{
	struct weft_device *dev = NULL;
	struct weft_peer *peer;
	int err = weft_device_get(weft, ifname, &dev);

	if (err)
		return err;
	err = -WEFT_E_NO_PEER;
	weft_for_each_peer(dev, peer) {
		if (weft_key_equal(&peer->public_key, public_key)) {
			take_peer(out, peer);
			err = 0;
			break;
		}
	}
	weft_device_free(dev);
	return err ? weft_fail(weft, err) : 0;
}

int weft_peer_get(struct weft *weft, const char *ifname, const struct weft_key *public_key,
		  struct weft_peer *out)
{
	struct weft_peer wanted = { .public_key = *public_key };
	struct weft_device *dev = weft_device_new(NULL);
	struct nl_msg *msg;
	int err;

	if (!dev)
		return weft_fail(weft, -ENOMEM);
	msg = weft_request_new(weft, WEFT_CMD_PEER_GET, NLM_F_ACK, weft_peer_size(&wanted));
	err = put_ifname(msg, ifname);
	if (!err)
		err = weft_put_peer(msg, &wanted);
	err = run(weft, msg, err, read_into, dev);
	if (!err && !dev->first_peer)
		err = weft_fail(weft, -WEFT_E_REPLY);
	if (!err)
		take_peer(out, dev->first_peer);
	weft_device_free(dev);
	if (err == -EMSGSIZE)
		return get_peer_by_dump(weft, ifname, public_key, out);
	return err;
}

int weft_events_open(struct weft *weft)
{
	int err;

	if (weft->events)
		return weft_sock_fd(weft->events);
	memset(&weft->error, 0, sizeof(weft->error));
	if (!weft->events_group)
		return weft_fail(weft, -WEFT_E_OLD_KERNEL);
	err = weft_sock_open(&weft->events, true);
	if (!err)
		err = weft_sock_join(weft->events, weft->events_group);
	if (!err)
		return weft_sock_fd(weft->events);
	weft_sock_close(weft->events);
	weft->events = NULL;
	return weft_fail(weft, err);
}

static int event_type(uint8_t cmd, const struct weft_device *dev,
		      const struct weft_event_kind *kind)
{
	if (cmd == WEFT_CMD_SESSION_NTF && kind->session) {
		switch (kind->session_event) {
		case WEFT_SESSION_EVENT_NEW:
			return WEFT_EVENT_SESSION_NEW;
		case WEFT_SESSION_EVENT_EXPIRED:
			return WEFT_EVENT_SESSION_EXPIRED;
		}
	}
	if (cmd == WEFT_CMD_PATH_NTF && kind->path &&
	    kind->path_event == WEFT_PATH_EVENT_CHANGED)
		return WEFT_EVENT_PATH_CHANGED;
	if (cmd == WEFT_CMD_UNKNOWN_PEER_NTF && dev->first_peer)
		return WEFT_EVENT_UNKNOWN_PEER;
	if (cmd == WEFT_CMD_UNKNOWN_DESTINATION_NTF && kind->has_destination)
		return WEFT_EVENT_UNKNOWN_DESTINATION;
	return -1;
}

/* Return 1 if @nlh is an event that is known, 0 if not, or a code. */
static int parse_event(const struct nlmsghdr *nlh, struct weft_event *event)
{
	const struct genlmsghdr *gnlh = nlmsg_data(nlh);
	struct weft_device *dev = weft_device_new(NULL);
	struct weft_event_kind kind = { 0 };
	int type, err;

	if (!dev)
		return -ENOMEM;
	err = weft_parse_device(nlh, dev, &kind);
	type = err ? -1 : event_type(gnlh->cmd, dev, &kind);
	if (type >= 0) {
		memset(event, 0, sizeof(*event));
		event->type = (enum weft_event_type)type;
		event->ifindex = dev->ifindex;
		memcpy(event->ifname, dev->ifname, sizeof(event->ifname));
		event->destination = kind.destination;
		if (dev->first_peer)
			take_peer(&event->peer, dev->first_peer);
	}
	weft_device_free(dev);
	return err ? err : type >= 0;
}

/* The next message of the datagram at hand, or NULL at its end. */
static const struct nlmsghdr *next_message(struct weft *weft)
{
	const struct nlmsghdr *nlh;
	size_t left = weft->event_len - weft->event_pos;

	if (!weft->event_buf)
		return NULL;
	nlh = (const struct nlmsghdr *)(weft->event_buf + weft->event_pos);
	if (nlmsg_ok(nlh, (int)left)) {
		size_t step = NLMSG_ALIGN(nlh->nlmsg_len);

		weft->event_pos += step < left ? step : left;
		return nlh;
	}
	weft_buf_free(weft->event_buf, weft->event_len);
	weft->event_buf = NULL;
	weft->event_len = 0;
	weft->event_pos = 0;
	return NULL;
}

static int next_datagram(struct weft *weft)
{
	int err = weft_sock_recv(weft->events, &weft->event_buf, &weft->event_len);

	if (err) {
		weft->event_buf = NULL;
		weft->event_len = 0;
	}
	return err == -ENOBUFS ? -WEFT_E_LOST : err;
}

int weft_event_read(struct weft *weft, struct weft_event *event)
{
	const struct nlmsghdr *nlh;
	int err = 0;

	memset(&weft->error, 0, sizeof(weft->error));
	if (!weft->events)
		return weft_fail(weft, -EBADF);
	for (;;) {
		nlh = next_message(weft);
		if (!nlh) {
			err = next_datagram(weft);
			if (err)
				break;
			continue;
		}
		if (nlh->nlmsg_type != weft->family)
			continue;
		err = parse_event(nlh, event);
		if (err)
			break;
	}
	if (err == 1)
		return 1;
	return err == -EAGAIN ? 0 : weft_fail(weft, err);
}
