// SPDX-License-Identifier: GPL-2.0-or-later
/* The library against a kernel that says what a test wants it to say. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../libweft/internal.h"
#include "fake_socket.h"
#include "unit.h"

/* How a test answers requests, and how many there were. */
static void (*answer)(const struct nlmsghdr *request, uint8_t cmd);
static int requests;
/* A copy of the last one. */
static struct nlmsghdr *last_request;

void fake_kernel(const struct nlmsghdr *request)
{
	const struct genlmsghdr *gnlh = nlmsg_data(request);

	++requests;
	free(last_request);
	last_request = malloc(request->nlmsg_len);
	assert_non_null(last_request);
	memcpy(last_request, request, request->nlmsg_len);
	answer(request, gnlh->cmd);
}

static struct weft *begin(void (*how)(const struct nlmsghdr *request, uint8_t cmd))
{
	struct weft *weft = NULL;

	fake_reset();
	answer = how;
	requests = 0;
	assert_int_equal(weft_open(&weft), 0);
	return weft;
}

static void end(struct weft *weft)
{
	weft_close(weft);
	free(last_request);
	last_request = NULL;
	fake_reset();
}

static void answer_ack(const struct nlmsghdr *request, uint8_t cmd)
{
	(void)cmd;
	fake_ack(request);
}

/* Fill in a device with peers, each with allowed IPs that no other has. */
static struct weft_device *make_device(unsigned int peers, unsigned int ips)
{
	struct weft_device *dev = weft_device_new("weft0");
	struct weft_key key = { { 0 } };

	for (unsigned int i = 0; i < peers; ++i) {
		memcpy(key.bytes, &i, sizeof(i));
		key.bytes[31] = 1;
		assert_non_null(weft_device_add_peer(dev, &key));
		for (unsigned int j = 0; j < ips; ++j) {
			struct weft_allowed_ip ip = { .family = j % 2 ? AF_INET6 : AF_INET };
			uint32_t address = htonl(i * ips + j);

			memcpy(ip.addr, &address, sizeof(address));
			ip.prefix_len = j % 2 ? 128 : 32;
			assert_int_equal(weft_peer_add_allowed_ip(dev->last_peer, &ip), 0);
		}
	}
	return dev;
}

static void assert_same_peers(const struct weft_device *a, const struct weft_device *b)
{
	const struct weft_peer *x = a->first_peer, *y = b->first_peer;

	for (; x && y; x = x->next, y = y->next) {
		assert_true(weft_key_equal(&x->public_key, &y->public_key));
		assert_int_equal(x->n_allowed_ips, y->n_allowed_ips);
		if (x->n_allowed_ips)
			assert_memory_equal(x->allowed_ips, y->allowed_ips,
					    x->n_allowed_ips * sizeof(*x->allowed_ips));
	}
	assert_null(x);
	assert_null(y);
}

static struct weft_device *decoded_request(void)
{
	struct weft_device *dev = weft_device_new(NULL);
	struct weft_event_kind kind = { 0 };

	assert_int_equal(weft_parse_device(last_request, dev, &kind), 0);
	return dev;
}

/* Opening. */

static void an_absent_module_is_told_apart(void **state)
{
	struct weft *weft = NULL;

	(void)state;
	fake_reset();
	fake.no_family = true;
	assert_int_equal(weft_open(&weft), -WEFT_E_NO_MODULE);
	assert_null(weft);
	assert_contains(weft_strerror(-WEFT_E_NO_MODULE), "modprobe weft");
	fake_reset();
}

static void a_command_that_the_module_lacks_is_not_sent(void **state)
{
	struct weft_key key = { { 1 } };
	struct weft *weft;

	(void)state;
	fake_reset();
	fake.ops = 1ULL << WEFT_CMD_DEVICE_GET;
	answer = answer_ack;
	requests = 0;
	assert_int_equal(weft_open(&weft), 0);
	assert_int_equal(weft_peer_del(weft, "weft0", &key), -WEFT_E_OLD_KERNEL);
	assert_int_equal(requests, 0);
	assert_contains(weft_last_error(weft)->text, "update the module");
	end(weft);
}

/* Requests. */

static void every_member_of_a_request_is_encoded(void **state)
{
	struct weft *weft = begin(answer_ack);
	struct weft_device *dev = make_device(1, 2), *got;
	struct weft_peer *peer = dev->first_peer;

	(void)state;
	dev->has = WEFT_DEVICE_HAS_PRIVATE_KEY | WEFT_DEVICE_HAS_LISTEN_PORT |
		   WEFT_DEVICE_HAS_FWMARK | WEFT_DEVICE_HAS_UPCALLS;
	dev->private_key = key_of(KEY_PRIVATE);
	dev->listen_port = 51820;
	dev->fwmark = 0xdeadbeef;
	dev->upcalls = WEFT_UPCALL_F_UNKNOWN_DESTINATION;
	peer->has = WEFT_PEER_HAS_PRESHARED_KEY | WEFT_PEER_HAS_ENDPOINT |
		    WEFT_PEER_HAS_PERSISTENT_KEEPALIVE | WEFT_PEER_HAS_SUITE;
	peer->flags = WEFT_PEER_F_REPLACE_ALLOWED_IPS;
	peer->preshared_key = key_of(KEY_PSK);
	peer->endpoint.in6.sin6_family = AF_INET6;
	peer->endpoint.in6.sin6_port = htons(5);
	peer->endpoint.in6.sin6_addr.s6_addr[15] = 1;
	peer->persistent_keepalive = 25;
	peer->suite = WEFT_SUITE_AUTO;
	peer->allowed_ips[1].flags = WEFT_ALLOWED_IP_F_REMOVE_ME;
	assert_int_equal(weft_device_set(weft, dev), 0);
	got = decoded_request();
	assert_string_equal(got->ifname, "weft0");
	assert_int_equal(got->has, dev->has);
	assert_key(&got->private_key, KEY_PRIVATE);
	assert_int_equal(got->listen_port, 51820);
	assert_int_equal(got->fwmark, 0xdeadbeef);
	assert_int_equal(got->upcalls, WEFT_UPCALL_F_UNKNOWN_DESTINATION);
	assert_same_peers(dev, got);
	assert_int_equal(got->first_peer->has, peer->has);
	assert_int_equal(got->first_peer->flags, peer->flags);
	assert_key(&got->first_peer->preshared_key, KEY_PSK);
	assert_memory_equal(&got->first_peer->endpoint, &peer->endpoint,
			    sizeof(peer->endpoint.in6));
	assert_int_equal(got->first_peer->persistent_keepalive, 25);
	assert_int_equal(got->first_peer->suite, WEFT_SUITE_AUTO);
	weft_device_free(got);
	weft_device_free(dev);
	end(weft);
}

static void what_is_not_to_be_changed_is_not_sent(void **state)
{
	struct weft *weft = begin(answer_ack);
	struct weft_device *dev = make_device(1, 0);
	const struct genlmsghdr *gnlh;
	const struct nlattr *attr;
	int rem, peers = 0;

	(void)state;
	assert_int_equal(weft_device_set(weft, dev), 0);
	gnlh = nlmsg_data(last_request);
	assert_int_equal(gnlh->cmd, WEFT_CMD_DEVICE_SET);
	assert_int_equal(last_request->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	nla_for_each_attr(attr, genlmsg_attrdata(gnlh, 0), genlmsg_attrlen(gnlh, 0), rem) {
		if (nla_type(attr) == WEFT_A_DEVICE_PEER) {
			++peers;
			assert_true(attr->nla_type & NLA_F_NESTED);
			assert_int_equal(nla_len(attr), NLA_HDRLEN + WEFT_KEY_LEN);
		} else {
			assert_int_equal(nla_type(attr), WEFT_A_DEVICE_IFNAME);
		}
	}
	assert_int_equal(peers, 1);
	weft_device_free(dev);
	end(weft);
}

static void a_device_without_a_name_goes_by_its_index(void **state)
{
	struct weft *weft = begin(answer_ack);
	struct weft_device *dev = weft_device_new(NULL), *got;

	(void)state;
	dev->ifindex = 12;
	assert_int_equal(weft_device_set(weft, dev), 0);
	got = decoded_request();
	assert_int_equal(got->ifindex, 12);
	assert_string_equal(got->ifname, "");
	weft_device_free(got);
	weft_device_free(dev);
	end(weft);
}

static void count_peer_attributes(int *attributes, int *with_flags, uint32_t *last_flags)
{
	const struct genlmsghdr *gnlh = nlmsg_data(last_request);
	const struct nlattr *attr, *flags;
	int rem;

	*attributes = 0;
	*with_flags = 0;
	nla_for_each_attr(attr, genlmsg_attrdata(gnlh, 0), genlmsg_attrlen(gnlh, 0), rem) {
		if (nla_type(attr) != WEFT_A_DEVICE_PEER)
			continue;
		++*attributes;
		flags = nla_find(nla_data(attr), nla_len(attr), WEFT_A_PEER_FLAGS);
		if (flags) {
			++*with_flags;
			*last_flags = nla_get_u32(flags);
		}
	}
	assert_int_equal(rem, 0);
}

static void a_peer_with_130000_allowed_ips_is_one_request_of_several_attributes(void **state)
{
	struct weft *weft = begin(answer_ack);
	struct weft_device *dev = make_device(1, 130000), *got;
	int attributes, with_flags;
	uint32_t flags;

	(void)state;
	dev->first_peer->flags = WEFT_PEER_F_REPLACE_ALLOWED_IPS;
	assert_int_equal(weft_device_set(weft, dev), 0);
	assert_int_equal(requests, 1);
	count_peer_attributes(&attributes, &with_flags, &flags);
	assert_in_range(attributes, 60, 90);
	/* The second one must not replace what the first one put in. */
	assert_int_equal(with_flags, 1);
	got = decoded_request();
	assert_same_peers(dev, got);
	weft_device_free(got);
	weft_device_free(dev);
	end(weft);
}

static void a_continued_peer_that_is_only_to_be_updated_stays_so(void **state)
{
	struct weft *weft = begin(answer_ack);
	struct weft_device *dev = make_device(1, 5000);
	int attributes, with_flags;
	uint32_t flags;

	(void)state;
	dev->first_peer->flags = WEFT_PEER_F_UPDATE_ONLY | WEFT_PEER_F_REPLACE_ALLOWED_IPS;
	assert_int_equal(weft_device_set(weft, dev), 0);
	count_peer_attributes(&attributes, &with_flags, &flags);
	assert_true(attributes > 1);
	assert_int_equal(with_flags, attributes);
	assert_int_equal(flags, WEFT_PEER_F_UPDATE_ONLY);
	weft_device_free(dev);
	end(weft);
}

static void allowed_ips_of_any_number_are_split_without_loss(void **state)
{
	struct weft *weft = begin(answer_ack);

	(void)state;
	for (unsigned int n = 1880; n < 1960; ++n) {
		struct weft_device *dev = make_device(2, n), *got;

		assert_int_equal(weft_device_set(weft, dev), 0);
		got = decoded_request();
		assert_same_peers(dev, got);
		weft_device_free(got);
		weft_device_free(dev);
	}
	end(weft);
}

static void ten_thousand_peers_are_one_request(void **state)
{
	struct weft *weft = begin(answer_ack);
	struct weft_device *dev = make_device(10000, 4), *got;

	(void)state;
	assert_int_equal(weft_device_set(weft, dev), 0);
	assert_int_equal(requests, 1);
	got = decoded_request();
	assert_same_peers(dev, got);
	weft_device_free(got);
	weft_device_free(dev);
	end(weft);
}

static void a_request_that_the_socket_cannot_take_names_the_sysctl(void **state)
{
	struct weft *weft = begin(answer_ack);
	struct weft_device *dev = make_device(1000, 4);

	(void)state;
	fake.send_limit = 1000;
	assert_int_equal(weft_device_set(weft, dev), -WEFT_E_BUFFER);
	assert_int_equal(requests, 0);
	assert_contains(weft_last_error(weft)->text, "sysctl -w net.core.wmem_max=");
	weft_device_free(dev);
	end(weft);
}

static void an_endpoint_of_an_unknown_family_is_not_sent(void **state)
{
	struct weft *weft = begin(answer_ack);
	struct weft_device *dev = make_device(1, 0);

	(void)state;
	dev->first_peer->has = WEFT_PEER_HAS_ENDPOINT;
	dev->first_peer->endpoint.sa.sa_family = AF_UNIX;
	assert_true(weft_device_set(weft, dev) < 0);
	assert_int_equal(requests, 0);
	weft_device_free(dev);
	end(weft);
}

static void a_name_that_no_interface_can_have_is_no_device(void **state)
{
	struct weft *weft = begin(answer_ack);
	struct weft_device *dev = NULL;

	(void)state;
	assert_int_equal(weft_device_get(weft, "a-name-of-16-chr", &dev), -WEFT_E_NO_DEVICE);
	assert_int_equal(weft_device_get(weft, "", &dev), -WEFT_E_NO_DEVICE);
	assert_null(dev);
	assert_int_equal(requests, 0);
	end(weft);
}

/* Errors. */

static int error_to_give;
static const char *error_text;
static uint32_t error_offset;

static void answer_error(const struct nlmsghdr *request, uint8_t cmd)
{
	(void)cmd;
	fake_error(request, error_to_give, error_text, error_offset);
}

static void the_kernels_errno_becomes_a_telling_code(void **state)
{
	static const struct {
		uint8_t cmd;
		int err, code;
	} cases[] = {
		{ WEFT_CMD_DEVICE_SET, -ENODEV, -WEFT_E_NO_DEVICE },
		{ WEFT_CMD_DEVICE_SET, -EOPNOTSUPP, -WEFT_E_NOT_WEFT },
		{ WEFT_CMD_DEVICE_SET, -EPERM, -EPERM },
		{ WEFT_CMD_DEVICE_SET, -EINVAL, -EINVAL },
		{ WEFT_CMD_DEVICE_SET, -EADDRINUSE, -EADDRINUSE },
		{ WEFT_CMD_PEER_NEW, -EEXIST, -WEFT_E_PEER_EXISTS },
		{ WEFT_CMD_PEER_SET, -ENOENT, -WEFT_E_NO_PEER },
		{ WEFT_CMD_PEER_GET, -ENOENT, -WEFT_E_NO_PEER },
		{ WEFT_CMD_PEER_DEL, -ENOENT, -WEFT_E_NO_PEER },
	};
	struct weft *weft = begin(answer_error);
	struct weft_device *dev = make_device(1, 0);
	struct weft_peer *peer = dev->first_peer, got;

	(void)state;
	error_text = NULL;
	error_offset = 0;
	for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
		int err = 0;

		error_to_give = cases[i].err;
		switch (cases[i].cmd) {
		case WEFT_CMD_DEVICE_SET:
			err = weft_device_set(weft, dev);
			break;
		case WEFT_CMD_PEER_NEW:
			err = weft_peer_new(weft, "weft0", peer);
			break;
		case WEFT_CMD_PEER_SET:
			err = weft_peer_set(weft, "weft0", peer);
			break;
		case WEFT_CMD_PEER_GET:
			err = weft_peer_get(weft, "weft0", &peer->public_key, &got);
			break;
		case WEFT_CMD_PEER_DEL:
			err = weft_peer_del(weft, "weft0", &peer->public_key);
			break;
		}
		assert_int_equal(err, cases[i].code);
		assert_int_equal(weft_last_error(weft)->code, cases[i].code);
		assert_string_equal(weft_last_error(weft)->text, weft_strerror(err));
	}
	weft_device_free(dev);
	end(weft);
}

static uint32_t offset_of_second_prefix_len(const struct nlmsghdr *request)
{
	const struct nlattr *attr, *ip;
	int rem;

	attr = nlmsg_find_attr((struct nlmsghdr *)request, GENL_HDRLEN, WEFT_A_DEVICE_PEER);
	nla_for_each_nested(ip, attr, rem) {
		if (nla_type(ip) == WEFT_A_PEER_ALLOWED_IP && rem <= nla_total_size(nla_len(ip)))
			break;
	}
	attr = nla_find(nla_data(ip), nla_len(ip), WEFT_A_ALLOWED_IP_PREFIX_LEN);
	return (uint32_t)((const char *)attr - (const char *)request);
}

static void answer_bad_prefix(const struct nlmsghdr *request, uint8_t cmd)
{
	(void)cmd;
	fake_error(request, -EINVAL, "prefix is too long",
		   offset_of_second_prefix_len(request));
}

static void a_refused_attribute_is_named_with_peer_and_prefix(void **state)
{
	struct weft *weft = begin(answer_bad_prefix);
	struct weft_device *dev = weft_device_new("weft0");
	struct weft_key key = key_of(KEY_A);
	struct weft_allowed_ip ip = { .family = AF_INET, .prefix_len = 8, .addr = { 10 } };
	const struct weft_error *error;

	(void)state;
	weft_device_add_peer(dev, &key);
	weft_peer_add_allowed_ip(dev->first_peer, &ip);
	ip.addr[0] = 11;
	weft_peer_add_allowed_ip(dev->first_peer, &ip);
	assert_int_equal(weft_device_set(weft, dev), -EINVAL);
	error = weft_last_error(weft);
	assert_string_equal(error->kernel, "prefix is too long");
	assert_string_equal(error->attribute,
			    "peer " KEY_A ", allowed IP 11.0.0.0/8, prefix length");
	assert_string_equal(error->text, "Invalid argument; the kernel says: prefix is too long "
			    "(peer " KEY_A ", allowed IP 11.0.0.0/8, prefix length)");
	weft_device_free(dev);
	end(weft);
}

static void answer_unsupported_key(const struct nlmsghdr *request, uint8_t cmd)
{
	const struct nlattr *attr = nlmsg_find_attr((struct nlmsghdr *)request, GENL_HDRLEN,
						    WEFT_A_DEVICE_PEER);

	(void)cmd;
	fake_error(request, -EOPNOTSUPP, "not today",
		   (uint32_t)((const char *)attr - (const char *)request));
}

static void an_unsupported_setting_does_not_mean_another_kind_of_interface(void **state)
{
	struct weft *weft = begin(answer_unsupported_key);
	struct weft_device *dev = make_device(1, 0);

	(void)state;
	assert_int_equal(weft_device_set(weft, dev), -EOPNOTSUPP);
	assert_contains(weft_last_error(weft)->text, "not today");
	weft_device_free(dev);
	end(weft);
}

static void an_unknown_attribute_means_an_older_kernel(void **state)
{
	static const char *const texts[] = {
		"Unknown attribute type", "Unsupported attribute", "reserved bit set",
	};
	struct weft *weft = begin(answer_error);
	struct weft_device *dev = make_device(1, 0);

	(void)state;
	error_to_give = -EINVAL;
	error_offset = 0;
	for (size_t i = 0; i < ARRAY_SIZE(texts); ++i) {
		error_text = texts[i];
		assert_int_equal(weft_device_set(weft, dev), -WEFT_E_OLD_KERNEL);
	}
	weft_device_free(dev);
	end(weft);
}

static void offsets_outside_the_request_are_passed_over(void **state)
{
	struct weft *weft = begin(answer_error);
	struct weft_device *dev = make_device(2, 3);

	(void)state;
	error_to_give = -EINVAL;
	error_text = "no";
	for (uint32_t offset = 1; offset < 600; ++offset) {
		error_offset = offset;
		assert_int_equal(weft_device_set(weft, dev), -EINVAL);
	}
	error_offset = UINT32_MAX;
	assert_int_equal(weft_device_set(weft, dev), -EINVAL);
	assert_string_equal(weft_last_error(weft)->attribute, "");
	weft_device_free(dev);
	end(weft);
}

static void answer_uncapped_error(const struct nlmsghdr *request, uint8_t cmd)
{
	struct nl_msg *msg = fake_message(request, 0, 0);
	const int err = -EINVAL;

	(void)cmd;
	/* As kernels do that know no NETLINK_CAP_ACK: the whole request comes back. */
	nlmsg_hdr(msg)->nlmsg_len = NLMSG_HDRLEN;
	nlmsg_hdr(msg)->nlmsg_type = NLMSG_ERROR;
	nlmsg_hdr(msg)->nlmsg_flags = NLM_F_ACK_TLVS;
	nlmsg_append(msg, (void *)&err, sizeof(err), 0);
	nlmsg_append(msg, (void *)request, request->nlmsg_len, NLMSG_ALIGNTO);
	nla_put_string(msg, NLMSGERR_ATTR_MSG, "behind the request");
	fake_deliver(msg);
}

static void the_text_is_found_behind_a_request_that_came_back_whole(void **state)
{
	struct weft *weft = begin(answer_uncapped_error);
	struct weft_device *dev = make_device(1, 1);

	(void)state;
	assert_int_equal(weft_device_set(weft, dev), -EINVAL);
	assert_string_equal(weft_last_error(weft)->kernel, "behind the request");
	weft_device_free(dev);
	end(weft);
}

static void every_code_has_a_text(void **state)
{
	(void)state;
	for (int code = WEFT_E_NO_MODULE; code <= WEFT_E_LOST; ++code) {
		assert_non_null(weft_strerror(-code));
		assert_null(strstr(weft_strerror(-code), "Unknown error"));
		assert_ptr_equal(weft_strerror(-code), weft_strerror(code));
	}
	assert_contains(weft_strerror(-EPERM), "root");
}

/* Reading. */

static struct weft_device *device_to_show;
static int interruptions;
/* Allowed IPs in each message of a dump. */
static size_t ips_per_message;

static void put_part(const struct nlmsghdr *request, const struct weft_peer *peer, size_t from,
		     size_t n, int flags)
{
	struct weft_peer part = *peer;
	struct nl_msg *msg;

	fake.room = n * 64;
	msg = fake_message(request, WEFT_CMD_PEER_GET, NLM_F_MULTI | flags);
	part.allowed_ips += from;
	part.n_allowed_ips = n;
	if (from)
		part.has = 0;
	nla_put_u32(msg, WEFT_A_DEVICE_IFINDEX, 7);
	assert_int_equal(weft_put_peer(msg, &part), 0);
	fake_deliver(msg);
}

static void dump_peers(const struct nlmsghdr *request)
{
	const struct weft_peer *peer;
	int flags = 0;

	if (interruptions) {
		--interruptions;
		flags = NLM_F_DUMP_INTR;
	}
	weft_for_each_peer(device_to_show, peer) {
		size_t from = 0;

		do {
			size_t n = peer->n_allowed_ips - from;

			n = n < ips_per_message ? n : ips_per_message;
			put_part(request, peer, from, n, flags);
			from += n;
		} while (from < peer->n_allowed_ips);
	}
	fake_done(request, 0, flags);
}

static void answer_device(const struct nlmsghdr *request, uint8_t cmd)
{
	struct nl_msg *msg;

	if (cmd == WEFT_CMD_PEER_GET) {
		if (request->nlmsg_flags & NLM_F_DUMP)
			dump_peers(request);
		else
			fake_error(request, -EMSGSIZE, NULL, 0);
		return;
	}
	msg = fake_message(request, WEFT_CMD_DEVICE_GET, 0);
	nla_put_u32(msg, WEFT_A_DEVICE_IFINDEX, 7);
	nla_put_string(msg, WEFT_A_DEVICE_IFNAME, "weft0");
	nla_put_u16(msg, WEFT_A_DEVICE_LISTEN_PORT, 51820);
	nla_put_u32(msg, 1000, 1);
	fake_deliver(msg);
	fake_ack(request);
}

static void begin_device(struct weft_device *dev, size_t per_message, int intr)
{
	device_to_show = dev;
	ips_per_message = per_message;
	interruptions = intr;
}

static void a_peer_continued_over_messages_is_one_peer(void **state)
{
	struct weft *weft = begin(answer_device);
	struct weft_device *dev = make_device(3, 1000), *got = NULL;

	(void)state;
	begin_device(dev, 7, 0);
	assert_int_equal(weft_device_get(weft, "weft0", &got), 0);
	assert_int_equal(got->ifindex, 7);
	assert_int_equal(got->listen_port, 51820);
	assert_same_peers(dev, got);
	weft_device_free(got);
	weft_device_free(dev);
	end(weft);
}

static void ten_thousand_peers_are_read(void **state)
{
	struct weft *weft = begin(answer_device);
	struct weft_device *dev = make_device(10000, 3), *got = NULL;

	(void)state;
	begin_device(dev, 100, 0);
	assert_int_equal(weft_device_get(weft, "weft0", &got), 0);
	assert_same_peers(dev, got);
	weft_device_free(got);
	weft_device_free(dev);
	end(weft);
}

static void an_interrupted_dump_is_read_again(void **state)
{
	struct weft *weft = begin(answer_device);
	struct weft_device *dev = make_device(3, 2), *got = NULL;

	(void)state;
	begin_device(dev, 7, 3);
	assert_int_equal(weft_device_get(weft, "weft0", &got), 0);
	assert_int_equal(requests, 8);
	assert_same_peers(dev, got);
	weft_device_free(got);
	weft_device_free(dev);
	end(weft);
}

static void a_device_that_never_holds_still_is_given_up(void **state)
{
	struct weft *weft = begin(answer_device);
	struct weft_device *dev = make_device(1, 0), *got = NULL;

	(void)state;
	begin_device(dev, 7, 1000000);
	assert_int_equal(weft_device_get(weft, "weft0", &got), -WEFT_E_CHANGING);
	assert_null(got);
	weft_device_free(dev);
	end(weft);
}

static void a_peer_too_large_for_one_message_is_got_by_a_dump(void **state)
{
	struct weft *weft = begin(answer_device);
	struct weft_device *dev = make_device(3, 1000);
	const struct weft_peer *wanted = dev->first_peer->next;
	struct weft_key other = { { 0xff } };
	struct weft_peer got;

	(void)state;
	begin_device(dev, 100, 0);
	assert_int_equal(weft_peer_get(weft, "weft0", &wanted->public_key, &got), 0);
	assert_true(weft_key_equal(&got.public_key, &wanted->public_key));
	assert_int_equal(got.n_allowed_ips, 1000);
	weft_peer_clear(&got);
	assert_int_equal(weft_peer_get(weft, "weft0", &other, &got), -WEFT_E_NO_PEER);
	weft_device_free(dev);
	end(weft);
}

static void answer_done_with_error(const struct nlmsghdr *request, uint8_t cmd)
{
	(void)cmd;
	fake_done(request, -ENODEV, 0);
}

static void a_dump_that_ends_in_an_error_fails(void **state)
{
	struct weft *weft = begin(answer_done_with_error);
	struct weft_device *list = NULL;

	(void)state;
	assert_int_equal(weft_device_list(weft, &list), -WEFT_E_NO_DEVICE);
	assert_null(list);
	end(weft);
}

static void answer_two_devices(const struct nlmsghdr *request, uint8_t cmd)
{
	static const char *const names[] = { "weft0", "weft1" };

	(void)cmd;
	for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
		struct nl_msg *msg = fake_message(request, WEFT_CMD_DEVICE_GET, NLM_F_MULTI);

		nla_put_string(msg, WEFT_A_DEVICE_IFNAME, names[i]);
		fake_deliver(msg);
	}
	fake_done(request, 0, 0);
}

static void devices_are_listed_in_the_kernels_order(void **state)
{
	struct weft *weft = begin(answer_two_devices);
	struct weft_device *list = NULL;

	(void)state;
	assert_int_equal(weft_device_list(weft, &list), 0);
	assert_string_equal(list->ifname, "weft0");
	assert_string_equal(list->next->ifname, "weft1");
	assert_null(list->next->next);
	weft_device_free(list);
	end(weft);
}

static void answer_to_somebody_else_first(const struct nlmsghdr *request, uint8_t cmd)
{
	struct nlmsghdr stale = *request;

	(void)cmd;
	--stale.nlmsg_seq;
	fake_error(&stale, -EIO, "stale", 0);
	fake_ack(request);
}

static void answers_to_an_earlier_request_are_passed_over(void **state)
{
	struct weft *weft = begin(answer_to_somebody_else_first);
	struct weft_device *dev = make_device(1, 0);

	(void)state;
	assert_int_equal(weft_device_set(weft, dev), 0);
	weft_device_free(dev);
	end(weft);
}

/* Replies that make no sense. */

static struct nlmsghdr *example_reply(void)
{
	static const struct sockaddr_in endpoint = { .sin_family = AF_INET };
	static const struct weft_key key = { { 1 } };
	const struct nlmsghdr request = { 0 };
	struct nl_msg *msg = fake_message(&request, WEFT_CMD_PEER_GET, 0);
	struct nlattr *peer, *nest;
	struct nlmsghdr *copy;
	const int64_t sec = 5;

	nla_put_u32(msg, WEFT_A_DEVICE_IFINDEX, 7);
	nla_put_string(msg, WEFT_A_DEVICE_IFNAME, "weft0");
	nla_put(msg, WEFT_A_DEVICE_PRIVATE_KEY, sizeof(key), &key);
	nla_put(msg, WEFT_A_DEVICE_PUBLIC_KEY, sizeof(key), &key);
	nla_put_u16(msg, WEFT_A_DEVICE_LISTEN_PORT, 5);
	nla_put_u32(msg, WEFT_A_DEVICE_FWMARK, 5);
	nla_put_u32(msg, WEFT_A_DEVICE_PEER_COUNT, 5);
	nla_put_u32(msg, WEFT_A_DEVICE_UPCALLS, WEFT_UPCALL_F_UNKNOWN_PEER);
	peer = nla_nest_start(msg, WEFT_A_DEVICE_PEER);
	nla_put(msg, WEFT_A_PEER_PUBLIC_KEY, sizeof(key), &key);
	nla_put(msg, WEFT_A_PEER_PRESHARED_KEY, sizeof(key), &key);
	nla_put(msg, WEFT_A_PEER_ENDPOINT, sizeof(endpoint), &endpoint);
	nla_put_u16(msg, WEFT_A_PEER_PERSISTENT_KEEPALIVE, 5);
	nla_put(msg, WEFT_A_PEER_LAST_HANDSHAKE_SEC, sizeof(sec), &sec);
	nla_put_u32(msg, WEFT_A_PEER_LAST_HANDSHAKE_NSEC, 5);
	nla_put_u64(msg, WEFT_A_PEER_RX_BYTES, 5);
	nla_put_u64(msg, WEFT_A_PEER_TX_BYTES, 5);
	nla_put_u32(msg, WEFT_A_PEER_SUITE, 255);
	nla_put_u32(msg, WEFT_A_PEER_SESSION_SUITE, 1);
	nest = nla_nest_start(msg, WEFT_A_PEER_ALLOWED_IP);
	nla_put_u16(msg, WEFT_A_ALLOWED_IP_FAMILY, AF_INET6);
	nla_put(msg, WEFT_A_ALLOWED_IP_ADDRESS, 16, &key);
	nla_put_u8(msg, WEFT_A_ALLOWED_IP_PREFIX_LEN, 128);
	nla_nest_end(msg, nest);
	nest = nla_nest_start(msg, WEFT_A_PEER_PATH);
	nla_put_u32(msg, WEFT_A_PATH_TYPE, WEFT_PATH_TYPE_DIRECT);
	nla_put_u32(msg, WEFT_A_PATH_STATE, WEFT_PATH_STATE_ACTIVE);
	nla_put(msg, WEFT_A_PATH_ENDPOINT, sizeof(endpoint), &endpoint);
	nla_put(msg, WEFT_A_PATH_SOURCE, sizeof(endpoint), &endpoint);
	nla_put_u32(msg, WEFT_A_PATH_SOURCE_IFINDEX, 2);
	nla_put_u64(msg, WEFT_A_PATH_LAST_RX_MS, 1234);
	nla_nest_end(msg, nest);
	nla_nest_end(msg, peer);
	copy = malloc(nlmsg_hdr(msg)->nlmsg_len);
	assert_non_null(copy);
	memcpy(copy, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
	nlmsg_free(msg);
	return copy;
}

static int parse(const struct nlmsghdr *nlh, struct weft_device **dev)
{
	struct weft_event_kind kind = { 0 };

	*dev = weft_device_new(NULL);
	return weft_parse_device(nlh, *dev, &kind);
}

static void every_member_of_a_reply_is_decoded(void **state)
{
	struct nlmsghdr *reply = example_reply();
	struct weft_device *dev;
	struct weft_peer *peer;

	(void)state;
	assert_int_equal(parse(reply, &dev), 0);
	assert_int_equal(dev->peer_count, 5);
	assert_int_equal(dev->has, WEFT_DEVICE_HAS_PRIVATE_KEY | WEFT_DEVICE_HAS_PUBLIC_KEY |
			 WEFT_DEVICE_HAS_LISTEN_PORT | WEFT_DEVICE_HAS_FWMARK |
			 WEFT_DEVICE_HAS_UPCALLS);
	assert_int_equal(dev->upcalls, WEFT_UPCALL_F_UNKNOWN_PEER);
	peer = dev->first_peer;
	assert_int_equal(peer->last_handshake.tv_sec, 5);
	assert_int_equal(peer->last_handshake.tv_nsec, 5);
	assert_int_equal(peer->rx_bytes, 5);
	assert_int_equal(peer->tx_bytes, 5);
	assert_int_equal(peer->session_suite, WEFT_SUITE_AES256GCM);
	assert_int_equal(peer->n_paths, 1);
	assert_int_equal(peer->paths[0].state, WEFT_PATH_STATE_ACTIVE);
	assert_int_equal(peer->paths[0].endpoint.sa.sa_family, AF_INET);
	assert_int_equal(peer->paths[0].source.sa.sa_family, AF_INET);
	assert_int_equal(peer->paths[0].source_ifindex, 2);
	assert_int_equal(peer->paths[0].last_rx_ms, 1234);
	weft_device_free(dev);
	free(reply);
}

static void a_reply_cut_off_anywhere_is_refused_or_shorter(void **state)
{
	struct nlmsghdr *reply = example_reply();
	uint32_t len = reply->nlmsg_len;

	(void)state;
	for (uint32_t cut = NLMSG_HDRLEN; cut < len; ++cut) {
		/* In memory of its own size, for the sanitizer to see what is read beyond. */
		struct nlmsghdr *part = malloc(cut);
		struct weft_device *dev;
		int err;

		memcpy(part, reply, cut);
		part->nlmsg_len = cut;
		err = parse(part, &dev);
		/* Nothing of a peer that is not there whole. */
		if (!err)
			assert_null(dev->first_peer);
		else
			assert_int_equal(err, -WEFT_E_REPLY);
		weft_device_free(dev);
		free(part);
	}
	free(reply);
}

/* Change the length of each attribute in turn. */
static void try_lengths(struct nlmsghdr *reply, struct nlattr *attr, int rem, int depth)
{
	for (; nla_ok(attr, rem); attr = nla_next(attr, &rem)) {
		static const uint16_t lengths[] = { 0, 1, 3, 4, 5, 6, 7, 8, 19, 20, 37, 65535 };
		uint16_t len = attr->nla_len;

		if (depth < 3 && attr->nla_type & NLA_F_NESTED)
			try_lengths(reply, nla_data(attr), nla_len(attr), depth + 1);
		for (size_t i = 0; i < ARRAY_SIZE(lengths); ++i) {
			struct weft_device *dev;

			if (lengths[i] == len || attr->nla_type & NLA_F_NESTED)
				continue;
			attr->nla_len = lengths[i];
			if (!parse(reply, &dev))
				fail_msg("attribute %d of length %u instead of %u was accepted",
					 nla_type(attr), lengths[i], len);
			weft_device_free(dev);
		}
		attr->nla_len = len;
	}
}

static void an_attribute_of_a_wrong_length_is_refused(void **state)
{
	struct nlmsghdr *reply = example_reply();
	struct weft_device *dev;

	(void)state;
	try_lengths(reply, genlmsg_attrdata(nlmsg_data(reply), 0),
		    genlmsg_attrlen(nlmsg_data(reply), 0), 0);
	assert_int_equal(parse(reply, &dev), 0);
	weft_device_free(dev);
	free(reply);
}

static void a_reply_with_bits_changed_does_no_harm(void **state)
{
	struct nlmsghdr *reply = example_reply();
	uint32_t len = reply->nlmsg_len;
	struct nlmsghdr *copy = malloc(len);

	(void)state;
	srandom(2);
	for (int i = 0; i < 50000; ++i) {
		struct weft_device *dev;

		memcpy(copy, reply, len);
		for (long n = 1 + random() % 6; n > 0; --n) {
			size_t at = NLMSG_HDRLEN + (size_t)random() % (len - NLMSG_HDRLEN);

			((unsigned char *)copy)[at] ^= (unsigned char)(1 << random() % 8);
		}
		(void)parse(copy, &dev);
		weft_device_free(dev);
	}
	free(copy);
	free(reply);
}

static unsigned char *raw_answer;
static size_t raw_len;

static void answer_raw(const struct nlmsghdr *request, uint8_t cmd)
{
	(void)cmd;
	if (raw_len >= sizeof(*request))
		((struct nlmsghdr *)raw_answer)->nlmsg_seq = request->nlmsg_seq;
	fake_datagram(raw_answer, raw_len);
	fake_ack(request);
}

static void datagrams_of_any_bytes_do_no_harm(void **state)
{
	struct weft *weft = begin(answer_raw);
	struct nlmsghdr *reply = example_reply();

	(void)state;
	srandom(3);
	raw_answer = malloc(reply->nlmsg_len + 64);
	for (int i = 0; i < 20000; ++i) {
		struct weft_peer peer = { 0 };
		struct weft_key key = { { 1 } };

		raw_len = (size_t)random() % (reply->nlmsg_len + 64);
		memset(raw_answer, (int)random(), reply->nlmsg_len + 64);
		memcpy(raw_answer, reply, raw_len < reply->nlmsg_len ? raw_len :
		       reply->nlmsg_len);
		if (random() % 2)
			raw_answer[(size_t)random() % sizeof(*reply)] = (unsigned char)random();
		if (!weft_peer_get(weft, "weft0", &key, &peer))
			weft_peer_clear(&peer);
		fake_reset();
	}
	free(raw_answer);
	free(reply);
	end(weft);
}

static void answer_nothing(const struct nlmsghdr *request, uint8_t cmd)
{
	(void)request;
	(void)cmd;
}

static void an_error_of_the_socket_is_passed_on(void **state)
{
	struct weft *weft = begin(answer_nothing);
	struct weft_device *dev = make_device(1, 0);

	(void)state;
	fake.recv_error = -ENOBUFS;
	assert_int_equal(weft_device_set(weft, dev), -ENOBUFS);
	weft_device_free(dev);
	end(weft);
}

static void answer_ack_without_data(const struct nlmsghdr *request, uint8_t cmd)
{
	(void)cmd;
	fake_ack(request);
}

static void a_peer_that_the_reply_lacks_is_an_error(void **state)
{
	struct weft *weft = begin(answer_ack_without_data);
	struct weft_key key = { { 1 } };
	struct weft_peer peer;

	(void)state;
	assert_int_equal(weft_peer_get(weft, "weft0", &key, &peer), -WEFT_E_REPLY);
	end(weft);
}

/* Events. */

static void send_event(uint8_t cmd, int attribute, uint32_t what)
{
	static const struct sockaddr_in endpoint = { .sin_family = AF_INET, .sin_port = 5 };
	struct weft_key key = key_of(KEY_A);
	struct nl_msg *msg = fake_message(NULL, cmd, 0);
	struct nlattr *nest;

	nla_put_u32(msg, WEFT_A_DEVICE_IFINDEX, 7);
	nla_put_string(msg, WEFT_A_DEVICE_IFNAME, "weft0");
	nla_put_u32(msg, attribute, what);
	nest = nla_nest_start(msg, WEFT_A_DEVICE_PEER);
	nla_put(msg, WEFT_A_PEER_PUBLIC_KEY, sizeof(key), &key);
	nla_put(msg, WEFT_A_PEER_ENDPOINT, sizeof(endpoint), &endpoint);
	nla_nest_end(msg, nest);
	fake_deliver_event(msg);
}

static void assert_event(struct weft *weft, enum weft_event_type type)
{
	struct weft_event event;

	assert_int_equal(weft_event_read(weft, &event), 1);
	assert_int_equal(event.type, type);
	assert_int_equal(event.ifindex, 7);
	assert_string_equal(event.ifname, "weft0");
	assert_key(&event.peer.public_key, KEY_A);
	assert_int_equal(event.peer.endpoint.sa.sa_family, AF_INET);
	weft_peer_clear(&event.peer);
}

static void events_are_read_and_unknown_ones_passed_over(void **state)
{
	struct weft *weft = begin(answer_ack);
	struct weft_event event;

	(void)state;
	assert_int_equal(weft_events_open(weft), 78);
	assert_int_equal(weft_events_open(weft), 78);
	assert_int_equal(weft_event_read(weft, &event), 0);
	send_event(WEFT_CMD_SESSION_NTF, WEFT_A_DEVICE_SESSION_EVENT, WEFT_SESSION_EVENT_NEW);
	send_event(WEFT_CMD_SESSION_NTF, WEFT_A_DEVICE_SESSION_EVENT, 77);
	send_event(99, WEFT_A_DEVICE_SESSION_EVENT, WEFT_SESSION_EVENT_NEW);
	send_event(WEFT_CMD_SESSION_NTF, WEFT_A_DEVICE_SESSION_EVENT,
		   WEFT_SESSION_EVENT_EXPIRED);
	send_event(WEFT_CMD_PATH_NTF, WEFT_A_DEVICE_PATH_EVENT, WEFT_PATH_EVENT_CHANGED);
	assert_event(weft, WEFT_EVENT_SESSION_NEW);
	assert_event(weft, WEFT_EVENT_SESSION_EXPIRED);
	assert_event(weft, WEFT_EVENT_PATH_CHANGED);
	assert_int_equal(weft_event_read(weft, &event), 0);
	end(weft);
}

static void send_destination(const void *address, int len)
{
	struct nl_msg *msg = fake_message(NULL, WEFT_CMD_UNKNOWN_DESTINATION_NTF, 0);

	nla_put_u32(msg, WEFT_A_DEVICE_IFINDEX, 7);
	nla_put_string(msg, WEFT_A_DEVICE_IFNAME, "weft0");
	if (address)
		nla_put(msg, WEFT_A_DEVICE_DESTINATION, len, address);
	fake_deliver_event(msg);
}

static void assert_destination(struct weft *weft, const void *address, size_t len)
{
	struct weft_event event;

	assert_int_equal(weft_event_read(weft, &event), 1);
	assert_int_equal(event.type, WEFT_EVENT_UNKNOWN_DESTINATION);
	assert_int_equal(event.ifindex, 7);
	assert_string_equal(event.ifname, "weft0");
	assert_int_equal(event.destination.family, len == 4 ? AF_INET : AF_INET6);
	assert_int_equal(event.destination.prefix_len, len * 8);
	assert_memory_equal(event.destination.addr, address, len);
	assert_true(weft_key_is_zero(&event.peer.public_key));
	weft_peer_clear(&event.peer);
}

static void upcalls_have_names(void **state)
{
	(void)state;
	assert_string_equal(weft_upcall_name(WEFT_UPCALL_F_UNKNOWN_PEER), "unknown-peer");
	assert_int_equal(weft_upcall_from_name("UNKNOWN-destination"),
			 WEFT_UPCALL_F_UNKNOWN_DESTINATION);
	assert_null(weft_upcall_name(0));
	assert_null(weft_upcall_name(WEFT_UPCALL_F_UNKNOWN_PEER |
				     WEFT_UPCALL_F_UNKNOWN_DESTINATION));
	assert_int_equal(weft_upcall_from_name(""), -EINVAL);
}

static void upcalls_are_read(void **state)
{
	static const unsigned char address[16] = { 0xfd, 0x77, 3, 4, 5, 6 };
	struct weft *weft = begin(answer_ack);
	struct weft_event event;

	(void)state;
	weft_events_open(weft);
	send_destination(address, 4);
	send_destination(address, 16);
	/* Without what it is about there is nothing to do about it. */
	send_destination(NULL, 0);
	/* It comes with an attribute more than is known, as it may one day. */
	send_event(WEFT_CMD_UNKNOWN_PEER_NTF, 99, 0);
	send_destination(address, 5);
	assert_destination(weft, address, 4);
	assert_destination(weft, address, 16);
	assert_event(weft, WEFT_EVENT_UNKNOWN_PEER);
	assert_int_equal(weft_event_read(weft, &event), -WEFT_E_REPLY);
	assert_int_equal(weft_event_read(weft, &event), 0);
	end(weft);
}

static void lost_events_are_reported_and_reading_goes_on(void **state)
{
	struct weft *weft = begin(answer_ack);
	struct weft_event event;

	(void)state;
	weft_events_open(weft);
	fake.recv_error = -ENOBUFS;
	assert_int_equal(weft_event_read(weft, &event), -WEFT_E_LOST);
	fake.recv_error = 0;
	send_event(WEFT_CMD_PATH_NTF, WEFT_A_DEVICE_PATH_EVENT, WEFT_PATH_EVENT_CHANGED);
	assert_event(weft, WEFT_EVENT_PATH_CHANGED);
	end(weft);
}

static void malformed_events_are_an_error_and_reading_goes_on(void **state)
{
	static const unsigned char garbage[] = { 1, 2, 3, 4, 5, 6, 7 };
	struct nlmsghdr *reply = example_reply();
	struct weft *weft = begin(answer_ack);
	struct weft_event event;
	struct nlattr *attr;

	(void)state;
	weft_events_open(weft);
	fake_event_datagram(garbage, sizeof(garbage));
	reply->nlmsg_type = FAKE_FAMILY;
	attr = genlmsg_attrdata(nlmsg_data(reply), 0);
	attr->nla_len = 5;
	fake_event_datagram(reply, reply->nlmsg_len);
	send_event(WEFT_CMD_PATH_NTF, WEFT_A_DEVICE_PATH_EVENT, WEFT_PATH_EVENT_CHANGED);
	assert_int_equal(weft_event_read(weft, &event), -WEFT_E_REPLY);
	assert_event(weft, WEFT_EVENT_PATH_CHANGED);
	free(reply);
	end(weft);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_absent_module_is_told_apart),
		cmocka_unit_test(a_command_that_the_module_lacks_is_not_sent),
		cmocka_unit_test(every_member_of_a_request_is_encoded),
		cmocka_unit_test(what_is_not_to_be_changed_is_not_sent),
		cmocka_unit_test(a_device_without_a_name_goes_by_its_index),
		cmocka_unit_test(
			a_peer_with_130000_allowed_ips_is_one_request_of_several_attributes),
		cmocka_unit_test(a_continued_peer_that_is_only_to_be_updated_stays_so),
		cmocka_unit_test(allowed_ips_of_any_number_are_split_without_loss),
		cmocka_unit_test(ten_thousand_peers_are_one_request),
		cmocka_unit_test(a_request_that_the_socket_cannot_take_names_the_sysctl),
		cmocka_unit_test(an_endpoint_of_an_unknown_family_is_not_sent),
		cmocka_unit_test(a_name_that_no_interface_can_have_is_no_device),
		cmocka_unit_test(the_kernels_errno_becomes_a_telling_code),
		cmocka_unit_test(a_refused_attribute_is_named_with_peer_and_prefix),
		cmocka_unit_test(
			an_unsupported_setting_does_not_mean_another_kind_of_interface),
		cmocka_unit_test(an_unknown_attribute_means_an_older_kernel),
		cmocka_unit_test(offsets_outside_the_request_are_passed_over),
		cmocka_unit_test(the_text_is_found_behind_a_request_that_came_back_whole),
		cmocka_unit_test(every_code_has_a_text),
		cmocka_unit_test(a_peer_continued_over_messages_is_one_peer),
		cmocka_unit_test(ten_thousand_peers_are_read),
		cmocka_unit_test(an_interrupted_dump_is_read_again),
		cmocka_unit_test(a_device_that_never_holds_still_is_given_up),
		cmocka_unit_test(a_peer_too_large_for_one_message_is_got_by_a_dump),
		cmocka_unit_test(a_dump_that_ends_in_an_error_fails),
		cmocka_unit_test(devices_are_listed_in_the_kernels_order),
		cmocka_unit_test(answers_to_an_earlier_request_are_passed_over),
		cmocka_unit_test(every_member_of_a_reply_is_decoded),
		cmocka_unit_test(a_reply_cut_off_anywhere_is_refused_or_shorter),
		cmocka_unit_test(an_attribute_of_a_wrong_length_is_refused),
		cmocka_unit_test(a_reply_with_bits_changed_does_no_harm),
		cmocka_unit_test(datagrams_of_any_bytes_do_no_harm),
		cmocka_unit_test(an_error_of_the_socket_is_passed_on),
		cmocka_unit_test(a_peer_that_the_reply_lacks_is_an_error),
		cmocka_unit_test(events_are_read_and_unknown_ones_passed_over),
		cmocka_unit_test(upcalls_have_names),
		cmocka_unit_test(upcalls_are_read),
		cmocka_unit_test(lost_events_are_reported_and_reading_goes_on),
		cmocka_unit_test(malformed_events_are_an_error_and_reading_goes_on),
	};

	return RUN_TESTS(tests);
}
