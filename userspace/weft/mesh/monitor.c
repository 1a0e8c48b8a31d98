// SPDX-License-Identifier: GPL-2.0-or-later
#include <time.h>

#include "mesh.h"

static bool print_event(json_object *event, void *arg)
{
	const struct mesh_options *options = arg;
	const char *member = json_text(event, "member"), *reason = json_text(event, "reason");
	const char *route = json_text(event, "route");
	char at[32] = "";
	struct tm local;
	time_t now = (time_t)json_number(event, "time", 0);

	if (options->json) {
		puts(json_object_to_json_string_ext(event, JSON_C_TO_STRING_PLAIN |
						    JSON_C_TO_STRING_NOSLASHESCAPE));
	} else {
		if (localtime_r(&now, &local))
			strftime(at, sizeof(at), "%H:%M:%S", &local);
		printf("%s %s %s%s%s%s%s%s%s\n", at, json_text(event, "network"),
		       json_text(event, "event"), member ? " " : "", member ? member : "",
		       route ? " " : "", route ? route : "", reason ? ": " : "",
		       reason ? reason : "");
	}
	/* each as it comes; and the end, when nobody reads any more */
	return !fflush(stdout);
}

int cmd_monitor(int argc, char **argv)
{
	struct mesh_options options;
	int n = mesh_parse(&options, "monitor", "jn", argc, argv);

	if (n < 0 || n > 1) {
		json_object_put(options.request);
		return EXIT_USAGE;
	}
	if (n)
		json_put_text(options.request, "network", argv[1]);
	return mesh_follow(options.request, print_event, &options);
}
