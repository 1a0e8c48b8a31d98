/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For roster.c, which keeps records, view.c, which draws conclusions, and revoke.c. */
#ifndef WEFT_ROSTER_INTERNAL_H
#define WEFT_ROSTER_INTERNAL_H

#include "index.h"

/**
 * struct weft_entry - a place in the roster
 * @record:	what is kept there
 * @anchored:	the record can be traced to the root, by signatures of keys that were admins at some
 *		time; what is not may be a stranger's, is counted, and not passed on
 * @uses:	of an invitation: how many admissions by it there are
 * @last_rank:	of an invitation: none of those ranks behind this, from when there were too many on;
 *		there are never fewer again than were granted
 * @holds:	of an invitation: an admin signed it, and none revoked it; as of the last look at chains
 */
struct weft_entry {
	struct weft_record *record;
	uint64_t last_rank;
	uint32_t uses;
	bool anchored;
	bool holds;
};

/**
 * struct weft_admins - keys, and how far from the root each is
 * @at:		sorted by key
 * @count:	of @at
 * @size:	as many @at has room for
 * @steps:	how often a record was looked at to find them: tests see by it that the work is bounded
 */
struct weft_admins {
	struct weft_admin *at;
	size_t count;
	size_t size;
	size_t steps;
};

/**
 * struct weft_roster - see roster.h
 * @network:	whose
 * @entries:	sorted by slot
 * @count:	entries
 * @size:	entries that there is room for
 * @max:	as many entries are kept
 * @unanchored:	entries that are not anchored
 * @chain_stale: something came in since @admins, @known and what is anchored was computed that may
 *		change them
 * @stale:	something came in since all below was computed
 * @admins:	who is one
 * @known:	who is or was one
 * @members:	sorted by identity
 * @member_count: see @members
 * @index:	what is passed on, or NULL if that is to be found out
 * @epoch:	the record that names the network's current secret
 * @evaluated:	for when the members were computed
 * @changes_at:	when they change though no record comes in; UINT64_MAX: never
 */
struct weft_roster {
	struct weft_id network;
	struct weft_entry *entries;
	size_t count;
	size_t size;
	size_t max;
	size_t unanchored;
	bool chain_stale;
	bool stale;
	struct weft_admins admins;
	struct weft_admins known;
	struct weft_member *members;
	size_t member_count;
	struct weft_index *index;
	struct weft_record *epoch;
	uint64_t evaluated;
	uint64_t changes_at;
};

void weft_roster_swap(struct weft_roster *a, struct weft_roster *b);
size_t weft_roster_place(const struct weft_roster *roster, const struct weft_slot *slot);
bool weft_roster_about(const struct weft_roster *roster, size_t n, enum weft_record_type type,
		       const struct weft_id *about);
size_t weft_roster_first(const struct weft_roster *roster, enum weft_record_type type,
			 const struct weft_id *about);
struct weft_entry *weft_roster_used(const struct weft_roster *roster,
				    const struct weft_record *use,
				    struct weft_fields *invitation);
bool weft_chain_anchored(const struct weft_roster *roster, const struct weft_record *record);
int weft_chain_evaluate(struct weft_roster *roster);
void weft_view_forget(struct weft_roster *roster);
void weft_index_forget(struct weft_roster *roster);

#endif /* WEFT_ROSTER_INTERNAL_H */
