// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include <unistd.h>

#include "mesh.h"

#define WAIT_SECONDS 60
/* Longer than any token. */
#define MAX_TOKEN 16384

/* From a pipe, a file, or a terminal: "-". */
static char *read_token(void)
{
	char *text = calloc(1, MAX_TOKEN);
	size_t len;

	if (!text)
		return NULL;
	len = fread(text, 1, MAX_TOKEN - 1, stdin);
	while (len && strchr(" \t\r\n", text[len - 1]))
		--len;
	text[len] = 0;
	return text;
}

static void tell(json_object *told, void *arg)
{
	const char *event = json_text(told, "event"), *reason = json_text(told, "reason");
	const char *member = json_text(told, "member");

	(void)arg;
	if (event && !strcmp(event, "no-answer"))
		complain("none of the members that the token names answers yet; trying on");
	else
		complain("%s does not let this machine in: %s; asking others",
			 member ? member : "a member", reason ? reason : "no reason given");
}

static int complain_late(void)
{
	complain("not joined yet: no member answers\n"
		 "  weftd goes on trying; \"weft status\" tells how it stands.\n"
		 "  Is one of the machines that were there when the token was made running, and "
		 "its UDP port reachable from here?");
	return EXIT_NOT_CONNECTED;
}

static int print_joined(json_object *joined)
{
	const char *ipv4 = json_text(joined, "ipv4");

	printf("Joined network %s. This machine is %s: %s%s%s, interface %s.\n",
	       json_text(joined, "network"), json_text(joined, "name"),
	       json_text(joined, "address"), ipv4 ? ", " : "", ipv4 ? ipv4 : "",
	       json_text(joined, "interface"));
	return EXIT_DONE;
}

static bool put_token(json_object *request, const char *argument)
{
	char *text;

	if (strcmp(argument, "-")) {
		json_put_text(request, "token", argument);
		return true;
	}
	text = read_token();
	if (!text || !*text) {
		complain("there is no token on standard input");
		free(text);
		return false;
	}
	json_put_text(request, "token", text);
	explicit_bzero(text, MAX_TOKEN);
	free(text);
	return true;
}

int cmd_join(int argc, char **argv)
{
	struct mesh_options options;
	int n = mesh_parse(&options, "join", "jnNwipaBZ", argc, argv), code = EXIT_DONE;
	struct mesh_wait wait = { .progress = tell };
	__free_json json_object *joined = NULL;
	char name[64];

	if (n != 1 || !put_token(options.request, argv[1])) {
		json_object_put(options.request);
		return EXIT_USAGE;
	}
	if (!json_has(options.request, "name")) {
		mesh_hostname(name);
		json_put_text(options.request, "name", name);
	}
	wait.seconds = options.seconds < 0 ? WAIT_SECONDS : options.seconds;
	joined = mesh_ask_waiting(options.request, &wait, &code);
	if (!joined)
		return wait.timed_out ? complain_late() : code;
	return options.json ? mesh_print_json(joined) : print_joined(joined);
}
