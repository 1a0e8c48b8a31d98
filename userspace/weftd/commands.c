// SPDX-License-Identifier: GPL-2.0-or-later
/* What can be asked of the daemon: a table, and a function for each. */
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

#include "core/reason.h"
#include "control.h"
#include "events.h"
#include "export.h"
#include "json.h"
#include "log.h"
#include "names.h"
#include "network.h"
#include "report.h"

#define DEFAULT_USES 1
#define DEFAULT_EXPIRES (7 * 86400ULL)

/* As the tool's exit codes are. */
enum failure {
	FAILED,
	USAGE,
	NOT_CONNECTED,
};

/**
 * struct request - one command
 * @daemon:	of whom it is asked
 * @client:	by whom
 * @id:		what the client calls it
 * @from:	what it said
 * @waits:	the answer comes later
 */
struct request {
	struct daemon *daemon;
	struct client *client;
	json_object *id;
	json_object *from;
	bool waits;
};

enum waiting {
	WAITS_FOR_JOIN,
	WAITS_FOR_LEAVE,
};

/* A client whose answer comes later; @refusal: when the network is gone, and this is why. */
struct waiter {
	struct waiter *next;
	struct client *client;
	struct network *network;
	json_object *id;
	enum waiting what;
	char refusal[256];
};

static struct waiter *waiters;
/* Whom events go to; there is one. */
static struct control *events_control;

void events_begin(struct control *control)
{
	events_control = control;
}

/* Answers. */

static json_object *answer_to(json_object *id)
{
	json_object *answer = json_object_new_object();

	json_object_object_add(answer, "id", json_object_get(id));
	return answer;
}

static void answer_result(struct client *client, json_object *id, json_object *result)
{
	json_object *answer = answer_to(id);

	json_object_object_add(answer, "result", result);
	control_answer(client, answer);
}

static void answer_error(struct client *client, json_object *id, enum failure failure,
			 const char *message, const char *hint)
{
	static const char *const codes[] = {
		[FAILED] = "failed", [USAGE] = "usage", [NOT_CONNECTED] = "not-connected",
	};
	json_object *answer = answer_to(id), *error = json_object_new_object();

	json_put_text(error, "code", codes[failure]);
	json_put_text(error, "message", message);
	json_put_text(error, "hint", hint);
	json_object_object_add(answer, "error", error);
	control_answer(client, answer);
}

static json_object *fail(struct request *request, enum failure failure, const char *hint,
			 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Answers, and returns NULL for the command to return. */
static json_object *fail(struct request *request, enum failure failure, const char *hint,
			 const char *format, ...)
{
	char message[512];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	answer_error(request->client, request->id, failure, message, hint);
	request->waits = true;
	return NULL;
}

/* The core's errors of commands, which are about the machine, not a record. */
static json_object *fail_core(struct request *request, const char *what, int error)
{
	switch (error) {
	case -EPERM:
		return fail(request, FAILED, "ask an admin; \"weft peers\" shows who is one",
			    "this machine is no admin of the network");
	case -EAGAIN:
		return fail(request, NOT_CONNECTED, "see \"weft status\"",
			    "this machine has not joined yet");
	default:
		return fail(request, FAILED, NULL, "%s %s", what, weft_reason(error));
	}
}

/* Finding things. */

static json_object *fail_which(struct request *request)
{
	struct network *network;
	char names[256] = "";
	size_t len = 0;

	for (network = request->daemon->networks; network; network = network->next) {
		len += snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
				network->config.name);
		if (len >= sizeof(names))
			break;
	}
	return fail(request, USAGE, "say which with --network NAME",
		    "this machine has several networks: %s", names);
}

/* The network that is meant; NULL: none, and that is answered. */
static struct network *get_network(struct request *request)
{
	const char *name = json_text(request->from, "network");
	struct network *network = request->daemon->networks;

	if (name) {
		network = network_find(request->daemon, name);
		if (!network)
			fail(request, FAILED, "\"weft status\" shows those that there are",
			     "this machine has no network \"%.60s\"", name);
		return network;
	}
	if (!network)
		fail(request, FAILED,
		     "make one with \"weft init\", or enter one with \"weft join TOKEN\"",
		     "this machine is in no network");
	else if (network->next) {
		fail_which(request);
		network = NULL;
	}
	return network;
}

static struct network *get_running(struct request *request)
{
	struct network *network = get_network(request);
	char hint[128];

	if (!network || network->node)
		return network;
	snprintf(hint, sizeof(hint), "weft up %s", network->config.name);
	fail(request, NOT_CONNECTED, hint, "network %s is down%s%s", network->config.name,
	     *network->trouble ? ": " : "", network->trouble);
	return NULL;
}

static struct network *get_member_of(struct request *request)
{
	struct network *network = get_running(request);

	if (!network || weft_node_state(network->node) == WEFT_NODE_MEMBER)
		return network;
	if (weft_node_state(network->node) == WEFT_NODE_JOINING)
		fail(request, NOT_CONNECTED, "see \"weft status\"",
		     "this machine has not joined %s yet", network->config.name);
	else
		fail(request, FAILED, "see \"weft status\"; leave the network and join again",
		     "this machine is no member of %s any more", network->config.name);
	return NULL;
}

/* By name, key, or address. */
static const struct weft_member *find_member(struct network *network, const char *name)
{
	struct weft_roster *roster = weft_node_roster(network->node);
	const struct weft_member *member = weft_roster_by_name(roster, name);
	struct weft_prefix address;
	struct weft_id id;
	size_t len;

	if (member)
		return member;
	if (!sodium_hex2bin(id.bytes, sizeof(id.bytes), name, strlen(name), NULL, &len, NULL) &&
	    len == sizeof(id.bytes))
		return weft_roster_member(roster, &id);
	if (prefix_from_text(&address, name) && address.length == 8 * address.size)
		return weft_roster_by_address(roster, address.address, address.size);
	return NULL;
}

static const struct weft_member *get_member(struct request *request, struct network *network)
{
	const char *name = json_text(request->from, "member");
	const struct weft_member *member;

	if (!name) {
		fail(request, USAGE, NULL, "no member is named");
		return NULL;
	}
	member = find_member(network, name);
	if (!member)
		fail(request, FAILED, "\"weft peers\" shows those that there are",
		     "network %s has no member \"%.60s\"", network->config.name, name);
	return member;
}

static int compare_prefixes(const void *a, const void *b)
{
	return weft_prefix_compare(a, b);
}

static bool get_routes(struct request *request, struct weft_routes *routes)
{
	size_t i, count = json_length(request->from, "routes");
	const char *text;

	memset(routes, 0, sizeof(*routes));
	if (count > WEFT_MAX_ROUTES) {
		fail(request, USAGE, NULL, "no more than %d routes", WEFT_MAX_ROUTES);
		return false;
	}
	for (i = 0; i < count; i++) {
		text = json_text_at(request->from, "routes", i);
		if (!text || !prefix_from_text(&routes->at[i], text)) {
			fail(request, USAGE, "a route is an address and a length, as 192.0.2.0/24, "
			     "with nothing but zeros after the length",
			     "\"%.60s\" is no route", text ? text : "");
			return false;
		}
	}
	qsort(routes->at, count, sizeof(routes->at[0]), compare_prefixes);
	for (i = 0; i < count; i++) {
		if (!routes->count ||
		    weft_prefix_compare(&routes->at[routes->count - 1], &routes->at[i]))
			routes->at[routes->count++] = routes->at[i];
	}
	return true;
}

static int compare_groups(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool get_groups(struct request *request, struct weft_groups *groups)
{
	size_t i, count = json_length(request->from, "groups");
	const char *text;

	memset(groups, 0, sizeof(*groups));
	if (count > WEFT_MAX_GROUPS) {
		fail(request, USAGE, NULL, "no more than %d groups", WEFT_MAX_GROUPS);
		return false;
	}
	for (i = 0; i < count; i++) {
		text = json_text_at(request->from, "groups", i);
		if (!text || !weft_name_valid(text, WEFT_MAX_GROUP)) {
			fail(request, USAGE, "letters a-z, digits, and hyphens between them",
			     "\"%.60s\" is no name of a group", text ? text : "");
			return false;
		}
		strcpy(groups->at[i], text);
	}
	qsort(groups->at, count, sizeof(groups->at[0]), compare_groups);
	for (i = 0; i < count; i++) {
		if (!groups->count || strcmp(groups->at[groups->count - 1], groups->at[i]))
			memmove(groups->at[groups->count++], groups->at[i],
				sizeof(groups->at[0]));
	}
	return true;
}

/* NULL: not said, and then @name is ""; false: no name, and that is answered. */
static bool get_name(struct request *request, const char *key, char name[WEFT_MAX_NAME + 1])
{
	const char *text = json_text(request->from, key);

	*name = 0;
	if (!text || !*text)
		return true;
	if (!weft_name_valid(text, WEFT_MAX_NAME)) {
		fail(request, USAGE, "up to 45 letters a-z, digits, and hyphens between them",
		     "\"%.60s\" is no name", text);
		return false;
	}
	strcpy(name, text);
	return true;
}

/* Invitations. */

/* @named: the name that was said is for who joins */
static bool get_invite(struct request *request, struct weft_invite *invite, bool named)
{
	struct weft_fields *grant = &invite->grant;
	uint64_t now = daemon_now().unix_s, lasts;

	memset(invite, 0, sizeof(*invite));
	grant->uses = json_number(request->from, "uses", DEFAULT_USES);
	if (!grant->uses || grant->uses > WEFT_MAX_USES) {
		fail(request, USAGE, NULL, "an invitation is for 1 to %d uses", WEFT_MAX_USES);
		return false;
	}
	grant->expires = now + json_number(request->from, "expires_in", DEFAULT_EXPIRES);
	lasts = json_number(request->from, "member_expires_in", 0);
	if (lasts) {
		grant->member_expires = now + lasts;
		grant->has |= WEFT_HAS(WEFT_KEY_MEMBER_EXPIRES);
	}
	if ((named && !get_name(request, "name", grant->name)) || !get_groups(request, &grant->groups) ||
	    !get_routes(request, &grant->routes))
		return false;
	if (*grant->name && grant->uses > 1) {
		fail(request, USAGE, "leave out the name, or invite one at a time",
		     "several machines cannot have one name");
		return false;
	}
	grant->has |= WEFT_HAS(WEFT_KEY_EXPIRES) | WEFT_HAS(WEFT_KEY_USES);
	grant->has |= *grant->name ? WEFT_HAS(WEFT_KEY_NAME) : 0;
	grant->has |= grant->groups.count ? WEFT_HAS(WEFT_KEY_GROUPS) : 0;
	grant->has |= grant->routes.count ? WEFT_HAS(WEFT_KEY_ROUTES) : 0;
	if (json_flag(request->from, "relay", false)) {
		grant->may = WEFT_MAY_RELAY;
		grant->has |= WEFT_HAS(WEFT_KEY_MAY);
	}
	invite->with_secret = json_flag(request->from, "with_secret", true);
	return true;
}

static json_object *do_invite(struct request *request, struct network *network,
			      const struct weft_invite *invite)
{
	json_object *result;
	char token[WEFT_TOKEN_TEXT];
	struct weft_time now = daemon_now();
	int error = weft_node_invite(network->node, &now, invite, token);

	if (error)
		return fail_core(request, "the invitation", error);
	network_pump(network);
	result = json_object_new_object();
	json_put_text(result, "network", network->config.name);
	json_put_text(result, "token", token);
	json_put_number(result, "expires", invite->grant.expires);
	json_put_number(result, "uses", invite->grant.uses);
	sodium_memzero(token, sizeof(token));
	return result;
}

static json_object *cmd_invite(struct request *request)
{
	struct network *network = get_member_of(request);
	struct weft_invite invite;

	if (!network || !get_invite(request, &invite, true))
		return NULL;
	return do_invite(request, network, &invite);
}

/* Beginnings. */

/* "off", or nothing said, is none. */
static bool get_rendezvous(struct request *request, char rendezvous[CONFIG_MAX_RENDEZVOUS + 1])
{
	const char *text = json_text(request->from, "rendezvous");

	*rendezvous = 0;
	if (!text || !strcmp(text, "off"))
		return true;
	if (!config_rendezvous_valid(text)) {
		fail(request, USAGE, "a program and its arguments, as \"weft-rendezvous-opendht "
		     "--bootstrap node.example:4222\", or off",
		     "\"%.60s\" is no rendezvous helper", text);
		return false;
	}
	strcpy(rendezvous, text);
	return true;
}

static bool get_wish(struct request *request, struct network_wish *wish)
{
	const char *interface = json_text(request->from, "interface"), *text;
	uint64_t port = json_number(request->from, "port", 0);
	size_t i, count = json_length(request->from, "endpoints");

	if (!get_name(request, "network", wish->config.name) ||
	    !get_name(request, "name", wish->config.member))
		return false;
	if (interface && !config_interface_valid(interface)) {
		fail(request, USAGE, NULL, "\"%.60s\" is no name of an interface", interface);
		return false;
	}
	strcpy(wish->config.interface, interface ? interface : "");
	if (port > UINT16_MAX) {
		fail(request, USAGE, NULL, "a port is a number up to 65535");
		return false;
	}
	wish->config.port = port;
	wish->config.port_is_fixed = port;
	wish->config.beacons = json_flag(request->from, "beacons", true);
	if (!get_rendezvous(request, wish->config.rendezvous))
		return false;
	if (count > CONFIG_MAX_ENDPOINTS) {
		fail(request, USAGE, NULL, "no more than %d endpoints", CONFIG_MAX_ENDPOINTS);
		return false;
	}
	for (i = 0; i < count; i++) {
		text = json_text_at(request->from, "endpoints", i);
		if (!text || !endpoint_from_text(&wish->config.endpoints[i], text)) {
			fail(request, USAGE, "as 192.0.2.1:51820 or [2001:db8::1]:51820",
			     "\"%.60s\" is no endpoint", text ? text : "");
			return false;
		}
	}
	wish->config.endpoint_count = count;
	return true;
}

static bool is_taken(const struct daemon *daemon, const struct weft_prefix *range)
{
	struct weft_prefix host;
	unsigned int i;

	for (i = 0; i < daemon->world.address_count; i++) {
		host = daemon->world.addresses[i].at;
		if (host.size != range->size)
			continue;
		host.length = 8 * host.size;
		if (weft_prefix_covers(range, &host) ||
		    !memcmp(host.address, range->address, 2))
			return true;
	}
	return false;
}

/* 10.x.0.0/16: by chance, so that two networks that a machine is in one day hardly ever collide. */
static void choose_ipv4(const struct daemon *daemon, struct weft_prefix *range)
{
	unsigned int tries;

	for (tries = 0; tries < 100; tries++) {
		*range = (struct weft_prefix){ .size = 4, .length = 16, .address = { 10 } };
		range->address[1] = randombytes_uniform(256);
		if (!is_taken(daemon, range))
			return;
	}
}

static bool get_ipv4(struct request *request, struct weft_prefix *range)
{
	const char *text = json_text(request->from, "ipv4");

	if (!text) {
		choose_ipv4(request->daemon, range);
		return true;
	}
	memset(range, 0, sizeof(*range));
	if (!strcmp(text, "none"))
		return true;
	if (prefix_from_text(range, text) && range->size == 4)
		return true;
	fail(request, USAGE, "as 10.9.0.0/16, or none", "\"%.60s\" is no range of IPv4 addresses",
	     text);
	return false;
}

static json_object *made(struct network *network)
{
	const struct weft_member *self = weft_node_self(network->node);
	json_object *result = json_object_new_object();

	json_put_text(result, "network", network->config.name);
	json_put_text(result, "interface", network->config.interface);
	json_put_number(result, "port", network->config.port);
	json_put_text(result, "name", self->name);
	json_put_text(result, "address", text_of_address(self->address, 16).text);
	json_put_text(result, "ipv4", self->has_ipv4 ? text_of_address(self->ipv4, 4).text : NULL);
	return result;
}

static json_object *cmd_init(struct request *request)
{
	struct network_wish wish = { .is_new = true };
	struct network *network;
	json_object *result, *invited;
	struct weft_invite invite;
	char trouble[256];
	int error;

	if (!get_wish(request, &wish) || !get_ipv4(request, &wish.ipv4) ||
	    !get_invite(request, &invite, false))
		return NULL;
	if (!*wish.config.name)
		strcpy(wish.config.name, "weft");
	if (!*wish.config.member)
		return fail(request, USAGE, "say one with --name NAME", "this machine has no name");
	error = network_make(request->daemon, &wish, &network, trouble);
	if (error == -EEXIST && network)
		return fail(request, FAILED, "choose another name: weft init NAME",
			    "this machine has a network \"%s\" already", wish.config.name);
	if (error)
		return fail(request, FAILED, NULL, "%s", trouble);
	names_publish(request->daemon);
	invited = do_invite(request, network, &invite);
	if (!invited)
		return NULL;
	result = made(network);
	json_object_object_foreach(invited, key, value)
		json_object_object_add(result, key, json_object_get(value));
	json_object_put(invited);
	return result;
}

static bool wait_for(struct request *request, struct network *network, enum waiting what)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	if (!waiter) {
		fail(request, FAILED, NULL, "no memory");
		return false;
	}
	waiter->client = request->client;
	waiter->network = network;
	waiter->id = json_object_get(request->id);
	waiter->what = what;
	waiter->next = waiters;
	waiters = waiter;
	request->waits = true;
	return true;
}

static json_object *join_again(struct request *request, struct network *network, const char *token)
{
	int error;

	if (!network->token)
		return fail(request, FAILED, "see \"weft status\"; to join as another member, "
			    "leave it first: weft leave",
			    "this machine is in that network already, as %s",
			    network->config.name);
	error = network_rejoin(network, token);
	if (error)
		return fail(request, FAILED, NULL, "%s",
			    *network->trouble ? network->trouble : strerror(-error));
	wait_for(request, network, WAITS_FOR_JOIN);
	return NULL;
}

static json_object *cmd_join(struct request *request)
{
	const char *token = json_text(request->from, "token");
	struct network_wish wish = { .token = token };
	struct network *network;
	char trouble[256];
	int error;

	if (!token)
		return fail(request, USAGE, NULL, "there is no token");
	if (!get_wish(request, &wish))
		return NULL;
	error = network_make(request->daemon, &wish, &network, trouble);
	if (error == -EEXIST && network)
		return *wish.config.name && !strcmp(network->config.name, wish.config.name) &&
		       !network->token ?
			       fail(request, FAILED, "choose another with --network NAME",
				    "this machine has a network \"%s\" already",
				    wish.config.name) :
			       join_again(request, network, token);
	if (error)
		return fail(request, FAILED, !strncmp(trouble, "the token", 9) ?
			    "ask for a new token if it was not typed wrong" : NULL,
			    "%s", trouble);
	wait_for(request, network, WAITS_FOR_JOIN);
	return NULL;
}

/* Ends. */

static json_object *named(const struct network *network)
{
	json_object *result = json_object_new_object();

	json_put_text(result, "network", network->config.name);
	return result;
}

static json_object *cmd_leave(struct request *request)
{
	struct network *network = get_network(request);
	struct weft_time now = daemon_now();
	bool force = json_flag(request->from, "force", false);
	json_object *result;
	int error;

	if (!network)
		return NULL;
	/* nobody to tell: what is not in the network any more, or not yet, or cannot be read */
	if (!network->node || weft_node_state(network->node) != WEFT_NODE_MEMBER) {
		if (!network->node && !*network->trouble && !force)
			return fail(request, NOT_CONNECTED, "bring it up first, so that the "
				    "others can be told; or use --force",
				    "network %s is down", network->config.name);
		result = named(network);
		network_delete(network);
		return result;
	}
	error = weft_node_leave(network->node, &now);
	if (error == -EBUSY && !force)
		return fail(request, FAILED, "make another member an admin, and let that one "
			    "revoke this machine; or use --force, and the network has no "
			    "admin like this one any more",
			    "other members are in the network by this machine's word");
	if (error && !force)
		return fail_core(request, "the membership", error);
	if (error) {
		result = named(network);
		network_delete(network);
		return result;
	}
	if (wait_for(request, network, WAITS_FOR_LEAVE))
		network_pump(network);
	return NULL;
}

static json_object *report_losses(struct network *network, const struct weft_losses *losses)
{
	struct weft_roster *roster = weft_node_roster(network->node);
	json_object *list = json_object_new_array(), *one;
	const struct weft_member *member;
	size_t i;

	for (i = 0; i < losses->count; i++) {
		one = json_object_new_object();
		member = weft_roster_member(roster, &losses->at[i].id);
		json_put_text(one, "name", member && *member->name ? member->name : NULL);
		json_put_text(one, "id", text_of_id(&losses->at[i].id).text);
		json_put_text(one, "reason", losses->at[i].error ?
			      weft_reason(losses->at[i].error) : "admitted by the stolen key");
		json_object_array_add(list, one);
	}
	return list;
}

static json_object *cmd_revoke(struct request *request)
{
	struct network *network = get_member_of(request);
	const struct weft_member *member;
	struct weft_losses losses = { 0 };
	struct weft_time now = daemon_now();
	json_object *result;
	struct weft_id id;
	int error;

	if (!network)
		return NULL;
	member = get_member(request, network);
	if (!member)
		return NULL;
	if (weft_id_equal(&member->identity, weft_node_id(network->node)))
		return fail(request, USAGE, "weft leave", "that is this machine");
	id = member->identity;
	result = named(network);
	json_put_text(result, "member", *member->name ? member->name : NULL);
	json_put_text(result, "id", text_of_id(&id).text);
	error = weft_node_revoke(network->node, &now, &id,
				 json_flag(request->from, "compromised", false) ?
					 WEFT_COMPROMISED : 0, &losses);
	/* also on an error: without a new secret the revocation holds all the same */
	network_pump(network);
	names_publish(request->daemon);
	if (error) {
		weft_losses_free(&losses);
		json_object_put(result);
		return fail_core(request, "the member", error);
	}
	json_object_object_add(result, "lost", report_losses(network, &losses));
	weft_losses_free(&losses);
	return result;
}

static json_object *cmd_admin(struct request *request)
{
	struct network *network = get_member_of(request);
	const struct weft_member *member;
	struct weft_time now = daemon_now();
	bool is_admin = json_flag(request->from, "admin", true);
	int error;

	if (!network)
		return NULL;
	member = get_member(request, network);
	if (!member)
		return NULL;
	error = weft_node_set_admin(network->node, &now, &member->identity,
				    is_admin ? WEFT_ADD : WEFT_REMOVE);
	/* also on an error: the record may be made though it has no effect yet */
	network_pump(network);
	if (error)
		return fail_core(request, "the member", error);
	return named(network);
}

/* Up and down. */

static json_object *cmd_up(struct request *request)
{
	struct network *network = get_network(request);
	char rendezvous[CONFIG_MAX_RENDEZVOUS + 1];
	int error;

	if (!network || !get_rendezvous(request, rendezvous))
		return NULL;
	if (json_has(request->from, "rendezvous") &&
	    strcmp(rendezvous, network->config.rendezvous)) {
		strcpy(network->config.rendezvous, rendezvous);
		network_set_helper(network);
	}
	error = network_up(network);
	if (error)
		return fail(request, FAILED, NULL, "%s", network->trouble);
	network->config.is_up = true;
	error = network_save_config(network);
	if (error)
		return fail(request, FAILED, "it is up, but will not be after a restart",
			    "cannot save that: %s", strerror(-error));
	names_publish(request->daemon);
	return named(network);
}

static json_object *cmd_down(struct request *request)
{
	struct network *network = get_network(request);
	int error;

	if (!network)
		return NULL;
	network->config.is_up = false;
	error = network_save_config(network);
	network_down(network);
	names_publish(request->daemon);
	if (error)
		return fail(request, FAILED, "it is down, but will be up after a restart",
			    "cannot save that: %s", strerror(-error));
	return named(network);
}

/* Looking. */

static json_object *cmd_status(struct request *request)
{
	json_object *result = json_object_new_object(), *list = json_object_new_array();
	const char *name = json_text(request->from, "network");
	struct network *network, *next;

	json_object_object_add(result, "networks", list);
	for (network = request->daemon->networks; network; network = next) {
		next = network->next;
		if (name && strcmp(name, network->config.name))
			continue;
		network_care(network, true);
		json_object_array_add(list, report_network(network));
	}
	if (!name || json_object_array_length(list))
		return result;
	json_object_put(result);
	get_network(request);
	return NULL;
}

static json_object *cmd_member(struct request *request)
{
	struct network *network = get_member_of(request);
	const struct weft_member *member;
	json_object *result;
	struct weft_id id;

	if (!network)
		return NULL;
	member = get_member(request, network);
	if (!member)
		return NULL;
	id = member->identity;
	network_care(network, true);
	/* in that moment it may have been left */
	member = network->node ? weft_roster_member(weft_node_roster(network->node), &id) : NULL;
	if (!member)
		return fail(request, FAILED, NULL, "it is no member any more");
	result = named(network);
	json_put_text(result, "interface", network->config.interface);
	json_object_object_add(result, "member", report_member(network, member));
	return result;
}

static json_object *cmd_monitor(struct request *request)
{
	const char *name = json_text(request->from, "network");

	if (name && !get_network(request))
		return NULL;
	request->client->is_monitor = true;
	strcpy(request->client->monitored, name ? name : "");
	return json_object_new_object();
}

/* Routes. */

static json_object *report_route(struct network *network, const struct weft_member *member,
				 const struct weft_prefix *route)
{
	const struct weft_id *router = weft_node_router(network->node, route);
	bool is_self = weft_id_equal(&member->identity, weft_node_id(network->node));
	json_object *one = json_object_new_object();

	json_put_text(one, "route", text_of_prefix(route).text);
	json_put_text(one, "member", member->name);
	json_put_flag(one, "self", is_self);
	json_put_flag(one, "used", is_self || (router && weft_id_equal(router, &member->identity)));
	return one;
}

static json_object *routes_of(struct network *network)
{
	json_object *result = named(network), *list = json_object_new_array();
	struct weft_roster *roster = weft_node_roster(network->node);
	const struct weft_member *members;
	struct weft_routes routes;
	size_t i, count;
	unsigned int n;

	members = weft_roster_members(roster, &count);
	for (i = 0; i < count; i++) {
		if (members[i].state != WEFT_MEMBER)
			continue;
		memset(&routes, 0, sizeof(routes));
		weft_roster_routes(roster, &members[i], &routes);
		for (n = 0; n < routes.count; n++)
			json_object_array_add(list, report_route(network, &members[i],
								 &routes.at[n]));
	}
	json_object_object_add(result, "routes", list);
	return result;
}

static void merge_routes(struct weft_routes *to, const struct weft_routes *from, bool remove)
{
	struct weft_routes left = { 0 };
	unsigned int i, j;

	for (i = 0; i < to->count; i++) {
		for (j = 0; j < from->count &&
		     weft_prefix_compare(&to->at[i], &from->at[j]); j++)
			;
		if (j == from->count)
			left.at[left.count++] = to->at[i];
	}
	for (j = 0; !remove && j < from->count && left.count < WEFT_MAX_ROUTES; j++)
		left.at[left.count++] = from->at[j];
	qsort(left.at, left.count, sizeof(left.at[0]), compare_prefixes);
	*to = left;
}

static json_object *change_routes(struct request *request, struct network *network, bool remove)
{
	struct weft_routes change, routes = network->config.routes;
	struct weft_time now = daemon_now();
	int error;

	if (!get_routes(request, &change))
		return NULL;
	if (!change.count)
		return fail(request, USAGE, NULL, "no route is named");
	if (!remove && routes.count + change.count > WEFT_MAX_ROUTES)
		return fail(request, FAILED, NULL, "a member routes for no more than %d",
			    WEFT_MAX_ROUTES);
	merge_routes(&routes, &change, remove);
	error = weft_node_set_routes(network->node, &now, &routes);
	if (error == -EACCES)
		return fail(request, FAILED, "an admin grants it with the invitation: "
			    "weft invite --route CIDR",
			    "this machine may not route for that");
	if (error)
		return fail_core(request, "the route", error);
	network->config.routes = routes;
	error = network_save_config(network);
	network_pump(network);
	if (error)
		return fail(request, FAILED, "it is in effect, but not after a restart",
			    "cannot save that: %s", strerror(-error));
	return routes_of(network);
}

static json_object *cmd_route(struct request *request)
{
	const char *what = json_text(request->from, "what");
	struct network *network = get_member_of(request);

	if (!network)
		return NULL;
	if (!what || !strcmp(what, "list"))
		return routes_of(network);
	if (!strcmp(what, "add") || !strcmp(what, "del"))
		return change_routes(request, network, !strcmp(what, "del"));
	return fail(request, USAGE, NULL, "add, del or list");
}

/* Stock WireGuard members. */

static bool get_static(struct request *request, struct network *network,
		       struct weft_static_member *wish)
{
	const char *key = json_text(request->from, "public_key");
	const char *via = json_text(request->from, "via");
	const struct weft_member *member = weft_node_self(network->node);
	uint64_t lasts = json_number(request->from, "expires_in", 0);
	struct weft_key public_key;

	memset(wish, 0, sizeof(*wish));
	if (!key || weft_key_from_base64(&public_key, key)) {
		fail(request, USAGE, NULL, "that is no public key of WireGuard");
		return false;
	}
	memcpy(wish->tunnel.bytes, public_key.bytes, sizeof(wish->tunnel.bytes));
	if (via)
		member = find_member(network, via);
	if (!member) {
		fail(request, FAILED, "\"weft peers\" shows those that there are",
		     "network %s has no member \"%.60s\"", network->config.name, via);
		return false;
	}
	wish->via = member->identity;
	wish->expires = lasts ? daemon_now().unix_s + lasts : 0;
	return get_routes(request, &wish->routes);
}

static json_object *cmd_add_static(struct request *request)
{
	struct network *network = get_member_of(request);
	const char *private_key = json_text(request->from, "private_key");
	struct weft_static_member wish;
	char name[WEFT_MAX_NAME + 1];
	struct weft_time now = daemon_now();
	json_object *result;
	struct weft_id id;
	int error;

	if (!network || !get_name(request, "name", name) ||
	    !get_static(request, network, &wish))
		return NULL;
	if (!*name)
		return fail(request, USAGE, NULL, "no name is given");
	wish.name = name;
	/* before the member: without its key it would be of no use */
	error = private_key ? export_keep_key(network, &wish.tunnel, private_key) : 0;
	if (error)
		return fail(request, FAILED, NULL, "cannot save its key: %s", strerror(-error));
	error = weft_node_admit_static(network->node, &now, &wish, &id);
	if (error && private_key)
		export_forget_key(network, &wish.tunnel);
	if (error == -EEXIST)
		return fail(request, FAILED, NULL, "another member has that name or key");
	if (error == -ENOENT)
		return fail(request, FAILED, "choose one with --via",
			    "a stock WireGuard member cannot route for another");
	if (error)
		return fail_core(request, "the member", error);
	network_pump(network);
	names_publish(request->daemon);
	result = named(network);
	json_put_text(result, "member", name);
	json_put_text(result, "id", text_of_id(&id).text);
	return result;
}

static json_object *cmd_export(struct request *request)
{
	struct network *network = get_member_of(request);
	const struct weft_member *member;
	json_object *result;
	char *text;

	if (!network)
		return NULL;
	member = get_member(request, network);
	if (!member)
		return NULL;
	if (!member->is_static || member->state != WEFT_MEMBER)
		return fail(request, FAILED, "\"weft peers add-static\" admits one",
			    "%s is no stock WireGuard member", member->name);
	text = export_config(network, member);
	if (!text)
		return fail(request, FAILED, "the member that routes for it has to be in touch "
			    "once", "nobody knows where the member is that routes for %s",
			    member->name);
	result = named(network);
	json_put_text(result, "member", member->name);
	json_put_text(result, "configuration", text);
	sodium_memzero(text, strlen(text));
	free(text);
	return result;
}

static json_object *cmd_version(struct request *request)
{
	json_object *result = json_object_new_object();

	(void)request;
	json_put_text(result, "version", WEFT_VERSION);
	return result;
}

static const struct {
	const char *name;
	json_object *(*run)(struct request *request);
} commands[] = {
	{ "init", cmd_init },
	{ "invite", cmd_invite },
	{ "join", cmd_join },
	{ "leave", cmd_leave },
	{ "revoke", cmd_revoke },
	{ "admin", cmd_admin },
	{ "up", cmd_up },
	{ "down", cmd_down },
	{ "status", cmd_status },
	{ "member", cmd_member },
	{ "monitor", cmd_monitor },
	{ "route", cmd_route },
	{ "add-static", cmd_add_static },
	{ "export", cmd_export },
	{ "version", cmd_version },
};

static void run(struct request *request)
{
	const char *name = json_text(request->from, "command");
	json_object *result;
	size_t i;

	for (i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name))
			continue;
		result = commands[i].run(request);
		if (!request->waits)
			answer_result(request->client, request->id, result);
		return;
	}
	fail(request, USAGE, "weftd and weft are of different versions, perhaps",
	     "there is no command \"%.60s\"", name ? name : "");
}

void commands_line(struct daemon *daemon, struct client *client, const char *line, size_t len)
{
	struct request request = { .daemon = daemon, .client = client };

	request.from = json_read(line, len);
	if (json_object_is_type(request.from, json_type_object)) {
		json_object_object_get_ex(request.from, "id", &request.id);
		run(&request);
	} else {
		fail(&request, USAGE, NULL, "a request is an object of JSON in one line");
	}
	json_object_put(request.from);
}

/* Waiting. */

static void free_waiter(struct waiter **at)
{
	struct waiter *waiter = *at;

	*at = waiter->next;
	json_object_put(waiter->id);
	free(waiter);
}

void commands_client_gone(struct client *client)
{
	struct waiter **at = &waiters;

	while (*at) {
		if ((*at)->client == client)
			free_waiter(at);
		else
			at = &(*at)->next;
	}
}

/* Return: whether the network is to be deleted: who asked for it was told that it cannot be. */
static bool tell_joiner(struct waiter *waiter, const struct weft_notice *notice, bool *is_done)
{
	json_object *progress;

	*is_done = notice->type == WEFT_NOTICE_JOINED;
	if (*is_done) {
		answer_result(waiter->client, waiter->id, made(waiter->network));
		return false;
	}
	if (notice->type == WEFT_NOTICE_REFUSED && notice->final) {
		snprintf(waiter->refusal, sizeof(waiter->refusal), "not let in: the invitation %s",
			 weft_reason(notice->error));
		return true;
	}
	if (notice->type == WEFT_NOTICE_REFUSED || notice->type == WEFT_NOTICE_NO_ANSWER) {
		progress = answer_to(waiter->id);
		json_object_object_add(progress, "progress",
				       report_notice(waiter->network, notice));
		control_answer(waiter->client, progress);
	}
	return false;
}

bool events_notice(struct network *network, const struct weft_notice *notice)
{
	struct waiter **at = &waiters;
	bool remove = false, is_done;

	if (notice->type == WEFT_NOTICE_JOINED)
		names_publish(network->daemon);
	control_event(events_control, network->config.name, report_notice(network, notice));
	while (*at) {
		is_done = false;
		if ((*at)->network == network && (*at)->what == WAITS_FOR_JOIN)
			remove |= tell_joiner(*at, notice, &is_done);
		if (is_done)
			free_waiter(at);
		else
			at = &(*at)->next;
	}
	return remove;
}

void events_network_gone(struct network *network)
{
	struct waiter **at = &waiters;

	while (*at) {
		if ((*at)->network != network) {
			at = &(*at)->next;
			continue;
		}
		if ((*at)->what == WAITS_FOR_LEAVE)
			answer_result((*at)->client, (*at)->id, named(network));
		else if (*(*at)->refusal)
			answer_error((*at)->client, (*at)->id, FAILED, (*at)->refusal,
				     "ask for a new token: weft invite");
		else
			answer_error((*at)->client, (*at)->id, FAILED,
				     "the network was left meanwhile", NULL);
		free_waiter(at);
	}
}
