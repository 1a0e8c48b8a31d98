// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "names_file.h"

/* Up to a blank or the end; false if it is none or too long. */
static bool next_word(const char **at, const char *end, char *word, size_t size)
{
	size_t len = 0;

	while (*at < end && **at == ' ')
		(*at)++;
	while (*at < end && **at != ' ') {
		if (len + 1 >= size)
			return false;
		word[len++] = *(*at)++;
	}
	word[len] = 0;
	return len;
}

static bool get_address(int family, const char *text, void *address, bool *has)
{
	*has = strcmp(text, "-");
	return !*has || inet_pton(family, text, address) == 1;
}

static bool read_line(const char *at, const char *end, struct names_entry *entry)
{
	char ipv6[INET6_ADDRSTRLEN], ipv4[INET_ADDRSTRLEN];

	return next_word(&at, end, entry->name, sizeof(entry->name)) &&
	       next_word(&at, end, entry->network, sizeof(entry->network)) &&
	       next_word(&at, end, ipv6, sizeof(ipv6)) &&
	       next_word(&at, end, ipv4, sizeof(ipv4)) && at == end &&
	       get_address(AF_INET6, ipv6, &entry->ipv6, &entry->has_ipv6) &&
	       get_address(AF_INET, ipv4, &entry->ipv4, &entry->has_ipv4);
}

bool names_next(const char **text, const char *end, struct names_entry *entry)
{
	const char *line, *newline;

	while (*text < end) {
		line = *text;
		newline = memchr(line, '\n', end - line);
		/* a line without an end was not written by weftd */
		if (!newline)
			break;
		*text = newline + 1;
		if (*line != '#' && read_line(line, newline, entry))
			return true;
	}
	*text = end;
	return false;
}

static bool take_label(const char **host, const char *label)
{
	size_t len = strlen(label);

	if (strncasecmp(*host, label, len) || ((*host)[len] && (*host)[len] != '.'))
		return false;
	*host += len + ((*host)[len] == '.');
	return true;
}

bool names_match(const struct names_entry *entry, const char *host)
{
	if (!take_label(&host, entry->name))
		return false;
	if (!*host)
		return true;
	return take_label(&host, entry->network) &&
	       (!*host || (take_label(&host, NAMES_DOMAIN) && !*host));
}

bool names_match_address(const struct names_entry *entry, int family, const void *address)
{
	if (family == AF_INET6)
		return entry->has_ipv6 &&
		       !memcmp(&entry->ipv6, address, sizeof(entry->ipv6));
	return entry->has_ipv4 && !memcmp(&entry->ipv4, address, sizeof(entry->ipv4));
}
