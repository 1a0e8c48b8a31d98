// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "show.h"
#include "weft_tool.h"

/**
 * struct request - what to show
 * @interface: a name, "all" or "interfaces"
 * @field: one field, or NULL for everything
 * @json: for machines
 */
struct request {
	const char *interface;
	const char *field;
	bool json;
};

bool keys_hidden(void)
{
	const char *value = setting("HIDE_KEYS");

	return !value || strcmp(value, "never");
}

static int parse_request(int argc, char **argv, struct request *request)
{
	const char *words[2] = { "all", NULL };
	int n = 0;

	for (int i = 1; i < argc; ++i) {
		if (!strcmp(argv[i], "--json")) {
			request->json = true;
		} else if (n == 2) {
			complain("show: \"%s\" is one argument too many", argv[i]);
			return EXIT_USAGE;
		} else {
			words[n++] = argv[i];
		}
	}
	request->interface = words[0];
	request->field = words[1];
	if (!request->field)
		return EXIT_DONE;
	if (!is_field(request->field)) {
		complain("show: unknown field \"%s\"", request->field);
		return EXIT_USAGE;
	}
	if (!strcmp(request->interface, "interfaces")) {
		complain("show: interfaces takes no field");
		return EXIT_USAGE;
	}
	if (request->json) {
		complain("show: --json shows everything and takes no field");
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

static int show_names(const struct weft_device *list)
{
	for (; list; list = list->next)
		printf("%s%c", list->ifname, list->next ? ' ' : '\n');
	return 0;
}

/* An interface that was deleted since it was listed is passed over. */
static int read_all(struct weft *weft, struct weft_device **list)
{
	__free_device struct weft_device *names = NULL;
	struct weft_device **end = list;
	int err = weft_device_list(weft, &names);

	for (struct weft_device *name = names; !err && name; name = name->next) {
		err = weft_device_get(weft, name->ifname, end);
		if (!err)
			end = &(*end)->next;
		else if (err == -WEFT_E_NO_DEVICE || err == -WEFT_E_NOT_WEFT)
			err = 0;
	}
	return err;
}

static void show_devices(const struct weft_device *list, const struct request *request)
{
	bool all = !strcmp(request->interface, "all");

	for (; list; list = list->next) {
		if (request->field) {
			show_field(list, request->field, all);
			continue;
		}
		show_pretty(list);
		if (list->next)
			putchar('\n');
	}
}

/* Whether the request is about an interface that it names. */
static bool is_one(const struct request *request)
{
	return strcmp(request->interface, "all") && strcmp(request->interface, "interfaces");
}

static int show(struct weft *weft, const struct request *request, struct weft_device **list)
{
	bool names_only = !strcmp(request->interface, "interfaces");
	int err;

	if (names_only)
		err = weft_device_list(weft, list);
	else if (!strcmp(request->interface, "all"))
		err = read_all(weft, list);
	else
		err = weft_device_get(weft, request->interface, list);
	if (err)
		return err;
	if (request->json)
		return show_json(*list, names_only);
	if (names_only)
		return show_names(*list);
	show_devices(*list, request);
	return 0;
}

int cmd_show(int argc, char **argv)
{
	__free_device struct weft_device *list = NULL;
	__free_weft struct weft *weft = NULL;
	struct request request = { 0 };
	int err = parse_request(argc, argv, &request);

	if (err)
		return err;
	weft = open_weft();
	if (!weft)
		return EXIT_FAILED;
	err = show(weft, &request, &list);
	if (!err)
		return EXIT_DONE;
	return complain_kernel(weft, is_one(&request) ? request.interface : NULL, err);
}
