// SPDX-License-Identifier: GPL-2.0
/*
 * Many machines that nobody knows: one weft device takes one random private
 * key after the other and sends an initiation with each.
 */
#include "genl.h"

#include <arpa/inet.h>
#include <sys/random.h>

#include "base64.h"

static void put_peer(struct request *r, const uint8_t key[WEFT_KEY_LEN],
		     const struct sockaddr_in *endpoint)
{
	uint32_t nest = req_nest(r, WEFT_A_DEVICE_PEER);

	req_put(r, WEFT_A_PEER_PUBLIC_KEY, key, WEFT_KEY_LEN);
	req_put(r, WEFT_A_PEER_ENDPOINT, endpoint, sizeof(*endpoint));
	/* which makes it ask for a session at once */
	req_put_u16(r, WEFT_A_PEER_PERSISTENT_KEEPALIVE, 100);
	req_nest_end(r, nest);
}

int main(int argc, char **argv)
{
	struct sockaddr_in endpoint = { .sin_family = AF_INET };
	static struct answer answer;
	struct request r = { 0 };
	uint8_t key[WEFT_KEY_LEN], secret[WEFT_KEY_LEN];
	unsigned long count;
	struct genl g;
	int rc;

	if (argc != 6 || from_base64(key, argv[2]) ||
	    !inet_pton(AF_INET, argv[3], &endpoint.sin_addr)) {
		fprintf(stderr, "usage: strangers INTERFACE PUBLIC-KEY ADDRESS PORT COUNT\n");
		return 2;
	}
	endpoint.sin_port = htons(strtoul(argv[4], NULL, 0));
	count = strtoul(argv[5], NULL, 0);
	rc = genl_open(&g);
	if (rc)
		errx(1, "family weft: %s", strerror(rc));
	for (unsigned long i = 0; i < count; i++) {
		if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
			err(2, "getrandom");
		req_begin(&r, g.family, WEFT_CMD_DEVICE_SET, 0);
		req_put_string(&r, WEFT_A_DEVICE_IFNAME, argv[1]);
		/* the peer begins anew, so that it need not wait */
		req_put_u32(&r, WEFT_A_DEVICE_FLAGS, WEFT_DEVICE_F_REPLACE_PEERS);
		req_put(&r, WEFT_A_DEVICE_PRIVATE_KEY, secret, sizeof(secret));
		put_peer(&r, key, &endpoint);
		rc = genl_ask(&g, &r, &answer);
		if (rc)
			errx(1, "%s: %s %s", argv[1], strerror(rc), answer.message);
		/* until it has computed the initiation */
		usleep(5000);
	}
	return 0;
}
