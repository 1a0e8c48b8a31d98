// SPDX-License-Identifier: GPL-2.0-or-later
/* A record: its body and its signatures, and what each type must and may say. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cbor.h"
#include "record.h"

#define HAS_ALWAYS (WEFT_HAS(WEFT_KEY_TYPE) | WEFT_HAS(WEFT_KEY_NETWORK) | \
		    WEFT_HAS(WEFT_KEY_SIGNER) | WEFT_HAS(WEFT_KEY_ISSUED))
#define HAS_SUBJECT (HAS_ALWAYS | WEFT_HAS(WEFT_KEY_SUBJECT))
#define HAS_GRANT (WEFT_HAS(WEFT_KEY_NAME) | WEFT_HAS(WEFT_KEY_IPV4) | WEFT_HAS(WEFT_KEY_MAY) | \
		   WEFT_HAS(WEFT_KEY_ROUTES) | WEFT_HAS(WEFT_KEY_GROUPS))
#define HAS_STATIC (WEFT_HAS(WEFT_KEY_TUNNEL) | WEFT_HAS(WEFT_KEY_VIA))

/* Under which the subject signs an admission by invitation. */
#define CONSENT "weft/1/consent"

static const struct form {
	const char *context;
	uint32_t must;
	uint32_t may;
} forms[] = {
	[WEFT_NETWORK] = {
		"weft/1/record/network",
		HAS_ALWAYS | WEFT_HAS(WEFT_KEY_NAME),
		WEFT_HAS(WEFT_KEY_IPV4_PREFIX),
	},
	[WEFT_ADMIN] = {
		"weft/1/record/admin",
		HAS_SUBJECT | WEFT_HAS(WEFT_KEY_OPERATION),
		0,
	},
	[WEFT_REVOCATION] = {
		"weft/1/record/revocation",
		HAS_SUBJECT,
		0,
	},
	[WEFT_INVITATION] = {
		"weft/1/record/invitation",
		HAS_SUBJECT | WEFT_HAS(WEFT_KEY_TUNNEL) | WEFT_HAS(WEFT_KEY_USES) |
		WEFT_HAS(WEFT_KEY_EXPIRES),
		HAS_GRANT | WEFT_HAS(WEFT_KEY_MEMBER_EXPIRES),
	},
	[WEFT_ADMISSION] = {
		"weft/1/record/admission",
		HAS_SUBJECT,
		HAS_GRANT | HAS_STATIC | WEFT_HAS(WEFT_KEY_EXPIRES) |
		WEFT_HAS(WEFT_KEY_INVITATION),
	},
	[WEFT_ANNOUNCEMENT] = {
		"weft/1/record/announcement",
		HAS_ALWAYS | WEFT_HAS(WEFT_KEY_TUNNEL),
		WEFT_HAS(WEFT_KEY_ROUTES) | WEFT_HAS(WEFT_KEY_ENDPOINTS) |
		WEFT_HAS(WEFT_KEY_FEATURES) | WEFT_HAS(WEFT_KEY_RELAY),
	},
	[WEFT_EPOCH] = {
		"weft/1/record/epoch",
		HAS_ALWAYS | WEFT_HAS(WEFT_KEY_COMMITMENT),
		0,
	},
};

static const struct form *form_of(uint64_t type)
{
	return type >= WEFT_NETWORK && type <= WEFT_EPOCH ? &forms[type] : NULL;
}

static bool has(const struct weft_fields *fields, uint32_t keys)
{
	return (fields->has & keys) == keys;
}

static bool has_any(const struct weft_fields *fields, uint32_t keys)
{
	return fields->has & keys;
}

/* A member's address within a route would be taken from that member. */
static bool routes_spare_overlay(const struct weft_fields *fields)
{
	struct weft_prefix overlay;
	unsigned int i;

	weft_network_prefix(&overlay, &fields->network);
	for (i = 0; i < fields->routes.count; i++) {
		if (weft_prefix_covers(&overlay, &fields->routes.at[i]))
			return false;
	}
	return true;
}

/* By invitation: what the member may is for the invitation to say. By an admin: all of it. */
static bool admission_valid(const struct weft_fields *fields)
{
	struct weft_id id;

	if (has(fields, WEFT_HAS(WEFT_KEY_INVITATION)))
		return !(fields->has & ~(HAS_SUBJECT | WEFT_HAS(WEFT_KEY_INVITATION) |
					 WEFT_HAS(WEFT_KEY_NAME) | WEFT_HAS(WEFT_KEY_IPV4)));
	if (!has(fields, WEFT_HAS(WEFT_KEY_NAME)))
		return false;
	if (!has_any(fields, HAS_STATIC))
		return true;
	weft_static_id(&id, &fields->tunnel);
	return has(fields, HAS_STATIC) && weft_id_equal(&id, &fields->subject);
}

/* A name or an address is for one. */
static bool invitation_valid(const struct weft_fields *fields)
{
	return fields->uses && (fields->uses == 1 ||
		!has_any(fields, WEFT_HAS(WEFT_KEY_NAME) | WEFT_HAS(WEFT_KEY_IPV4)));
}

/* Zero stands for "never" where times are kept, so no record says it. */
static bool times_valid(const struct weft_fields *fields)
{
	return (fields->expires || !has(fields, WEFT_HAS(WEFT_KEY_EXPIRES))) &&
	       (fields->member_expires || !has(fields, WEFT_HAS(WEFT_KEY_MEMBER_EXPIRES)));
}

/* The root can neither be removed nor revoked nor be made what it is already. */
static bool fields_valid(const struct weft_fields *fields)
{
	bool by_root = weft_id_equal(&fields->signer, &fields->network);
	bool of_root = weft_id_equal(&fields->subject, &fields->network);

	if (!routes_spare_overlay(fields) || !times_valid(fields))
		return false;
	switch (fields->type) {
	case WEFT_NETWORK:
		return by_root && (!has(fields, WEFT_HAS(WEFT_KEY_IPV4_PREFIX)) ||
				   (fields->ipv4_prefix.size == 4 &&
				    weft_ipv4_hosts(&fields->ipv4_prefix)));
	case WEFT_ADMIN:
		return fields->operation && !of_root;
	case WEFT_REVOCATION:
		return !of_root;
	case WEFT_INVITATION:
		return invitation_valid(fields);
	case WEFT_ADMISSION:
		return admission_valid(fields);
	default:
		return true;
	}
}

/* Whether what was decoded is a record of this network. */
static int check_fields(const struct weft_fields *fields, const struct weft_id *network)
{
	const struct form *form = form_of(fields->type);

	if (!has(fields, HAS_ALWAYS))
		return -EPROTO;
	if (!weft_id_equal(&fields->network, network))
		return -EXDEV;
	if (!form)
		return -EPROTONOSUPPORT;
	if (!has(fields, form->must) || fields->has & ~(form->must | form->may) ||
	    !fields_valid(fields))
		return -EPROTO;
	return 0;
}

/* By what an admission under an invitation is known; the invitation's key did sign it, or not. */
void weft_use_slot(uint8_t by[WEFT_ID_LEN], const struct weft_id *invitation,
		   const struct weft_id *signer)
{
	weft_hash(by, WEFT_ID_LEN, "weft/1/use",
		  (struct weft_part){ invitation->bytes, sizeof(invitation->bytes) },
		  (struct weft_part){ signer->bytes, sizeof(signer->bytes) });
}

static void make_slot(struct weft_slot *slot, const struct weft_fields *fields,
		      const struct weft_id *hash)
{
	const struct weft_id *about = &fields->subject;

	if (fields->type == WEFT_ANNOUNCEMENT)
		about = &fields->signer;
	else if (fields->type == WEFT_INVITATION)
		about = hash;
	else if (!has(fields, WEFT_HAS(WEFT_KEY_SUBJECT)))
		about = &fields->network;
	memset(slot, 0, sizeof(*slot));
	slot->type = fields->type;
	slot->sub = fields->operation;
	memcpy(slot->about, about->bytes, sizeof(slot->about));
	memcpy(slot->by, fields->signer.bytes, sizeof(slot->by));
	if (has(fields, WEFT_HAS(WEFT_KEY_INVITATION))) {
		slot->sub = 1;
		weft_use_slot(slot->by, &fields->invitation, &fields->signer);
	}
}

/* What a record is made of; @body points into the record. */
struct envelope {
	const uint8_t *body;
	size_t body_len;
	uint8_t signature[WEFT_SIGNATURE_LEN];
	bool has_consent;
	uint8_t consent[WEFT_SIGNATURE_LEN];
};

/* An array of body, signature, and sometimes the subject's consent. */
static int open_envelope(struct envelope *envelope, const void *bytes, size_t len)
{
	struct weft_cbor_reader reader;
	size_t parts;

	if (len > WEFT_MAX_RECORD)
		return -EMSGSIZE;
	weft_cbor_read_from(&reader, bytes, len);
	parts = weft_cbor_get_array(&reader, 3);
	if (parts < 2)
		weft_cbor_fail(&reader, -EBADMSG);
	envelope->body = weft_cbor_get_bytes(&reader, WEFT_MAX_RECORD, &envelope->body_len);
	weft_cbor_get_fixed(&reader, envelope->signature, WEFT_SIGNATURE_LEN);
	envelope->has_consent = parts == 3;
	if (envelope->has_consent)
		weft_cbor_get_fixed(&reader, envelope->consent, WEFT_SIGNATURE_LEN);
	return weft_cbor_end(&reader);
}

/*
 * Who signs an admission by invitation is whoever has the token. Without the subject's own signature,
 * that could be another who has it, and change what the subject joined as.
 */
static bool needs_consent(const struct weft_fields *fields)
{
	return fields->type == WEFT_ADMISSION && has(fields, WEFT_HAS(WEFT_KEY_INVITATION));
}

static int check_signatures(const struct envelope *envelope, const struct weft_fields *fields)
{
	int error;

	if (envelope->has_consent != needs_consent(fields))
		return -EPROTO;
	error = weft_verify(envelope->signature, form_of(fields->type)->context, envelope->body,
			    envelope->body_len, &fields->signer);
	if (!error && envelope->has_consent)
		error = weft_verify(envelope->consent, CONSENT, envelope->body,
				    envelope->body_len, &fields->subject);
	return error;
}

/* What a record is known by. */
void weft_record_hash(struct weft_id *hash, const void *bytes, size_t len)
{
	weft_hash(hash->bytes, sizeof(hash->bytes), "weft/1/record",
		  (struct weft_part){ bytes, len }, (struct weft_part){ 0 });
}

/**
 * weft_record_parse() - read a record and check its signatures
 * @record:	gets it, with one reference
 * @network:	whose it must be
 * @bytes:	from whoever
 * @len:	of @bytes
 *
 * Return: 0; -EMSGSIZE (too long), -ENODATA (cut short), -EBADMSG (no strict CBOR), -EPROTO (lacks
 * what its type needs, or says what it may not), -EPROTONOSUPPORT (of a later version), -EXDEV (of
 * another network), -EKEYREJECTED (a signature is wrong), -ENOMEM.
 */
int weft_record_parse(struct weft_record **record, const struct weft_id *network,
		      const void *bytes, size_t len)
{
	struct envelope envelope;
	struct weft_fields fields;
	struct weft_record *new;
	int error;

	error = open_envelope(&envelope, bytes, len);
	if (!error)
		error = weft_body_decode(&fields, envelope.body, envelope.body_len);
	if (!error)
		error = check_fields(&fields, network);
	if (!error)
		error = check_signatures(&envelope, &fields);
	if (error)
		return error;
	new = malloc(sizeof(*new) + len);
	if (!new)
		return -ENOMEM;
	new->refs = 1;
	new->len = len;
	new->issued = fields.issued;
	memcpy(new->bytes, bytes, len);
	weft_record_hash(&new->hash, bytes, len);
	make_slot(&new->slot, &fields, &new->hash);
	*record = new;
	return 0;
}

static void put_signature(struct weft_cbor_writer *writer, const char *context, const uint8_t *body,
			  size_t body_len, const struct weft_identity *by)
{
	uint8_t signature[WEFT_SIGNATURE_LEN];

	/* cannot fail: the body is no longer than a record */
	weft_sign(signature, context, body, body_len, by);
	weft_cbor_put_bytes(writer, signature, sizeof(signature));
}

/**
 * weft_record_sign_agreed() - make a record
 * @record:	gets it, with one reference
 * @fields:	what to say; the signer is filled in
 * @signer:	who says it
 * @subject:	who agrees, for an admission by invitation; NULL for all others
 *
 * What is made is parsed again: this machine says nothing that others would refuse.
 *
 * Return: 0, or as weft_record_parse().
 */
int weft_record_sign_agreed(struct weft_record **record, const struct weft_fields *fields,
			    const struct weft_identity *signer,
			    const struct weft_identity *subject)
{
	const struct form *form = form_of(fields->type);
	uint8_t body[WEFT_MAX_RECORD], bytes[WEFT_MAX_RECORD];
	struct weft_fields complete = *fields;
	struct weft_cbor_writer writer;
	size_t body_len;

	if (!form)
		return -EPROTONOSUPPORT;
	complete.signer = signer->id;
	complete.has |= HAS_ALWAYS;
	body_len = weft_body_encode(body, sizeof(body), &complete);
	if (!body_len)
		return -EMSGSIZE;
	weft_cbor_write_to(&writer, bytes, sizeof(bytes));
	weft_cbor_put_array(&writer, subject ? 3 : 2);
	weft_cbor_put_bytes(&writer, body, body_len);
	put_signature(&writer, form->context, body, body_len, signer);
	if (subject)
		put_signature(&writer, CONSENT, body, body_len, subject);
	if (!weft_cbor_fits(&writer))
		return -EMSGSIZE;
	return weft_record_parse(record, &complete.network, bytes, writer.len);
}

/* As weft_record_sign_agreed(), for all that needs nobody's consent. */
int weft_record_sign(struct weft_record **record, const struct weft_fields *fields,
		     const struct weft_identity *signer)
{
	return weft_record_sign_agreed(record, fields, signer, NULL);
}

struct weft_record *weft_record_hold(struct weft_record *record)
{
	record->refs++;
	return record;
}

void weft_record_put(struct weft_record *record)
{
	if (record && !--record->refs)
		free(record);
}

/* Not kept in the record: they would be ten times as long as what they are made from. */
void weft_record_fields(const struct weft_record *record, struct weft_fields *fields)
{
	struct envelope envelope;

	/* cannot fail: it did not when the record was parsed */
	if (!open_envelope(&envelope, record->bytes, record->len))
		weft_body_decode(fields, envelope.body, envelope.body_len);
}

/*
 * Which of two records in one slot stays. What was said last counts; but who joins by an invitation
 * joined when that was said first, since only that can still be in time.
 */
bool weft_record_supersedes(const struct weft_record *record, const struct weft_record *other)
{
	bool first_counts = record->slot.type == WEFT_ADMISSION && record->slot.sub;

	if (record->issued != other->issued)
		return first_counts == (record->issued < other->issued);
	return weft_id_compare(&record->hash, &other->hash) < 0;
}
