// SPDX-License-Identifier: GPL-2.0-or-later
/* See crowd.h. */
#include "crowd.h"
#include "share.h"
#include "state.h"

/* Seeds of invitations' secrets, where no member's are. */
#define INVITATIONS 20000
/* When a member is revoked, those of the same invitation are admitted anew. */
#define USES 10
#define ASK_EVERY 10

/* The root has one of the numbers. */
static unsigned int identity_number(unsigned int n)
{
	return n < ROOT ? n : n + 1;
}

static void say_settings(struct weft_roster *roster)
{
	struct weft_fields fields = about(WEFT_NETWORK, ROOT, NOW);

	fields.has = WEFT_HAS(WEFT_KEY_IPV4_PREFIX);
	fields.ipv4_prefix = ipv4_prefix(10, 77, 0, 0, 16);
	set_name(&fields, "home");
	must_add(roster, sign(&fields, ROOT));
}

static void announce(struct weft_roster *roster, unsigned int n)
{
	struct weft_identity identity = identity_of(identity_number(n));
	struct weft_fields fields = { .type = WEFT_ANNOUNCEMENT, .network = root_of().id };
	struct weft_record *record;

	fields.issued = NOW;
	fields.tunnel = tunnel_of(identity_number(n)).public_key;
	fields.endpoints.count = 1;
	fields.endpoints.at[0] = (struct weft_ip_endpoint){
		.size = 4, .address = { 198, 18, n >> 8, n & 0xff }, .port = 5000 };
	fields.has = WEFT_HAS(WEFT_KEY_TUNNEL) | WEFT_HAS(WEFT_KEY_ENDPOINTS);
	assert_int_equal(weft_record_sign(&record, &fields, &identity), 0);
	must_add(roster, record);
}

static void admit(struct weft_roster *roster, const struct weft_record *invitation,
		  unsigned int n)
{
	struct weft_identity identity = identity_of(identity_number(n));
	uint8_t seed[WEFT_SEED_LEN], ipv4[4] = { 10, 77, (n + 1) >> 8, (n + 1) & 0xff };
	struct weft_record *record;
	char name[16];

	snprintf(name, sizeof(name), "node-%u", n);
	seed_of(seed, INVITATIONS + n / USES);
	assert_int_equal(weft_invitation_redeem(&record, invitation, seed, &identity, name, ipv4,
						NOW), 0);
	must_add(roster, record);
	announce(roster, n);
}

static struct weft_roster *crowd_roster(unsigned int members)
{
	struct weft_roster *roster = new_roster();
	struct weft_record *invitation = NULL;
	unsigned int n;

	say_settings(roster);
	for (n = 0; n < members; n++) {
		if (n % USES == 0) {
			weft_record_put(invitation);
			invitation = invitation_record(INVITATIONS + n / USES, ROOT, USES, NOW + DAY);
			assert_int_equal(weft_roster_add(roster, invitation), 0);
		}
		admit(roster, invitation, n);
	}
	weft_record_put(invitation);
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	return roster;
}

static struct weft_secrets secrets_of(unsigned int n)
{
	struct weft_secrets secrets = { .network = root_of().id, .sequence = NOW };
	unsigned int number = identity_number(n);

	seed_of(secrets.identity, number);
	seed_of(secrets.tunnel, number);
	secrets.tunnel[29] = number & 0xff;
	secrets.tunnel[30] = 1;
	if (!n) {
		secrets.has_root = true;
		seed_of(secrets.root, ROOT);
	}
	return secrets;
}

struct sim *crowd_new(uint64_t seed, unsigned int members, unsigned int max_nodes)
{
	struct sim *sim = sim_new(seed, max_nodes);
	struct weft_roster *roster = crowd_roster(members), *copy;
	struct weft_secrets secrets;
	unsigned int n;

	share_roster(roster);
	for (n = 0; n < members; n++) {
		secrets = secrets_of(n);
		assert_int_equal(weft_roster_clone(&copy, roster), 0);
		assert_int_equal(sim_restore(sim, &secrets, copy), n);
		/* where it was when it said so */
		sim->nodes[n].at.port = 5000;
		sim_tell_endpoints(sim, n);
	}
	weft_roster_free(roster);
	return sim;
}

void crowd_free(struct sim *sim)
{
	sim_free(sim);
	share_forget();
}

static bool knows(const struct sim_node *node, const struct weft_id *subject, bool is)
{
	const struct weft_member *member;

	member = weft_roster_member(weft_node_roster(node->node), subject);
	return (member && member->state == WEFT_MEMBER) == is;
}

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Members that are up, but for the subject. */
static unsigned int whom_to_ask(struct sim *sim, const struct weft_id *subject, unsigned int *list)
{
	unsigned int n, count = 0;

	for (n = 0; n < sim->count; n++) {
		if (sim->nodes[n].up && weft_node_state(sim->nodes[n].node) == WEFT_NODE_MEMBER &&
		    !weft_id_equal(weft_node_id(sim->nodes[n].node), subject))
			list[count++] = n;
	}
	return count;
}

void crowd_spread(struct sim *sim, const struct weft_id *subject, bool is, uint64_t since_ms,
		  uint64_t limit_ms, struct spread *spread)
{
	unsigned int *list = calloc(sim->count, sizeof(*list)), left, i;
	uint64_t *times = calloc(sim->count, sizeof(*times)), end = sim->ms + limit_ms;

	assert_true(list && times);
	left = whom_to_ask(sim, subject, list);
	memset(spread, 0, sizeof(*spread));
	spread->asked = left;
	for (;;) {
		for (i = 0; i < left;) {
			/* who stopped meanwhile is not waited for */
			if (!sim->nodes[list[i]].up) {
				spread->asked--;
				list[i] = list[--left];
			} else if (knows(&sim->nodes[list[i]], subject, is)) {
				times[spread->knew++] = sim->ms - since_ms;
				list[i] = list[--left];
			} else {
				i++;
			}
		}
		if (!left || sim->ms >= end)
			break;
		sim_run(sim, ASK_EVERY);
	}
	qsort(times, spread->knew, sizeof(*times), compare_numbers);
	if (spread->knew) {
		spread->median_ms = times[(spread->knew - 1) / 2];
		spread->most_ms = times[(spread->knew - 1) * 99 / 100];
		spread->all_ms = times[spread->knew - 1];
	}
	free(list);
	free(times);
}

void crowd_traffic(struct sim *sim, uint64_t ms, struct traffic *traffic)
{
	unsigned int n, count = sim->count;
	uint64_t *bytes = calloc(count, sizeof(*bytes)), sum = 0;

	assert_non_null(bytes);
	for (n = 0; n < count; n++)
		bytes[n] = sim->nodes[n].wire_bytes;
	sim_run(sim, ms);
	for (n = 0; n < count; n++) {
		bytes[n] = (sim->nodes[n].wire_bytes - bytes[n]) * 1000 / ms;
		sum += bytes[n];
	}
	qsort(bytes, count, sizeof(*bytes), compare_numbers);
	traffic->mean = 1.0 * sum / count;
	traffic->median = bytes[count / 2];
	traffic->most = bytes[count - 1];
	free(bytes);
}

/* Allocations, and what of them was made and not freed while they were counted. */
struct block {
	size_t cost;
	size_t size;
};

static bool counting;
static int64_t in_use, most_in_use;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __real_free(void *old);
void __wrap_free(void *old);

/* As the C library's allocator rounds, with what it needs itself: the same in every run. */
static size_t cost(size_t size)
{
	size_t chunk = (size + sizeof(size_t) + 15) / 16 * 16;

	return chunk < 32 ? 32 : chunk;
}

void *__wrap_malloc(size_t size)
{
	struct block *block = __real_malloc(sizeof(*block) + size);

	if (!block)
		return NULL;
	block->size = size;
	block->cost = counting ? cost(size) : 0;
	in_use += block->cost;
	if (in_use > most_in_use)
		most_in_use = in_use;
	return block + 1;
}

void *__wrap_calloc(size_t count, size_t size)
{
	void *allocated = count && size > SIZE_MAX / 2 / count ? NULL : __wrap_malloc(count * size);

	return allocated ? memset(allocated, 0, count * size) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
	struct block *block = old;
	void *allocated = __wrap_malloc(size);

	if (!old || !allocated)
		return allocated;
	block--;
	memcpy(allocated, old, block->size < size ? block->size : size);
	__wrap_free(old);
	return allocated;
}

void __wrap_free(void *old)
{
	struct block *block = old;

	if (!old)
		return;
	block--;
	in_use -= block->cost;
	__real_free(block);
}

static struct weft_roster *roster_from(const uint8_t *bytes, size_t len)
{
	struct weft_roster *roster = new_roster();
	size_t taken;

	assert_int_equal(weft_roster_decode(roster, bytes, len, &taken), 0);
	return roster;
}

/* As a daemon begins: with what is on the disk. And then it is told what makes it look at all again. */
static void live(struct sim *sim, const uint8_t *bytes, size_t len, struct memory *memory)
{
	struct weft_secrets secrets = secrets_of(0);
	struct weft_node_config config = { .seed = { 1 } };
	struct weft_time now = { sim->ms, sim->unix_s + sim->ms / 1000 };
	struct weft_node *node;
	size_t count;

	in_use = 0;
	most_in_use = 0;
	counting = true;
	assert_int_equal(weft_node_restore(&node, &config, &secrets, roster_from(bytes, len), NULL, 0,
					   &now), 0);
	while (weft_node_output(node, &now))
		;
	/* its own announcement comes, which has no endpoint any more, and others' pings */
	for (count = 0; count < 600; count++) {
		now.ms += 100;
		now.unix_s = sim->unix_s + now.ms / 1000;
		weft_node_tick(node, &now);
		while (weft_node_output(node, &now))
			;
	}
	counting = false;
	weft_roster_members(weft_node_roster(node), &count);
	assert_true(count > 0);
	memory->rests = in_use / count;
	memory->most = most_in_use / count;
	weft_node_free(node);
}

void crowd_memory(struct sim *sim, unsigned int n, struct memory *memory)
{
	uint8_t *bytes;
	size_t len;
	bool was;

	assert_int_equal(weft_roster_encode(weft_node_roster(sim->nodes[n].node), &bytes, &len), 0);
	was = share_pause();
	live(sim, bytes, len, memory);
	share_resume(was);
	free(bytes);
}
