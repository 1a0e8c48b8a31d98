// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "mesh.h"

static const struct option all_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "qr", no_argument, NULL, 'q' },
	{ "force", no_argument, NULL, 'f' },
	{ "compromised", no_argument, NULL, 'k' },
	{ "wait", required_argument, NULL, 'w' },
	{ "count", required_argument, NULL, 'c' },
	{ "ipv4-only", no_argument, NULL, '4' },
	{ "network", required_argument, NULL, 'n' },
	{ "name", required_argument, NULL, 'N' },
	{ "uses", required_argument, NULL, 'u' },
	{ "expires", required_argument, NULL, 'e' },
	{ "member-expires", required_argument, NULL, 'E' },
	{ "group", required_argument, NULL, 'g' },
	{ "route", required_argument, NULL, 'r' },
	{ "interface", required_argument, NULL, 'i' },
	{ "port", required_argument, NULL, 'p' },
	{ "endpoint", required_argument, NULL, 'a' },
	{ "ipv4", required_argument, NULL, 'I' },
	{ "via", required_argument, NULL, 'v' },
	{ "relay", no_argument, NULL, 'R' },
	{ "no-secret", no_argument, NULL, 'S' },
	{ "no-beacons", no_argument, NULL, 'B' },
	{ "rendezvous", required_argument, NULL, 'Z' },
	{ 0 },
};

bool mesh_duration(const char *text, uint64_t *seconds)
{
	static const struct {
		char letter;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	unsigned long number;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	number = strtoul(text, &end, 10);
	/* a thousand years, so that nothing overflows */
	if (errno || number > 1000UL * 366 * 86400)
		return false;
	*seconds = number;
	if (!*end)
		return number;
	for (size_t i = 0; i < ARRAY_SIZE(units); ++i) {
		if (*end == units[i].letter && !end[1]) {
			*seconds = number * units[i].seconds;
			return number && *seconds <= 1000ULL * 366 * 86400;
		}
	}
	return false;
}

void mesh_hostname(char name[64])
{
	char host[256] = "";
	size_t len = 0;

	gethostname(host, sizeof(host) - 1);
	for (const char *at = host; *at && *at != '.' && len < 45; ++at) {
		if (isalnum((unsigned char)*at))
			name[len++] = (char)tolower((unsigned char)*at);
		else if (len && name[len - 1] != '-')
			name[len++] = '-';
	}
	while (len && name[len - 1] == '-')
		--len;
	name[len] = 0;
}

static bool put_count(json_object *request, const char *name, const char *text, unsigned long max)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || number > max) {
		complain("\"%s\" is no number up to %lu", text, max);
		return false;
	}
	json_put_number(request, name, number);
	return true;
}

static bool put_duration(json_object *request, const char *name, const char *text)
{
	uint64_t seconds;

	if (!mesh_duration(text, &seconds)) {
		complain("\"%s\" is no time; say it as 90m, 12h or 7d", text);
		return false;
	}
	json_put_number(request, name, seconds);
	return true;
}

static bool append(json_object *request, const char *name, const char *text)
{
	json_object *list;

	if (!json_object_object_get_ex(request, name, &list)) {
		list = json_object_new_array();
		json_object_object_add(request, name, list);
	}
	json_append_text(list, text);
	return true;
}

static bool put_text(json_object *request, const char *name, const char *text)
{
	json_put_text(request, name, text);
	return true;
}

/* What is for weftd. */
static bool take_wish(json_object *to, int option, const char *value)
{
	switch (option) {
	case 'n':
		return put_text(to, "network", value);
	case 'N':
		return put_text(to, "name", value);
	case 'u':
		return put_count(to, "uses", value, 10000);
	case 'e':
		return put_duration(to, "expires_in", value);
	case 'E':
		return put_duration(to, "member_expires_in", value);
	case 'g':
		return append(to, "groups", value);
	case 'r':
		return append(to, "routes", value);
	case 'i':
		return put_text(to, "interface", value);
	case 'p':
		return put_count(to, "port", value, 65535);
	case 'a':
		return append(to, "endpoints", value);
	case 'I':
		return put_text(to, "ipv4", value);
	case 'v':
		return put_text(to, "via", value);
	case 'R':
		json_put_flag(to, "relay", true);
		return true;
	case 'S':
		json_put_flag(to, "with_secret", false);
		return true;
	case 'Z':
		return put_text(to, "rendezvous", value);
	case 'B':
		json_put_flag(to, "beacons", false);
		return true;
	}
	return false;
}

static bool take_number(const char *text, unsigned long max, unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(text, &end, 10);
	if (isdigit((unsigned char)*text) && !*end && !errno && *number <= max)
		return true;
	complain("\"%s\" is no number up to %lu", text, max);
	return false;
}

static bool take(struct mesh_options *options, int option, const char *value)
{
	unsigned long number;

	switch (option) {
	case 'j':
		options->json = true;
		return true;
	case 'q':
		options->qr = true;
		return true;
	case 'f':
		options->force = true;
		return true;
	case 'k':
		options->compromised = true;
		return true;
	case '4':
		options->ipv4_only = true;
		return true;
	case 'w':
		if (!take_number(value, 86400, &number))
			return false;
		options->seconds = (int)number;
		return true;
	case 'c':
		if (!take_number(value, 1000000, &number) || !number)
			return false;
		options->count = (unsigned int)number;
		return true;
	}
	return take_wish(options->request, option, value);
}

static const char *option_name(int letter)
{
	for (const struct option *option = all_options; option->name; ++option) {
		if (option->val == letter)
			return option->name;
	}
	return "?";
}

int mesh_parse(struct mesh_options *options, const char *command, const char *allowed, int argc,
	       char **argv)
{
	int option;

	*options = (struct mesh_options){ .allowed = allowed, .seconds = -1 };
	options->request = json_object_new_object();
	json_put_text(options->request, "command", command);
	json_put_number(options->request, "id", 1);
	optind = 1;
	while ((option = getopt_long(argc, argv, "4c:", all_options, NULL)) != -1) {
		if (option == '?')
			return -1;
		if (!strchr(allowed, option)) {
			complain("%s takes no --%s", argv[0], option_name(option));
			return -1;
		}
		if (!take(options, option, optarg))
			return -1;
	}
	for (int i = optind; i < argc; ++i)
		argv[1 + i - optind] = argv[i];
	return argc - optind;
}
