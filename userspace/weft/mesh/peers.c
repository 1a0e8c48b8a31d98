// SPDX-License-Identifier: GPL-2.0-or-later
/* Members: who is one, and stock WireGuard members, which cannot join by themselves. */
#include <string.h>

#include "mesh.h"

static void join_texts(char *text, size_t size, json_object *from, const char *name)
{
	size_t len = 0;

	*text = 0;
	for (size_t i = 0; i < json_length(from, name) && len < size; ++i)
		len += (size_t)snprintf(text + len, size - len, "%s%s", i ? "," : "",
					json_text_at(from, name, i));
}

static void put_member(struct mesh_table *table, json_object *member)
{
	uint64_t expires = json_number(member, "expires", 0);
	char groups[128], routes[256], roles[64];

	join_texts(groups, sizeof(groups), member, "groups");
	join_texts(routes, sizeof(routes), member, "routes");
	snprintf(roles, sizeof(roles), "%s%s%s", json_text(member, "state"),
		 json_flag(member, "admin", false) ? ", admin" : "",
		 json_flag(member, "static", false) ? ", stock WireGuard" : "");
	mesh_table_row(table, json_text(member, "name"), json_text(member, "address"),
		       json_text(member, "ipv4"), roles,
		       expires ? mesh_time(expires).text : "never", groups, routes);
}

static void print_members(json_object *network)
{
	struct mesh_table table = { .columns = 7 };
	json_object *list;

	if (!json_object_object_get_ex(network, "members", &list)) {
		printf("Network %s is %s.\n", json_text(network, "name"),
		       json_text(network, "state"));
		return;
	}
	printf("network %s\n", json_text(network, "name"));
	mesh_table_row(&table, "NAME", "ADDRESS", "IPV4", "IS", "UNTIL", "GROUPS", "ROUTES");
	for (size_t i = 0; i < json_object_array_length(list); ++i)
		put_member(&table, json_object_array_get_idx(list, i));
	mesh_table_print(&table);
	mesh_table_free(&table);
}

static int list_members(struct mesh_options *options)
{
	__free_json json_object *status = NULL;
	json_object *networks;
	int code = EXIT_DONE;

	json_put_text(options->request, "command", "status");
	status = mesh_ask(options->request, &code);
	if (!status)
		return code;
	json_object_object_get_ex(status, "networks", &networks);
	if (options->json)
		return mesh_print_json(networks);
	if (!json_object_array_length(networks))
		puts("This machine is in no network: weft init, or weft join TOKEN.");
	for (size_t i = 0; i < json_object_array_length(networks); ++i) {
		if (i)
			putchar('\n');
		print_members(json_object_array_get_idx(networks, i));
	}
	return EXIT_DONE;
}

/* Made here, if none is given, and kept by weftd for "weft export". */
static bool put_keys(json_object *request, const char *given)
{
	__wipe_key struct weft_key private_key;
	struct weft_key public_key;
	char text[WEFT_KEY_BASE64_LEN + 1];

	if (given) {
		if (weft_key_from_base64(&public_key, given)) {
			complain("\"%s\" is no public key", given);
			return false;
		}
		json_put_text(request, "public_key", given);
		return true;
	}
	weft_key_generate(&private_key);
	weft_key_public(&public_key, &private_key);
	weft_key_to_base64(text, &public_key);
	json_put_text(request, "public_key", text);
	weft_key_to_base64(text, &private_key);
	json_put_text(request, "private_key", text);
	explicit_bzero(text, sizeof(text));
	return true;
}

static int add_static(struct mesh_options *options, int n, char **argv)
{
	__free_json json_object *added = NULL;
	int code = EXIT_DONE;

	if (n < 1 || n > 2 || !put_keys(options->request, n == 2 ? argv[1] : NULL)) {
		json_object_put(options->request);
		return EXIT_USAGE;
	}
	json_put_text(options->request, "command", "add-static");
	json_put_text(options->request, "name", argv[0]);
	added = mesh_ask(options->request, &code);
	if (!added)
		return code;
	if (options->json)
		return mesh_print_json(added);
	printf("%s is a member. Its configuration: weft export %s\n", json_text(added, "member"),
	       json_text(added, "member"));
	return EXIT_DONE;
}

static int set_admin(struct mesh_options *options, int n, char **argv, bool is_admin)
{
	__free_json json_object *done = NULL;
	int code = EXIT_DONE;

	if (n != 1) {
		json_object_put(options->request);
		return EXIT_USAGE;
	}
	json_put_text(options->request, "command", "admin");
	json_put_text(options->request, "member", argv[0]);
	json_put_flag(options->request, "admin", is_admin);
	done = mesh_ask(options->request, &code);
	if (!done)
		return code;
	printf("%s is %s admin.\n", argv[0], is_admin ? "an" : "no");
	return EXIT_DONE;
}

int cmd_peers(int argc, char **argv)
{
	struct mesh_options options;
	int n = mesh_parse(&options, "peers", "jnvre", argc, argv);

	if (!n || (n == 1 && !strcmp(argv[1], "list")))
		return list_members(&options);
	if (n > 0 && !strcmp(argv[1], "add-static"))
		return add_static(&options, n - 1, argv + 2);
	if (n > 0 && !strcmp(argv[1], "add-admin"))
		return set_admin(&options, n - 1, argv + 2, true);
	if (n > 0 && !strcmp(argv[1], "del-admin"))
		return set_admin(&options, n - 1, argv + 2, false);
	json_object_put(options.request);
	return EXIT_USAGE;
}
