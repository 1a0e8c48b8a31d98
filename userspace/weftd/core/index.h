/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a roster passes on, by hash: for finding out which records another roster has and it has not. */
#ifndef WEFT_INDEX_H
#define WEFT_INDEX_H

#include "roster.h"

/**
 * struct weft_index - records of a roster at some time; never changed, shared by reference
 * @refs:	references
 * @count:	of @at
 * @digest:	of all
 * @at:		all that are anchored, by hash; held: the roster may change before this is used
 */
struct weft_index {
	unsigned int refs;
	size_t count;
	struct weft_short_hash digest;
	struct weft_record *at[];
};

struct weft_index *weft_roster_index(struct weft_roster *roster);
struct weft_index *weft_index_hold(struct weft_index *index);
void weft_index_put(struct weft_index *index);
size_t weft_index_place(const struct weft_index *index, const uint8_t *hash, size_t len);
void weft_index_digest(const struct weft_index *index, size_t first, size_t end,
		       struct weft_short_hash *digest);

#endif /* WEFT_INDEX_H */
