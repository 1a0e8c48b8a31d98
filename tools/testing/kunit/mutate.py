#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Break the code under test, one way at a time, and see the tests notice.

    mutate.py build DIR KDIR [TEST...]  build a test module for each way, into DIR
    mutate.py check DIR                 in a guest: run them, each must fail as it should

A test that stays green whatever is done to its subject tests nothing. Each
entry below names the test that has to go red; every test is named.
"""
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[2]

# file in kmod/, test that must fail, text, what takes its place
MUTATIONS = [
    # the shortest prefix wins
    ("allowedips.c", "allowedips_longest_wins", "if (peer)\n\t\t\tfound", "if (peer && !found)\n\t\t\tfound"),
    ("allowedips.c", "allowedips_random_dense", "if (peer)\n\t\t\tfound", "if (peer && !found)\n\t\t\tfound"),
    # both families in one trie
    ("allowedips.c", "allowedips_default_routes", "[family == AF_INET6]", "[0]"),
    # the last bit does not count
    ("allowedips.c", "allowedips_full_length", "return 128 - fls64", "return 127 - fls64"),
    # host bits stay
    ("allowedips.c", "allowedips_host_bits_ignored", "bits[0] &= ~(~0ULL >> prefix_len);", ";"),
    # the new owner gets the list entry only
    ("allowedips.c", "allowedips_move", "rcu_assign_pointer(node->peer, peer);\n\t\t\treturn;", "return;"),
    # anybody may remove
    ("allowedips.c", "allowedips_only_owner_removes", "if (!owner || (peer && owner != peer))", "if (!owner)"),
    # what is left after a replacement stays
    (
        "allowedips.c",
        "allowedips_replace",
        "list_for_each_entry_safe(node, next, prefixes, peer_list)",
        "list_for_each_entry_safe(node, next, prefixes, peer_list)\n\t\tif (0)",
    ),
    # one node for each prefix, where two may be needed
    ("allowedips.c", "allowedips_pool", "2ULL * prefixes", "1ULL * prefixes"),
    # a packet's source is looked for in its destination
    ("allowedips.c", "allowedips_packets", "&ip_hdr(skb)->saddr", "&ip_hdr(skb)->daddr"),
    ("allowedips.c", "allowedips_packets", "&ipv6_hdr(skb)->saddr", "&ipv6_hdr(skb)->daddr"),
    # forks are never taken out
    ("allowedips.c", "allowedips_random_sparse", "if (child || !parent ||", "if (1 || child || !parent ||"),
    # a move takes the prefix away first
    (
        "allowedips.c",
        "allowedips_move_under_readers",
        "rcu_assign_pointer(node->peer, peer);\n",
        "RCU_INIT_POINTER(node->peer, NULL); cpu_relax(); schedule();\n"
        "rcu_assign_pointer(node->peer, peer);\n",
    ),
    # the old word is cleared again
    ("replay.c", "replay_out_of_order", "DIV_ROUND_UP_ULL(r->counter, BITS_PER_LONG)", "r->counter / BITS_PER_LONG"),
    # nothing is remembered
    ("replay.c", "replay_in_order", "__test_and_set_bit(", "test_bit("),
    # only higher counters are taken
    ("replay.c", "replay_out_of_order", "counter + WEFT_REPLAY_WINDOW + 1 < r->counter", "counter < r->counter"),
    # the window is one counter narrower
    ("replay.c", "replay_window_edge", "WEFT_REPLAY_WINDOW + 1 <", "WEFT_REPLAY_WINDOW <"),
    # or as wide as the ring
    ("replay.c", "replay_window_edge", "WEFT_REPLAY_WINDOW + 1 <", "WEFT_REPLAY_BITS <"),
    # bits are left over after a jump
    ("replay.c", "replay_far_jumps", "next + i <= word", "next + i < word"),
    ("replay.c", "replay_far_jumps", "i < WEFT_REPLAY_WORDS &&", "i < WEFT_REPLAY_WORDS - 1 &&"),
    ("replay.c", "replay_random", "next + i <= word", "next + i < word"),
    # no limit
    ("replay.c", "replay_limit", "unlikely(counter >= WEFT_REPLAY_LIMIT)", "unlikely(0)"),
    ("ratelimiter.c", "ratelimiter_burst", "WEFT_RATELIMITER_BURST		5", "WEFT_RATELIMITER_BURST		6"),
    # a try costs what has come in since the last one
    (
        "ratelimiter.c",
        "ratelimiter_refill",
        "min_t(u64, WEFT_RATELIMITER_FULL,\n\t\t\t\t      entry->tokens + now - entry->last)",
        "entry->tokens + now - entry->last",
    ),
    ("ratelimiter.c", "ratelimiter_refill", "WEFT_RATELIMITER_PER_SECOND	20", "WEFT_RATELIMITER_PER_SECOND	21"),
    ("ratelimiter.c", "ratelimiter_random", "entry->last = now;\n\t\tallow", "allow"),
    # one namespace's packets count for the others
    (
        "ratelimiter.c",
        "ratelimiter_sources_are_separate",
        "	u16 protocol;\n\n	if (skb",
        "	u16 protocol;\n\n	net = NULL;\n	if (skb",
    ),
    # a family's for the other
    ("ratelimiter.c", "ratelimiter_sources_are_separate", "protocol = ETH_P_IPV6;", "protocol = ETH_P_IP;"),
    # the lower half of the address
    ("ratelimiter.c", "ratelimiter_ipv6_by_64", "&ipv6_hdr(skb)->saddr,", "&ipv6_hdr(skb)->saddr.s6_addr[8],"),
    (
        "ratelimiter.c",
        "ratelimiter_other_protocols_refused",
        "} else {\n\t\treturn false;",
        "} else {\n\t\treturn true;",
    ),
    # what cannot be counted may pass
    ("ratelimiter.c", "ratelimiter_full_table_fails_closed", "bool allow = false;", "bool allow = true;"),
    # refusals take places
    ("ratelimiter.c", "ratelimiter_full_table_fails_closed", "refuse:\n\tatomic_dec(&weft_ratelimiter_count);", "refuse:"),
    # busy entries are dropped
    ("ratelimiter.c", "ratelimiter_full_table_fails_closed", "if (!all && now - entry->last <", "if (!all && now + 5000000 - entry->last <"),
    # nobody clears up, or without an end
    ("ratelimiter.c", "ratelimiter_gc_rests_when_empty", "if (atomic_read(&weft_ratelimiter_count))", "if (1)"),
    ("ratelimiter.c", "ratelimiter_gc_rests_when_empty", "if (atomic_read(&weft_ratelimiter_count))", "if (0)"),
    # a wrong label, or a cookie without a port
    ("cookie.c", "cookie_known_answers", '"mac1----"', '"mac1--- "'),
    ("cookie.c", "cookie_known_answers", "blake2s_update(&hash, (u8 *)&udp_hdr(skb)->source, sizeof(__be16));", ""),
    # each end alone is wrong
    ("cookie.c", "cookie_round_trip", "memcpy(cookie->last_mac1_sent, macs->mac1, sizeof(macs->mac1));", ""),
    # mac1 covers what an initiation's does
    (
        "cookie.c",
        "cookie_response_message",
        "WEFT_NOISE_SYMMETRIC_KEY_LEN, message,\n\t\t\tlen - sizeof",
        "WEFT_NOISE_SYMMETRIC_KEY_LEN, message + (len == 92 ? 12 : 0),\n"
        "\t\t\tlen - (len == 92 ? 12 : 0) - sizeof",
    ),
    ("cookie.c", "cookie_wrong_mac1", "if (crypto_memneq(mac, macs->mac1, sizeof(mac)))", "if (crypto_memneq(mac, macs->mac1, 15))"),
    ("cookie.c", "cookie_wrong_mac1", "if (crypto_memneq(mac, macs->mac2, sizeof(mac)))", "if (crypto_memneq(mac, macs->mac2, 15))"),
    ("cookie.c", "cookie_other_key", "if (!checker->has_key)", "if (0)"),
    # the port, or the half of an address, is left out
    ("cookie.c", "cookie_bound_to_source", "blake2s_update(&hash, (u8 *)&udp_hdr(skb)->source, sizeof(__be16));", ""),
    ("cookie.c", "cookie_bound_to_source", "sizeof(struct in6_addr)", "8"),
    ("cookie.c", "cookie_sender_forgets", "WEFT_COOKIE_SECRET_MAX_AGE -\n\t\t\t\t WEFT_COOKIE_SECRET_LATENCY", "WEFT_COOKIE_SECRET_MAX_AGE"),
    # the secret stays, or its birthday does
    ("cookie.c", "cookie_secret_changes", "likely(!weft_cookie_too_old(checker->secret_birthdate,", "likely(1 || !weft_cookie_too_old(checker->secret_birthdate,"),
    ("cookie.c", "cookie_secret_changes", "\t\tchecker->secret_birthdate = ktime_get_coarse_boottime_ns();\n\t}", "\t}"),
    ("cookie.c", "cookie_reply_only_as_answer", "if (!cookie->have_sent_mac1)", "if (0)"),
    ("cookie.c", "cookie_reply_only_as_answer", "cookie->is_valid = true;\n\t\tcookie->have_sent_mac1 = false;", "cookie->is_valid = true;"),
    ("cookie.c", "cookie_ratelimited", "state = weft_ratelimiter_allow(skb, net) ?", "state = weft_ratelimiter_allow(skb, net) || 1 ?"),
    # charged before it has proved anything
    ("cookie.c", "cookie_ratelimited", "\tweft_cookie_make(checker, cookie, skb);\n\tweft_cookie_mac2", "\tweft_ratelimiter_allow(skb, net);\n\tweft_cookie_make(checker, cookie, skb);\n\tweft_cookie_mac2"),
    ("cookie.c", "cookie_checker_wipe", "memzero_explicit(checker->cookie_encryption_key,\n\t\t\t\t sizeof(checker->cookie_encryption_key));", ""),
    ("suite.c", "noise_known_answers", "WireGuard v1 zx2c4 Jason@zx2c4.com", "WireGuard v2 zx2c4 Jason@zx2c4.com"),
    ("suite.c", "noise_known_answers_gcm", "weft v1", "weft v2"),
    # the nonce as WireGuard has it
    ("gcm.c", "noise_known_answers_gcm", "put_unaligned_be64(nonce", "put_unaligned_le64(nonce"),
    ("gcm.c", "gcm_known_answers", "put_unaligned_be64(nonce", "put_unaligned_le64(nonce"),
    # the tag is written into the destination too
    ("gcm.c", "gcm_known_answers", "if (dst == src || !len)", "if (1)"),
    ("gcm.c", "gcm_changed_message", "return !(seal ? crypto_aead_encrypt(req) : crypto_aead_decrypt(req));", "return seal ? !crypto_aead_encrypt(req) : (crypto_aead_decrypt(req), true);"),
    # associated data are not looked at
    ("gcm.c", "gcm_handshake_payload", "aead_request_set_ad(req, ad_len);", "aead_request_set_ad(req, 0);"),
    ("gcm.c", "gcm_driver_is_synchronous", 'aead = allocate_fast("__gcm(aes)", CRYPTO_ALG_INTERNAL);', 'aead = allocate("gcm_base(ctr(aes-generic),ghash-generic)", 0); if (IS_ERR(aead)) aead = allocate("gcm-aes-lib", 0); if (IS_ERR(aead)) aead = NULL;'),
    ("noise.c", "noise_suites", "wanted == WEFT_SUITE_AUTO || wanted == suite->id", "wanted == WEFT_SUITE_AUTO || 1"),
    ("noise.c", "noise_suites", "weft_control_best_suite(peer) : id", "0 : id"),
    # a body longer than the frame
    ("control.c", "control_frames", "if (len > skb->len - sizeof(*header))", "if (0)"),
    ("control.c", "control_frames", "if (len != sizeof(*hello))", "if (len < sizeof(*hello))"),
    ("control.c", "control_hello_is_answered", "if (!(hello->flags & WEFT_HELLO_F_ANSWER))", "if (1)"),
    ("control.c", "control_three_hellos", "if (READ_ONCE(control->unanswered) >= MAX_UNANSWERED)", "if (0)"),
    ("control.c", "control_no_answer_is_remembered", "WRITE_ONCE(control->suites, 0);\n\tif (control->failures", "if (control->failures"),
    ("control.c", "control_initiator_upgrades", "session->initiator &&", ""),
    # transport keys exchanged at both ends
    ("noise.c", "noise_known_answers", "kdf(first, second, NULL, ck, NULL, 0);", "kdf(second, first, NULL, ck, NULL, 0);"),
    # the clock tells all it knows
    ("noise.c", "noise_known_answers", "ALIGN_DOWN(now.tv_nsec,", "ALIGN_DOWN(now.tv_nsec, 1 ? 1 :"),
    ("session.c", "noise_round_trip", "RCU_INIT_POINTER(sessions->next, NULL);", ""),
    ("noise.c", "noise_round_trip", "session->initiator ? second : first", "session->initiator ? first : second"),
    ("noise.c", "noise_secrets_are_erased", "memzero_explicit(handshake->chaining_key, HASH_LEN);", ""),
    ("noise.c", "noise_secrets_are_erased", "memzero_explicit(handshake->ephemeral_private, KEY_LEN);\n\tmemzero", "memzero"),
    # an unknown suite is taken for the first
    ("suite.c", "noise_changed_initiation", "&suites[id] : NULL", "&suites[id] : &suites[0]"),
    ("noise.c", "noise_changed_response", "weft_message_suite(&msg->header) == t.suite->id &&", ""),
    # a wrong tag is good enough
    ("suite.c", "noise_changed_response", "return chacha20poly1305_decrypt(dst, src, len, ad, ad_len, nonce, key);", "chacha20poly1305_decrypt(dst, src, len, ad, ad_len, nonce, key); return true;"),
    # initiations may be played back, or flood
    ("noise.c", "noise_initiation_only_forward", "return memcmp(timestamp, handshake->latest_timestamp,\n\t\t      WEFT_NOISE_TIMESTAMP_LEN) > 0 &&", "return"),
    ("noise.c", "noise_initiation_only_forward", "WEFT_NOISE_TIMESTAMP_LEN) > 0 &&", "WEFT_NOISE_TIMESTAMP_LEN) >= 0 &&"),
    ("noise.c", "noise_initiation_only_forward", "handshake->last_consumed = ktime_get_coarse_boottime_ns();\n", ""),
    # an initiation may be answered twice
    ("noise.c", "noise_response_only_to_the_last", "if (handshake->state != WEFT_HANDSHAKE_CONSUMED_INITIATION)", "if (0)"),
    # the preshared key does not matter
    ("noise.c", "noise_wrong_keys", "kdf(t->ck, tau, t->key, t->ck, psk, WEFT_NOISE_SYMMETRIC_KEY_LEN);", "kdf(t->ck, tau, t->key, t->ck, NULL, 0);"),
    ("noise.c", "noise_low_order_points", "ok = curve25519(shared, private, public);", "curve25519(shared, private, public); ok = true;"),
    ("session.c", "noise_removed_peer", "ok = !peer->dead && index", "ok = index"),
    # last, because it leaves nodes behind: only the roots are freed
    ("allowedips.c", "allowedips_free_whole", "if (child)\n\t\t\t\tweft_allowedips_gather(child, &nodes);", "if (0)\n\t\t\t\tweft_allowedips_gather(child, &nodes);"),
]


def tests():
    """All tests that there are."""
    found = set()
    for path in HERE.glob("*_test.c"):
        found |= set(re.findall(r"KUNIT_CASE\((\w+)\)", path.read_text()))
    return found


def build(out, kdir, chosen):
    out = out.resolve()
    out.mkdir(parents=True)
    tree = out / "tree"
    shutil.copytree(TOP / "kmod", tree / "kmod")
    shutil.copytree(HERE, tree / "tools/testing/kunit")
    kunit = tree / "tools/testing/kunit"
    missing = tests() - {m[1] for m in MUTATIONS}
    if missing:
        sys.exit(f"no mutation that breaks: {', '.join(sorted(missing))}")
    for number, (name, test, old, new) in enumerate(MUTATIONS):
        if chosen and test not in chosen:
            continue
        path = tree / "kmod" / name
        text = path.read_text()
        if old not in text:
            sys.exit(f"{name} no longer has what mutation {number} ({test}) changes: {old!r}")
        path.write_text(text.replace(old, new))
        made = subprocess.run(
            ["make", "-s", "-C", kdir, f"M={kunit}", "KCFLAGS=-Wno-error", "modules"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
        path.write_text(text)
        if made.returncode:
            sys.exit(f"mutation {number} ({test}) does not compile:\n{made.stdout}")
        target = out / f"{number:02}"
        target.mkdir()
        subprocess.run(["strip", "-g", "-o", target / "weft_kunit.ko", kunit / "weft_kunit.ko"], check=True)
        (target / "test").write_text(test)
        print(f"built {number + 1} of {len(MUTATIONS)}: {name}, for {test}", flush=True)
    shutil.rmtree(tree)


def only(suite):
    """Have KUnit run no other suite, where the kernel (6.6 or newer) can be told."""
    glob = pathlib.Path("/sys/module/kunit/parameters/filter_glob")
    try:
        glob.write_text(suite)
    except OSError:
        pass


def check(out):
    bad = 0
    for target in sorted(p for p in out.iterdir() if (p / "test").exists()):
        test = (target / "test").read_text()
        only("weft_" + test.split("_", maxsplit=1)[0])
        run = subprocess.run(
            [HERE / "run", target / "weft_kunit.ko"], stdout=subprocess.PIPE, text=True, check=False
        )
        failed = re.findall(r"^    not ok \d+ (\w+)", run.stdout, re.MULTILINE)
        verdict = "ok" if run.returncode == 1 and test in failed else "not ok"
        bad += verdict != "ok"
        print(f"{verdict} {target.name} {test} # red: {' '.join(failed) or 'nothing'}", flush=True)
        if verdict != "ok":
            print(run.stdout, flush=True)
    print(f"# {bad} mutations went unnoticed")
    sys.exit(bool(bad))


def main():
    match sys.argv[1:]:
        case ["build", out, kdir, *chosen]:
            build(pathlib.Path(out), kdir, chosen)
        case ["check", out]:
            check(pathlib.Path(out))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
