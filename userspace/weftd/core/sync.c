// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding out which records one member has and another has not: by digests of ranges of hashes, that
 * are halved (four times at once) until what is left is few enough to be listed. Neither side keeps
 * state for it: every message can be answered by itself, and what is lost is found the next time.
 */
#include <stdlib.h>
#include <string.h>

#include "node_internal.h"

/* So many are listed instead of divided. */
#define LISTED 16
#define DIVIDE_BITS 4
#define MAX_BITS 64
/* What a list's message may hold besides hashes: heads of ranges, and of the message. */
#define LIST_BYTES (WEFT_MAX_DATAGRAM - 16)
#define RANGE_BYTES (10 + 3)
#define FIRST_WAIT (2 * WEFT_SECOND)
#define LONGEST_WAIT WEFT_MINUTE
#define SOONEST 50
/* Records asked for at once of one member, and how long they may take. */
#define ASKED 32
#define ANSWER_TAKES (2 * WEFT_SECOND)
#define ASK_TRIES 3
#define MAX_WANTS 16384

void weft_sync_clear(struct weft_node *node)
{
	weft_index_put(node->index);
	node->index = NULL;
}

/* What is passed on now. Without memory, what was; before there was any, nothing. */
static const struct weft_index *refresh(struct weft_node *node)
{
	static const struct weft_index none;
	struct weft_index *index = weft_roster_index(node->roster);

	if (index) {
		weft_index_put(node->index);
		node->index = index;
	}
	return node->index ? node->index : &none;
}

const struct weft_short_hash *weft_sync_digest(struct weft_node *node)
{
	return &refresh(node)->digest;
}

/* @hash: WEFT_SHORT_HASH bytes */
struct weft_record *weft_sync_find(struct weft_node *node, const uint8_t *hash)
{
	const struct weft_index *index = refresh(node);
	size_t n = weft_index_place(index, hash, WEFT_SHORT_HASH);

	if (n == index->count || memcmp(index->at[n]->hash.bytes, hash, WEFT_SHORT_HASH))
		return NULL;
	return index->at[n];
}

/* As of the last comparison: what came in since is not seen. */
bool weft_sync_has(const struct weft_node *node, const struct weft_id *hash)
{
	size_t n;

	if (!node->index)
		return false;
	n = weft_index_place(node->index, hash->bytes, WEFT_ID_LEN);
	return n < node->index->count && weft_id_equal(&node->index->at[n]->hash, hash);
}

/* Which records are in a range: from *@first, before *@end. */
static void bounds(const struct weft_index *index, const struct weft_range *range, size_t *first,
		   size_t *end)
{
	uint8_t next[sizeof(range->prefix)];
	unsigned int i, carry;

	*first = weft_index_place(index, range->prefix, sizeof(range->prefix));
	*end = index->count;
	if (!range->bits)
		return;
	/* the prefix plus one, in its last bit */
	memcpy(next, range->prefix, sizeof(next));
	i = (range->bits - 1) / 8;
	carry = 0x80 >> (range->bits - 1) % 8;
	for (;; i--) {
		carry += next[i];
		next[i] = carry & 0xff;
		carry >>= 8;
		if (!carry || !i)
			break;
	}
	if (!carry)
		*end = weft_index_place(index, next, sizeof(next));
}

/* A message that grows until it is full. */
struct answer {
	struct weft_node *node;
	const struct weft_index *index;
	struct weft_index *held;
	const struct weft_time *now;
	struct weft_contact *contact;
	struct weft_message ranges;
	struct weft_message list;
	uint8_t hashes[WEFT_MAX_DATAGRAM];
	size_t hash_count;
};

static void begin(struct answer *answer, struct weft_node *node, const struct weft_time *now,
		  struct weft_contact *contact, bool final)
{
	answer->node = node;
	answer->index = refresh(node);
	/* when there is memory for it again, the node has another one before this is finished */
	answer->held = weft_index_hold(node->index);
	answer->now = now;
	answer->contact = contact;
	answer->ranges.type = WEFT_RANGES;
	answer->ranges.ranges.count = 0;
	answer->list.type = WEFT_LIST;
	answer->list.list.count = 0;
	answer->list.list.answer = final;
	answer->hash_count = 0;
}

static void send_ranges(struct answer *answer)
{
	size_t count = answer->ranges.ranges.count;

	if (count && weft_node_take_budget(answer->node, answer->now, WEFT_BUDGET_SYNC, 28 * count))
		weft_send(answer->node, answer->contact->address, &answer->ranges);
	answer->ranges.ranges.count = 0;
}

static size_t list_bytes(const struct answer *answer)
{
	return answer->list.list.count * RANGE_BYTES + answer->hash_count * WEFT_SHORT_HASH;
}

static void send_list(struct answer *answer)
{
	if (answer->list.list.count && weft_node_take_budget(answer->node, answer->now,
							     WEFT_BUDGET_SYNC, list_bytes(answer)))
		weft_send(answer->node, answer->contact->address, &answer->list);
	answer->list.list.count = 0;
	answer->hash_count = 0;
}

static void finish(struct answer *answer)
{
	send_ranges(answer);
	send_list(answer);
	weft_index_put(answer->held);
}

static void put_digest(struct answer *answer, const struct weft_range *range)
{
	struct weft_ranges *ranges = &answer->ranges.ranges;
	size_t first, end;

	if (ranges->count == WEFT_MAX_RANGES)
		send_ranges(answer);
	ranges->at[ranges->count].range = *range;
	bounds(answer->index, range, &first, &end);
	weft_index_digest(answer->index, first, end, &ranges->at[ranges->count].digest);
	ranges->count++;
}

static void put_listed(struct answer *answer, const struct weft_range *range, size_t first,
		       size_t end)
{
	struct weft_list *list = &answer->list.list;
	size_t need = RANGE_BYTES + (end - first) * WEFT_SHORT_HASH;
	uint8_t *hashes;

	if (list->count == WEFT_MAX_RANGES || list_bytes(answer) + need > LIST_BYTES)
		send_list(answer);
	hashes = answer->hashes + answer->hash_count * WEFT_SHORT_HASH;
	list->at[list->count].range = *range;
	list->at[list->count].count = end - first;
	list->at[list->count].hashes = hashes;
	list->count++;
	for (; first < end; first++, hashes += WEFT_SHORT_HASH, answer->hash_count++)
		memcpy(hashes, answer->index->at[first]->hash.bytes, WEFT_SHORT_HASH);
}

static void divide(struct answer *answer, const struct weft_range *range)
{
	struct weft_range part = *range;
	unsigned int i, bit, at;
	uint8_t mask;

	part.bits += DIVIDE_BITS;
	for (i = 0; i < 1U << DIVIDE_BITS; i++) {
		for (bit = 0; bit < DIVIDE_BITS; bit++) {
			at = range->bits + bit;
			mask = 0x80 >> at % 8;
			if (i & 1U << (DIVIDE_BITS - 1 - bit))
				part.prefix[at / 8] |= mask;
			else
				part.prefix[at / 8] &= ~mask;
		}
		put_digest(answer, &part);
	}
}

/* What we have in a range in which the other has something else. */
static void describe(struct answer *answer, const struct weft_range *range)
{
	size_t first, end;

	bounds(answer->index, range, &first, &end);
	if (end - first <= LISTED)
		put_listed(answer, range, first, end);
	else if (range->bits + DIVIDE_BITS <= MAX_BITS)
		divide(answer, range);
}

/*
 * Until the next comparison. Who was let in just now waits for it to know that there is nobody else: only
 * as long as an answer takes that there would be if there were, through all levels of ranges.
 */
static uint64_t first_wait(const struct weft_node *node, const struct weft_contact *contact)
{
	uint64_t takes = 8 * (uint64_t)contact->rtt_ms + SOONEST;

	if ((node->joining || node->settle_at) && !node->wants.count && takes < FIRST_WAIT)
		return takes;
	return FIRST_WAIT;
}

/* The other's digest of all that it has came; if it differs from ours, begin. */
void weft_sync_compare(struct weft_node *node, const struct weft_time *now,
		       struct weft_contact *contact, const struct weft_short_hash *digest)
{
	static const struct weft_range all;
	struct answer answer;

	if (!memcmp(digest, weft_sync_digest(node), sizeof(*digest))) {
		contact->sync_wait = 0;
		node->settle_at = 0;
		weft_join_compared(node, now, contact);
		return;
	}
	if (now->ms < contact->sync_at)
		return;
	contact->sync_wait = contact->sync_wait ? 2 * contact->sync_wait :
					       first_wait(node, contact);
	if (contact->sync_wait > LONGEST_WAIT)
		contact->sync_wait = LONGEST_WAIT;
	contact->sync_at = now->ms + contact->sync_wait;
	/* and see then whether it helped */
	if (contact->ping_at > contact->sync_at)
		contact->ping_at = contact->sync_at;
	begin(&answer, node, now, contact, false);
	describe(&answer, &all);
	finish(&answer);
}

void weft_sync_ranges(struct weft_node *node, const struct weft_time *now,
		      struct weft_contact *contact, const struct weft_ranges *ranges)
{
	struct weft_short_hash ours;
	struct answer answer;
	size_t i, first, end;

	begin(&answer, node, now, contact, false);
	for (i = 0; i < ranges->count; i++) {
		bounds(answer.index, &ranges->at[i].range, &first, &end);
		weft_index_digest(answer.index, first, end, &ours);
		if (memcmp(&ours, &ranges->at[i].digest, sizeof(ours)))
			describe(&answer, &ranges->at[i].range);
	}
	finish(&answer);
}

static bool is_recent(const struct weft_node *node, const uint8_t *hash)
{
	return !memcmp(node->recent[hash[0] % WEFT_RECENT].bytes, hash, WEFT_SHORT_HASH);
}

static void want(struct weft_node *node, const struct weft_contact *contact, const uint8_t *hash)
{
	struct weft_wanted_record *wanted;
	size_t i;

	/* what was refused is not asked for again */
	if (weft_sync_find(node, hash) || is_recent(node, hash) ||
	    node->wants.count == MAX_WANTS || !weft_list_room(&node->wants))
		return;
	for (i = 0; i < node->wants.count; i++) {
		if (!memcmp(node->wants.at[i].hash.bytes, hash, WEFT_SHORT_HASH))
			return;
	}
	wanted = &node->wants.at[node->wants.count++];
	memcpy(wanted->hash.bytes, hash, WEFT_SHORT_HASH);
	wanted->from = contact->id;
	wanted->asked_ms = 0;
	wanted->tries = 0;
}

static bool lists(const uint8_t *hashes, size_t count, const uint8_t *hash)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!memcmp(hashes + i * WEFT_SHORT_HASH, hash, WEFT_SHORT_HASH))
			return true;
	}
	return false;
}

/* Whether we have something in this range that the other did not list. */
static bool have_more(const struct weft_index *index, size_t first, size_t end,
		      const uint8_t *hashes, size_t count)
{
	if (end - first > count)
		return true;
	for (; first < end; first++) {
		if (!lists(hashes, count, index->at[first]->hash.bytes))
			return true;
	}
	return false;
}

void weft_sync_list(struct weft_node *node, const struct weft_time *now,
		    struct weft_contact *contact, const struct weft_list *list)
{
	struct answer answer;
	size_t i, n, first, end;

	begin(&answer, node, now, contact, true);
	for (i = 0; i < list->count; i++) {
		for (n = 0; n < list->at[i].count; n++)
			want(node, contact, list->at[i].hashes + n * WEFT_SHORT_HASH);
		bounds(answer.index, &list->at[i].range, &first, &end);
		if (!list->answer &&
		    have_more(answer.index, first, end, list->at[i].hashes, list->at[i].count))
			describe(&answer, &list->at[i].range);
	}
	finish(&answer);
	weft_sync_run(node, now);
}

static void forget_want(struct weft_node *node, size_t n)
{
	node->wants.at[n] = node->wants.at[--node->wants.count];
}

/* A record came, and need not be asked for any more. */
void weft_sync_arrived(struct weft_node *node, const struct weft_id *hash)
{
	size_t i;

	for (i = 0; i < node->wants.count; i++) {
		if (!memcmp(node->wants.at[i].hash.bytes, hash->bytes, WEFT_SHORT_HASH)) {
			forget_want(node, i);
			return;
		}
	}
}

static unsigned int outstanding(const struct weft_node *node, const struct weft_contact *contact)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < node->wants.count; i++)
		count += node->wants.at[i].asked_ms &&
			 weft_id_equal(&node->wants.at[i].from, &contact->id);
	return count;
}

/* Ask a member for the next ones, when it has answered for half of the last. */
static void ask(struct weft_node *node, const struct weft_time *now,
		struct weft_contact *contact)
{
	struct weft_message message = { .type = WEFT_WANT };
	uint8_t hashes[ASKED * WEFT_SHORT_HASH];
	struct weft_wanted_record *wanted;
	size_t i, count = 0, most = ASKED - outstanding(node, contact);

	for (i = 0; most >= ASKED / 2 && i < node->wants.count && count < most; i++) {
		wanted = &node->wants.at[i];
		if (wanted->asked_ms || !weft_id_equal(&wanted->from, &contact->id))
			continue;
		wanted->asked_ms = now->ms;
		memcpy(hashes + count++ * WEFT_SHORT_HASH, wanted->hash.bytes, WEFT_SHORT_HASH);
	}
	message.want = (struct weft_want){ .count = count, .hashes = hashes };
	if (count)
		weft_send(node, contact->address, &message);
}

/*
 * What was not answered is asked for again, and then dropped: the next comparison finds it, here or at
 * another member.
 */
static void drop_late(struct weft_node *node, const struct weft_time *now)
{
	struct weft_wanted_record *wanted;
	struct weft_contact *contact;
	size_t i = 0;

	while (i < node->wants.count) {
		wanted = &node->wants.at[i];
		contact = weft_contact_find(node, &wanted->from);
		if (wanted->asked_ms && now->ms >= wanted->asked_ms + ANSWER_TAKES) {
			wanted->asked_ms = 0;
			wanted->tries++;
		}
		if (contact && contact->wanted && wanted->tries < ASK_TRIES)
			i++;
		else
			forget_want(node, i);
	}
}

void weft_sync_run(struct weft_node *node, const struct weft_time *now)
{
	size_t i;

	if (!node->wants.count)
		return;
	drop_late(node, now);
	for (i = 0; i < node->contacts.count && node->wants.count; i++) {
		if (node->contacts.at[i]->wanted)
			ask(node, now, node->contacts.at[i]);
	}
}

uint64_t weft_sync_due(const struct weft_node *node)
{
	uint64_t due = WEFT_NEVER;
	size_t i;

	for (i = 0; i < node->wants.count; i++) {
		if (node->wants.at[i].asked_ms && node->wants.at[i].asked_ms + ANSWER_TAKES < due)
			due = node->wants.at[i].asked_ms + ANSWER_TAKES;
	}
	return due;
}
