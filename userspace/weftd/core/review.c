// SPDX-License-Identifier: GPL-2.0-or-later
/* What follows for a node from a roster that changed, or from time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node_internal.h"

/* To look at a thousand members takes some milliseconds: not for every record of many. */
#define PER_MEMBER 1
#define LONGEST_WAIT (2 * WEFT_SECOND)
#define SAVE_AFTER (5 * WEFT_SECOND)
/*
 * With whom somebody is revoked, others lose their admission, and get another in the same breath. As
 * long as that may be on its way, they are kept: it may come from nobody else. Likewise whoever lost
 * its tunnel key to another who claims it, and is to take a new one.
 */
#define DOUBT_LASTS WEFT_MINUTE

void weft_roster_changed(struct weft_node *node, const struct weft_time *now, bool urgent)
{
	uint64_t save_at = urgent ? now->ms : now->ms + SAVE_AFTER;

	node->changed = true;
	node->urgent |= urgent;
	node->ran = false;
	if (!node->roster_at || save_at < node->roster_at)
		node->roster_at = save_at;
}

static uint64_t patience(const struct weft_node *node)
{
	uint64_t wait = node->member_count * PER_MEMBER;

	if (node->urgent || node->member_count <= node->config.all_peers)
		return 0;
	return wait < LONGEST_WAIT ? wait : LONGEST_WAIT;
}

/*
 * When what the roster says changes by time alone. A clock that jumps ahead is noticed within the hour.
 * One that is set back makes members of those who had expired, and that is noticed whenever anything is
 * done: a member always has something to do soon, but nothing else wakes who is out, or waits for a door.
 */
static uint64_t next_change(const struct weft_node *node, const struct weft_time *now)
{
	uint64_t at = weft_roster_changes_at(node->roster), left, most = 3600;

	/* if there was no memory for it, not before there may be */
	if (now->unix_s >= at || now->unix_s < node->reviewed_unix)
		return node->reviewed_ms;
	if (node->state != WEFT_NODE_MEMBER)
		most = 60;
	else if (at == UINT64_MAX)
		return WEFT_NEVER;
	left = at - now->unix_s;
	return now->ms + (left < most ? left : most) * WEFT_SECOND;
}

uint64_t weft_review_due(const struct weft_node *node, const struct weft_time *now)
{
	uint64_t due = node->changed ? node->reviewed_ms + patience(node) :
				       next_change(node, now);

	return node->doubt_ends && node->doubt_ends < due ? node->doubt_ends : due;
}

static bool is_unchained(const struct weft_member *member)
{
	return member && member->state == WEFT_MEMBER_UNCHAINED;
}

/* Another announced the same tunnel key; the one who has it, and lost, is to hear of that. */
static bool is_robbed(const struct weft_member *member)
{
	return member && member->state == WEFT_MEMBER && !member->has_tunnel &&
	       member->conflicts & WEFT_CONFLICT_TUNNEL;
}

/* Whether there is still doubt about somebody, since *@since. */
static bool in_doubt(struct weft_node *node, const struct weft_time *now, bool doubtful,
		     uint64_t *since)
{
	if (!doubtful) {
		*since = 0;
		return false;
	}
	if (!*since)
		*since = now->ms;
	if (now->ms >= *since + DOUBT_LASTS)
		return false;
	if (!node->doubt_ends || *since + DOUBT_LASTS < node->doubt_ends)
		node->doubt_ends = *since + DOUBT_LASTS;
	return true;
}

static struct weft_before *remember(const struct weft_node *node, size_t *count)
{
	const struct weft_member *members = weft_roster_members(node->roster, count);
	struct weft_before *before = malloc((*count + 1) * sizeof(*before));
	size_t i;

	for (i = 0; before && i < *count; i++)
		before[i] = (struct weft_before){ members[i].identity, members[i].state };
	return before;
}

static int gone_error(const struct weft_member *member)
{
	switch (member ? member->state : WEFT_MEMBER_UNCHAINED) {
	case WEFT_MEMBER_EXPIRED:
		return -EKEYEXPIRED;
	case WEFT_MEMBER_REVOKED:
		return -EKEYREVOKED;
	default:
		return -EACCES;
	}
}

/* @before: NULL if it was not known at all */
static void note_member(struct weft_node *node, const struct weft_before *before,
			const struct weft_member *member)
{
	unsigned int was = before ? before->state : WEFT_MEMBER_UNCHAINED;

	if (weft_id_equal(&member->identity, &node->identity.id) || was == member->state)
		return;
	if (member->state == WEFT_MEMBER)
		weft_notify(node, WEFT_NOTICE_MEMBER, &member->identity, 0);
	else if (before)
		weft_notify(node, WEFT_NOTICE_MEMBER_GONE, &member->identity, gone_error(member));
}

/* Both are sorted by identity; subjects are never forgotten, but those whose use was in excess. */
static void note_members(struct weft_node *node, const struct weft_before *before,
			 size_t old_count)
{
	const struct weft_member *members;
	size_t count, i = 0, j = 0;
	int order;

	members = weft_roster_members(node->roster, &count);
	while (i < count || j < old_count) {
		order = i == count ? -1 : j == old_count ? 1 :
			weft_id_compare(&before[j].id, &members[i].identity);
		if (order >= 0)
			note_member(node, order ? NULL : &before[j], &members[i]);
		else if (before[j].state == WEFT_MEMBER)
			weft_notify(node, WEFT_NOTICE_MEMBER_GONE, &before[j].id, -EUSERS);
		i += order >= 0;
		j += order <= 0;
	}
}

static void exclude(struct weft_node *node, const struct weft_member *self)
{
	node->state = WEFT_NODE_EXCLUDED;
	weft_contacts_clear(node);
	weft_guests_clear(node);
	weft_queue_clear(node);
	/* only those whose use of an invitation was in excess are forgotten */
	weft_notify(node, WEFT_NOTICE_EXCLUDED, &node->identity.id,
		    self ? gone_error(self) : -EUSERS);
}

/* Another won the tunnel key: it is of no use to us any more. */
static void settle_key(struct weft_node *node, const struct weft_time *now,
		       const struct weft_member *self)
{
	if (self->has_tunnel || !(self->conflicts & WEFT_CONFLICT_TUNNEL))
		return;
	weft_node_new_tunnel(node, now);
	node->announce_anyway = true;
	node->announce_at = now->ms;
	weft_notify(node, WEFT_NOTICE_NEW_KEY, &node->identity.id, 0);
}

static void review_self(struct weft_node *node, const struct weft_time *now)
{
	const struct weft_member *self = weft_roster_member(node->roster, &node->identity.id);
	bool member = self && self->state == WEFT_MEMBER;

	if (node->joining) {
		weft_join_reviewed(node, now);
		return;
	}
	/* who left waits for its word to get around */
	if (node->leave_at)
		return;
	if (in_doubt(node, now, is_unchained(self), &node->doubt_ms))
		return;
	if (node->state == WEFT_NODE_MEMBER && !member)
		exclude(node, self);
	if (node->state == WEFT_NODE_EXCLUDED && member) {
		node->state = WEFT_NODE_MEMBER;
		weft_notify(node, WEFT_NOTICE_INCLUDED, &node->identity.id, 0);
	}
	if (member)
		settle_key(node, now, self);
}

/* Whether a stock member is attached to us. */
static bool is_attached(const struct weft_node *node, const struct weft_member *member)
{
	struct weft_fields grant;

	weft_member_grant(member, &grant);
	return weft_id_equal(&grant.via, &node->identity.id);
}

/* Whoever is no member any more is out of the kernel at once. */
static void review_contacts(struct weft_node *node, const struct weft_time *now)
{
	const struct weft_member *member;
	struct weft_contact *contact;
	size_t n = node->contacts.count;

	while (n--) {
		contact = node->contacts.at[n];
		member = weft_roster_member(node->roster, &contact->id);
		if (weft_reachable(node, member) &&
		    (!member->is_static || is_attached(node, member))) {
			weft_contact_get(node, member);
			weft_contact_touch(node, contact);
			contact->doubt_ms = 0;
		} else if (in_doubt(node, now, is_unchained(member) || is_robbed(member),
				    &contact->doubt_ms)) {
			weft_contact_touch(node, contact);
		} else if (!contact->hinted || !node->joining) {
			weft_part(node, contact);
			weft_contact_drop(node, n);
		}
	}
}

static void want_static(struct weft_node *node, const struct weft_time *now,
			const struct weft_member *member)
{
	struct weft_contact *contact;

	if (!is_attached(node, member))
		return;
	contact = weft_contact_get(node, member);
	if (contact)
		weft_contact_want(node, now, contact, WEFT_WANTED_STATIC);
}

static void want_member(struct weft_node *node, const struct weft_time *now,
			const struct weft_member *member)
{
	struct weft_contact *contact;

	if (!node->all_members) {
		contact = weft_contact_find(node, &member->identity);
		if (contact)
			weft_contact_unwant(node, contact, WEFT_WANTED_ALL);
		return;
	}
	contact = weft_contact_get(node, member);
	/* not with weft_contact_want(): it is no activity */
	if (contact && !(contact->wanted & WEFT_WANTED_ALL)) {
		contact->wanted |= WEFT_WANTED_ALL;
		weft_contact_touch(node, contact);
	}
	(void)now;
}

static void review_peers(struct weft_node *node, const struct weft_time *now)
{
	const struct weft_member *members;
	size_t count, i;

	members = weft_roster_members(node->roster, &count);
	node->member_count = 0;
	for (i = 0; i < count; i++)
		node->member_count += weft_reachable(node, &members[i]);
	node->all_members = node->member_count <= node->config.all_peers;
	for (i = 0; i < count; i++) {
		if (!weft_reachable(node, &members[i]))
			continue;
		if (members[i].is_static)
			want_static(node, now, &members[i]);
		else
			want_member(node, now, &members[i]);
	}
}

void weft_review(struct weft_node *node, const struct weft_time *now)
{
	struct weft_before *before;
	size_t count;

	if (now->ms < weft_review_due(node, now))
		return;
	before = node->before;
	count = node->before_count;
	node->before = NULL;
	if (!before)
		before = remember(node, &count);
	if (!before || weft_roster_evaluate(node->roster, now->unix_s)) {
		free(before);
		/* no memory: later */
		node->reviewed_ms = now->ms + WEFT_SECOND;
		return;
	}
	node->changed = false;
	node->urgent = false;
	node->reviewed_ms = now->ms;
	node->reviewed_unix = now->unix_s;
	note_members(node, before, count);
	free(before);
	node->doubt_ends = 0;
	review_self(node, now);
	review_contacts(node, now);
	if (node->state == WEFT_NODE_MEMBER)
		review_peers(node, now);
	weft_routes_review(node);
	if (weft_device_changed(node))
		node->device_dirty = true;
}

/* A command is about to evaluate the roster by itself: what was before is what it was now. */
void weft_review_remember(struct weft_node *node)
{
	free(node->before);
	node->before = remember(node, &node->before_count);
}

/* Not put off. Return: whether the roster is as it should be now; false without memory. */
bool weft_review_now(struct weft_node *node, const struct weft_time *now)
{
	bool ran = node->ran;

	if (!node->changed)
		return true;
	node->urgent = true;
	node->reviewed_ms = 0;
	weft_review(node, now);
	node->ran = ran;
	return !node->changed;
}
