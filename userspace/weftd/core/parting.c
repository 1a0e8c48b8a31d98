// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The last that somebody is told who is no member any more, while the kernel still has it: that it is
 * revoked, and by what right; or who came in its place. It can check that itself, and nobody else
 * will tell it.
 */
#include <string.h>

#include "node_internal.h"

/* Others' uses of invitations that one is told: of more than one, it needs the lowest in rank. */
#define MAX_USES 16

static void tell(struct weft_node *node, const struct weft_contact *contact,
		 const struct weft_record *record)
{
	struct weft_message message = { .type = WEFT_RECORDS };

	message.records.count = 1;
	message.records.at[0].at = record->bytes;
	message.records.at[0].len = record->len;
	weft_send_parting(node, contact->address, &message);
}

/* From the root on: each is worth something when it arrives. At most WEFT_MAX_LEVEL. */
static void tell_appointments(struct weft_node *node, const struct weft_contact *contact,
			      const uint8_t admin[WEFT_ID_LEN])
{
	const struct weft_record *record;
	struct weft_id id;

	memcpy(id.bytes, admin, sizeof(id.bytes));
	record = weft_roster_appointment(node->roster, &id);
	if (!record)
		return;
	tell_appointments(node, contact, record->slot.by);
	tell(node, contact, record);
}

/*
 * Its use of an invitation was one too many, and the roster has it no more. What drove it out has just
 * arrived, or it would have been told before.
 */
static void tell_uses(struct weft_node *node, const struct weft_contact *contact)
{
	const struct weft_record *record;
	unsigned int told = 0;
	size_t i;

	for (i = 0; i < node->fresh.count && told < MAX_USES; i++) {
		record = node->fresh.at[i].record;
		if (record->slot.type != WEFT_ADMISSION || !record->slot.sub ||
		    !weft_roster_anchored(node->roster, record))
			continue;
		tell(node, contact, record);
		told++;
	}
}

void weft_part(struct weft_node *node, const struct weft_contact *contact)
{
	const struct weft_record *revocation = weft_roster_revocation(node->roster, &contact->id);

	/* without a session, it would only be a reason for a handshake with it */
	if (!contact->programmed || !contact->session || node->state != WEFT_NODE_MEMBER)
		return;
	if (revocation) {
		tell_appointments(node, contact, revocation->slot.by);
		tell(node, contact, revocation);
	} else if (!weft_roster_member(node->roster, &contact->id)) {
		tell_uses(node, contact);
	}
}
