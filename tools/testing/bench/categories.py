# SPDX-License-Identifier: GPL-2.0
"""Where the instructions go: a profile's functions by what they do."""

import glob
import os
import re

from results import UNDERLAYS, figure, per_byte
from table import show, title

# The first that matches is it.
CATEGORIES = [(name, re.compile(pattern)) for name, pattern in (
    ("SIMD begin and end", r"fpu|fpregs|xsave|xrstor|simd_"),
    ("crypto", r"chacha|poly1305|aes|gcm|ghash|clmul|aead|crypto|blake2s|curve25519|scatterwalk|"
               r"(seal|open)_(batch|message|text)|encrypt_packet|decrypt_packet|skb_to_sgvec|sg_"),
    ("GRO, merging", r"gro(_|$)|_gro|coalesce|merge"),
    ("cutting (GSO)", r"segment|gso"),
    ("zeroing", r"clear_page|clear_highpage|memset|zero_user"),
    ("copies and checksum", r"copy|rep_movs|csum|checksum|memmove|memcpy|iov_iter|iter_|skb_datagram"),
    ("memory: skbs, slabs, pages", r"alloc|kfree|kmem|slab|page_frag|free_|_free|build_skb|skb_release|skb_put|"
                                   r"folio|page|memcg|mem_cgroup|rmqueue|napi_skb_cache|skb_head|skb_ext|"
                                   r"get_partial|put_cpu_partial|consume_skb|skb_attempt"),
    ("queueing and scheduling", r"work|queue|sched|softirq|lock|ptr_ring|napi|idle|rcu|timer|ktime|switch|wake|"
                                r"pick_|update_curr|update_load|irq|ttwu|kthread|tick|clock|preempt|swait|"
                                r"halt|complete|dequeue|place_entity|vruntime|pelt|psi_|cpuacct|hrtimer|tsc"),
    ("TCP", r"tcp|sk_stream|sock_|sk_wait|__sk_|skb_entail"),
    ("UDP, IP, routing, interfaces", r"udp|ip_|ipv[46]|ip6|^ip|inet|fib|nf_|veth|dev_|netif|xmit|neigh|eth_|rt_|"
                                     r"dst_|icmp|skb|net_|qdisc|loopback|validate|sock_wfree|qdisc|csum"),
)]
# what a tunnel may do itself of what others do elsewhere; the rest of its functions are its own
SHARED = ("SIMD begin and end", "crypto", "GRO, merging")


# Where a processor waits for something to do.
IDLE = r"safe_halt$|^default_idle|^mwait_idle|^acpi_idle|^intel_idle"


def category(function, own):
    """What a function does."""
    for name, pattern in CATEGORIES:
        if pattern.search(function) and (function not in own or name in SHARED):
            return name
    return "the tunnel's own" if function in own else "the rest"


def read(path, own):
    """Percent by category, and the dearest functions: [(percent, program, function)].

    Of the time in which the processor was not idle: a figure counts instructions that were executed.
    """
    shares, functions, idle = {}, [], 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            percent, program, function = (part.strip() for part in line.split(";", 2))
            percent = float(percent.rstrip("%"))
            kernel = function.startswith("[k]")
            function = re.sub(r"^\[.\]\s*", "", function)
            if kernel and re.search(IDLE, function):
                idle += percent
                continue
            name = category(function, own) if kernel else "programs"
            shares[name] = shares.get(name, 0) + percent
            functions.append((percent, "kernel" if kernel else program, function))
    part = max(1 - idle / 100, 0.01)
    return ({name: share / part for name, share in shares.items()},
            sorted(((percent / part, program, function) for percent, program, function in functions), reverse=True))


def read_own(folder):
    """Names of the tunnels' functions."""
    path = os.path.join(folder, "own")
    if not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8") as file:
        return set(file.read().split())


def profiles(folders):
    """The profiles of a run: {(row, underlay, kind): (shares, functions)}."""
    found = {}
    for folder in folders:
        own = read_own(folder)
        for path in sorted(glob.glob(os.path.join(folder, "profile.*"))):
            _, row, underlay, kind = os.path.basename(path).split(".")
            found[row, underlay, kind] = read(path, own)
    return found


# What is profiled: of which the shares are, and the whole that they are parts of.
KINDS = {
    "stream": ("one stream's, and instructions a byte", "a byte", 2, per_byte),
    "datagrams": ("64-byte datagrams', and instructions a packet", "a packet", 0,
                  lambda results, row, underlay: figure(results, row, underlay, "udp64")),
}


def print_shares(results, found, underlay, kind, markdown):
    """One table: categories down, rows across."""
    of_what, unit, digits, whole_of = KINDS[kind]
    rows = [row for row, where, what in found if (where, what) == (underlay, kind)]
    names = [name for name, _ in CATEGORIES] + ["the tunnel's own", "programs", "the rest"]
    lines = []
    for name in names:
        line = [name]
        for row in rows:
            part, whole = found[row, underlay, kind][0].get(name, 0), whole_of(results, row, underlay)
            line += [f"{part:.1f}", "-" if whole is None else f"{part * whole / 100:.{digits}f}"]
        lines.append(line)
    title(f"Where instructions go, {underlay}: per cent of {of_what}", markdown)
    show(["", *(head for row in rows for head in (row, unit))], lines, markdown)


def print_all(results, found, markdown):
    """Tables for all underlays, and the dearest functions of each profile."""
    for kind in KINDS:
        for underlay in UNDERLAYS:
            if any((where, what) == (underlay, kind) for _, where, what in found):
                print_shares(results, found, underlay, kind, markdown)
    for (row, underlay, kind), (_, functions) in found.items():
        title(f"{row}, {underlay}, {kind}: the dearest functions", markdown)
        show(["function", "of", "%"], [[function, program, f"{percent:.1f}"]
                                           for percent, program, function in functions[:12]], markdown)
