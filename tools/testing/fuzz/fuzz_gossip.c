// SPDX-License-Identifier: GPL-2.0
/*
 * Messages: as they are, and to a node. It is told the whole input by a member, and by a guest at its
 * door; what it sends is taken out, so that its other half is in play too.
 */
#include <stdlib.h>
#include <string.h>

#include "gossip.h"
#include "node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Root and member of the test vectors, so that their records are of this network. */
static void seed_of(uint8_t seed[WEFT_SEED_LEN], unsigned int n)
{
	memset(seed, 0, WEFT_SEED_LEN);
	seed[0] = n & 0xff;
	seed[1] = n >> 8;
	seed[31] = 1;
}

static struct weft_identity identity_of(unsigned int n)
{
	struct weft_identity identity;
	uint8_t seed[WEFT_SEED_LEN];

	seed_of(seed, n);
	weft_identity_from_seed(&identity, seed);
	return identity;
}

static void add(struct weft_roster *roster, const struct weft_fields *fields,
		const struct weft_identity *signer)
{
	struct weft_record *record;

	if (weft_record_sign(&record, fields, signer) || weft_roster_add(roster, record))
		abort();
	weft_record_put(record);
}

static struct weft_tunnel tunnel_of(unsigned int n)
{
	struct weft_tunnel tunnel;
	uint8_t seed[WEFT_SEED_LEN];

	seed_of(seed, n);
	seed[29] = n & 0xff;
	weft_tunnel_from_seed(&tunnel, seed);
	return tunnel;
}

/* Two members: number 10, which is the node, and number 11, which speaks to it. */
static struct weft_roster *make_roster(void)
{
	struct weft_identity root = identity_of(1000), member;
	struct weft_fields fields;
	struct weft_roster *roster;
	unsigned int n;

	if (weft_roster_new(&roster, &root.id))
		abort();
	for (n = 10; n < 12; n++) {
		member = identity_of(n);
		fields = (struct weft_fields){ .type = WEFT_ADMISSION, .network = root.id,
					       .issued = 1, .subject = member.id };
		fields.has = WEFT_HAS(WEFT_KEY_SUBJECT) | WEFT_HAS(WEFT_KEY_NAME);
		strcpy(fields.name, n == 10 ? "ten" : "eleven");
		add(roster, &fields, &root);
		fields = (struct weft_fields){ .type = WEFT_ANNOUNCEMENT, .network = root.id,
					       .issued = 1, .has = WEFT_HAS(WEFT_KEY_TUNNEL) };
		fields.tunnel = tunnel_of(n).public_key;
		add(roster, &fields, &member);
	}
	return roster;
}

static struct weft_node *make_node(const struct weft_time *now)
{
	static struct weft_roster *roster;
	struct weft_node_config config = { .seed = { 1 } };
	struct weft_secrets secrets = { .network = identity_of(1000).id };
	struct weft_roster *copy;
	struct weft_node *node;

	if (!roster)
		roster = make_roster();
	seed_of(secrets.identity, 10);
	seed_of(secrets.tunnel, 10);
	secrets.tunnel[29] = 10;
	if (weft_roster_clone(&copy, roster) ||
	    weft_node_restore(&node, &config, &secrets, copy, NULL, 0, now))
		abort();
	return node;
}

/* All outputs; and of a guest's peer, its address. */
static void take_outputs(struct weft_node *node, const struct weft_time *now, uint8_t guest[16])
{
	const struct weft_output *output;
	unsigned int count = 0;

	while ((output = weft_node_output(node, now))) {
		if (output->type == WEFT_OUT_PEER)
			memcpy(guest, output->peer.allowed[0].address, 16);
		if (output->type == WEFT_OUT_DATAGRAM &&
		    (!output->datagram.len || output->datagram.len > WEFT_MAX_DATAGRAM))
			abort();
		if (++count > 10000)
			abort();
	}
}

/* The input is messages, each after two bytes of length. */
static void tell(struct weft_node *node, struct weft_time *now, const uint8_t from[16],
		 const uint8_t *data, size_t size)
{
	uint8_t unused[16];
	size_t len;

	for (; size >= 2; data += len, size -= len) {
		len = data[0] << 8 | data[1];
		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		weft_node_datagram(node, now, from, data, len);
		take_outputs(node, now, unused);
		now->ms += 100;
	}
}

static void round_trip(const uint8_t *data, size_t size)
{
	uint8_t again[WEFT_MAX_DATAGRAM];
	struct weft_message message;

	if (weft_message_decode(&message, data, size))
		return;
	if (weft_message_encode(again, &message) != size || memcmp(again, data, size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weft_time now = { 1000, 1700000000 };
	struct weft_tunnel_key stranger = tunnel_of(500).public_key;
	struct weft_identity member = identity_of(11), root = identity_of(1000);
	struct weft_node *node;
	uint8_t from[16];

	round_trip(data, size);
	if (size > 2)
		round_trip(data + 2, size - 2);
	node = make_node(&now);
	take_outputs(node, &now, from);
	weft_member_address(from, &root.id, &member.id);
	tell(node, &now, from, data, size);
	weft_node_unknown_peer(node, &now, &stranger, NULL);
	take_outputs(node, &now, from);
	tell(node, &now, from, data, size);
	now.ms += 100000;
	weft_node_tick(node, &now);
	take_outputs(node, &now, from);
	weft_node_free(node);
	return 0;
}
