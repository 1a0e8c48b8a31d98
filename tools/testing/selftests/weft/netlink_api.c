// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink interface, as Documentation/netlink/specs/weft.yaml has it: what
 * requests do, that they do it whole or not at all, who may make them, that
 * dumps are complete, and that errors name the attribute that is to blame.
 */
#include "genl.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <regex.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define DEV "napi0"
#define PEERS 10000
#define MANY_IPS 5000

static struct genl g;
static struct request r;
static struct answer a;
static int tests, failures, skips;

/* --- TAP --- */

static int test_failed;
static const char *test_skipped;

/* A line of explanation; the test goes on, to clean up. */
static void wrong(const char *file, int line, const char *format, ...)
{
	va_list args;

	test_failed = 1;
	printf("#  | %s:%d: ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

#define expect(condition)                                                      \
	do {                                                                   \
		if (!(condition))                                              \
			wrong(__FILE__, __LINE__, "not so: %s (last answer: %s, \"%s\")", \
			      #condition, strerror(a.error), a.message);       \
	} while (0)

#define expect_number(value, wanted)                                           \
	do {                                                                   \
		long long v = (value), w = (wanted);                           \
		if (v != w)                                                    \
			wrong(__FILE__, __LINE__, "%s is %lld, not %lld (\"%s\")", #value, v, w, \
			      a.message);                                      \
	} while (0)

static void run(const char *name, void (*test)(void))
{
	/* only tests whose names match this expression: for work on one of them */
	const char *only = getenv("WEFT_TESTS");
	regex_t expression;

	if (only && *only) {
		if (regcomp(&expression, only, REG_EXTENDED | REG_NOSUB) ||
		    regexec(&expression, name, 0, NULL, 0))
			return;
		regfree(&expression);
	}
	test_failed = 0;
	test_skipped = NULL;
	tests++;
	test();
	if (test_skipped) {
		skips++;
		printf("ok %d - %s # SKIP %s\n", tests, name, test_skipped);
	} else {
		failures += test_failed;
		printf("%sok %d - %s\n", test_failed ? "not " : "", tests, name);
	}
	fflush(stdout);
}

/* --- requests --- */

static int command(const char *text)
{
	return system(text);
}

static void new_device(void)
{
	if (command("ip link add " DEV " type weft"))
		wrong(__FILE__, __LINE__, "no device");
}

static void del_device(void)
{
	command("ip link del " DEV " 2>/dev/null");
}

/* Keys of peers: any 32 bytes are one. */
static const uint8_t *key_of(unsigned int number)
{
	static uint8_t key[WEFT_KEY_LEN];

	memset(key, 0x5a, sizeof(key));
	memcpy(key, &number, sizeof(number));
	return key;
}

static void begin(uint8_t cmd)
{
	req_begin(&r, g.family, cmd, 0);
	req_put_string(&r, WEFT_A_DEVICE_IFNAME, DEV);
}

static int ask(void)
{
	return genl_ask(&g, &r, &a);
}

static uint32_t begin_peer(unsigned int number)
{
	uint32_t nest = req_nest(&r, WEFT_A_DEVICE_PEER);

	req_put(&r, WEFT_A_PEER_PUBLIC_KEY, key_of(number), WEFT_KEY_LEN);
	return nest;
}

static uint32_t put_ip(const char *text, uint8_t prefix_len, uint32_t flags)
{
	uint32_t nest = req_nest(&r, WEFT_A_PEER_ALLOWED_IP);
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	uint8_t addr[16];

	if (inet_pton(family, text, addr) != 1)
		errx(2, "%s", text);
	req_put_u16(&r, WEFT_A_ALLOWED_IP_FAMILY, family);
	req_put(&r, WEFT_A_ALLOWED_IP_ADDRESS, addr, family == AF_INET ? 4 : 16);
	req_put_u8(&r, WEFT_A_ALLOWED_IP_PREFIX_LEN, prefix_len);
	if (flags)
		req_put_u32(&r, WEFT_A_ALLOWED_IP_FLAGS, flags);
	req_nest_end(&r, nest);
	return nest;
}

/* A request about one peer, without anything else. */
static int simple(uint8_t cmd, unsigned int number)
{
	uint32_t nest;

	begin(cmd);
	nest = begin_peer(number);
	req_nest_end(&r, nest);
	return ask();
}

static const struct nlattr *reply_attr(uint16_t type)
{
	const void *attrs;
	size_t len;

	attrs = msg_attrs((void *)a.reply, &len);
	return attr_find(attrs, len, type);
}

static uint32_t reply_u32(uint16_t type)
{
	const struct nlattr *attr = reply_attr(type);
	uint32_t value = ~0u;

	if (attr && attr_len(attr) >= sizeof(value))
		memcpy(&value, attr_data(attr), sizeof(value));
	return value;
}

static uint16_t reply_u16(uint16_t type)
{
	const struct nlattr *attr = reply_attr(type);
	uint16_t value = 0xffff;

	if (attr && attr_len(attr) >= sizeof(value))
		memcpy(&value, attr_data(attr), sizeof(value));
	return value;
}

static const struct nlattr *reply_peer_attr(uint16_t type)
{
	const struct nlattr *peer = reply_attr(WEFT_A_DEVICE_PEER);

	return peer ? attr_find(attr_data(peer), attr_len(peer), type) : NULL;
}

static unsigned int peer_count(void)
{
	begin(WEFT_CMD_DEVICE_GET);
	return ask() ? ~0u : reply_u32(WEFT_A_DEVICE_PEER_COUNT);
}

/* --- what a dump says --- */

struct seen {
	unsigned int messages;
	unsigned int peers;
	unsigned int ips;
	unsigned int twice;
	/* bit of each key_of() number */
	uint8_t numbers[PEERS * 2 / 8];
	/* allowed IPs of peer_ips_of */
	unsigned int wanted;
	unsigned int wanted_ips;
};

static void see(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attr, *nested, *key;
	struct seen *seen = arg;
	const void *attrs;
	unsigned int number;
	size_t len;

	seen->messages++;
	attrs = msg_attrs(nlh, &len);
	for_each_attr(attr, attrs, len) {
		if (attr_type(attr) != WEFT_A_DEVICE_PEER)
			continue;
		key = attr_find(attr_data(attr), attr_len(attr), WEFT_A_PEER_PUBLIC_KEY);
		if (!key)
			continue;
		memcpy(&number, attr_data(key), sizeof(number));
		/* the rest of a peer has no more than key and allowed IPs */
		if (attr_find(attr_data(attr), attr_len(attr), WEFT_A_PEER_RX_BYTES)) {
			seen->peers++;
			if (number < sizeof(seen->numbers) * 8) {
				seen->twice += seen->numbers[number / 8] >> number % 8 & 1;
				seen->numbers[number / 8] |= 1 << number % 8;
			}
		}
		for_each_attr(nested, attr_data(attr), attr_len(attr))
			if (attr_type(nested) == WEFT_A_PEER_ALLOWED_IP) {
				seen->ips++;
				seen->wanted_ips += number == seen->wanted;
			}
	}
}

static struct seen *dump_peers(int *interrupted, int *rc)
{
	static struct seen seen;

	memset(&seen, 0, sizeof(seen));
	seen.wanted = 1;
	begin(WEFT_CMD_PEER_GET);
	*rc = genl_dump(&g, &r, see, &seen, interrupted);
	return &seen;
}

static unsigned int ips_of(unsigned int number)
{
	static struct seen seen;
	int interrupted;

	memset(&seen, 0, sizeof(seen));
	seen.wanted = number;
	begin(WEFT_CMD_PEER_GET);
	genl_dump(&g, &r, see, &seen, &interrupted);
	return seen.wanted_ips;
}

/* --- devices --- */

static void test_get_by_name_or_index(void)
{
	new_device();
	begin(WEFT_CMD_DEVICE_GET);
	expect_number(ask(), 0);
	expect_number(reply_u32(WEFT_A_DEVICE_IFINDEX), if_nametoindex(DEV));
	req_begin(&r, g.family, WEFT_CMD_DEVICE_GET, 0);
	req_put_u32(&r, WEFT_A_DEVICE_IFINDEX, if_nametoindex(DEV));
	expect_number(ask(), 0);
	expect(reply_attr(WEFT_A_DEVICE_IFNAME) &&
	       !strcmp(attr_data(reply_attr(WEFT_A_DEVICE_IFNAME)), DEV));
	del_device();
}

static void test_no_device_named(void)
{
	req_begin(&r, g.family, WEFT_CMD_DEVICE_GET, 0);
	expect_number(ask(), EINVAL);
	expect(a.message[0]);
}

static void test_no_such_device(void)
{
	uint32_t at;

	req_begin(&r, g.family, WEFT_CMD_DEVICE_GET, 0);
	at = req_put_string(&r, WEFT_A_DEVICE_IFNAME, "nothing0");
	expect_number(ask(), ENODEV);
	expect_number(a.offset, at);
}

static void test_not_weft(void)
{
	uint32_t at;

	req_begin(&r, g.family, WEFT_CMD_DEVICE_SET, 0);
	at = req_put_string(&r, WEFT_A_DEVICE_IFNAME, "lo");
	req_put_u32(&r, WEFT_A_DEVICE_FWMARK, 1);
	expect_number(ask(), EOPNOTSUPP);
	expect_number(a.offset, at);
}

static void test_names_disagree(void)
{
	new_device();
	req_begin(&r, g.family, WEFT_CMD_DEVICE_GET, 0);
	req_put_u32(&r, WEFT_A_DEVICE_IFINDEX, if_nametoindex(DEV));
	req_put_string(&r, WEFT_A_DEVICE_IFNAME, "lo");
	expect_number(ask(), EINVAL);
	del_device();
}

static void test_device_set_and_get(void)
{
	/* RFC 7748, section 6.1 */
	static const uint8_t private[] = {
		0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1,
		0x72, 0x51, 0xb2, 0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0,
		0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a,
	};
	static const uint8_t public[] = {
		0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d,
		0xdc, 0xb4, 0x3e, 0xf7, 0x5a, 0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38,
		0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a,
	};

	new_device();
	begin(WEFT_CMD_DEVICE_SET);
	req_put(&r, WEFT_A_DEVICE_PRIVATE_KEY, private, sizeof(private));
	req_put_u16(&r, WEFT_A_DEVICE_LISTEN_PORT, 4242);
	req_put_u32(&r, WEFT_A_DEVICE_FWMARK, 0xabcdef01);
	expect_number(ask(), 0);

	begin(WEFT_CMD_DEVICE_GET);
	expect_number(ask(), 0);
	expect_number(reply_u16(WEFT_A_DEVICE_LISTEN_PORT), 4242);
	expect_number(reply_u32(WEFT_A_DEVICE_FWMARK), 0xabcdef01);
	expect(reply_attr(WEFT_A_DEVICE_PUBLIC_KEY) &&
	       !memcmp(attr_data(reply_attr(WEFT_A_DEVICE_PUBLIC_KEY)), public, 32));
	del_device();
}

static void test_no_key(void)
{
	static const uint8_t zero[WEFT_KEY_LEN];

	new_device();
	begin(WEFT_CMD_DEVICE_SET);
	req_put(&r, WEFT_A_DEVICE_PRIVATE_KEY, key_of(7), WEFT_KEY_LEN);
	expect_number(ask(), 0);
	begin(WEFT_CMD_DEVICE_GET);
	expect_number(ask(), 0);
	expect(reply_attr(WEFT_A_DEVICE_PUBLIC_KEY));
	begin(WEFT_CMD_DEVICE_SET);
	req_put(&r, WEFT_A_DEVICE_PRIVATE_KEY, zero, sizeof(zero));
	expect_number(ask(), 0);
	begin(WEFT_CMD_DEVICE_GET);
	expect_number(ask(), 0);
	expect(!reply_attr(WEFT_A_DEVICE_PUBLIC_KEY));
	del_device();
}

static void count_messages(const struct nlmsghdr *nlh, void *arg)
{
	(void)nlh;
	++*(unsigned int *)arg;
}

static void test_device_dump(void)
{
	unsigned int devices = 0;
	int interrupted;

	/* one ip for all of them is much faster than one for each */
	expect(!command("for i in $(seq 100); do echo link add name many$i group 7 type weft; "
			"done | ip -batch -"));
	req_begin(&r, g.family, WEFT_CMD_DEVICE_GET, 0);
	expect_number(genl_dump(&g, &r, count_messages, &devices, &interrupted), 0);
	expect_number(devices, 100);
	command("ip link del group 7");
}

/* --- peers --- */

static void test_peer_new(void)
{
	new_device();
	expect_number(simple(WEFT_CMD_PEER_NEW, 1), 0);
	expect_number(peer_count(), 1);
	expect_number(simple(WEFT_CMD_PEER_NEW, 1), EEXIST);
	expect_number(peer_count(), 1);
	del_device();
}

static void test_peer_set(void)
{
	const struct nlattr *attr;
	uint16_t interval = 0;
	uint32_t nest;

	new_device();
	expect_number(simple(WEFT_CMD_PEER_SET, 1), ENOENT);
	expect_number(peer_count(), 0);
	expect_number(simple(WEFT_CMD_PEER_NEW, 1), 0);
	begin(WEFT_CMD_PEER_SET);
	nest = begin_peer(1);
	req_put_u16(&r, WEFT_A_PEER_PERSISTENT_KEEPALIVE, 77);
	req_nest_end(&r, nest);
	expect_number(ask(), 0);
	expect_number(simple(WEFT_CMD_PEER_GET, 1), 0);
	attr = reply_peer_attr(WEFT_A_PEER_PERSISTENT_KEEPALIVE);
	if (attr)
		memcpy(&interval, attr_data(attr), sizeof(interval));
	expect_number(interval, 77);
	del_device();
}

static void test_peer_del(void)
{
	new_device();
	expect_number(simple(WEFT_CMD_PEER_DEL, 1), ENOENT);
	expect_number(simple(WEFT_CMD_PEER_NEW, 1), 0);
	expect_number(simple(WEFT_CMD_PEER_NEW, 2), 0);
	expect_number(simple(WEFT_CMD_PEER_DEL, 1), 0);
	expect_number(peer_count(), 1);
	expect_number(simple(WEFT_CMD_PEER_GET, 1), ENOENT);
	expect_number(simple(WEFT_CMD_PEER_GET, 2), 0);
	del_device();
}

static int with_peer_flags(unsigned int number, uint32_t flags)
{
	uint32_t nest;

	begin(WEFT_CMD_DEVICE_SET);
	nest = begin_peer(number);
	req_put_u32(&r, WEFT_A_PEER_FLAGS, flags);
	req_nest_end(&r, nest);
	return ask();
}

static void test_peer_flags(void)
{
	new_device();
	expect_number(with_peer_flags(1, WEFT_PEER_F_UPDATE_ONLY), 0);
	expect_number(peer_count(), 0);
	expect_number(with_peer_flags(1, WEFT_PEER_F_REMOVE_ME), 0);
	expect_number(with_peer_flags(1, 0), 0);
	expect_number(peer_count(), 1);
	expect_number(with_peer_flags(1, WEFT_PEER_F_REMOVE_ME), 0);
	expect_number(peer_count(), 0);
	/* there is no such flag */
	expect_number(with_peer_flags(1, 0x80), EINVAL);
	del_device();
}

static void test_replace_peers(void)
{
	uint32_t nest;

	new_device();
	for (unsigned int i = 1; i <= 3; ++i)
		expect_number(simple(WEFT_CMD_PEER_NEW, i), 0);
	begin(WEFT_CMD_DEVICE_SET);
	req_put_u32(&r, WEFT_A_DEVICE_FLAGS, WEFT_DEVICE_F_REPLACE_PEERS);
	for (unsigned int i = 3; i <= 4; ++i) {
		nest = begin_peer(i);
		req_nest_end(&r, nest);
	}
	expect_number(ask(), 0);
	expect_number(peer_count(), 2);
	expect_number(simple(WEFT_CMD_PEER_GET, 1), ENOENT);
	expect_number(simple(WEFT_CMD_PEER_GET, 3), 0);
	expect_number(simple(WEFT_CMD_PEER_GET, 4), 0);
	del_device();
}

static void test_endpoints(void)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(99),
				    .sin6_addr = { { { 0x20, 1, 0xd, 0xb8, [15] = 1 } } } };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(98),
				  .sin_addr.s_addr = htonl(0x0a000001) };
	const struct nlattr *attr;
	uint32_t nest;

	new_device();
	begin(WEFT_CMD_PEER_NEW);
	nest = begin_peer(1);
	req_put(&r, WEFT_A_PEER_ENDPOINT, &in, sizeof(in));
	req_nest_end(&r, nest);
	expect_number(ask(), 0);
	expect_number(simple(WEFT_CMD_PEER_GET, 1), 0);
	attr = reply_peer_attr(WEFT_A_PEER_ENDPOINT);
	expect(attr && attr_len(attr) == sizeof(in) && !memcmp(attr_data(attr), &in, 8));

	begin(WEFT_CMD_PEER_SET);
	nest = begin_peer(1);
	req_put(&r, WEFT_A_PEER_ENDPOINT, &in6, sizeof(in6));
	req_nest_end(&r, nest);
	expect_number(ask(), 0);
	expect_number(simple(WEFT_CMD_PEER_GET, 1), 0);
	attr = reply_peer_attr(WEFT_A_PEER_ENDPOINT);
	expect(attr && attr_len(attr) == sizeof(in6) && !memcmp(attr_data(attr), &in6, 24));
	expect(reply_peer_attr(WEFT_A_PEER_PATH));
	del_device();
}

/* --- allowed IPs --- */

static void test_ips(void)
{
	const struct nlattr *ip, *addr;
	uint32_t nest;

	new_device();
	begin(WEFT_CMD_PEER_NEW);
	nest = begin_peer(1);
	put_ip("10.1.2.3", 8, 0);
	put_ip("2001:db8::1", 64, 0);
	req_nest_end(&r, nest);
	expect_number(ask(), 0);
	expect_number(ips_of(1), 2);
	/* what is behind the prefix is forgotten */
	expect_number(simple(WEFT_CMD_PEER_GET, 1), 0);
	ip = reply_peer_attr(WEFT_A_PEER_ALLOWED_IP);
	addr = ip ? attr_find(attr_data(ip), attr_len(ip), WEFT_A_ALLOWED_IP_ADDRESS) : NULL;
	expect(addr && (!memcmp(attr_data(addr), "\x0a\0\0", 4) ||
			!memcmp(attr_data(addr), "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0", 16)));

	/* moves */
	begin(WEFT_CMD_PEER_NEW);
	nest = begin_peer(2);
	put_ip("10.0.0.0", 8, 0);
	req_nest_end(&r, nest);
	expect_number(ask(), 0);
	expect_number(ips_of(1), 1);
	expect_number(ips_of(2), 1);

	/* is taken from its owner only */
	begin(WEFT_CMD_PEER_SET);
	nest = begin_peer(1);
	put_ip("10.0.0.0", 8, WEFT_ALLOWED_IP_F_REMOVE_ME);
	req_nest_end(&r, nest);
	expect_number(ask(), 0);
	expect_number(ips_of(2), 1);
	begin(WEFT_CMD_PEER_SET);
	nest = begin_peer(2);
	put_ip("10.0.0.0", 8, WEFT_ALLOWED_IP_F_REMOVE_ME);
	req_nest_end(&r, nest);
	expect_number(ask(), 0);
	expect_number(ips_of(2), 0);
	del_device();
}

static void test_replace_ips(void)
{
	uint32_t nest;

	new_device();
	begin(WEFT_CMD_PEER_NEW);
	nest = begin_peer(1);
	for (int i = 1; i < 20; ++i)
		put_ip("10.0.0.0", i, 0);
	req_nest_end(&r, nest);
	expect_number(ask(), 0);
	/* one for another; the default route covers all that there were */
	begin(WEFT_CMD_PEER_SET);
	nest = begin_peer(1);
	req_put_u32(&r, WEFT_A_PEER_FLAGS, WEFT_PEER_F_REPLACE_ALLOWED_IPS);
	put_ip("0.0.0.0", 0, 0);
	req_nest_end(&r, nest);
	expect_number(ask(), 0);
	expect_number(ips_of(1), 1);
	/* without the flag they come in addition */
	begin(WEFT_CMD_PEER_SET);
	nest = begin_peer(1);
	put_ip("10.0.0.0", 9, 0);
	req_nest_end(&r, nest);
	expect_number(ask(), 0);
	expect_number(ips_of(1), 2);
	del_device();
}

/* --- whole or not at all --- */

/* A device with a port, a mark and three peers, to find it unchanged. */
static void before_failure(void)
{
	uint32_t nest;

	new_device();
	command("ip link set " DEV " up");
	begin(WEFT_CMD_DEVICE_SET);
	req_put(&r, WEFT_A_DEVICE_PRIVATE_KEY, key_of(77), WEFT_KEY_LEN);
	req_put_u16(&r, WEFT_A_DEVICE_LISTEN_PORT, 4242);
	req_put_u32(&r, WEFT_A_DEVICE_FWMARK, 5);
	for (unsigned int i = 1; i <= 3; ++i) {
		nest = begin_peer(i);
		put_ip("10.0.0.0", 8 + i, 0);
		req_nest_end(&r, nest);
	}
	expect_number(ask(), 0);
}

static void expect_unchanged(void)
{
	begin(WEFT_CMD_DEVICE_GET);
	expect_number(ask(), 0);
	expect_number(reply_u16(WEFT_A_DEVICE_LISTEN_PORT), 4242);
	expect_number(reply_u32(WEFT_A_DEVICE_FWMARK), 5);
	expect_number(reply_u32(WEFT_A_DEVICE_PEER_COUNT), 3);
	expect(reply_attr(WEFT_A_DEVICE_PRIVATE_KEY) &&
	       !memcmp((uint8_t *)attr_data(reply_attr(WEFT_A_DEVICE_PRIVATE_KEY)) + 4,
		       key_of(77) + 4, 20));
	for (unsigned int i = 1; i <= 3; ++i)
		expect_number(ips_of(i), 1);
	del_device();
}

static void begin_change_of_all(uint32_t flags)
{
	begin(WEFT_CMD_DEVICE_SET);
	req_put_u32(&r, WEFT_A_DEVICE_FLAGS, flags);
	req_put(&r, WEFT_A_DEVICE_PRIVATE_KEY, key_of(123456), WEFT_KEY_LEN);
	req_put_u16(&r, WEFT_A_DEVICE_LISTEN_PORT, 4343);
	req_put_u32(&r, WEFT_A_DEVICE_FWMARK, 6);
}

static void put_good_peers(unsigned int from, unsigned int count)
{
	uint32_t nest;

	for (unsigned int i = from; i < from + count; ++i) {
		nest = begin_peer(i);
		req_put_u32(&r, WEFT_A_PEER_FLAGS, WEFT_PEER_F_REPLACE_ALLOWED_IPS);
		put_ip("10.0.0.0", 9, 0);
		put_ip("10.0.0.0", 10, 0);
		req_nest_end(&r, nest);
	}
}

static void one_bad_peer(uint32_t flags)
{
	uint32_t nest, bad;

	before_failure();
	begin_change_of_all(flags);
	put_good_peers(1, 100);
	nest = begin_peer(101);
	bad = put_ip("10.0.0.0", 33, 0);
	req_nest_end(&r, nest);
	put_good_peers(102, 10);
	expect_number(ask(), EINVAL);
	/* it is the prefix length: the third attribute of that nest */
	expect_number(a.offset, bad + 4 + 8 + 8);
	expect_unchanged();
}

static void test_one_bad_peer(void)
{
	one_bad_peer(0);
}

static void test_one_bad_peer_replace(void)
{
	one_bad_peer(WEFT_DEVICE_F_REPLACE_PEERS);
}

static void test_port_taken(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(4343) };
	int sock = socket(AF_INET, SOCK_DGRAM, 0);

	expect(!bind(sock, (void *)&in, sizeof(in)));
	before_failure();
	begin_change_of_all(0);
	put_good_peers(1, 50);
	expect_number(ask(), EADDRINUSE);
	expect_unchanged();
	before_failure();
	begin_change_of_all(WEFT_DEVICE_F_REPLACE_PEERS);
	put_good_peers(10, 50);
	expect_number(ask(), EADDRINUSE);
	expect_unchanged();
	close(sock);
}

/* The same request without its fault: else the tests above mean nothing. */
static void test_good_request(void)
{
	before_failure();
	begin_change_of_all(WEFT_DEVICE_F_REPLACE_PEERS);
	put_good_peers(1, 111);
	expect_number(ask(), 0);
	begin(WEFT_CMD_DEVICE_GET);
	expect_number(ask(), 0);
	expect_number(reply_u16(WEFT_A_DEVICE_LISTEN_PORT), 4343);
	expect_number(reply_u32(WEFT_A_DEVICE_FWMARK), 6);
	expect_number(reply_u32(WEFT_A_DEVICE_PEER_COUNT), 111);
	expect_number(ips_of(110), 0);
	expect_number(ips_of(111), 2);
	del_device();
}

/* --- errors name what is wrong --- */

static uint32_t bad_ifname(void)
{
	req_begin(&r, g.family, WEFT_CMD_DEVICE_SET, 0);
	return req_put_string(&r, WEFT_A_DEVICE_IFNAME, "a name that is too long");
}

static uint32_t bad_key(void)
{
	begin(WEFT_CMD_DEVICE_SET);
	return req_put(&r, WEFT_A_DEVICE_PRIVATE_KEY, key_of(1), 31);
}

static uint32_t bad_port(void)
{
	begin(WEFT_CMD_DEVICE_SET);
	return req_put_u32(&r, WEFT_A_DEVICE_LISTEN_PORT, 1);
}

static uint32_t bad_device_flags(void)
{
	begin(WEFT_CMD_DEVICE_SET);
	return req_put_u32(&r, WEFT_A_DEVICE_FLAGS, 1u << 30);
}

static uint32_t unknown_attribute(void)
{
	begin(WEFT_CMD_DEVICE_SET);
	return req_put_u32(&r, 200, 1);
}

static uint32_t read_only_attribute(void)
{
	begin(WEFT_CMD_DEVICE_SET);
	return req_put_u32(&r, WEFT_A_DEVICE_PEER_COUNT, 1);
}

static uint32_t peer_without_nested_flag(void)
{
	uint32_t at;

	begin(WEFT_CMD_DEVICE_SET);
	at = begin_peer(1);
	req_nest_end(&r, at);
	((struct nlattr *)(r.buf + at))->nla_type &= ~NLA_F_NESTED;
	return at;
}

static uint32_t in_peer(uint16_t type, const void *data, size_t len)
{
	uint32_t nest, at;

	begin(WEFT_CMD_DEVICE_SET);
	nest = begin_peer(1);
	at = req_put(&r, type, data, len);
	req_nest_end(&r, nest);
	return at;
}

static uint32_t bad_psk(void)
{
	return in_peer(WEFT_A_PEER_PRESHARED_KEY, key_of(1), 16);
}

static uint32_t bad_public_key(void)
{
	uint32_t nest, at;

	begin(WEFT_CMD_DEVICE_SET);
	nest = req_nest(&r, WEFT_A_DEVICE_PEER);
	at = req_put(&r, WEFT_A_PEER_PUBLIC_KEY, key_of(1), 16);
	req_nest_end(&r, nest);
	return at;
}

static uint32_t short_endpoint(void)
{
	return in_peer(WEFT_A_PEER_ENDPOINT, "\2\0\0\1\1\1\1\1", 8);
}

static uint32_t endpoint_of_other_family(void)
{
	struct sockaddr_in in = { .sin_family = AF_UNIX, .sin_port = 1 };

	return in_peer(WEFT_A_PEER_ENDPOINT, &in, sizeof(in));
}

static uint32_t endpoint_of_other_length(void)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET, .sin6_port = 1 };

	return in_peer(WEFT_A_PEER_ENDPOINT, &in6, sizeof(in6));
}

static uint32_t endpoint_without_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = 1 };

	return in_peer(WEFT_A_PEER_ENDPOINT, &in, sizeof(in));
}

static uint32_t bad_peer_flags(void)
{
	uint32_t flags = 1u << 30;

	return in_peer(WEFT_A_PEER_FLAGS, &flags, sizeof(flags));
}

static uint32_t bad_keepalive(void)
{
	return in_peer(WEFT_A_PEER_PERSISTENT_KEEPALIVE, "\1", 1);
}

static uint32_t bad_suite(void)
{
	uint32_t suite = 17;

	return in_peer(WEFT_A_PEER_SUITE, &suite, sizeof(suite));
}

static uint32_t read_only_in_peer(void)
{
	uint64_t bytes = 1;

	return in_peer(WEFT_A_PEER_RX_BYTES, &bytes, sizeof(bytes));
}

static uint32_t in_ip(uint16_t family, size_t addr_len, uint8_t prefix_len, int which)
{
	uint32_t nest, ip, at[3];

	begin(WEFT_CMD_DEVICE_SET);
	nest = begin_peer(1);
	ip = req_nest(&r, WEFT_A_PEER_ALLOWED_IP);
	at[0] = req_put_u16(&r, WEFT_A_ALLOWED_IP_FAMILY, family);
	at[1] = req_put(&r, WEFT_A_ALLOWED_IP_ADDRESS, key_of(1), addr_len);
	at[2] = req_put_u8(&r, WEFT_A_ALLOWED_IP_PREFIX_LEN, prefix_len);
	req_nest_end(&r, ip);
	req_nest_end(&r, nest);
	return at[which];
}

static uint32_t ip_of_other_family(void)
{
	return in_ip(AF_UNIX, 4, 1, 0);
}

static uint32_t ip_of_other_length(void)
{
	return in_ip(AF_INET, 16, 1, 1);
}

static uint32_t ip6_of_other_length(void)
{
	return in_ip(AF_INET6, 15, 1, 1);
}

static uint32_t ip_too_short(void)
{
	return in_ip(AF_INET, 3, 1, 1);
}

static uint32_t prefix_too_long(void)
{
	return in_ip(AF_INET, 4, 33, 2);
}

static uint32_t prefix6_too_long(void)
{
	return in_ip(AF_INET6, 16, 129, 2);
}

static void test_errors_name_attributes(void)
{
	static const struct {
		const char *name;
		uint32_t (*build)(void);
	} cases[] = {
#define CASE(f) { #f, f }
		CASE(bad_ifname), CASE(bad_key), CASE(bad_port), CASE(bad_device_flags),
		CASE(unknown_attribute), CASE(read_only_attribute),
		CASE(peer_without_nested_flag), CASE(bad_psk), CASE(bad_public_key),
		CASE(short_endpoint), CASE(endpoint_of_other_family),
		CASE(endpoint_of_other_length), CASE(endpoint_without_port),
		CASE(bad_peer_flags), CASE(bad_keepalive), CASE(bad_suite),
		CASE(read_only_in_peer), CASE(ip_of_other_family), CASE(ip_of_other_length),
		CASE(ip6_of_other_length), CASE(ip_too_short), CASE(prefix_too_long),
		CASE(prefix6_too_long),
#undef CASE
	};

	new_device();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); ++i) {
		uint32_t at = cases[i].build();
		int error = ask();

		if (!error || !a.message[0] || a.offset != at)
			wrong(__FILE__, __LINE__, "%s: %s, \"%s\", attribute at %u and not %u",
			      cases[i].name, strerror(error), a.message, a.offset, at);
	}
	expect_number(peer_count(), 0);
	del_device();
}

static void test_missing_attributes(void)
{
	uint32_t nest, ip;

	new_device();
	/* peer without a key */
	begin(WEFT_CMD_DEVICE_SET);
	nest = req_nest(&r, WEFT_A_DEVICE_PEER);
	req_put_u16(&r, WEFT_A_PEER_PERSISTENT_KEEPALIVE, 1);
	req_nest_end(&r, nest);
	expect_number(ask(), EINVAL);
	expect(a.message[0] && (a.offset == nest || a.miss_type == WEFT_A_PEER_PUBLIC_KEY));
	/* commands about a peer without one */
	for (uint8_t cmd = WEFT_CMD_PEER_NEW; cmd <= WEFT_CMD_PEER_DEL; ++cmd) {
		begin(cmd);
		expect_number(ask(), EINVAL);
		expect(a.message[0]);
	}
	/* allowed IP without a family */
	begin(WEFT_CMD_PEER_NEW);
	nest = begin_peer(1);
	ip = req_nest(&r, WEFT_A_PEER_ALLOWED_IP);
	req_put(&r, WEFT_A_ALLOWED_IP_ADDRESS, key_of(1), 4);
	req_put_u8(&r, WEFT_A_ALLOWED_IP_PREFIX_LEN, 8);
	req_nest_end(&r, ip);
	req_nest_end(&r, nest);
	expect_number(ask(), EINVAL);
	expect_number(a.offset, ip);
	expect_number(peer_count(), 0);
	del_device();
}

static void test_unknown_command(void)
{
	req_begin(&r, g.family, 99, 0);
	expect_number(ask(), EOPNOTSUPP);
	/* notifications are not requests */
	req_begin(&r, g.family, WEFT_CMD_SESSION_NTF, 0);
	expect_number(ask(), EOPNOTSUPP);
}

/* --- many --- */

static void add_peers(unsigned int from, unsigned int count, unsigned int ips)
{
	char text[40];
	uint32_t nest;

	begin(WEFT_CMD_DEVICE_SET);
	for (unsigned int i = from; i < from + count; ++i) {
		nest = begin_peer(i);
		for (unsigned int j = 0; j < ips; ++j) {
			snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 8, i & 255, j);
			put_ip(text, 32, 0);
		}
		req_nest_end(&r, nest);
	}
	expect_number(ask(), 0);
}

static void test_dump_many(void)
{
	int interrupted, rc;
	struct seen *seen;

	new_device();
	for (unsigned int i = 0; i < PEERS; i += 1000)
		add_peers(i, 1000, 3);
	expect_number(peer_count(), PEERS);
	seen = dump_peers(&interrupted, &rc);
	expect_number(rc, 0);
	expect_number(interrupted, 0);
	expect_number(seen->peers, PEERS);
	expect_number(seen->twice, 0);
	expect_number(seen->ips, 3 * PEERS);
	for (unsigned int i = 0; i < PEERS; ++i)
		if (!(seen->numbers[i / 8] >> i % 8 & 1)) {
			wrong(__FILE__, __LINE__, "peer %u is missing", i);
			break;
		}
	del_device();
}

static void test_dump_many_ips(void)
{
	struct seen *seen;
	char text[40];
	int interrupted, rc;
	uint32_t nest;

	new_device();
	add_peers(0, 1, 1);
	/* as many as an attribute takes, and the rest in another one of the same peer */
	begin(WEFT_CMD_DEVICE_SET);
	for (unsigned int i = 0; i < MANY_IPS; i += 1000) {
		nest = begin_peer(1);
		for (unsigned int j = i; j < i + 1000; ++j) {
			snprintf(text, sizeof(text), "11.%u.%u.0", j >> 8, j & 255);
			put_ip(text, 24, 0);
		}
		req_nest_end(&r, nest);
	}
	expect_number(ask(), 0);
	add_peers(2, 1, 1);
	seen = dump_peers(&interrupted, &rc);
	expect_number(rc, 0);
	expect_number(seen->peers, 3);
	expect_number(seen->wanted_ips, MANY_IPS);
	expect_number(seen->ips, MANY_IPS + 2);
	expect(seen->messages > 3);
	del_device();
}

static volatile int stop;
static volatile unsigned int changes;

/* Removes a peer and adds it again, all the time, with a socket of its own. */
static void *change_peers(void *arg)
{
	struct request req = { 0 };
	static struct answer answer;
	struct genl other;
	uint32_t nest;

	(void)arg;
	if (genl_open(&other))
		return NULL;
	for (unsigned int i = 0; !stop; i = (i + 1) % 500) {
		for (int cmd = WEFT_CMD_PEER_DEL; cmd; cmd = cmd == WEFT_CMD_PEER_DEL ?
							WEFT_CMD_PEER_NEW : 0) {
			uint8_t key[WEFT_KEY_LEN];

			memset(key, 0x5a, sizeof(key));
			memcpy(key, &i, sizeof(i));
			req_begin(&req, other.family, cmd, 0);
			req_put_string(&req, WEFT_A_DEVICE_IFNAME, DEV);
			nest = req_nest(&req, WEFT_A_DEVICE_PEER);
			req_put(&req, WEFT_A_PEER_PUBLIC_KEY, key, sizeof(key));
			req_nest_end(&req, nest);
			genl_ask(&other, &req, &answer);
			changes++;
		}
	}
	close(other.sock);
	free(req.buf);
	return NULL;
}

static void test_dump_while_changing(void)
{
	unsigned int quiet = 0, told = 0;
	pthread_t thread;

	new_device();
	add_peers(0, 2000, 1);
	stop = 0;
	changes = 0;
	expect(!pthread_create(&thread, NULL, change_peers, NULL));
	/* a machine that is busy with other things may not get to change much meanwhile */
	for (int i = 0; i < 10 || ((!told || changes <= 10) && i < 300); ++i) {
		int interrupted, rc;
		struct seen *seen = dump_peers(&interrupted, &rc);

		expect_number(rc, 0);
		if (interrupted) {
			told++;
			continue;
		}
		quiet++;
		/* nothing was said, so it has to be true: all, or all but the one that was away */
		if (seen->peers < 1999 || seen->peers > 2000 || seen->twice)
			wrong(__FILE__, __LINE__, "a dump without warning has %u peers, %u twice",
			      seen->peers, seen->twice);
	}
	stop = 1;
	pthread_join(thread, NULL);
	printf("#  | %u dumps told of a change, %u did not; %u changes\n", told, quiet, changes);
	expect(changes > 10);
	expect(told > 0);
	del_device();
}

/* --- who may --- */

/* The error that each command gives to a child that has prepared itself so. */
static void expect_of_child(int (*prepare)(void), int wanted)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		int bad = prepare();

		if (bad)
			_exit(200);
		close(g.sock);
		if (genl_open(&g))
			_exit(201);
		for (uint8_t cmd = WEFT_CMD_DEVICE_GET; cmd <= WEFT_CMD_PEER_DEL; ++cmd) {
			if (simple(cmd, 1) != wanted && !(cmd == WEFT_CMD_DEVICE_GET && !wanted))
				_exit(cmd);
		}
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) >= 200)
		test_skipped = "the child could not be prepared";
	else if (WEXITSTATUS(status))
		wrong(__FILE__, __LINE__, "command %d did not give \"%s\"", WEXITSTATUS(status),
		      strerror(wanted));
}

static int become_nobody(void)
{
	return setgid(65534) || setuid(65534);
}

static int enter_user_namespace(void)
{
	/* root there, but the network namespace is not that user namespace's */
	return become_nobody() || prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER);
}

static void test_nobody(void)
{
	new_device();
	expect_of_child(become_nobody, EPERM);
	expect_number(peer_count(), 0);
	del_device();
}

static void test_user_namespace(void)
{
	new_device();
	expect_of_child(enter_user_namespace, EPERM);
	expect_number(peer_count(), 0);
	del_device();
}

/* In a network namespace that is one's own, one may, as its root. */
static int enter_own_network(void)
{
	int fd, bad;

	if (become_nobody() || prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return -1;
	fd = open("/proc/self/uid_map", O_WRONLY);
	bad = write(fd, "0 65534 1", 9) != 9;
	close(fd);
	return bad;
}

static void test_own_network(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (enter_own_network())
			_exit(200);
		/* as root of that namespace */
		if (command("ip link add " DEV " type weft"))
			_exit(201);
		close(g.sock);
		if (genl_open(&g))
			_exit(202);
		_exit(simple(WEFT_CMD_PEER_NEW, 1) ? 1 : peer_count() != 1);
	}
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) >= 200)
		test_skipped = "no user namespace with a network of its own";
	else
		expect_number(WEXITSTATUS(status), 0);
}

/* A device whose socket is in a network that is not one's own keeps port and mark. */
static void test_foreign_birth_namespace(void)
{
	int ready[2], go[2], status = -1;
	char text[200], c;
	pid_t pid;

	if (pipe(ready) || pipe(go))
		err(2, "pipe");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		int bad = enter_own_network();

		if (write(ready[1], bad ? "x" : "r", 1) != 1 || read(go[0], &c, 1) != 1 || bad)
			_exit(200);
		close(g.sock);
		if (genl_open(&g))
			_exit(201);
		begin(WEFT_CMD_DEVICE_SET);
		req_put_u16(&r, WEFT_A_DEVICE_LISTEN_PORT, 53);
		if (ask() != EPERM)
			_exit(1);
		begin(WEFT_CMD_DEVICE_SET);
		req_put_u32(&r, WEFT_A_DEVICE_FWMARK, 53);
		if (ask() != EPERM)
			_exit(2);
		/* the rest is theirs */
		_exit(simple(WEFT_CMD_PEER_NEW, 1) ? 3 : 0);
	}
	new_device();
	if (read(ready[0], &c, 1) != 1)
		c = 'x';
	snprintf(text, sizeof(text), "ip link set " DEV " netns %d", (int)pid);
	if (c == 'r' && command(text))
		wrong(__FILE__, __LINE__, "the device does not move");
	if (write(go[1], "g", 1) != 1)
		err(2, "write");
	waitpid(pid, &status, 0);
	if (c != 'r' || !WIFEXITED(status) || WEXITSTATUS(status) >= 200)
		test_skipped = "no user namespace with a network of its own";
	else
		expect_number(WEXITSTATUS(status), 0);
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
	close(go[1]);
	del_device();
}

static void test_events_need_permission(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		int sock;

		if (become_nobody())
			_exit(200);
		sock = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
		_exit(!setsockopt(sock, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &g.events_group,
				  sizeof(g.events_group)));
	}
	waitpid(pid, &status, 0);
	expect_number(status, 0);
	/* root may */
	expect_number(setsockopt(g.sock, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &g.events_group,
				 sizeof(g.events_group)), 0);
	setsockopt(g.sock, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &g.events_group,
		   sizeof(g.events_group));
}

int main(void)
{
	int rc;

	printf("TAP version 13\n");
	if (geteuid() || unshare(CLONE_NEWNET)) {
		printf("1..0 # SKIP needs root\n");
		return 4;
	}
	command("modprobe weft 2>/dev/null");
	rc = genl_open(&g);
	if (rc) {
		printf("1..0 # SKIP family weft: %s\n", strerror(rc));
		return 4;
	}
	command("ip link set lo up");

	run("a device is found by name and by index", test_get_by_name_or_index);
	run("no device named: refused with an explanation", test_no_device_named);
	run("no such device: ENODEV, names the attribute", test_no_such_device);
	run("device of another kind: EOPNOTSUPP, names the attribute", test_not_weft);
	run("name and index of two devices: refused", test_names_disagree);
	run("device: key, port and mark are set and read back", test_device_set_and_get);
	run("device: a key of zeros is none", test_no_key);
	run("dump of 100 devices is complete", test_device_dump);
	run("peer-new adds a peer, once", test_peer_new);
	run("peer-set changes a peer that is there", test_peer_set);
	run("peer-del removes that peer, once", test_peer_del);
	run("flags update-only and remove-me", test_peer_flags);
	run("flag replace-peers", test_replace_peers);
	run("endpoints of both families are set and read back", test_endpoints);
	run("allowed IPs: cut to their prefix, moved, removed", test_ips);
	run("flag replace-allowed-ips", test_replace_ips);
	run("one bad peer in a request of many changes nothing", test_one_bad_peer);
	run("one bad peer in a replacement of all changes nothing", test_one_bad_peer_replace);
	run("port that is taken: nothing of the request is applied", test_port_taken);
	run("the same request without its fault is applied", test_good_request);
	run("errors name the attribute and say what is wrong", test_errors_name_attributes);
	run("missing attributes are named", test_missing_attributes);
	run("unknown commands are refused", test_unknown_command);
	run("dump of 10,000 peers is complete", test_dump_many);
	run("dump of a peer with 5,000 allowed IPs is complete", test_dump_many_ips);
	run("dump during changes tells of them, or is consistent", test_dump_while_changing);
	run("nobody may do nothing", test_nobody);
	run("root of a user namespace may do nothing in a network of others", test_user_namespace);
	run("root of a user namespace may do all in its own network", test_own_network);
	run("port and mark belong to the owner of the socket's namespace",
	    test_foreign_birth_namespace);
	run("events need permission", test_events_need_permission);
	printf("1..%d\n", tests);
	if (failures)
		return 1;
	return skips == tests ? 4 : 0;
}
