// SPDX-License-Identifier: GPL-2.0
/*
 * Flood a WireGuard or weft port with handshake initiations whose mac1 is
 * right: random otherwise, they cost the receiver a point multiplication each
 * until it is under load and asks for cookies (WireGuard paper, section 5.3).
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base64.h"

#define MAC_LEN 16
#define INITIATION_LEN 148
#define MAC1_OFFSET 116
#define COOKIE_LEN 64
#define MAX_TOGETHER 64
#define QUEUED 700
#define PAUSE_US 50000

/* BLAKE2s, RFC 7693 */
struct blake2s {
	uint32_t h[8];
	uint64_t total;
	uint8_t block[64];
	size_t used;
	size_t out_len;
};

static const uint32_t iv[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static const uint8_t sigma[10][16] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
	{ 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
	{ 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
	{ 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
	{ 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
	{ 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
	{ 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
	{ 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
	{ 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

static uint32_t ror(uint32_t v, int n)
{
	return v >> n | v << (32 - n);
}

static void mix(uint32_t *v, int a, int b, int c, int d, uint32_t x, uint32_t y)
{
	v[a] += v[b] + x;
	v[d] = ror(v[d] ^ v[a], 16);
	v[c] += v[d];
	v[b] = ror(v[b] ^ v[c], 12);
	v[a] += v[b] + y;
	v[d] = ror(v[d] ^ v[a], 8);
	v[c] += v[d];
	v[b] = ror(v[b] ^ v[c], 7);
}

static void compress(struct blake2s *s, int last)
{
	uint32_t v[16], m[16];

	for (int i = 0; i < 16; ++i)
		m[i] = s->block[4 * i] | s->block[4 * i + 1] << 8 | s->block[4 * i + 2] << 16 |
		       (uint32_t)s->block[4 * i + 3] << 24;
	for (int i = 0; i < 8; ++i) {
		v[i] = s->h[i];
		v[i + 8] = iv[i];
	}
	v[12] ^= (uint32_t)s->total;
	v[13] ^= (uint32_t)(s->total >> 32);
	if (last)
		v[14] = ~v[14];
	for (int i = 0; i < 10; ++i) {
		const uint8_t *r = sigma[i];

		mix(v, 0, 4, 8, 12, m[r[0]], m[r[1]]);
		mix(v, 1, 5, 9, 13, m[r[2]], m[r[3]]);
		mix(v, 2, 6, 10, 14, m[r[4]], m[r[5]]);
		mix(v, 3, 7, 11, 15, m[r[6]], m[r[7]]);
		mix(v, 0, 5, 10, 15, m[r[8]], m[r[9]]);
		mix(v, 1, 6, 11, 12, m[r[10]], m[r[11]]);
		mix(v, 2, 7, 8, 13, m[r[12]], m[r[13]]);
		mix(v, 3, 4, 9, 14, m[r[14]], m[r[15]]);
	}
	for (int i = 0; i < 8; ++i)
		s->h[i] ^= v[i] ^ v[i + 8];
}

static void blake2s_update(struct blake2s *s, const void *data, size_t len)
{
	const uint8_t *in = data;

	while (len--) {
		if (s->used == sizeof(s->block)) {
			s->total += sizeof(s->block);
			compress(s, 0);
			s->used = 0;
		}
		s->block[s->used++] = *in++;
	}
}

static void blake2s_init(struct blake2s *s, size_t out_len, const void *key, size_t key_len)
{
	uint8_t first[64] = { 0 };

	memset(s, 0, sizeof(*s));
	memcpy(s->h, iv, sizeof(iv));
	s->h[0] ^= 0x01010000 ^ (uint32_t)key_len << 8 ^ (uint32_t)out_len;
	s->out_len = out_len;
	if (key_len) {
		memcpy(first, key, key_len);
		blake2s_update(s, first, sizeof(first));
	}
}

static void blake2s_final(struct blake2s *s, uint8_t *out)
{
	s->total += s->used;
	memset(s->block + s->used, 0, sizeof(s->block) - s->used);
	compress(s, 1);
	for (size_t i = 0; i < s->out_len; ++i)
		out[i] = s->h[i / 4] >> 8 * (i % 4);
}

/* All messages are made in advance: a flood must come faster than it can be worked on. */
static uint8_t *make_messages(const uint8_t public[KEY_LEN], unsigned int count)
{
	uint8_t *messages = calloc(count, INITIATION_LEN), mac1_key[KEY_LEN];
	struct blake2s s;

	if (!messages)
		err(2, "calloc");
	blake2s_init(&s, KEY_LEN, NULL, 0);
	blake2s_update(&s, "mac1----", 8);
	blake2s_update(&s, public, KEY_LEN);
	blake2s_final(&s, mac1_key);

	for (unsigned int i = 0; i < count; ++i) {
		uint8_t *msg = messages + (size_t)i * INITIATION_LEN;

		msg[0] = 1;
		if (getrandom(msg + 4, MAC1_OFFSET - 4, 0) != MAC1_OFFSET - 4)
			err(2, "getrandom");
		blake2s_init(&s, MAC_LEN, mac1_key, KEY_LEN);
		blake2s_update(&s, msg, MAC1_OFFSET);
		blake2s_final(&s, msg + MAC1_OFFSET);
	}
	return messages;
}

/*
 * Many cross the wire as one packet, and arrive together: faster than anybody
 * works on them, on the slowest kernel too.
 */
static unsigned long send_all(int sock, const uint8_t *messages, unsigned int count)
{
	unsigned long sent = 0;

	while (count) {
		unsigned int n = count < MAX_TOGETHER ? count : MAX_TOGETHER;

		/* An ICMP error of an earlier one is not the end. */
		if (send(sock, messages, (size_t)n * INITIATION_LEN, 0) >= 0)
			sent += n;
		messages += (size_t)n * INITIATION_LEN;
		count -= n;
	}
	return sent;
}

static unsigned int count_cookies(int sock, unsigned int max)
{
	unsigned int cookies = 0;
	uint8_t reply[2048];
	ssize_t len;

	while ((len = recv(sock, reply, sizeof(reply), MSG_DONTWAIT)) >= 0)
		cookies += len == COOKIE_LEN && reply[0] == 3;
	return cookies < max ? cookies : max;
}

static void create(const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT, 0644);

	if (file < 0 || close(file))
		err(2, "%s", path);
}

/*
 * Once there is load, as many are sent as are answered, so that the receiver's
 * queue stays at QUEUED however slow the receiver: above the 512 that it calls
 * load, and not much above, because a handshake that waits as long as its
 * initiator does before it begins another one is never completed. What was
 * worked on before there was load is not answered: after a while without a
 * cookie it all begins anew.
 */
static void keep_loaded(int sock, const uint8_t *messages, unsigned int count, const char *path)
{
	struct pollfd readable = { .fd = sock, .events = POLLIN };
	unsigned int waiting = 0, cookies;
	bool told = false;

	for (;;) {
		if (poll(&readable, 1, 1000) > 0) {
			/* Many at a time, or the flood itself is what is slow. */
			usleep(PAUSE_US);
			cookies = count_cookies(sock, waiting);
			waiting -= cookies;
			/* What came may have been an error. */
			if (cookies && !told)
				create(path);
			told |= cookies;
		} else {
			waiting = 0;
		}
		if (!waiting)
			waiting = send_all(sock, messages, count);
		else if (waiting < QUEUED)
			waiting += send_all(sock, messages, QUEUED - waiting);
	}
}

int main(int argc, char **argv)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	unsigned long sent = 0;
	uint8_t public[KEY_LEN], *messages;
	int sock, size = 8 << 20, each = INITIATION_LEN, rc;
	unsigned int count;
	struct addrinfo *ai;

	if ((argc != 5 && argc != 6) || from_base64(public, argv[1])) {
		fprintf(stderr, "usage: initiations PUBLIC-KEY ADDRESS PORT COUNT [FILE]\n"
				"FILE: keep the receiver under load for ever, make that file as soon as\n"
				"there is a cookie reply\n");
		return 2;
	}
	count = strtoul(argv[4], NULL, 0);
	rc = getaddrinfo(argv[2], argv[3], &hints, &ai);
	if (rc)
		errx(2, "%s", gai_strerror(rc));
	sock = socket(ai->ai_family, SOCK_DGRAM, 0);
	if (sock < 0 || connect(sock, ai->ai_addr, ai->ai_addrlen))
		err(2, "%s", argv[2]);
	setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (setsockopt(sock, IPPROTO_UDP, UDP_SEGMENT, &each, sizeof(each)))
		err(2, "UDP_SEGMENT");

	messages = make_messages(public, count);
	if (argc == 6)
		keep_loaded(sock, messages, count, argv[5]);
	sent = send_all(sock, messages, count);
	printf("%lu\n", sent);
	return sent ? 0 : 1;
}
