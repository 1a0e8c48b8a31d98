// SPDX-License-Identifier: GPL-2.0-or-later
#include "parse.h"
#include "weft_tool.h"

int cmd_pubkey(int argc, char **argv)
{
	__wipe_key struct weft_key key;
	char text[WEFT_KEY_BASE64_LEN + 1];
	struct weft_key public_key;
	struct problem problem;

	if (argc != 1)
		return EXIT_USAGE;
	if (read_key(stdin, false, &key, &problem)) {
		complain("%s: standard input: %s", argv[0], problem.text);
		return EXIT_FAILED;
	}
	weft_key_public(&public_key, &key);
	weft_key_to_base64(text, &public_key);
	puts(text);
	return EXIT_DONE;
}
