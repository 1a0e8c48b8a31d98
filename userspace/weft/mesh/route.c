// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "mesh.h"

static int print_routes(json_object *result)
{
	struct mesh_table table = { .columns = 3 };
	json_object *list, *one;

	json_object_object_get_ex(result, "routes", &list);
	mesh_table_row(&table, "ROUTE", "THROUGH", "NOW");
	for (size_t i = 0; i < json_object_array_length(list); ++i) {
		one = json_object_array_get_idx(list, i);
		mesh_table_row(&table, json_text(one, "route"),
			       json_flag(one, "self", false) ? "this machine" :
							       json_text(one, "member"),
			       json_flag(one, "used", false) ? "used" : "");
	}
	mesh_table_print(&table);
	mesh_table_free(&table);
	return EXIT_DONE;
}

int cmd_route(int argc, char **argv)
{
	struct mesh_options options;
	int n = mesh_parse(&options, "route", "jn", argc, argv), code = EXIT_DONE;
	__free_json json_object *result = NULL;
	json_object *routes;
	const char *what = n > 0 ? argv[1] : "list";
	bool is_list = !strcmp(what, "list");

	if (n < 0 || (!is_list && strcmp(what, "add") && strcmp(what, "del")) ||
	    is_list != (n < 2)) {
		json_object_put(options.request);
		return EXIT_USAGE;
	}
	json_put_text(options.request, "what", what);
	routes = json_object_new_array();
	for (int i = 2; i <= n; ++i)
		json_append_text(routes, argv[i]);
	json_object_object_add(options.request, "routes", routes);
	result = mesh_ask(options.request, &code);
	if (!result)
		return code;
	return options.json ? mesh_print_json(result) : print_routes(result);
}
