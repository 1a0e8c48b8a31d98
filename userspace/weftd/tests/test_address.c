// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses, prefixes, endpoints. */
#include "core.h"

static void test_member_addresses(void **state)
{
	struct weft_identity root = root_of(), other = identity_of(2), member = identity_of(1);
	uint8_t a[16], b[16], c[16];
	struct weft_prefix prefix;

	(void)state;
	weft_network_prefix(&prefix, &root.id);
	assert_int_equal(prefix.address[0], 0xfd);
	assert_int_equal(prefix.length, 48);
	assert_true(weft_prefix_valid(&prefix));
	weft_member_address(a, &root.id, &member.id);
	weft_member_address(b, &root.id, &other.id);
	weft_member_address(c, &other.id, &member.id);
	assert_memory_equal(a, prefix.address, 6);
	assert_memory_equal(a, b, 6);
	assert_memory_not_equal(a + 6, b + 6, 10);
	/* the same member in another network: the same host part, another prefix */
	assert_memory_not_equal(a, c, 6);
	assert_memory_equal(a + 6, c + 6, 10);
}

static void test_prefix_valid(void **state)
{
	struct weft_prefix prefix = ipv4_prefix(10, 0, 0, 0, 8);

	(void)state;
	assert_true(weft_prefix_valid(&prefix));
	prefix.length = 33;
	assert_false(weft_prefix_valid(&prefix));
	prefix = ipv4_prefix(10, 0, 0, 1, 31);
	assert_false(weft_prefix_valid(&prefix));
	prefix.length = 32;
	assert_true(weft_prefix_valid(&prefix));
	prefix.size = 5;
	assert_false(weft_prefix_valid(&prefix));
	prefix = (struct weft_prefix){ .size = 16 };
	assert_true(weft_prefix_valid(&prefix));
}

static void test_prefix_covers(void **state)
{
	struct weft_prefix wide = ipv4_prefix(10, 0, 0, 0, 8), narrow = ipv4_prefix(10, 1, 0, 0, 16);
	struct weft_prefix other = ipv4_prefix(11, 1, 0, 0, 16), all = ipv4_prefix(0, 0, 0, 0, 0);
	struct weft_prefix all6 = { .size = 16 };

	(void)state;
	assert_true(weft_prefix_covers(&wide, &narrow));
	assert_true(weft_prefix_covers(&wide, &wide));
	assert_false(weft_prefix_covers(&narrow, &wide));
	assert_false(weft_prefix_covers(&wide, &other));
	assert_true(weft_prefix_covers(&all, &other));
	assert_false(weft_prefix_covers(&all6, &other));
}

static void test_prefix_order(void **state)
{
	struct weft_prefix a = ipv4_prefix(10, 0, 0, 0, 8), b = ipv4_prefix(10, 0, 0, 0, 16);
	struct weft_prefix c = ipv4_prefix(11, 0, 0, 0, 8), d = { .size = 16 };

	(void)state;
	assert_int_equal(weft_prefix_compare(&a, &a), 0);
	assert_true(weft_prefix_compare(&a, &b) < 0);
	assert_true(weft_prefix_compare(&b, &c) < 0);
	assert_true(weft_prefix_compare(&c, &d) < 0);
	assert_true(weft_prefix_compare(&d, &a) > 0);
}

static bool valid4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	struct weft_ip_endpoint endpoint = { .size = 4, .address = { a, b, c, d }, .port = port };

	return weft_ip_endpoint_valid(&endpoint);
}

static void test_endpoints(void **state)
{
	struct weft_ip_endpoint endpoint = { .size = 16, .address = { 0x20, 1 }, .port = 1 };

	(void)state;
	assert_true(valid4(192, 0, 2, 1, 51820));
	assert_false(valid4(192, 0, 2, 1, 0));
	assert_false(valid4(0, 0, 0, 0, 1));
	assert_false(valid4(0, 1, 2, 3, 1));
	assert_false(valid4(224, 0, 0, 1, 1));
	assert_false(valid4(255, 255, 255, 255, 1));
	assert_true(weft_ip_endpoint_valid(&endpoint));
	endpoint.address[0] = 0xff;
	assert_false(weft_ip_endpoint_valid(&endpoint));
	memset(endpoint.address, 0, 16);
	assert_false(weft_ip_endpoint_valid(&endpoint));
	/* ::ffff:192.0.2.1 */
	memcpy(endpoint.address + 10, "\xff\xff\xc0\0\2\1", 6);
	assert_false(weft_ip_endpoint_valid(&endpoint));
}

static void test_ipv4_hosts(void **state)
{
	struct weft_prefix prefix = ipv4_prefix(10, 77, 0, 0, 24);
	uint8_t address[4];

	(void)state;
	assert_int_equal(weft_ipv4_hosts(&prefix), 254);
	weft_nth_ipv4(address, &prefix, 0);
	assert_memory_equal(address, "\x0a\x4d\0\1", 4);
	weft_nth_ipv4(address, &prefix, 253);
	assert_memory_equal(address, "\x0a\x4d\0\xfe", 4);
	assert_true(weft_host_ipv4(&prefix, address));
	assert_false(weft_host_ipv4(&prefix, (const uint8_t *)"\x0a\x4d\0\0"));
	assert_false(weft_host_ipv4(&prefix, (const uint8_t *)"\x0a\x4d\0\xff"));
	assert_false(weft_host_ipv4(&prefix, (const uint8_t *)"\x0a\x4d\1\1"));
	assert_false(weft_host_ipv4(&prefix, (const uint8_t *)"\x0a\x4c\xff\xff"));
	prefix.length = 31;
	assert_int_equal(weft_ipv4_hosts(&prefix), 0);
	prefix = ipv4_prefix(0, 0, 0, 0, 0);
	assert_true(weft_ipv4_hosts(&prefix) == 0xfffffffe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_member_addresses),
		cmocka_unit_test(test_prefix_valid),
		cmocka_unit_test(test_prefix_covers),
		cmocka_unit_test(test_prefix_order),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_ipv4_hosts),
	};

	return RUN_TESTS(tests);
}
