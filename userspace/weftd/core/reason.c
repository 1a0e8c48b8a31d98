// SPDX-License-Identifier: GPL-2.0-or-later
/* The one place where the core's errors become words, which follow "record", "token", "file". */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "reason.h"

static const struct {
	int error;
	const char *text;
} reasons[] = {
	{ EINVAL, "is no token of weft" },
	{ ENODATA, "is cut short" },
	{ EBADMSG, "is damaged" },
	{ EPROTO, "lacks something, or says what it may not" },
	{ EPROTONOSUPPORT, "was made by a later version of weft" },
	{ EMSGSIZE, "is too long" },
	{ EXDEV, "is for another network" },
	{ EKEYREJECTED, "is forged: its signature is wrong" },
	{ EKEYEXPIRED, "has expired" },
	{ EKEYREVOKED, "was revoked" },
	{ EACCES, "was not made by an admin of this network" },
	{ EPERM, "is of an admin whom this one may not revoke" },
	{ EBUSY, "is of an admin on whose word others depend" },
	{ EUSERS, "was used as often as was granted" },
	{ EEXIST, "is known already" },
	{ ESTALE, "is older than what is known" },
	{ ENOSPC, "finds no room" },
};

/* @error: negative */
const char *weft_reason(int error)
{
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].error == -error)
			return reasons[i].text;
	}
	return strerror(-error);
}
