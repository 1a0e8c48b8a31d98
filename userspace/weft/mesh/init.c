// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "mesh.h"

/* Enough for whoever is to be in it at the beginning; more is said with --uses. */
#define FIRST_USES 10

static void print_made(json_object *made)
{
	const char *ipv4 = json_text(made, "ipv4");
	uint64_t uses = json_number(made, "uses", 1);

	printf("Network %s is up. This machine is %s: %s%s%s, interface %s.\n\n",
	       json_text(made, "network"), json_text(made, "name"), json_text(made, "address"),
	       ipv4 ? ", " : "", ipv4 ? ipv4 : "", json_text(made, "interface"));
	printf("On %s other machine, until %s:\n\n  weft join %s\n", uses == 1 ? "one" : "each",
	       mesh_time(json_number(made, "expires", 0)).text, json_text(made, "token"));
	if (uses > 1)
		printf("\nFor %lu machines; more: weft invite\n", (unsigned long)uses);
}

int cmd_init(int argc, char **argv)
{
	struct mesh_options options;
	int n = mesh_parse(&options, "init", "jqNugeErRSBipaIZ", argc, argv), code = EXIT_DONE;
	__free_json json_object *made = NULL;
	char name[64];

	if (n < 0 || n > 1) {
		json_object_put(options.request);
		return EXIT_USAGE;
	}
	if (n)
		json_put_text(options.request, "network", argv[1]);
	if (!json_has(options.request, "name")) {
		mesh_hostname(name);
		json_put_text(options.request, "name", name);
	}
	if (!json_has(options.request, "uses"))
		json_put_number(options.request, "uses", FIRST_USES);
	made = mesh_ask(options.request, &code);
	if (!made)
		return code;
	if (options.json)
		return mesh_print_json(made);
	print_made(made);
	return options.qr ? mesh_print_qr(json_text(made, "token")) : EXIT_DONE;
}
