// SPDX-License-Identifier: GPL-2.0-or-later
#include "mesh.h"

int cmd_export(int argc, char **argv)
{
	struct mesh_options options;
	int n = mesh_parse(&options, "export", "jnq", argc, argv), code = EXIT_DONE;
	__free_json json_object *exported = NULL;
	const char *text;

	if (n != 1) {
		json_object_put(options.request);
		return EXIT_USAGE;
	}
	json_put_text(options.request, "member", argv[1]);
	exported = mesh_ask(options.request, &code);
	if (!exported)
		return code;
	if (options.json)
		return mesh_print_json(exported);
	text = json_text(exported, "configuration");
	if (options.qr)
		return mesh_print_qr(text);
	fputs(text, stdout);
	return EXIT_DONE;
}
