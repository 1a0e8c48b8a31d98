// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a revoked key signed counts no longer, whenever it signed it: time is what the signer says
 * it is. Who was admitted by that key and stays has to be admitted anew, by who revokes.
 */
#include <errno.h>
#include <string.h>

#include "revoke.h"

static int add_revocation(struct weft_roster *roster, const struct weft_id *subject,
			  const struct weft_identity *by, uint64_t now)
{
	struct weft_fields fields = {
		.has = WEFT_HAS(WEFT_KEY_SUBJECT),
		.type = WEFT_REVOCATION,
		.network = *weft_roster_network(roster),
		.issued = now,
		.subject = *subject,
	};
	struct weft_record *record;
	int error;

	error = weft_record_sign(&record, &fields, by);
	if (error)
		return error;
	error = weft_roster_add(roster, record);
	weft_record_put(record);
	return error == -EEXIST || error == -ESTALE ? 0 : error;
}

/*
 * The invitations by which the subject came in go with it, or it would come in again under another
 * key: which of several uses count is decided by rank, not by who was first.
 */
static int revoke_invitations(struct weft_roster *roster, const struct weft_roster *before,
			      const struct weft_id *subject, const struct weft_identity *admin,
			      uint64_t now)
{
	struct weft_fields admission, invitation;
	struct weft_record *record;
	size_t n;
	int error;

	for (n = 0; n < weft_roster_count(before); n++) {
		record = weft_roster_at(before, n, NULL);
		if (record->slot.type != WEFT_ADMISSION || !record->slot.sub ||
		    memcmp(record->slot.about, subject->bytes, WEFT_ID_LEN))
			continue;
		weft_record_fields(record, &admission);
		record = weft_roster_find_invitation(before, &admission.invitation);
		if (!record)
			continue;
		weft_record_fields(record, &invitation);
		error = add_revocation(roster, &invitation.subject, admin, now);
		if (error)
			return error;
	}
	return 0;
}

static int admit_again(struct weft_roster *roster, const struct weft_member *member,
		       const struct weft_identity *admin, uint64_t now)
{
	struct weft_slot slot = { .type = WEFT_ADMISSION };
	struct weft_fields fields;
	struct weft_record *record;
	int error;

	memcpy(slot.about, member->identity.bytes, sizeof(slot.about));
	memcpy(slot.by, admin->id.bytes, sizeof(slot.by));
	weft_member_grant(member, &fields);
	if (!(fields.has & WEFT_HAS(WEFT_KEY_NAME))) {
		/* no record may ask for the name that it goes by */
		memcpy(fields.name, "m-", 2);
		memcpy(fields.name + 2, strrchr(member->name, '-') + 1, 16);
		fields.has |= WEFT_HAS(WEFT_KEY_NAME);
	}
	fields.issued = weft_roster_next_issued(roster, &slot, now);
	error = weft_record_sign(&record, &fields, admin);
	if (error)
		return error;
	error = weft_roster_add(roster, record);
	weft_record_put(record);
	return error;
}

/* Admit whoever is a member in @before and not in @after, but for the subject. */
static int admit_bystanders(struct weft_roster *roster, const struct weft_roster *before,
			    const struct weft_roster *after, const struct weft_id *subject,
			    const struct weft_identity *admin, uint64_t now)
{
	const struct weft_member *members, *later;
	size_t count, i;
	int error;

	members = weft_roster_members(before, &count);
	for (i = 0; i < count; i++) {
		later = weft_roster_member(after, &members[i].identity);
		if (members[i].state != WEFT_MEMBER || later->state == WEFT_MEMBER ||
		    weft_id_equal(&members[i].identity, subject))
			continue;
		error = admit_again(roster, &members[i], admin, now);
		if (error)
			return error;
	}
	return 0;
}

static int revoke_in(struct weft_roster *roster, const struct weft_roster *before,
		     struct weft_roster *after, const struct weft_id *subject,
		     const struct weft_identity *admin, uint64_t now)
{
	int error;

	error = revoke_invitations(after, before, subject, admin, now);
	if (!error)
		error = add_revocation(after, subject, admin, now);
	if (!error)
		error = weft_roster_evaluate(after, now);
	if (error)
		return error;
	if (!weft_roster_revoked(after, subject))
		return -EPERM;
	/* admissions first: nobody is out for a moment */
	error = admit_bystanders(roster, before, after, subject, admin, now);
	return error ? error : weft_roster_merge(roster, after);
}

/**
 * weft_revoke() - take a key's rights
 * @roster:	evaluated; gets the new records, and is evaluated
 * @subject:	a member's identity, an admin's key, or an invitation's
 * @admin:	who revokes
 * @now:	Unix time
 *
 * Also revokes the invitations by which the subject came in, and admits anew whoever would lose
 * membership only because of this. Admins whom the subject made lose that.
 *
 * Return: 0; -EPERM (@admin is none, or the subject is an admin not below it), -ENOMEM, -ENOSPC.
 */
int weft_revoke(struct weft_roster *roster, const struct weft_id *subject,
		const struct weft_identity *admin, uint64_t now)
{
	struct weft_roster *before = NULL, *after = NULL;
	int error;

	if (!weft_roster_admin(roster, &admin->id))
		return -EPERM;
	error = weft_roster_clone(&before, roster);
	if (!error)
		error = weft_roster_evaluate(before, now);
	if (!error)
		error = weft_roster_clone(&after, roster);
	/* or all that is added would be of a stranger */
	if (!error)
		error = weft_roster_evaluate(after, now);
	if (!error)
		error = revoke_in(roster, before, after, subject, admin, now);
	if (!error)
		error = weft_roster_evaluate(roster, now);
	weft_roster_free(after);
	weft_roster_free(before);
	return error;
}

/* Revoke one's own key. Return: as weft_revoke(). */
int weft_leave(struct weft_roster *roster, const struct weft_identity *member, uint64_t now)
{
	int error = add_revocation(roster, &member->id, member, now);

	return error ? error : weft_roster_evaluate(roster, now);
}
