// SPDX-License-Identifier: GPL-2.0
/* Tokens: as text, and with the text's checksum made to fit. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const char *text)
{
	char again[WEFT_TOKEN_TEXT];
	struct weft_token token, same;

	if (weft_token_decode(&token, text))
		return;
	/* a token may have keys of later versions, which are lost; what is known is not */
	if (weft_token_encode(again, &token) || weft_token_decode(&same, again) ||
	    memcmp(token.secret, same.secret, sizeof(same.secret)) ||
	    token.hint_count != same.hint_count)
		abort();
	weft_token_wipe(&token);
	weft_token_wipe(&same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[WEFT_TOKEN_BYTES], hash[WEFT_ID_LEN];
	char text[2 * WEFT_TOKEN_TEXT] = { 0 };

	if (size > sizeof(bytes) - 4)
		return 0;
	memcpy(text, data, size);
	decode(text);
	memcpy(bytes, data, size);
	weft_hash(hash, sizeof(hash), "weft/1/token", (struct weft_part){ data, size },
		  (struct weft_part){ 0 });
	memcpy(bytes + size, hash, 4);
	strcpy(text, WEFT_TOKEN_PREFIX);
	sodium_bin2base64(text + strlen(text), sizeof(text) - strlen(text), bytes, size + 4,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	decode(text);
	return 0;
}
