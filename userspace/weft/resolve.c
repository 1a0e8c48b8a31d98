// SPDX-License-Identifier: GPL-2.0-or-later
/* Names to addresses, patiently: at boot the network may come up after us. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "parse.h"
#include "weft_tool.h"

#define DEFAULT_RETRIES	15
#define FIRST_DELAY_MS	1000
#define MAX_DELAY_MS	20000

static unsigned long retries_wanted(void)
{
	const char *text = setting("ENDPOINT_RESOLUTION_RETRIES");
	unsigned long retries;
	char *end;

	if (!text || !*text)
		return DEFAULT_RETRIES;
	if (!strcasecmp(text, "infinity"))
		return ULONG_MAX;
	errno = 0;
	retries = strtoul(text, &end, 10);
	return *end || errno || *text == '-' ? DEFAULT_RETRIES : retries;
}

/* Answers that will be the same the next time. */
static bool is_final(int err)
{
	switch (err) {
	case EAI_NONAME:
	case EAI_FAIL:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
	case EAI_FAMILY:
	case EAI_SERVICE:
	case EAI_SOCKTYPE:
	case EAI_BADFLAGS:
	case EAI_MEMORY:
		return true;
	}
	return false;
}

static const char *reason(int err)
{
	return err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err);
}

static void wait_ms(unsigned int ms)
{
	struct timespec left = { ms / 1000, (long)(ms % 1000) * 1000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
}

static int look_up(const char *host, union weft_endpoint *endpoint)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_protocol = IPPROTO_UDP,
	};
	struct addrinfo *found = NULL;
	int err;

	err = getaddrinfo(host, NULL, &hints, &found);
	if (err)
		return err;
	if (found->ai_family == AF_INET && found->ai_addrlen == sizeof(endpoint->in))
		memcpy(&endpoint->in, found->ai_addr, sizeof(endpoint->in));
	else if (found->ai_family == AF_INET6 && found->ai_addrlen == sizeof(endpoint->in6))
		memcpy(&endpoint->in6, found->ai_addr, sizeof(endpoint->in6));
	else
		err = EAI_FAMILY;
	freeaddrinfo(found);
	return err;
}

static int look_up_patiently(const char *host, union weft_endpoint *endpoint)
{
	unsigned long left = retries_wanted();
	unsigned int delay = FIRST_DELAY_MS;

	for (;;) {
		int err = look_up(host, endpoint);

		if (!err || is_final(err) || !left)
			return err;
		complain("%s: %s; trying again in %u.%02u seconds", host, reason(err),
			 delay / 1000, delay % 1000 / 10);
		wait_ms(delay);
		delay = delay * 6 / 5 < MAX_DELAY_MS ? delay * 6 / 5 : MAX_DELAY_MS;
		if (left != ULONG_MAX)
			--left;
	}
}

int resolve(const char *host, uint16_t port, union weft_endpoint *endpoint,
	    struct problem *problem)
{
	int err;

	memset(endpoint, 0, sizeof(*endpoint));
	if (inet_pton(AF_INET, host, &endpoint->in.sin_addr) == 1) {
		endpoint->in.sin_family = AF_INET;
	} else if (inet_pton(AF_INET6, host, &endpoint->in6.sin6_addr) == 1) {
		endpoint->in6.sin6_family = AF_INET6;
	} else {
		err = look_up_patiently(host, endpoint);
		if (err)
			return problem_set(problem, -EHOSTUNREACH,
					   "cannot find the address of \"%s\": %s", host,
					   reason(err));
	}
	if (endpoint->sa.sa_family == AF_INET)
		endpoint->in.sin_port = htons(port);
	else
		endpoint->in6.sin6_port = htons(port);
	return 0;
}
