// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parse.h"
#include "weft_tool.h"

int problem_set(struct problem *problem, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(problem->text, sizeof(problem->text), format, args);
	va_end(args);
	return err;
}

#define KEY_EXPECTED "expected 44 characters of base64"

int parse_public_key(const char *text, struct weft_key *key, struct problem *problem)
{
	if (weft_key_from_base64(key, text))
		return problem_set(problem, -EINVAL, "bad key \"%s\": " KEY_EXPECTED
				   ", as weft pubkey prints them", text);
	return 0;
}

int parse_secret_key(const char *text, struct weft_key *key, struct problem *problem)
{
	if (weft_key_from_base64(key, text))
		return problem_set(problem, -EINVAL, "bad key: " KEY_EXPECTED
				   ", as weft genkey and weft genpsk print them");
	return 0;
}

/* Digits alone, no sign or blank, in the given base. */
static int parse_number(const char *text, int base, uint64_t max, uint64_t *number)
{
	unsigned long long value;
	char *end;

	if (!(base == 16 ? isxdigit((unsigned char)*text) : isdigit((unsigned char)*text)))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, base);
	if (*end || errno || value > max)
		return -EINVAL;
	*number = value;
	return 0;
}

int parse_port(const char *text, uint16_t *port, struct problem *problem)
{
	uint64_t number;

	if (parse_number(text, 10, UINT16_MAX, &number))
		return problem_set(problem, -EINVAL,
				   "bad port \"%s\": expected a number from 0 to 65535", text);
	*port = (uint16_t)number;
	return 0;
}

int parse_fwmark(const char *text, uint32_t *fwmark, struct problem *problem)
{
	bool hex = !strncasecmp(text, "0x", 2);
	uint64_t number = 0;

	if (strcasecmp(text, "off") &&
	    parse_number(hex ? text + 2 : text, hex ? 16 : 10, UINT32_MAX, &number))
		return problem_set(problem, -EINVAL,
				   "bad fwmark \"%s\": expected off, a number up to 4294967295, "
				   "or one from 0x0 to 0xffffffff", text);
	*fwmark = (uint32_t)number;
	return 0;
}

int parse_keepalive(const char *text, uint16_t *seconds, struct problem *problem)
{
	uint64_t number = 0;

	if (strcasecmp(text, "off") && parse_number(text, 10, UINT16_MAX, &number))
		return problem_set(problem, -EINVAL,
				   "bad keepalive interval \"%s\": expected off, or seconds from "
				   "1 to 65535", text);
	*seconds = (uint16_t)number;
	return 0;
}

int parse_suite(const char *text, uint32_t *suite, struct problem *problem)
{
	int found = weft_suite_from_name(text);

	if (found < 0)
		return problem_set(problem, -EINVAL, "unknown suite \"%s\": expected auto, "
				   "chacha20poly1305 or aes256gcm", text);
	*suite = (uint32_t)found;
	return 0;
}

int parse_endpoint(const char *text, union weft_endpoint *endpoint, struct problem *problem)
{
	__free_text char *host = strdup(text);
	char *colon, *from;
	uint16_t port = 0;
	int err;

	if (!host)
		return problem_set(problem, -ENOMEM, "no memory");
	from = host;
	colon = strrchr(host, ':');
	if (*host == '[') {
		char *bracket = strchr(host, ']');

		colon = bracket && bracket[1] == ':' ? bracket + 1 : NULL;
		if (bracket)
			*bracket = '\0';
		++from;
	}
	if (!colon || !*from || colon == from)
		return problem_set(problem, -EINVAL, "bad endpoint \"%s\": expected HOST:PORT, "
				   "ADDRESS:PORT or [ADDRESS]:PORT", text);
	*colon = '\0';
	err = parse_port(colon + 1, &port, problem);
	if (err)
		return err;
	return resolve(from, port, endpoint, problem);
}

static bool has_host_bits(const struct weft_allowed_ip *ip)
{
	unsigned int bits = ip->family == AF_INET ? 32 : 128;

	for (unsigned int bit = ip->prefix_len; bit < bits; ++bit) {
		if (ip->addr[bit / 8] & (0x80 >> bit % 8))
			return true;
	}
	return false;
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*text))
		++text;
	return text;
}

int parse_upcalls(const char *text, uint32_t *upcalls, struct problem *problem)
{
	__free_text char *copy = strdup(text);
	char *rest, *item;

	if (!copy)
		return problem_set(problem, -ENOMEM, "no memory");
	*upcalls = 0;
	rest = trim(copy);
	if (!strcasecmp(rest, "off"))
		return 0;
	if (!strcasecmp(rest, "on")) {
		*upcalls = WEFT_UPCALL_F_UNKNOWN_PEER | WEFT_UPCALL_F_UNKNOWN_DESTINATION;
		return 0;
	}
	while ((item = strsep(&rest, ","))) {
		int found = weft_upcall_from_name(trim(item));

		if (found < 0)
			return problem_set(problem, -EINVAL, "bad list of upcalls \"%s\": "
					   "expected on, off, or unknown-peer and "
					   "unknown-destination with a comma between them", text);
		*upcalls |= (uint32_t)found;
	}
	return 0;
}

/* @text is changed, @token is what to show of it. */
static int parse_prefix(char *text, const char *token, struct weft_allowed_ip *ip,
			struct problem *problem)
{
	char *slash = strchr(text, '/');
	uint64_t len;
	int bits;

	if (slash)
		*slash = '\0';
	text = trim(text);
	ip->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	bits = ip->family == AF_INET ? 32 : 128;
	if (inet_pton(ip->family, text, ip->addr) != 1)
		return problem_set(problem, -EINVAL, "bad allowed IP \"%s\": expected an IPv4 or "
				   "IPv6 address, with /LENGTH or without", token);
	ip->prefix_len = (uint8_t)bits;
	if (!slash)
		return 0;
	if (parse_number(trim(slash + 1), 10, (uint64_t)bits, &len))
		return problem_set(problem, -EINVAL, "bad allowed IP \"%s\": expected a prefix "
				   "length from 0 to %d", token, bits);
	ip->prefix_len = (uint8_t)len;
	if (has_host_bits(ip))
		complain("warning: allowed IP %s has bits set behind its prefix; they are ignored",
			 token);
	return 0;
}

static int parse_allowed_ip(char *text, struct weft_peer *peer, struct problem *problem)
{
	struct weft_allowed_ip ip = { 0 };
	__free_text char *token = NULL;
	bool replace = false;
	int err;

	text = trim(text);
	token = strdup(text);
	if (!token)
		return problem_set(problem, -ENOMEM, "no memory");
	if (*text == '-')
		ip.flags = WEFT_ALLOWED_IP_F_REMOVE_ME;
	else if (*text != '+')
		replace = true;
	err = parse_prefix(replace ? text : text + 1, token, &ip, problem);
	if (err)
		return err;
	if (replace)
		peer->flags |= WEFT_PEER_F_REPLACE_ALLOWED_IPS;
	if (weft_peer_add_allowed_ip(peer, &ip))
		return problem_set(problem, -ENOMEM, "no memory");
	return 0;
}

int parse_allowed_ips(const char *text, struct weft_peer *peer, struct problem *problem)
{
	__free_text char *copy = strdup(text);
	char *rest, *item;
	int err;

	if (!copy)
		return problem_set(problem, -ENOMEM, "no memory");
	rest = trim(copy);
	if (!*rest) {
		peer->flags |= WEFT_PEER_F_REPLACE_ALLOWED_IPS;
		return 0;
	}
	while ((item = strsep(&rest, ","))) {
		err = parse_allowed_ip(item, peer, problem);
		if (err)
			return err;
	}
	return 0;
}
