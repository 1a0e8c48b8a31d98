/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overlay addresses, prefixes, endpoints: values only, no sockets. */
#ifndef WEFT_ADDRESS_H
#define WEFT_ADDRESS_H

#include "identity.h"

/**
 * struct weft_prefix - a range of addresses
 * @size:	bytes of an address: 4 or 16
 * @length:	bits of the prefix
 * @address:	the first @size bytes are used; bits beyond @length are zero
 */
struct weft_prefix {
	uint8_t size;
	uint8_t length;
	uint8_t address[16];
};

/* As @size in a prefix. The port is never 0. */
struct weft_ip_endpoint {
	uint8_t size;
	uint8_t address[16];
	uint16_t port;
};

void weft_network_prefix(struct weft_prefix *prefix, const struct weft_id *network);
void weft_member_address(uint8_t address[16], const struct weft_id *network,
			 const struct weft_id *member);

bool weft_prefix_valid(const struct weft_prefix *prefix);
bool weft_prefix_covers(const struct weft_prefix *outer, const struct weft_prefix *inner);
int weft_prefix_compare(const struct weft_prefix *a, const struct weft_prefix *b);
bool weft_ip_endpoint_valid(const struct weft_ip_endpoint *endpoint);

bool weft_host_ipv4(const struct weft_prefix *prefix, const uint8_t address[4]);
void weft_nth_ipv4(uint8_t address[4], const struct weft_prefix *prefix, uint32_t n);
uint32_t weft_ipv4_hosts(const struct weft_prefix *prefix);

#endif /* WEFT_ADDRESS_H */
