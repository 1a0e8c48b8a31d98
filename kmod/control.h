/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_CONTROL_H
#define _WEFT_CONTROL_H

#include <linux/skbuff.h>
#include <linux/types.h>

struct weft_peer;
struct weft_session;

/* First byte of a control frame; its upper half is no version of IP. */
#define WEFT_CONTROL_MAGIC 0xc0

/**
 * enum weft_control_type - kind of control frame
 * @WEFT_CONTROL_HELLO: what the sender is able to do
 */
enum weft_control_type {
	WEFT_CONTROL_HELLO = 1,
};

/**
 * struct weft_control_header - what all control frames begin with
 * @magic: WEFT_CONTROL_MAGIC
 * @type: enum weft_control_type
 * @len: of what follows, without padding
 */
struct weft_control_header {
	u8 magic;
	u8 type;
	__be16 len;
} __packed;

/* The version that we speak. */
#define WEFT_HELLO_VERSION	1
/* It answers a HELLO, and wants no answer. */
#define WEFT_HELLO_F_ANSWER	BIT(0)
/* Features: takes control frames. */
#define WEFT_FEATURE_CONTROL	BIT(0)

/**
 * struct weft_control_hello - body of a HELLO
 * @version: WEFT_HELLO_VERSION
 * @flags: WEFT_HELLO_F_ANSWER; others are ignored
 * @suites: bit n: the sender takes suite n from this peer
 * @features: WEFT_FEATURE_CONTROL; others are ignored
 */
struct weft_control_hello {
	u8 version;
	u8 flags;
	__be16 suites;
	__be32 features;
} __packed;

/**
 * struct weft_control - what a peer has said about itself
 * @suites: bit n: it takes suite n; 0 while that is not known
 * @unanswered: HELLOs sent since it last sent one
 * @session_begun: the initiator has not said HELLO yet in a session that its
 *	first message has confirmed; if its next one is none, we do
 * @failures: initiations in suite 1 without an answer since one had one
 * @failed_at: jiffies of the last of those
 *
 * Nothing here is locked: a lost update costs a HELLO or a handshake.
 */
struct weft_control {
	u16 suites;
	u8 unanswered;
	u8 failures;
	bool session_begun;
	unsigned long failed_at;
};

u8 weft_control_best_suite(const struct weft_peer *peer);
bool weft_control_outgrown(const struct weft_peer *peer,
			   const struct weft_session *session);
void weft_control_no_answer(struct weft_peer *peer);
void weft_control_session_begins(struct weft_peer *peer);
void weft_control_suite_changed(struct weft_peer *peer);
void weft_control_receive(struct weft_peer *peer, struct sk_buff *skb);

/* Is the opened message, which is not empty, a control frame? */
static inline bool weft_control_is_frame(const struct sk_buff *skb)
{
	return (skb->data[0] & 0xf0) == (WEFT_CONTROL_MAGIC & 0xf0);
}

#endif /* _WEFT_CONTROL_H */
