/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values to text, the same for people, scripts and configuration files. */
#ifndef WEFT_FORMAT_H
#define WEFT_FORMAT_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <weft/weft.h>

/* "[address%scope]:port" */
struct endpoint_text {
	char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 16];
};

/* "address/length" */
struct prefix_text {
	char address[INET6_ADDRSTRLEN];
	char text[INET6_ADDRSTRLEN + 8];
};

struct key_text {
	char text[WEFT_KEY_BASE64_LEN + 1];
};

/* "name,name"; there is room for 32, two with names and the others as bits. */
struct upcalls_text {
	char text[2 * 20 + 30 * 12];
};

/* Decimal digits without a NUL; @to has room for 20 of them. Returns their end. */
char *format_decimal(char *to, uint64_t number);
/* "(none)" if there is none. */
struct endpoint_text format_endpoint(const union weft_endpoint *endpoint);
struct prefix_text format_prefix(const struct weft_allowed_ip *ip);
struct key_text format_key(const struct weft_key *key);
/* "(none)" if the key is zero. */
struct key_text format_key_or_none(const struct weft_key *key);

/* Name of an upcall, or its bit if it has none here. */
const char *format_upcall(uint32_t upcall, char buf[16]);
/* All of them, or "off"; the separator has at most two characters. */
struct upcalls_text format_upcalls(uint32_t upcalls, const char *separator);

/* Name of a suite, or its number if it has none here. */
const char *format_suite(uint32_t suite, char buf[16]);

#endif /* WEFT_FORMAT_H */
