// SPDX-License-Identifier: GPL-2.0-or-later
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <weft/weft.h>

#include "core/reason.h"
#include "helper.h"
#include "json.h"
#include "report.h"

struct id_text text_of_id(const struct weft_id *id)
{
	struct id_text text;

	sodium_bin2hex(text.text, sizeof(text.text), id->bytes, sizeof(id->bytes));
	return text;
}

static void put_tunnel_key(json_object *to, const char *name, const struct weft_tunnel_key *key)
{
	char text[WEFT_KEY_BASE64_LEN + 1];
	struct weft_key weft_key;

	memcpy(weft_key.bytes, key->bytes, sizeof(weft_key.bytes));
	weft_key_to_base64(text, &weft_key);
	json_put_text(to, name, text);
}

static void put_routes(json_object *to, const struct weft_routes *routes)
{
	json_object *list = json_object_new_array();
	unsigned int i;

	for (i = 0; i < routes->count; i++)
		json_append_text(list, text_of_prefix(&routes->at[i]).text);
	json_object_object_add(to, "routes", list);
}

static void put_grant(json_object *to, const struct weft_roster *roster,
		      const struct weft_member *member)
{
	json_object *groups = json_object_new_array(), *granted = json_object_new_object();
	struct weft_fields fields = { 0 };
	struct weft_routes routes = { 0 };
	unsigned int i;

	weft_member_grant(member, &fields);
	for (i = 0; i < fields.groups.count; i++)
		json_append_text(groups, fields.groups.at[i]);
	json_object_object_add(to, "groups", groups);
	json_put_flag(to, "may_relay", fields.may & WEFT_MAY_RELAY);
	put_routes(granted, &fields.routes);
	json_object_object_add(to, "granted", granted);
	weft_roster_routes(roster, member, &routes);
	put_routes(to, &routes);
}

static const char *member_state(const struct weft_member *member)
{
	switch (member->state) {
	case WEFT_MEMBER:
		return "member";
	case WEFT_MEMBER_EXPIRED:
		return "expired";
	case WEFT_MEMBER_REVOKED:
		return "revoked";
	default:
		return "unchained";
	}
}

static void put_conflicts(json_object *to, const struct weft_member *member)
{
	static const struct {
		unsigned int conflict;
		const char *name;
	} conflicts[] = {
		{ WEFT_CONFLICT_NAME, "name" },
		{ WEFT_CONFLICT_IPV4, "ipv4" },
		{ WEFT_CONFLICT_TUNNEL, "tunnel" },
	};
	json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++) {
		if (member->conflicts & conflicts[i].conflict)
			json_append_text(list, conflicts[i].name);
	}
	json_object_object_add(to, "conflicts", list);
}

static bool is_on_link(const struct daemon *daemon, const struct weft_candidate *at)
{
	const struct weft_prefix *here;
	struct weft_prefix network, there = { .size = at->at.size, .length = 8 * at->at.size };
	unsigned int i;

	if (at->ifindex)
		return true;
	memcpy(there.address, at->at.address, at->at.size);
	for (i = 0; i < daemon->world.address_count; i++) {
		here = &daemon->world.addresses[i].at;
		network = *here;
		/* of the interface's address, the network's part */
		for (unsigned int bit = network.length; bit < 8U * network.size; bit++)
			network.address[bit / 8] &= ~(0x80 >> bit % 8);
		if (network.length < 8 * network.size && weft_prefix_covers(&network, &there))
			return true;
	}
	return false;
}

/* Why there is no direct path now; NULL: there is one. */
static const char *why_not_direct(const struct weft_node_peer *peer, char text[160])
{
	struct endpoint_text at;

	if (peer->session)
		return NULL;
	if (peer->via) {
		snprintf(text, 160, "%.60s routes for it", peer->via->name);
		return text;
	}
	if (!peer->wanted)
		return "not needed now";
	if (!peer->has_at)
		return "nobody knows where it is";
	at = text_of_endpoint(&peer->at.at);
	snprintf(text, 160, "no answer from %s", at.text);
	return text;
}

static void put_path(json_object *to, const struct daemon *daemon,
		     const struct weft_node_peer *peer)
{
	char text[160];
	const char *path = NULL;

	if (peer->session)
		path = peer->has_at && is_on_link(daemon, &peer->at) ? "lan" : "direct";
	json_put_text(to, "path", path);
	json_put_text(to, "endpoint", peer->has_at ? text_of_endpoint(&peer->at.at).text : NULL);
	json_put_text(to, "why", why_not_direct(peer, text));
	json_put_text(to, "via", peer->via ? peer->via->name : NULL);
}

static void put_peer(json_object *to, struct network *network, const struct weft_member *member)
{
	struct weft_node_peer peer = { 0 };
	uint64_t now = daemon_now().ms;

	weft_node_peer(network->node, member, &peer);
	put_path(to, network->daemon, &peer);
	json_put_flag(to, "in_kernel", peer.wanted);
	json_put_flag(to, "session", peer.session);
	json_put_flag(to, "alive", peer.alive);
	if (peer.rtt_ms)
		json_put_number(to, "rtt_ms", peer.rtt_ms);
	else
		json_put_null(to, "rtt_ms");
	if (peer.heard_ms)
		json_put_number(to, "heard_s", now > peer.heard_ms ?
				(now - peer.heard_ms) / 1000 : 0);
	else
		json_put_null(to, "heard_s");
	json_put_number(to, "rx_bytes", peer.rx_bytes);
	json_put_number(to, "tx_bytes", peer.tx_bytes);
}

json_object *report_member(struct network *network, const struct weft_member *member)
{
	struct weft_roster *roster = weft_node_roster(network->node);
	json_object *to = json_object_new_object();
	bool is_self = weft_id_equal(&member->identity, weft_node_id(network->node));

	json_put_text(to, "name", member->name);
	json_put_text(to, "id", text_of_id(&member->identity).text);
	json_put_text(to, "state", member_state(member));
	json_put_text(to, "address", text_of_address(member->address, 16).text);
	json_put_text(to, "ipv4", member->has_ipv4 ? text_of_address(member->ipv4, 4).text : NULL);
	if (member->has_tunnel)
		put_tunnel_key(to, "public_key", &member->tunnel);
	else
		json_put_null(to, "public_key");
	json_put_flag(to, "self", is_self);
	json_put_flag(to, "static", member->is_static);
	json_put_flag(to, "admin", weft_roster_admin(roster, &member->identity));
	if (member->expires)
		json_put_number(to, "expires", member->expires);
	else
		json_put_null(to, "expires");
	if (member->state != WEFT_MEMBER)
		return to;
	put_conflicts(to, member);
	put_grant(to, roster, member);
	if (!is_self)
		put_peer(to, network, member);
	return to;
}

const char *report_state(const struct network *network)
{
	if (!network->node)
		return *network->trouble ? "failed" : "down";
	switch (weft_node_state(network->node)) {
	case WEFT_NODE_JOINING:
		return "joining";
	case WEFT_NODE_MEMBER:
		return "member";
	default:
		return "excluded";
	}
}

static void put_members(json_object *to, struct network *network)
{
	json_object *list = json_object_new_array();
	const struct weft_member *members;
	size_t i, count;

	members = weft_roster_members(weft_node_roster(network->node), &count);
	for (i = 0; i < count; i++)
		json_object_array_add(list, report_member(network, &members[i]));
	json_object_object_add(to, "members", list);
}

static void put_stats(json_object *to, const struct weft_node_stats *stats)
{
	json_object *drops = json_object_new_object(), *all = json_object_new_object();
	static const char *const names[WEFT_DROP_COUNT] = {
		[WEFT_DROP_MALFORMED] = "malformed", [WEFT_DROP_STRANGER] = "stranger",
		[WEFT_DROP_RATE] = "rate", [WEFT_DROP_RECORD] = "record",
		[WEFT_DROP_UNASKED] = "unasked", [WEFT_DROP_QUEUE] = "queue",
	};
	size_t i;

	json_put_number(all, "sent", stats->sent);
	json_put_number(all, "sent_bytes", stats->sent_bytes);
	json_put_number(all, "received", stats->received);
	json_put_number(all, "received_bytes", stats->received_bytes);
	json_put_number(all, "records_new", stats->records_new);
	json_put_number(all, "records_known", stats->records_known);
	for (i = 0; i < WEFT_DROP_COUNT; i++)
		json_put_number(drops, names[i], stats->drops[i]);
	json_object_object_add(all, "drops", drops);
	json_object_object_add(to, "gossip", all);
}

static void put_own_endpoints(json_object *to, const struct weft_node *node)
{
	struct weft_ip_endpoint at[WEFT_MAX_ENDPOINTS];
	json_object *list = json_object_new_array();
	unsigned int i, n = weft_node_own_endpoints(node, at, WEFT_MAX_ENDPOINTS);

	for (i = 0; i < n; i++)
		json_append_text(list, text_of_endpoint(&at[i]).text);
	json_object_object_add(to, "endpoints", list);
}

/* Who made the network, as far as it can be told: the first whom the root made an admin. */
static const struct weft_member *founder(const struct weft_roster *roster)
{
	const struct weft_id *network = weft_roster_network(roster);
	const struct weft_record *record, *first = NULL;
	size_t i, count = weft_roster_count(roster);
	struct weft_id id;

	for (i = 0; i < count; i++) {
		record = weft_roster_at(roster, i, NULL);
		if (record->slot.type == WEFT_ADMIN && record->slot.sub == WEFT_ADD &&
		    !memcmp(record->slot.by, network->bytes, sizeof(network->bytes)) &&
		    (!first || record->issued < first->issued))
			first = record;
	}
	if (!first)
		return NULL;
	memcpy(id.bytes, first->slot.about, sizeof(id.bytes));
	return weft_roster_member(roster, &id);
}

/* Why this machine is out of the network. */
static void put_exclusion(json_object *to, const struct weft_node *node)
{
	struct weft_roster *roster = weft_node_roster(node);
	const struct weft_member *self = weft_node_self(node), *by;
	const struct weft_record *revocation = weft_roster_revocation(roster, weft_node_id(node));
	json_object *all = json_object_new_object();
	bool by_root = false;
	struct weft_id id;

	json_object_object_add(to, "excluded", all);
	json_put_text(all, "why", self ? member_state(self) : "used-up");
	if (!revocation)
		return;
	memcpy(id.bytes, revocation->slot.by, sizeof(id.bytes));
	by_root = weft_id_equal(&id, weft_roster_network(roster));
	by = by_root ? founder(roster) : weft_roster_member(roster, &id);
	json_put_text(all, "by", by && *by->name ? by->name : NULL);
	json_put_flag(all, "by_root", by_root);
	json_put_number(all, "time", revocation->issued);
}

static const char *helper_state_name(enum helper_state state)
{
	switch (state) {
	case HELPER_STARTING:
		return "starting";
	case HELPER_READY:
		return "ready";
	default:
		return "waiting";
	}
}

static void put_rendezvous(json_object *to, const struct network *network)
{
	const struct helper_status *status;
	json_object *all;
	uint64_t ago_ms;

	if (!network->helper) {
		json_put_null(to, "rendezvous");
		return;
	}
	status = helper_status(network->helper);
	all = json_object_new_object();
	json_object_object_add(to, "rendezvous", all);
	json_put_text(all, "command", network->config.rendezvous);
	json_put_text(all, "state", helper_state_name(status->state));
	json_put_text(all, "trouble", *status->trouble ? status->trouble : NULL);
	if (status->pid)
		json_put_number(all, "pid", status->pid);
	else
		json_put_null(all, "pid");
	if (helper_published(network->helper, &ago_ms))
		json_put_number(all, "published_s", ago_ms / 1000);
	else
		json_put_null(all, "published_s");
	json_put_number(all, "starts", status->starts);
	json_put_number(all, "look_ups", status->look_ups);
	json_put_number(all, "found", status->found);
	json_put_number(all, "timeouts", status->timeouts);
	json_put_number(all, "invalid", status->invalid);
	json_put_number(all, "dropped", status->dropped);
}

json_object *report_network(struct network *network)
{
	json_object *to = json_object_new_object();

	json_put_text(to, "name", network->config.name);
	json_put_text(to, "id", text_of_id(&network->id).text);
	json_put_text(to, "state", report_state(network));
	json_put_text(to, "interface", network->config.interface);
	json_put_number(to, "port", network->config.port);
	json_put_text(to, "trouble", *network->trouble ? network->trouble : NULL);
	json_put_text(to, "unsaved", network->dirty ? strerror(-network->save_error) : NULL);
	if (!network->node)
		return to;
	if (weft_node_state(network->node) == WEFT_NODE_EXCLUDED)
		put_exclusion(to, network->node);
	put_rendezvous(to, network);
	put_own_endpoints(to, network->node);
	put_stats(to, weft_node_stats(network->node));
	put_members(to, network);
	return to;
}

static const char *notice_name(enum weft_notice_type type)
{
	switch (type) {
	case WEFT_NOTICE_JOINED:
		return "joined";
	case WEFT_NOTICE_REFUSED:
		return "refused";
	case WEFT_NOTICE_NO_ANSWER:
		return "no-answer";
	case WEFT_NOTICE_LEFT:
		return "left";
	case WEFT_NOTICE_EXCLUDED:
		return "excluded";
	case WEFT_NOTICE_INCLUDED:
		return "included";
	case WEFT_NOTICE_MEMBER:
		return "member";
	case WEFT_NOTICE_MEMBER_GONE:
		return "member-gone";
	case WEFT_NOTICE_ADMITTED:
		return "admitted";
	case WEFT_NOTICE_NOT_ADMITTED:
		return "not-admitted";
	case WEFT_NOTICE_UP:
		return "up";
	case WEFT_NOTICE_DOWN:
		return "down";
	case WEFT_NOTICE_SECRET:
		return "secret";
	case WEFT_NOTICE_NEW_KEY:
		return "new-key";
	case WEFT_NOTICE_ROUTE:
		return "route";
	case WEFT_NOTICE_LOST:
		return "lost";
	}
	return "other";
}

/* In the words of weft_reason(), what they follow. */
static const char *reason_subject(enum weft_notice_type type)
{
	return type == WEFT_NOTICE_REFUSED || type == WEFT_NOTICE_NOT_ADMITTED ? "the invitation" :
										 "the admission";
}

json_object *report_notice(const struct network *network, const struct weft_notice *notice)
{
	json_object *to = json_object_new_object();
	static const struct weft_id nobody;
	char reason[160];

	json_put_text(to, "event", notice_name(notice->type));
	json_put_number(to, "time", daemon_now().unix_s);
	json_put_text(to, "network", network->config.name);
	if (!weft_id_equal(&notice->member, &nobody)) {
		json_put_text(to, "member", *notice->name ? notice->name : NULL);
		json_put_text(to, "id", text_of_id(&notice->member).text);
	}
	if (notice->error) {
		snprintf(reason, sizeof(reason), "%s %s", reason_subject(notice->type),
			 weft_reason(notice->error));
		json_put_text(to, "reason", reason);
	}
	if (notice->type == WEFT_NOTICE_REFUSED)
		json_put_flag(to, "final", notice->final);
	if (notice->type == WEFT_NOTICE_ROUTE)
		json_put_text(to, "route", text_of_prefix(&notice->route).text);
	return to;
}
