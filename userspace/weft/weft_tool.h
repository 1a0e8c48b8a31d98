/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the subcommands of the tool share. */
#ifndef WEFT_TOOL_H
#define WEFT_TOOL_H

#include <stdio.h>
#include <stdlib.h>
#include <weft/weft.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Exit codes; documented in weft(8). */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	/* weftd does not run, the network is down, a member does not answer */
	EXIT_NOT_CONNECTED = 3,
};

/* Subcommands: argv[0] is the command's name. They return an exit code. */
int cmd_show(int argc, char **argv);
int cmd_showconf(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_setconf(int argc, char **argv);
int cmd_addconf(int argc, char **argv);
int cmd_syncconf(int argc, char **argv);
int cmd_genkey(int argc, char **argv);
int cmd_genpsk(int argc, char **argv);
int cmd_pubkey(int argc, char **argv);

/* The value of WEFT_@name, or else of WG_@name, or NULL. */
const char *setting(const char *name);

/* A line on standard error, after the program's name. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Say that something about an interface failed; returns the exit code. */
int complain_kernel(const struct weft *weft, const char *ifname, int err);

/* Connect to the kernel, or say why not. */
struct weft *open_weft(void);

static inline void free_weft(struct weft **weft)
{
	weft_close(*weft);
}

static inline void free_device(struct weft_device **dev)
{
	weft_device_free(*dev);
}

static inline void free_text(char **text)
{
	free(*text);
}

static inline void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define __free_weft __attribute__((cleanup(free_weft)))
#define __free_device __attribute__((cleanup(free_device)))
#define __free_text __attribute__((cleanup(free_text)))
#define __close_file __attribute__((cleanup(close_file)))
#define __wipe_key __attribute__((cleanup(weft_key_wipe)))

#endif /* WEFT_TOOL_H */
