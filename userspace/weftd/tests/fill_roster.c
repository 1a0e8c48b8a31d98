// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fill_roster DIRECTORY COUNT: members that are not there, admitted by the admin whose state that is,
 * while its daemon does not run. Each has signed where it is, which nobody is: addresses of the local
 * network fd00::/64.
 */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "record.h"
#include "roster.h"
#include "state.h"

#define MAX_FILE (16U << 20)
#define PORT 51820

struct filling {
	struct weft_secrets secrets;
	struct weft_identity admin;
	struct weft_roster *roster;
	uint64_t now;
};

static void check(int error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "fill_roster: %s: %s\n", what, strerror(-error));
	exit(1);
}

static size_t read_file(const char *name, uint8_t *bytes)
{
	FILE *from = fopen(name, "rb");
	size_t len;

	if (!from) {
		perror(name);
		exit(1);
	}
	len = fread(bytes, 1, MAX_FILE, from);
	fclose(from);
	return len;
}

static void load(struct filling *filling)
{
	uint8_t *bytes = malloc(MAX_FILE);
	size_t len, taken;

	if (!bytes)
		check(-12, "memory");
	len = read_file("secrets", bytes);
	check(weft_secrets_decode(&filling->secrets, bytes, len), "secrets");
	weft_identity_from_seed(&filling->admin, filling->secrets.identity);
	check(weft_roster_new(&filling->roster, &filling->secrets.network), "roster");
	len = read_file("roster", bytes);
	check(weft_roster_decode(filling->roster, bytes, len, &taken), "roster");
	free(bytes);
}

static void save(const struct filling *filling)
{
	uint8_t *bytes;
	size_t len;
	FILE *to = fopen("roster", "wb");

	check(weft_roster_encode(filling->roster, &bytes, &len), "roster");
	if (!to || fwrite(bytes, 1, len, to) != len || fclose(to)) {
		perror("roster");
		exit(1);
	}
	free(bytes);
}

static void add(struct filling *filling, const struct weft_fields *fields,
		const struct weft_identity *signer)
{
	struct weft_record *record;

	check(weft_record_sign(&record, fields, signer), "record");
	check(weft_roster_add(filling->roster, record), "record");
	weft_record_put(record);
}

static void admit(struct filling *filling, const struct weft_identity *who, unsigned int n)
{
	struct weft_fields fields = {
		.type = WEFT_ADMISSION, .network = filling->secrets.network,
		.issued = filling->now, .subject = who->id,
		.has = WEFT_HAS(WEFT_KEY_SUBJECT) | WEFT_HAS(WEFT_KEY_NAME),
	};

	snprintf(fields.name, sizeof(fields.name), "absent%u", n);
	add(filling, &fields, &filling->admin);
}

static void announce(struct filling *filling, const struct weft_identity *who, unsigned int n,
		     const struct weft_tunnel *tunnel)
{
	struct weft_fields fields = {
		.type = WEFT_ANNOUNCEMENT, .network = filling->secrets.network,
		.issued = filling->now, .tunnel = tunnel->public_key,
		.has = WEFT_HAS(WEFT_KEY_TUNNEL) | WEFT_HAS(WEFT_KEY_ENDPOINTS),
		.endpoints = { .count = 1, .at = { {
			.size = 16, .port = PORT,
			.address = { 0xfd, [12] = 1, [14] = n >> 8, [15] = n & 0xff },
		} } },
	};

	add(filling, &fields, who);
}

static void fill(struct filling *filling, unsigned int count)
{
	uint8_t seed[WEFT_SEED_LEN];
	struct weft_identity who;
	struct weft_tunnel tunnel;
	unsigned int n;

	for (n = 1; n <= count; n++) {
		randombytes_buf(seed, sizeof(seed));
		weft_identity_from_seed(&who, seed);
		randombytes_buf(seed, sizeof(seed));
		weft_tunnel_from_seed(&tunnel, seed);
		admit(filling, &who, n);
		announce(filling, &who, n, &tunnel);
	}
	check(weft_roster_evaluate(filling->roster, filling->now), "roster");
}

int main(int argc, char **argv)
{
	struct filling filling = { .now = time(NULL) };

	if (argc != 3 || sodium_init() < 0 || chdir(argv[1])) {
		fprintf(stderr, "usage: fill_roster DIRECTORY COUNT\n");
		return 2;
	}
	load(&filling);
	if (!weft_roster_evaluate(filling.roster, filling.now) &&
	    !weft_roster_admin(filling.roster, &filling.admin.id)) {
		fprintf(stderr, "fill_roster: whose state that is, is no admin\n");
		return 1;
	}
	fill(&filling, strtoul(argv[2], NULL, 10));
	save(&filling);
	weft_secrets_wipe(&filling.secrets);
	weft_roster_free(filling.roster);
	return 0;
}
