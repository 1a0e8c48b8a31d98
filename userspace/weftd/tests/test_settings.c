// SPDX-License-Identifier: GPL-2.0-or-later
/* A network's configuration file, and what is written in words in it. */
#include <errno.h>
#include <stdlib.h>

#include "unit.h"

#include "config.h"
#include "json.h"

static int decode(struct config *config, const char *text)
{
	return config_decode(config, text, strlen(text));
}

static void test_comes_back(void **state)
{
	struct config config = {
		.name = "home", .interface = "weft0", .member = "anna", .port = 51820,
		.port_is_fixed = true, .is_named = true, .is_up = true, .beacons = true,
		.created = 1700000000, .endpoint_count = 2, .routes.count = 2,
		.rendezvous = "weft-rendezvous-opendht --bootstrap [2001:db8::1]:4222",
	}, read = { 0 };
	char *text;

	(void)state;
	assert_true(endpoint_from_text(&config.endpoints[0], "192.0.2.1:5"));
	assert_true(endpoint_from_text(&config.endpoints[1], "[2001:db8::1]:65535"));
	assert_true(prefix_from_text(&config.routes.at[0], "192.0.2.0/24"));
	assert_true(prefix_from_text(&config.routes.at[1], "2001:db8::/32"));
	text = config_encode(&config);
	assert_non_null(text);
	assert_int_equal(decode(&read, text), 0);
	assert_memory_equal(&read, &config, sizeof(config));
	free(text);
	config.is_up = false;
	config.beacons = false;
	config.is_named = false;
	memset(config.rendezvous, 0, sizeof(config.rendezvous));
	memset(&read, 0, sizeof(read));
	text = config_encode(&config);
	assert_int_equal(decode(&read, text), 0);
	assert_memory_equal(&read, &config, sizeof(config));
	free(text);
}

static void test_damaged(void **state)
{
	static const char *const texts[] = {
		"", "{", "[]", "null", "{}", "{\"name\":\"a\"}", "{\"name\":\"a\",\"interface\":1}",
		"{\"name\":\"A\",\"interface\":\"w\"}", "{\"name\":\"a\",\"interface\":\"a/b\"}",
		"{\"name\":\"a\",\"interface\":\"w\",\"port\":65536}",
		"{\"name\":\"a\",\"interface\":\"w\",\"member\":\"-\"}",
		"{\"name\":\"a\",\"interface\":\"w\",\"endpoints\":[1]}",
		"{\"name\":\"a\",\"interface\":\"w\",\"endpoints\":[\"1.2.3.4\"]}",
		"{\"name\":\"a\",\"interface\":\"w\",\"routes\":[\"10.0.0.1/8\"]}",
		"{\"name\":\"a\",\"interface\":\"w\",\"routes\":[\"10.0.0.0/8\",\"10.0.0.0/8\"]}",
		"{\"name\":\"a\",\"interface\":\"w\"} x", "{\"name\":\"a\",\"interface\":\"sixteen-"
		"letter-s\"}", "{\"name\":\"a\",\"interface\":\"w\",\"rendezvous\":\"\"}",
		"{\"name\":\"a\",\"interface\":\"w\",\"rendezvous\":\"a\\nb\"}","{\"name\":\"a\\u0000b\",\"interface\":\"w\"}",
	};
	struct config config = { .name = "untouched" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (decode(&config, texts[i]) != -EBADMSG)
			fail_msg("taken: %s", texts[i]);
		assert_string_equal(config.name, "untouched");
	}
	assert_int_equal(decode(&config, "{\"name\":\"a\",\"interface\":\"w\"}\n"), 0);
}

/* Any part of a whole file is none, and does no harm. */
static void test_cut(void **state)
{
	static const char text[] = "{\"name\":\"a\",\"interface\":\"w\",\"endpoints\":"
				   "[\"1.2.3.4:5\"],\"routes\":[\"10.0.0.0/8\"]}";
	struct config config;
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(text) - 1; len++)
		assert_int_equal(config_decode(&config, text, len), -EBADMSG);
	assert_int_equal(config_decode(&config, text, len), 0);
	assert_int_equal(config_decode(&config, text, len + 1), -EBADMSG);
}

static void test_endpoints(void **state)
{
	static const char *const good[] = { "1.2.3.4:1", "[::1]:65535", "[2001:db8::a]:443" };
	static const char *const bad[] = { "", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0",
		"1.2.3.4:65536", "1.2.3.4:+5", "1.2.3.4: 5", "1.2.3:5", "::1:5", "[::1]5", "[::1:5",
		"[]:5", "[1.2.3.4]:5", "::1]:5", "[::1]x:5", "1.2.3.4:5x", "host:5",
		"1111111111111111111111111111111111111111111111111111111:5" };
	struct weft_ip_endpoint endpoint;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(endpoint_from_text(&endpoint, good[i]));
		assert_string_equal(text_of_endpoint(&endpoint).text, good[i]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (endpoint_from_text(&endpoint, bad[i]))
			fail_msg("taken: %s", bad[i]);
	}
}

static void test_prefixes(void **state)
{
	static const char *const good[] = { "10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/32",
		"10.1.2.3/32", "2001:db8::1/128" };
	static const char *const bad[] = { "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8",
		"10.0.0.0/-1", "10.0.0.0/8/8", "::1/64", "::/129", "x/8" };
	struct weft_prefix prefix;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(prefix_from_text(&prefix, good[i]));
		assert_string_equal(text_of_prefix(&prefix).text, good[i]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (prefix_from_text(&prefix, bad[i]))
			fail_msg("taken: %s", bad[i]);
	}
	assert_true(prefix_from_text(&prefix, "10.1.2.3"));
	assert_int_equal(prefix.length, 32);
}

static void test_rendezvous(void **state)
{
	static const char *const good[] = { "a", "/a/b --c d", " a ", "a  b" };
	static const char *const bad[] = { "", " ", "a\tb", "a\x7f", "\xc3\xa4",
		"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 "
		"32 33" };
	char text[CONFIG_MAX_RENDEZVOUS + 2];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(config_rendezvous_valid(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (config_rendezvous_valid(bad[i]))
			fail_msg("taken: %s", bad[i]);
	}
	memset(text, 'a', sizeof(text));
	text[CONFIG_MAX_RENDEZVOUS + 1] = 0;
	assert_false(config_rendezvous_valid(text));
	text[CONFIG_MAX_RENDEZVOUS] = 0;
	assert_true(config_rendezvous_valid(text));
}

static json_object *parse(const char *text)
{
	return json_read(text, strlen(text));
}

static void test_json(void **state)
{
	static const char *const bad[] = { "", " ", "{", "{}{}", "{} x", "{\"a\":1,}",
		"[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]", "{\"a\":\"\xff\"}", "nul" };
	json_object *value = parse(" {\"t\":\"x\",\"n\":5,\"m\":-1,\"f\":true,\"l\":[\"a\",2]} \r");
	size_t i;

	(void)state;
	assert_non_null(value);
	assert_string_equal(json_text(value, "t"), "x");
	assert_null(json_text(value, "n"));
	assert_null(json_text(value, "none"));
	assert_int_equal(json_number(value, "n", 7), 5);
	assert_int_equal(json_number(value, "m", 7), 7);
	assert_int_equal(json_number(value, "t", 7), 7);
	assert_true(json_flag(value, "f", false));
	assert_true(json_flag(value, "t", true));
	assert_int_equal(json_length(value, "l"), 2);
	assert_int_equal(json_length(value, "t"), 0);
	assert_string_equal(json_text_at(value, "l", 0), "a");
	assert_null(json_text_at(value, "l", 1));
	assert_null(json_text_at(value, "l", 2));
	assert_true(json_has(value, "t"));
	assert_false(json_has(value, "none"));
	assert_false(json_has(NULL, "none"));
	json_object_put(value);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i]))
			fail_msg("taken: %s", bad[i]);
	}
	assert_null(json_read("{}\0", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_rendezvous),
		cmocka_unit_test(test_json),
	};

	return RUN_TESTS(tests);
}
