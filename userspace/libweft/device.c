// SPDX-License-Identifier: GPL-2.0-or-later
/* Devices and peers as plain structures: making, filling, freeing. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

static const struct {
	uint32_t suite;
	const char *name;
} suites[] = {
	{ WEFT_SUITE_AUTO, "auto" },
	{ WEFT_SUITE_CHACHA20POLY1305, "chacha20poly1305" },
	{ WEFT_SUITE_AES256GCM, "aes256gcm" },
};

const char *weft_suite_name(uint32_t suite)
{
	for (size_t i = 0; i < ARRAY_SIZE(suites); ++i) {
		if (suites[i].suite == suite)
			return suites[i].name;
	}
	return NULL;
}

int weft_suite_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(suites); ++i) {
		if (!strcasecmp(suites[i].name, name))
			return (int)suites[i].suite;
	}
	return -EINVAL;
}

static const struct {
	uint32_t upcall;
	const char *name;
} upcalls[] = {
	{ WEFT_UPCALL_F_UNKNOWN_PEER, "unknown-peer" },
	{ WEFT_UPCALL_F_UNKNOWN_DESTINATION, "unknown-destination" },
};

const char *weft_upcall_name(uint32_t upcall)
{
	for (size_t i = 0; i < ARRAY_SIZE(upcalls); ++i) {
		if (upcalls[i].upcall == upcall)
			return upcalls[i].name;
	}
	return NULL;
}

int weft_upcall_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(upcalls); ++i) {
		if (!strcasecmp(upcalls[i].name, name))
			return (int)upcalls[i].upcall;
	}
	return -EINVAL;
}

struct weft_device *weft_device_new(const char *ifname)
{
	size_t len = ifname ? strlen(ifname) : 0;
	struct weft_device *dev;

	if (len >= IFNAMSIZ)
		return NULL;
	dev = calloc(1, sizeof(*dev));
	if (dev && len)
		memcpy(dev->ifname, ifname, len + 1);
	return dev;
}

void weft_peer_clear(struct weft_peer *peer)
{
	free(peer->allowed_ips);
	free(peer->paths);
	sodium_memzero(peer, sizeof(*peer));
}

void weft_device_free(struct weft_device *dev)
{
	while (dev) {
		struct weft_device *next_dev = dev->next;
		struct weft_peer *peer = dev->first_peer;

		while (peer) {
			struct weft_peer *next = peer->next;

			weft_peer_clear(peer);
			free(peer);
			peer = next;
		}
		sodium_memzero(dev, sizeof(*dev));
		free(dev);
		dev = next_dev;
	}
}

struct weft_peer *weft_device_add_peer(struct weft_device *dev, const struct weft_key *public_key)
{
	struct weft_peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return NULL;
	peer->public_key = *public_key;
	if (dev->last_peer)
		dev->last_peer->next = peer;
	else
		dev->first_peer = peer;
	dev->last_peer = peer;
	return peer;
}

int weft_peer_add_allowed_ip(struct weft_peer *peer, const struct weft_allowed_ip *ip)
{
	if (peer->n_allowed_ips == peer->max_allowed_ips) {
		size_t max = peer->max_allowed_ips ? peer->max_allowed_ips * 2 : 2;
		struct weft_allowed_ip *ips = reallocarray(peer->allowed_ips, max, sizeof(*ips));

		if (!ips)
			return -ENOMEM;
		peer->allowed_ips = ips;
		peer->max_allowed_ips = max;
	}
	peer->allowed_ips[peer->n_allowed_ips++] = *ip;
	return 0;
}
