// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is as it should be is not touched: the daemon may have been started anew over a kernel that goes
 * on with its sessions, and replacing a peer's allowed IPs by the same ones loses packets.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

static void clear_peer(struct weft_peer *peer)
{
	weft_peer_clear(peer);
}

static void free_device(struct weft_device **dev)
{
	weft_device_free(*dev);
}

#define __clear_peer __attribute__((cleanup(clear_peer)))
#define __free_device __attribute__((cleanup(free_device)))

void kernel_tunnel_key(struct weft_tunnel_key *tunnel, const struct weft_key *key)
{
	memcpy(tunnel->bytes, key->bytes, sizeof(tunnel->bytes));
}

void kernel_key(struct weft_key *key, const struct weft_tunnel_key *tunnel)
{
	memcpy(key->bytes, tunnel->bytes, sizeof(key->bytes));
}

bool kernel_candidate(struct weft_candidate *at, const union weft_endpoint *endpoint)
{
	memset(at, 0, sizeof(*at));
	switch (endpoint->sa.sa_family) {
	case AF_INET:
		at->at.size = 4;
		memcpy(at->at.address, &endpoint->in.sin_addr, 4);
		at->at.port = ntohs(endpoint->in.sin_port);
		break;
	case AF_INET6:
		at->at.size = 16;
		memcpy(at->at.address, &endpoint->in6.sin6_addr, 16);
		at->at.port = ntohs(endpoint->in6.sin6_port);
		at->ifindex = endpoint->in6.sin6_scope_id;
		break;
	}
	return at->at.port;
}

static void to_endpoint(union weft_endpoint *endpoint, const struct weft_candidate *at)
{
	memset(endpoint, 0, sizeof(*endpoint));
	if (at->at.size == 4) {
		endpoint->in.sin_family = AF_INET;
		endpoint->in.sin_port = htons(at->at.port);
		memcpy(&endpoint->in.sin_addr, at->at.address, 4);
	} else {
		endpoint->in6.sin6_family = AF_INET6;
		endpoint->in6.sin6_port = htons(at->at.port);
		endpoint->in6.sin6_scope_id = at->ifindex;
		memcpy(&endpoint->in6.sin6_addr, at->at.address, 16);
	}
}

bool kernel_has_session(const struct weft_peer *peer, time_t now)
{
	return peer->last_handshake.tv_sec &&
	       now - peer->last_handshake.tv_sec < KERNEL_SESSION_SECONDS;
}

int kernel_set_key(struct weft *weft, const char *ifname, const struct weft_tunnel_key *private_key)
{
	__free_device struct weft_device *have = NULL, *want = weft_device_new(ifname);
	struct weft_key public_key;
	int error;

	if (!want)
		return -ENOMEM;
	kernel_key(&want->private_key, private_key);
	weft_key_public(&public_key, &want->private_key);
	error = weft_device_get(weft, ifname, &have);
	if (error)
		return error;
	if (have->has & WEFT_DEVICE_HAS_PUBLIC_KEY &&
	    weft_key_equal(&have->public_key, &public_key))
		return 0;
	want->has = WEFT_DEVICE_HAS_PRIVATE_KEY;
	return weft_device_set(weft, want);
}

int kernel_set_port(struct weft *weft, const char *ifname, uint16_t port)
{
	__free_device struct weft_device *want = weft_device_new(ifname);

	if (!want)
		return -ENOMEM;
	want->has = WEFT_DEVICE_HAS_LISTEN_PORT;
	want->listen_port = port;
	return weft_device_set(weft, want);
}

static void to_allowed_ip(struct weft_allowed_ip *ip, const struct weft_prefix *prefix)
{
	memset(ip, 0, sizeof(*ip));
	ip->family = prefix->size == 4 ? AF_INET : AF_INET6;
	ip->prefix_len = prefix->length;
	memcpy(ip->addr, prefix->address, prefix->size);
}

static bool same_allowed_ip(const struct weft_allowed_ip *a, const struct weft_allowed_ip *b)
{
	return a->family == b->family && a->prefix_len == b->prefix_len &&
	       !memcmp(a->addr, b->addr, sizeof(a->addr));
}

static bool has_allowed_ip(const struct weft_peer *peer, const struct weft_allowed_ip *wanted)
{
	const struct weft_allowed_ip *ip;

	weft_for_each_allowed_ip(peer, ip) {
		if (same_allowed_ip(ip, wanted))
			return true;
	}
	return false;
}

/* What @have lacks is added, what it has too many is taken away; the rest is not touched. */
static int change_allowed_ips(struct weft_peer *change, const struct weft_peer *have,
			      const struct weft_out_peer *peer)
{
	struct weft_allowed_ip wanted;
	const struct weft_allowed_ip *ip;
	struct weft_peer all = { 0 };
	size_t i;
	int error = 0;

	for (i = 0; i < peer->allowed_count && !error; i++) {
		to_allowed_ip(&wanted, &peer->allowed[i]);
		error = weft_peer_add_allowed_ip(&all, &wanted);
		if (!error && !has_allowed_ip(have, &wanted))
			error = weft_peer_add_allowed_ip(change, &wanted);
	}
	weft_for_each_allowed_ip(have, ip) {
		if (error || has_allowed_ip(&all, ip))
			continue;
		wanted = *ip;
		wanted.flags = WEFT_ALLOWED_IP_F_REMOVE_ME;
		error = weft_peer_add_allowed_ip(change, &wanted);
	}
	weft_peer_clear(&all);
	return error;
}

/* Whether the peer was heard of a moment ago, from where the kernel thinks it is. */
static bool is_heard(const struct weft_peer *peer)
{
	size_t i;

	for (i = 0; i < peer->n_paths; i++) {
		if (peer->paths[i].state == WEFT_PATH_STATE_ACTIVE)
			return peer->paths[i].last_rx_ms < KERNEL_HEARD_MS;
	}
	return false;
}

/*
 * Where the kernel found the peer itself is better than what others say, but only while that is true:
 * a session lasts for minutes after its other end has moved.
 */
static bool change_endpoint(struct weft_peer *change, const struct weft_peer *have,
			    const struct weft_out_peer *peer, time_t now)
{
	if (!peer->candidate_count ||
	    (have->has & WEFT_PEER_HAS_ENDPOINT && kernel_has_session(have, now) &&
	     is_heard(have)))
		return false;
	to_endpoint(&change->endpoint, &peer->candidates[0]);
	if (have->has & WEFT_PEER_HAS_ENDPOINT &&
	    !memcmp(&change->endpoint, &have->endpoint, sizeof(change->endpoint)))
		return false;
	change->has |= WEFT_PEER_HAS_ENDPOINT;
	return true;
}

/**
 * kernel_set_peer() - make a peer what it should be
 * @weft:	handle
 * @ifname:	device
 * @peer:	what it should be
 * @now:	Unix time
 *
 * Return: 0, or a code of libweft.
 */
int kernel_set_peer(struct weft *weft, const char *ifname, const struct weft_out_peer *peer,
		    time_t now)
{
	__free_device struct weft_device *dev = weft_device_new(ifname);
	__clear_peer struct weft_peer have = { 0 };
	struct weft_peer *change;
	struct weft_key key;
	bool is_new;
	int error;

	kernel_key(&key, &peer->key);
	change = dev ? weft_device_add_peer(dev, &key) : NULL;
	if (!change)
		return -ENOMEM;
	error = weft_peer_get(weft, ifname, &key, &have);
	is_new = error == -WEFT_E_NO_PEER;
	if (error && !is_new)
		return error;
	error = change_allowed_ips(change, &have, peer);
	if (error)
		return error;
	change_endpoint(change, &have, peer, now);
	if (peer->keepalive != have.persistent_keepalive) {
		change->persistent_keepalive = peer->keepalive;
		change->has |= WEFT_PEER_HAS_PERSISTENT_KEEPALIVE;
	}
	if (!is_new && !change->has && !change->n_allowed_ips)
		return 0;
	return weft_device_set(weft, dev);
}

int kernel_remove_peer(struct weft *weft, const char *ifname, const struct weft_tunnel_key *key)
{
	struct weft_key public_key;
	int error;

	kernel_key(&public_key, key);
	error = weft_peer_del(weft, ifname, &public_key);
	return error == -WEFT_E_NO_PEER ? 0 : error;
}

int kernel_set_upcalls(struct weft *weft, const char *ifname)
{
	__free_device struct weft_device *want = weft_device_new(ifname);

	if (!want)
		return -ENOMEM;
	want->has = WEFT_DEVICE_HAS_UPCALLS;
	want->upcalls = WEFT_UPCALL_F_UNKNOWN_PEER | WEFT_UPCALL_F_UNKNOWN_DESTINATION;
	return weft_device_set(weft, want);
}
