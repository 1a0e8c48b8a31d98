// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys come in files or on standard input, never as arguments. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "parse.h"
#include "weft_tool.h"

/* Reads up to 44 characters, bypassing stdio's buffer, which nobody would wipe. */
static int read_text(FILE *file, char text[WEFT_KEY_BASE64_LEN + 1], struct problem *problem)
{
	size_t len;

	setvbuf(file, NULL, _IONBF, 0);
	errno = 0;
	len = fread(text, 1, WEFT_KEY_BASE64_LEN, file);
	text[len] = '\0';
	if (ferror(file))
		return problem_set(problem, errno ? -errno : -EIO, "%s",
				   strerror(errno ? errno : EIO));
	return 0;
}

int read_key(FILE *file, bool may_be_empty, struct weft_key *key, struct problem *problem)
{
	char text[WEFT_KEY_BASE64_LEN + 1];
	int err, c;

	err = read_text(file, text, problem);
	if (err)
		return err;
	if (!*text && may_be_empty) {
		memset(key, 0, sizeof(*key));
		return 0;
	}
	err = parse_secret_key(text, key, problem);
	explicit_bzero(text, sizeof(text));
	while (!err && (c = getc(file)) != EOF) {
		if (!isspace(c))
			err = problem_set(problem, -EINVAL, "something follows the key; expected "
					  "nothing but one key");
	}
	if (err)
		weft_key_wipe(key);
	return err;
}

int read_key_file(const char *path, struct weft_key *key, struct problem *problem)
{
	__close_file FILE *file = fopen(path, "re");
	struct problem why;
	int err;

	if (!file) {
		err = -errno;
		return problem_set(problem, err, "cannot read the key file \"%s\": %s", path,
				   strerror(-err));
	}
	err = read_key(file, true, key, &why);
	if (err)
		/* What the file holds is not the command line's fault. */
		return problem_set(problem, err == -EINVAL ? -EBADMSG : err, "key file \"%s\": %s",
				   path, why.text);
	return 0;
}
