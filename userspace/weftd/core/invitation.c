// SPDX-License-Identifier: GPL-2.0-or-later
/* Joining by invitation. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "invitation.h"

void weft_invitation_keys(struct weft_invitation_keys *keys, const uint8_t secret[WEFT_SEED_LEN])
{
	struct weft_part part = { secret, WEFT_SEED_LEN }, none = { 0 };
	uint8_t seed[WEFT_SEED_LEN];

	weft_hash(seed, sizeof(seed), "weft/1/invitation/sign", part, none);
	weft_identity_from_seed(&keys->sign, seed);
	weft_hash(seed, sizeof(seed), "weft/1/invitation/tunnel", part, none);
	weft_tunnel_from_seed(&keys->tunnel, seed);
	sodium_memzero(seed, sizeof(seed));
}

void weft_invitation_keys_wipe(struct weft_invitation_keys *keys)
{
	sodium_memzero(keys, sizeof(*keys));
}

/* Whether the secret is this invitation's. */
bool weft_invitation_matches(const struct weft_record *invitation,
			     const uint8_t secret[WEFT_SEED_LEN])
{
	struct weft_invitation_keys keys;
	struct weft_fields fields;
	bool same;

	weft_invitation_keys(&keys, secret);
	weft_record_fields(invitation, &fields);
	same = weft_id_equal(&keys.sign.id, &fields.subject) &&
	       !memcmp(&keys.tunnel.public_key, &fields.tunnel, sizeof(fields.tunnel));
	weft_invitation_keys_wipe(&keys);
	return same;
}

/**
 * weft_invitation_make() - invite
 * @invitation:	gets the record
 * @grant:	network, issued, expires, uses, and what who joins is granted
 * @secret:	random; goes into the token, and nowhere else
 * @admin:	who invites
 *
 * Return: as weft_record_sign().
 */
int weft_invitation_make(struct weft_record **invitation, const struct weft_fields *grant,
			 const uint8_t secret[WEFT_SEED_LEN], const struct weft_identity *admin)
{
	struct weft_invitation_keys keys;
	struct weft_fields fields = *grant;

	weft_invitation_keys(&keys, secret);
	fields.type = WEFT_INVITATION;
	fields.subject = keys.sign.id;
	fields.tunnel = keys.tunnel.public_key;
	fields.has |= WEFT_HAS(WEFT_KEY_SUBJECT) | WEFT_HAS(WEFT_KEY_TUNNEL);
	weft_invitation_keys_wipe(&keys);
	return weft_record_sign(invitation, &fields, admin);
}

/**
 * weft_invitation_redeem() - join
 * @admission:	gets the record
 * @invitation:	the invitation
 * @secret:	its secret
 * @joiner:	who joins
 * @name:	its name, or NULL; left out if the invitation has one
 * @ipv4:	likewise
 * @now:	Unix time
 *
 * Return: 0; -EKEYEXPIRED (too late), -EKEYREJECTED (another invitation's secret), or as
 * weft_record_sign().
 */
int weft_invitation_redeem(struct weft_record **admission, const struct weft_record *invitation,
			   const uint8_t secret[WEFT_SEED_LEN], const struct weft_identity *joiner,
			   const char *name, const uint8_t *ipv4, uint64_t now)
{
	struct weft_fields fields = { .type = WEFT_ADMISSION }, grant;
	struct weft_invitation_keys keys;
	int error;

	weft_record_fields(invitation, &grant);
	if (now > grant.expires)
		return -EKEYEXPIRED;
	if (!weft_invitation_matches(invitation, secret))
		return -EKEYREJECTED;
	fields.network = grant.network;
	fields.issued = now;
	fields.subject = joiner->id;
	fields.invitation = invitation->hash;
	fields.has = WEFT_HAS(WEFT_KEY_SUBJECT) | WEFT_HAS(WEFT_KEY_INVITATION);
	if (name && !(grant.has & WEFT_HAS(WEFT_KEY_NAME))) {
		if (!weft_name_valid(name, WEFT_MAX_NAME))
			return -EPROTO;
		memcpy(fields.name, name, strlen(name));
		fields.has |= WEFT_HAS(WEFT_KEY_NAME);
	}
	if (ipv4 && !(grant.has & WEFT_HAS(WEFT_KEY_IPV4))) {
		memcpy(fields.ipv4, ipv4, sizeof(fields.ipv4));
		fields.has |= WEFT_HAS(WEFT_KEY_IPV4);
	}
	weft_invitation_keys(&keys, secret);
	error = weft_record_sign_agreed(admission, &fields, &keys.sign, joiner);
	weft_invitation_keys_wipe(&keys);
	return error;
}

/**
 * weft_invitation_check() - at the door: may this joiner come in by this invitation now
 * @roster:	evaluated
 * @invitation:	which the joiner brings, or which its tunnel key belongs to
 * @joiner:	who joins, or NULL if that is not known yet
 * @now:	Unix time
 *
 * For who comes in person. An admission that another member passes on needs no such check: it was
 * made elsewhere, and the roster's rules decide.
 *
 * Return: 0; -EXDEV (another network's), -EACCES (not by an admin), -EKEYREVOKED (the invitation, or
 * the joiner), -EKEYEXPIRED, -EUSERS (used up).
 */
int weft_invitation_check(const struct weft_roster *roster, const struct weft_record *invitation,
			  const struct weft_id *joiner, uint64_t now)
{
	static const struct weft_id nobody;
	struct weft_fields fields;
	bool used_by_joiner;
	size_t uses;

	weft_record_fields(invitation, &fields);
	if (!weft_id_equal(&fields.network, weft_roster_network(roster)))
		return -EXDEV;
	if (!weft_roster_admin(roster, &fields.signer))
		return -EACCES;
	if (weft_roster_revoked_by_admin(roster, &fields.subject) ||
	    (joiner && weft_roster_revoked(roster, joiner)))
		return -EKEYREVOKED;
	uses = weft_roster_uses(roster, invitation, joiner ? joiner : &nobody, &used_by_joiner);
	/* who joined before may come back with the token: its first session may have been cut short */
	if (used_by_joiner)
		return 0;
	if (now > fields.expires)
		return -EKEYEXPIRED;
	return uses >= fields.uses ? -EUSERS : 0;
}
