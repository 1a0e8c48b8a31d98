/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a person decided for one network on this machine; kept as a file of JSON beside its state. */
#ifndef WEFTD_CONFIG_H
#define WEFTD_CONFIG_H

#include <net/if.h>

#include "core/record.h"

struct json_object;

#define CONFIG_MAX_ENDPOINTS 8
/* As the keeper takes it. */
#define CONFIG_MAX_RENDEZVOUS 500
#define CONFIG_MAX_RENDEZVOUS_WORDS 32

/**
 * struct config - of a network
 * @name:	that it has on this machine
 * @interface:	of the device
 * @member:	the name that this machine wishes, or ""
 * @port:	of the device; 0: not chosen yet
 * @port_is_fixed: a person chose it: no other will do
 * @is_named:	@name is not only there until one is known
 * @is_up:	it is to be up
 * @beacons:	look for members on the local networks
 * @rendezvous:	the helper's program and its arguments, with blanks between them, or ""
 * @created:	Unix time; networks are in this order
 * @endpoints:	where others reach this machine, as far as it cannot know by itself
 * @endpoint_count: see @endpoints
 * @routes:	that this machine offers to route for
 */
struct config {
	char name[WEFT_MAX_NAME + 1];
	char interface[IFNAMSIZ];
	char member[WEFT_MAX_NAME + 1];
	uint16_t port;
	bool port_is_fixed;
	bool is_named;
	bool is_up;
	bool beacons;
	char rendezvous[CONFIG_MAX_RENDEZVOUS + 1];
	uint64_t created;
	struct weft_ip_endpoint endpoints[CONFIG_MAX_ENDPOINTS];
	unsigned int endpoint_count;
	struct weft_routes routes;
};

/* -EBADMSG: it is no such file, and @config is what it was. */
int config_decode(struct config *config, const char *text, size_t len);
/* To be freed; NULL: no memory. */
char *config_encode(const struct config *config);

bool config_interface_valid(const char *name);
/* A command; "" is none. */
bool config_rendezvous_valid(const char *command);
/* A list "routes", ascending. False: it is none, or too long. */
bool config_routes_from(struct weft_routes *routes, struct json_object *from);

/* Between text and values, for people: "192.0.2.1:5", "[2001:db8::1]:5", "10.0.0.0/8". */
struct endpoint_text {
	char text[80];
};

struct endpoint_text text_of_endpoint(const struct weft_ip_endpoint *endpoint);
struct endpoint_text text_of_prefix(const struct weft_prefix *prefix);
struct endpoint_text text_of_address(const uint8_t *address, size_t size);
bool endpoint_from_text(struct weft_ip_endpoint *endpoint, const char *text);
bool prefix_from_text(struct weft_prefix *prefix, const char *text);

#endif /* WEFTD_CONFIG_H */
