// SPDX-License-Identifier: GPL-2.0-or-later
/* weftd: the daemon. See weftd(8). */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "control.h"
#include "daemon.h"
#include "events.h"
#include "log.h"
#include "network.h"
#include "notify.h"
#include "privilege.h"

#define STATE_DIR "/var/lib/weft"
#define RUN_DIR "/run/weft"
/* Who rendezvous helpers are. */
#define HELPER_USER "nobody"

enum {
	EXIT_USAGE = 2,
};

struct options {
	const char *state;
	const char *run;
	const char *user;
	bool verbose;
};

static void usage(FILE *to)
{
	fputs("Usage: weftd [options]\n\n"
	      "  --state DIR   where keys and records are kept (" STATE_DIR ")\n"
	      "  --run DIR     where its socket and the names are (" RUN_DIR ")\n"
	      "  --user NAME   become this user\n"
	      "  --verbose     say more\n"
	      "  --version     print the version\n\n"
	      "It stays in the foreground. All about it: man 8 weftd.\n", to);
}

/* -1: go on; else the exit code. */
static int parse(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "state", required_argument, NULL, 's' }, { "run", required_argument, NULL, 'r' },
		{ "user", required_argument, NULL, 'u' }, { "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (option) {
		case 's':
			options->state = optarg;
			break;
		case 'r':
			options->run = optarg;
			break;
		case 'u':
			options->user = optarg;
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'V':
			puts("weftd " WEFT_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	usage(stderr);
	return EXIT_USAGE;
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	uv_stop(handle->loop);
}

/* The memory has everybody's keys: none of it in a file, and no other process may look at it. */
static void protect_memory(void)
{
	const struct rlimit none = { 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

static int set_up(struct daemon *daemon, struct control **control, const struct options *options)
{
	int error;

	/* first: it is to have nothing of what comes */
	error = keeper_fork(&daemon->keeper, HELPER_USER);
	if (error)
		log_info("rendezvous helpers cannot be started: %s", strerror(-error));
	daemon->loop = uv_default_loop();
	error = daemon_prepare(daemon, options->state, options->run, options->user);
	if (error)
		return error;
	error = privilege_drop(options->user);
	if (error == -ENOENT)
		log_error("there is no user \"%s\"", options->user);
	else if (error == -EPERM)
		log_error("weftd needs CAP_NET_ADMIN; start it as root");
	else if (error)
		log_error("cannot give up privileges: %s", strerror(-error));
	if (error)
		return error;
	protect_memory();
	error = control_start(control, daemon, options->run);
	if (error) {
		log_error("cannot listen in %s: %s", options->run, strerror(-error));
		return error;
	}
	events_begin(*control);
	return daemon_start(daemon);
}

static int serve(const struct options *options)
{
	static struct daemon daemon;
	struct control *control = NULL;
	uv_signal_t signals[2];
	uv_loop_t *loop;

	if (set_up(&daemon, &control, options))
		return EXIT_FAILURE;
	loop = daemon.loop;
	uv_signal_init(loop, &signals[0]);
	uv_signal_init(loop, &signals[1]);
	uv_signal_start(&signals[0], on_signal, SIGTERM);
	uv_signal_start(&signals[1], on_signal, SIGINT);
	notify("READY=1\nSTATUS=Serving");
	uv_run(loop, UV_RUN_DEFAULT);
	notify("STOPPING=1");
	daemon_stop(&daemon);
	control_stop(control);
	uv_close((uv_handle_t *)&signals[0], NULL);
	uv_close((uv_handle_t *)&signals[1], NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	uv_loop_close(loop);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options options = { .state = STATE_DIR, .run = RUN_DIR };
	int code = parse(&options, argc, argv);

	if (code >= 0)
		return code;
	log_begin(options.verbose);
	signal(SIGPIPE, SIG_IGN);
	if (sodium_init() < 0) {
		log_error("libsodium does not start");
		return EXIT_FAILURE;
	}
	return serve(&options);
}
