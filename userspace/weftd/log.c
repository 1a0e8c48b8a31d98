// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"

static bool to_journal, with_debug;

void log_begin(bool verbose)
{
	to_journal = getenv("JOURNAL_STREAM");
	with_debug = verbose;
}

void log_message(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (level == LOG_LEVEL_DEBUG && !with_debug)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* In one piece; the journal reads the level from the number (sd-daemon(3)). */
	if (to_journal)
		fprintf(stderr, "<%d>%s\n", level, line);
	else
		fprintf(stderr, "weftd: %s\n", line);
}
