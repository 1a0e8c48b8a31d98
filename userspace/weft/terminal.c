// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "terminal.h"
#include "weft_tool.h"

static bool colour_wanted(void)
{
	const char *mode = setting("COLOR_MODE");
	const char *no_color = getenv("NO_COLOR");

	if (mode && !strcmp(mode, "always"))
		return true;
	if (mode && !strcmp(mode, "never"))
		return false;
	if (no_color && *no_color)
		return false;
	return isatty(STDOUT_FILENO);
}

const char *term(const char *code)
{
	static int wanted = -1;

	if (wanted < 0)
		wanted = colour_wanted();
	return wanted ? code : "";
}
