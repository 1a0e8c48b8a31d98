// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a revoked key signed counts no longer, whenever it signed it: time is what the signer says
 * it is. Who was admitted by that key and stays has to be admitted anew, by who revokes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "revoke.h"
#include "roster_internal.h"

/**
 * struct job - a revocation under way
 * @before:	the roster as it was, evaluated
 * @after:	a copy, which takes the roster's place when all is done
 * @subject:	who is revoked
 * @admin:	by whom
 * @now:	when
 * @kept:	for each member of @before: whether the admission that counted still did when the subject
 *		alone was revoked
 * @losses:	who is a member no more; room for all
 */
struct job {
	const struct weft_roster *before;
	struct weft_roster *after;
	const struct weft_id *subject;
	const struct weft_identity *admin;
	uint64_t now;
	bool *kept;
	struct weft_losses losses;
};

/* Whether it was new, or a negative error. */
static int add_signed(struct weft_roster *roster, const struct weft_fields *fields,
		      const struct weft_identity *by)
{
	struct weft_record *record;
	int error;

	error = weft_record_sign(&record, fields, by);
	if (error)
		return error;
	error = weft_roster_add(roster, record);
	weft_record_put(record);
	if (error == -EEXIST || error == -ESTALE)
		return 0;
	return error ? error : 1;
}

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

	return add_signed(roster, &fields, by);
}

static int add_removal(struct weft_roster *roster, const struct weft_id *subject,
		       const struct weft_identity *by, uint64_t now)
{
	struct weft_fields fields = {
		.has = WEFT_HAS(WEFT_KEY_SUBJECT) | WEFT_HAS(WEFT_KEY_OPERATION),
		.type = WEFT_ADMIN,
		.network = *weft_roster_network(roster),
		.issued = now,
		.subject = *subject,
		.operation = WEFT_REMOVE,
	};

	return add_signed(roster, &fields, by);
}

static bool revival(const struct weft_roster *before, const struct weft_roster *after,
		    const struct weft_id *id)
{
	return weft_roster_revoked_by_admin(before, id) && !weft_roster_revoked_by_admin(after, id);
}

static bool reinstatement(const struct weft_roster *before, const struct weft_roster *after,
			  const struct weft_id *id)
{
	return !weft_roster_admin(before, id) && weft_roster_admin(after, id);
}

/*
 * The subject of entry @n, if that is an admin record or a revocation, and the first of its kind about
 * it: what all of them together come to is asked once.
 */
static bool is_first_about(const struct weft_roster *roster, size_t n, struct weft_id *id)
{
	const struct weft_slot *slot = &roster->entries[n].record->slot;

	if (slot->type != WEFT_ADMIN && slot->type != WEFT_REVOCATION)
		return false;
	memcpy(id->bytes, slot->about, sizeof(id->bytes));
	return !n || !weft_roster_about(roster, n - 1, slot->type, id);
}

/* Whether something was added to @job->after, or a negative error. */
static int keep_out(struct job *job, size_t n)
{
	const struct weft_slot *slot = &job->before->entries[n].record->slot;
	struct weft_id id;

	if (!is_first_about(job->before, n, &id))
		return 0;
	if (slot->type == WEFT_REVOCATION && revival(job->before, job->after, &id))
		return add_revocation(job->after, &id, job->admin, job->now);
	if (slot->type == WEFT_ADMIN && reinstatement(job->before, job->after, &id))
		return add_removal(job->after, &id, job->admin, job->now);
	return 0;
}

/*
 * Whom the subject revoked or removed stays so, under the name of who revokes the subject. Once more
 * after each time that something was added: an admin who is out again takes its own revocations along.
 */
static int keep_all_out(struct job *job)
{
	size_t n, added;
	int result;

	do {
		result = weft_roster_evaluate(job->after, job->now);
		added = 0;
		job->losses.unsaid = 0;
		for (n = 0; result >= 0 && n < job->before->count; n++) {
			result = keep_out(job, n);
			added += result > 0;
			/* or an admin who fills the roster with revocations could not be revoked */
			job->losses.unsaid += result == -ENOSPC;
			if (result == -ENOSPC)
				result = 0;
		}
	} while (result >= 0 && added);
	return result < 0 ? result : 0;
}

/*
 * The invitations by which the subject came in go with it, or it would come in again under another
 * key: which of several uses count is decided by rank, not by who was first. Only those that it did
 * come by: what is not anchored anyone can have written.
 */
static int revoke_invitations(struct job *job)
{
	const struct weft_roster *before = job->before;
	struct weft_fields admission, invitation;
	const struct weft_entry *entry;
	size_t n;
	int error;

	for (n = weft_roster_first(before, WEFT_ADMISSION, job->subject);
	     weft_roster_about(before, n, WEFT_ADMISSION, job->subject); n++) {
		entry = &before->entries[n];
		if (!entry->record->slot.sub || !entry->anchored)
			continue;
		weft_record_fields(entry->record, &admission);
		weft_record_fields(weft_roster_find_invitation(before, &admission.invitation),
				   &invitation);
		error = add_revocation(job->after, &invitation.subject, job->admin, job->now);
		job->losses.unsaid += error == -ENOSPC;
		if (error < 0 && error != -ENOSPC)
			return error;
	}
	return weft_roster_evaluate(job->after, job->now);
}

static int admit_again(struct weft_roster *roster, const struct weft_member *member,
		       const struct weft_identity *admin, uint64_t now)
{
	struct weft_slot slot = { .type = WEFT_ADMISSION };
	struct weft_fields fields;

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
	return add_signed(roster, &fields, admin);
}

/* Whether what made it a member in @before still does; of who was none, whether it still is none. */
static bool is_unaffected(const struct weft_roster *after, const struct weft_member *member)
{
	const struct weft_member *later = weft_roster_member(after, &member->identity);

	if (member->state != WEFT_MEMBER)
		return later->state != WEFT_MEMBER;
	return later->state == WEFT_MEMBER &&
	       weft_id_equal(&later->admission->hash, &member->admission->hash);
}

/*
 * What became of a member of @before, if it may no longer be one, or not the same; or of one whose
 * admission had lapsed, if an older one of it counts again. A failure is told, and no more.
 */
static int settle_bystander(struct job *job, const struct weft_member *member, bool wanted)
{
	struct weft_losses *losses = &job->losses;
	int result = 0;

	/* who was revoked, or admitted by nobody, is not for admitting, whatever found no room before */
	if ((member->state != WEFT_MEMBER && member->state != WEFT_MEMBER_EXPIRED) ||
	    weft_id_equal(&member->identity, job->subject) || is_unaffected(job->after, member))
		return 0;
	if (wanted)
		result = admit_again(job->after, member, job->admin, job->now);
	if (result == -ENOMEM)
		return result;
	if (result > 0)
		return 0;
	if (weft_roster_member(job->after, &member->identity)->state != WEFT_MEMBER)
		losses->at[losses->count++] = (struct weft_loss){ member->identity, result };
	else
		losses->unsaid += result < 0;
	return 0;
}

static int settle_bystanders(struct job *job, unsigned int flags)
{
	size_t i;
	int error = 0;

	for (i = 0; !error && i < job->before->member_count; i++)
		error = settle_bystander(job, &job->before->members[i],
					 job->kept[i] || !(flags & WEFT_COMPROMISED));
	return error ? error : weft_roster_evaluate(job->after, job->now);
}

static int do_job(struct job *job, unsigned int flags)
{
	size_t i;
	int error;

	error = add_revocation(job->after, job->subject, job->admin, job->now);
	if (error >= 0)
		error = keep_all_out(job);
	if (error)
		return error;
	if (!weft_roster_revoked(job->after, job->subject))
		return -EPERM;
	for (i = 0; i < job->before->member_count; i++)
		job->kept[i] = is_unaffected(job->after, &job->before->members[i]);
	error = revoke_invitations(job);
	return error ? error : settle_bystanders(job, flags);
}

/* An evaluated copy. */
static int copy_roster(struct weft_roster **copy, const struct weft_roster *roster, uint64_t now)
{
	int error;

	error = weft_roster_clone(copy, roster);
	return error ? error : weft_roster_evaluate(*copy, now);
}

/*
 * Whether what follows for anyone else differs: who is a member and with what grants, who is an admin,
 * who is revoked, and which secret is the network's.
 */
static bool others_differ(const struct weft_roster *before, const struct weft_roster *after,
			  const struct weft_id *id)
{
	const struct weft_member *member;
	struct weft_id other;
	size_t i;

	if (before->epoch != after->epoch)
		return true;
	for (i = 0; i < before->member_count; i++) {
		member = &before->members[i];
		if (!weft_id_equal(&member->identity, id) && !is_unaffected(after, member))
			return true;
	}
	for (i = 0; i < before->count; i++) {
		if (is_first_about(before, i, &other) && !weft_id_equal(&other, id) &&
		    (!weft_roster_admin(before, &other) != !weft_roster_admin(after, &other) ||
		     revival(before, after, &other)))
			return true;
	}
	return false;
}

/**
 * weft_leave() - revoke one's own key
 * @roster:	gets the record, and is evaluated
 * @member:	who leaves
 * @now:	Unix time
 *
 * Return: 0; -EBUSY (an admin, and without its word others would be members or admins no more, or with
 * other grants, or no longer revoked, or the network's secret another: an admin nearer to the root is
 * to revoke it instead), -ENOMEM, -ENOSPC, -EPROTO (the root), with the
 * roster as it was.
 */
int weft_leave(struct weft_roster *roster, const struct weft_identity *member, uint64_t now)
{
	struct weft_roster *after = NULL;
	int error;

	error = weft_roster_evaluate(roster, now);
	if (!error)
		error = copy_roster(&after, roster, now);
	if (!error)
		error = add_revocation(after, &member->id, member, now);
	if (error >= 0)
		error = weft_roster_evaluate(after, now);
	if (!error && others_differ(roster, after, &member->id))
		error = -EBUSY;
	if (!error)
		weft_roster_swap(roster, after);
	weft_roster_free(after);
	return error;
}

/**
 * weft_revoke() - take a key's rights
 * @roster:	gets the new records, and is evaluated
 * @subject:	a member's identity, an admin's key, or an invitation's
 * @admin:	who revokes
 * @now:	Unix time
 * @flags:	WEFT_COMPROMISED
 * @losses:	gets who else is no member any more; to be freed. NULL: nobody wants to know
 *
 * Also revokes the invitations by which the subject came in, and says again in the name of @admin
 * what would be lost with the subject's word: that others are members, with what they were granted,
 * and that others are revoked or no admins. Admins whom the subject made lose that, and invitations
 * that it signed are void.
 *
 * With WEFT_COMPROMISED, nobody is admitted again who was a member by what the subject signed, or an
 * admin whom it made: at most what others had granted before counts again. Whom it revoked stays revoked nevertheless.
 *
 * With @subject the key of @admin, it is weft_leave().
 *
 * What finds no room of all this is told in @losses, and does not keep the subject in.
 *
 * Return: 0; -EPERM (@admin is none, or the subject is an admin not below it), -EBUSY (see
 * weft_leave()), -ENOMEM, -ENOSPC, -EPROTO (the root), with the roster as it was.
 */
int weft_revoke(struct weft_roster *roster, const struct weft_id *subject,
		const struct weft_identity *admin, uint64_t now, unsigned int flags,
		struct weft_losses *losses)
{
	struct job job = { .before = roster, .subject = subject, .admin = admin, .now = now };
	int error;

	if (losses)
		*losses = (struct weft_losses){ 0 };
	if (weft_id_equal(subject, &admin->id))
		return weft_leave(roster, admin, now);
	error = weft_roster_evaluate(roster, now);
	if (error)
		return error;
	if (!weft_roster_admin(roster, &admin->id))
		return -EPERM;
	job.kept = calloc(roster->member_count + 1, sizeof(*job.kept));
	job.losses.at = calloc(roster->member_count + 1, sizeof(*job.losses.at));
	error = job.kept && job.losses.at ? copy_roster(&job.after, roster, now) : -ENOMEM;
	if (!error)
		error = do_job(&job, flags);
	if (!error) {
		weft_roster_swap(roster, job.after);
		if (losses) {
			*losses = job.losses;
			job.losses.at = NULL;
		}
	}
	weft_roster_free(job.after);
	free(job.losses.at);
	free(job.kept);
	return error;
}

void weft_losses_free(struct weft_losses *losses)
{
	free(losses->at);
	*losses = (struct weft_losses){ 0 };
}

/**
 * weft_epoch_make() - name a new secret of the network, which those who were revoked do not have
 * @record:	gets the record
 * @roster:	evaluated
 * @secret:	random; goes to members inside tunnels only
 * @admin:	who says so
 * @now:	Unix time
 *
 * Return: as weft_record_sign().
 */
int weft_epoch_make(struct weft_record **record, const struct weft_roster *roster,
		    const uint8_t secret[32], const struct weft_identity *admin, uint64_t now)
{
	struct weft_slot slot = { .type = WEFT_EPOCH };
	struct weft_fields fields = {
		.has = WEFT_HAS(WEFT_KEY_COMMITMENT),
		.type = WEFT_EPOCH,
		.network = *weft_roster_network(roster),
	};

	memcpy(slot.about, fields.network.bytes, sizeof(slot.about));
	memcpy(slot.by, admin->id.bytes, sizeof(slot.by));
	fields.issued = weft_roster_next_issued(roster, &slot, now);
	weft_commitment(&fields.commitment, secret);
	return weft_record_sign(record, &fields, admin);
}
