// SPDX-License-Identifier: GPL-2.0
/*
 * Datagrams that no honest peer sends: each message type with each wrong
 * length, unknown types and suites, right lengths full of noise, and noise of
 * any size up to 2,000 bytes. Prints how many of them no receiver can take for
 * a message.
 */
#include <err.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_LEN 2000

static int sock;
static unsigned long malformed;

/* Length of a message of that type; for data, the least one. */
static size_t right_length(uint32_t word)
{
	if (word >> 16)
		return 0;
	switch (word & 0xff) {
	case 1:
		return 148;
	case 2:
		return 92;
	case 3:
		/* cookies are of no suite */
		return word >> 8 ? 0 : 64;
	case 4:
		return 32;
	}
	return 0;
}

static int is_malformed(const uint8_t *msg, size_t len)
{
	uint32_t word;
	size_t right;

	if (len < 4)
		return 1;
	word = msg[0] | msg[1] << 8 | msg[2] << 16 | (uint32_t)msg[3] << 24;
	right = right_length(word);
	if (!right)
		return 1;
	return (word & 0xff) == 4 ? len < right : len != right;
}

static void throw(uint8_t *msg, size_t len)
{
	malformed += is_malformed(msg, len);
	/* An ICMP error of an earlier one, or a full queue: once more. */
	if (send(sock, msg, len, 0) < 0)
		send(sock, msg, len, 0);
	/* What is lost on the way is not counted there. */
	if (random() % 8 == 0)
		usleep(200);
}

static void noise(uint8_t *msg, size_t len)
{
	for (size_t i = 0; i < len; ++i)
		msg[i] = random();
}

static void with_word(uint32_t word, size_t len)
{
	uint8_t msg[MAX_LEN];

	noise(msg, len);
	for (size_t i = 0; i < 4 && i < len; ++i)
		msg[i] = word >> 8 * i;
	throw(msg, len);
}

int main(int argc, char **argv)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	const char *seed = getenv("WEFT_TEST_SEED");
	uint8_t msg[MAX_LEN];
	struct addrinfo *ai;
	int rc;

	if (argc != 3) {
		fprintf(stderr, "usage: garbage ADDRESS PORT\n");
		return 2;
	}
	srandom(seed ? strtoul(seed, NULL, 0) : 1);
	rc = getaddrinfo(argv[1], argv[2], &hints, &ai);
	if (rc)
		errx(2, "%s", gai_strerror(rc));
	sock = socket(ai->ai_family, SOCK_DGRAM, 0);
	if (sock < 0 || connect(sock, ai->ai_addr, ai->ai_addrlen))
		err(2, "%s", argv[1]);

	for (uint32_t type = 1; type <= 4; ++type)
		for (size_t len = 0; len <= 160; ++len)
			with_word(type, len);
	for (uint32_t word = 0; word < 16; ++word) {
		with_word(word, 148);
		/* another suite */
		with_word(word | 1 << 8, right_length(word) ? right_length(word) : 80);
		with_word(word | 0xff << 8, 148);
		/* bytes that must be zero */
		with_word(word | 1 << 16, right_length(word) ? right_length(word) : 80);
		with_word(word | 1u << 31, right_length(word) ? right_length(word) : 80);
	}
	for (int i = 0; i < 1000; ++i) {
		size_t len = random() % (MAX_LEN + 1);

		noise(msg, len);
		throw(msg, len);
	}
	printf("%lu\n", malformed);
	return 0;
}
