// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The last that a revoked member is told, while the kernel still has it: that it is revoked, and by
 * what right. It can check that itself, and nobody else will tell it.
 */
#include <string.h>

#include "node_internal.h"

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

void weft_part(struct weft_node *node, const struct weft_contact *contact)
{
	const struct weft_record *revocation = weft_roster_revocation(node->roster, &contact->id);

	/* without a session, it would only be a reason for a handshake with it */
	if (!revocation || !contact->programmed || !contact->session ||
	    node->state != WEFT_NODE_MEMBER)
		return;
	tell_appointments(node, contact, revocation->slot.by);
	tell(node, contact, revocation);
}
