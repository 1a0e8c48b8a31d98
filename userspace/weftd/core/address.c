// SPDX-License-Identifier: GPL-2.0-or-later
/* Overlay addresses, prefixes, endpoints. */
#include <string.h>

#include "address.h"

/* fd, then 40 bits of the network's key: what RFC 4193 wants random. */
void weft_network_prefix(struct weft_prefix *prefix, const struct weft_id *network)
{
	uint8_t hash[32];

	weft_hash(hash, sizeof(hash), "weft/1/network",
		  (struct weft_part){ network->bytes, sizeof(network->bytes) },
		  (struct weft_part){ 0 });
	*prefix = (struct weft_prefix){ .size = 16, .length = 48, .address = { 0xfd } };
	memcpy(prefix->address + 1, hash, 5);
}

/* The network's prefix, then 80 bits of the member's key. */
void weft_member_address(uint8_t address[16], const struct weft_id *network,
			 const struct weft_id *member)
{
	struct weft_prefix prefix;
	uint8_t hash[32];

	weft_network_prefix(&prefix, network);
	weft_hash(hash, sizeof(hash), "weft/1/address",
		  (struct weft_part){ member->bytes, sizeof(member->bytes) },
		  (struct weft_part){ 0 });
	memcpy(address, prefix.address, 6);
	memcpy(address + 6, hash, 10);
}

/* Whether the bits of @address from @length on are zero. */
static bool zero_from(const uint8_t *address, unsigned int size, unsigned int length)
{
	unsigned int i;

	for (i = length; i < 8 * size; i++) {
		if (address[i / 8] & 0x80 >> i % 8)
			return false;
	}
	return true;
}

bool weft_prefix_valid(const struct weft_prefix *prefix)
{
	return (prefix->size == 4 || prefix->size == 16) && prefix->length <= 8 * prefix->size &&
	       zero_from(prefix->address, prefix->size, prefix->length);
}

bool weft_prefix_covers(const struct weft_prefix *outer, const struct weft_prefix *inner)
{
	unsigned int i;

	if (outer->size != inner->size || outer->length > inner->length)
		return false;
	for (i = 0; i < outer->length; i++) {
		if ((outer->address[i / 8] ^ inner->address[i / 8]) & 0x80 >> i % 8)
			return false;
	}
	return true;
}

/* IPv4 first, then by address, then the wider one. */
int weft_prefix_compare(const struct weft_prefix *a, const struct weft_prefix *b)
{
	int order = (int)a->size - b->size;

	if (!order)
		order = memcmp(a->address, b->address, a->size);
	return order ? order : (int)a->length - b->length;
}

/* An address in two spellings, IPv4 and IPv4-mapped, is not one of a canonical format. */
static bool is_mapped(const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(address, mapped, sizeof(mapped));
}

bool weft_ip_endpoint_valid(const struct weft_ip_endpoint *endpoint)
{
	if (!endpoint->port || zero_from(endpoint->address, endpoint->size, 0))
		return false;
	if (endpoint->size == 4)
		/* this network (0/8), multicast and above */
		return endpoint->address[0] && endpoint->address[0] < 224;
	return endpoint->size == 16 && endpoint->address[0] != 0xff &&
	       !is_mapped(endpoint->address);
}

static uint32_t ipv4_number(const uint8_t address[4])
{
	return (uint32_t)address[0] << 24 | address[1] << 16 | address[2] << 8 | address[3];
}

/* How many members an IPv4 prefix has addresses for; those of the network and broadcast are none. */
uint32_t weft_ipv4_hosts(const struct weft_prefix *prefix)
{
	if (prefix->length > 30)
		return 0;
	return (uint32_t)((1ULL << (32 - prefix->length)) - 2);
}

/* The host's address number @n, from 0. */
void weft_nth_ipv4(uint8_t address[4], const struct weft_prefix *prefix, uint32_t n)
{
	uint32_t number = ipv4_number(prefix->address) + 1 + n;
	unsigned int i;

	for (i = 0; i < 4; i++)
		address[i] = number >> (24 - 8 * i);
}

bool weft_host_ipv4(const struct weft_prefix *prefix, const uint8_t address[4])
{
	/* the network's own address wraps to the top */
	uint32_t n = ipv4_number(address) - ipv4_number(prefix->address) - 1;

	return n < weft_ipv4_hosts(prefix);
}
