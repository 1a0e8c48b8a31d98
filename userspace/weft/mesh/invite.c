// SPDX-License-Identifier: GPL-2.0-or-later
#include <unistd.h>

#include "mesh.h"

int cmd_invite(int argc, char **argv)
{
	struct mesh_options options;
	int n = mesh_parse(&options, "invite", "jqnNugeErRS", argc, argv), code = EXIT_DONE;
	__free_json json_object *invited = NULL;

	if (n) {
		json_object_put(options.request);
		return EXIT_USAGE;
	}
	invited = mesh_ask(options.request, &code);
	if (!invited)
		return code;
	if (options.json)
		return mesh_print_json(invited);
	/* nothing but the token, for who takes it into a variable; the rest is for people */
	puts(json_text(invited, "token"));
	fflush(stdout);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "For %lu machine(s), until %s: weft join TOKEN\n",
			(unsigned long)json_number(invited, "uses", 1),
			mesh_time(json_number(invited, "expires", 0)).text);
	return options.qr ? mesh_print_qr(json_text(invited, "token")) : EXIT_DONE;
}
