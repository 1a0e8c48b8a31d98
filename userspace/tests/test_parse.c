// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdlib.h>
#include <time.h>

#include "../weft/format.h"
#include "../weft/parse.h"
#include "../weft/weft_tool.h"
#include "unit.h"

#define EACH(array, i) (size_t i = 0; i < ARRAY_SIZE(array); ++i)

static void ports_are_numbers_up_to_65535(void **state)
{
	static const char *const bad[] = {
		"", "65536", "-1", "+1", " 1", "1 ", "0x10", "http", "99999999999999999999", "1.5",
	};
	struct problem problem;
	uint16_t port;

	(void)state;
	assert_int_equal(parse_port("0", &port, &problem), 0);
	assert_int_equal(port, 0);
	assert_int_equal(parse_port("65535", &port, &problem), 0);
	assert_int_equal(port, 65535);
	for EACH(bad, i) {
		assert_int_equal(parse_port(bad[i], &port, &problem), -EINVAL);
		assert_contains(problem.text, bad[i]);
		assert_contains(problem.text, "0 to 65535");
	}
}

static void fwmarks_are_off_decimal_or_hexadecimal(void **state)
{
	static const char *const bad[] = {
		"", "0x", "0x100000000", "4294967296", "abc", "-1", "0x-1", "on", "1h",
	};
	struct problem problem;
	uint32_t mark = 1;

	(void)state;
	assert_int_equal(parse_fwmark("off", &mark, &problem), 0);
	assert_int_equal(mark, 0);
	assert_int_equal(parse_fwmark("0xffffffff", &mark, &problem), 0);
	assert_int_equal(mark, UINT32_MAX);
	assert_int_equal(parse_fwmark("017", &mark, &problem), 0);
	assert_int_equal(mark, 17);
	for EACH(bad, i) {
		assert_int_equal(parse_fwmark(bad[i], &mark, &problem), -EINVAL);
		assert_contains(problem.text, "expected off");
	}
}

static void keepalive_is_off_or_seconds(void **state)
{
	static const char *const bad[] = { "", "65536", "-1", "on", "25s" };
	struct problem problem;
	uint16_t seconds = 1;

	(void)state;
	assert_int_equal(parse_keepalive("OFF", &seconds, &problem), 0);
	assert_int_equal(seconds, 0);
	assert_int_equal(parse_keepalive("25", &seconds, &problem), 0);
	assert_int_equal(seconds, 25);
	for EACH(bad, i)
		assert_int_equal(parse_keepalive(bad[i], &seconds, &problem), -EINVAL);
}

static void suites_are_known_by_name(void **state)
{
	struct problem problem;
	uint32_t suite;

	(void)state;
	assert_int_equal(parse_suite("auto", &suite, &problem), 0);
	assert_int_equal(suite, WEFT_SUITE_AUTO);
	assert_int_equal(parse_suite("AES256GCM", &suite, &problem), 0);
	assert_int_equal(suite, WEFT_SUITE_AES256GCM);
	assert_int_equal(parse_suite("chacha20poly1305", &suite, &problem), 0);
	assert_int_equal(suite, WEFT_SUITE_CHACHA20POLY1305);
	assert_int_equal(parse_suite("des", &suite, &problem), -EINVAL);
	assert_contains(problem.text, "\"des\"");
}

static void upcalls_are_on_off_or_named(void **state)
{
	static const char *const bad[] = {
		"", ",", "unknown-peer,", "on,off", "off,unknown-peer", "unknown-peer unknown-destination",
		"unknown", "1",
	};
	struct problem problem;
	uint32_t upcalls = 9;

	(void)state;
	assert_int_equal(parse_upcalls("off", &upcalls, &problem), 0);
	assert_int_equal(upcalls, 0);
	assert_int_equal(parse_upcalls(" ON ", &upcalls, &problem), 0);
	assert_int_equal(upcalls, WEFT_UPCALL_F_UNKNOWN_PEER | WEFT_UPCALL_F_UNKNOWN_DESTINATION);
	assert_int_equal(parse_upcalls("unknown-peer", &upcalls, &problem), 0);
	assert_int_equal(upcalls, WEFT_UPCALL_F_UNKNOWN_PEER);
	assert_int_equal(parse_upcalls("Unknown-Destination", &upcalls, &problem), 0);
	assert_int_equal(upcalls, WEFT_UPCALL_F_UNKNOWN_DESTINATION);
	assert_int_equal(parse_upcalls("unknown-destination , unknown-peer", &upcalls, &problem), 0);
	assert_int_equal(upcalls, WEFT_UPCALL_F_UNKNOWN_PEER | WEFT_UPCALL_F_UNKNOWN_DESTINATION);
	for EACH(bad, i) {
		assert_int_equal(parse_upcalls(bad[i], &upcalls, &problem), -EINVAL);
		assert_contains(problem.text, bad[i]);
		assert_contains(problem.text, "on, off, or");
	}
}

static void upcalls_are_written_as_they_are_read(void **state)
{
	static const uint32_t both = WEFT_UPCALL_F_UNKNOWN_PEER | WEFT_UPCALL_F_UNKNOWN_DESTINATION;
	struct upcalls_text text;
	struct problem problem;
	uint32_t upcalls;

	(void)state;
	assert_string_equal(format_upcalls(0, ",").text, "off");
	assert_string_equal(format_upcalls(WEFT_UPCALL_F_UNKNOWN_DESTINATION, ",").text,
			    "unknown-destination");
	for (upcalls = 0; upcalls <= both; ++upcalls) {
		uint32_t read = ~upcalls;

		text = format_upcalls(upcalls, ", ");
		assert_int_equal(parse_upcalls(text.text, &read, &problem), 0);
		assert_int_equal(read, upcalls);
	}
	/* Those of a newer kernel have no names here. */
	assert_string_equal(format_upcalls(both | 1U << 31, ", ").text,
			    "unknown-peer, unknown-destination, 0x80000000");
	/* and there is room for any number of them. */
	text = format_upcalls(UINT32_MAX, ", ");
	assert_contains(text.text, "0x4, 0x8, ");
	assert_string_equal(strrchr(text.text, ','), ", 0x80000000");
}

static void a_bad_public_key_is_named_and_a_bad_secret_is_not(void **state)
{
	struct problem problem;
	struct weft_key key;

	(void)state;
	assert_int_equal(parse_public_key("hunter2", &key, &problem), -EINVAL);
	assert_contains(problem.text, "hunter2");
	assert_int_equal(parse_secret_key("hunter2", &key, &problem), -EINVAL);
	assert_null(strstr(problem.text, "hunter2"));
}

/* Endpoints. */

static void assert_endpoint(const char *text, const char *address, uint16_t port)
{
	union weft_endpoint endpoint;
	char host[INET6_ADDRSTRLEN];
	struct problem problem;

	assert_int_equal(parse_endpoint(text, &endpoint, &problem), 0);
	if (endpoint.sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &endpoint.in.sin_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET6, &endpoint.in6.sin6_addr, host, sizeof(host));
	assert_string_equal(host, address);
	assert_int_equal(ntohs(endpoint.in.sin_port), port);
}

static void endpoints_of_both_families_are_read(void **state)
{
	(void)state;
	assert_endpoint("192.0.2.1:51820", "192.0.2.1", 51820);
	assert_endpoint("[2001:db8::1]:1", "2001:db8::1", 1);
	assert_endpoint("2001:db8::1:65535", "2001:db8::1", 65535);
	assert_endpoint("[::ffff:192.0.2.1]:5", "::ffff:192.0.2.1", 5);
}

static void endpoints_that_lack_a_part_are_refused(void **state)
{
	static const char *const bad[] = {
		"", ":", "192.0.2.1", ":5", "[]:5", "[::1]", "[::1", "[::1]5", "192.0.2.1:",
		"192.0.2.1:x", "192.0.2.1:65536", "[::1]:", "host", "[:5",
	};
	union weft_endpoint endpoint;
	struct problem problem;

	(void)state;
	for EACH(bad, i) {
		if (parse_endpoint(bad[i], &endpoint, &problem) != -EINVAL)
			fail_msg("\"%s\" was taken for an endpoint", bad[i]);
	}
}

/* Names: these take the place of the C library's. */

static int lookups, lookups_to_fail, lookup_error;
static unsigned int waits;
static struct timespec waited[32];

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		       struct addrinfo **res);
int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
			   struct timespec *remain);
int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		       struct addrinfo **res);

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		       struct addrinfo **res)
{
	assert_string_equal(node, "vpn.example");
	if (lookups++ < lookups_to_fail)
		return lookup_error;
	return __real_getaddrinfo("192.0.2.7", service, hints, res);
}

int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
			   struct timespec *remain)
{
	(void)clock;
	(void)flags;
	(void)remain;
	if (waits < ARRAY_SIZE(waited))
		waited[waits] = *request;
	++waits;
	return 0;
}

static void expect_lookups(int to_fail, int error)
{
	lookups = 0;
	waits = 0;
	lookups_to_fail = to_fail;
	lookup_error = error;
}

static void a_name_is_looked_up_again_when_that_may_help(void **state)
{
	(void)state;
	expect_lookups(3, EAI_AGAIN);
	assert_endpoint("vpn.example:5", "192.0.2.7", 5);
	assert_int_equal(lookups, 4);
	assert_int_equal(waits, 3);
	assert_int_equal(waited[0].tv_sec, 1);
	assert_int_equal(waited[1].tv_nsec, 200000000);
	assert_int_equal(waited[2].tv_nsec, 440000000);
}

static void an_unknown_name_is_not_looked_up_again(void **state)
{
	union weft_endpoint endpoint;
	struct problem problem;

	(void)state;
	expect_lookups(100, EAI_NONAME);
	assert_int_equal(parse_endpoint("vpn.example:5", &endpoint, &problem), -EHOSTUNREACH);
	assert_contains(problem.text, "vpn.example");
	assert_int_equal(lookups, 1);
}

static void looking_up_ends_after_15_retries_and_waits_20_seconds_at_most(void **state)
{
	union weft_endpoint endpoint;
	struct problem problem;

	(void)state;
	expect_lookups(100, EAI_AGAIN);
	assert_int_equal(parse_endpoint("vpn.example:5", &endpoint, &problem), -EHOSTUNREACH);
	assert_int_equal(lookups, 16);
	assert_int_equal(waits, 15);
	setenv("WG_ENDPOINT_RESOLUTION_RETRIES", "infinity", 1);
	expect_lookups(30, EAI_AGAIN);
	assert_endpoint("vpn.example:5", "192.0.2.7", 5);
	assert_int_equal(waited[28].tv_sec, 20);
	unsetenv("WG_ENDPOINT_RESOLUTION_RETRIES");
}

static void the_environment_sets_the_retries_and_weft_has_the_last_word(void **state)
{
	union weft_endpoint endpoint;
	struct problem problem;

	(void)state;
	setenv("WG_ENDPOINT_RESOLUTION_RETRIES", "3", 1);
	expect_lookups(100, EAI_AGAIN);
	assert_int_equal(parse_endpoint("vpn.example:5", &endpoint, &problem), -EHOSTUNREACH);
	assert_int_equal(lookups, 4);
	setenv("WEFT_ENDPOINT_RESOLUTION_RETRIES", "0", 1);
	expect_lookups(100, EAI_AGAIN);
	assert_int_equal(parse_endpoint("vpn.example:5", &endpoint, &problem), -EHOSTUNREACH);
	assert_int_equal(lookups, 1);
	unsetenv("WG_ENDPOINT_RESOLUTION_RETRIES");
	unsetenv("WEFT_ENDPOINT_RESOLUTION_RETRIES");
}

/* Allowed IPs. */

static void assert_ip(const struct weft_allowed_ip *ip, const char *address, uint8_t len,
		      uint16_t flags)
{
	char host[INET6_ADDRSTRLEN];

	inet_ntop(ip->family, ip->addr, host, sizeof(host));
	assert_string_equal(host, address);
	assert_int_equal(ip->prefix_len, len);
	assert_int_equal(ip->flags, flags);
}

static void a_list_without_signs_replaces(void **state)
{
	struct weft_peer peer = { 0 };
	struct problem problem;

	(void)state;
	assert_int_equal(parse_allowed_ips(" 10.0.0.0/8 ,2001:db8::/32,192.0.2.1 , ::1", &peer,
					   &problem), 0);
	assert_int_equal(peer.flags, WEFT_PEER_F_REPLACE_ALLOWED_IPS);
	assert_int_equal(peer.n_allowed_ips, 4);
	assert_ip(&peer.allowed_ips[0], "10.0.0.0", 8, 0);
	assert_ip(&peer.allowed_ips[1], "2001:db8::", 32, 0);
	assert_ip(&peer.allowed_ips[2], "192.0.2.1", 32, 0);
	assert_ip(&peer.allowed_ips[3], "::1", 128, 0);
	weft_peer_clear(&peer);
}

static void a_list_with_signs_adds_and_takes_away(void **state)
{
	struct weft_peer peer = { 0 };
	struct problem problem;

	(void)state;
	assert_int_equal(parse_allowed_ips("+10.0.0.0/8,-2001:db8::/32", &peer, &problem), 0);
	assert_int_equal(peer.flags, 0);
	assert_int_equal(peer.n_allowed_ips, 2);
	assert_ip(&peer.allowed_ips[0], "10.0.0.0", 8, 0);
	assert_ip(&peer.allowed_ips[1], "2001:db8::", 32, WEFT_ALLOWED_IP_F_REMOVE_ME);
	weft_peer_clear(&peer);
}

static void an_empty_list_takes_all_away(void **state)
{
	struct weft_peer peer = { 0 };
	struct problem problem;

	(void)state;
	assert_int_equal(parse_allowed_ips("", &peer, &problem), 0);
	assert_int_equal(peer.flags, WEFT_PEER_F_REPLACE_ALLOWED_IPS);
	assert_int_equal(peer.n_allowed_ips, 0);
}

static void bad_prefixes_are_named_and_refused(void **state)
{
	static const char *const bad[] = {
		"10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1",
		"localhost", "1.2.3.4/8/8", "::/0x8", "++1.2.3.4", "-", "+", "256.1.1.1", "/8",
	};
	struct problem problem;

	(void)state;
	for EACH(bad, i) {
		struct weft_peer peer = { 0 };

		if (parse_allowed_ips(bad[i], &peer, &problem) != -EINVAL)
			fail_msg("\"%s\" was taken for a prefix", bad[i]);
		assert_contains(problem.text, bad[i]);
		weft_peer_clear(&peer);
	}
}

static void a_list_with_an_empty_item_is_refused(void **state)
{
	static const char *const bad[] = { ",", "10.0.0.0/8,", ",10.0.0.0/8", "::1,,::2" };
	struct problem problem;

	(void)state;
	for EACH(bad, i) {
		struct weft_peer peer = { 0 };

		assert_int_equal(parse_allowed_ips(bad[i], &peer, &problem), -EINVAL);
		weft_peer_clear(&peer);
	}
}

/* Arguments of "weft set". */

static int set(struct weft_device **dev, struct problem *problem, const char *text)
{
	char *copy = strdup(text), *rest = copy, *word;
	char *argv[32];
	int argc = 0, err;

	while ((word = strsep(&rest, " ")))
		argv[argc++] = word;
	err = parse_set(argc, argv, dev, problem);
	free(copy);
	return err;
}

static void set_takes_all_key_words_of_interface_and_peer(void **state)
{
	struct weft_device *dev;
	struct problem problem;
	struct weft_peer *peer;

	(void)state;
	assert_int_equal(set(&dev, &problem, "weft0 listen-port 51820 fwmark 0x10 "
		"upcalls unknown-destination "
		"private-key /dev/null peer " KEY_A " preshared-key /dev/null "
		"endpoint 192.0.2.1:5 persistent-keepalive 25 allowed-ips 10.0.0.0/8,::/0 "
		"suite aes256gcm peer " KEY_B " remove"), 0);
	assert_string_equal(dev->ifname, "weft0");
	assert_int_equal(dev->has, WEFT_DEVICE_HAS_LISTEN_PORT | WEFT_DEVICE_HAS_FWMARK |
			 WEFT_DEVICE_HAS_PRIVATE_KEY | WEFT_DEVICE_HAS_UPCALLS);
	assert_int_equal(dev->upcalls, WEFT_UPCALL_F_UNKNOWN_DESTINATION);
	assert_int_equal(dev->flags, 0);
	assert_int_equal(dev->listen_port, 51820);
	assert_int_equal(dev->fwmark, 16);
	assert_true(weft_key_is_zero(&dev->private_key));
	peer = dev->first_peer;
	assert_key(&peer->public_key, KEY_A);
	assert_int_equal(peer->has, WEFT_PEER_HAS_PRESHARED_KEY | WEFT_PEER_HAS_ENDPOINT |
			 WEFT_PEER_HAS_PERSISTENT_KEEPALIVE | WEFT_PEER_HAS_SUITE);
	assert_int_equal(peer->persistent_keepalive, 25);
	assert_int_equal(peer->suite, WEFT_SUITE_AES256GCM);
	assert_int_equal(peer->n_allowed_ips, 2);
	assert_int_equal(peer->flags, WEFT_PEER_F_REPLACE_ALLOWED_IPS);
	peer = peer->next;
	assert_key(&peer->public_key, KEY_B);
	assert_int_equal(peer->flags, WEFT_PEER_F_REMOVE_ME);
	assert_null(peer->next);
	weft_device_free(dev);
}

static void set_says_what_is_wrong_with_its_arguments(void **state)
{
	static const struct {
		const char *arguments, *problem;
	} cases[] = {
		{ "weft0", "nothing to set" },
		{ "a-name-of-16-chr listen-port 5", "cannot be the name" },
		{ "weft0 listen-port", "\"listen-port\" needs a value" },
		{ "weft0 listen-port x", "listen-port: bad port \"x\"" },
		{ "weft0 colour red", "unknown key word \"colour\"" },
		{ "weft0 endpoint 1.2.3.4:5", "\"endpoint\" belongs to a peer" },
		{ "weft0 peer " KEY_A " listen-port 5", "\"listen-port\" belongs to the interface" },
		{ "weft0 peer", "\"peer\" needs a value" },
		{ "weft0 peer abc", "bad key \"abc\"" },
		{ "weft0 peer " KEY_A " remove me", "unknown key word \"me\"" },
		{ "weft0 peer " KEY_A " suite x", "suite: unknown suite \"x\"" },
		{ "weft0 upcalls x", "upcalls: bad list of upcalls \"x\"" },
		{ "weft0 peer " KEY_A " upcalls on", "\"upcalls\" belongs to the interface" },
	};
	struct weft_device *dev;
	struct problem problem;

	(void)state;
	for EACH(cases, i) {
		assert_int_equal(set(&dev, &problem, cases[i].arguments), -EINVAL);
		assert_null(dev);
		assert_contains(problem.text, cases[i].problem);
	}
}

static void set_names_a_key_file_that_it_cannot_read(void **state)
{
	struct weft_device *dev;
	struct problem problem;

	(void)state;
	assert_int_equal(set(&dev, &problem, "weft0 private-key /nonexistent/key"), -ENOENT);
	assert_contains(problem.text, "/nonexistent/key");
	assert_contains(problem.text, "No such file");
}

/* Key files. */

static int key_from(const char *text, bool may_be_empty, struct weft_key *key)
{
	FILE *file = tmpfile();
	struct problem problem;
	int err;

	fputs(text, file);
	rewind(file);
	err = read_key(file, may_be_empty, key, &problem);
	fclose(file);
	return err;
}

static void a_key_file_holds_one_key_and_white_space_after_it(void **state)
{
	struct weft_key key;

	(void)state;
	assert_int_equal(key_from(KEY_PRIVATE, true, &key), 0);
	assert_key(&key, KEY_PRIVATE);
	assert_int_equal(key_from(KEY_PRIVATE "\n \r\n\n", true, &key), 0);
	assert_int_equal(key_from(KEY_PRIVATE "\nx", true, &key), -EINVAL);
	assert_true(weft_key_is_zero(&key));
	assert_int_equal(key_from(" " KEY_PRIVATE, true, &key), -EINVAL);
	assert_int_equal(key_from(KEY_PRIVATE KEY_PRIVATE, true, &key), -EINVAL);
}

static void an_empty_key_file_means_no_key_where_that_is_allowed(void **state)
{
	struct weft_key key = { { 1 } };

	(void)state;
	assert_int_equal(key_from("", true, &key), 0);
	assert_true(weft_key_is_zero(&key));
	assert_int_equal(key_from("", false, &key), -EINVAL);
}

static void numbers_and_prefixes_are_written_in_full(void **state)
{
	static const uint64_t numbers[] = { 0, 9, 10, 99, 100, 1234567890, UINT64_MAX };
	static const char *const prefixes[] = {
		"0.0.0.0/0", "10.0.200.9/32", "255.255.255.255/32", "::/0", "2001:db8::1/128",
	};
	struct weft_peer peer = { 0 };
	struct problem problem;
	char text[32], expected[32];

	(void)state;
	for EACH(numbers, i) {
		*format_decimal(text, numbers[i]) = '\0';
		snprintf(expected, sizeof(expected), "%" PRIu64, numbers[i]);
		assert_string_equal(text, expected);
	}
	for EACH(prefixes, i) {
		assert_int_equal(parse_allowed_ips(prefixes[i], &peer, &problem), 0);
		assert_string_equal(format_prefix(&peer.allowed_ips[i]).text, prefixes[i]);
	}
	weft_peer_clear(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_are_numbers_up_to_65535),
		cmocka_unit_test(fwmarks_are_off_decimal_or_hexadecimal),
		cmocka_unit_test(keepalive_is_off_or_seconds),
		cmocka_unit_test(suites_are_known_by_name),
		cmocka_unit_test(upcalls_are_on_off_or_named),
		cmocka_unit_test(upcalls_are_written_as_they_are_read),
		cmocka_unit_test(a_bad_public_key_is_named_and_a_bad_secret_is_not),
		cmocka_unit_test(endpoints_of_both_families_are_read),
		cmocka_unit_test(endpoints_that_lack_a_part_are_refused),
		cmocka_unit_test(a_name_is_looked_up_again_when_that_may_help),
		cmocka_unit_test(an_unknown_name_is_not_looked_up_again),
		cmocka_unit_test(looking_up_ends_after_15_retries_and_waits_20_seconds_at_most),
		cmocka_unit_test(the_environment_sets_the_retries_and_weft_has_the_last_word),
		cmocka_unit_test(a_list_without_signs_replaces),
		cmocka_unit_test(a_list_with_signs_adds_and_takes_away),
		cmocka_unit_test(an_empty_list_takes_all_away),
		cmocka_unit_test(bad_prefixes_are_named_and_refused),
		cmocka_unit_test(a_list_with_an_empty_item_is_refused),
		cmocka_unit_test(set_takes_all_key_words_of_interface_and_peer),
		cmocka_unit_test(set_says_what_is_wrong_with_its_arguments),
		cmocka_unit_test(set_names_a_key_file_that_it_cannot_read),
		cmocka_unit_test(a_key_file_holds_one_key_and_white_space_after_it),
		cmocka_unit_test(an_empty_key_file_means_no_key_where_that_is_allowed),
		cmocka_unit_test(numbers_and_prefixes_are_written_in_full),
	};

	return RUN_TESTS(tests);
}
