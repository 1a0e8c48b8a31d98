/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of all members of this machine's networks, as weftd publishes them: a line that says what
 * the file is, then one for each name, "NAME NETWORK IPV6 IPV4", with a "-" where there is no address.
 * The file is replaced as a whole. A name that two networks have is the earlier one's.
 */
#ifndef WEFT_NAMES_FILE_H
#define WEFT_NAMES_FILE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#define NAMES_FILE "/run/weft/names"
#define NAMES_MAGIC "# weft names 1\n"
/* After a network's name: NAME.NETWORK.weft. */
#define NAMES_DOMAIN "weft"
/* A name of a member, "--" and 16 digits with it, or of a network, and a zero. */
#define NAMES_LABEL 64

/**
 * struct names_entry - a line
 * @name:	the member's
 * @network:	its network's, on this machine
 * @ipv6:	if @has_ipv6
 * @ipv4:	if @has_ipv4
 */
struct names_entry {
	char name[NAMES_LABEL];
	char network[NAMES_LABEL];
	struct in6_addr ipv6;
	struct in_addr ipv4;
	bool has_ipv6;
	bool has_ipv4;
};

/* Reads from @text, up to @end; false at the end. Lines that make no sense are passed over. */
bool names_next(const char **text, const char *end, struct names_entry *entry);
/* Whether a host name is this entry's: NAME, NAME.NETWORK or NAME.NETWORK.weft. */
bool names_match(const struct names_entry *entry, const char *host);
bool names_match_address(const struct names_entry *entry, int family, const void *address);

#endif /* WEFT_NAMES_FILE_H */
