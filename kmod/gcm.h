/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_GCM_H
#define _WEFT_GCM_H

#include <linux/types.h>

struct weft_key;

void weft_gcm_probe(void);
bool weft_gcm_present(void);
void weft_gcm_exit(void);

int weft_gcm_key_set(struct weft_key *key, const u8 raw[32]);
void weft_gcm_key_clear(struct weft_key *key);
bool weft_gcm_seal(const struct weft_key *key, u8 *text, unsigned int len,
		   u64 nonce);
bool weft_gcm_open(const struct weft_key *key, u8 *dst, const u8 *src,
		   unsigned int len, u64 nonce);
bool weft_gcm_seal_handshake(u8 *dst, const u8 *src, size_t len,
			     const u8 *ad, size_t ad_len, u64 nonce,
			     const u8 raw[32]);
bool weft_gcm_open_handshake(u8 *dst, const u8 *src, size_t len,
			     const u8 *ad, size_t ad_len, u64 nonce,
			     const u8 raw[32]);

#endif /* _WEFT_GCM_H */
