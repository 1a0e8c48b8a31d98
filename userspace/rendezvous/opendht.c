// SPDX-License-Identifier: GPL-2.0-or-later
/* weft-rendezvous-opendht: weft's rendezvous in an OpenDHT network. See its manual page. */
#include <getopt.h>
#include <opendht/opendht_c.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "helper_io.h"

#define DEFAULT_PORT "4222"
/* Nodes forget a value after ten minutes, unless it is put again. */
#define PUT_EVERY 240
#define MAX_BOOTSTRAP 16
#define NO_NODE "no node of the DHT answers"

/* A value that is kept in the DHT until @until. */
struct published {
	dht_value *value;
	dht_infohash hash;
	uint8_t key[KEY_BYTES];
	time_t until;
	time_t put_at;
};

/* A look-up; for its callbacks, which are called on the library's thread. */
struct look_up {
	uint32_t number;
};

/* What it was told is put; likewise. */
struct putting {
	uint8_t key[KEY_BYTES];
};

static pthread_mutex_t saying = PTHREAD_MUTEX_INITIALIZER;

static time_t now_s(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec;
}

/* Under the lock. */
static void say_reached(bool reached)
{
	say_trouble("%s", reached ? "" : NO_NODE);
}

static bool on_value(const dht_value *value, void *arg)
{
	const struct look_up *look_up = arg;
	dht_data_view data = dht_value_get_data(value);

	/* others may keep there what they like */
	if (data.size != VALUE_BYTES)
		return true;
	pthread_mutex_lock(&saying);
	say_found(look_up->number, data.data);
	pthread_mutex_unlock(&saying);
	return true;
}

static void on_looked_up(bool ok, void *arg)
{
	struct look_up *look_up = arg;

	pthread_mutex_lock(&saying);
	say_reached(ok);
	say_done(look_up->number);
	pthread_mutex_unlock(&saying);
	free(look_up);
}

static void on_put(bool ok, void *arg)
{
	struct putting *putting = arg;

	pthread_mutex_lock(&saying);
	say_reached(ok);
	if (ok)
		say_published(putting->key);
	pthread_mutex_unlock(&saying);
	free(putting);
}

static void put(dht_runner *runner, struct published *published)
{
	struct putting *putting = malloc(sizeof(*putting));

	if (!putting)
		return;
	memcpy(putting->key, published->key, sizeof(putting->key));
	published->put_at = now_s() + PUT_EVERY;
	dht_runner_put(runner, &published->hash, published->value, on_put, putting, false);
}

static void publish(dht_runner *runner, struct published *published, const struct request *request)
{
	/* the one before is forgotten by the nodes, because nobody puts it again */
	if (published->value)
		dht_value_unref(published->value);
	published->value = dht_value_new(request->value, VALUE_BYTES);
	memcpy(published->key, request->key, KEY_BYTES);
	dht_infohash_get(&published->hash, request->key, KEY_BYTES);
	published->until = now_s() + request->seconds;
	put(runner, published);
}

static void look_up(dht_runner *runner, const struct request *request)
{
	struct look_up *look_up = malloc(sizeof(*look_up));
	dht_infohash hash;

	if (!look_up)
		return;
	look_up->number = request->number;
	dht_infohash_get(&hash, request->key, KEY_BYTES);
	dht_runner_get(runner, &hash, on_value, on_looked_up, look_up);
}

static void serve_requests(dht_runner *runner, struct published *published,
			   struct requests *requests)
{
	struct request request;

	while (requests_next(requests, &request)) {
		if (request.type == REQUEST_PUBLISH)
			publish(runner, published, &request);
		else if (request.type == REQUEST_LOOKUP)
			look_up(runner, &request);
	}
}

static void serve(dht_runner *runner)
{
	static struct requests requests;
	struct published published = { .value = NULL };
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	for (;;) {
		if (poll(&input, 1, 10000) > 0 && !requests_read(&requests))
			return;
		serve_requests(runner, &published, &requests);
		if (published.value && now_s() >= published.put_at &&
		    now_s() < published.until)
			put(runner, &published);
	}
}

/* "host", "host:port", "[address]:port" */
static bool bootstrap(dht_runner *runner, const char *at)
{
	char host[256];
	const char *colon = strrchr(at, ':'), *end = *at == '[' ? strchr(at, ']') : NULL;
	/* an IPv6 address alone has several colons */
	bool has_port = end ? end[1] == ':' : colon && strchr(at, ':') == colon;
	const char *port = has_port ? colon + 1 : DEFAULT_PORT;
	size_t len;

	if ((*at == '[' && !end) || (end && end[1] && !has_port))
		return false;
	at += !!end;
	len = end ? (size_t)(end - at) : has_port ? (size_t)(colon - at) : strlen(at);
	if (!len || len >= sizeof(host) || !*port)
		return false;
	memcpy(host, at, len);
	host[len] = 0;
	dht_runner_bootstrap(runner, host, port);
	return true;
}

struct options {
	const char *bootstrap[MAX_BOOTSTRAP];
	unsigned int bootstrap_count;
	unsigned long port;
	unsigned long network;
};

static void usage(FILE *to)
{
	fputs("Usage: weft-rendezvous-opendht --bootstrap HOST[:PORT]... [--port N] [--network N]\n\n"
	      "It is started by weftd: weft up --rendezvous 'weft-rendezvous-opendht ...'\n"
	      "All about it: man 8 weft-rendezvous-opendht.\n", to);
}

/* -1: go on; else the exit code. */
static int parse(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "bootstrap", required_argument, NULL, 'b' },
		{ "port", required_argument, NULL, 'p' },
		{ "network", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	bool good = true;
	int option;

	while (good && (option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (option) {
		case 'b':
			good = options->bootstrap_count < MAX_BOOTSTRAP;
			if (good)
				options->bootstrap[options->bootstrap_count++] = optarg;
			break;
		case 'p':
			good = get_number(optarg, UINT16_MAX, &options->port);
			break;
		case 'n':
			good = get_number(optarg, UINT32_MAX, &options->network);
			break;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			good = false;
		}
	}
	if (good && optind == argc && options->bootstrap_count)
		return -1;
	usage(stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct options options = { .bootstrap_count = 0 };
	dht_runner_config config;
	dht_runner *runner;
	int code = parse(&options, argc, argv);

	if (code >= 0)
		return code;
	dht_runner_config_default(&config);
	config.threaded = true;
	config.peer_discovery = false;
	config.peer_publish = false;
	config.dht_config.node_config.network = options.network;
	runner = dht_runner_new();
	if (!runner || dht_runner_run_config(runner, options.port, &config)) {
		fputs("cannot open a port for the DHT\n", stderr);
		return EXIT_FAILURE;
	}
	for (unsigned int i = 0; i < options.bootstrap_count; i++) {
		if (!bootstrap(runner, options.bootstrap[i])) {
			fprintf(stderr, "\"%s\" is no host or host:port\n", options.bootstrap[i]);
			_exit(2);
		}
	}
	serve(runner);
	/* nothing to save, and its threads may wait for a network that is not there */
	_exit(EXIT_SUCCESS);
}
