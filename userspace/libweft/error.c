// SPDX-License-Identifier: GPL-2.0-or-later
/* The one place that turns codes into text. */
#include <errno.h>
#include <string.h>

#include "internal.h"

static const struct {
	int code;
	const char *text;
} texts[] = {
	{ WEFT_E_NO_MODULE, "the weft kernel module is not loaded; run: modprobe weft" },
	{ WEFT_E_OLD_KERNEL,
	  "the loaded weft kernel module is older than this program and does not know what was "
	  "asked for; update the module" },
	{ WEFT_E_NO_DEVICE,
	  "no such interface; to make one, run: ip link add NAME type weft" },
	{ WEFT_E_NOT_WEFT, "the interface is not a weft interface" },
	{ WEFT_E_NO_PEER, "the interface has no peer with this key" },
	{ WEFT_E_PEER_EXISTS, "the interface has a peer with this key already" },
	{ WEFT_E_BUFFER, "the request is too large for the socket's buffer" },
	{ WEFT_E_CHANGING, "the interface changed again and again while it was read" },
	{ WEFT_E_REPLY, "the kernel's answer makes no sense" },
	{ WEFT_E_LOST, "events came faster than they were read, and some were lost" },
	{ EPERM, "not permitted; this needs CAP_NET_ADMIN, run it as root" },
};

const char *weft_strerror(int code)
{
	int positive = code < 0 ? -code : code;

	for (size_t i = 0; i < ARRAY_SIZE(texts); ++i) {
		if (texts[i].code == positive)
			return texts[i].text;
	}
	return positive ? strerror(positive) : "done";
}
