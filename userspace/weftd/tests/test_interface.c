// SPDX-License-Identifier: GPL-2.0-or-later
/* Which interface a new network takes, and which it deletes when nothing comes of it: none of another's. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

#include "links.h"
#include "log.h"
#include "network.h"

static char dir[] = "/tmp/weft-interface-XXXXXX";

/* The kernel's: */
static const char *present;
static unsigned int deleted;
static char last_made[IFNAMSIZ];

int __wrap_link_make(struct nl_sock *rt, const char *name, bool *made, uint32_t *ifindex);
int __wrap_link_delete(struct nl_sock *rt, const char *name);
int __wrap_daemon_open_weft(struct daemon *daemon);

int __wrap_link_make(struct nl_sock *rt, const char *name, bool *made, uint32_t *ifindex)
{
	(void)rt;
	*made = !present || strcmp(name, present);
	*ifindex = 7;
	snprintf(last_made, sizeof(last_made), "%s", name);
	return 0;
}

int __wrap_link_delete(struct nl_sock *rt, const char *name)
{
	(void)rt;
	(void)name;
	deleted++;
	return 0;
}

/* So that each attempt fails, with the interface there already. */
int __wrap_daemon_open_weft(struct daemon *daemon)
{
	(void)daemon;
	return -ENOENT;
}

static struct network *add_other(struct daemon *daemon)
{
	struct network *network = calloc(1, sizeof(*network));

	assert_non_null(network);
	network->daemon = daemon;
	strcpy(network->config.name, "other");
	strcpy(network->config.interface, "weft0");
	network->ifindex = 3;
	daemon->networks = network;
	return network;
}

static void begin(struct daemon *daemon)
{
	memset(daemon, 0, sizeof(*daemon));
	daemon->loop = uv_default_loop();
	daemon->state = open(dir, O_RDONLY | O_DIRECTORY);
	assert_true(daemon->state >= 0);
	present = NULL;
	deleted = 0;
	*last_made = 0;
}

static void end(struct daemon *daemon)
{
	uv_run(daemon->loop, UV_RUN_DEFAULT);
	close(daemon->state);
}

static int make(struct daemon *daemon, const char *interface, char trouble[256])
{
	struct network_wish wish = { .is_new = true };
	struct network *network;
	int error;

	strcpy(wish.config.name, "new");
	strcpy(wish.config.member, "anna");
	strcpy(wish.config.interface, interface);
	error = network_make(daemon, &wish, &network, trouble);
	assert_null(network);
	return error;
}

static void test_of_another(void **state)
{
	struct network *other;
	struct daemon daemon;
	char trouble[256];

	(void)state;
	begin(&daemon);
	other = add_other(&daemon);
	present = "weft0";
	assert_int_equal(make(&daemon, "weft0", trouble), -EEXIST);
	assert_contains(trouble, "choose one with --interface");
	assert_string_equal(last_made, "");
	assert_int_equal(deleted, 0);
	/* also while that is down, and nothing has the name */
	other->ifindex = 0;
	present = NULL;
	assert_int_equal(make(&daemon, "weft0", trouble), -EEXIST);
	make(&daemon, "", trouble);
	assert_string_equal(last_made, "weft1");
	free(other);
	end(&daemon);
}

static void test_made_by_hand(void **state)
{
	struct daemon daemon;
	char trouble[256];

	(void)state;
	begin(&daemon);
	present = "mine";
	assert_true(make(&daemon, "mine", trouble) < 0);
	assert_string_equal(last_made, "mine");
	assert_int_equal(deleted, 0);
	end(&daemon);
}

static void test_made_in_vain(void **state)
{
	struct daemon daemon;
	char trouble[256];

	(void)state;
	begin(&daemon);
	assert_true(make(&daemon, "mine", trouble) < 0);
	assert_int_equal(deleted, 1);
	end(&daemon);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_another),
		cmocka_unit_test(test_made_by_hand),
		cmocka_unit_test(test_made_in_vain),
	};
	int failed;

	log_begin(false);
	if (!mkdtemp(dir))
		return 1;
	failed = RUN_TESTS(tests);
	return rmdir(dir) || failed;
}
