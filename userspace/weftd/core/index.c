// SPDX-License-Identifier: GPL-2.0-or-later
/* See index.h. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "roster_internal.h"

static int compare_records(const void *a, const void *b)
{
	return weft_id_compare(&(*(struct weft_record *const *)a)->hash,
			       &(*(struct weft_record *const *)b)->hash);
}

/* Of those from @first on, before @end. */
void weft_index_digest(const struct weft_index *index, size_t first, size_t end,
		       struct weft_short_hash *digest)
{
	crypto_generichash_state state;

	memset(digest, 0, sizeof(*digest));
	if (first == end)
		return;
	crypto_generichash_init(&state, NULL, 0, sizeof(digest->bytes));
	for (; first < end; first++)
		crypto_generichash_update(&state, index->at[first]->hash.bytes, WEFT_ID_LEN);
	crypto_generichash_final(&state, digest->bytes, sizeof(digest->bytes));
}

/* The first record whose hash, as far as @len, is not below. */
size_t weft_index_place(const struct weft_index *index, const uint8_t *hash, size_t len)
{
	size_t low = 0, high = index->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (memcmp(index->at[middle]->hash.bytes, hash, len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct weft_index *make_index(const struct weft_roster *roster)
{
	struct weft_index *index;
	size_t i;

	index = malloc(sizeof(*index) + roster->count * sizeof(index->at[0]));
	if (!index)
		return NULL;
	index->refs = 1;
	index->count = 0;
	for (i = 0; i < roster->count; i++) {
		if (roster->entries[i].anchored)
			index->at[index->count++] = weft_record_hold(roster->entries[i].record);
	}
	if (index->count)
		qsort(index->at, index->count, sizeof(index->at[0]), compare_records);
	weft_index_digest(index, 0, index->count, &index->digest);
	return index;
}

/**
 * weft_roster_index() - what is passed on now
 * @roster:	the roster
 *
 * Return: the index, to be given up by weft_index_put(); NULL without memory.
 */
struct weft_index *weft_roster_index(struct weft_roster *roster)
{
	if (!roster->index)
		roster->index = make_index(roster);
	if (roster->index)
		roster->index->refs++;
	return roster->index;
}

struct weft_index *weft_index_hold(struct weft_index *index)
{
	if (index)
		index->refs++;
	return index;
}

void weft_index_put(struct weft_index *index)
{
	size_t i;

	if (!index || --index->refs)
		return;
	for (i = 0; i < index->count; i++)
		weft_record_put(index->at[i]);
	free(index);
}

/* What was made of the roster is not true any more. */
void weft_index_forget(struct weft_roster *roster)
{
	weft_index_put(roster->index);
	roster->index = NULL;
}
