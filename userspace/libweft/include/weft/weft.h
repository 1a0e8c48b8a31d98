/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libweft: configure weft devices of this network namespace.
 *
 * A device is made and deleted with rtnetlink (link kind "weft"); this library
 * reads and changes its keys, peers and allowed IPs, and reports its events.
 *
 * Functions return 0 (or a count, where said so) or a negative code: either a
 * negated errno or a negated &enum weft_error_code. weft_strerror() turns both
 * into text; weft_last_error() tells what the kernel had to say besides.
 *
 * A handle is not for use by two threads at once. There is no other state.
 */
#ifndef WEFT_WEFT_H
#define WEFT_WEFT_H

#include <linux/weft.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** define WEFT_KEY_BASE64_LEN - characters of a key in base64, without the final NUL */
#define WEFT_KEY_BASE64_LEN	44
/** define WEFT_KEY_HEX_LEN - characters of a key in hexadecimal, without the final NUL */
#define WEFT_KEY_HEX_LEN	64

/**
 * enum weft_error_code - failures that have no errno of their own
 * @WEFT_E_NO_MODULE: the kernel module is not loaded
 * @WEFT_E_OLD_KERNEL: the loaded module does not know something that this library asked for
 * @WEFT_E_NO_DEVICE: there is no interface of this name or index
 * @WEFT_E_NOT_WEFT: the interface is not of kind weft
 * @WEFT_E_NO_PEER: the device has no peer with this key
 * @WEFT_E_PEER_EXISTS: the device has a peer with this key already
 * @WEFT_E_BUFFER: the request is larger than the socket's buffer may grow
 * @WEFT_E_CHANGING: the device changed during every attempt to read it
 * @WEFT_E_REPLY: the kernel's answer makes no sense
 * @WEFT_E_LOST: events came faster than they were read, and some were dropped
 */
enum weft_error_code {
	WEFT_E_NO_MODULE = 1000,
	WEFT_E_OLD_KERNEL,
	WEFT_E_NO_DEVICE,
	WEFT_E_NOT_WEFT,
	WEFT_E_NO_PEER,
	WEFT_E_PEER_EXISTS,
	WEFT_E_BUFFER,
	WEFT_E_CHANGING,
	WEFT_E_REPLY,
	WEFT_E_LOST,
};

/**
 * struct weft_key - a public, private or preshared key
 * @bytes: the key
 */
struct weft_key {
	uint8_t bytes[WEFT_KEY_LEN];
};

/**
 * struct weft_allowed_ip - a prefix
 * @addr: 4 or 16 bytes in network order, as @family says; the rest zero
 * @family: AF_INET or AF_INET6
 * @prefix_len: bits that count
 * @flags: WEFT_ALLOWED_IP_F_*, in a request
 */
struct weft_allowed_ip {
	uint8_t addr[16];
	uint8_t family;
	uint8_t prefix_len;
	uint16_t flags;
};

/**
 * union weft_endpoint - address and port
 * @sa: to look at the family; AF_UNSPEC for none
 * @in: IPv4
 * @in6: IPv6
 */
union weft_endpoint {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/**
 * struct weft_path - a way to a peer
 * @endpoint: where packets go; AF_UNSPEC on a relay path
 * @source: where they leave from; AF_UNSPEC if the routing table chooses
 * @source_ifindex: interface that goes with @source, or 0
 * @type: enum weft_path_type
 * @state: enum weft_path_state
 * @last_rx_ms: milliseconds since an authenticated packet came in; UINT64_MAX if none has
 */
struct weft_path {
	union weft_endpoint endpoint;
	union weft_endpoint source;
	uint32_t source_ifindex;
	uint32_t type;
	uint32_t state;
	uint64_t last_rx_ms;
};

/* Which members of a struct weft_peer hold something, or are to be changed. */
#define WEFT_PEER_HAS_PRESHARED_KEY		(1U << 0)
#define WEFT_PEER_HAS_ENDPOINT			(1U << 1)
#define WEFT_PEER_HAS_PERSISTENT_KEEPALIVE	(1U << 2)
#define WEFT_PEER_HAS_SUITE			(1U << 3)
#define WEFT_PEER_HAS_SESSION_SUITE		(1U << 4)

/**
 * struct weft_peer - a peer of a device, as read or as it shall be
 * @next: the device's next peer
 * @has: WEFT_PEER_HAS_*
 * @flags: WEFT_PEER_F_*, in a request
 * @public_key: names the peer
 * @preshared_key: all zero for none
 * @endpoint: of the active path
 * @persistent_keepalive: seconds, 0 for none
 * @suite: enum weft_suite_id to use with the peer
 * @session_suite: enum weft_suite_id of the current session
 * @last_handshake: time since the epoch; zero if there was none
 * @rx_bytes: received
 * @tx_bytes: sent
 * @allowed_ips: array of @n_allowed_ips; add with weft_peer_add_allowed_ip()
 * @n_allowed_ips: entries in use
 * @max_allowed_ips: entries allocated
 * @paths: array of @n_paths; read only
 * @n_paths: entries
 */
struct weft_peer {
	struct weft_peer *next;
	uint32_t has;
	uint32_t flags;
	struct weft_key public_key;
	struct weft_key preshared_key;
	union weft_endpoint endpoint;
	uint16_t persistent_keepalive;
	uint32_t suite;
	uint32_t session_suite;
	struct timespec last_handshake;
	uint64_t rx_bytes;
	uint64_t tx_bytes;
	struct weft_allowed_ip *allowed_ips;
	size_t n_allowed_ips;
	size_t max_allowed_ips;
	struct weft_path *paths;
	size_t n_paths;
};

/* Which members of a struct weft_device hold something, or are to be changed. */
#define WEFT_DEVICE_HAS_PRIVATE_KEY	(1U << 0)
#define WEFT_DEVICE_HAS_PUBLIC_KEY	(1U << 1)
#define WEFT_DEVICE_HAS_LISTEN_PORT	(1U << 2)
#define WEFT_DEVICE_HAS_FWMARK		(1U << 3)
#define WEFT_DEVICE_HAS_UPCALLS		(1U << 4)

/**
 * struct weft_device - a device, as read or as it shall be
 * @next: next device of a list
 * @has: WEFT_DEVICE_HAS_*
 * @flags: WEFT_DEVICE_F_*, in a request
 * @ifindex: names the device if @ifname is empty
 * @ifname: names the device
 * @private_key: all zero for none
 * @public_key: goes with it
 * @listen_port: in host byte order; 0 lets the kernel choose
 * @fwmark: 0 for none
 * @peer_count: peers that the kernel has
 * @first_peer: list of peers; add with weft_device_add_peer()
 * @last_peer: its end
 * @upcalls: WEFT_UPCALL_F_*: what events ask for; none unless set
 */
struct weft_device {
	struct weft_device *next;
	uint32_t has;
	uint32_t flags;
	uint32_t ifindex;
	char ifname[IFNAMSIZ];
	struct weft_key private_key;
	struct weft_key public_key;
	uint16_t listen_port;
	uint32_t fwmark;
	uint32_t peer_count;
	struct weft_peer *first_peer;
	struct weft_peer *last_peer;
	uint32_t upcalls;
};

/* weft_for_each_peer - all peers of a device */
#define weft_for_each_peer(dev, peer) \
	for ((peer) = (dev)->first_peer; (peer); (peer) = (peer)->next)

/* weft_for_each_allowed_ip - all allowed IPs of a peer */
#define weft_for_each_allowed_ip(peer, ip) \
	for ((ip) = (peer)->allowed_ips; (ip) < (peer)->allowed_ips + (peer)->n_allowed_ips; ++(ip))

/* weft_for_each_path - all paths of a peer */
#define weft_for_each_path(peer, path) \
	for ((path) = (peer)->paths; (path) < (peer)->paths + (peer)->n_paths; ++(path))

/**
 * weft_device_new() - an empty device
 * @ifname: its name, or NULL to name it by index
 *
 * Return: the device, or NULL if there is no memory or @ifname is too long.
 */
struct weft_device *weft_device_new(const char *ifname);

/**
 * weft_device_free() - free a device with its peers, or a list of devices, and wipe their keys
 * @dev: first device, or NULL
 */
void weft_device_free(struct weft_device *dev);

/**
 * weft_device_add_peer() - append a peer
 * @dev: to this device
 * @public_key: the peer's key
 *
 * The same key may be added twice; the kernel applies both, in order.
 *
 * Return: the peer, which belongs to @dev and stays where it is, or NULL if there is no memory.
 */
struct weft_peer *weft_device_add_peer(struct weft_device *dev, const struct weft_key *public_key);

/**
 * weft_peer_add_allowed_ip() - append an allowed IP
 * @peer: to this peer
 * @ip: copied
 *
 * Return: 0 or -ENOMEM.
 */
int weft_peer_add_allowed_ip(struct weft_peer *peer, const struct weft_allowed_ip *ip);

/**
 * weft_peer_clear() - free what belongs to a peer, wipe it, leave it empty
 * @peer: one that weft_peer_get() or weft_event_read() filled in
 */
void weft_peer_clear(struct weft_peer *peer);

struct weft;

/**
 * struct weft_error - the last failure of a handle
 * @code: what the function returned
 * @text: a sentence for people, all of the following included
 * @kernel: what the kernel said (extended ack), or ""
 * @attribute: the part of the request that the kernel refused, or ""
 */
struct weft_error {
	int code;
	char text[512];
	char kernel[256];
	char attribute[160];
};

/**
 * weft_open() - connect to the kernel module
 * @weft: the new handle goes here
 *
 * Return: 0, -WEFT_E_NO_MODULE or another code.
 */
int weft_open(struct weft **weft);

/**
 * weft_close() - end the connection
 * @weft: handle, or NULL
 */
void weft_close(struct weft *weft);

/**
 * weft_strerror() - text of a code
 * @code: what any function of this library returned
 *
 * Return: a constant text that says what is wrong and, where that helps, what to do.
 */
const char *weft_strerror(int code);

/**
 * weft_last_error() - all that is known of the last failure
 * @weft: handle
 *
 * Return: valid until the next call with this handle.
 */
const struct weft_error *weft_last_error(const struct weft *weft);

/**
 * weft_device_list() - all weft devices of the network namespace, without their peers
 * @weft: handle
 * @list: first device, NULL if there is none; free with weft_device_free()
 */
int weft_device_list(struct weft *weft, struct weft_device **list);

/**
 * weft_device_get() - one device with all of its peers
 * @weft: handle
 * @ifname: device
 * @dev: goes here; free with weft_device_free()
 *
 * The reading is repeated if the device is changed meanwhile, so that the peers
 * are those of one moment.
 */
int weft_device_get(struct weft *weft, const char *ifname, struct weft_device **dev);

/**
 * weft_device_set() - change a device and any number of peers in one step
 * @weft: handle
 * @dev: what to change: members named by @dev->has, and the peers listed
 *
 * All is applied or nothing. Whatever the size, this is one request; the
 * socket's buffer is raised for it, which needs CAP_NET_ADMIN in the first user
 * namespace or a net.core.wmem_max that is large enough (-WEFT_E_BUFFER if not).
 */
int weft_device_set(struct weft *weft, const struct weft_device *dev);

/**
 * weft_peer_new() - add a peer
 * @weft: handle
 * @ifname: device
 * @peer: what to add
 *
 * Return: 0, -WEFT_E_PEER_EXISTS if there is one with this key, or another code.
 */
int weft_peer_new(struct weft *weft, const char *ifname, const struct weft_peer *peer);

/**
 * weft_peer_set() - change a peer
 * @weft: handle
 * @ifname: device
 * @peer: what to change
 *
 * Return: 0, -WEFT_E_NO_PEER if there is none with this key, or another code.
 */
int weft_peer_set(struct weft *weft, const char *ifname, const struct weft_peer *peer);

/**
 * weft_peer_get() - read one peer
 * @weft: handle
 * @ifname: device
 * @public_key: the peer's key
 * @peer: filled in; pass to weft_peer_clear()
 *
 * Return: 0, -WEFT_E_NO_PEER if there is none with this key, or another code.
 */
int weft_peer_get(struct weft *weft, const char *ifname, const struct weft_key *public_key,
		  struct weft_peer *peer);

/**
 * weft_peer_del() - delete a peer
 * @weft: handle
 * @ifname: device
 * @public_key: the peer's key
 *
 * Return: 0, -WEFT_E_NO_PEER if there is none with this key, or another code.
 */
int weft_peer_del(struct weft *weft, const char *ifname, const struct weft_key *public_key);

/**
 * enum weft_event_type - what happened
 * @WEFT_EVENT_SESSION_NEW: a handshake completed
 * @WEFT_EVENT_SESSION_EXPIRED: the last session's keys were erased without a successor
 * @WEFT_EVENT_PATH_CHANGED: data now goes to the peer's endpoint given
 * @WEFT_EVENT_UNKNOWN_PEER: somebody asks for a session who is no peer: the owner of the peer's
 *	public key given (proven), at the endpoint given (not proven)
 * @WEFT_EVENT_UNKNOWN_DESTINATION: a packet goes to an address that no peer has
 *
 * The last two come only from devices that were told to make these upcalls (struct weft_device,
 * @upcalls). The kernel holds the initiation or the packet for three seconds: add a peer, or an
 * allowed IP to one, within that time, and nothing is lost. Do nothing to refuse.
 */
enum weft_event_type {
	WEFT_EVENT_SESSION_NEW,
	WEFT_EVENT_SESSION_EXPIRED,
	WEFT_EVENT_PATH_CHANGED,
	WEFT_EVENT_UNKNOWN_PEER,
	WEFT_EVENT_UNKNOWN_DESTINATION,
};

/**
 * struct weft_event - an event
 * @type: what happened
 * @ifindex: on this device
 * @ifname: its name
 * @peer: to this peer; only what the event is about is filled in
 * @destination: of WEFT_EVENT_UNKNOWN_DESTINATION: the address, as the prefix of only that
 */
struct weft_event {
	enum weft_event_type type;
	uint32_t ifindex;
	char ifname[IFNAMSIZ];
	struct weft_peer peer;
	struct weft_allowed_ip destination;
};

/**
 * weft_events_open() - begin to receive events
 * @weft: handle
 *
 * Events use a socket of their own; requests may be made meanwhile.
 *
 * Return: a file descriptor to poll for reading, which belongs to the handle, or a code.
 */
int weft_events_open(struct weft *weft);

/**
 * weft_event_read() - take the next event
 * @weft: handle
 * @event: filled in when 1 is returned; pass @event->peer to weft_peer_clear()
 *
 * Never waits. Events that this version does not know are passed over.
 *
 * Return: 1 with an event, 0 if there is none now, -WEFT_E_LOST if some were dropped (read the
 * devices again), or another code.
 */
int weft_event_read(struct weft *weft, struct weft_event *event);

/**
 * weft_key_generate() - a new private key
 * @key: goes here
 */
void weft_key_generate(struct weft_key *key);

/**
 * weft_key_generate_preshared() - a new preshared key
 * @key: goes here
 */
void weft_key_generate_preshared(struct weft_key *key);

/**
 * weft_key_clamp() - make 32 bytes a Curve25519 private key
 * @key: changed in place
 */
void weft_key_clamp(struct weft_key *key);

/**
 * weft_key_public() - the public key that goes with a private one
 * @public_key: goes here
 * @private_key: need not be clamped
 */
void weft_key_public(struct weft_key *public_key, const struct weft_key *private_key);

/**
 * weft_key_is_zero() - whether a key is all zero, in constant time
 * @key: key
 */
bool weft_key_is_zero(const struct weft_key *key);

/**
 * weft_key_equal() - whether two keys are the same, in constant time
 * @a: key
 * @b: key
 */
bool weft_key_equal(const struct weft_key *a, const struct weft_key *b);

/**
 * weft_key_wipe() - overwrite a key, for certain
 * @key: key
 */
void weft_key_wipe(struct weft_key *key);

/**
 * weft_key_to_base64() - encode, in constant time
 * @text: goes here, with a final NUL
 * @key: key
 */
void weft_key_to_base64(char text[WEFT_KEY_BASE64_LEN + 1], const struct weft_key *key);

/**
 * weft_key_from_base64() - decode, in constant time
 * @key: goes here; wiped if the text is no key
 * @text: exactly 44 characters, without white space
 *
 * Return: 0 or -EINVAL.
 */
int weft_key_from_base64(struct weft_key *key, const char *text);

/**
 * weft_key_to_hex() - encode, in constant time
 * @text: goes here, with a final NUL
 * @key: key
 */
void weft_key_to_hex(char text[WEFT_KEY_HEX_LEN + 1], const struct weft_key *key);

/**
 * weft_key_from_hex() - decode, in constant time
 * @key: goes here; wiped if the text is no key
 * @text: exactly 64 characters
 *
 * Return: 0 or -EINVAL.
 */
int weft_key_from_hex(struct weft_key *key, const char *text);

/**
 * weft_suite_name() - name of a suite
 * @suite: enum weft_suite_id
 *
 * Return: the name as the tool's "suite" takes it, or NULL if there is none.
 */
const char *weft_suite_name(uint32_t suite);

/**
 * weft_suite_from_name() - suite of a name
 * @name: in any case
 *
 * Return: enum weft_suite_id or -EINVAL.
 */
int weft_suite_from_name(const char *name);

/**
 * weft_upcall_name() - name of an upcall
 * @upcall: one of enum weft_upcall_flag
 *
 * Return: the name as the tool's "upcalls" takes it, or NULL if there is none.
 */
const char *weft_upcall_name(uint32_t upcall);

/**
 * weft_upcall_from_name() - upcall of a name
 * @name: in any case
 *
 * Return: one of enum weft_upcall_flag or -EINVAL.
 */
int weft_upcall_from_name(const char *name);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* WEFT_WEFT_H */
