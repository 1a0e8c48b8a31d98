/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Colours, where somebody sees them. */
#ifndef WEFT_TERMINAL_H
#define WEFT_TERMINAL_H

#define TERM_RESET	"\x1b[0m"
#define TERM_BOLD	"\x1b[1m"
#define TERM_GREEN	"\x1b[32m"
#define TERM_YELLOW	"\x1b[33m"
#define TERM_CYAN	"\x1b[36m"

/* @code, or "" if colours are not wanted on standard output. */
const char *term(const char *code);

#endif /* WEFT_TERMINAL_H */
