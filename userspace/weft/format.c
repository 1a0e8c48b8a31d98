// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <inttypes.h>
#include <netdb.h>
#include <string.h>

#include "format.h"

/*
 * printf() takes a thousand instructions where these take a hundred, which a dump of many peers
 * is made of.
 */
char *format_decimal(char *to, uint64_t number)
{
	char *end = to + 1;

	for (uint64_t rest = number; rest >= 10; rest /= 10)
		++end;
	for (char *at = end; at > to; number /= 10)
		*--at = (char)('0' + number % 10);
	return end;
}

static void format_ipv4(char *to, const uint8_t addr[4])
{
	for (int i = 0; i < 4; ++i) {
		if (i)
			*to++ = '.';
		to = format_decimal(to, addr[i]);
	}
	*to = '\0';
}

struct endpoint_text format_endpoint(const union weft_endpoint *endpoint)
{
	struct endpoint_text out = { "(none)" };
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	socklen_t len;

	switch (endpoint->sa.sa_family) {
	case AF_INET:
		len = sizeof(endpoint->in);
		break;
	case AF_INET6:
		len = sizeof(endpoint->in6);
		break;
	default:
		return out;
	}
	/* Knows how to write the scope of a link-local address. */
	if (getnameinfo(&endpoint->sa, len, host, sizeof(host), NULL, 0, NI_NUMERICHOST))
		return out;
	snprintf(out.text, sizeof(out.text), strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
		 ntohs(endpoint->in.sin_port));
	return out;
}

struct prefix_text format_prefix(const struct weft_allowed_ip *ip)
{
	struct prefix_text out;
	char *end;

	if (ip->family == AF_INET)
		format_ipv4(out.address, ip->addr);
	else if (!inet_ntop(ip->family, ip->addr, out.address, sizeof(out.address)))
		out.address[0] = '\0';
	end = stpcpy(out.text, out.address);
	*end++ = '/';
	*format_decimal(end, ip->prefix_len) = '\0';
	return out;
}

struct key_text format_key(const struct weft_key *key)
{
	struct key_text out;

	weft_key_to_base64(out.text, key);
	return out;
}

struct key_text format_key_or_none(const struct weft_key *key)
{
	struct key_text none = { "(none)" };

	return weft_key_is_zero(key) ? none : format_key(key);
}

const char *format_suite(uint32_t suite, char buf[16])
{
	const char *name = weft_suite_name(suite);

	if (name)
		return name;
	snprintf(buf, 16, "%u", suite);
	return buf;
}

const char *format_upcall(uint32_t upcall, char buf[16])
{
	const char *name = weft_upcall_name(upcall);

	if (name)
		return name;
	snprintf(buf, 16, "0x%" PRIx32, upcall);
	return buf;
}

struct upcalls_text format_upcalls(uint32_t upcalls, const char *separator)
{
	struct upcalls_text out = { .text = "off" };
	char buf[16];
	int at = 0;

	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (upcalls & bit)
			at += snprintf(out.text + at, sizeof(out.text) - (size_t)at, "%s%s",
				       at ? separator : "", format_upcall(bit, buf));
	}
	return out;
}
