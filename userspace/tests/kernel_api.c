// SPDX-License-Identifier: GPL-2.0-or-later
/* The library against the kernel module: run as root where weft0 may be made and deleted. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define IFNAME "weftapi0"

static struct weft *weft;

static void command(const char *text)
{
	if (system(text))
		fail_msg("failed: %s", text);
}

static int begin(void **state)
{
	(void)state;
	if (weft_open(&weft))
		return -1;
	command("ip link add " IFNAME " type weft");
	return 0;
}

static int end(void **state)
{
	(void)state;
	weft_close(weft);
	weft = NULL;
	command("ip link delete " IFNAME);
	return 0;
}

static void assert_fine(int err)
{
	if (err)
		fail_msg("%s", weft_last_error(weft)->text);
}

static struct weft_key peer_key(uint32_t number)
{
	struct weft_key key = { { 0 } };

	memcpy(key.bytes, &number, sizeof(number));
	key.bytes[30] = 1;
	return key;
}

/* Peers that nobody else has, each with allowed IPs that no other has. */
static struct weft_device *make_device(uint32_t peers, uint32_t ips)
{
	struct weft_device *dev = weft_device_new(IFNAME);

	for (uint32_t i = 0; i < peers; ++i) {
		struct weft_key key = peer_key(i);

		assert_non_null(weft_device_add_peer(dev, &key));
		for (uint32_t j = 0; j < ips; ++j) {
			struct weft_allowed_ip ip = {
				.family = j % 2 ? AF_INET6 : AF_INET,
				.prefix_len = j % 2 ? 128 : 32,
			};
			uint32_t address = htonl(0x0a000000 + i * ips + j);

			memcpy(ip.addr, &address, sizeof(address));
			assert_int_equal(weft_peer_add_allowed_ip(dev->last_peer, &ip), 0);
		}
	}
	return dev;
}

static int by_address(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct weft_allowed_ip));
}

static void sort_ips(struct weft_peer *peer)
{
	if (peer->n_allowed_ips)
		qsort(peer->allowed_ips, peer->n_allowed_ips, sizeof(*peer->allowed_ips),
		      by_address);
}

static struct weft_device *get(void)
{
	struct weft_device *dev = NULL;

	assert_fine(weft_device_get(weft, IFNAME, &dev));
	return dev;
}

/* The kernel's order of allowed IPs is its own. */
static void assert_kernel_has(const struct weft_device *wanted)
{
	struct weft_device *got = get();
	struct weft_peer *x = wanted->first_peer, *y = got->first_peer;

	for (; x && y; x = x->next, y = y->next) {
		assert_true(weft_key_equal(&x->public_key, &y->public_key));
		assert_int_equal(x->n_allowed_ips, y->n_allowed_ips);
		sort_ips(x);
		sort_ips(y);
		if (x->n_allowed_ips)
			assert_memory_equal(x->allowed_ips, y->allowed_ips,
					    x->n_allowed_ips * sizeof(*x->allowed_ips));
	}
	assert_null(x);
	assert_null(y);
	weft_device_free(got);
}

static void a_device_reads_back_as_it_was_set(void **state)
{
	struct weft_device *dev = make_device(1, 2), *got;
	struct weft_peer *peer = dev->first_peer;
	struct weft_key public_key;

	(void)state;
	dev->has = WEFT_DEVICE_HAS_PRIVATE_KEY | WEFT_DEVICE_HAS_LISTEN_PORT |
		   WEFT_DEVICE_HAS_FWMARK | WEFT_DEVICE_HAS_UPCALLS;
	dev->private_key = key_of(KEY_PRIVATE);
	dev->listen_port = 4567;
	dev->fwmark = 0xdeadbeef;
	dev->upcalls = WEFT_UPCALL_F_UNKNOWN_PEER;
	peer->has = WEFT_PEER_HAS_PRESHARED_KEY | WEFT_PEER_HAS_ENDPOINT |
		    WEFT_PEER_HAS_PERSISTENT_KEEPALIVE | WEFT_PEER_HAS_SUITE;
	peer->preshared_key = key_of(KEY_PSK);
	peer->endpoint.in6.sin6_family = AF_INET6;
	peer->endpoint.in6.sin6_port = htons(5);
	inet_pton(AF_INET6, "2001:db8::5", &peer->endpoint.in6.sin6_addr);
	peer->persistent_keepalive = 25;
	peer->suite = WEFT_SUITE_CHACHA20POLY1305;
	assert_fine(weft_device_set(weft, dev));
	got = get();
	assert_string_equal(got->ifname, IFNAME);
	assert_int_equal(got->ifindex, if_nametoindex(IFNAME));
	assert_key(&got->private_key, KEY_PRIVATE);
	weft_key_public(&public_key, &dev->private_key);
	assert_true(weft_key_equal(&got->public_key, &public_key));
	assert_int_equal(got->listen_port, 4567);
	assert_int_equal(got->fwmark, 0xdeadbeef);
	assert_int_equal(got->upcalls, WEFT_UPCALL_F_UNKNOWN_PEER);
	assert_int_equal(got->peer_count, 1);
	peer = got->first_peer;
	assert_key(&peer->preshared_key, KEY_PSK);
	assert_memory_equal(&peer->endpoint, &dev->first_peer->endpoint,
			    sizeof(peer->endpoint.in6));
	assert_int_equal(peer->persistent_keepalive, 25);
	assert_int_equal(peer->suite, WEFT_SUITE_CHACHA20POLY1305);
	assert_false(peer->has & WEFT_PEER_HAS_SESSION_SUITE);
	assert_int_equal(peer->last_handshake.tv_sec, 0);
	assert_int_equal(peer->rx_bytes, 0);
	weft_device_free(got);
	assert_kernel_has(dev);
	weft_device_free(dev);
}

static void a_device_is_set_by_its_index(void **state)
{
	struct weft_device *dev = weft_device_new(NULL), *got;

	(void)state;
	dev->ifindex = if_nametoindex(IFNAME);
	dev->has = WEFT_DEVICE_HAS_FWMARK;
	dev->fwmark = 12;
	assert_fine(weft_device_set(weft, dev));
	weft_device_free(dev);
	got = get();
	assert_int_equal(got->fwmark, 12);
	weft_device_free(got);
}

/* Fewer on a kernel that is slow. */
static unsigned int many(const char *variable, unsigned int count)
{
	const char *text = getenv(variable);

	return text ? strtoul(text, NULL, 10) : count;
}

static void a_peer_with_many_allowed_ips_is_set_and_read(void **state)
{
	unsigned int count = many("WEFT_TEST_ALLOWED_IPS", 130000);
	struct weft_device *dev = make_device(1, count);
	struct weft_peer peer;

	(void)state;
	dev->first_peer->flags = WEFT_PEER_F_REPLACE_ALLOWED_IPS;
	assert_fine(weft_device_set(weft, dev));
	assert_kernel_has(dev);
	assert_fine(weft_peer_get(weft, IFNAME, &dev->first_peer->public_key, &peer));
	assert_int_equal(peer.n_allowed_ips, count);
	weft_peer_clear(&peer);
	weft_device_free(dev);
}

static void many_peers_are_set_read_and_replaced(void **state)
{
	struct weft_device *dev = make_device(many("WEFT_TEST_PEERS", 10000), 4);

	(void)state;
	assert_fine(weft_device_set(weft, dev));
	assert_kernel_has(dev);
	weft_device_free(dev);
	dev = make_device(3, 10);
	dev->flags = WEFT_DEVICE_F_REPLACE_PEERS;
	assert_fine(weft_device_set(weft, dev));
	assert_kernel_has(dev);
	weft_device_free(dev);
}

static void a_request_with_one_bad_entry_changes_nothing_and_names_it(void **state)
{
	struct weft_device *before = make_device(3, 4), *dev = make_device(1000, 4), *got;
	const struct weft_error *error;

	(void)state;
	assert_fine(weft_device_set(weft, before));
	dev->flags = WEFT_DEVICE_F_REPLACE_PEERS;
	dev->has = WEFT_DEVICE_HAS_PRIVATE_KEY | WEFT_DEVICE_HAS_LISTEN_PORT |
		   WEFT_DEVICE_HAS_FWMARK;
	dev->private_key = key_of(KEY_PRIVATE);
	dev->listen_port = 4567;
	dev->fwmark = 9;
	dev->last_peer->allowed_ips[2].prefix_len = 33;
	assert_int_equal(weft_device_set(weft, dev), -EINVAL);
	error = weft_last_error(weft);
	assert_contains(error->attribute, "/33");
	assert_true(strlen(error->kernel) > 0);
	assert_kernel_has(before);
	got = get();
	assert_int_equal(got->fwmark, 0);
	assert_true(weft_key_is_zero(&got->private_key));
	weft_device_free(got);
	weft_device_free(before);
	weft_device_free(dev);
}

static void a_port_in_use_changes_nothing(void **state)
{
	struct weft_device *dev = make_device(1, 1), *got;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(4568) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	command("ip link set " IFNAME " up");
	dev->has = WEFT_DEVICE_HAS_LISTEN_PORT | WEFT_DEVICE_HAS_FWMARK;
	dev->listen_port = 4568;
	dev->fwmark = 9;
	assert_int_equal(weft_device_set(weft, dev), -EADDRINUSE);
	got = get();
	assert_null(got->first_peer);
	assert_int_equal(got->fwmark, 0);
	assert_int_not_equal(got->listen_port, 4568);
	weft_device_free(got);
	weft_device_free(dev);
	close(fd);
}

static void a_single_peer_is_made_changed_read_and_deleted(void **state)
{
	struct weft_device *dev = make_device(2, 3);
	struct weft_peer *peer = dev->first_peer, got;

	(void)state;
	assert_int_equal(weft_peer_set(weft, IFNAME, peer), -WEFT_E_NO_PEER);
	assert_int_equal(weft_peer_get(weft, IFNAME, &peer->public_key, &got), -WEFT_E_NO_PEER);
	assert_int_equal(weft_peer_del(weft, IFNAME, &peer->public_key), -WEFT_E_NO_PEER);
	assert_fine(weft_peer_new(weft, IFNAME, peer));
	assert_int_equal(weft_peer_new(weft, IFNAME, peer), -WEFT_E_PEER_EXISTS);
	peer->has = WEFT_PEER_HAS_PERSISTENT_KEEPALIVE;
	peer->persistent_keepalive = 7;
	peer->flags = WEFT_PEER_F_REPLACE_ALLOWED_IPS;
	peer->n_allowed_ips = 1;
	assert_fine(weft_peer_set(weft, IFNAME, peer));
	assert_fine(weft_peer_get(weft, IFNAME, &peer->public_key, &got));
	assert_true(weft_key_equal(&got.public_key, &peer->public_key));
	assert_int_equal(got.persistent_keepalive, 7);
	assert_int_equal(got.n_allowed_ips, 1);
	weft_peer_clear(&got);
	assert_fine(weft_peer_del(weft, IFNAME, &peer->public_key));
	assert_int_equal(weft_peer_get(weft, IFNAME, &peer->public_key, &got), -WEFT_E_NO_PEER);
	weft_device_free(dev);
}

static void a_peer_of_several_attributes_is_made_and_changed(void **state)
{
	struct weft_device *dev = make_device(1, 5000);
	struct weft_peer got;

	(void)state;
	assert_fine(weft_peer_new(weft, IFNAME, dev->first_peer));
	assert_kernel_has(dev);
	dev->first_peer->flags = WEFT_PEER_F_REPLACE_ALLOWED_IPS;
	assert_fine(weft_peer_set(weft, IFNAME, dev->first_peer));
	assert_kernel_has(dev);
	assert_fine(weft_peer_get(weft, IFNAME, &dev->first_peer->public_key, &got));
	assert_int_equal(got.n_allowed_ips, 5000);
	weft_peer_clear(&got);
	weft_device_free(dev);
}

static void a_peer_that_is_only_to_be_updated_is_not_made(void **state)
{
	struct weft_device *dev = make_device(1, 5000), *got;

	(void)state;
	dev->first_peer->flags = WEFT_PEER_F_UPDATE_ONLY;
	assert_fine(weft_device_set(weft, dev));
	got = get();
	assert_null(got->first_peer);
	weft_device_free(got);
	weft_device_free(dev);
}

static void a_single_allowed_ip_is_added_moved_and_taken_away(void **state)
{
	struct weft_device *dev = make_device(2, 3), *change = make_device(2, 0), *got;

	(void)state;
	assert_fine(weft_device_set(weft, dev));
	/* From the first to the second, and the second's own first one away. */
	weft_peer_add_allowed_ip(change->last_peer, &dev->first_peer->allowed_ips[0]);
	weft_peer_add_allowed_ip(change->last_peer, &dev->last_peer->allowed_ips[0]);
	change->last_peer->allowed_ips[1].flags = WEFT_ALLOWED_IP_F_REMOVE_ME;
	assert_fine(weft_device_set(weft, change));
	got = get();
	assert_int_equal(got->first_peer->n_allowed_ips, 2);
	assert_int_equal(got->last_peer->n_allowed_ips, 3);
	weft_device_free(got);
	/* What a peer does not have is not taken from the one that does. */
	change->first_peer->flags = 0;
	change->last_peer->n_allowed_ips = 0;
	weft_peer_add_allowed_ip(change->first_peer, &dev->first_peer->allowed_ips[0]);
	change->first_peer->allowed_ips[0].flags = WEFT_ALLOWED_IP_F_REMOVE_ME;
	assert_fine(weft_device_set(weft, change));
	got = get();
	assert_int_equal(got->first_peer->n_allowed_ips, 2);
	assert_int_equal(got->last_peer->n_allowed_ips, 3);
	weft_device_free(got);
	weft_device_free(change);
	weft_device_free(dev);
}

static void other_interfaces_are_told_apart(void **state)
{
	struct weft_device *dev = NULL;

	(void)state;
	assert_int_equal(weft_device_get(weft, "nosuch0", &dev), -WEFT_E_NO_DEVICE);
	assert_int_equal(weft_device_get(weft, "lo", &dev), -WEFT_E_NOT_WEFT);
}

/* Run in a child that first gives something up; its status is the test's. */
static void assert_child(int (*child)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int unprivileged(void)
{
	struct weft_device *dev = weft_device_new(IFNAME), *got = NULL;
	struct weft *mine = NULL;

	if (setuid(65534) || weft_open(&mine))
		return 1;
	if (weft_device_get(mine, IFNAME, &got) != -EPERM)
		return 2;
	if (weft_device_set(mine, dev) != -EPERM)
		return 3;
	if (weft_device_list(mine, &got) != -EPERM)
		return 4;
	return 0;
}

static void who_may_not_is_told_so(void **state)
{
	(void)state;
	assert_child(unprivileged);
}

/* In the user namespace alone. */
static bool become_root(void)
{
	FILE *map = fopen("/proc/self/uid_map", "w");

	return map && fputs("0 0 1", map) >= 0 && !fclose(map);
}

/* A device of which a request is larger than who has no rights may make a buffer. */
static struct weft_device *make_too_large_device(void)
{
	FILE *file = fopen("/proc/sys/net/core/wmem_max", "r");
	unsigned int max;

	if (!file || fscanf(file, "%u", &max) != 1)
		return NULL;
	fclose(file);
	/* The kernel doubles what is asked for; an allowed IP takes 28 bytes or more. */
	return make_device(1, 2 * max / 28 + 1000);
}

static int in_user_namespace(void)
{
	struct weft_device *small = make_device(10, 4), *large = make_too_large_device();
	struct weft *mine = NULL;

	if (!large || unshare(CLONE_NEWUSER | CLONE_NEWNET) || !become_root())
		return 77;
	if (system("ip link add " IFNAME " type weft") || weft_open(&mine))
		return 1;
	if (weft_device_set(mine, small))
		return 2;
	if (weft_device_set(mine, large) != -WEFT_E_BUFFER)
		return 3;
	if (!strstr(weft_last_error(mine)->text, "sysctl -w net.core.wmem_max="))
		return 4;
	return 0;
}

static void in_a_user_namespace_a_large_request_names_the_sysctl(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(in_user_namespace());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void reading_goes_on_while_peers_come_and_go(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid) {
		struct weft *mine = NULL;

		if (weft_open(&mine))
			_exit(1);
		for (int i = 0; i < 300; ++i) {
			struct weft_device *dev = make_device(200, 8);

			dev->flags = WEFT_DEVICE_F_REPLACE_PEERS;
			if (weft_device_set(mine, dev))
				_exit(2);
			weft_device_free(dev);
		}
		_exit(0);
	}
	while (!waitpid(pid, &status, WNOHANG)) {
		struct weft_device *dev = NULL;
		int err = weft_device_get(weft, IFNAME, &dev);

		if (err == -WEFT_E_CHANGING)
			continue;
		assert_fine(err);
		if (dev->first_peer) {
			struct weft_peer *peer;
			int n = 0;

			weft_for_each_peer(dev, peer) {
				assert_int_equal(peer->n_allowed_ips, 8);
				++n;
			}
			assert_int_equal(n, 200);
		}
		weft_device_free(dev);
	}
	assert_int_equal(status, 0);
}

static struct weft_event wait_for_event(void)
{
	struct pollfd poll_fd = { .fd = weft_events_open(weft), .events = POLLIN };
	struct weft_event event;
	int got = 0;

	while (!got) {
		if (poll(&poll_fd, 1, 10000) != 1)
			fail_msg("no event came");
		got = weft_event_read(weft, &event);
	}
	assert_int_equal(got, 1);
	return event;
}

static void a_handshake_is_an_event(void **state)
{
	struct weft_device *dev = weft_device_new(IFNAME), *other = weft_device_new("weftapi1");
	struct weft_key key, other_public, public_key;
	struct weft_allowed_ip any = { .family = AF_INET };
	struct weft_event event;

	(void)state;
	dev->has = WEFT_DEVICE_HAS_PRIVATE_KEY | WEFT_DEVICE_HAS_LISTEN_PORT;
	other->has = dev->has;
	dev->private_key = key_of(KEY_PRIVATE);
	weft_key_generate(&key);
	other->private_key = key;
	weft_key_public(&other_public, &key);
	weft_key_public(&public_key, &dev->private_key);
	dev->listen_port = 4571;
	other->listen_port = 4572;
	weft_device_add_peer(dev, &other_public);
	weft_device_add_peer(other, &public_key);
	weft_peer_add_allowed_ip(dev->first_peer, &any);
	weft_peer_add_allowed_ip(other->first_peer, &any);
	dev->first_peer->has = WEFT_PEER_HAS_ENDPOINT;
	dev->first_peer->endpoint.in.sin_family = AF_INET;
	dev->first_peer->endpoint.in.sin_port = htons(4572);
	dev->first_peer->endpoint.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	command("ip link set lo up; ip link add weftapi1 type weft");
	assert_fine(weft_device_set(weft, dev));
	assert_fine(weft_device_set(weft, other));
	assert_true(weft_events_open(weft) >= 0);
	command("ip link set " IFNAME " up; ip link set weftapi1 up; "
		"ip address add 10.77.0.1/24 dev " IFNAME "; "
		"ping -c 1 -W 1 10.77.0.2 >/dev/null || true");
	do {
		event = wait_for_event();
		weft_peer_clear(&event.peer);
	} while (event.type != WEFT_EVENT_SESSION_NEW || strcmp(event.ifname, IFNAME));
	assert_int_equal(event.ifindex, if_nametoindex(IFNAME));
	weft_device_free(dev);
	dev = get();
	assert_true(dev->first_peer->last_handshake.tv_sec > 0);
	assert_true(dev->first_peer->tx_bytes > 0);
	assert_true(dev->first_peer->has & WEFT_PEER_HAS_SESSION_SUITE);
	assert_true(dev->first_peer->n_paths >= 1);
	weft_device_free(dev);
	weft_device_free(other);
	command("ip link delete weftapi1");
}

#define KERNEL_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KERNEL_TEST(a_device_reads_back_as_it_was_set),
		KERNEL_TEST(a_device_is_set_by_its_index),
		KERNEL_TEST(a_peer_with_many_allowed_ips_is_set_and_read),
		KERNEL_TEST(many_peers_are_set_read_and_replaced),
		KERNEL_TEST(a_request_with_one_bad_entry_changes_nothing_and_names_it),
		KERNEL_TEST(a_port_in_use_changes_nothing),
		KERNEL_TEST(a_single_peer_is_made_changed_read_and_deleted),
		KERNEL_TEST(a_peer_of_several_attributes_is_made_and_changed),
		KERNEL_TEST(a_peer_that_is_only_to_be_updated_is_not_made),
		KERNEL_TEST(a_single_allowed_ip_is_added_moved_and_taken_away),
		KERNEL_TEST(other_interfaces_are_told_apart),
		KERNEL_TEST(who_may_not_is_told_so),
		KERNEL_TEST(in_a_user_namespace_a_large_request_names_the_sysctl),
		KERNEL_TEST(reading_goes_on_while_peers_come_and_go),
		KERNEL_TEST(a_handshake_is_an_event),
	};

	if (weft_open(&weft) == -WEFT_E_NO_MODULE) {
		puts("1..0 # SKIP no kernel module weft");
		return 4;
	}
	weft_close(weft);
	weft = NULL;
	return RUN_TESTS(tests);
}
