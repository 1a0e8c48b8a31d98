# SPDX-License-Identifier: GPL-2.0
"""What weft is meant to reach, and what was measured."""

from results import figure, per_byte
from table import show, title

ENOUGH_RTT = 1.05  # a round trip may cost this much of WireGuard's


def times(results, row, underlay, other="wireguard"):
    """How many times fewer instructions a byte than another row takes."""
    one, two = per_byte(results, row, underlay), per_byte(results, other, underlay)
    return two / one if one and two else None


def share(results, row, underlay, name, other="wireguard"):
    """A figure as part of another row's."""
    one, two = figure(results, row, underlay, name), figure(results, other, underlay, name)
    return one / two if one and two else None


def at_least(what, value, bound):
    """A goal that more is better for: (text, value, bound, reached)."""
    return what, value, f">= {bound:g}", None if value is None else value >= bound


def at_most(what, value, bound):
    """A goal that less is better for."""
    return what, value, f"<= {bound:g}", None if value is None else value <= bound


def speed(results):
    """Streams."""
    yield at_least("suite 1, offload: x WireGuard", times(results, "weft-aes", "offload"), 3)
    yield at_least("suite 1, wire: x WireGuard", times(results, "weft-aes", "wire"), 2)
    for other in ("macsec-aes", "ovpn-aes", "esp-aes"):
        yield at_least(f"suite 1, wire: x {other}", times(results, "weft-aes", "wire", other), 1)
    yield at_least("suite 0, offload: x WireGuard", times(results, "weft-chacha", "offload"), 1.5)
    yield at_least("suite 0, wire: x WireGuard", times(results, "weft-chacha", "wire"), 1.3)
    for row in ("weft-to-wireguard", "wireguard-to-weft"):
        for underlay in ("offload", "wire"):
            yield at_least(f"{row}, {underlay}: x WireGuard", times(results, row, underlay), 1)


def packets(results):
    """What single packets cost."""
    for underlay in ("offload", "wire"):
        yield at_most(f"suite 1, 64 bytes, {underlay}: instructions",
                      figure(results, "weft-aes", underlay, "udp64"), 15500)
    for row in ("weft-chacha", "weft-aes"):
        for underlay in ("offload", "wire"):
            yield at_most(f"{row}, {underlay}: round trip of WireGuard's", share(results, row, underlay, "rr"),
                          ENOUGH_RTT)
            yield at_most(f"{row}, {underlay}: ping under load of WireGuard's",
                          share(results, row, underlay, "ping_loaded"), 1)
    for row in ("weft-chacha", "weft-aes"):
        handshake = figure(results, row, "offload", "handshake")
        # WireGuard's, of which the Curve25519 functions make more than nine tenths
        yield at_most(f"{row}: handshake, million instructions", handshake and handshake / 1e6, 2.84)


def scale(results):
    """Many peers."""
    def of(name, where="many", row="scale-weft-aes"):
        return figure(results, row, where, name)

    def dump(row):
        """Of one peer."""
        time, count = of("dump", row=row), of("peers", row=row)
        return time / count if time and count else None

    peers = f"{of('peers') or 0:,.0f} peers"
    one, many = of("tcp1", "one"), of("tcp1")
    yield at_least(f"{peers}: throughput of one peer's", many / one if one and many else None, 0.99)
    yield at_most(f"{peers}: bytes an idle peer", of("memory"), 1536)
    yield at_most(f"{peers}: instructions to add one", of("add"), 250000)
    deletion = of("delete", "cpus")
    if deletion and of("peers", "cpus") == 10000:
        yield at_most("deletion of 10,000 peers on two processors, s", deletion / 1e6, 1)
    ours, other = dump("scale-weft-aes"), dump("scale-wireguard")
    yield at_most(f"{peers}: dump of one, of wg's", ours / other if ours and other else None, 1)


def measured(results):
    """All goals for which there is a figure."""
    goals = [*speed(results), *packets(results), *scale(results)]
    return [goal for goal in goals if goal[1] is not None]


def print_all(results, markdown):
    """A table of them."""
    lines = [[what, f"{value:,.2f}" if value < 100 else f"{value:,.0f}", bound, "yes" if reached else "no"]
             for what, value, bound, reached in measured(results)]
    if lines:
        title("Goals", markdown)
        show(["", "measured", "goal", "reached"], lines, markdown)


def slower(results):
    """Where weft is slower than WireGuard, which is a failure and not only a goal missed."""
    return [f"{row} is slower than WireGuard, {underlay}"
            for row in ("weft-chacha", "weft-aes") for underlay in ("offload", "wire")
            if (times(results, row, underlay) or 1) < 1]
