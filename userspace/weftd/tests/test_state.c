// SPDX-License-Identifier: GPL-2.0-or-later
/* State files: what was written comes back, and what is damaged is told. */
#include "core.h"

#include "state.h"

static struct weft_secrets make_secrets(void)
{
	struct weft_secrets secrets = { .network = root_of().id, .sequence = NOW };

	seed_of(secrets.identity, 1);
	seed_of(secrets.tunnel, 2);
	seed_of(secrets.root, 3);
	seed_of(secrets.epoch, 4);
	secrets.has_root = true;
	secrets.has_epoch = true;
	return secrets;
}

static void test_secrets(void **state)
{
	struct weft_secrets secrets = make_secrets(), read;
	uint8_t bytes[WEFT_SECRETS_BYTES];
	size_t len;

	(void)state;
	assert_int_equal(weft_secrets_encode(bytes, sizeof(bytes), &len, &secrets), 0);
	assert_int_equal(weft_secrets_decode(&read, bytes, len), 0);
	assert_memory_equal(&read, &secrets, sizeof(read));
	assert_int_equal(weft_secrets_encode(bytes, len - 1, &len, &secrets), -EMSGSIZE);
	assert_int_equal(weft_secrets_encode(bytes, 20, &len, &secrets), -EMSGSIZE);
	secrets.has_root = false;
	secrets.has_epoch = false;
	memset(secrets.root, 0, sizeof(secrets.root));
	memset(secrets.epoch, 0, sizeof(secrets.epoch));
	assert_int_equal(weft_secrets_encode(bytes, sizeof(bytes), &len, &secrets), 0);
	assert_int_equal(weft_secrets_decode(&read, bytes, len), 0);
	assert_memory_equal(&read, &secrets, sizeof(read));
	weft_secrets_wipe(&read);
	assert_true(sodium_is_zero((uint8_t *)&read, sizeof(read)));
}

static void test_damaged_secrets(void **state)
{
	struct weft_secrets secrets = make_secrets(), read;
	uint8_t bytes[WEFT_SECRETS_BYTES];
	unsigned int bit;
	size_t len, cut;

	(void)state;
	assert_int_equal(weft_secrets_encode(bytes, sizeof(bytes), &len, &secrets), 0);
	for (bit = 0; bit < 8 * len; bit++) {
		bytes[bit / 8] ^= 1 << bit % 8;
		assert_int_not_equal(weft_secrets_decode(&read, bytes, len), 0);
		assert_true(sodium_is_zero((uint8_t *)&read, sizeof(read)));
		bytes[bit / 8] ^= 1 << bit % 8;
	}
	for (cut = 0; cut < len; cut++)
		assert_int_not_equal(weft_secrets_decode(&read, bytes, cut), 0);
	assert_int_equal(weft_secrets_decode(&read, bytes, 10), -ENODATA);
	memcpy(bytes, "weft secrets 2\n", 15);
	assert_int_equal(weft_secrets_decode(&read, bytes, len), -EPROTONOSUPPORT);
}

/* With a right hash, but with what nobody writes. */
static int decode_forged(const char *map, size_t len)
{
	struct weft_secrets secrets;
	uint8_t bytes[128];

	memcpy(bytes, "weft secrets 1\n", 15);
	memcpy(bytes + 15, map, len);
	weft_hash(bytes + 15 + len, 32, "weft/1/state", (struct weft_part){ bytes, 15 + len },
		  (struct weft_part){ 0 });
	return weft_secrets_decode(&secrets, bytes, 15 + len + 32);
}

static void test_forged_secrets(void **state)
{
	(void)state;
	assert_int_equal(decode_forged("\xa0", 1), -EBADMSG); /* nothing in it */
	assert_int_equal(decode_forged("\xa1\x05\x01", 3), -EBADMSG);
	assert_int_equal(decode_forged("\xa1\x06\x01", 3), -EPROTONOSUPPORT);
	assert_int_equal(decode_forged("\xa1\x05", 2), -ENODATA);
}

static struct weft_roster *some_roster(void)
{
	struct weft_roster *roster = new_roster();
	unsigned int i;

	must_add(roster, network_record(NOW));
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	for (i = 1; i <= 8; i++) {
		must_add(roster, admission_record(i, i % 2 ? ROOT : 20, "x", NOW));
		must_add(roster, announcement_record(i, i, NOW));
	}
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	return roster;
}

static void test_roster(void **state)
{
	struct weft_roster *roster = some_roster(), *read = new_roster();
	struct weft_id digest, read_digest;
	uint8_t *bytes;
	size_t len, taken;

	(void)state;
	/* what a stranger says is not kept */
	must_add(roster, admission_record(30, 31, "stranger", NOW));
	assert_int_equal(weft_roster_encode(roster, &bytes, &len), 0);
	assert_int_equal(weft_roster_decode(read, bytes, len, &taken), 0);
	assert_int_equal(taken, 18);
	assert_int_equal(state_of(read, 30, NOW), -1);
	assert_int_equal(state_of(read, 8, NOW), WEFT_MEMBER);
	weft_roster_digest(roster, &digest);
	weft_roster_digest(read, &read_digest);
	assert_true(weft_id_equal(&digest, &read_digest));
	/* twice is once */
	assert_int_equal(weft_roster_decode(read, bytes, len, &taken), 0);
	assert_int_equal(taken, 0);
	free(bytes);
	weft_roster_free(read);
	weft_roster_free(roster);
}

static void test_damaged_roster(void **state)
{
	struct weft_roster *roster = some_roster(), *read;
	size_t len, cut, taken, most = 0;
	uint8_t *bytes;

	(void)state;
	assert_int_equal(weft_roster_encode(roster, &bytes, &len), 0);
	for (cut = 0; cut < len; cut += 7) {
		read = new_roster();
		assert_int_not_equal(weft_roster_decode(read, bytes, cut, &taken), 0);
		/* the longer the rest, the more is saved */
		assert_true(taken >= most && taken < 18);
		most = taken;
		weft_roster_free(read);
	}
	assert_true(most >= 16);
	/* a wrong record costs itself alone */
	bytes[len / 2] ^= 1;
	read = new_roster();
	assert_int_equal(weft_roster_decode(read, bytes, len, &taken), -EBADMSG);
	assert_true(taken >= 8);
	weft_roster_free(read);
	memcpy(bytes, "weft roster 2\n", 14);
	read = new_roster();
	assert_int_equal(weft_roster_decode(read, bytes, len, &taken), -EPROTONOSUPPORT);
	assert_int_equal(taken, 0);
	weft_roster_free(read);
	free(bytes);
	weft_roster_free(roster);
}

static void test_other_networks_roster(void **state)
{
	struct weft_identity other = identity_of(77);
	struct weft_roster *roster = some_roster(), *read;
	size_t len, taken;
	uint8_t *bytes;

	(void)state;
	assert_int_equal(weft_roster_encode(roster, &bytes, &len), 0);
	assert_int_equal(weft_roster_new(&read, &other.id), 0);
	assert_int_equal(weft_roster_decode(read, bytes, len, &taken), -EXDEV);
	assert_int_equal(taken, 0);
	free(bytes);
	weft_roster_free(read);
	weft_roster_free(roster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_damaged_secrets),
		cmocka_unit_test(test_forged_secrets),
		cmocka_unit_test(test_roster),
		cmocka_unit_test(test_damaged_roster),
		cmocka_unit_test(test_other_networks_roster),
	};

	return RUN_TESTS(tests);
}
