// SPDX-License-Identifier: GPL-2.0
/* Say which upcalls a device makes, or none. */
#include "genl.h"

static uint32_t flag(const char *name)
{
	if (!strcmp(name, "unknown-peer"))
		return WEFT_UPCALL_F_UNKNOWN_PEER;
	if (!strcmp(name, "unknown-destination"))
		return WEFT_UPCALL_F_UNKNOWN_DESTINATION;
	errx(2, "no such upcall: %s", name);
}

int main(int argc, char **argv)
{
	static struct answer answer;
	struct request r = { 0 };
	uint32_t upcalls = 0;
	struct genl g;
	int rc;

	if (argc < 2) {
		fprintf(stderr, "usage: upcalls INTERFACE [unknown-peer] [unknown-destination]\n");
		return 2;
	}
	for (int i = 2; i < argc; i++)
		upcalls |= flag(argv[i]);
	rc = genl_open(&g);
	if (rc)
		errx(1, "family weft: %s", strerror(rc));
	req_begin(&r, g.family, WEFT_CMD_DEVICE_SET, 0);
	req_put_string(&r, WEFT_A_DEVICE_IFNAME, argv[1]);
	req_put_u32(&r, WEFT_A_DEVICE_UPCALLS, upcalls);
	rc = genl_ask(&g, &r, &answer);
	if (rc)
		errx(1, "%s: %s %s", argv[1], strerror(rc), answer.message);
	return 0;
}
