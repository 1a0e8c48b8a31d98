#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Requests of family weft: applied whole or not at all; dumps complete; errors that say why.

Needs root and the module. Makes devices nl0 and nl1 in a network namespace of its own.
"""

import errno
import os
import re
import socket
import struct
import subprocess
import time
import types

import genl
from genl import NetlinkError, Tap, attr, number, string, u8, u16, u32

CLONE_NEWNET = 0x40000000
C = types.SimpleNamespace(**genl.constants())
DEV = "nl0"


def key(n):
    """A public key; any 32 bytes are one."""
    return struct.pack(">I", n + 1) + bytes(28)


def endpoint(host="192.0.2.1", port=1000):
    if ":" in host:
        return struct.pack("=H", socket.AF_INET6) + struct.pack(">HI", port, 0) + \
            socket.inet_pton(socket.AF_INET6, host) + bytes(4)
    return struct.pack("=H", socket.AF_INET) + struct.pack(">H", port) + \
        socket.inet_aton(host) + bytes(8)


def ip(cidr, flags=None):
    host, bits = cidr.split("/")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    attrs = [u16(C.WEFT_A_ALLOWED_IP_FAMILY, family),
             attr(C.WEFT_A_ALLOWED_IP_ADDRESS, socket.inet_pton(family, host)),
             u8(C.WEFT_A_ALLOWED_IP_PREFIX_LEN, int(bits))]
    if flags is not None:
        attrs.append(u32(C.WEFT_A_ALLOWED_IP_FLAGS, flags))
    return attr(C.WEFT_A_PEER_ALLOWED_IP, attrs)


def peer(public_key, *attrs, flags=None, ips=()):
    parts = []
    if public_key is not None:
        parts.append(attr(C.WEFT_A_PEER_PUBLIC_KEY, public_key))
    if flags is not None:
        parts.append(u32(C.WEFT_A_PEER_FLAGS, flags))
    return attr(C.WEFT_A_DEVICE_PEER, [*parts, *attrs, *(ip(i) for i in ips)])


def cidr_of(value):
    a = dict(genl.parse(value))
    family = number(a[C.WEFT_A_ALLOWED_IP_FAMILY])
    return f"{socket.inet_ntop(family, a[C.WEFT_A_ALLOWED_IP_ADDRESS])}/" \
        f"{number(a[C.WEFT_A_ALLOWED_IP_PREFIX_LEN])}"


class Weft(genl.Genl):
    """Requests about one device."""

    def __init__(self, family):
        super().__init__(timeout=120)
        self.weft = family

    def request(self, command, *attrs, dev=DEV):
        payload = (string(C.WEFT_A_DEVICE_IFNAME, dev) if dev else b"") + b"".join(attrs)
        if len(payload) > 100000:
            self.room(len(payload) + 4096)
        return self.do(self.weft, command, payload)

    def set(self, *attrs, dev=DEV):
        return self.request(C.WEFT_CMD_DEVICE_SET, *attrs, dev=dev)

    def replace(self, *attrs):
        return self.set(u32(C.WEFT_A_DEVICE_FLAGS, C.WEFT_DEVICE_F_REPLACE_PEERS), *attrs)

    def groups(self):
        """Name and number of the family's multicast groups."""
        groups = self.family("weft")[genl.CTRL_ATTR_MCAST_GROUPS]
        for _, group in genl.parse(groups):
            group = dict(genl.parse(group))
            yield group[1].rstrip(b"\0").decode(), number(group[2])

    def device(self):
        return dict(self.request(C.WEFT_CMD_DEVICE_GET)[0][1])

    def dump_peers(self, *attrs):
        payload = string(C.WEFT_A_DEVICE_IFNAME, DEV) + b"".join(attrs)
        return self.dump(self.weft, C.WEFT_CMD_PEER_GET, payload)

    def peers(self, *attrs):
        """Public key -> (attributes, allowed IPs) of a dump; again if it was not consistent."""
        while True:
            found, messages = {}, self.dump_peers(*attrs)
            if not any(flags & genl.NLM_F_DUMP_INTR for _, _, flags in messages):
                break
        for _, attrs_of, _ in messages:
            inner = genl.parse(dict(attrs_of)[C.WEFT_A_DEVICE_PEER])
            plain = {k: v for k, v in inner if k != C.WEFT_A_PEER_ALLOWED_IP}
            ips = [cidr_of(v) for k, v in inner if k == C.WEFT_A_PEER_ALLOWED_IP]
            known = found.setdefault(plain[C.WEFT_A_PEER_PUBLIC_KEY], ({}, []))
            known[0].update(plain)
            known[1].extend(ips)
        return found

    def ips(self):
        return {k: sorted(v[1]) for k, v in self.peers().items()}


def refused(wanted, function, *args, says=None, **kwargs):
    """Problems of a request that is to fail with this errno, and a message with these words."""
    try:
        function(*args, **kwargs)
    except NetlinkError as err:
        if err.errno != wanted:
            return [f"{err}, wanted {errno.errorcode[wanted]}"]
        if says and says not in err.message:
            return [f"message is '{err.message}', wanted '{says}'"]
        return []
    return ["was accepted"]


def same(got, want):
    return [] if got == want else [f"got {got!r}, wanted {want!r}"]


def test_naming(w):
    """a device is named by one name or two that agree"""
    index = socket.if_nametoindex(DEV)
    by_index = u32(C.WEFT_A_DEVICE_IFINDEX, index)
    got = dict(w.request(C.WEFT_CMD_DEVICE_GET, by_index, dev=None)[0][1])
    get = C.WEFT_CMD_DEVICE_GET
    return same(got[C.WEFT_A_DEVICE_IFNAME], DEV.encode() + b"\0") + \
        refused(errno.EINVAL, w.request, get, dev=None, says="name the device") + \
        refused(errno.ENODEV, w.request, get, dev="nosuch", says="no such device") + \
        refused(errno.EOPNOTSUPP, w.request, get, dev="lo", says="not a weft device") + \
        refused(errno.EINVAL, w.request, get, by_index, dev="nl1", says="not the device")


def test_round_trip(w):
    """what is set is read"""
    psk = bytes(range(32))
    w.set(u16(C.WEFT_A_DEVICE_LISTEN_PORT, 4711), u32(C.WEFT_A_DEVICE_FWMARK, 99),
          attr(C.WEFT_A_DEVICE_PRIVATE_KEY, bytes([8]) + bytes(30) + b"\x40"),
          peer(key(1), attr(C.WEFT_A_PEER_PRESHARED_KEY, psk),
               attr(C.WEFT_A_PEER_ENDPOINT, endpoint("2001:db8::1", 7)),
               u16(C.WEFT_A_PEER_PERSISTENT_KEEPALIVE, 25), u32(C.WEFT_A_PEER_SUITE, 0),
               ips=["10.0.0.0/8", "fd00::/16"]))
    dev, (got, ips) = w.device(), w.peers()[key(1)]
    paths = dict(genl.parse(got[C.WEFT_A_PEER_PATH]))
    return same(number(dev[C.WEFT_A_DEVICE_LISTEN_PORT]), 4711) + \
        same(number(dev[C.WEFT_A_DEVICE_FWMARK]), 99) + \
        same(number(dev[C.WEFT_A_DEVICE_PEER_COUNT]), 1) + \
        same(len(dev[C.WEFT_A_DEVICE_PUBLIC_KEY]), 32) + \
        same(got[C.WEFT_A_PEER_PRESHARED_KEY], psk) + \
        same(got[C.WEFT_A_PEER_ENDPOINT], endpoint("2001:db8::1", 7)) + \
        same(paths[C.WEFT_A_PATH_ENDPOINT], endpoint("2001:db8::1", 7)) + \
        same(number(paths[C.WEFT_A_PATH_STATE]), C.WEFT_PATH_STATE_ACTIVE) + \
        same(number(got[C.WEFT_A_PEER_PERSISTENT_KEEPALIVE]), 25) + \
        same(number(got[C.WEFT_A_PEER_SUITE]), 0) + \
        same(C.WEFT_A_PEER_SESSION_SUITE in got, False) + \
        same(sorted(ips), ["10.0.0.0/8", "fd00::/16"])


def test_errors(w):
    """wrong peers are refused, with the reason"""
    end = C.WEFT_A_PEER_ENDPOINT
    family, addr, bits = (C.WEFT_A_ALLOWED_IP_FAMILY, C.WEFT_A_ALLOWED_IP_ADDRESS,
                          C.WEFT_A_ALLOWED_IP_PREFIX_LEN)

    def bad_ip(*attrs):
        return peer(key(1), attr(C.WEFT_A_PEER_ALLOWED_IP, list(attrs)))
    cases = [
        (errno.EINVAL, "without public key", peer(None)),
        (errno.EINVAL, "without public key", attr(C.WEFT_A_DEVICE_PEER, [])),
        (errno.EINVAL, "neither a sockaddr_in", peer(key(1), attr(end, endpoint()[:15]))),
        (errno.EINVAL, "neither a sockaddr_in", peer(key(1), attr(end, b""))),
        (errno.EINVAL, "neither a sockaddr_in", peer(key(1), attr(end, endpoint("::1")[:16]))),
        (errno.EINVAL, "neither a sockaddr_in", peer(key(1), attr(end, endpoint() + bytes(12)))),
        (errno.EINVAL, "without address or port", peer(key(1), attr(end, endpoint(port=0)))),
        (errno.EINVAL, "without address or port", peer(key(1), attr(end, endpoint("0.0.0.0")))),
        (errno.EINVAL, "without address or port", peer(key(1), attr(end, endpoint("::")))),
        (errno.EINVAL, "unknown suite", peer(key(1), u32(C.WEFT_A_PEER_SUITE, 256))),
        (errno.EINVAL, "reserved bit", peer(key(1), flags=8)),
        (errno.EINVAL, "needs family", bad_ip(u16(family, 2), attr(addr, bytes(4)))),
        (errno.EAFNOSUPPORT, "neither AF_INET",
         bad_ip(u16(family, 7), attr(addr, bytes(4)), u8(bits, 0))),
        (errno.EINVAL, "does not fit",
         bad_ip(u16(family, 2), attr(addr, bytes(16)), u8(bits, 0))),
        (errno.EINVAL, "longer than", bad_ip(u16(family, 2), attr(addr, bytes(4)), u8(bits, 33))),
        (errno.EINVAL, "longer than",
         bad_ip(u16(family, 10), attr(addr, bytes(16)), u8(bits, 129))),
    ]
    problems = []
    for err, says, bad in cases:
        problems += refused(err, w.set, peer(key(9), ips=["10.9.0.0/16"]), bad, says=says)
    return problems + same(w.peers(), {}) + \
        refused(errno.EINVAL, w.set, u32(C.WEFT_A_DEVICE_FLAGS, 2)) + \
        refused(errno.EINVAL, w.request, C.WEFT_CMD_PEER_NEW, says="without a peer")


def test_suites(w):
    """each suite can be set and is read; aes256gcm only with AES instructions"""
    problems = []
    for suite in (0, C.WEFT_SUITE_AES256GCM, C.WEFT_SUITE_AUTO):
        try:
            w.set(peer(key(1), u32(C.WEFT_A_PEER_SUITE, suite)))
        except genl.NetlinkError as err:
            with open("/proc/cpuinfo", encoding="ascii") as cpu:
                able = " aes " in cpu.read()
            if suite != C.WEFT_SUITE_AES256GCM or able or err.errno != errno.EOPNOTSUPP or \
                    "not available" not in str(err):
                problems.append(f"suite {suite}: {err!r}")
            continue
        problems += same(number(w.peers()[key(1)][0][C.WEFT_A_PEER_SUITE]), suite)
    return problems


def test_whole_or_nothing(w):
    """a request that fails at its end has changed nothing"""
    w.set(u16(C.WEFT_A_DEVICE_LISTEN_PORT, 4712), peer(key(1), ips=["10.0.0.0/8"]),
          peer(key(2), ips=["10.1.0.0/16"]))
    before = (w.device(), w.peers())
    bad = peer(key(3), attr(C.WEFT_A_PEER_ENDPOINT, b""))
    problems = refused(
        errno.EINVAL, w.set, u16(C.WEFT_A_DEVICE_LISTEN_PORT, 4713),
        u32(C.WEFT_A_DEVICE_FWMARK, 5), attr(C.WEFT_A_DEVICE_PRIVATE_KEY, key(77)),
        peer(key(1), u16(C.WEFT_A_PEER_PERSISTENT_KEEPALIVE, 5), ips=["10.1.0.0/16"]),
        peer(key(2), flags=C.WEFT_PEER_F_REMOVE_ME), peer(key(4), ips=["10.2.0.0/16"]), bad)
    problems += refused(errno.EINVAL, w.replace, peer(key(5)), bad)
    return problems + same((w.device(), w.peers()), before)


def test_port_taken(w):
    """a port that cannot be had leaves all as it was"""
    w.set(u16(C.WEFT_A_DEVICE_LISTEN_PORT, 4714), peer(key(1), ips=["10.0.0.0/8"]))
    subprocess.run(["ip", "link", "set", DEV, "up"], check=True)
    before = (w.device(), w.peers())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 4715))
        port = u16(C.WEFT_A_DEVICE_LISTEN_PORT, 4715)
        problems = refused(errno.EADDRINUSE, w.set, port, u32(C.WEFT_A_DEVICE_FWMARK, 7),
                           peer(key(1), flags=C.WEFT_PEER_F_REMOVE_ME), peer(key(2)), peer(key(3)))
        problems += refused(errno.EADDRINUSE, w.replace, port,
                            *(peer(key(n), ips=[f"10.{n}.0.0/16"]) for n in range(1, 50)))
    return problems + same((w.device(), w.peers()), before)


def test_replace(w):
    """a full replacement leaves the peers of the request alone"""
    w.set(*(peer(key(n), ips=[f"10.{n}.0.0/16"]) for n in range(20)))
    w.replace(peer(key(3), ips=["10.3.0.0/16"]), peer(key(30), ips=["10.4.0.0/16"]))
    problems = same(w.ips(), {key(3): ["10.3.0.0/16"], key(30): ["10.4.0.0/16"]})
    w.replace()
    return problems + same(w.peers(), {})


def test_continuation(w):
    """a peer may go on in further attributes, whose order counts"""
    replace = C.WEFT_PEER_F_REPLACE_ALLOWED_IPS
    keepalive = C.WEFT_A_PEER_PERSISTENT_KEEPALIVE
    w.set(peer(key(1), u16(keepalive, 1), ips=["10.1.0.0/16"]), peer(key(2)),
          peer(key(1), u16(keepalive, 2), ips=["10.2.0.0/16"]))
    got, ips = w.peers()[key(1)]
    problems = same(number(got[keepalive]), 2) + same(sorted(ips), ["10.1.0.0/16", "10.2.0.0/16"])
    w.set(peer(key(1), flags=replace, ips=["10.3.0.0/16"]), peer(key(1), ips=["10.4.0.0/16"]))
    return problems + same(w.ips()[key(1)], ["10.3.0.0/16", "10.4.0.0/16"])


def test_remove_and_make(w):
    """a peer removed and named again in one request is a new one"""
    remove = C.WEFT_PEER_F_REMOVE_ME
    w.set(peer(key(1), u16(C.WEFT_A_PEER_PERSISTENT_KEEPALIVE, 5), ips=["10.1.0.0/16"]))
    w.set(peer(key(1), flags=remove), peer(key(1), ips=["10.2.0.0/16"]))
    got, ips = w.peers()[key(1)]
    problems = same(number(got[C.WEFT_A_PEER_PERSISTENT_KEEPALIVE]), 0) + \
        same(ips, ["10.2.0.0/16"])
    w.set(peer(key(2), ips=["10.2.0.0/16"]), peer(key(2), flags=remove))
    problems += same(w.ips(), {key(1): ["10.2.0.0/16"]})
    w.set(peer(key(1), flags=remove), peer(key(1)), peer(key(1), flags=remove),
          peer(key(3), flags=remove))
    return problems + same(w.peers(), {}) + \
        same(number(w.device()[C.WEFT_A_DEVICE_PEER_COUNT]), 0)


def test_update_only(w):
    """update-only changes what is and makes nothing"""
    only = C.WEFT_PEER_F_UPDATE_ONLY
    w.set(peer(key(1)))
    w.set(peer(key(1), flags=only, ips=["10.0.0.0/8"]), peer(key(2), flags=only))
    return same(w.ips(), {key(1): ["10.0.0.0/8"]})


def test_allowed_ips_move(w):
    """an allowed IP goes to who had it last, and is taken only from its owner"""
    remove = C.WEFT_ALLOWED_IP_F_REMOVE_ME
    w.set(peer(key(1), ips=["10.0.0.0/8", "10.1.0.0/16"]), peer(key(2), ips=["10.0.0.0/8"]))
    problems = same(w.ips(), {key(1): ["10.1.0.0/16"], key(2): ["10.0.0.0/8"]})
    w.set(peer(key(1), ip("10.0.0.0/8", remove), ip("10.1.0.0/16", remove)))
    return problems + same(w.ips(), {key(1): [], key(2): ["10.0.0.0/8"]})


def test_peer_operations(w):
    """peer-new, peer-set and peer-del ask for absence or presence"""
    new, put, delete = C.WEFT_CMD_PEER_NEW, C.WEFT_CMD_PEER_SET, C.WEFT_CMD_PEER_DEL
    w.request(new, peer(key(1), ips=["10.0.0.0/8"]), peer(key(1), ips=["11.0.0.0/8"]))
    problems = refused(errno.EEXIST, w.request, new, peer(key(2)), peer(key(1)))
    problems += refused(errno.ENOENT, w.request, put, peer(key(1)), peer(key(2)))
    problems += refused(errno.ENOENT, w.request, delete, peer(key(1)), peer(key(2)))
    problems += refused(errno.EINVAL, w.request, new,
                        peer(key(2), flags=C.WEFT_PEER_F_REMOVE_ME), says="device-set")
    w.request(put, peer(key(1), flags=C.WEFT_PEER_F_REPLACE_ALLOWED_IPS, ips=["12.0.0.0/8"]))
    problems += same(w.ips(), {key(1): ["12.0.0.0/8"]})
    w.request(delete, peer(key(1)))
    problems += same(w.peers(), {})
    get = C.WEFT_CMD_PEER_GET
    problems += refused(errno.ENOENT, w.request, get, peer(key(1)), says="no peer")
    return problems + refused(errno.ENOENT, w.dump_peers, peer(key(1)))


def test_own_key(w):
    """a peer with the device's own key is not added, and goes when the key is set"""
    private = bytes([16]) + bytes(30) + b"\x40"
    w.set(attr(C.WEFT_A_DEVICE_PRIVATE_KEY, private))
    own = w.device()[C.WEFT_A_DEVICE_PUBLIC_KEY]
    w.set(peer(own, ips=["10.0.0.0/8"]), peer(key(1)))
    problems = same(list(w.peers()), [key(1)])
    problems += refused(errno.EINVAL, w.request, C.WEFT_CMD_PEER_NEW, peer(own))
    w.set(attr(C.WEFT_A_DEVICE_PRIVATE_KEY, bytes(32)), peer(own))
    problems += same(C.WEFT_A_DEVICE_PRIVATE_KEY in w.device(), False)
    problems += same(set(w.peers()), {own, key(1)})
    w.set(attr(C.WEFT_A_DEVICE_PRIVATE_KEY, private), peer(own, ips=["10.0.0.0/8"]))
    return problems + same(list(w.peers()), [key(1)])


class Clock:
    """Tells how long the steps of a test take, without what prepares them."""

    def __init__(self):
        self.times = []

    def time(self, name, function, *args):
        start = time.monotonic()
        result = function(*args)
        self.times.append(f"{name} {time.monotonic() - start:.2f} s")
        return result

    def tell(self):
        print(f"# {', '.join(self.times)}", flush=True)


def test_many_peers(w):
    """10,000 peers fit into one request and one dump"""
    n, clock = 10000, Clock()
    ips = [[f"10.{i >> 8}.{i & 255}.0/24", f"fd00:{i + 1:x}::/32"] for i in range(n)]
    peers = b"".join(peer(key(i), ips=ips[i]) for i in range(n))
    clock.time("set", w.replace, peers)
    messages = clock.time("dump", w.dump_peers)
    problems = same(len(messages), n)
    got = w.peers()
    problems += same([i for i in range(n) if sorted(got[key(i)][1]) != ips[i]], [])
    removals = b"".join(peer(key(i), flags=C.WEFT_PEER_F_REMOVE_ME) for i in range(n))
    clock.time("remove", w.set, removals)
    clock.tell()
    return problems + same(w.peers(), {})


def test_many_ips(w):
    """130,000 allowed IPs of one peer fit into one request and one dump"""
    n, share, clock = 130000, 1500, Clock()
    ips = [f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}/32" for i in range(n)]
    peers = b"".join(peer(key(1), ips=ips[i:i + share]) for i in range(0, n, share)) + \
        peer(key(2))
    clock.time("set", w.replace, peers)
    messages = clock.time("dump", w.dump_peers, peer(key(1)))
    clock.tell()
    inner = [genl.parse(dict(a)[C.WEFT_A_DEVICE_PEER]) for _, a, _ in messages]
    got = [cidr_of(v) for attrs in inner for k, v in attrs if k == C.WEFT_A_PEER_ALLOWED_IP]
    problems = same({dict(attrs)[C.WEFT_A_PEER_PUBLIC_KEY] for attrs in inner}, {key(1)}) + \
        same(len(got), n) + same(set(got) == set(ips), True) + \
        same([C.WEFT_A_PEER_SUITE in dict(attrs) for attrs in inner],
             [True] + [False] * (len(inner) - 1))
    problems += refused(errno.EMSGSIZE, w.request, C.WEFT_CMD_PEER_GET, peer(key(1)), says="dump")
    w.set(peer(key(1), flags=C.WEFT_PEER_F_REPLACE_ALLOWED_IPS, ips=ips[:1200]))
    one = genl.parse(dict(w.request(C.WEFT_CMD_PEER_GET, peer(key(1)))[0][1])[C.WEFT_A_DEVICE_PEER])
    return problems + same(sum(k == C.WEFT_A_PEER_ALLOWED_IP for k, _ in one), 1200)


def test_dump_changes(w):
    """a dump goes on after changes, says so, and misses no peer that stays"""
    n = 2000
    many = b"".join(peer(key(i), ips=[f"10.{i >> 8}.{i & 255}.0/24"]) for i in range(n))
    problems = []
    for change in (
            lambda: w.set(*(peer(key(i), flags=C.WEFT_PEER_F_REMOVE_ME) for i in range(1, n - 1))),
            lambda: w.set(peer(key(n), ips=["11.0.0.0/8"])),
            lambda: w.replace(*(peer(key(i)) for i in range(100)))):
        w.replace(many)
        other = Weft(w.weft)
        answers = other.messages(other.send(w.weft, C.WEFT_CMD_PEER_GET,
                                            string(C.WEFT_A_DEVICE_IFNAME, DEV), genl.NLM_F_DUMP))
        seen = [next(answers)]
        change()
        seen += answers
        other.close()
        keys = {dict(genl.parse(dict(a)[C.WEFT_A_DEVICE_PEER]))[C.WEFT_A_PEER_PUBLIC_KEY]
                for _, a, _ in seen}
        missed = set(w.peers()) - keys
        if missed:
            problems.append(f"missed {len(missed)} peers")
        if not any(flags & genl.NLM_F_DUMP_INTR for _, _, flags in seen):
            problems.append("does not say that it was interrupted")
    return problems


def test_events(w):
    """an event tells of a session's begin, and holds no keys but public ones"""
    group = dict(w.groups())["events"]
    listener = genl.Genl()
    listener.sock.setsockopt(genl.SOL_NETLINK, genl.NETLINK_ADD_MEMBERSHIP, group)
    private = [bytes([8 * n]) + bytes(30) + b"\x40" for n in (1, 2)]
    public = []
    for n, name in enumerate((DEV, "nl1")):
        w.set(attr(C.WEFT_A_DEVICE_PRIVATE_KEY, private[n]),
              u16(C.WEFT_A_DEVICE_LISTEN_PORT, 4720 + n), dev=name)
        public.append(dict(w.request(C.WEFT_CMD_DEVICE_GET, dev=name)[0][1])
                      [C.WEFT_A_DEVICE_PUBLIC_KEY])
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    w.set(peer(public[0], u32(C.WEFT_A_PEER_SUITE, 0)), dev="nl1")
    w.set(peer(public[1], attr(C.WEFT_A_PEER_ENDPOINT, endpoint("127.0.0.1", 4721)),
               u16(C.WEFT_A_PEER_PERSISTENT_KEEPALIVE, 1)))
    got = {}
    while len(got) < 2:
        for _, _, _, data in listener.receive():
            if data[0] != C.WEFT_CMD_SESSION_NTF:
                continue
            attrs = dict(genl.parse(data[4:]))
            got[attrs[C.WEFT_A_DEVICE_IFNAME].rstrip(b"\0").decode()] = attrs
    listener.close()
    problems = []
    for n, name in enumerate((DEV, "nl1")):
        inner = dict(genl.parse(got[name][C.WEFT_A_DEVICE_PEER]))
        problems += same(number(got[name][C.WEFT_A_DEVICE_SESSION_EVENT]),
                         C.WEFT_SESSION_EVENT_NEW)
        problems += same(number(got[name][C.WEFT_A_DEVICE_IFINDEX]), socket.if_nametoindex(name))
        problems += same(inner[C.WEFT_A_PEER_PUBLIC_KEY], public[1 - n])
        problems += same(inner[C.WEFT_A_PEER_ENDPOINT], endpoint("127.0.0.1", 4721 - n))
        problems += same(len(inner), 2)
    suite = w.peers()[public[1]][0].get(C.WEFT_A_PEER_SESSION_SUITE)
    w.replace()
    w.set(u32(C.WEFT_A_DEVICE_FLAGS, C.WEFT_DEVICE_F_REPLACE_PEERS), dev="nl1")
    return problems + same(suite, struct.pack("=I", 0))


def test_dump_device_goes(w):
    """a device can be deleted while a dump of it waits"""
    subprocess.run(["ip", "link", "add", "nl2", "type", "weft"], check=True)
    w.set(*(peer(key(i), ips=[f"10.{i >> 8}.{i & 255}.0/24"]) for i in range(3000)), dev="nl2")
    other = Weft(w.weft)
    answers = other.messages(other.send(w.weft, C.WEFT_CMD_PEER_GET,
                                        string(C.WEFT_A_DEVICE_IFNAME, "nl2"), genl.NLM_F_DUMP))
    next(answers)
    subprocess.run(["ip", "link", "del", "nl2"], check=True, timeout=20)
    problems = refused(errno.ENODEV, list, answers)
    other.close()
    return problems


def test_device_dump(w):
    """a dump of devices shows those of the namespace, or the one named"""
    name = C.WEFT_A_DEVICE_IFNAME
    names = [dict(a)[name] for _, a, _ in w.dump(w.weft, C.WEFT_CMD_DEVICE_GET)]
    one = w.dump(w.weft, C.WEFT_CMD_DEVICE_GET, string(name, "nl1"))
    return same(sorted(names), [b"nl0\0", b"nl1\0"]) + same([dict(a)[name] for _, a, _ in one],
                                                           [b"nl1\0"])


def test_many_devices(w):
    """a dump of 300 devices takes more than one message and shows each once"""
    names = {f"many{i}" for i in range(300)}
    with subprocess.Popen(["ip", "-batch", "-"], stdin=subprocess.PIPE, text=True) as batch:
        batch.communicate("".join(f"link add {n} type weft\n" for n in names))
    got = [dict(a)[C.WEFT_A_DEVICE_IFNAME].rstrip(b"\0").decode()
           for _, a, _ in w.dump(w.weft, C.WEFT_CMD_DEVICE_GET)]
    with subprocess.Popen(["ip", "-batch", "-"], stdin=subprocess.PIPE, text=True) as batch:
        batch.communicate("".join(f"link del {n}\n" for n in names))
    return same(sorted(got), sorted(names | {"nl0", "nl1"}))


def test_birth_namespace(w):
    """port and mark need the privilege where the device was made"""
    # The child has all rights in a user namespace with a network namespace of its own.
    r, wr = os.pipe()
    done_r, done_w = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            os.close(done_w)
            subprocess.run(["true"], check=True)
            unshare(0x10000000 | CLONE_NEWNET)
            os.write(wr, b"x")
            os.read(done_r, 1)
            child = Weft(w.weft)
            bad = refused(errno.EPERM, child.set, u16(C.WEFT_A_DEVICE_LISTEN_PORT, 1), dev="nl3",
                          says="sockets") + \
                refused(errno.EPERM, child.set, u32(C.WEFT_A_DEVICE_FWMARK, 1), dev="nl3")
            child.set(peer(key(1)), dev="nl3")
            print("".join(f"# {b}\n" for b in bad), end="", flush=True)
            status = 2 if bad else 0
        finally:
            os._exit(status)
    os.read(r, 1)
    subprocess.run(["ip", "link", "add", "nl3", "type", "weft"], check=True)
    subprocess.run(["ip", "link", "set", "nl3", "netns", str(pid)], check=True)
    os.write(done_w, b"x")
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return same(status, 0)


def unshare(flags):
    import ctypes  # pylint: disable=import-outside-toplevel
    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        raise OSError(ctypes.get_errno(), "unshare")


def main():
    if os.geteuid():
        Tap.skip_all("needs root")
    family = genl.Genl().family("weft")
    if not family:
        Tap.skip_all("no family weft; is the module loaded?")
    unshare(CLONE_NEWNET)
    # only tests whose names match this expression: for work on one of them
    only = os.environ.get("WEFT_TESTS", "")
    tap = Tap()
    for name in ("nl0", "nl1"):
        subprocess.run(["ip", "link", "add", name, "type", "weft"], check=True)
    for name, test in list(globals().items()):
        if not name.startswith("test_") or not re.search(only, test.__doc__):
            continue
        w = Weft(number(family[genl.CTRL_ATTR_FAMILY_ID]))
        subprocess.run(["ip", "link", "set", DEV, "down"], check=True)
        w.replace(attr(C.WEFT_A_DEVICE_PRIVATE_KEY, bytes(32)))
        try:
            problems = test(w)
        except (OSError, subprocess.SubprocessError) as err:
            problems = [repr(err)]
        tap.result(test.__doc__, problems)
        w.close()
    tap.finish()


main()
