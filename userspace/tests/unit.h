/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every unit test includes. */
#ifndef WEFT_UNIT_H
#define WEFT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <weft/weft.h>

/* Two public keys, a private one, and a preshared one. */
#define KEY_A "uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM="
#define KEY_B "WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y="
#define KEY_PRIVATE "6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno="
#define KEY_PUBLIC "wVMuGz01CPx+vDVPpnliDzPyhxSVQuaExnt7DYE2Kyk="
#define KEY_PSK "GIUVCT6VL18i6GXO8wEucvi18LWYrAMJ1drM47cPz1I="

static inline struct weft_key key_of(const char *text)
{
	struct weft_key key;

	assert_int_equal(weft_key_from_base64(&key, text), 0);
	return key;
}

static inline void assert_key(const struct weft_key *key, const char *text)
{
	char base64[WEFT_KEY_BASE64_LEN + 1];

	weft_key_to_base64(base64, key);
	assert_string_equal(base64, text);
}

static inline void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

/* main() of a test program; the output is TAP. UNIT_TEST=PATTERN: only those tests, for work on one. */
#define RUN_TESTS(tests) \
	(cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_set_test_filter(getenv("UNIT_TEST")), \
	 cmocka_run_group_tests(tests, NULL, NULL))

#endif /* WEFT_UNIT_H */
