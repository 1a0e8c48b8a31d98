// SPDX-License-Identifier: GPL-2.0-or-later
/* Nodes that get what they should not: late, doubled, forged, damaged, in the wrong state; no memory. */
#include "sim.h"
#include "node_internal.h"

/* Whether allocations of the core fail, and which: @left succeed, or one of @one_of fails. */
static bool in_core, failed;
static int left = -1;
static uint64_t one_of, dice;

static bool fails(void)
{
	if (!in_core)
		return false;
	if (one_of) {
		dice = dice * 6364136223846793005 + 1442695040888963407;
		return (dice >> 33) % one_of == 0;
	}
	if (left < 0 || left-- > 0)
		return false;
	failed = true;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

/* Inputs do not fail: so the simulator need not know that there is no memory. */
void __real_weft_node_datagram(struct weft_node *node, const struct weft_time *now,
			       const uint8_t from[16], const void *bytes, size_t len);
void __wrap_weft_node_datagram(struct weft_node *node, const struct weft_time *now,
			       const uint8_t from[16], const void *bytes, size_t len);
const struct weft_output *__real_weft_node_output(struct weft_node *node,
						  const struct weft_time *now);
const struct weft_output *__wrap_weft_node_output(struct weft_node *node,
						  const struct weft_time *now);
void __real_weft_node_unknown_peer(struct weft_node *node, const struct weft_time *now,
				   const struct weft_tunnel_key *peer,
				   const struct weft_candidate *at);
void __wrap_weft_node_unknown_peer(struct weft_node *node, const struct weft_time *now,
				   const struct weft_tunnel_key *peer,
				   const struct weft_candidate *at);

void __wrap_weft_node_datagram(struct weft_node *node, const struct weft_time *now,
			       const uint8_t from[16], const void *bytes, size_t len)
{
	in_core = true;
	__real_weft_node_datagram(node, now, from, bytes, len);
	in_core = false;
}

/* All that becomes due is done in here. */
const struct weft_output *__wrap_weft_node_output(struct weft_node *node,
						  const struct weft_time *now)
{
	const struct weft_output *output;

	in_core = true;
	output = __real_weft_node_output(node, now);
	in_core = false;
	return output;
}

void __wrap_weft_node_unknown_peer(struct weft_node *node, const struct weft_time *now,
				   const struct weft_tunnel_key *peer,
				   const struct weft_candidate *at)
{
	in_core = true;
	__real_weft_node_unknown_peer(node, now, peer, at);
	in_core = false;
}

#define KEY_OF(n) ((struct weft_tunnel_key[]){ tunnel_of(n).public_key })

static const uint8_t *address_of(struct sim *sim, unsigned int n)
{
	return sim->nodes[n].addresses[0].address;
}

static uint64_t dropped(struct sim *sim, unsigned int n, enum weft_drop drop)
{
	return weft_node_stats(sim->nodes[n].node)->drops[drop];
}

static void say(struct sim *sim, unsigned int to, const uint8_t from[16],
		const struct weft_message *message)
{
	struct weft_time now = sim_time(&sim->nodes[to]);
	uint8_t bytes[WEFT_MAX_DATAGRAM];

	weft_node_datagram(sim->nodes[to].node, &now, from, bytes,
			   weft_message_encode(bytes, message));
}

static void say_record(struct sim *sim, unsigned int to, const uint8_t from[16],
		       const struct weft_record *record)
{
	struct weft_message message = { .type = WEFT_RECORDS };

	message.records = (struct weft_records){ .count = 1,
						 .at[0] = { record->bytes, record->len } };
	say(sim, to, from, &message);
}

static bool joining_in(struct sim *sim, unsigned int n, enum weft_join_phase phase)
{
	const struct weft_joining *joining = sim->nodes[n].node->joining;

	return joining && joining->phase == phase;
}

/* A joiner, alone with what the test tells it from when it comes to @phase on. */
static unsigned int joiner_in(struct sim *sim, enum weft_join_phase phase)
{
	char *token = sim_invite(sim, 0, 1);
	unsigned int n = sim_join(sim, token, "joiner"), i;

	free(token);
	for (i = 0; i < 20000 && !joining_in(sim, n, phase); i++)
		sim_run(sim, 1);
	assert_true(joining_in(sim, n, phase));
	sim->nodes[n].group = 1;
	return n;
}

static struct weft_record *root_says(struct sim *sim, unsigned int subject, const char *name)
{
	struct weft_fields fields = { .type = WEFT_ADMISSION, .issued = NOW,
				      .subject = identity_of(subject).id,
				      .has = WEFT_HAS(WEFT_KEY_SUBJECT) };
	struct weft_record *record;
	struct weft_identity root;

	weft_identity_from_seed(&root, weft_node_secrets(sim->nodes[0].node)->root);
	fields.network = root.id;
	set_name(&fields, name);
	assert_int_equal(weft_record_sign(&record, &fields, &root), 0);
	return record;
}

static const uint8_t *door_address(struct sim *sim, unsigned int n)
{
	struct weft_node *node = sim->nodes[n].node;

	return weft_contact_find(node, &node->joining->door)->address;
}

static struct weft_record *root_revokes(struct sim *sim, unsigned int n)
{
	struct weft_fields fields = { .type = WEFT_REVOCATION, .issued = NOW,
				      .subject = *weft_node_id(sim->nodes[n].node),
				      .has = WEFT_HAS(WEFT_KEY_SUBJECT) };
	struct weft_record *record;
	struct weft_identity root;

	weft_identity_from_seed(&root, weft_node_secrets(sim->nodes[0].node)->root);
	fields.network = root.id;
	assert_int_equal(weft_record_sign(&record, &fields, &root), 0);
	return record;
}

static void ask_secret(struct sim *sim, unsigned int to, const uint8_t from[16])
{
	struct weft_message message = { .type = WEFT_ASK_SECRET };

	weft_commitment(&message.commitment, weft_node_secrets(sim->nodes[0].node)->epoch);
	say(sim, to, from, &message);
}

/* Who asks for the secret is out by what came just before: it is nobody any more, and gets nothing. */
static void test_secret_for_the_revoked(void **state)
{
	struct sim *sim = sim_network(94, 3, 3);
	struct weft_node *node = sim->nodes[1].node;
	struct weft_record *record = root_revokes(sim, 2);
	uint8_t asker[16];
	uint64_t sent;

	(void)state;
	memcpy(asker, address_of(sim, 2), sizeof(asker));
	sent = weft_node_stats(node)->sent;
	ask_secret(sim, 1, asker);
	assert_int_equal(weft_node_stats(node)->sent, sent + 1);
	say_record(sim, 1, address_of(sim, 0), record);
	weft_record_put(record);
	assert_non_null(weft_contact_by_address(node, asker));
	sent += 1 + node->partings.count;
	ask_secret(sim, 1, asker);
	assert_null(weft_contact_by_address(node, asker));
	assert_int_equal(weft_node_stats(node)->sent, sent + node->partings.count);
	sim_free(sim);
}

/* All that node @of has is said to @to, which does nothing about it yet. */
static void say_all(struct sim *sim, unsigned int to, const uint8_t from[16], unsigned int of)
{
	const struct weft_roster *roster = weft_node_roster(sim->nodes[of].node);
	size_t i;

	for (i = 0; i < weft_roster_count(roster); i++)
		say_record(sim, to, from, weft_roster_at(roster, i, NULL));
}

/* Nor does a joiner give it to anybody; and to be asked is no reason to find out that it has joined. */
static void test_secret_of_a_joiner(void **state)
{
	struct sim *sim = sim_network(97, 3, 4);
	unsigned int n = joiner_in(sim, WEFT_JOIN_LEARN);
	struct weft_node *node = sim->nodes[n].node;
	uint8_t door[16];
	uint64_t sent;

	(void)state;
	memcpy(door, door_address(sim, n), sizeof(door));
	say_all(sim, n, door, 0);
	sent = weft_node_stats(node)->sent;
	ask_secret(sim, n, door);
	assert_int_equal(weft_node_stats(node)->sent, sent);
	assert_true(joining_in(sim, n, WEFT_JOIN_LEARN));
	sim_pump(&sim->nodes[n]);
	assert_int_equal(weft_node_state(node), WEFT_NODE_MEMBER);
	sim_free(sim);
}

/* By what came just before a guest spoke, we are out: it is no guest then, and nobody is answered. */
static void test_door_that_is_out(void **state)
{
	struct weft_message knock = { .type = WEFT_KNOCK }, join = { .type = WEFT_JOIN };
	struct weft_joining *joining;
	struct weft_record *record;
	struct weft_node *door;
	unsigned int i, n, at;
	struct sim *sim;

	(void)state;
	for (i = 0; i < 2; i++) {
		sim = sim_network(95, 3, 4);
		n = joiner_in(sim, WEFT_JOIN_HAND_OVER);
		joining = sim->nodes[n].node->joining;
		for (at = 0; !weft_id_equal(&joining->door, weft_node_id(sim->nodes[at].node)); at++)
			;
		door = sim->nodes[at].node;
		knock.knock.joiner = *weft_node_id(sim->nodes[n].node);
		knock.knock.invitation = joining->token.invitation->hash;
		join.join.admission = (struct weft_bytes){ joining->admission->bytes,
							   joining->admission->len };
		join.join.announcement = (struct weft_bytes){ joining->announcement->bytes,
							      joining->announcement->len };
		record = root_revokes(sim, at);
		say_record(sim, at, address_of(sim, (at + 1) % 3), record);
		weft_record_put(record);
		assert_int_equal(weft_node_state(door), WEFT_NODE_MEMBER);
		assert_non_null(weft_guest_by_address(door, joining->address));
		say(sim, at, joining->address, i ? &join : &knock);
		assert_int_equal(weft_node_state(door), WEFT_NODE_EXCLUDED);
		assert_null(weft_guest_by_address(door, joining->address));
		assert_int_equal(door->queue.count, 0);
		assert_int_equal(door->contacts.count, 0);
		sim_free(sim);
	}
}

/* That our own membership has expired shows when a joiner's records come in: nobody is let in then. */
static void test_door_that_expires(void **state)
{
	struct weft_message join = { .type = WEFT_JOIN };
	struct sim *sim = sim_network(96, 1, 3);
	struct weft_invite wish = sim_wish(sim, 1);
	struct weft_joining *joining;
	struct weft_node *door;
	unsigned int n;
	char *token;

	(void)state;
	wish.grant.member_expires = wish.grant.expires - DAY + 3600;
	wish.grant.has |= WEFT_HAS(WEFT_KEY_MEMBER_EXPIRES);
	token = sim_invite_with(sim, 0, &wish);
	assert_int_equal(sim_join(sim, token, "expires"), 1);
	free(token);
	sim_run(sim, 30 * SIM_SECOND);
	token = sim_invite(sim, 0, 1);
	sim_run(sim, 30 * SIM_SECOND);
	sim_kill(sim, 0);
	n = sim_join(sim, token, "joiner");
	free(token);
	while (!joining_in(sim, n, WEFT_JOIN_HAND_OVER))
		sim_run(sim, 1);
	joining = sim->nodes[n].node->joining;
	door = sim->nodes[1].node;
	join.join.admission = (struct weft_bytes){ joining->admission->bytes,
						   joining->admission->len };
	join.join.announcement = (struct weft_bytes){ joining->announcement->bytes,
						      joining->announcement->len };
	sim->nodes[1].clock_ahead_s = 7200;
	assert_int_equal(weft_node_state(door), WEFT_NODE_MEMBER);
	say(sim, 1, joining->address, &join);
	assert_int_equal(weft_node_state(door), WEFT_NODE_EXCLUDED);
	assert_int_equal(door->queue.count, 0);
	assert_int_equal(door->contacts.count, 0);
	sim_pump(&sim->nodes[1]);
	assert_int_equal(sim->nodes[1].notices[WEFT_NOTICE_ADMITTED], 0);
	sim_free(sim);
}

/* Let in to a large network: while records come it does not begin anew; when none do, it does. */
static void test_learns_long(void **state)
{
	struct sim *sim = sim_network(80, 3, 4);
	unsigned int n = joiner_in(sim, WEFT_JOIN_LEARN), i;
	struct weft_record *record;
	uint8_t door[16];
	char name[16];

	(void)state;
	memcpy(door, door_address(sim, n), sizeof(door));
	for (i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "other%u", i);
		record = root_says(sim, 300 + i, name);
		say_record(sim, n, door, record);
		weft_record_put(record);
		sim_pump(&sim->nodes[n]);
		sim_run(sim, 20 * SIM_SECOND);
		assert_true(joining_in(sim, n, WEFT_JOIN_LEARN));
	}
	sim_run(sim, 15 * SIM_SECOND);
	assert_true(joining_in(sim, n, WEFT_JOIN_KNOCK));
	/* and comes in after all */
	sim->nodes[n].group = 0;
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(weft_node_state(sim->nodes[n].node), WEFT_NODE_MEMBER);
	sim_free(sim);
}

/* A door that goes on and on telling records, but never what is needed, is not waited for for ever. */
static void test_door_that_keeps(void **state)
{
	struct sim *sim = sim_network(88, 3, 4);
	unsigned int n = joiner_in(sim, WEFT_JOIN_LEARN), i;
	struct weft_message open = { .type = WEFT_DOOR };
	struct weft_node *node = sim->nodes[n].node;
	struct weft_record *record;
	uint8_t door[16];
	char name[16];

	(void)state;
	memcpy(door, door_address(sim, n), sizeof(door));
	for (i = 0; i < 30 && joining_in(sim, n, WEFT_JOIN_LEARN); i++) {
		snprintf(name, sizeof(name), "other%u", i);
		record = root_says(sim, 300 + i, name);
		say_record(sim, n, door, record);
		weft_record_put(record);
		sim_pump(&sim->nodes[n]);
		sim_run(sim, 20 * SIM_SECOND);
	}
	assert_int_equal(i, 30);
	sim_run(sim, SIM_SECOND);
	assert_true(joining_in(sim, n, WEFT_JOIN_KNOCK));
	/* the others are asked first; not it, even if it opens unasked */
	open.door.joiner = *weft_node_id(node);
	open.door.unix_s = sim_time(&sim->nodes[n]).unix_s;
	say(sim, n, door, &open);
	assert_true(joining_in(sim, n, WEFT_JOIN_KNOCK));
	/* none of them answers */
	sim_run(sim, 15 * SIM_SECOND);
	assert_true(joining_in(sim, n, WEFT_JOIN_KNOCK));
	say(sim, n, door, &open);
	assert_true(joining_in(sim, n, WEFT_JOIN_HAND_OVER));
	assert_memory_equal(door, door_address(sim, n), sizeof(door));
	/* it does not welcome us either */
	sim_run(sim, 10 * SIM_SECOND);
	assert_true(joining_in(sim, n, WEFT_JOIN_KNOCK));
	say(sim, n, door, &open);
	assert_true(joining_in(sim, n, WEFT_JOIN_KNOCK));
	/* with nobody else to ask, it is asked */
	node->joining->refused = (1U << node->joining->door_count) - 1;
	for (i = 0; i < node->joining->door_count; i++) {
		if (weft_id_equal(&node->joining->doors[i].identity, &node->joining->door))
			node->joining->refused &= ~(1U << i);
	}
	say(sim, n, door, &open);
	assert_true(joining_in(sim, n, WEFT_JOIN_HAND_OVER));
	sim->nodes[n].group = 0;
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(weft_node_state(node), WEFT_NODE_MEMBER);
	sim_free(sim);
}

/* What waited to be sent under the invitation's address is not sent under one's own. */
static void test_old_address(void **state)
{
	struct sim *sim = sim_network(81, 3, 4);
	unsigned int n = joiner_in(sim, WEFT_JOIN_HAND_OVER), device = 0, sent = 0;
	struct weft_message welcome = { .type = WEFT_WELCOME };
	struct weft_node *node = sim->nodes[n].node;
	struct weft_time now = sim_time(&sim->nodes[n]);
	const struct weft_output *output;
	uint8_t guest[16];

	(void)state;
	memcpy(guest, node->joining->address, sizeof(guest));
	assert_memory_equal(guest, address_of(sim, n), sizeof(guest));
	now.ms += 2 * SIM_SECOND;
	weft_node_tick(node, &now);
	weft_join_run(node, &now);
	assert_true(node->queue.count > 0);
	say(sim, n, door_address(sim, n), &welcome);
	assert_true(joining_in(sim, n, WEFT_JOIN_LEARN));
	while ((output = weft_node_output(node, &now))) {
		if (output->type == WEFT_OUT_DEVICE) {
			assert_memory_not_equal(output->device.addresses[0].address, guest, 16);
			device++;
		}
		if (output->type != WEFT_OUT_DATAGRAM)
			continue;
		assert_int_equal(device, 1);
		assert_memory_not_equal(output->datagram.from, guest, sizeof(guest));
		sent++;
	}
	assert_int_equal(device, 1);
	assert_true(sent > 0);
	sim_free(sim);
}

/* Answers of doors that were not asked, that come late, twice, or say what is not so yet. */
static void test_doors(void **state)
{
	struct sim *sim = sim_network(82, 3, 6);
	unsigned int n = joiner_in(sim, WEFT_JOIN_HAND_OVER);
	struct weft_node *node = sim->nodes[n].node;
	struct weft_message welcome = { .type = WEFT_WELCOME }, door = { .type = WEFT_DOOR };
	uint8_t at[16], other[16];
	unsigned int i, k;

	(void)state;
	memcpy(at, door_address(sim, n), sizeof(at));
	for (i = 0; i < node->joining->door_count; i++) {
		if (!weft_id_equal(&node->joining->doors[i].identity, &node->joining->door))
			break;
	}
	assert_true(i < node->joining->door_count);
	memcpy(other, weft_contact_find(node, &node->joining->doors[i].identity)->address, 16);
	/* another's welcome is none, and another's answer comes too late */
	say(sim, n, other, &welcome);
	assert_int_equal(dropped(sim, n, WEFT_DROP_UNASKED), 1);
	door.door.joiner = *weft_node_id(node);
	door.door.error = -EKEYREVOKED;
	say(sim, n, other, &door);
	assert_true(joining_in(sim, n, WEFT_JOIN_HAND_OVER));
	assert_int_equal(node->joining->refused, 0);
	/* it may be otherwise soon */
	welcome.welcome = -EAGAIN;
	say(sim, n, at, &welcome);
	assert_true(joining_in(sim, n, WEFT_JOIN_HAND_OVER));
	/* it lost the invitation: begin anew */
	welcome.welcome = -ENOENT;
	say(sim, n, at, &welcome);
	assert_true(joining_in(sim, n, WEFT_JOIN_KNOCK));
	/* now it comes unasked */
	welcome.welcome = 0;
	say(sim, n, at, &welcome);
	assert_int_equal(dropped(sim, n, WEFT_DROP_UNASKED), 2);
	assert_true(joining_in(sim, n, WEFT_JOIN_KNOCK));
	door.door = (struct weft_door){ .joiner = *weft_node_id(node),
					.unix_s = sim_time(&sim->nodes[n]).unix_s };
	say(sim, n, at, &door);
	assert_true(joining_in(sim, n, WEFT_JOIN_HAND_OVER));
	/* refused there: the others are asked */
	welcome.welcome = -EACCES;
	say(sim, n, at, &welcome);
	assert_true(joining_in(sim, n, WEFT_JOIN_KNOCK));
	assert_true(node->joining->refused != 0);
	sim_pump(&sim->nodes[n]);
	assert_int_equal(sim->nodes[n].notices[WEFT_NOTICE_REFUSED], 1);
	assert_false(sim->nodes[n].last[WEFT_NOTICE_REFUSED].final);
	door.door.error = -ENOSPC;
	say(sim, n, other, &door);
	door.door.error = -EKEYEXPIRED;
	for (k = 0; k < node->joining->door_count; k++)
		say(sim, n, weft_contact_find(node, &node->joining->doors[k].identity)->address,
		    &door);
	sim_pump(&sim->nodes[n]);
	assert_true(sim->nodes[n].last[WEFT_NOTICE_REFUSED].final);
	/* that was it */
	door.door.error = 0;
	say(sim, n, at, &door);
	sim_run(sim, SIM_MINUTE);
	assert_true(joining_in(sim, n, WEFT_JOIN_KNOCK));
	sim_free(sim);
}

/* A door that has no such invitation, however often it is given it, keeps nobody from the others. */
static void test_door_that_forgets(void **state)
{
	struct sim *sim = sim_network(93, 3, 4);
	unsigned int n = joiner_in(sim, WEFT_JOIN_KNOCK), tries, i;
	struct weft_message door = { .type = WEFT_DOOR }, welcome = { .type = WEFT_WELCOME };
	struct weft_node *node = sim->nodes[n].node;
	struct weft_joining *joining = node->joining;
	uint8_t at[16];

	(void)state;
	assert_true(joining->door_count > 1);
	memcpy(at, weft_contact_find(node, &joining->doors[0].identity)->address, sizeof(at));
	door.door.joiner = *weft_node_id(node);
	door.door.unix_s = sim_time(&sim->nodes[n]).unix_s;
	/* more often than there is reason to knock again: the others are knocked at all the same */
	tries = joining->tries;
	door.door.error = -ENOENT;
	for (i = 0; i < 50; i++) {
		say(sim, n, at, &door);
		sim_pump(&sim->nodes[n]);
		sim_run(sim, SIM_SECOND / 10);
		assert_true(i != 6 || joining->tries > tries + 1);
	}
	assert_true(joining->tries > tries + 4);
	assert_int_equal(joining->slow, 1);
	/* it opens, and forgets: not for ever either */
	joining->slow = 0;
	door.door.error = 0;
	welcome.welcome = -ENOENT;
	for (i = 0; i < 20; i++) {
		say(sim, n, at, &door);
		if (!joining_in(sim, n, WEFT_JOIN_HAND_OVER))
			break;
		say(sim, n, at, &welcome);
		assert_true(joining_in(sim, n, WEFT_JOIN_KNOCK));
	}
	assert_in_range(i, 2, 10);
	assert_int_equal(joining->slow, 1);
	sim->nodes[n].group = 0;
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(weft_node_state(node), WEFT_NODE_MEMBER);
	sim_free(sim);
}

static struct weft_hint hint_of(unsigned int n)
{
	struct weft_hint hint = { .identity = identity_of(n).id, .tunnel = tunnel_of(n).public_key,
				  .endpoints.count = 1 };

	hint.endpoints.at[0] = (struct weft_ip_endpoint){ .size = 4, .port = 9,
							  .address = { 192, 0, 2, n & 0xff } };
	return hint;
}

static void find_doors(struct sim *sim, unsigned int n, unsigned int first, unsigned int end)
{
	struct weft_time now = sim_time(&sim->nodes[n]);
	struct weft_hint hint;

	for (; first < end; first++) {
		hint = hint_of(first);
		weft_join_found(sim->nodes[n].node, &now, &hint, NULL);
	}
	sim_pump(&sim->nodes[n]);
}

static bool third_is_member(struct sim *sim)
{
	return weft_node_state(sim->nodes[2].node) == WEFT_NODE_MEMBER;
}

/* Many are found that do not answer: that leaves room for one who does. */
static void test_many_doors(void **state)
{
	struct sim *sim = sim_network(84, 1, 3);
	struct weft_joining *joining;
	struct weft_contact *kept;
	struct weft_hint hint;
	struct weft_node *node;
	unsigned int n;
	char *token;

	(void)state;
	/* a member that the token does not name, and will be the only one left */
	token = sim_invite(sim, 0, 2);
	sim_join(sim, token, "other");
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(weft_node_state(sim->nodes[1].node), WEFT_NODE_MEMBER);
	sim_kill(sim, 0);
	n = sim_join(sim, token, "joiner");
	free(token);
	node = sim->nodes[n].node;
	joining = node->joining;
	assert_int_equal(joining->token.hint_count, 1);
	find_doors(sim, n, 400, 400 + WEFT_MAX_DOORS - 1);
	assert_int_equal(joining->door_count, WEFT_MAX_DOORS);
	/* as if they had refused; and one has a session */
	joining->refused = (1U << WEFT_MAX_DOORS) - 2;
	hint = hint_of(402);
	kept = weft_contact_find(node, &hint.identity);
	kept->session = true;
	find_doors(sim, n, 420, 520);
	assert_int_equal(joining->door_count, WEFT_MAX_DOORS);
	assert_memory_equal(&joining->doors[0], &joining->token.hints[0], sizeof(hint));
	assert_non_null(weft_join_hint(node, &hint.identity));
	assert_int_equal(joining->refused, 1U << 3);
	hint = hint_of(519);
	assert_non_null(weft_join_hint(node, &hint.identity));
	/* those that went are nowhere any more */
	assert_int_equal(node->contacts.count, WEFT_MAX_DOORS);
	assert_int_equal(sim->nodes[n].peer_count, WEFT_MAX_DOORS);
	sim->lan = true;
	assert_true(sim_until(sim, third_is_member, 2 * SIM_MINUTE) >= 0);
	sim_free(sim);
}

/* A door has another key than was said; or somebody says that it has. */
static void test_door_with_another_key(void **state)
{
	struct sim *sim = sim_network(87, 1, 2);
	unsigned int n = joiner_in(sim, WEFT_JOIN_KNOCK);
	struct weft_node *node = sim->nodes[n].node;
	struct weft_joining *joining = node->joining;
	struct weft_time now = sim_time(&sim->nodes[n]);
	struct weft_hint token = joining->token.hints[0], other = hint_of(500), hint;
	struct weft_contact *contact = weft_contact_find(node, &token.identity);

	(void)state;
	other.identity = token.identity;
	contact->session = true;
	weft_join_found(node, &now, &other, NULL);
	assert_memory_equal(&joining->doors[0], &token, sizeof(token));
	assert_memory_equal(&contact->key, &token.tunnel, sizeof(token.tunnel));
	contact->session = false;
	weft_join_found(node, &now, &other, NULL);
	assert_memory_equal(&joining->doors[0], &other, sizeof(other));
	assert_memory_equal(&contact->key, &other.tunnel, sizeof(other.tunnel));
	/* also for the next time */
	hint = joining->doors[0];
	assert_ptr_equal(weft_contact_hinted(node, &hint), contact);
	assert_memory_equal(&contact->key, &other.tunnel, sizeof(other.tunnel));
	/* nobody answers under that: so it may be as the token says */
	sim_pump(&sim->nodes[n]);
	sim->nodes[n].group = 0;
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(weft_node_state(node), WEFT_NODE_MEMBER);
	sim_free(sim);
}

/* A door opens, but there is no memory to sign what is to be handed over: that is no refusal. */
static void test_door_without_memory(void **state)
{
	struct sim *sim = sim_network(83, 1, 2);
	unsigned int n = joiner_in(sim, WEFT_JOIN_KNOCK), i;
	struct weft_message door = { .type = WEFT_DOOR };
	struct weft_node *node = sim->nodes[n].node;
	uint8_t at[16];

	(void)state;
	assert_int_equal(node->joining->door_count, 1);
	memcpy(at, weft_contact_find(node, &node->joining->doors[0].identity)->address, 16);
	door.door.unix_s = sim_time(&sim->nodes[n]).unix_s;
	/* one who knocks with the same token is answered at the same address */
	door.door.joiner = *weft_node_id(sim->nodes[0].node);
	say(sim, n, at, &door);
	assert_true(joining_in(sim, n, WEFT_JOIN_KNOCK));
	door.door.joiner = *weft_node_id(node);
	for (i = 0; i < 10 && !joining_in(sim, n, WEFT_JOIN_HAND_OVER); i++) {
		left = i;
		say(sim, n, at, &door);
		left = -1;
		assert_int_equal(node->joining->refused, 0);
	}
	/* the admission and the announcement, at least */
	assert_true(i > 2 && i < 10);
	sim_pump(&sim->nodes[n]);
	assert_int_equal(sim->nodes[n].notices[WEFT_NOTICE_REFUSED], 0);
	sim->nodes[n].group = 0;
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(weft_node_state(node), WEFT_NODE_MEMBER);
	sim_free(sim);
}

/* A guest of node 0 with this invitation's key; its address is told. */
static void arrive(struct sim *sim, const struct weft_tunnel_key *key, uint8_t address[16])
{
	struct weft_candidate at = { .at = sim->nodes[1].at };
	struct weft_time now = sim_time(&sim->nodes[0]);

	weft_node_unknown_peer(sim->nodes[0].node, &now, key, &at);
	weft_guest_address(address, &weft_node_secrets(sim->nodes[0].node)->network, key);
}

static int answer_of(struct sim *sim)
{
	struct weft_time now = sim_time(&sim->nodes[0]);
	const struct weft_output *output;
	struct weft_message message;
	int answer = 1;

	while ((output = weft_node_output(sim->nodes[0].node, &now))) {
		if (output->type != WEFT_OUT_DATAGRAM)
			continue;
		assert_int_equal(weft_message_decode(&message, output->datagram.bytes,
						     output->datagram.len), 0);
		if (message.type == WEFT_WELCOME)
			answer = message.welcome;
		if (message.type == WEFT_DOOR)
			answer = message.door.error;
	}
	return answer;
}

static void hand(struct sim *sim, const uint8_t address[16], const struct weft_record *admission,
		 const struct weft_record *announcement)
{
	struct weft_message message = { .type = WEFT_JOIN };

	message.join.admission = (struct weft_bytes){ admission->bytes, admission->len };
	message.join.announcement = (struct weft_bytes){ announcement->bytes, announcement->len };
	say(sim, 0, address, &message);
}

static struct weft_token token_of(struct sim *sim)
{
	char *text = sim_invite(sim, 0, 2);
	struct weft_token token;

	assert_int_equal(weft_token_decode(&token, text), 0);
	free(text);
	return token;
}

static struct weft_record *announcement_of(struct sim *sim, unsigned int n)
{
	struct weft_fields fields = { .type = WEFT_ANNOUNCEMENT, .issued = 1,
				      .network = weft_node_secrets(sim->nodes[0].node)->network,
				      .tunnel = tunnel_of(n).public_key,
				      .has = WEFT_HAS(WEFT_KEY_TUNNEL) };

	return sign(&fields, n);
}

/* A guest that brings what it should not. */
static void test_bad_guest(void **state)
{
	struct sim *sim = sim_network(83, 2, 4);
	struct weft_token token = token_of(sim), other = token_of(sim);
	struct weft_message message = { .type = WEFT_KNOCK };
	struct weft_identity joiner = identity_of(60);
	struct weft_invitation_keys keys;
	struct weft_record *admission, *announcement, *strange, *garbage;
	uint8_t guest[16], unknown[16];
	uint64_t before;
	unsigned int i;

	(void)state;
	weft_invitation_keys(&keys, token.secret);
	arrive(sim, &keys.tunnel.public_key, guest);
	arrive(sim, &keys.tunnel.public_key, guest);
	arrive(sim, KEY_OF(70), unknown);
	announcement = announcement_of(sim, 60);
	strange = announcement_of(sim, 61);
	garbage = root_says(sim, 62, "garbage");
	assert_int_equal(weft_invitation_redeem(&admission, other.invitation, other.secret, &joiner,
						"guest", NULL, NOW), 0);
	answer_of(sim);
	/* without an invitation */
	hand(sim, unknown, admission, announcement);
	assert_int_equal(answer_of(sim), -ENOENT);
	/* another's than what it came with; another record; one that its key is not of; whole or in pieces */
	before = dropped(sim, 0, WEFT_DROP_RECORD);
	say_record(sim, 0, unknown, token.invitation);
	say_record(sim, 0, unknown, garbage);
	message.type = WEFT_PIECE_OF_RECORD;
	message.piece.hash = garbage->hash;
	message.piece.total = garbage->len;
	message.piece.bytes = (struct weft_bytes){ garbage->bytes, garbage->len };
	say(sim, 0, unknown, &message);
	say_record(sim, 0, guest, token.invitation);
	assert_true(dropped(sim, 0, WEFT_DROP_RECORD) >= before + 3);
	message = (struct weft_message){ .type = WEFT_KNOCK };
	message.knock.joiner = joiner.id;
	message.knock.invitation = other.invitation->hash;
	say(sim, 0, guest, &message);
	assert_int_equal(answer_of(sim), -ENOENT);
	/* by another invitation; in the wrong order; of two machines; no records at all */
	hand(sim, guest, admission, announcement);
	assert_int_equal(answer_of(sim), -EPROTO);
	hand(sim, guest, announcement, admission);
	assert_int_equal(answer_of(sim), -EPROTO);
	hand(sim, guest, garbage, announcement);
	assert_int_equal(answer_of(sim), -EPROTO);
	hand(sim, guest, admission, strange);
	assert_int_equal(answer_of(sim), -EPROTO);
	hand(sim, guest, admission, admission);
	assert_int_equal(answer_of(sim), -EPROTO);
	garbage->bytes[garbage->len - 1] ^= 1;
	hand(sim, guest, garbage, announcement);
	assert_int_equal(answer_of(sim), -EPROTO);
	hand(sim, guest, admission, garbage);
	assert_int_equal(answer_of(sim), -EPROTO);
	/* what is said at no door */
	before = dropped(sim, 0, WEFT_DROP_UNASKED);
	say(sim, 0, guest, &(struct weft_message){ .type = WEFT_PING });
	assert_int_equal(dropped(sim, 0, WEFT_DROP_UNASKED), before + 1);
	for (i = 0; i < 40; i++)
		say(sim, 0, guest, &message);
	assert_true(dropped(sim, 0, WEFT_DROP_RATE) > 10);
	assert_int_equal(sim_members(sim, 0), 2);
	assert_null(weft_roster_member(weft_node_roster(sim->nodes[0].node), &joiner.id));
	weft_record_put(admission);
	weft_record_put(announcement);
	weft_record_put(strange);
	weft_record_put(garbage);
	weft_token_wipe(&token);
	weft_token_wipe(&other);
	sim_free(sim);
}

/* Who has an invitation gets the place of one that may have none. */
static void test_full_house(void **state)
{
	struct sim *sim = sim_network(84, 2, 3);
	struct weft_token tokens[9];
	struct weft_invitation_keys keys;
	uint8_t address[16];
	unsigned int i, known = 0;

	(void)state;
	for (i = 0; i < 9; i++)
		tokens[i] = token_of(sim);
	for (i = 0; i < 6; i++) {
		arrive(sim, KEY_OF(70 + i), address);
		sim_run(sim, SIM_SECOND);
	}
	for (i = 0; i < 9; i++) {
		weft_invitation_keys(&keys, tokens[i].secret);
		arrive(sim, &keys.tunnel.public_key, address);
		sim_pump(&sim->nodes[0]);
		sim_run(sim, SIM_SECOND);
	}
	for (i = 0; i < WEFT_MAX_GUESTS; i++)
		known += sim->nodes[0].node->guests[i].until_ms && sim->nodes[0].node->guests[i].known;
	assert_int_equal(known, WEFT_MAX_GUESTS);
	for (i = 0; i < 9; i++)
		weft_token_wipe(&tokens[i]);
	sim_free(sim);
}

/* Commands that cannot be, and what they leave as it was. */
static void test_bad_commands(void **state)
{
	struct sim *sim = sim_network(85, 3, 4);
	struct weft_node *node = sim->nodes[0].node;
	struct weft_static_member phone = { .name = "phone", .tunnel = tunnel_of(9).public_key };
	struct weft_routes routes = { .count = 2, .at = { ipv4_prefix(192, 168, 2, 0, 24),
							  ipv4_prefix(192, 168, 1, 0, 24) } };
	struct weft_time now = sim_time(&sim->nodes[0]);
	const struct weft_member *member;
	struct weft_id id, digest, after;
	unsigned int i;

	(void)state;
	sim_digest(sim, 0, &digest);
	assert_int_equal(weft_node_revoke(node, &now, weft_node_id(node), 0, NULL), -EINVAL);
	assert_int_equal(weft_node_set_routes(node, &now, &routes), -EPROTO);
	routes.at[0].address[3] = 1;
	assert_int_equal(weft_node_set_routes(node, &now, &routes), -EPROTO);
	phone.via = *weft_node_id(sim->nodes[1].node);
	phone.name = "No Name";
	assert_int_equal(weft_node_admit_static(node, &now, &phone, &id), -EPROTO);
	sim_digest(sim, 0, &after);
	assert_memory_equal(&digest, &after, sizeof(digest));
	/* with all that a stock member may have; attached to another of its kind it cannot be */
	phone.name = "phone";
	phone.expires = now.unix_s + DAY;
	phone.routes = (struct weft_routes){ .count = 1, .at[0] = ipv4_prefix(192, 168, 9, 0, 24) };
	assert_int_equal(weft_node_admit_static(node, &now, &phone, &id), 0);
	member = weft_roster_member(weft_node_roster(node), &id);
	assert_true(member->is_static && member->state == WEFT_MEMBER);
	sim_pump(&sim->nodes[0]);
	sim_run(sim, 20 * SIM_SECOND);
	/* whatever is for it goes to who routes for it */
	assert_memory_equal(weft_node_router(sim->nodes[2].node, &phone.routes.at[0]), &phone.via,
			    WEFT_ID_LEN);
	assert_null(weft_node_router(sim->nodes[2].node, &routes.at[1]));
	member = weft_roster_member(weft_node_roster(sim->nodes[2].node), &id);
	now = sim_time(&sim->nodes[2]);
	weft_node_unknown_destination(sim->nodes[2].node, &now, member->address, 16);
	weft_node_unknown_destination(sim->nodes[2].node, &now,
				      (uint8_t[]){ 192, 168, 9, 7 }, 4);
	weft_node_unknown_destination(sim->nodes[2].node, &now, (uint8_t[]){ 10, 1, 1, 1 }, 4);
	weft_node_unknown_destination(sim->nodes[2].node, &now, member->address, 7);
	weft_node_kernel_peer(sim->nodes[2].node, &now, KEY_OF(77));
	weft_node_unknown_peer(sim->nodes[2].node, &now, &phone.tunnel, NULL);
	sim_pump(&sim->nodes[2]);
	now = sim_time(&sim->nodes[0]);
	phone.name = "tablet";
	phone.tunnel = tunnel_of(10).public_key;
	phone.via = id;
	assert_int_equal(weft_node_admit_static(node, &now, &phone, &id), -ENOENT);
	phone.via = *weft_node_id(sim->nodes[1].node);
	assert_int_equal(weft_node_admit_static(node, &now, &phone, &id), 0);
	assert_int_equal(weft_node_revoke(node, &now, &id, 0, NULL), 0);
	phone.name = "again";
	assert_int_equal(weft_node_admit_static(node, &now, &phone, &id), -EKEYREVOKED);
	/* more than a record holds */
	routes.count = WEFT_MAX_ROUTES;
	for (i = 0; i < WEFT_MAX_ROUTES; i++)
		routes.at[i] = ipv4_prefix(172, 16, i, 0, 24);
	assert_int_equal(weft_node_set_routes(node, &now, &routes), 0);
	routes.count = 1;
	assert_int_equal(weft_node_set_routes(node, &now, &routes), 0);
	routes.at[0] = ipv4_prefix(172, 17, 0, 0, 24);
	assert_int_equal(weft_node_set_routes(node, &now, &routes), -EPROTO);
	assert_int_equal(weft_node_announce(node, &now), 0);
	sim_pump(&sim->nodes[0]);
	assert_int_equal(weft_node_leave(node, &now), 0);
	assert_int_equal(weft_node_announce(node, &now), -EAGAIN);
	assert_int_equal(weft_node_set_routes(node, &now, &routes), -EAGAIN);
	assert_int_equal(weft_node_leave(node, &now), -EAGAIN);
	sim_free(sim);
}

/* Beacons and hits that are forged, of others, of ourselves, of the wrong length, or switched off. */
static void test_forged_hints(void **state)
{
	struct weft_candidate from = { .at = { .size = 4, .address = { 192, 0, 2, 9 }, .port = 9 } };
	struct sim *sim = sim_network(86, 2, 3);
	struct weft_node *node = sim->nodes[0].node, *peer = sim->nodes[1].node;
	struct weft_time now = sim_time(&sim->nodes[0]);
	struct weft_tunnel_key key = peer->tunnel.public_key;
	struct weft_out_beacon beacon;
	struct weft_contact *contact;
	struct weft_output output;
	unsigned int i;

	(void)state;
	contact = weft_contact_find(node, weft_node_id(peer));
	contact->has_near = false;
	assert_true(weft_beacon_make(peer, &beacon));
	weft_node_beacon(node, &now, &from, beacon.bytes, WEFT_BEACON_BYTES - 1);
	beacon.bytes[50] ^= 1;
	weft_node_beacon(node, &now, &from, beacon.bytes, WEFT_BEACON_BYTES);
	beacon.bytes[50] ^= 1;
	node->config.beacons = false;
	weft_node_beacon(node, &now, &from, beacon.bytes, WEFT_BEACON_BYTES);
	node->config.beacons = true;
	node->secrets.has_epoch = false;
	weft_node_beacon(node, &now, &from, beacon.bytes, WEFT_BEACON_BYTES);
	node->secrets.has_epoch = true;
	/* who knows the secret, and claims to be another */
	peer->tunnel.public_key = tunnel_of(99).public_key;
	weft_beacon_make(peer, &beacon);
	weft_node_beacon(node, &now, &from, beacon.bytes, WEFT_BEACON_BYTES);
	peer->tunnel.public_key = key;
	weft_beacon_make(node, &beacon);
	weft_node_beacon(node, &now, &from, beacon.bytes, WEFT_BEACON_BYTES);
	peer->local.count = 0;
	assert_false(weft_beacon_make(peer, &beacon));
	weft_node_beacon(node, &now, &from, beacon.bytes, WEFT_BEACON_BYTES);
	assert_false(contact->has_near);
	/* the same of what others publish; what is none is no reason to look at all that may be due */
	node->config.rendezvous = true;
	peer->publish = true;
	assert_true(weft_rendezvous_output(peer, &now, &output));
	contact->alive = true;
	node->ran = true;
	output.rendezvous.bytes[100] ^= 1;
	weft_node_rendezvous_hit(node, &now, output.rendezvous.bytes, WEFT_RENDEZVOUS_BYTES);
	assert_true(node->ran);
	output.rendezvous.bytes[100] ^= 1;
	weft_node_rendezvous_hit(node, &now, output.rendezvous.bytes, WEFT_RENDEZVOUS_BYTES);
	weft_node_rendezvous_hit(node, &now, output.rendezvous.bytes, WEFT_RENDEZVOUS_BYTES - 1);
	node->secrets.has_epoch = false;
	weft_node_rendezvous_hit(node, &now, output.rendezvous.bytes, WEFT_RENDEZVOUS_BYTES);
	node->secrets.has_epoch = true;
	node->config.rendezvous = false;
	weft_node_rendezvous_hit(node, &now, output.rendezvous.bytes, WEFT_RENDEZVOUS_BYTES);
	node->config.rendezvous = true;
	peer->tunnel.public_key = tunnel_of(99).public_key;
	peer->publish = true;
	weft_rendezvous_output(peer, &now, &output);
	contact->alive = false;
	weft_node_rendezvous_hit(node, &now, output.rendezvous.bytes, WEFT_RENDEZVOUS_BYTES);
	peer->tunnel.public_key = key;
	node->publish = true;
	weft_rendezvous_output(node, &now, &output);
	weft_node_rendezvous_hit(node, &now, output.rendezvous.bytes, WEFT_RENDEZVOUS_BYTES);
	assert_null(contact->published);
	/* however many come, few are looked at */
	for (i = 0; i < 1000; i++) {
		weft_node_rendezvous_hit(node, &now, output.rendezvous.bytes,
					 WEFT_RENDEZVOUS_BYTES);
		weft_node_beacon(node, &now, &from, beacon.bytes, WEFT_BEACON_BYTES);
	}
	peer->publish = true;
	weft_rendezvous_output(peer, &now, &output);
	weft_node_rendezvous_hit(node, &now, output.rendezvous.bytes, WEFT_RENDEZVOUS_BYTES);
	assert_null(contact->published);
	/* near midnight, the other day is looked at too */
	for (i = 0; i < 3; i++) {
		now.unix_s = 20000 * DAY + (i == 0 ? 60 : i == 1 ? DAY / 2 : DAY - 60);
		node->look_ups = 3;
		assert_true(weft_rendezvous_output(node, &now, &output));
		assert_int_equal(weft_rendezvous_output(node, &now, &output), i != 1);
	}
	sim_free(sim);
}

static void tell_locals(struct sim_node *at, const struct weft_local_endpoint *locals, size_t count)
{
	struct weft_time now = sim_time(at);

	weft_node_local_endpoints(at->node, &now, locals, count);
	sim_pump(at);
	sim_run(at->sim, 5 * SIM_MINUTE);
}

/* What the kernel is told of the other of two, after a hit. */
static void hit(struct sim_node *at, const struct weft_out_rendezvous *value,
		struct weft_output *output)
{
	struct weft_time now = sim_time(at);

	memset(output, 0, sizeof(*output));
	weft_node_rendezvous_hit(at->node, &now, value->bytes, sizeof(value->bytes));
	weft_peer_output(at->node, output);
}

/*
 * Who announced more endpoints than the kernel is told, and then moved: where it was found comes first,
 * until somebody heard it.
 */
static void test_found_first(void **state)
{
	struct sim *sim = sim_network(91, 2, 3);
	struct sim_node *one = &sim->nodes[0], *other = &sim->nodes[1];
	struct weft_candidate at = { .at = { .size = 4, .address = { 203, 0, 113, 7 }, .port = 7 } };
	struct weft_local_endpoint locals[9] = { 0 };
	struct weft_out_rendezvous old;
	struct weft_contact *contact;
	struct weft_output output;
	struct weft_time now;
	unsigned int i;

	(void)state;
	for (i = 0; i < 9; i++)
		locals[i] = (struct weft_local_endpoint){
			.at = { .size = 4, .address = { 198, 51, 100, i }, .port = 9 },
			.kind = WEFT_LOCAL_STATIC };
	one->node->config.rendezvous = true;
	other->node->config.rendezvous = true;
	tell_locals(other, locals, 9);
	old = other->publication;
	other->group = 1;
	locals[0].at = at.at;
	tell_locals(other, locals, 1);
	contact = weft_contact_find(one->node, weft_node_id(other->node));
	assert_false(contact->alive);
	contact->has_near = false;
	now = sim_time(one);
	weft_node_session_expired(one->node, &now, &contact->key);
	hit(one, &old, &output);
	assert_true(contact->published->count >= 9);
	hit(one, &other->publication, &output);
	assert_int_equal(output.type, WEFT_OUT_PEER);
	assert_true(weft_endpoint_equal(&output.peer.candidates[0].at, &at.at));
	/* what it published before is still in the store, and found again; so may anybody replay it */
	hit(one, &old, &output);
	assert_true(weft_endpoint_equal(&contact->published->at[0], &at.at));
	weft_node_session_new(one->node, &now, &contact->key, NULL);
	assert_non_null(contact->published);
	weft_node_session_new(one->node, &now, &contact->key, &at);
	assert_null(contact->published);
	/* nor is it anything beside what the roster says */
	weft_take_record(one->node, &now, weft_node_self(other->node)->announcement, NULL);
	sim_pump(one);
	contact->alive = false;
	hit(one, &old, &output);
	assert_null(contact->published);
	hit(one, &other->publication, &output);
	assert_non_null(contact->published);
	sim_free(sim);
}

/* Where members were, damaged at any place: what can be read is taken, and nothing else happens. */
static void test_damaged_endpoints(void **state)
{
	struct sim *sim = sim_network(87, 3, 3);
	struct sim_node *at = &sim->nodes[1];
	size_t len, i;

	(void)state;
	sim_run(sim, SIM_MINUTE);
	len = at->endpoints_len;
	assert_true(len > 60);
	sim_kill(sim, 1);
	for (i = 0; i < len; i += 3) {
		at->endpoints_len = i;
		sim_restart(sim, 1);
		sim_kill(sim, 1);
		at->endpoints_len = len;
		at->endpoints[i] ^= 0x41;
		sim_restart(sim, 1);
		at->endpoints[i] ^= 0x41;
		sim_kill(sim, 1);
	}
	sim_restart(sim, 1);
	sim_run(sim, SIM_MINUTE);
	assert_true(sim_converged(sim));
	sim_free(sim);
}

/* After sleep all are asked at once whether they are there; a session that is over is known to be. */
static void test_resumed(void **state)
{
	struct sim *sim = sim_network(88, 4, 4);
	struct weft_node *node = sim->nodes[0].node;
	struct weft_time now;
	uint64_t sent;

	(void)state;
	sim_run(sim, SIM_MINUTE);
	sim->nodes[3].group = 1;
	sim_run(sim, 3 * SIM_MINUTE);
	now = sim_time(&sim->nodes[0]);
	sent = weft_node_stats(node)->sent;
	weft_node_resumed(node, &now);
	sim_pump(&sim->nodes[0]);
	assert_true(weft_node_stats(node)->sent >= sent + 2);
	assert_int_equal(node->observed_count, 0);
	weft_node_session_expired(node, &now, &sim->nodes[1].key);
	assert_false(weft_contact_find(node, weft_node_id(sim->nodes[1].node))->session);
	weft_node_session_expired(node, &now, KEY_OF(99));
	weft_node_session_new(node, &now, KEY_OF(99), NULL);
	weft_node_reseed(node, (const uint8_t[32]){ 1 });
	sim->nodes[3].group = 0;
	assert_true(sim_until(sim, sim_converged, 2 * SIM_MINUTE) >= 0);
	sim_free(sim);
}

/* What the machine can do is told to the others. */
static void test_features(void **state)
{
	const struct weft_member *member;
	struct weft_fields fields;
	struct sim *sim;

	(void)state;
	sim = sim_new(89, 2);
	sim->config.features = 5;
	sim->config.relay = 1000;
	sim_found(sim);
	sim_run(sim, 5 * SIM_SECOND);
	member = weft_node_self(sim->nodes[0].node);
	weft_record_fields(member->announcement, &fields);
	assert_int_equal(fields.features, 5);
	assert_int_equal(fields.relay, 1000);
	sim_free(sim);
}

/* For a moment there is no memory for what we have by hash; while a list is looked at there is again. */
static void test_list_without_memory(void **state)
{
	struct sim *sim = sim_network(92, 3, 3);
	struct weft_message message = { .type = WEFT_LIST };
	struct weft_record *record = root_says(sim, 300, "other");
	uint8_t hash[WEFT_SHORT_HASH] = { 1 };
	uint64_t sent;

	(void)state;
	sim_run(sim, SIM_MINUTE);
	say_record(sim, 0, address_of(sim, 1), record);
	weft_record_put(record);
	sim_pump(&sim->nodes[0]);
	sent = weft_node_stats(sim->nodes[0].node)->sent;
	message.list = (struct weft_list){ .count = 1, .at[0] = { .count = 1, .hashes = hash } };
	failed = false;
	left = 0;
	say(sim, 0, address_of(sim, 1), &message);
	assert_true(failed);
	sim_pump(&sim->nodes[0]);
	/* it asks for that, and tells what it has besides */
	assert_true(weft_node_stats(sim->nodes[0].node)->sent >= sent + 2);
	sim_free(sim);
}

/* Asked for a record that was replaced just now: without memory it is found, then there is some again. */
static void test_want_without_memory(void **state)
{
	struct sim *sim = sim_network(98, 3, 3);
	struct weft_node *node = sim->nodes[0].node, *other = sim->nodes[1].node;
	struct weft_message message = { .type = WEFT_WANT };
	const struct weft_record *old = weft_node_self(other)->announcement;
	uint8_t hashes[2 * WEFT_SHORT_HASH];
	struct weft_record *record;
	struct weft_fields fields;
	uint64_t sent;

	(void)state;
	sim_run(sim, SIM_MINUTE);
	memcpy(hashes, old->hash.bytes, WEFT_SHORT_HASH);
	memcpy(hashes + WEFT_SHORT_HASH, weft_roster_settings(node->roster)->hash.bytes,
	       WEFT_SHORT_HASH);
	weft_record_fields(old, &fields);
	fields.issued++;
	assert_int_equal(weft_record_sign(&record, &fields, &other->identity), 0);
	weft_sync_digest(node);
	say_record(sim, 0, address_of(sim, 1), record);
	weft_record_put(record);
	sent = weft_node_stats(node)->sent;
	message.want = (struct weft_want){ .count = 2, .hashes = hashes };
	failed = false;
	left = 0;
	say(sim, 0, address_of(sim, 2), &message);
	left = -1;
	assert_true(failed);
	assert_int_equal(weft_node_stats(node)->sent, sent + 1);
	sim_free(sim);
}

/* For minutes, allocations fail now and then, everywhere; when they do not any more, all is well. */
static void test_scarce_memory(void **state)
{
	struct sim *sim = sim_network(90, 4, 8);
	struct weft_time now;
	struct weft_id subject;
	char *token;

	(void)state;
	sim->config.rendezvous = true;
	token = sim_invite(sim, 0, 3);
	one_of = 8;
	sim_join(sim, token, "n4");
	sim_run(sim, 90 * SIM_SECOND);
	sim_join(sim, token, "n5");
	sim_run(sim, 20 * SIM_SECOND);
	now = sim_time(&sim->nodes[0]);
	subject = *weft_node_id(sim->nodes[3].node);
	assert_int_equal(weft_node_revoke(sim->nodes[0].node, &now, &subject, 0, NULL), 0);
	sim_pump(&sim->nodes[0]);
	sim_run(sim, 2 * SIM_MINUTE);
	sim_restart_daemon(sim, 1);
	sim_run(sim, 90 * SIM_SECOND);
	one_of = 0;
	assert_true(sim_until(sim, sim_converged, 5 * SIM_MINUTE) >= 0);
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(weft_node_state(sim->nodes[3].node), WEFT_NODE_EXCLUDED);
	assert_int_equal(weft_node_state(sim->nodes[4].node), WEFT_NODE_MEMBER);
	assert_int_equal(weft_node_state(sim->nodes[5].node), WEFT_NODE_MEMBER);
	assert_int_equal(sim_members(sim, 0), 5);
	free(token);
	sim_free(sim);
}

/* Each command in turn; 0, or a failure that is not for want of memory. */
static int command(struct sim *sim, unsigned int which, const struct weft_id *subject)
{
	struct weft_founding founding = { .network = "home", .member = "first" };
	struct weft_time now = sim_time(&sim->nodes[0]);
	struct weft_node_config config = { .seed = { 1 } };
	struct weft_static_member phone = { .name = "phone", .tunnel = tunnel_of(9).public_key,
					    .via = *weft_node_id(sim->nodes[1].node) };
	struct weft_routes routes = { .count = 1, .at[0] = ipv4_prefix(192, 168, 2, 0, 24) };
	struct weft_node *node = sim->nodes[0].node, *new = NULL;
	struct weft_invite wish = sim_wish(sim, 1);
	char text[WEFT_TOKEN_TEXT];
	struct weft_roster *roster;
	struct weft_id id;
	uint8_t *bytes;
	size_t len;
	int error;

	in_core = true;
	switch (which) {
	case 0:
		error = weft_node_found(&new, &config, &founding, &now);
		break;
	case 1:
		error = weft_node_invite(node, &now, &wish, text);
		if (!error)
			error = weft_node_join(&new, &config, text, "late", NULL, &now);
		break;
	case 2:
		error = weft_roster_clone(&roster, weft_node_roster(node));
		if (!error)
			error = weft_node_restore(&new, &config, weft_node_secrets(node), roster,
						  NULL, 0, &now);
		break;
	case 3:
		error = weft_node_set_admin(node, &now, subject, WEFT_ADD);
		break;
	case 4:
		error = weft_node_admit_static(node, &now, &phone, &id);
		error = error == -EEXIST ? 0 : error;
		break;
	case 5:
		error = weft_node_set_routes(node, &now, &routes);
		break;
	case 6:
		error = weft_node_endpoints(node, &bytes, &len);
		if (!error)
			free(bytes);
		break;
	case 7:
		error = weft_node_revoke(node, &now, subject, 0, NULL);
		break;
	default:
		error = weft_node_leave(sim->nodes[1].node, &now);
		error = error == -EAGAIN ? 0 : error;
	}
	if (!error)
		weft_node_free(new);
	in_core = false;
	return error;
}

static void test_commands_without_memory(void **state)
{
	struct sim *sim = sim_network(91, 3, 3);
	struct weft_id subject = *weft_node_id(sim->nodes[2].node);
	unsigned int which, n;
	int error;

	(void)state;
	for (which = 0; which < 9; which++) {
		for (n = 0; n < 400; n++) {
			failed = false;
			left = n;
			error = command(sim, which, &subject);
			left = -1;
			if (!failed)
				break;
			/* it may have done without */
			assert_true(!error || error == -ENOMEM);
		}
		assert_int_equal(error, 0);
		assert_true(n > 0 && n < 400);
		sim_pump(&sim->nodes[0]);
		sim_pump(&sim->nodes[1]);
	}
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(weft_node_state(sim->nodes[1].node), WEFT_NODE_EXCLUDED);
	assert_int_equal(weft_node_state(sim->nodes[2].node), WEFT_NODE_EXCLUDED);
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learns_long),
		cmocka_unit_test(test_door_that_keeps),
		cmocka_unit_test(test_old_address),
		cmocka_unit_test(test_doors),
		cmocka_unit_test(test_door_that_forgets),
		cmocka_unit_test(test_many_doors),
		cmocka_unit_test(test_door_with_another_key),
		cmocka_unit_test(test_door_without_memory),
		cmocka_unit_test(test_bad_guest),
		cmocka_unit_test(test_secret_for_the_revoked),
		cmocka_unit_test(test_secret_of_a_joiner),
		cmocka_unit_test(test_door_that_is_out),
		cmocka_unit_test(test_door_that_expires),
		cmocka_unit_test(test_full_house),
		cmocka_unit_test(test_bad_commands),
		cmocka_unit_test(test_forged_hints),
		cmocka_unit_test(test_found_first),
		cmocka_unit_test(test_damaged_endpoints),
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_list_without_memory),
		cmocka_unit_test(test_want_without_memory),
		cmocka_unit_test(test_scarce_memory),
		cmocka_unit_test(test_commands_without_memory),
	};

	return RUN_TESTS(tests);
}
