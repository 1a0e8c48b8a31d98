// SPDX-License-Identifier: GPL-2.0-or-later
/* How it stands: the networks, every member, the way to it, and why it is not direct. */
#include <string.h>

#include "mesh.h"

static void put_path(char text[128], json_object *member)
{
	const char *path = json_text(member, "path"), *endpoint = json_text(member, "endpoint");
	const char *via = json_text(member, "via");

	if (path)
		snprintf(text, 128, "%s %s", path, endpoint ? endpoint : "");
	else if (via)
		snprintf(text, 128, "by %s", via);
	else
		snprintf(text, 128, "-");
}

static void put_member(struct mesh_table *table, json_object *member)
{
	uint64_t rtt = json_number(member, "rtt_ms", 0);
	char path[128], rtt_text[32] = "-";

	if (strcmp(json_text(member, "state"), "member"))
		return;
	if (json_flag(member, "self", false)) {
		mesh_table_row(table, json_text(member, "name"), json_text(member, "address"),
			       json_text(member, "ipv4"), "this machine", "", "", "", "");
		return;
	}
	put_path(path, member);
	if (rtt)
		snprintf(rtt_text, sizeof(rtt_text), "%lu ms", (unsigned long)rtt);
	mesh_table_row(table, json_text(member, "name"), json_text(member, "address"),
		       json_text(member, "ipv4"), path, rtt_text,
		       mesh_bytes(json_number(member, "rx_bytes", 0)).text,
		       mesh_bytes(json_number(member, "tx_bytes", 0)).text,
		       json_text(member, "why"));
}

static void print_members(json_object *list)
{
	struct mesh_table table = { .columns = 8 };

	mesh_table_row(&table, "NAME", "ADDRESS", "IPV4", "PATH", "RTT", "RECEIVED", "SENT",
		       "WHY NOT DIRECT");
	for (size_t i = 0; i < json_object_array_length(list); ++i)
		put_member(&table, json_object_array_get_idx(list, i));
	mesh_table_print(&table);
	mesh_table_free(&table);
}

static void print_exclusion(json_object *network)
{
	json_object *excluded = NULL;
	const char *why, *by;

	json_object_object_get_ex(network, "excluded", &excluded);
	why = json_text(excluded, "why");
	by = json_text(excluded, "by");
	if (why && !strcmp(why, "expired")) {
		printf("this machine's admission has expired\n");
	} else if (json_has(excluded, "time")) {
		printf("this machine was revoked by %s on %s%s\n", by ? by : "an admin",
		       mesh_time(json_number(excluded, "time", 0)).text,
		       json_flag(excluded, "by_root", false) ? ", with the network's root key" : "");
	} else if (why && !strcmp(why, "used-up")) {
		puts("the invitation of this machine was used more often than it was for, and "
		     "others stay");
	} else {
		puts("nobody who may admit this machine does so any more");
	}
	printf("weftd no longer tries to reach the others. To come back: weft leave %s, ask an admin "
	       "for a token (weft invite), weft join TOKEN\n", json_text(network, "name"));
}

static void print_advice(json_object *network)
{
	const char *trouble = json_text(network, "trouble"), *unsaved = json_text(network, "unsaved");
	const char *state = json_text(network, "state");

	if (trouble)
		printf("trouble: %s\n", trouble);
	if (unsaved)
		printf("trouble: not all is saved (%s); weftd tries on\n", unsaved);
	if (!strcmp(state, "down"))
		printf("bring it up: weft up %s\n", json_text(network, "name"));
	else if (!strcmp(state, "joining") && !trouble)
		puts("no member has answered yet; weftd goes on trying");
	else if (!strcmp(state, "excluded"))
		print_exclusion(network);
}

static void print_rendezvous(json_object *network)
{
	const char *trouble, *state;
	json_object *rendezvous;
	uint64_t published;

	if (!json_object_object_get_ex(network, "rendezvous", &rendezvous) || !rendezvous)
		return;
	state = json_text(rendezvous, "state");
	trouble = json_text(rendezvous, "trouble");
	printf("rendezvous: %s: %s", json_text(rendezvous, "command"), state ? state : "?");
	published = json_number(rendezvous, "published_s", UINT64_MAX);
	if (published != UINT64_MAX)
		printf(", published %lu s ago", (unsigned long)published);
	putchar('\n');
	if (trouble)
		printf("trouble: rendezvous: %s\n", trouble);
}

static void print_network(json_object *network)
{
	json_object *members;

	printf("network %s: %s", json_text(network, "name"), json_text(network, "state"));
	if (json_number(network, "port", 0))
		printf(", interface %s, port %lu", json_text(network, "interface"),
		       (unsigned long)json_number(network, "port", 0));
	putchar('\n');
	print_advice(network);
	/* of what it knew of the others, nothing is of use any more */
	if (!strcmp(json_text(network, "state"), "excluded"))
		return;
	print_rendezvous(network);
	if (json_object_object_get_ex(network, "members", &members) &&
	    json_object_array_length(members))
		print_members(members);
}

/* Connected, as the exit status tells it: a member somewhere, alone or not. */
static bool is_connected(json_object *networks)
{
	for (size_t i = 0; i < json_object_array_length(networks); ++i) {
		const char *state = json_text(json_object_array_get_idx(networks, i), "state");

		if (state && !strcmp(state, "member"))
			return true;
	}
	return false;
}

int cmd_status(int argc, char **argv)
{
	struct mesh_options options;
	int n = mesh_parse(&options, "status", "jn", argc, argv), code = EXIT_DONE;
	__free_json json_object *status = NULL;
	json_object *networks;

	if (n < 0 || n > 1) {
		json_object_put(options.request);
		return EXIT_USAGE;
	}
	if (n)
		json_put_text(options.request, "network", argv[1]);
	status = mesh_ask(options.request, &code);
	if (!status)
		return code;
	json_object_object_get_ex(status, "networks", &networks);
	if (options.json) {
		code = mesh_print_json(networks);
		return code ? code : is_connected(networks) ? EXIT_DONE : EXIT_NOT_CONNECTED;
	}
	if (!json_object_array_length(networks))
		puts("This machine is in no network: weft init, or weft join TOKEN.");
	for (size_t i = 0; i < json_object_array_length(networks); ++i) {
		if (i)
			putchar('\n');
		print_network(json_object_array_get_idx(networks, i));
	}
	return is_connected(networks) ? EXIT_DONE : EXIT_NOT_CONNECTED;
}
