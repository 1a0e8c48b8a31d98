// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../nss/names_file.h"
#include "log.h"
#include "names.h"
#include "network.h"
#include "store.h"

#define FILE_NAMES "names"

static void put_member(FILE *to, const struct network *network, const struct weft_member *member)
{
	/* a stock member has no identity from which an IPv6 address follows, but it is given one */
	fprintf(to, "%s %s %s %s\n", member->name, network->config.name,
		text_of_address(member->address, 16).text,
		member->has_ipv4 ? text_of_address(member->ipv4, 4).text : "-");
}

static void put_network(FILE *to, const struct network *network)
{
	const struct weft_member *members;
	size_t i, count;

	if (!network->node || weft_node_state(network->node) != WEFT_NODE_MEMBER)
		return;
	members = weft_roster_members(weft_node_roster(network->node), &count);
	for (i = 0; i < count; i++) {
		if (members[i].state == WEFT_MEMBER)
			put_member(to, network, &members[i]);
	}
}

static char *all_names(const struct daemon *daemon, size_t *len)
{
	const struct network *network;
	char *text = NULL;
	FILE *to = open_memstream(&text, len);

	if (!to)
		return NULL;
	fputs(NAMES_MAGIC, to);
	for (network = daemon->networks; network; network = network->next)
		put_network(to, network);
	if (fclose(to)) {
		free(text);
		return NULL;
	}
	return text;
}

void names_publish(struct daemon *daemon)
{
	size_t len;
	char *names = all_names(daemon, &len);
	int error;

	daemon->names_stale = !names;
	if (!names || (daemon->names && !strcmp(names, daemon->names))) {
		free(names);
		return;
	}
	error = store_write(daemon->run, FILE_NAMES, names, len, 0644);
	if (error) {
		log_error("cannot publish names: %s", strerror(-error));
		free(names);
		return;
	}
	free(daemon->names);
	daemon->names = names;
}
