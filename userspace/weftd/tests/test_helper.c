// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rendezvous helpers that are honest, and all kinds that are not, as real processes: weftd must be
 * harmed by none, and start again each that ended. As root they become another user, as under weftd.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unit.h"

#include "helper.h"
#include "log.h"

#define HELLO "#!/bin/sh\nread hello\necho weft-rendezvous 1\n"
#define LINE "while read what number key value; do "

/* Short times, so that the test is; none of them is one that it takes. */
static const struct helper_limits quick = {
	.tick_ms = 20,
	.ready_ms = 60000,
	.look_up_ms = 60000,
	.publish_ms = 60000,
	.retry_ms = 20,
	.retry_max_ms = 60000,
	.bytes = 65536,
	.invalid = 10,
	.timeouts = 2,
};

struct world {
	uv_loop_t loop;
	uv_timer_t wake;
	struct keeper keeper;
	struct helpers helpers;
	struct helper_limits limits;
	struct helper *helper;
	unsigned int found;
	uint8_t last[WEFT_RENDEZVOUS_BYTES];
};

static char dir[] = "/tmp/weft-helper-XXXXXX";
static const uint8_t key[32] = { 1, 2, 3 }, other_key[32] = { 9 };
static uint8_t value[WEFT_RENDEZVOUS_BYTES];

static void on_wake(uv_timer_t *timer)
{
	(void)timer;
}

static void on_found(void *arg, const uint8_t bytes[WEFT_RENDEZVOUS_BYTES])
{
	struct world *world = arg;

	world->found++;
	memcpy(world->last, bytes, sizeof(world->last));
}

static void begin(struct world *world, const struct helper_limits *limits)
{
	memset(world, 0, sizeof(*world));
	world->limits = *limits;
	assert_int_equal(keeper_fork(&world->keeper, geteuid() ? NULL : "nobody"), 0);
	assert_int_equal(uv_loop_init(&world->loop), 0);
	uv_timer_init(&world->loop, &world->wake);
	uv_timer_start(&world->wake, on_wake, 10, 10);
	helpers_start(&world->helpers, &world->loop, &world->keeper, &world->limits);
}

static void use_command(struct world *world, const char *command)
{
	world->helper = helper_new(&world->helpers, "test", command, on_found, world);
	assert_non_null(world->helper);
}

/* A helper that is this script. */
static void use(struct world *world, const char *script, mode_t mode)
{
	static unsigned int number;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/%u", dir, number++);
	fd = open(path, O_CREAT | O_WRONLY | O_EXCL, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, script, strlen(script)), strlen(script));
	fchmod(fd, mode);
	close(fd);
	use_command(world, path);
}

static void end(struct world *world)
{
	helper_free(world->helper);
	keeper_stop(&world->keeper);
	uv_timer_stop(&world->wake);
	uv_close((uv_handle_t *)&world->wake, NULL);
	uv_run(&world->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&world->loop), 0);
}

static const struct helper_status *see(const struct world *world)
{
	return helper_status(world->helper);
}

/* So long that only what never comes is not in time. */
#define UNTIL(world, condition) do { \
	uint64_t until = uv_hrtime() + 60ULL * 1000000000; \
	while (!(condition)) { \
		if (uv_hrtime() > until) \
			fail_msg("never: %s; trouble: %s", #condition, see(world)->trouble); \
		uv_run(&(world)->loop, UV_RUN_ONCE); \
	} \
} while (0)

static const char honest[] = HELLO
	"kept=; keptkey=\n"
	LINE "case $what in\n"
	"publish) keptkey=$number; kept=$value; echo published $number ;;\n"
	"lookup) [ \"$key\" != \"$keptkey\" ] || echo found $number $kept; echo done $number ;;\n"
	"esac; done\n";

static void test_honest(void **state)
{
	struct world world;
	uint64_t ago;

	(void)state;
	begin(&world, &quick);
	use(&world, honest, 0755);
	assert_false(helper_published(world.helper, &ago));
	/* asked before it is ready: said when it is */
	helper_publish(world.helper, key, value);
	helper_look_up(world.helper, key);
	UNTIL(&world, world.found == 1);
	assert_memory_equal(world.last, value, sizeof(value));
	UNTIL(&world, helper_published(world.helper, &ago));
	assert_int_equal(see(&world)->state, HELPER_READY);
	assert_true(see(&world)->pid > 0);
	assert_string_equal(see(&world)->trouble, "");
	/* nothing is there, and then again something; the first is over, or it would be the same one */
	helper_look_up(world.helper, other_key);
	UNTIL(&world, !helper_outstanding(world.helper));
	helper_look_up(world.helper, key);
	UNTIL(&world, world.found == 2);
	assert_int_equal(see(&world)->look_ups, 3);
	assert_int_equal(see(&world)->starts, 1);
	assert_int_equal(see(&world)->invalid + see(&world)->timeouts + see(&world)->dropped, 0);
	end(&world);
}

static void test_killed(void **state)
{
	struct world world;

	(void)state;
	begin(&world, &quick);
	use(&world, honest, 0755);
	helper_publish(world.helper, key, value);
	UNTIL(&world, see(&world)->published_ms && see(&world)->pid);
	assert_int_equal(kill(see(&world)->pid, SIGKILL), 0);
	UNTIL(&world, see(&world)->state == HELPER_WAITING);
	assert_contains(see(&world)->trouble, "killed by signal 9");
	assert_int_equal(see(&world)->pid, 0);
	/* the next one is told what is published */
	helper_look_up(world.helper, key);
	UNTIL(&world, world.found == 1);
	assert_int_equal(see(&world)->starts, 2);
	assert_string_equal(see(&world)->trouble, "");
	end(&world);
}

static void test_ends_at_once(void **state)
{
	struct world world;

	(void)state;
	begin(&world, &quick);
	use(&world, "#!/bin/sh\nexit 7\n", 0755);
	UNTIL(&world, see(&world)->starts >= 4);
	UNTIL(&world, see(&world)->state == HELPER_WAITING);
	assert_contains(see(&world)->trouble, "ended with status 7");
	end(&world);
	/* what it says on its way is why */
	begin(&world, &quick);
	use(&world, "#!/bin/sh\necho no library >&2\nexit 127\n", 0755);
	UNTIL(&world, see(&world)->state == HELPER_WAITING);
	assert_string_equal(see(&world)->trouble, "no library");
	end(&world);
}

/* It waits longer each time, and so is not started often. */
static void test_backs_off(void **state)
{
	struct helper_limits limits = quick;
	struct world world;
	uint64_t start;

	(void)state;
	limits.retry_ms = 200;
	begin(&world, &limits);
	use(&world, "#!/bin/sh\nexit 1\n", 0755);
	start = uv_hrtime();
	while (uv_hrtime() - start < 2000000000)
		uv_run(&world.loop, UV_RUN_ONCE);
	/* after 0, 200, 600, 1400 ms; a slow machine has fewer */
	assert_in_range(see(&world)->starts, 1, 4);
	end(&world);
}

static void test_cannot_start(void **state)
{
	struct world world;

	(void)state;
	begin(&world, &quick);
	use_command(&world, "/nowhere/helper --with arguments");
	UNTIL(&world, *see(&world)->trouble);
	assert_contains(see(&world)->trouble, "there is no such program");
	UNTIL(&world, see(&world)->starts >= 3);
	end(&world);
	begin(&world, &quick);
	use(&world, honest, 0644);
	UNTIL(&world, *see(&world)->trouble);
	assert_contains(see(&world)->trouble, "not executable");
	end(&world);
	begin(&world, &quick);
	use(&world, "neither script nor program", 0755);
	UNTIL(&world, *see(&world)->trouble);
	assert_contains(see(&world)->trouble, "Exec format error");
	end(&world);
}

/* The keeper's own socket is not where it tells. */
static void test_too_many_words(void **state)
{
	char command[2 * (KEEPER_MAX_WORDS + 2)] = "a";
	struct world world;
	unsigned int i;

	(void)state;
	for (i = 0; i < KEEPER_MAX_WORDS; i++)
		strcat(command, " a");
	begin(&world, &quick);
	use_command(&world, command);
	UNTIL(&world, see(&world)->starts >= 3 && see(&world)->state == HELPER_WAITING);
	assert_contains(see(&world)->trouble, "Invalid argument");
	end(&world);
}

static void test_never_ready(void **state)
{
	struct helper_limits limits = quick;
	struct world world;

	(void)state;
	limits.ready_ms = 100;
	begin(&world, &limits);
	use(&world, "#!/bin/sh\nexec sleep 1000\n", 0755);
	UNTIL(&world, see(&world)->starts >= 3);
	assert_contains(see(&world)->trouble, "does not say that it is ready");
	end(&world);
}

static void test_chatters(void **state)
{
	struct world world;

	(void)state;
	begin(&world, &quick);
	use(&world, HELLO "exec yes garbage\n", 0755);
	UNTIL(&world, see(&world)->starts >= 3);
	assert_true(see(&world)->invalid > quick.invalid);
	end(&world);
	/* one line without an end */
	begin(&world, &quick);
	use(&world, HELLO "exec cat /dev/zero\n", 0755);
	UNTIL(&world, see(&world)->state == HELPER_READY);
	helper_look_up(world.helper, key);
	world.limits.look_up_ms = 100;
	world.limits.timeouts = 1;
	UNTIL(&world, see(&world)->starts >= 2);
	end(&world);
	begin(&world, &quick);
	use(&world, HELLO "exec yes chatter >&2\n", 0755);
	UNTIL(&world, see(&world)->state == HELPER_READY);
	assert_string_equal(see(&world)->trouble, "");
	end(&world);
}

/* It is read no faster than it may be. */
static void test_floods(void **state)
{
	struct helper_limits limits = quick;
	struct world world;
	uint64_t start, ticks, lines;

	(void)state;
	limits.bytes = 4096;
	limits.tick_ms = 100;
	begin(&world, &limits);
	/* lines that are good, and answer nothing that was asked: 9 bytes and a value */
	use(&world, HELLO "v=$(printf %01024d 0)\nexec yes \"found 77 $v\"\n", 0755);
	UNTIL(&world, see(&world)->state == HELPER_READY);
	start = uv_hrtime();
	UNTIL(&world, see(&world)->invalid > 40);
	ticks = (uv_hrtime() - start) / 100000000 + 2;
	lines = see(&world)->invalid;
	/* what it may in a tick, and once more what is read in one piece */
	assert_true(lines * 1034 <= ticks * 2 * 4096);
	assert_int_equal(world.found, 0);
	assert_int_equal(see(&world)->starts, 1);
	end(&world);
}

static void test_lies(void **state)
{
	struct world world;

	(void)state;
	begin(&world, &quick);
	/* it finds without end, for every number but the right one, too */
	use(&world, HELLO "v=$(printf %01024d 0)\n" LINE
	    "[ $what = lookup ] || { echo published $v; echo published ${v%????????}; continue; }\n"
	    "echo found 0 $v; echo found 12345 $v; echo found $number ${v%0}; echo done 777\n"
	    "i=0; while [ $i -lt 300 ]; do echo found $number $v; i=$((i+1)); done\n"
	    "echo done $number; done\n", 0755);
	helper_look_up(world.helper, key);
	UNTIL(&world, see(&world)->dropped == 300 - HELPER_MAX_FOUND);
	assert_int_equal(world.found, HELPER_MAX_FOUND);
	assert_int_equal(see(&world)->invalid, 3);
	helper_publish(world.helper, key, value);
	UNTIL(&world, see(&world)->invalid == 5);
	assert_int_equal(see(&world)->published_ms, 0);
	end(&world);
}

static void test_slow(void **state)
{
	struct helper_limits limits = quick;
	struct world world;
	unsigned int i;

	(void)state;
	limits.look_up_ms = 200;
	begin(&world, &limits);
	/* it reads no more, and answers nothing */
	use(&world, HELLO "exec sleep 1000\n", 0755);
	UNTIL(&world, see(&world)->state == HELPER_READY);
	for (i = 0; i < 200; i++)
		helper_publish(world.helper, key, value);
	assert_true(see(&world)->dropped > 0);
	end(&world);
	limits.timeouts = 1;
	begin(&world, &limits);
	use(&world, HELLO "exec sleep 1000\n", 0755);
	UNTIL(&world, see(&world)->state == HELPER_READY);
	helper_look_up(world.helper, key);
	UNTIL(&world, see(&world)->state == HELPER_WAITING);
	assert_contains(see(&world)->trouble, "does not answer");
	assert_int_equal(see(&world)->timeouts, 1);
	end(&world);
}

/* It has closed its ears, and lives: what is asked of it can never be answered. */
static void test_deaf(void **state)
{
	struct world world;

	(void)state;
	begin(&world, &quick);
	use(&world, HELLO "exec <&-\necho trouble deaf\nexec sleep 1000\n", 0755);
	UNTIL(&world, *see(&world)->trouble);
	helper_look_up(world.helper, key);
	UNTIL(&world, see(&world)->state == HELPER_WAITING);
	assert_contains(see(&world)->trouble, "does not answer");
	end(&world);
}

static void test_bounded(void **state)
{
	struct world world;
	uint8_t keys[HELPER_MAX_LOOK_UPS + 1][32] = { 0 };
	unsigned int i;

	(void)state;
	begin(&world, &quick);
	use(&world, HELLO "exec cat >/dev/null\n", 0755);
	for (i = 0; i < HELPER_MAX_LOOK_UPS + 1; i++) {
		keys[i][0] = i;
		helper_look_up(world.helper, keys[i]);
		helper_look_up(world.helper, keys[i]);
	}
	assert_int_equal(see(&world)->look_ups, HELPER_MAX_LOOK_UPS);
	assert_int_equal(see(&world)->dropped, 2);
	end(&world);
}

static void test_trouble(void **state)
{
	struct world world;

	(void)state;
	begin(&world, &quick);
	use(&world, HELLO "echo trouble no node answers\n" LINE "echo trouble; done\n", 0755);
	UNTIL(&world, *see(&world)->trouble);
	assert_string_equal(see(&world)->trouble, "no node answers");
	assert_int_equal(see(&world)->state, HELPER_READY);
	helper_look_up(world.helper, key);
	UNTIL(&world, !*see(&world)->trouble);
	end(&world);
}

static void test_unprivileged(void **state)
{
	struct world world;
	char wanted[64];

	(void)state;
	begin(&world, &quick);
	use(&world, HELLO "s=$(sed -n 's/^CapEff:.//p; s/^CapPrm:.//p; s/^NoNewPrivs:.//p' "
	    "/proc/self/status | tr '\\n' ' ')\n"
	    "echo trouble $(id -u) $s fds $(ls /proc/self/fd | tr '\\n' ' ')\n"
	    "exec cat >/dev/null\n", 0755);
	UNTIL(&world, *see(&world)->trouble);
	/* the last one is of ls itself */
	snprintf(wanted, sizeof(wanted), "%u 0000000000000000 0000000000000000 1 fds 0 1 2 3",
		 geteuid() ? geteuid() : 65534);
	assert_string_equal(see(&world)->trouble, wanted);
	end(&world);
}

/* It is the same user as the keeper and all other helpers, and yet may signal what it started alone. */
static void test_signals_nobody(void **state)
{
	struct world world;

	(void)state;
	/* what the kernel has of it: Linux 6.12 and later */
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 6)
		skip();
	begin(&world, &quick);
	use(&world, HELLO "kill -0 $PPID && keeper=yes\nsleep 1000 & kill $! && own=yes\n"
	    "echo trouble keeper ${keeper-no} own ${own-no}\nexec cat >/dev/null\n", 0755);
	UNTIL(&world, strstr(see(&world)->trouble, "own"));
	assert_string_equal(see(&world)->trouble, "keeper no own yes");
	end(&world);
}

/* Gone, or about to be: whoever has to notice may be slow. */
static bool is_gone(pid_t pid)
{
	char path[32], text[64] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return true;
	if (read(fd, text, sizeof(text) - 1) <= 0)
		text[0] = 0;
	close(fd);
	return !*text || strstr(text, ") Z");
}

static void wait_until_gone(pid_t pid)
{
	unsigned int i;

	for (i = 0; i < 6000 && !is_gone(pid); i++)
		usleep(10000);
	assert_true(is_gone(pid));
}

/*
 * The end of a helper is the end of what it started, also in another session, and of what that started.
 * In the trouble are the three.
 */
static const char parents[] = HELLO
	"sleep 1000 & a=$!\n"
	"setsid sh -c 'setsid sh -c \"echo trouble $0 $$ \\$\\$; exec sleep 1000\" & wait' $a &\n"
	"exec cat >/dev/null\n";

static void read_pids(const struct world *world, pid_t pids[3])
{
	unsigned int i;

	assert_int_equal(sscanf(see(world)->trouble, "%d %d %d", &pids[0], &pids[1], &pids[2]), 3);
	for (i = 0; i < 3; i++)
		assert_false(is_gone(pids[i]));
	assert_int_equal(getsid(pids[1]), pids[1]);
	assert_int_equal(getsid(pids[2]), pids[2]);
}

static void test_leaves_nothing(void **state)
{
	struct helper_limits limits = quick;
	struct world world;
	unsigned int i;
	pid_t pids[3];

	(void)state;
	/* while the keeper goes on, and the next one is not there yet */
	limits.retry_ms = 60000;
	begin(&world, &limits);
	use(&world, parents, 0755);
	UNTIL(&world, *see(&world)->trouble);
	read_pids(&world, pids);
	kill(see(&world)->pid, SIGKILL);
	for (i = 0; i < 3; i++)
		wait_until_gone(pids[i]);
	end(&world);
	/* with the keeper */
	begin(&world, &quick);
	use(&world, parents, 0755);
	UNTIL(&world, *see(&world)->trouble);
	read_pids(&world, pids);
	end(&world);
	for (i = 0; i < 3; i++)
		wait_until_gone(pids[i]);
}

static void test_keeper_gone(void **state)
{
	struct world world;

	(void)state;
	begin(&world, &quick);
	use(&world, honest, 0755);
	UNTIL(&world, see(&world)->state == HELPER_READY);
	kill(world.keeper.pid, SIGKILL);
	UNTIL(&world, see(&world)->state == HELPER_WAITING);
	assert_contains(see(&world)->trouble, "restart weftd");
	helper_publish(world.helper, key, value);
	helper_look_up(world.helper, key);
	/* and when it is tried again, that is what is to be done still */
	UNTIL(&world, strstr(see(&world)->trouble, "cannot be started"));
	assert_contains(see(&world)->trouble, "restart weftd");
	end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_honest),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_ends_at_once),
		cmocka_unit_test(test_backs_off),
		cmocka_unit_test(test_cannot_start),
		cmocka_unit_test(test_too_many_words),
		cmocka_unit_test(test_never_ready),
		cmocka_unit_test(test_chatters),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_deaf),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_unprivileged),
		cmocka_unit_test(test_signals_nobody),
		cmocka_unit_test(test_leaves_nothing),
		cmocka_unit_test(test_keeper_gone),
	};
	char command[64];
	int failed;

	signal(SIGPIPE, SIG_IGN);
	log_begin(false);
	memset(value, 0x5a, sizeof(value));
	if (!mkdtemp(dir) || chmod(dir, 0755))
		return 1;
	failed = RUN_TESTS(tests);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) || failed;
}
