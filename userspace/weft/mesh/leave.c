// SPDX-License-Identifier: GPL-2.0-or-later
#include "mesh.h"

int cmd_leave(int argc, char **argv)
{
	struct mesh_options options;
	int n = mesh_parse(&options, "leave", "nf", argc, argv), code = EXIT_DONE;
	__free_json json_object *left = NULL;

	if (n < 0 || n > 1) {
		json_object_put(options.request);
		return EXIT_USAGE;
	}
	if (n)
		json_put_text(options.request, "network", argv[1]);
	json_put_flag(options.request, "force", options.force);
	left = mesh_ask(options.request, &code);
	if (!left)
		return code;
	printf("Left network %s. Its keys are deleted.\n", json_text(left, "network"));
	return EXIT_DONE;
}
