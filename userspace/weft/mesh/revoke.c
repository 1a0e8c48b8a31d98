// SPDX-License-Identifier: GPL-2.0-or-later
#include "mesh.h"

static void print_losses(json_object *revoked)
{
	json_object *list, *one;

	if (!json_object_object_get_ex(revoked, "lost", &list))
		return;
	for (size_t i = 0; i < json_object_array_length(list); ++i) {
		const char *name;

		one = json_object_array_get_idx(list, i);
		name = json_text(one, "name");
		printf("No member any more, too: %s (%s)\n", name ? name : json_text(one, "id"),
		       json_text(one, "reason"));
	}
}

int cmd_revoke(int argc, char **argv)
{
	struct mesh_options options;
	int n = mesh_parse(&options, "revoke", "jnk", argc, argv), code = EXIT_DONE;
	__free_json json_object *revoked = NULL;
	const char *name;

	if (n != 1) {
		json_object_put(options.request);
		return EXIT_USAGE;
	}
	json_put_text(options.request, "member", argv[1]);
	json_put_flag(options.request, "compromised", options.compromised);
	revoked = mesh_ask(options.request, &code);
	if (!revoked)
		return code;
	if (options.json)
		return mesh_print_json(revoked);
	name = json_text(revoked, "member");
	printf("Revoked %s. The other members are being told.\n",
	       name ? name : json_text(revoked, "id"));
	print_losses(revoked);
	return EXIT_DONE;
}
