// SPDX-License-Identifier: GPL-2.0-or-later
/* The JSON form, which weft(8) documents: names and meanings stay, more may come. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>

#include "format.h"
#include "show.h"

/*
 * json-c takes ownership of what is added and says no only for lack of memory,
 * which then shows as a NULL that is written as null; out_of_memory remembers.
 */
static bool out_of_memory;

static struct json_object *made(struct json_object *object)
{
	if (!object)
		out_of_memory = true;
	return object;
}

static void add(struct json_object *to, const char *name, struct json_object *value)
{
	if (json_object_object_add(to, name, value))
		out_of_memory = true;
}

static void append(struct json_object *to, struct json_object *value)
{
	if (json_object_array_add(to, value))
		out_of_memory = true;
}

static struct json_object *text(const char *value)
{
	return made(json_object_new_string(value));
}

static struct json_object *number(uint64_t value)
{
	return made(json_object_new_uint64(value));
}

static struct json_object *boolean(bool value)
{
	return made(json_object_new_boolean(value));
}

static struct json_object *endpoint(const union weft_endpoint *endpoint)
{
	if (endpoint->sa.sa_family == AF_UNSPEC)
		return NULL;
	return text(format_endpoint(endpoint).text);
}

static struct json_object *key(const struct weft_key *key)
{
	return weft_key_is_zero(key) ? NULL : text(format_key(key).text);
}

static void add_secret(struct json_object *to, const char *has_name, const char *name,
		       const struct weft_key *secret)
{
	add(to, has_name, boolean(!weft_key_is_zero(secret)));
	if (!keys_hidden())
		add(to, name, key(secret));
}

static struct json_object *suite(bool known, uint32_t suite)
{
	char buf[16];

	return known ? text(format_suite(suite, buf)) : NULL;
}

static struct json_object *upcalls(const struct weft_device *dev)
{
	struct json_object *array;
	char buf[16];

	if (!(dev->has & WEFT_DEVICE_HAS_UPCALLS))
		return NULL;
	array = made(json_object_new_array());
	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (dev->upcalls & bit)
			append(array, text(format_upcall(bit, buf)));
	}
	return array;
}

static struct json_object *allowed_ips(const struct weft_peer *peer)
{
	struct json_object *array = made(json_object_new_array());
	const struct weft_allowed_ip *ip;

	weft_for_each_allowed_ip(peer, ip)
		append(array, text(format_prefix(ip).text));
	return array;
}

static const char *path_state(uint32_t state)
{
	switch (state) {
	case WEFT_PATH_STATE_CANDIDATE:
		return "candidate";
	case WEFT_PATH_STATE_USABLE:
		return "usable";
	case WEFT_PATH_STATE_ACTIVE:
		return "active";
	}
	return "unknown";
}

static const char *path_type(uint32_t type)
{
	switch (type) {
	case WEFT_PATH_TYPE_DIRECT:
		return "direct";
	case WEFT_PATH_TYPE_RELAY:
		return "relay";
	}
	return "unknown";
}

static struct json_object *path_object(const struct weft_path *path)
{
	struct json_object *object = made(json_object_new_object());

	add(object, "type", text(path_type(path->type)));
	add(object, "state", text(path_state(path->state)));
	add(object, "endpoint", endpoint(&path->endpoint));
	add(object, "source", endpoint(&path->source));
	add(object, "source_ifindex", path->source_ifindex ? number(path->source_ifindex) : NULL);
	add(object, "last_rx_ms", path->last_rx_ms == UINT64_MAX ? NULL :
	    number(path->last_rx_ms));
	return object;
}

static struct json_object *paths(const struct weft_peer *peer)
{
	struct json_object *array = made(json_object_new_array());
	const struct weft_path *path;

	weft_for_each_path(peer, path)
		append(array, path_object(path));
	return array;
}

static struct json_object *peer_object(const struct weft_peer *peer)
{
	struct json_object *object = made(json_object_new_object());

	add(object, "public_key", text(format_key(&peer->public_key).text));
	add_secret(object, "has_preshared_key", "preshared_key", &peer->preshared_key);
	add(object, "endpoint", endpoint(&peer->endpoint));
	add(object, "allowed_ips", allowed_ips(peer));
	add(object, "latest_handshake", peer->last_handshake.tv_sec ?
	    made(json_object_new_int64(peer->last_handshake.tv_sec)) : NULL);
	add(object, "rx_bytes", number(peer->rx_bytes));
	add(object, "tx_bytes", number(peer->tx_bytes));
	add(object, "persistent_keepalive", number(peer->persistent_keepalive));
	add(object, "suite", suite(peer->has & WEFT_PEER_HAS_SUITE, peer->suite));
	add(object, "session_suite", suite(peer->has & WEFT_PEER_HAS_SESSION_SUITE,
					   peer->session_suite));
	add(object, "paths", paths(peer));
	return object;
}

static struct json_object *device_object(const struct weft_device *dev)
{
	struct json_object *object = made(json_object_new_object());
	struct json_object *array = made(json_object_new_array());
	const struct weft_peer *peer;

	add(object, "interface", text(dev->ifname));
	add(object, "ifindex", number(dev->ifindex));
	add(object, "public_key", key(&dev->public_key));
	add_secret(object, "has_private_key", "private_key", &dev->private_key);
	add(object, "listen_port", number(dev->listen_port));
	add(object, "fwmark", number(dev->fwmark));
	add(object, "upcalls", upcalls(dev));
	weft_for_each_peer(dev, peer)
		append(array, peer_object(peer));
	add(object, "peers", array);
	return object;
}

int show_json(const struct weft_device *list, bool names_only)
{
	struct json_object *array = made(json_object_new_array());
	const char *string = NULL;

	for (; list; list = list->next)
		append(array, names_only ? text(list->ifname) : device_object(list));
	if (!out_of_memory)
		string = json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY |
							JSON_C_TO_STRING_SPACED |
							JSON_C_TO_STRING_NOSLASHESCAPE);
	if (string)
		puts(string);
	json_object_put(array);
	return string ? 0 : -ENOMEM;
}
