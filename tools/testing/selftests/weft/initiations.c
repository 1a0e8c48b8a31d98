// SPDX-License-Identifier: GPL-2.0
/*
 * Flood a WireGuard or weft port with handshake initiations whose mac1 is
 * right: random otherwise, they cost the receiver a point multiplication each
 * until it is under load and asks for cookies (WireGuard paper, section 5.3).
 */
#include <arpa/inet.h>
#include <err.h>
#include <netdb.h>
#include <poll.h>
#include <sched.h>
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
#define NSEC_PER_SEC 1000000000L

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

static unsigned long send_all(int sock, uint8_t *messages, unsigned int count)
{
	struct mmsghdr headers[64] = { 0 };
	struct iovec iov[64];
	unsigned long sent = 0;

	for (unsigned int i = 0; i < count;) {
		unsigned int n = count - i < 64 ? count - i : 64;
		int done;

		for (unsigned int j = 0; j < n; ++j) {
			iov[j].iov_base = messages + (size_t)(i + j) * INITIATION_LEN;
			iov[j].iov_len = INITIATION_LEN;
			headers[j].msg_hdr.msg_iov = &iov[j];
			headers[j].msg_hdr.msg_iovlen = 1;
		}
		done = sendmmsg(sock, headers, n, 0);
		/* An ICMP error of an earlier one is not the end. */
		if (done > 0)
			sent += done;
		i += n;
	}
	return sent;
}

static unsigned long count_cookies(int sock)
{
	unsigned long cookies = 0;
	uint8_t reply[2048];
	ssize_t len;

	while ((len = recv(sock, reply, sizeof(reply), MSG_DONTWAIT)) >= 0)
		cookies += len == 64 && reply[0] == 3;
	return cookies;
}

static void note(const char *path, unsigned long cookies)
{
	FILE *file = fopen(path, "w");

	if (!file || fprintf(file, "%lu\n", cookies) < 0 || fclose(file))
		err(2, "%s", path);
}

static void set_policy(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	if (sched_setscheduler(0, policy, &param))
		err(2, "sched_setscheduler");
}

/*
 * Ahead of the receiver's workers, at the same moment as the senders on other
 * processors: or each message would be worked on as soon as it is sent, and
 * there never would be a queue.
 */
static unsigned long send_burst(int sock, uint8_t *messages, unsigned int count)
{
	struct timespec moment;
	unsigned long sent;

	if (clock_gettime(CLOCK_MONOTONIC, &moment))
		err(2, "clock_gettime");
	moment.tv_sec += 1 + (moment.tv_nsec > NSEC_PER_SEC / 2);
	moment.tv_nsec = 0;
	set_policy(SCHED_FIFO, 10);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL);
	sent = send_all(sock, messages, count);
	set_policy(SCHED_OTHER, 0);
	return sent;
}

/*
 * As many are sent as are answered, so that the receiver's queue stays as long
 * as it was made, however slow the receiver: longer than what it calls load,
 * shorter than what it has room for, or nobody else would get through. What
 * was worked on before there was load is not answered; after a while without
 * a cookie it begins anew.
 */
static void keep_loaded(int sock, uint8_t *messages, unsigned int count, const char *path)
{
	struct pollfd readable = { .fd = sock, .events = POLLIN };
	unsigned long cookies = 0;

	send_burst(sock, messages, count);
	for (;;) {
		unsigned long answered;

		poll(&readable, 1, 2000);
		answered = count_cookies(sock);
		if (!answered) {
			send_burst(sock, messages, count);
			continue;
		}
		cookies += answered;
		note(path, cookies);
		send_all(sock, messages, answered < count ? answered : count);
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
	int sock, size = 8 << 20, rc;
	unsigned int count;
	struct addrinfo *ai;

	if ((argc != 5 && argc != 6) || from_base64(public, argv[1])) {
		fprintf(stderr, "usage: initiations PUBLIC-KEY ADDRESS PORT COUNT [COOKIES]\n"
				"COOKIES: keep COUNT of them queued for ever, write the number of\n"
				"cookie replies there\n");
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

	messages = make_messages(public, count);
	if (argc == 6)
		keep_loaded(sock, messages, count, argv[5]);
	sent = send_all(sock, messages, count);
	printf("%lu\n", sent);
	return sent ? 0 : 1;
}
