/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BASE64_H
#define BASE64_H

#include <stdint.h>
#include <string.h>

#define KEY_LEN 32

/* 0, or -1 if the text is no key. */
static inline int from_base64(uint8_t key[KEY_LEN], const char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	int have = 0, len = 0;

	for (; *text && *text != '='; ++text) {
		const char *digit = strchr(digits, *text);

		if (!digit)
			return -1;
		bits = bits << 6 | (uint32_t)(digit - digits);
		have += 6;
		if (have >= 8) {
			if (len == KEY_LEN)
				return -1;
			have -= 8;
			key[len++] = bits >> have;
		}
	}
	return len == KEY_LEN ? 0 : -1;
}

#endif /* BASE64_H */
