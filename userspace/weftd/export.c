// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft/weft.h>

#include "export.h"
#include "store.h"

#define KEEPALIVE 25

/* Of a file: a key in base64 may have a slash. */
static void file_name(char name[80], const struct weft_tunnel_key *public_key)
{
	char hex[2 * sizeof(public_key->bytes) + 1];

	sodium_bin2hex(hex, sizeof(hex), public_key->bytes, sizeof(public_key->bytes));
	snprintf(name, 80, "key-%s", hex);
}

int export_keep_key(struct network *network, const struct weft_tunnel_key *public_key,
		    const char *private_key)
{
	struct weft_key key, derived;
	char name[80];
	int error = weft_key_from_base64(&key, private_key);

	if (!error) {
		weft_key_public(&derived, &key);
		error = memcmp(derived.bytes, public_key->bytes, sizeof(derived.bytes)) ?
				-EINVAL : 0;
	}
	weft_key_wipe(&key);
	if (error)
		return error;
	file_name(name, public_key);
	return network_write(network, name, private_key, strlen(private_key));
}

void export_forget_key(struct network *network, const struct weft_tunnel_key *public_key)
{
	char name[80];

	file_name(name, public_key);
	unlinkat(network->dir, name, 0);
}

static void put_private_key(FILE *to, struct network *network, const struct weft_member *member)
{
	uint8_t *text;
	char name[80];
	size_t len;

	file_name(name, &member->tunnel);
	if (store_read(network->dir, name, &text, &len)) {
		fputs("# its private key is where it was made, not here\n#PrivateKey = \n", to);
		return;
	}
	fprintf(to, "PrivateKey = %.*s\n", (int)len, (char *)text);
	sodium_memzero(text, len);
	free(text);
}

/* Everything of the network goes through the router; and what members route for, but its own. */
static void put_allowed(FILE *to, struct network *network, const struct weft_member *member)
{
	struct weft_roster *roster = weft_node_roster(network->node);
	const struct weft_record *settings = weft_roster_settings(roster);
	const struct weft_member *members;
	struct weft_routes routes;
	struct weft_prefix prefix;
	struct weft_fields fields;
	size_t i, count;
	unsigned int n;

	weft_network_prefix(&prefix, &network->id);
	fprintf(to, "AllowedIPs = %s", text_of_prefix(&prefix).text);
	if (settings) {
		weft_record_fields(settings, &fields);
		if (fields.has & WEFT_HAS(WEFT_KEY_IPV4_PREFIX))
			fprintf(to, ", %s", text_of_prefix(&fields.ipv4_prefix).text);
	}
	members = weft_roster_members(roster, &count);
	for (i = 0; i < count; i++) {
		if (members[i].state != WEFT_MEMBER || &members[i] == member)
			continue;
		memset(&routes, 0, sizeof(routes));
		weft_roster_routes(roster, &members[i], &routes);
		for (n = 0; n < routes.count; n++)
			fprintf(to, ", %s", text_of_prefix(&routes.at[n]).text);
	}
	fputc('\n', to);
}

static bool find_endpoint(struct network *network, const struct weft_member *via,
			  struct weft_ip_endpoint *at)
{
	struct weft_node_peer peer = { 0 };
	struct weft_fields fields;

	if (weft_id_equal(&via->identity, weft_node_id(network->node)))
		return weft_node_own_endpoints(network->node, at, 1);
	if (via->announcement) {
		weft_record_fields(via->announcement, &fields);
		if (fields.endpoints.count) {
			*at = fields.endpoints.at[0];
			return true;
		}
	}
	weft_node_peer(network->node, via, &peer);
	*at = peer.at.at;
	return peer.has_at && !peer.at.ifindex;
}

static void put_config(FILE *to, struct network *network, const struct weft_member *member,
		       const struct weft_member *via, const struct weft_ip_endpoint *at)
{
	char base64[WEFT_KEY_BASE64_LEN + 1];
	struct weft_key key;

	fprintf(to, "# %s in network %s\n[Interface]\n", member->name, network->config.name);
	put_private_key(to, network, member);
	fprintf(to, "Address = %s/128", text_of_address(member->address, 16).text);
	if (member->has_ipv4)
		fprintf(to, ", %s/32", text_of_address(member->ipv4, 4).text);
	memcpy(key.bytes, via->tunnel.bytes, sizeof(key.bytes));
	weft_key_to_base64(base64, &key);
	fprintf(to, "\n\n# %s\n[Peer]\nPublicKey = %s\nEndpoint = %s\n", via->name, base64,
		text_of_endpoint(at).text);
	put_allowed(to, network, member);
	fprintf(to, "PersistentKeepalive = %d\n", KEEPALIVE);
}

char *export_config(struct network *network, const struct weft_member *member)
{
	struct weft_roster *roster = weft_node_roster(network->node);
	const struct weft_member *via;
	struct weft_ip_endpoint at;
	struct weft_fields fields;
	char *text = NULL;
	size_t len;
	FILE *to;

	weft_record_fields(member->admission, &fields);
	via = weft_roster_member(roster, &fields.via);
	if (!via || via->state != WEFT_MEMBER || !via->has_tunnel ||
	    !find_endpoint(network, via, &at))
		return NULL;
	to = open_memstream(&text, &len);
	if (!to)
		return NULL;
	put_config(to, network, member, via, &at);
	if (!fclose(to))
		return text;
	free(text);
	return NULL;
}
