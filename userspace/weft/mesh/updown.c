// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "mesh.h"

static int switch_network(const char *command, const char *allowed, const char *done, int argc,
			  char **argv)
{
	struct mesh_options options;
	int n = mesh_parse(&options, command, allowed, argc, argv), code = EXIT_DONE;
	__free_json json_object *switched = NULL;

	if (n < 0 || n > 1) {
		json_object_put(options.request);
		return EXIT_USAGE;
	}
	if (n)
		json_put_text(options.request, "network", argv[1]);
	switched = mesh_ask(options.request, &code);
	if (!switched)
		return code;
	printf("Network %s is %s.\n", json_text(switched, "network"), done);
	return EXIT_DONE;
}

int cmd_up(int argc, char **argv)
{
	return switch_network("up", "nZ", "up", argc, argv);
}

int cmd_down(int argc, char **argv)
{
	return switch_network("down", "n", "down", argc, argv);
}
