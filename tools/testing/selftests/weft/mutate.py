#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
r"""Break the module, one way at a time, and see the selftests notice.

    mutate.py build DIR KDIR          build a module for each way, into DIR; KDIR: a kernel's headers
    mutate.py check DIR [NUMBER...]   in a guest with that kernel: each must turn its tests red

By hand, for 6.1 (a minute a mutation and less):

    tools/testing/selftests/weft/mutate.py build ~/mutations $(tools/testing/vm/kernel path 6.1 headers)
    tools/testing/vm/run --kernel 6.1 --smp 2 --module --time 6000 -- \
        tools/testing/selftests/weft/mutate.py check ~/mutations

A test that stays green whatever is done to its subject tests nothing. Each
entry names a program and, as an expression, the tests that must all fail.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[3]

# file in kmod/, program, tests that must fail, text, what takes its place
MUTATIONS = [
    # the port of the other end, the scope of its address
    ("socket.c", "tunnel.sh", "^IPv. in IPv4", "route->dport = fl.fl4_dport", "route->dport = fl.fl4_sport"),
    ("socket.c", "tunnel.sh", "^IPv. in IPv6", "route->dport = fl.fl6_dport", "route->dport = fl.fl6_sport"),
    ("socket.c", "tunnel.sh", "link-local", ".flowi6_oif = endpoint->addr6.sin6_scope_id,", ""),
    # the header of IPv6 is not in its payload's length
    ("receive.c", "tunnel.sh", "^IPv6 in IPv4", "payload_len) + sizeof(struct ipv6hdr)", "payload_len)"),
    # any preshared key
    (
        "noise.c",
        "tunnel.sh",
        "different preshared|at one end only",
        "kdf(t->ck, tau, t->key, t->ck, psk, WEFT_NOISE_SYMMETRIC_KEY_LEN);",
        "static const u8 none[32]; kdf(t->ck, tau, t->key, t->ck, none, 32);",
    ),
    # cryptokey routing
    ("receive.c", "tunnel.sh", "^source address", "weft_allowedips_lookup_src(&table->allowed, skb) != peer", "!table"),
    (
        "receive.c",
        "tunnel.sh",
        "^source address of another",
        "weft_allowedips_lookup_src(&table->allowed, skb) != peer",
        "!weft_allowedips_lookup_src(&table->allowed, skb)",
    ),
    ("allowedips.c", "tunnel.sh", "longest", "if (peer)\n\t\t\tfound", "if (peer && !found)\n\t\t\tfound"),
    ("allowedips.c", "tunnel.sh", "prefix moves", "rcu_assign_pointer(node->peer, peer);\n\t\t\treturn;", "return;"),
    ("allowedips.c", "tunnel.sh", "default routes", "[family == AF_INET6]", "[0]"),
    # roaming
    ("path.c", "tunnel.sh", "is followed", "\t\tpath_move(path, &endpoint);", "\t\t;"),
    ("timers.c", "tunnel.sh", "^persistent keepalive", "if (interval)", "if (interval > 1000)"),
    # sockets
    ("socket.c", "tunnel.sh", "port can be changed", "AF_INET, htons(port), sk4", "AF_INET, 0, sk4"),
    ("socket.c", "tunnel.sh", "port that is taken", "if (!err)\n\t\tsockets_replace", "if (1)\n\t\tsockets_replace"),
    ("socket.c", "tunnel.sh", "fwmark is on", "skb->mark = READ_ONCE(wdev->fwmark);", "skb->mark = 0;"),
    ("socket.c", "tunnel.sh", "fwmark chooses", ".flowi4_mark = READ_ONCE(wdev->fwmark),", ""),
    ("socket.c", "tunnel.sh", "keeps its socket", "rcu_dereference(wdev->birth_net)", "dev_net(wdev->dev)"),
    ("device.c", "tunnel.sh", "closes the socket", "\tweft_sockets_close(wdev);\n\twhile", "\twhile"),
    ("device.c", "tunnel.sh", "down forgets the keys", "\tpeer_forget_keys(peer);\n\tatomic64_set", "\tatomic64_set"),
    # sizes
    ("send.c", "tunnel.sh", "padding does not", "if (mtu && padded > mtu)", "if (0)"),
    ("send.c", "tunnel.sh", "around the stack is dropped", "if (unlikely(!fits(skb, mtu)))", "if (0)"),
    ("send.c", "tunnel.sh", "packet-too-big", "if (skb->protocol == htons(ETH_P_IPV6))\n\t\ticmpv6_ndo_send(skb, ICMPV6_PKT", "if (0)\n\t\ticmpv6_ndo_send(skb, ICMPV6_PKT"),
    # RFC 6040
    ("send.c", "tunnel.sh", "ECN: inner bits", "skb) & INET_ECN_MASK", "skb) & 0"),
    ("receive.c", "tunnel.sh", "ECN: congestion", "return INET_ECN_decapsulate(skb, outer, inner) <= 1;", "return true;"),
    ("send.c", "tunnel.sh", "DSCP", "skb) & INET_ECN_MASK", "skb)"),
    # refusals
    ("send.c", "tunnel.sh", "ICMP host unreachable", "icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0)", ""),
    ("send.c", "tunnel.sh", "ICMPv6 address", "icmpv6_ndo_send(skb, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH,\n\t\t\t\t0)", ""),
    ("send.c", "tunnel.sh", "what is not IP", "ip_tunnel_parse_protocol(skb) != skb->protocol", "0"),
    ("send.c", "tunnel.sh", "weft in weft", "#define MAX_DEPTH 4", "#define MAX_DEPTH 0"),
    ("path.c", "tunnel.sh", "transfer of the peer", "atomic64_add(bytes, &peer->tx_bytes);", ""),
    ("path.c", "tunnel.sh", "ip -s link", "weft_stats_tx(wdev, packets, bytes);", "weft_stats_tx(wdev, packets, 0);"),
    ("receive.c", "tunnel.sh", "GRO delivers", "napi_gro_receive(&lane->napi, skb);", "netif_receive_skb(skb);"),
    # hostile input
    ("receive.c", "hostile.sh", "^malformed datagrams", "&&\n\t\t    !weft_message_suite((void *)skb->data))", ")"),
    (
        "suite.c",
        "hostile.sh",
        "flipped bit fail",
        "return chacha20poly1305_decrypt(dst, src, len + WEFT_NOISE_AUTHTAG_LEN,\n\t\t\t\t\tNULL, 0, nonce, key->raw);",
        "chacha20poly1305_encrypt(dst, src, len, NULL, 0, nonce, key->raw); return true;",
    ),
    (
        "receive.c",
        "hostile.sh",
        "fail authentication move no",
        "cb->good = false;",
        "cb->good = false; weft_path_received(cb->peer, skb);",
    ),
    ("receive.c", "hostile.sh", "^replayed packets", "unlikely(!weft_replay_check(&session->replay, nonce))", "0"),
    ("replay.c", "hostile.sh", "^reordered packets", "counter + WEFT_REPLAY_WINDOW + 1 < r->counter", "counter < r->counter"),
    ("replay.c", "hostile.sh", "older than", "unlikely(counter + WEFT_REPLAY_WINDOW + 1 < r->counter)", "0"),
    ("noise.c", "hostile.sh", "^replayed initiations", "return memcmp(timestamp, handshake->latest_timestamp,", "return 1 || memcmp(timestamp, handshake->latest_timestamp,"),
    ("send.c", "hostile.sh", "wait for a session are bounded", "skb_queue_len(&peer->staged) >= WEFT_MAX_STAGED_PACKETS ||", "0 ||"),
    # events
    ("receive.c", "events.sh", "^session new", "weft_netlink_session_event(peer, WEFT_SESSION_EVENT_NEW);", ""),
    ("timers.c", "events.sh", "^session expired", "if (weft_sessions_clear(peer))", "if (weft_sessions_clear(peer) && !peer)"),
    ("path.c", "events.sh", "^path changed", "if (unlikely(moved || READ_ONCE(peer->paths.event_due)))", "if (0)"),
    ("netlink.c", "events.sh", "stay in the device", "genlmsg_multicast_netns(&weft_netlink_family, net,", "genlmsg_multicast_netns(&weft_netlink_family, &init_net,"),
    # WireGuard at the other end
    ("path.c", "interop.sh", "WireGuard roams", "\t\tpath_move(path, &endpoint);", "\t\t;"),
    ("send.c", "interop.sh", "many new sessions", "(session->initiator &&", "(!session->initiator && 0 &&"),
    ("send.c", "interop.sh", "reject limit", "session && weft_session_is_fresh(session)", "session"),
    ("timers.c", "interop.sh", "keepalive of weft", "if (interval)", "if (interval > 1000)"),
    ("receive.c", "interop.sh", "weft under load", "weft_send_cookie(wdev, skb, sender_index(skb));", ""),
    ("cookie.c", "interop.sh", "WireGuard under load", "cookie->is_valid = true;", "cookie->is_valid = false;"),
    ("receive.c", "interop.sh", "for another key", "weft_stats_drop(wdev, WEFT_DROP_RX_HANDSHAKE_MAC, 1);", ""),
    (
        "noise.c",
        "interop.sh",
        "^preshared key",
        "kdf(t->ck, tau, t->key, t->ck, psk, WEFT_NOISE_SYMMETRIC_KEY_LEN);",
        "static const u8 none[32]; kdf(t->ck, tau, t->key, t->ck, none, 32);",
    ),
]


def build_one(tree, number, kdir, out):
    name, _, tests, old, new = MUTATIONS[number]
    path = tree / "kmod" / name
    text = path.read_text()
    if text.count(old) == 0:
        sys.exit(f"{name} no longer has what mutation {number} ({tests}) changes: {old!r}")
    path.write_text(text.replace(old, new))
    made = subprocess.run(
        ["make", "-s", "-C", kdir, f"M={tree}", "KCFLAGS=-Wno-error", "modules"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )
    path.write_text(text)
    if made.returncode:
        sys.exit(f"mutation {number} ({tests}) does not compile:\n{made.stdout}")
    subprocess.run(["strip", "-g", "-o", out / f"{number:02}.ko", tree / "kmod/weft.ko"], check=True)


def build(out, kdir):
    out = out.resolve()
    out.mkdir(parents=True)
    tree = out / "tree"
    tree.mkdir()
    shutil.copy(TOP / "Kbuild", tree)
    shutil.copytree(TOP / "kmod", tree / "kmod")
    for number in range(len(MUTATIONS)):
        build_one(tree, number, kdir, out)
        print(f"built {number + 1} of {len(MUTATIONS)}: {MUTATIONS[number][0]}", flush=True)
    shutil.rmtree(tree)


def check_one(out, number):
    _, program, tests, _, _ = MUTATIONS[number]
    subprocess.run(["rmmod", "weft"], stderr=subprocess.DEVNULL, check=False)
    subprocess.run(["insmod", out / f"{number:02}.ko"], check=True)
    run = subprocess.run(
        [HERE / program], env={**os.environ, "WEFT_TESTS": tests},
        stdout=subprocess.PIPE, text=True, check=False,
    )
    red = re.findall(r"^not ok \d+ - (.*)", run.stdout, re.MULTILINE)
    green = re.findall(r"^ok \d+ - (.*)", run.stdout, re.MULTILINE)
    verdict = "ok" if red and not green else "not ok"
    print(f"{verdict} {number} - {program} {tests}", flush=True)
    for name in green:
        print(f"#  | stays green: {name}", flush=True)
    return verdict == "ok"


def check(out, numbers):
    names = subprocess.run(
        ["modprobe", "--show-depends", "weft"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    for path in re.findall(r"^insmod (\S+)", names, re.MULTILINE):
        if "/weft.ko" not in path:
            subprocess.run(["insmod", path], stderr=subprocess.DEVNULL, check=False)
    bad = sum(not check_one(out, number) for number in numbers)
    print(f"1..{len(numbers)}")
    print(f"# {bad} mutations went unnoticed")
    sys.exit(bool(bad))


def main():
    match sys.argv[1:]:
        case ["build", out, kdir]:
            build(pathlib.Path(out), kdir)
        case ["check", out, *numbers]:
            check(pathlib.Path(out), [int(n) for n in numbers] or range(len(MUTATIONS)))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
