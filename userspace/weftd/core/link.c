// SPDX-License-Identifier: GPL-2.0-or-later
/* With whom to be in touch: neighbours, who stays in touch with us, and looks at others. */
#include <string.h>

#include "node_internal.h"

#define PING_EVERY (20 * WEFT_SECOND)
/* After so long without a word from who wanted to stay in touch, it does not any more. */
#define LINK_LASTS (75 * WEFT_SECOND)
#define EXPLORE_EVERY WEFT_MINUTE
/* Who is out calls somebody so often. */
#define RETURN_EVERY (3 * WEFT_MINUTE)
/* Whoever was there and is not any more: perhaps it is the network that was split. */
#define LOST_EVERY (8 * WEFT_SECOND)
#define LOST_LONG_EVERY (20 * WEFT_SECOND)
#define LOST_LONG (10 * WEFT_MINUTE)
#define MAX_LOST 16
#define DRAWS 8
#define PROBE_LASTS (10 * WEFT_SECOND)
#define PROBE_QUIET (5 * WEFT_SECOND)
#define BACKOFF (10 * WEFT_SECOND)
#define MAX_BACKOFF_SHIFT 5
/* Members that are tried at once: when there are others, and when there is nobody. */
#define LONELY_TRIES 8
/* One neighbour is exchanged, so that who was there first is not everybody's. */
#define SHUFFLE_EVERY (10 * WEFT_MINUTE)
/* Endpoints of a member that are tried, one after the other, before it is given up. */
#define MAX_TURNS 3
/* A new member waits so long, until it knows that there is nobody else, or knows this many. */
#define SETTLE (5 * WEFT_SECOND)
#define SETTLED_MEMBERS 32

/* How long to wait for an answer, by how many pings went without one. */
static const uint64_t patience[] = { 1000, 1000, 2000, 3000, 4000 };

#define MAX_TRIES (sizeof(patience) / sizeof(patience[0]))
/* With another endpoint, fewer are enough. */
#define TURN_TRIES 3

bool weft_in_touch(const struct weft_contact *contact)
{
	return contact->alive && contact->wanted & (WEFT_WANTED_NEIGHBOUR | WEFT_WANTED_LINK);
}

static bool is_pinged(const struct weft_node *node, const struct weft_contact *contact)
{
	/* under an invitation's key there is nothing but doors to knock at */
	if (weft_join_as_guest(node))
		return false;
	if (contact->wanted & (WEFT_WANTED_NEIGHBOUR | WEFT_WANTED_PROBE))
		return true;
	return contact->wanted & (WEFT_WANTED_ALL | WEFT_WANTED_DEMAND | WEFT_WANTED_LINK) &&
	       weft_router_watched(node, contact);
}

static void begin_pinging(struct weft_contact *contact, const struct weft_time *now)
{
	contact->tries = 0;
	contact->turns_left = MAX_TURNS;
	contact->ping_at = now->ms;
}

static void fill_seen(const struct weft_contact *contact, struct weft_ping *ping)
{
	ping->has_seen = contact->session && contact->has_at && !contact->at.ifindex;
	if (ping->has_seen)
		ping->seen = contact->at.at;
}

static void send_ping(struct weft_node *node, const struct weft_time *now,
		      struct weft_contact *contact)
{
	struct weft_message message = { .type = WEFT_PING };

	weft_random_bytes(&node->random, &contact->ping_number, sizeof(contact->ping_number));
	contact->ping_sent = now->ms;
	message.ping.number = contact->ping_number;
	message.ping.neighbour = contact->wanted & WEFT_WANTED_NEIGHBOUR;
	message.ping.digest = *weft_sync_digest(node);
	fill_seen(contact, &message.ping);
	weft_send(node, contact->address, &message);
	contact->ping_at = now->ms + patience[contact->tries];
	contact->tries++;
}

/* Who is longest lost is forgotten first. */
static void bound_lost(struct weft_node *node)
{
	struct weft_contact *contact, *oldest = NULL;
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < node->contacts.count; i++) {
		contact = node->contacts.at[i];
		if (!contact->lost)
			continue;
		count++;
		if (!oldest || contact->lost_ms < oldest->lost_ms)
			oldest = contact;
	}
	if (count > MAX_LOST)
		oldest->lost = false;
}

static void lose(struct weft_node *node, const struct weft_time *now,
		 struct weft_contact *contact)
{
	contact->alive = false;
	if (!contact->lost) {
		contact->lost = true;
		contact->lost_ms = now->ms;
		bound_lost(node);
	}
	if (!node->lost_at || node->lost_at > now->ms + LOST_EVERY)
		node->lost_at = now->ms + weft_random_about(&node->random, LOST_EVERY);
	weft_notify(node, WEFT_NOTICE_DOWN, &contact->id, 0);
}

/* It does not answer. */
static void give_up(struct weft_node *node, const struct weft_time *now,
		    struct weft_contact *contact)
{
	unsigned int shift = contact->failures < MAX_BACKOFF_SHIFT ? contact->failures :
								     MAX_BACKOFF_SHIFT;
	bool first = !contact->failures;

	contact->failures++;
	contact->retry_at = now->ms + weft_random_about(&node->random, BACKOFF << shift);
	contact->session = false;
	contact->tries = 0;
	contact->ping_at = now->ms + PING_EVERY;
	contact->turn++;
	if (contact->alive)
		lose(node, now, contact);
	weft_contact_unwant(node, contact, WEFT_WANTED_NEIGHBOUR | WEFT_WANTED_PROBE |
					   WEFT_WANTED_LINK);
	weft_contact_touch(node, contact);
	if (first)
		weft_routes_review(node);
}

static void ping(struct weft_node *node, const struct weft_time *now,
		 struct weft_contact *contact)
{
	if (contact->tries == MAX_TRIES) {
		if (contact->session || !contact->turns_left) {
			give_up(node, now, contact);
			return;
		}
		contact->turns_left--;
		contact->turn++;
		contact->tries = MAX_TRIES - TURN_TRIES;
		weft_contact_touch(node, contact);
	}
	send_ping(node, now, contact);
}

/* Something came from it: it is there. */
void weft_link_heard(struct weft_node *node, const struct weft_time *now,
		     struct weft_contact *contact)
{
	bool failed = contact->failures;

	contact->heard_ms = now->ms;
	contact->failures = 0;
	contact->retry_at = 0;
	contact->lost = false;
	if (!contact->alive) {
		contact->alive = true;
		weft_notify(node, WEFT_NOTICE_UP, &contact->id, 0);
	}
	if (failed)
		weft_routes_review(node);
}

void weft_link_pinged(struct weft_node *node, const struct weft_time *now,
		      struct weft_contact *contact, const struct weft_ping *ping)
{
	struct weft_message message = { .type = WEFT_PONG };

	if (ping->neighbour) {
		contact->linked_ms = now->ms;
		weft_contact_want(node, now, contact, WEFT_WANTED_LINK);
	}
	if (ping->has_seen)
		weft_observed(node, now, contact, &ping->seen);
	if (!weft_node_take_budget(node, now, WEFT_BUDGET_PONG, 1))
		return;
	message.ping.number = ping->number;
	message.ping.digest = *weft_sync_digest(node);
	fill_seen(contact, &message.ping);
	weft_send(node, contact->address, &message);
}

void weft_link_answered(struct weft_node *node, const struct weft_time *now,
			struct weft_contact *contact, const struct weft_ping *pong)
{
	if (!contact->tries || pong->number != contact->ping_number) {
		node->stats.drops[WEFT_DROP_UNASKED]++;
		return;
	}
	contact->rtt_ms = now->ms - contact->ping_sent;
	contact->tries = 0;
	contact->turns_left = MAX_TURNS;
	contact->ping_at = now->ms + weft_random_about(&node->random, PING_EVERY);
	if (pong->has_seen)
		weft_observed(node, now, contact, &pong->seen);
	weft_sync_compare(node, now, contact, &pong->digest);
}

/* All that it was asked for has come: to find out whether there is more is not to wait for its turn. */
void weft_link_ask_again(struct weft_node *node, const struct weft_time *now,
			 struct weft_contact *contact)
{
	contact->sync_at = now->ms;
	if (is_pinged(node, contact) && !contact->tries)
		contact->ping_at = now->ms;
}

/* Bring it in for a moment, to see whether it is there and knows the same. */
void weft_link_probe(struct weft_node *node, const struct weft_time *now,
		     struct weft_contact *contact)
{
	if (contact->wanted & WEFT_WANTED_PROBE)
		return;
	contact->probe_ms = now->ms;
	weft_contact_want(node, now, contact, WEFT_WANTED_PROBE);
	begin_pinging(contact, now);
}

static void expire(struct weft_node *node, const struct weft_time *now,
		   struct weft_contact *contact)
{
	if (contact->wanted & WEFT_WANTED_LINK && now->ms > contact->linked_ms + LINK_LASTS)
		weft_contact_unwant(node, contact, WEFT_WANTED_LINK);
	if (contact->wanted & WEFT_WANTED_PROBE && contact->alive && !contact->tries &&
	    now->ms > contact->probe_ms + PROBE_LASTS && now->ms > contact->heard_ms + PROBE_QUIET)
		weft_contact_unwant(node, contact, WEFT_WANTED_PROBE);
	if (contact->wanted & WEFT_WANTED_DEMAND &&
	    now->ms > contact->active_ms + node->config.idle_ms)
		weft_contact_unwant(node, contact, WEFT_WANTED_DEMAND);
}

static uint64_t expiry(const struct weft_node *node, const struct weft_contact *contact)
{
	uint64_t due = WEFT_NEVER, quiet;

	if (contact->wanted & WEFT_WANTED_LINK)
		due = contact->linked_ms + LINK_LASTS + 1;
	if (contact->wanted & WEFT_WANTED_PROBE && contact->alive && !contact->tries) {
		quiet = contact->heard_ms + PROBE_QUIET;
		if (quiet < contact->probe_ms + PROBE_LASTS)
			quiet = contact->probe_ms + PROBE_LASTS;
		if (quiet + 1 < due)
			due = quiet + 1;
	}
	if (contact->wanted & WEFT_WANTED_DEMAND &&
	    contact->active_ms + node->config.idle_ms + 1 < due)
		due = contact->active_ms + node->config.idle_ms + 1;
	return due;
}

/* How well it suits as a neighbour, 0: not now. Whoever is known to be somewhere comes first. */
static unsigned int suits(const struct weft_node *node, const struct weft_time *now,
			  const struct weft_member *member, bool lonely)
{
	const struct weft_contact *contact;

	if (!weft_reachable(node, member) || member->is_static)
		return 0;
	contact = weft_contact_find(node, &member->identity);
	if (!contact)
		return 1;
	if (contact->wanted & WEFT_WANTED_NEIGHBOUR || contact->retry_at > now->ms)
		return 0;
	return !lonely ? 1 : contact->has_near ? 3 : contact->has_at ? 2 : 1;
}

/* Of those known to be somewhere, the likeliest. */
static const struct weft_member *choose_known(struct weft_node *node, const struct weft_time *now)
{
	const struct weft_member *member, *best = NULL;
	unsigned int suitability, most = 2;
	size_t i, same = 0;

	for (i = 0; i < node->contacts.count; i++) {
		member = weft_roster_member(node->roster, &node->contacts.at[i]->id);
		suitability = suits(node, now, member, true);
		if (suitability < most)
			continue;
		same = suitability > most ? 1 : same + 1;
		most = suitability;
		if (!weft_random_below(&node->random, same))
			best = member;
	}
	return best;
}

/* Whoever comes up; nearly always one of the first draws suits. Otherwise all are looked at. */
static const struct weft_member *choose_any(struct weft_node *node, const struct weft_time *now)
{
	const struct weft_member *members, *member;
	size_t count, i, suitable = 0, which;

	members = weft_roster_members(node->roster, &count);
	for (i = 0; count && i < DRAWS; i++) {
		member = &members[weft_random_below(&node->random, count)];
		if (suits(node, now, member, false))
			return member;
	}
	for (i = 0; i < count; i++)
		suitable += !!suits(node, now, &members[i], false);
	if (!suitable)
		return NULL;
	which = weft_random_below(&node->random, suitable);
	for (i = 0; i < count; i++) {
		if (suits(node, now, &members[i], false) && !which--)
			return &members[i];
	}
	return NULL;
}

static const struct weft_member *choose(struct weft_node *node, const struct weft_time *now,
					bool lonely)
{
	const struct weft_member *known = lonely ? choose_known(node, now) : NULL;

	return known ? known : choose_any(node, now);
}

struct census {
	unsigned int settled;
	unsigned int trying;
	bool anyone;
};

static struct census take_census(const struct weft_node *node)
{
	const struct weft_contact *contact;
	struct census census = { 0 };
	size_t i;

	for (i = 0; i < node->contacts.count; i++) {
		contact = node->contacts.at[i];
		census.anyone |= contact->alive;
		if (!(contact->wanted & WEFT_WANTED_NEIGHBOUR))
			continue;
		census.settled += contact->alive;
		census.trying += !contact->alive;
	}
	return census;
}

/* When nobody was there, more were tried than are needed. */
static void dismiss_one(struct weft_node *node, unsigned int settled)
{
	uint64_t which = weft_random_below(&node->random, settled);
	struct weft_contact *contact;
	size_t i;

	for (i = 0; i < node->contacts.count; i++) {
		contact = node->contacts.at[i];
		if (!(contact->wanted & WEFT_WANTED_NEIGHBOUR) || !contact->alive || which--)
			continue;
		weft_contact_unwant(node, contact, WEFT_WANTED_NEIGHBOUR);
		return;
	}
}

static void seek_neighbours(struct weft_node *node, const struct weft_time *now)
{
	struct census census = take_census(node);
	unsigned int goal = census.anyone ? WEFT_NEIGHBOURS : LONELY_TRIES;
	const struct weft_member *member;
	struct weft_contact *contact;

	for (; census.settled > WEFT_NEIGHBOURS; census.settled--)
		dismiss_one(node, census.settled);
	if (now->ms >= node->shuffle_at) {
		/* one more; when it answers, one of them is dismissed */
		goal += node->shuffle_at && census.settled == WEFT_NEIGHBOURS;
		node->shuffle_at = now->ms + weft_random_about(&node->random, SHUFFLE_EVERY);
	}
	while (census.settled + census.trying < goal) {
		member = choose(node, now, !census.anyone);
		contact = member ? weft_contact_get(node, member) : NULL;
		if (!contact)
			return;
		weft_contact_want(node, now, contact, WEFT_WANTED_NEIGHBOUR);
		begin_pinging(contact, now);
		census.trying++;
	}
}

/* Somebody by chance, so that what is known spreads beyond neighbours of neighbours. */
static void explore(struct weft_node *node, const struct weft_time *now)
{
	const struct weft_member *member = choose(node, now, false);
	struct weft_contact *contact;

	if (!member || !weft_node_take_budget(node, now, WEFT_BUDGET_PROBE, 1))
		return;
	contact = weft_contact_get(node, member);
	if (contact && !weft_in_touch(contact))
		weft_link_probe(node, now, contact);
}

static void seek_lost(struct weft_node *node, const struct weft_time *now)
{
	struct weft_contact *contact, *chosen = NULL;
	unsigned int count = 0;
	bool recent = false;
	size_t i;

	for (i = 0; i < node->contacts.count; i++) {
		contact = node->contacts.at[i];
		if (!contact->lost)
			continue;
		recent |= now->ms < contact->lost_ms + LOST_LONG;
		if (!(contact->wanted & WEFT_WANTED_PROBE) &&
		    !weft_random_below(&node->random, ++count))
			chosen = contact;
	}
	node->lost_at = !count ? 0 :
			now->ms + weft_random_about(&node->random,
						    recent ? LOST_EVERY : LOST_LONG_EVERY);
	if (chosen && weft_node_take_budget(node, now, WEFT_BUDGET_PROBE, 1))
		weft_link_probe(node, now, chosen);
}

/*
 * Out, but not for good: if we were admitted anew, others may be unable to tell us, as when they cannot
 * reach us where we are. To whoever knows nothing of that we are nobody, and it does not answer.
 */
static bool may_return(const struct weft_node *node)
{
	const struct weft_member *self = weft_node_self(node);

	return node->state == WEFT_NODE_EXCLUDED && self && self->state != WEFT_MEMBER_REVOKED;
}

static void explore_if_due(struct weft_node *node, const struct weft_time *now, uint64_t every)
{
	if (now->ms < node->explore_at)
		return;
	/* not at once after a start: there are neighbours to be found */
	if (node->explore_at)
		explore(node, now);
	node->explore_at = now->ms + weft_random_about(&node->random, every);
}

void weft_link_settle(struct weft_node *node, const struct weft_time *now)
{
	node->settle_at = now->ms + SETTLE;
}

/*
 * Who was let in just now knows its door, and few that it was told of. If it sought neighbours among
 * those, they would be everybody's who comes in by that door.
 */
static bool is_settling(struct weft_node *node, const struct weft_time *now)
{
	if (now->ms < node->settle_at && node->member_count <= SETTLED_MEMBERS)
		return true;
	node->settle_at = 0;
	return false;
}

static void run_contacts(struct weft_node *node, const struct weft_time *now)
{
	struct weft_contact *contact;
	size_t i;

	for (i = 0; i < node->contacts.count; i++) {
		contact = node->contacts.at[i];
		expire(node, now, contact);
		if (is_pinged(node, contact) && now->ms >= contact->ping_at)
			ping(node, now, contact);
	}
}

void weft_link_run(struct weft_node *node, const struct weft_time *now)
{
	run_contacts(node, now);
	if (may_return(node))
		explore_if_due(node, now, RETURN_EVERY);
	if (node->state != WEFT_NODE_MEMBER)
		return;
	if (!is_settling(node, now))
		seek_neighbours(node, now);
	explore_if_due(node, now, EXPLORE_EVERY);
	if (node->lost_at && now->ms >= node->lost_at)
		seek_lost(node, now);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t weft_link_due(const struct weft_node *node, const struct weft_time *now)
{
	const struct weft_contact *contact;
	uint64_t due = WEFT_NEVER;
	size_t i;

	for (i = 0; i < node->contacts.count; i++) {
		contact = node->contacts.at[i];
		due = earlier(due, expiry(node, contact));
		if (is_pinged(node, contact))
			due = earlier(due, contact->ping_at);
		/* then it may become a neighbour */
		if (contact->retry_at > now->ms)
			due = earlier(due, contact->retry_at);
	}
	if (node->state == WEFT_NODE_MEMBER || may_return(node))
		due = earlier(due, node->explore_at);
	if (node->state != WEFT_NODE_MEMBER)
		return due;
	due = earlier(due, node->settle_at ? node->settle_at : node->shuffle_at);
	if (node->lost_at)
		due = earlier(due, node->lost_at);
	return due;
}

/* What was known of who is there is old. */
void weft_link_resumed(struct weft_node *node, const struct weft_time *now)
{
	struct weft_contact *contact;
	size_t i;

	for (i = 0; i < node->contacts.count; i++) {
		contact = node->contacts.at[i];
		contact->failures = 0;
		contact->retry_at = 0;
		if (is_pinged(node, contact))
			begin_pinging(contact, now);
	}
	node->explore_at = now->ms;
	if (node->lost_at)
		node->lost_at = now->ms;
}
