// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../weft/config.h"
#include "../weft/weft_tool.h"
#include "unit.h"

#define INTERFACE "[Interface]\n"
#define PEER_A "[Peer]\nPublicKey = " KEY_A "\n"
#define PEER_B "[Peer]\nPublicKey = " KEY_B "\n"

/* What was last written to standard error. */
static char errors[4096];

static int read_config(const char *text, size_t len, enum config_mode mode,
		       struct weft_device **dev)
{
	FILE *file = tmpfile(), *log = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t n;
	int err;

	fwrite(text, 1, len, file);
	rewind(file);
	dup2(fileno(log), STDERR_FILENO);
	err = config_read(file, "x.conf", "weft0", mode, dev);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(log);
	n = fread(errors, 1, sizeof(errors) - 1, log);
	errors[n] = '\0';
	fclose(file);
	fclose(log);
	return err;
}

static struct weft_device *config(const char *text, enum config_mode mode)
{
	struct weft_device *dev;

	assert_int_equal(read_config(text, strlen(text), mode, &dev), 0);
	return dev;
}

static void assert_refused(const char *text, const char *message)
{
	struct weft_device *dev;

	assert_int_equal(read_config(text, strlen(text), CONFIG_REPLACE, &dev), -EINVAL);
	assert_null(dev);
	assert_contains(errors, message);
}

static void all_fields_are_read(void **state)
{
	struct weft_device *dev = config(
		INTERFACE "PrivateKey = " KEY_PRIVATE "\nListenPort = 51820\nFwMark = 0xca6c\n"
		"Upcalls = unknown-peer, unknown-destination\n\n"
		PEER_A "PresharedKey = " KEY_PSK "\nAllowedIPs = 10.0.0.0/8, ::/0\n"
		"Endpoint = [2001:db8::1]:51820\nPersistentKeepalive = 25\nSuite = aes256gcm\n"
		PEER_B, CONFIG_REPLACE);
	struct weft_peer *peer = dev->first_peer;

	(void)state;
	assert_string_equal(dev->ifname, "weft0");
	assert_key(&dev->private_key, KEY_PRIVATE);
	assert_int_equal(dev->listen_port, 51820);
	assert_int_equal(dev->fwmark, 0xca6c);
	assert_int_equal(dev->upcalls,
			 WEFT_UPCALL_F_UNKNOWN_PEER | WEFT_UPCALL_F_UNKNOWN_DESTINATION);
	assert_key(&peer->public_key, KEY_A);
	assert_key(&peer->preshared_key, KEY_PSK);
	assert_int_equal(peer->n_allowed_ips, 2);
	assert_int_equal(peer->endpoint.sa.sa_family, AF_INET6);
	assert_int_equal(peer->persistent_keepalive, 25);
	assert_int_equal(peer->suite, WEFT_SUITE_AES256GCM);
	assert_int_equal(peer->has, WEFT_PEER_HAS_PRESHARED_KEY | WEFT_PEER_HAS_ENDPOINT |
			 WEFT_PEER_HAS_PERSISTENT_KEEPALIVE | WEFT_PEER_HAS_SUITE);
	assert_key(&peer->next->public_key, KEY_B);
	assert_int_equal(peer->next->has, 0);
	weft_device_free(dev);
}

static void replacing_unsets_what_the_file_leaves_out(void **state)
{
	struct weft_device *dev = config("", CONFIG_REPLACE);

	(void)state;
	assert_int_equal(dev->flags, WEFT_DEVICE_F_REPLACE_PEERS);
	assert_int_equal(dev->has, WEFT_DEVICE_HAS_PRIVATE_KEY | WEFT_DEVICE_HAS_LISTEN_PORT |
			 WEFT_DEVICE_HAS_FWMARK | WEFT_DEVICE_HAS_UPCALLS);
	assert_true(weft_key_is_zero(&dev->private_key));
	assert_int_equal(dev->listen_port, 0);
	assert_int_equal(dev->upcalls, 0);
	assert_null(dev->first_peer);
	weft_device_free(dev);
}

static void adding_touches_only_what_the_file_mentions(void **state)
{
	struct weft_device *dev = config(INTERFACE "FwMark = 5\n" PEER_A, CONFIG_ADD);

	(void)state;
	assert_int_equal(dev->flags, 0);
	assert_int_equal(dev->has, WEFT_DEVICE_HAS_FWMARK);
	assert_int_equal(dev->first_peer->flags, WEFT_PEER_F_REPLACE_ALLOWED_IPS);
	weft_device_free(dev);
}

static void case_white_space_comments_and_line_ends_do_not_matter(void **state)
{
	struct weft_device *dev = config(
		"# a file\r\n\r\n  [ interface ]  # of mine\r\n\tlisten port=5 # a port\r\n"
		"[PEER]\r\nPUBLICKEY=" KEY_A "\r\n allowedips = 10.0.0.0 / 8 ,\t::1\r\n#end",
		CONFIG_REPLACE);

	(void)state;
	assert_int_equal(dev->listen_port, 5);
	assert_key(&dev->first_peer->public_key, KEY_A);
	assert_int_equal(dev->first_peer->n_allowed_ips, 2);
	assert_int_equal(dev->first_peer->allowed_ips[0].prefix_len, 8);
	weft_device_free(dev);
}

static void several_allowed_ips_lines_add_up(void **state)
{
	struct weft_device *dev = config(PEER_A "AllowedIPs = 10.0.0.0/8\nAllowedIPs =\n"
					 "AllowedIPs = 192.0.2.0/24, ::/0", CONFIG_REPLACE);

	(void)state;
	assert_int_equal(dev->first_peer->n_allowed_ips, 3);
	weft_device_free(dev);
}

static void what_is_wrong_is_named_with_its_line(void **state)
{
	(void)state;
	assert_refused("ListenPort = 5\n", "x.conf:1: unknown key word \"ListenPort\"");
	assert_refused("\n[Tunnel]\n", "x.conf:2: unknown section \"[Tunnel]\"");
	assert_refused(INTERFACE "MTU = 1420\n", "x.conf:2: unknown key word \"MTU\"");
	assert_refused(INTERFACE "PublicKey = " KEY_A "\n", "unknown key word \"PublicKey\"");
	assert_refused(PEER_A "ListenPort = 5\n", "x.conf:3: unknown key word \"ListenPort\"");
	assert_refused(INTERFACE "ListenPort = 5x\n", "x.conf:2: ListenPort: bad port \"5x\"");
	assert_refused(INTERFACE "ListenPort\n", "x.conf:2: expected NAME = VALUE");
	assert_refused(INTERFACE "ListenPort =\n", "x.conf:2: ListenPort needs a value");
	assert_refused(PEER_A "AllowedIPs = 10.0.0.0/33\n", "bad allowed IP \"10.0.0.0/33\"");
	assert_refused(PEER_A "Endpoint = 10.0.0.1\n", "bad endpoint \"10.0.0.1\"");
	assert_refused(PEER_A "Suite = rot13\n", "unknown suite \"rot13\"");
	assert_refused(INTERFACE "Upcalls = yes\n", "bad list of upcalls \"yes\"");
	assert_refused(PEER_A "PersistentKeepalive = 99999\n", "1 to 65535");
}

static void a_peer_without_a_public_key_is_refused(void **state)
{
	(void)state;
	assert_refused(INTERFACE "[Peer]\nAllowedIPs = ::/0\n" PEER_A,
		       "x.conf:2: this [Peer] has no PublicKey");
	assert_refused(PEER_A "[Peer]\n", "x.conf:3: this [Peer] has no PublicKey");
	assert_refused("[Peer]\n" INTERFACE, "no PublicKey");
}

static void a_bad_secret_is_not_repeated(void **state)
{
	(void)state;
	assert_refused(INTERFACE "PrivateKey = hunter2\n", "x.conf:2: PrivateKey: bad key");
	assert_null(strstr(errors, "hunter2"));
	assert_refused(INTERFACE "hunter2\n", "x.conf:2: expected NAME = VALUE");
	assert_null(strstr(errors, "hunter2"));
}

static void a_file_with_zero_bytes_is_refused(void **state)
{
	static const char text[] = INTERFACE "ListenPort = 5\0x\n";
	struct weft_device *dev;

	(void)state;
	assert_int_equal(read_config(text, sizeof(text) - 1, CONFIG_REPLACE, &dev), -EINVAL);
	assert_contains(errors, "x.conf:2: this is not a text file");
}

static void a_directory_is_no_file(void **state)
{
	struct weft_device *dev;

	(void)state;
	assert_int_equal(config_load("/", "weft0", CONFIG_REPLACE, &dev), -EISDIR);
	assert_null(dev);
	assert_int_equal(config_load("/nonexistent", "weft0", CONFIG_REPLACE, &dev), -ENOENT);
}

static void any_bytes_are_read_without_harm(void **state)
{
	static const char *const pieces[] = {
		"[Interface]", "[Peer]", "\n", "\n", "=", "PublicKey=", KEY_A, "AllowedIPs=",
		"10.0.0.0/8", ",", "Endpoint=", "[::1]:5", "#", " ", "-", "+", "/", "[", "]", ":",
		"FwMark=0x1", "PresharedKey=", "Upcalls=", "on", "\r", "\xff", "x",
	};

	(void)state;
	srandom(1);
	for (int i = 0; i < 3000; ++i) {
		struct weft_device *dev = NULL;
		char text[2048] = "";
		size_t len = 0;

		for (long n = random() % 30; n > 0; --n) {
			const char *piece = pieces[(size_t)random() % ARRAY_SIZE(pieces)];

			memcpy(text + len, piece, strlen(piece));
			len += strlen(piece);
		}
		setenv("WEFT_ENDPOINT_RESOLUTION_RETRIES", "0", 1);
		if (!read_config(text, len, CONFIG_REPLACE, &dev))
			weft_device_free(dev);
		else
			assert_null(dev);
	}
}

/* syncconf */

static struct weft_device *synced(const char *wanted, const char *present)
{
	struct weft_device *dev = config(wanted, CONFIG_REPLACE);
	struct weft_device *other = config(present, CONFIG_REPLACE);

	assert_int_equal(sync_changes(dev, other), 0);
	assert_int_equal(dev->flags, 0);
	weft_device_free(other);
	return dev;
}

#define FULL INTERFACE "PrivateKey = " KEY_PRIVATE "\nListenPort = 5\nFwMark = 7\nUpcalls = on\n" \
	PEER_A "PresharedKey = " KEY_PSK "\nAllowedIPs = 10.0.0.0/8, ::/0\n" \
	"Endpoint = 192.0.2.1:5\nPersistentKeepalive = 25\nSuite = aes256gcm\n" PEER_B

static void syncing_what_is_the_same_changes_nothing(void **state)
{
	struct weft_device *dev = synced(FULL, FULL);

	(void)state;
	assert_int_equal(dev->has, 0);
	assert_null(dev->first_peer);
	weft_device_free(dev);
}

static void syncing_ignores_order_and_host_bits_of_allowed_ips(void **state)
{
	struct weft_device *dev = synced(PEER_A "AllowedIPs = ::/0, 10.1.2.3/8, 10.0.0.0/8\n",
					 PEER_A "AllowedIPs = 10.0.0.0/8, ::/0\n");

	(void)state;
	assert_null(dev->first_peer);
	weft_device_free(dev);
}

static void syncing_adds_changes_and_removes_peers(void **state)
{
	struct weft_device *dev = synced(PEER_A "AllowedIPs = 10.0.0.0/8\n",
					 PEER_B "AllowedIPs = 10.0.0.0/8\n");
	struct weft_peer *peer = dev->first_peer;

	(void)state;
	assert_key(&peer->public_key, KEY_A);
	assert_int_equal(peer->n_allowed_ips, 1);
	peer = peer->next;
	assert_key(&peer->public_key, KEY_B);
	assert_int_equal(peer->flags, WEFT_PEER_F_REMOVE_ME);
	assert_ptr_equal(dev->last_peer, peer);
	weft_device_free(dev);
	dev = synced(PEER_A "AllowedIPs = 10.0.0.0/9\n" PEER_B,
		     PEER_A "AllowedIPs = 10.0.0.0/8\n" PEER_B);
	peer = dev->first_peer;
	assert_int_equal(peer->flags, WEFT_PEER_F_REPLACE_ALLOWED_IPS);
	assert_int_equal(peer->allowed_ips[0].prefix_len, 9);
	assert_null(peer->next);
	assert_ptr_equal(dev->last_peer, peer);
	weft_device_free(dev);
}

static void syncing_unsets_what_the_file_no_longer_has_but_keeps_the_endpoint(void **state)
{
	struct weft_device *dev = synced(PEER_A "AllowedIPs = 10.0.0.0/8, ::/0\n" PEER_B, FULL);
	struct weft_peer *peer = dev->first_peer;

	(void)state;
	assert_int_equal(dev->has, WEFT_DEVICE_HAS_PRIVATE_KEY | WEFT_DEVICE_HAS_LISTEN_PORT |
			 WEFT_DEVICE_HAS_FWMARK | WEFT_DEVICE_HAS_UPCALLS);
	assert_int_equal(dev->upcalls, 0);
	assert_int_equal(peer->has, WEFT_PEER_HAS_PRESHARED_KEY | WEFT_PEER_HAS_SUITE |
			 WEFT_PEER_HAS_PERSISTENT_KEEPALIVE);
	assert_true(weft_key_is_zero(&peer->preshared_key));
	assert_int_equal(peer->persistent_keepalive, 0);
	assert_int_equal(peer->suite, WEFT_SUITE_AUTO);
	assert_int_equal(peer->flags, 0);
	assert_int_equal(peer->n_allowed_ips, 0);
	assert_null(peer->next);
	weft_device_free(dev);
}

static void syncing_a_prefix_that_two_peers_want_gives_it_to_the_last(void **state)
{
	static const char wanted[] = PEER_A "AllowedIPs = 10.0.0.0/8\n"
				     PEER_B "AllowedIPs = 10.0.0.0/8\n";
	struct weft_device *dev;

	(void)state;
	/* As the kernel has it after setconf. */
	dev = synced(wanted, PEER_A PEER_B "AllowedIPs = 10.0.0.0/8\n");
	assert_null(dev->first_peer);
	weft_device_free(dev);
	dev = synced(wanted, PEER_A "AllowedIPs = 10.0.0.0/8\n" PEER_B);
	assert_key(&dev->last_peer->public_key, KEY_B);
	assert_int_equal(dev->last_peer->n_allowed_ips, 1);
	weft_device_free(dev);
}

static void syncing_applies_a_peer_that_is_there_twice_in_turn(void **state)
{
	struct weft_device *dev = synced(PEER_A "AllowedIPs = 10.0.0.0/8\n"
					 PEER_A "AllowedIPs = ::/0\n",
					 PEER_A "AllowedIPs = 10.0.0.0/8\n");

	(void)state;
	assert_int_equal(dev->first_peer->n_allowed_ips, 1);
	assert_int_equal(dev->first_peer->next->n_allowed_ips, 1);
	weft_device_free(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_fields_are_read),
		cmocka_unit_test(replacing_unsets_what_the_file_leaves_out),
		cmocka_unit_test(adding_touches_only_what_the_file_mentions),
		cmocka_unit_test(case_white_space_comments_and_line_ends_do_not_matter),
		cmocka_unit_test(several_allowed_ips_lines_add_up),
		cmocka_unit_test(what_is_wrong_is_named_with_its_line),
		cmocka_unit_test(a_peer_without_a_public_key_is_refused),
		cmocka_unit_test(a_bad_secret_is_not_repeated),
		cmocka_unit_test(a_file_with_zero_bytes_is_refused),
		cmocka_unit_test(a_directory_is_no_file),
		cmocka_unit_test(any_bytes_are_read_without_harm),
		cmocka_unit_test(syncing_what_is_the_same_changes_nothing),
		cmocka_unit_test(syncing_ignores_order_and_host_bits_of_allowed_ips),
		cmocka_unit_test(syncing_adds_changes_and_removes_peers),
		cmocka_unit_test(syncing_unsets_what_the_file_no_longer_has_but_keeps_the_endpoint),
		cmocka_unit_test(syncing_a_prefix_that_two_peers_want_gives_it_to_the_last),
		cmocka_unit_test(syncing_applies_a_peer_that_is_there_twice_in_turn),
	};

	return RUN_TESTS(tests);
}
