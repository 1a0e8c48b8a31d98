// SPDX-License-Identifier: GPL-2.0-or-later
/* One node, or two or three: what it takes from whom, and what it makes of it. */
#include "sim.h"
#include "cbor.h"

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

static void test_founding(void **state)
{
	struct weft_founding founding = { .network = "home", .member = "first", .has_ipv4 = true,
					  .ipv4 = ipv4_prefix(10, 77, 0, 0, 16) };
	struct weft_node_config config = { .seed = { 1 } };
	struct weft_time now = { 1000, NOW };
	const struct weft_output *output;
	struct weft_node *node;

	(void)state;
	founding.member = "No Name";
	assert_int_equal(weft_node_found(&node, &config, &founding, &now), -EPROTO);
	founding.member = "first";
	founding.ipv4.length = 31;
	assert_int_equal(weft_node_found(&node, &config, &founding, &now), -EPROTO);
	founding.ipv4.length = 16;
	assert_int_equal(weft_node_found(&node, &config, &founding, &now), 0);
	/* the secrets are saved before anything else happens */
	output = weft_node_output(node, &now);
	assert_int_equal(output->type, WEFT_OUT_PERSIST);
	assert_true(output->persist & WEFT_PERSIST_SECRETS);
	assert_true(weft_node_secrets(node)->has_root && weft_node_secrets(node)->has_epoch);
	output = weft_node_output(node, &now);
	assert_int_equal(output->type, WEFT_OUT_DEVICE);
	assert_int_equal(output->device.count, 2);
	assert_int_equal(output->device.addresses[0].length, 48);
	assert_int_equal(output->device.addresses[1].length, 16);
	while (weft_node_output(node, &now))
		;
	assert_string_equal(weft_node_self(node)->name, "first");
	assert_true(weft_node_wake(node) > now.ms);
	weft_node_free(node);
}

static void test_strangers(void **state)
{
	struct sim *sim = sim_network(30, 3, 3);
	struct weft_message message = { .type = WEFT_PING };
	struct weft_time now = sim_time(&sim->nodes[0]);
	uint8_t stranger[16];
	uint64_t sent;

	(void)state;
	sent = weft_node_stats(sim->nodes[0].node)->sent;
	memcpy(stranger, address_of(sim, 1), 16);
	stranger[15] ^= 1;
	say(sim, 0, stranger, &message);
	assert_int_equal(dropped(sim, 0, WEFT_DROP_STRANGER), 1);
	weft_node_datagram(sim->nodes[0].node, &now, address_of(sim, 1), "nonsense", 8);
	assert_int_equal(dropped(sim, 0, WEFT_DROP_MALFORMED), 1);
	message.type = WEFT_WELCOME;
	message.welcome = 0;
	say(sim, 0, address_of(sim, 1), &message);
	message = (struct weft_message){ .type = WEFT_PONG };
	say(sim, 0, address_of(sim, 1), &message);
	assert_true(dropped(sim, 0, WEFT_DROP_UNASKED) >= 1);
	assert_true(weft_node_stats(sim->nodes[0].node)->sent == sent);
	/* ourselves are no one to talk to either */
	say(sim, 0, address_of(sim, 0), &message);
	assert_int_equal(dropped(sim, 0, WEFT_DROP_STRANGER), 2);
	sim_free(sim);
}

/* A member that sends rubbish, and one that sends the same again and again. */
static void test_bad_records(void **state)
{
	struct sim *sim = sim_network(31, 3, 3);
	struct weft_message message = { .type = WEFT_RECORDS };
	struct weft_roster *roster = weft_node_roster(sim->nodes[0].node);
	struct weft_record *forged, *known;
	struct weft_id before, after;

	(void)state;
	sim_digest(sim, 0, &before);
	forged = admission_record(7, ROOT, "mallory", NOW);
	message.records = (struct weft_records){ .count = 1, .at[0] = { forged->bytes, forged->len } };
	say(sim, 0, address_of(sim, 1), &message);
	assert_int_equal(dropped(sim, 0, WEFT_DROP_RECORD), 1);
	/* the second time, nobody looks at its signature */
	say(sim, 0, address_of(sim, 1), &message);
	assert_int_equal(dropped(sim, 0, WEFT_DROP_RECORD), 1);
	known = weft_roster_at(roster, 0, NULL);
	message.records.at[0] = (struct weft_bytes){ known->bytes, known->len };
	say(sim, 0, address_of(sim, 1), &message);
	sim_pump(&sim->nodes[0]);
	sim_digest(sim, 0, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	weft_record_put(forged);
	sim_free(sim);
}

/* Longer than a datagram, by what only a later version understands. */
static struct weft_record *long_record(const struct weft_secrets *secrets)
{
	static const uint8_t optional[1300];
	struct weft_identity root;
	struct weft_fields fields = { .type = WEFT_ADMISSION, .issued = NOW };
	uint8_t body[WEFT_MAX_RECORD], bytes[WEFT_MAX_RECORD], signature[WEFT_SIGNATURE_LEN];
	struct weft_cbor_writer writer;
	struct weft_record *record;
	size_t len;

	weft_identity_from_seed(&root, secrets->root);
	fields.network = root.id;
	fields.signer = root.id;
	fields.subject = identity_of(77).id;
	set_name(&fields, "wordy");
	fields.has |= WEFT_HAS(WEFT_KEY_TYPE) | WEFT_HAS(WEFT_KEY_NETWORK) |
		      WEFT_HAS(WEFT_KEY_SIGNER) | WEFT_HAS(WEFT_KEY_ISSUED) |
		      WEFT_HAS(WEFT_KEY_SUBJECT);
	len = weft_body_encode(body, sizeof(body), &fields);
	body[0]++;
	weft_cbor_write_to(&writer, body + len, sizeof(body) - len);
	weft_cbor_put_uint(&writer, WEFT_KEY_OPTIONAL);
	weft_cbor_put_bytes(&writer, optional, sizeof(optional));
	len += writer.len;
	assert_int_equal(weft_sign(signature, "weft/1/record/admission", body, len, &root), 0);
	weft_cbor_write_to(&writer, bytes, sizeof(bytes));
	weft_cbor_put_array(&writer, 2);
	weft_cbor_put_bytes(&writer, body, len);
	weft_cbor_put_bytes(&writer, signature, sizeof(signature));
	assert_int_equal(weft_record_parse(&record, &root.id, bytes, writer.len), 0);
	return record;
}

static struct weft_message piece_of(const struct weft_record *record, size_t offset)
{
	struct weft_message message = { .type = WEFT_PIECE_OF_RECORD };
	size_t left = record->len - offset;

	message.piece.hash = record->hash;
	message.piece.total = record->len;
	message.piece.offset = offset;
	message.piece.bytes = (struct weft_bytes){ record->bytes + offset,
						   left < WEFT_PIECE ? left : WEFT_PIECE };
	return message;
}

static void test_long_record(void **state)
{
	struct sim *sim = sim_network(32, 5, 6);
	struct weft_record *record = long_record(weft_node_secrets(sim->nodes[0].node));
	struct weft_message first = piece_of(record, 0), second = piece_of(record, WEFT_PIECE);
	struct weft_id id = identity_of(77).id;
	unsigned int i;

	(void)state;
	assert_true(record->len > WEFT_MAX_DATAGRAM);
	say(sim, 2, address_of(sim, 1), &second);
	/* a part from another does not fit to it, nor the same part twice */
	say(sim, 2, address_of(sim, 3), &first);
	say(sim, 2, address_of(sim, 1), &second);
	sim_pump(&sim->nodes[2]);
	assert_null(weft_roster_member(weft_node_roster(sim->nodes[2].node), &id));
	say(sim, 2, address_of(sim, 1), &first);
	sim_pump(&sim->nodes[2]);
	assert_non_null(weft_roster_member(weft_node_roster(sim->nodes[2].node), &id));
	/* and it gets to all others, as news or because they ask */
	sim_run(sim, 40 * SIM_SECOND);
	for (i = 0; i < 5; i++)
		assert_non_null(weft_roster_member(weft_node_roster(sim->nodes[i].node), &id));
	weft_record_put(record);
	sim_free(sim);
}

/* Two members that have lost each other find each other through somebody else's store. */
static void test_rendezvous(void **state)
{
	struct sim *sim = sim_new(33, 2);
	struct weft_out_rendezvous published;
	struct weft_node_peer peer;
	struct weft_time now;
	unsigned int before;
	char *token;

	(void)state;
	sim->config.rendezvous = true;
	/* far from midnight, when another day's key would be looked up too */
	sim->unix_s -= 40000;
	sim->disks = true;
	sim_found(sim);
	sim_run(sim, 2 * SIM_SECOND);
	token = sim_invite(sim, 0, 1);
	sim_join(sim, token, "n1");
	sim_run(sim, SIM_MINUTE);
	assert_true(sim->nodes[0].published > 0);
	sim_kill(sim, 0);
	sim_kill(sim, 1);
	sim_move(sim, 0);
	before = sim->nodes[0].published;
	sim_restart(sim, 0);
	/* where it was before, it is no more; where it is, it says in a moment */
	assert_int_equal(sim->nodes[0].published, before);
	sim_run(sim, 3 * SIM_SECOND);
	assert_int_equal(sim->nodes[0].published, before + 1);
	sim_move(sim, 1);
	sim_restart(sim, 1);
	/* not ten: where it is now is published at once, not in the turn of where it was */
	sim_run(sim, 3 * SIM_MINUTE);
	weft_node_peer(sim->nodes[1].node,
		       weft_roster_member(weft_node_roster(sim->nodes[1].node),
					  weft_node_id(sim->nodes[0].node)), &peer);
	assert_false(peer.alive);
	assert_true(sim->nodes[1].looked_up > 2);
	assert_memory_equal(sim->nodes[1].question.key, sim->nodes[0].publication.key, 32);
	published = sim->nodes[0].publication;
	now = sim_time(&sim->nodes[1]);
	/* damaged, it is nothing */
	published.bytes[100] ^= 1;
	weft_node_rendezvous_hit(sim->nodes[1].node, &now, published.bytes,
				 sizeof(published.bytes));
	published.bytes[100] ^= 1;
	weft_node_rendezvous_hit(sim->nodes[1].node, &now, published.bytes,
				 sizeof(published.bytes));
	sim_pump(&sim->nodes[1]);
	sim_run(sim, 30 * SIM_SECOND);
	weft_node_peer(sim->nodes[1].node,
		       weft_roster_member(weft_node_roster(sim->nodes[1].node),
					  weft_node_id(sim->nodes[0].node)), &peer);
	assert_true(peer.alive);
	free(token);
	sim_free(sim);
}

/* A person may want it, or not, at any time. */
static void test_rendezvous_switched(void **state)
{
	struct sim *sim = sim_new(34, 1);
	unsigned int published, looked_up;
	struct weft_time now;

	(void)state;
	sim_found(sim);
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(sim->nodes[0].published + sim->nodes[0].looked_up, 0);
	now = sim_time(&sim->nodes[0]);
	weft_node_set_rendezvous(sim->nodes[0].node, true);
	sim_pump(&sim->nodes[0]);
	assert_int_equal(sim->nodes[0].published, 1);
	assert_true(sim->nodes[0].looked_up > 0);
	sim_run(sim, 3 * SIM_MINUTE);
	published = sim->nodes[0].published;
	looked_up = sim->nodes[0].looked_up;
	assert_true(looked_up > 2);
	weft_node_set_rendezvous(sim->nodes[0].node, false);
	sim_pump(&sim->nodes[0]);
	weft_node_rendezvous_hit(sim->nodes[0].node, &now, sim->nodes[0].publication.bytes,
				 WEFT_RENDEZVOUS_BYTES);
	sim_run(sim, 30 * SIM_MINUTE);
	assert_int_equal(sim->nodes[0].published, published);
	assert_int_equal(sim->nodes[0].looked_up, looked_up);
	sim_free(sim);
}

/* What is on the local network tells an outsider nothing, not even that two are from one machine. */
static void test_beacon_bytes(void **state)
{
	struct weft_founding founding = { .network = "home", .member = "first" };
	struct weft_node_config config = { .seed = { 1 }, .beacons = true };
	struct weft_local_endpoint local = {
		.at = { .size = 4, .address = { 192, 0, 2, 1 }, .port = 7 } };
	struct weft_time now = { 1000, NOW };
	uint8_t beacons[3][WEFT_BEACON_BYTES];
	const struct weft_output *output;
	struct weft_node *node;
	unsigned int count = 0, i, same = 0;

	(void)state;
	assert_int_equal(weft_node_found(&node, &config, &founding, &now), 0);
	weft_node_local_endpoints(node, &now, &local, 1);
	while (count < 3) {
		while ((output = weft_node_output(node, &now))) {
			if (output->type == WEFT_OUT_BEACON && count < 3)
				memcpy(beacons[count++], output->beacon.bytes, WEFT_BEACON_BYTES);
		}
		now.ms += 1000;
		weft_node_tick(node, &now);
	}
	for (i = 0; i < WEFT_BEACON_BYTES; i++)
		same += beacons[0][i] == beacons[1][i];
	assert_true(same < 10);
	/* our own is not heard */
	weft_node_beacon(node, &now, &(struct weft_candidate){ .at = local.at }, beacons[0],
			 WEFT_BEACON_BYTES);
	assert_null(weft_node_output(node, &now));
	weft_node_free(node);
}

/* Whoever comes with a key that nobody knows gets a hearing, but few do at once, and not for long. */
static void test_strange_keys(void **state)
{
	struct sim *sim = sim_network(34, 2, 2);
	struct weft_time now = sim_time(&sim->nodes[0]);
	struct weft_candidate at = { .at = sim->nodes[1].at };
	size_t before;
	unsigned int i;

	(void)state;
	sim_run(sim, SIM_MINUTE);
	now = sim_time(&sim->nodes[0]);
	before = sim->nodes[0].peer_count;
	for (i = 0; i < 100; i++) {
		struct weft_tunnel_key key = tunnel_of(i).public_key;

		weft_node_unknown_peer(sim->nodes[0].node, &now, &key, &at);
		sim_pump(&sim->nodes[0]);
	}
	assert_in_range(sim->nodes[0].peer_count, before + 1, before + 4);
	sim_run(sim, 20 * SIM_SECOND);
	assert_int_equal(sim->nodes[0].peer_count, before);
	sim_free(sim);
}

/* Commands that may not be. */
static const struct weft_id *identity_in_roster(const struct sim_node *node,
						const struct weft_id *id)
{
	return &weft_roster_member(weft_node_roster(node->node), id)->identity;
}

static void test_commands(void **state)
{
	struct sim *sim = sim_network(35, 3, 4);
	struct weft_static_member member = { .name = "phone", .tunnel = tunnel_of(9).public_key };
	struct weft_time now = sim_time(&sim->nodes[1]);
	struct weft_invite wish = sim_wish(sim, 1);
	char text[WEFT_TOKEN_TEXT], *token;
	struct weft_id id;
	unsigned int n;

	(void)state;
	assert_int_equal(weft_node_invite(sim->nodes[1].node, &now, &wish, text), -EPERM);
	assert_int_equal(weft_node_revoke(sim->nodes[1].node, &now,
					  weft_node_id(sim->nodes[2].node), 0, NULL), -EPERM);
	assert_int_equal(weft_node_set_admin(sim->nodes[1].node, &now,
					     weft_node_id(sim->nodes[2].node), WEFT_ADD), -EPERM);
	member.via = identity_of(3).id;
	assert_int_equal(weft_node_admit_static(sim->nodes[0].node, &now, &member, &id), -ENOENT);
	member.via = *weft_node_id(sim->nodes[1].node);
	member.name = "n2";
	assert_int_equal(weft_node_admit_static(sim->nodes[0].node, &now, &member, &id), -EEXIST);
	/* its own admin: given and taken back; by the roster's own word for it, which does not last */
	id = *weft_node_id(sim->nodes[1].node);
	assert_int_equal(weft_node_set_admin(sim->nodes[0].node, &now,
					     identity_in_roster(&sim->nodes[0], &id), WEFT_ADD), 0);
	sim_pump(&sim->nodes[0]);
	sim_run(sim, 10 * SIM_SECOND);
	now = sim_time(&sim->nodes[1]);
	assert_int_equal(weft_node_invite(sim->nodes[1].node, &now, &wish, text), 0);
	assert_int_equal(weft_node_set_admin(sim->nodes[0].node, &now,
					     identity_in_roster(&sim->nodes[0], &id), WEFT_REMOVE), 0);
	sim_pump(&sim->nodes[0]);
	sim_run(sim, 10 * SIM_SECOND);
	assert_int_equal(weft_node_invite(sim->nodes[1].node, &now, &wish, text), -EPERM);
	/* who is not in yet has nothing to say */
	token = sim_invite(sim, 0, 1);
	n = sim_join(sim, token, "n3");
	assert_int_equal(weft_node_leave(sim->nodes[n].node, &now), -EAGAIN);
	assert_null(weft_node_self(sim->nodes[n].node));
	free(token);
	sim_free(sim);
}

/* A token that is tried again with the same secrets needs no second use. */
static void test_join_again(void **state)
{
	struct sim *sim = sim_network(36, 2, 4);
	struct weft_node_config config = { .seed = { 9 } };
	struct weft_secrets secrets;
	struct weft_time now;
	unsigned int n;
	char *token;

	(void)state;
	token = sim_invite(sim, 0, 1);
	n = sim_join(sim, token, "n2");
	/* until it is let in, and not told */
	while (!weft_roster_by_name(weft_node_roster(sim->nodes[0].node), "n2"))
		sim_run(sim, 1);
	assert_int_equal(weft_node_state(sim->nodes[n].node), WEFT_NODE_JOINING);
	secrets = sim->nodes[n].secrets;
	sim_kill(sim, n);
	sim_run(sim, SIM_MINUTE);
	now = sim_time(&sim->nodes[n]);
	sim->nodes[n].up = true;
	assert_int_equal(weft_node_join(&sim->nodes[n].node, &config, token, "n2", &secrets, &now),
			 0);
	sim_tell_endpoints(sim, n);
	sim_run(sim, 20 * SIM_SECOND);
	assert_int_equal(weft_node_state(sim->nodes[n].node), WEFT_NODE_MEMBER);
	assert_int_equal(sim_members(sim, 1), 3);
	/* the secrets of another network are of no use for it */
	secrets.network = identity_of(5).id;
	assert_int_equal(weft_node_join(&sim->nodes[3].node, &config, token, "n2", &secrets, &now),
			 -EXDEV);
	free(token);
	sim_free(sim);
}

/* Whether node 0 answers member 1, who asks for the secret. */
static bool gives_secret(struct sim *sim)
{
	struct weft_message message = { .type = WEFT_ASK_SECRET };
	uint64_t sent = weft_node_stats(sim->nodes[0].node)->sent;

	weft_commitment(&message.commitment, weft_node_secrets(sim->nodes[0].node)->epoch);
	say(sim, 0, address_of(sim, 1), &message);
	return weft_node_stats(sim->nodes[0].node)->sent > sent;
}

/* The invitation by which all came is gone, and what they are admitted by instead has not come yet. */
static void test_doubt(void **state)
{
	struct sim *sim = sim_network(37, 3, 3);
	struct weft_message message = { .type = WEFT_RECORDS };
	const struct weft_member *member;
	struct weft_fields fields;
	struct weft_record *record;
	struct weft_identity root;

	(void)state;
	assert_true(gives_secret(sim));
	member = weft_roster_member(weft_node_roster(sim->nodes[0].node),
				    weft_node_id(sim->nodes[1].node));
	weft_record_fields(member->invitation, &fields);
	weft_identity_from_seed(&root, weft_node_secrets(sim->nodes[0].node)->root);
	fields = (struct weft_fields){ .type = WEFT_REVOCATION, .network = root.id, .issued = NOW,
				       .subject = fields.subject,
				       .has = WEFT_HAS(WEFT_KEY_SUBJECT) };
	assert_int_equal(weft_record_sign(&record, &fields, &root), 0);
	message.records = (struct weft_records){ .count = 1, .at[0] = { record->bytes, record->len } };
	say(sim, 0, address_of(sim, 1), &message);
	weft_record_put(record);
	sim_pump(&sim->nodes[0]);
	/* still there, to say what may come, but trusted with nothing */
	assert_non_null(sim_peer_of(sim, 0, 1));
	assert_int_equal(sim_peer_of(sim, 0, 1)->allowed_count, 1);
	assert_false(gives_secret(sim));
	sim_run(sim, 50 * SIM_SECOND);
	assert_non_null(sim_peer_of(sim, 0, 1));
	sim_run(sim, 20 * SIM_SECOND);
	assert_true(!sim_peer_of(sim, 0, 1) && !sim_peer_of(sim, 0, 2));
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_founding),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_long_record),
		cmocka_unit_test(test_rendezvous),
		cmocka_unit_test(test_rendezvous_switched),
		cmocka_unit_test(test_beacon_bytes),
		cmocka_unit_test(test_strange_keys),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_join_again),
		cmocka_unit_test(test_doubt),
	};

	return RUN_TESTS(tests);
}
