// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "json.h"

struct endpoint_text text_of_address(const uint8_t *address, size_t size)
{
	struct endpoint_text text;

	inet_ntop(size == 4 ? AF_INET : AF_INET6, address, text.text, sizeof(text.text));
	return text;
}

struct endpoint_text text_of_endpoint(const struct weft_ip_endpoint *endpoint)
{
	struct endpoint_text address = text_of_address(endpoint->address, endpoint->size), text;

	snprintf(text.text, sizeof(text.text), endpoint->size == 4 ? "%.50s:%u" : "[%.50s]:%u",
		 address.text, endpoint->port);
	return text;
}

struct endpoint_text text_of_prefix(const struct weft_prefix *prefix)
{
	struct endpoint_text address = text_of_address(prefix->address, prefix->size), text;

	snprintf(text.text, sizeof(text.text), "%.50s/%u", address.text, prefix->length);
	return text;
}

static bool number_from_text(const char *text, unsigned long max, unsigned long *number)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoul(text, &end, 10);
	return !*end && !errno && *number <= max;
}

static uint8_t address_from_text(uint8_t address[16], const char *text)
{
	if (inet_pton(AF_INET, text, address) == 1)
		return 4;
	return inet_pton(AF_INET6, text, address) == 1 ? 16 : 0;
}

bool endpoint_from_text(struct weft_ip_endpoint *endpoint, const char *text)
{
	char address[INET6_ADDRSTRLEN];
	const char *colon = strrchr(text, ':');
	unsigned long port;
	size_t len;
	bool is_ipv6 = *text == '[';

	memset(endpoint, 0, sizeof(*endpoint));
	if (!colon || !number_from_text(colon + 1, UINT16_MAX, &port))
		return false;
	len = colon - text;
	if (is_ipv6 && (len < 2 || colon[-1] != ']'))
		return false;
	len -= 2 * is_ipv6;
	if (len >= sizeof(address))
		return false;
	memcpy(address, text + is_ipv6, len);
	address[len] = 0;
	endpoint->size = address_from_text(endpoint->address, address);
	endpoint->port = port;
	return endpoint->size == (is_ipv6 ? 16 : 4) && weft_ip_endpoint_valid(endpoint);
}

/* A host's address alone is the prefix of only that. */
bool prefix_from_text(struct weft_prefix *prefix, const char *text)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long length;

	memset(prefix, 0, sizeof(*prefix));
	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = 0;
	prefix->size = address_from_text(prefix->address, address);
	length = 8UL * prefix->size;
	if (!prefix->size || (slash && !number_from_text(slash + 1, length, &length)))
		return false;
	prefix->length = length;
	return weft_prefix_valid(prefix);
}

bool config_interface_valid(const char *name)
{
	size_t len = strlen(name), i;

	if (!len || len >= IFNAMSIZ || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
			return false;
	}
	return true;
}

bool config_rendezvous_valid(const char *command)
{
	unsigned int words = 0;
	const char *at;

	for (at = command; *at; at++) {
		if (*at < ' ' || *at > '~')
			return false;
		words += *at != ' ' && (at == command || at[-1] == ' ');
	}
	return words && words <= CONFIG_MAX_RENDEZVOUS_WORDS &&
	       at - command <= CONFIG_MAX_RENDEZVOUS;
}

static bool get_endpoints(struct config *config, json_object *from)
{
	size_t i, count = json_length(from, "endpoints");
	const char *text;

	if (count > CONFIG_MAX_ENDPOINTS)
		return false;
	config->endpoint_count = count;
	for (i = 0; i < count; i++) {
		text = json_text_at(from, "endpoints", i);
		if (!text || !endpoint_from_text(&config->endpoints[i], text))
			return false;
	}
	return true;
}

bool config_routes_from(struct weft_routes *routes, json_object *from)
{
	size_t i, count = json_length(from, "routes");
	const char *text;

	memset(routes, 0, sizeof(*routes));
	if (count > WEFT_MAX_ROUTES)
		return false;
	for (i = 0; i < count; i++) {
		text = json_text_at(from, "routes", i);
		if (!text || !prefix_from_text(&routes->at[i], text) ||
		    (i && weft_prefix_compare(&routes->at[i - 1], &routes->at[i]) >= 0))
			return false;
	}
	routes->count = count;
	return true;
}

static bool get_config(struct config *config, json_object *from)
{
	const char *name = json_text(from, "name"), *interface = json_text(from, "interface");
	const char *member = json_text(from, "member");
	const char *rendezvous = json_text(from, "rendezvous");
	uint64_t port = json_number(from, "port", 0);

	if (!name || !weft_name_valid(name, WEFT_MAX_NAME) || !interface ||
	    !config_interface_valid(interface) || port > UINT16_MAX ||
	    (member && *member && !weft_name_valid(member, WEFT_MAX_NAME)) ||
	    (rendezvous && !config_rendezvous_valid(rendezvous)))
		return false;
	strcpy(config->name, name);
	strcpy(config->interface, interface);
	if (member)
		strcpy(config->member, member);
	if (rendezvous)
		strcpy(config->rendezvous, rendezvous);
	config->port = port;
	config->port_is_fixed = json_flag(from, "port_is_fixed", false);
	config->is_named = json_flag(from, "named", true);
	config->is_up = json_flag(from, "up", true);
	config->beacons = json_flag(from, "beacons", true);
	config->created = json_number(from, "created", 0);
	return get_endpoints(config, from) && config_routes_from(&config->routes, from);
}

int config_decode(struct config *config, const char *text, size_t len)
{
	struct config read = { 0 };
	json_object *from = json_read(text, len);
	bool valid = from && get_config(&read, from);

	json_object_put(from);
	if (!valid)
		return -EBADMSG;
	*config = read;
	return 0;
}

char *config_encode(const struct config *config)
{
	json_object *to = json_object_new_object(), *list = json_object_new_array();
	unsigned int i;
	char *text = NULL;

	json_put_text(to, "name", config->name);
	json_put_text(to, "interface", config->interface);
	if (*config->member)
		json_put_text(to, "member", config->member);
	json_put_number(to, "port", config->port);
	json_put_flag(to, "port_is_fixed", config->port_is_fixed);
	json_put_flag(to, "named", config->is_named);
	json_put_flag(to, "up", config->is_up);
	json_put_flag(to, "beacons", config->beacons);
	if (*config->rendezvous)
		json_put_text(to, "rendezvous", config->rendezvous);
	json_put_number(to, "created", config->created);
	for (i = 0; i < config->endpoint_count; i++)
		json_append_text(list, text_of_endpoint(&config->endpoints[i]).text);
	json_object_object_add(to, "endpoints", list);
	list = json_object_new_array();
	for (i = 0; i < config->routes.count; i++)
		json_append_text(list, text_of_prefix(&config->routes.at[i]).text);
	json_object_object_add(to, "routes", list);
	if (asprintf(&text, "%s\n", json_object_to_json_string_ext(to, JSON_C_TO_STRING_PRETTY |
						JSON_C_TO_STRING_NOSLASHESCAPE)) < 0)
		text = NULL;
	json_object_put(to);
	return text;
}
