// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weft_tool.h"

static void warn_if_others_can_read(void)
{
	struct stat st;

	if (!fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode) && st.st_mode & S_IRWXO)
		complain("warning: writing a key to a file that everybody may read; run "
			 "umask 077 before");
}

static int print_key(const struct weft_key *key)
{
	char text[WEFT_KEY_BASE64_LEN + 1];

	weft_key_to_base64(text, key);
	puts(text);
	explicit_bzero(text, sizeof(text));
	return EXIT_DONE;
}

int cmd_genkey(int argc, char **argv)
{
	__wipe_key struct weft_key key;

	(void)argv;
	if (argc != 1)
		return EXIT_USAGE;
	warn_if_others_can_read();
	weft_key_generate(&key);
	return print_key(&key);
}

int cmd_genpsk(int argc, char **argv)
{
	__wipe_key struct weft_key key;

	(void)argv;
	if (argc != 1)
		return EXIT_USAGE;
	warn_if_others_can_read();
	weft_key_generate_preshared(&key);
	return print_key(&key);
}
