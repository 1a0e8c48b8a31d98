/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * Generic netlink interface of weft devices. The specification is
 * Documentation/netlink/specs/weft.yaml; this header says the same in C.
 */
#ifndef _UAPI_LINUX_WEFT_H
#define _UAPI_LINUX_WEFT_H

#define WEFT_FAMILY_NAME	"weft"
#define WEFT_FAMILY_VERSION	1

/** define WEFT_KEY_LEN - bytes in a public, private or preshared key */
#define WEFT_KEY_LEN		32
/** define WEFT_MAX_PATHS - paths that the kernel keeps for one peer */
#define WEFT_MAX_PATHS		8

/**
 * enum weft_device_flag - how a DEVICE_SET request is meant
 * @WEFT_DEVICE_F_REPLACE_PEERS: the peers of this request take the place of
 *	all present ones
 */
enum weft_device_flag {
	WEFT_DEVICE_F_REPLACE_PEERS = 1,
};

/**
 * enum weft_upcall_flag - what userspace wants to be asked about
 * @WEFT_UPCALL_F_UNKNOWN_PEER: an initiation from a key that no peer has
 * @WEFT_UPCALL_F_UNKNOWN_DESTINATION: a packet to an address that no peer has
 */
enum weft_upcall_flag {
	WEFT_UPCALL_F_UNKNOWN_PEER = 1,
	WEFT_UPCALL_F_UNKNOWN_DESTINATION = 2,
};

/**
 * enum weft_peer_flag - how a peer of a request is meant
 * @WEFT_PEER_F_REMOVE_ME: delete the peer; no error if there is none
 * @WEFT_PEER_F_REPLACE_ALLOWED_IPS: the allowed IPs given take the place of
 *	all present ones
 * @WEFT_PEER_F_UPDATE_ONLY: change the peer only if it exists
 */
enum weft_peer_flag {
	WEFT_PEER_F_REMOVE_ME = 1,
	WEFT_PEER_F_REPLACE_ALLOWED_IPS = 2,
	WEFT_PEER_F_UPDATE_ONLY = 4,
};

/**
 * enum weft_allowed_ip_flag - how an allowed IP of a request is meant
 * @WEFT_ALLOWED_IP_F_REMOVE_ME: take the prefix from the peer; no error if it
 *	does not have it
 */
enum weft_allowed_ip_flag {
	WEFT_ALLOWED_IP_F_REMOVE_ME = 1,
};

/**
 * enum weft_suite_id - AEAD of handshake and session
 * @WEFT_SUITE_CHACHA20POLY1305: WireGuard's own
 * @WEFT_SUITE_AES256GCM: between two weft ends
 * @WEFT_SUITE_AUTO: answer in the initiator's suite, initiate with the best
 *	one known to work
 */
enum weft_suite_id {
	WEFT_SUITE_CHACHA20POLY1305,
	WEFT_SUITE_AES256GCM,
	WEFT_SUITE_AUTO = 255,
};

/**
 * enum weft_path_type - what a path leads through
 * @WEFT_PATH_TYPE_DIRECT: an address and port
 * @WEFT_PATH_TYPE_RELAY: another peer
 */
enum weft_path_type {
	WEFT_PATH_TYPE_DIRECT,
	WEFT_PATH_TYPE_RELAY,
};

/**
 * enum weft_path_state - what is known of a path
 * @WEFT_PATH_STATE_CANDIDATE: configured or seen, not proven
 * @WEFT_PATH_STATE_USABLE: proven by a completed handshake or answered probe
 * @WEFT_PATH_STATE_ACTIVE: data goes this way
 */
enum weft_path_state {
	WEFT_PATH_STATE_CANDIDATE,
	WEFT_PATH_STATE_USABLE,
	WEFT_PATH_STATE_ACTIVE,
};

/**
 * enum weft_session_event - what happened to a peer's session
 * @WEFT_SESSION_EVENT_NEW: a handshake completed
 * @WEFT_SESSION_EVENT_EXPIRED: the last keys were erased without a successor
 */
enum weft_session_event {
	WEFT_SESSION_EVENT_NEW,
	WEFT_SESSION_EVENT_EXPIRED,
};

/**
 * enum weft_path_event - what happened to a peer's paths
 * @WEFT_PATH_EVENT_CHANGED: data now goes to the endpoint given
 */
enum weft_path_event {
	WEFT_PATH_EVENT_CHANGED,
};

enum {
	WEFT_A_DEVICE_IFINDEX = 1,
	WEFT_A_DEVICE_IFNAME,
	WEFT_A_DEVICE_FLAGS,
	WEFT_A_DEVICE_PRIVATE_KEY,
	WEFT_A_DEVICE_PUBLIC_KEY,
	WEFT_A_DEVICE_LISTEN_PORT,
	WEFT_A_DEVICE_FWMARK,
	WEFT_A_DEVICE_PEER_COUNT,
	WEFT_A_DEVICE_PEER,
	WEFT_A_DEVICE_SESSION_EVENT,
	WEFT_A_DEVICE_PATH_EVENT,
	WEFT_A_DEVICE_UPCALLS,
	WEFT_A_DEVICE_DESTINATION,

	__WEFT_A_DEVICE_MAX,
	WEFT_A_DEVICE_MAX = (__WEFT_A_DEVICE_MAX - 1)
};

enum {
	WEFT_A_PEER_PUBLIC_KEY = 1,
	WEFT_A_PEER_FLAGS,
	WEFT_A_PEER_PRESHARED_KEY,
	WEFT_A_PEER_ENDPOINT,
	WEFT_A_PEER_PERSISTENT_KEEPALIVE,
	WEFT_A_PEER_LAST_HANDSHAKE_SEC,
	WEFT_A_PEER_LAST_HANDSHAKE_NSEC,
	WEFT_A_PEER_RX_BYTES,
	WEFT_A_PEER_TX_BYTES,
	WEFT_A_PEER_ALLOWED_IP,
	WEFT_A_PEER_SUITE,
	WEFT_A_PEER_SESSION_SUITE,
	WEFT_A_PEER_PATH,
	WEFT_A_PEER_PAD,

	__WEFT_A_PEER_MAX,
	WEFT_A_PEER_MAX = (__WEFT_A_PEER_MAX - 1)
};

enum {
	WEFT_A_ALLOWED_IP_FAMILY = 1,
	WEFT_A_ALLOWED_IP_ADDRESS,
	WEFT_A_ALLOWED_IP_PREFIX_LEN,
	WEFT_A_ALLOWED_IP_FLAGS,

	__WEFT_A_ALLOWED_IP_MAX,
	WEFT_A_ALLOWED_IP_MAX = (__WEFT_A_ALLOWED_IP_MAX - 1)
};

enum {
	WEFT_A_PATH_TYPE = 1,
	WEFT_A_PATH_STATE,
	WEFT_A_PATH_ENDPOINT,
	WEFT_A_PATH_SOURCE,
	WEFT_A_PATH_SOURCE_IFINDEX,
	WEFT_A_PATH_LAST_RX_MS,
	WEFT_A_PATH_PAD,

	__WEFT_A_PATH_MAX,
	WEFT_A_PATH_MAX = (__WEFT_A_PATH_MAX - 1)
};

enum {
	WEFT_CMD_DEVICE_GET = 1,
	WEFT_CMD_DEVICE_SET,
	WEFT_CMD_PEER_NEW,
	WEFT_CMD_PEER_SET,
	WEFT_CMD_PEER_GET,
	WEFT_CMD_PEER_DEL,
	WEFT_CMD_SESSION_NTF,
	WEFT_CMD_PATH_NTF,
	WEFT_CMD_UNKNOWN_PEER_NTF,
	WEFT_CMD_UNKNOWN_DESTINATION_NTF,

	__WEFT_CMD_MAX,
	WEFT_CMD_MAX = (__WEFT_CMD_MAX - 1)
};

#define WEFT_MCGRP_EVENTS	"events"

#endif /* _UAPI_LINUX_WEFT_H */
