// SPDX-License-Identifier: GPL-2.0
/* State files: as they are, and with the hash made to fit. */
#include <stdlib.h>
#include <string.h>

#include "state.h"

#define MAX_FILE 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const uint8_t *bytes, size_t len)
{
	/* the root key of the test vectors, so that their records are of this network */
	static const uint8_t seed[WEFT_SEED_LEN] = { 1000 & 0xff, 1000 >> 8, [31] = 1 };
	uint8_t again[WEFT_SECRETS_BYTES];
	struct weft_secrets secrets;
	struct weft_identity root;
	struct weft_roster *roster;
	size_t taken, again_len;

	if (!weft_secrets_decode(&secrets, bytes, len) &&
	    (weft_secrets_encode(again, sizeof(again), &again_len, &secrets) || again_len != len ||
	     memcmp(again, bytes, len)))
		abort();
	weft_identity_from_seed(&root, seed);
	if (weft_roster_new(&roster, &root.id))
		abort();
	weft_roster_decode(roster, bytes, len, &taken);
	if (taken > len / WEFT_SIGNATURE_LEN || weft_roster_evaluate(roster, 1700000000))
		abort();
	weft_roster_free(roster);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[MAX_FILE + WEFT_ID_LEN];

	if (size > MAX_FILE)
		return 0;
	decode(data, size);
	memcpy(bytes, data, size);
	weft_hash(bytes + size, WEFT_ID_LEN, "weft/1/state", (struct weft_part){ data, size },
		  (struct weft_part){ 0 });
	decode(bytes, size + WEFT_ID_LEN);
	return 0;
}
