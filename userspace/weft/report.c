// SPDX-License-Identifier: GPL-2.0-or-later
/* What goes to standard error, and how the environment sets things. */
#include <stdarg.h>

#include "weft_tool.h"

const char *setting(const char *name)
{
	static const char *const prefixes[] = { "WEFT_", "WG_" };
	char variable[64];

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); ++i) {
		const char *value;

		snprintf(variable, sizeof(variable), "%s%s", prefixes[i], name);
		value = getenv(variable);
		if (value)
			return value;
	}
	return NULL;
}

void complain(const char *format, ...)
{
	va_list args;

	/* In one piece, and after what was printed so far. */
	fflush(stdout);
	flockfile(stderr);
	fputs("weft: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	funlockfile(stderr);
}

int complain_kernel(const struct weft *weft, const char *ifname, int err)
{
	const struct weft_error *error = weft_last_error(weft);
	const char *text = error->code == err ? error->text : weft_strerror(err);

	if (ifname)
		complain("%s: %s", ifname, text);
	else
		complain("%s", text);
	return EXIT_FAILED;
}

struct weft *open_weft(void)
{
	struct weft *weft = NULL;
	int err = weft_open(&weft);

	if (err)
		complain("%s", weft_strerror(err));
	return weft;
}
