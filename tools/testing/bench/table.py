# SPDX-License-Identifier: GPL-2.0
"""Tables, plain or in Markdown."""

from results import BASE, UNDERLAYS, failed, figure, per_byte


def show(heads, lines, markdown):
    """Print a table: the first column is text, the others numbers."""
    if markdown:
        print("| " + " | ".join(heads) + " |")
        print("| --- |" + " ---: |" * (len(heads) - 1))
        for line in lines:
            print("| " + " | ".join(line) + " |")
        print()
        return
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]
    for line in [heads, *lines]:
        print("  ".join(cell.ljust(width) if not i else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))).rstrip())
    print()


def title(text, markdown):
    """What the next table is."""
    print(f"{text}\n" if markdown else text)


def cell(value, digits=0):
    """A figure, or a dash."""
    return "-" if value is None else f"{value:,.{digits}f}"


def ratio(base, value):
    """How many times better; less is better in both."""
    return "-" if not base or not value else f"{base / value:.2f}"


def with_ratio(results, row, underlay, name, scale=1):
    """A figure of which less is better, and how it compares with WireGuard's over the same IP version."""
    base = BASE + ("-ipv6" if row.endswith("-ipv6") else "")
    if failed(results, row, underlay, name):
        return ["failed", "-"]
    value = figure(results, row, underlay, name)
    return [cell(value and value * scale), ratio(figure(results, base, underlay, name), value)]


def stream(results, row, underlay, name):
    """The same of a rate, as instructions a byte."""
    base = BASE + ("-ipv6" if row.endswith("-ipv6") else "")
    if failed(results, row, underlay, name):
        return ["failed", "-"]
    value = per_byte(results, row, underlay, name)
    return [cell(value, 2), ratio(per_byte(results, base, underlay, name), value)]


def row_line(results, row, underlay):
    """All that was measured of a row."""
    line = [row]
    for name in ("tcp1", "tcp8"):
        line += stream(results, row, underlay, name)
    for name in ("udp64", "udp1372", "rr"):
        line += with_ratio(results, row, underlay, name)
    return line + [cell(figure(results, row, underlay, name)) for name in ("ping_loaded", "ping_loaded_max")]


def rows(results, markdown):
    """One table an underlay."""
    names = [row for row in results["rows"] if not row.startswith("scale-")]
    heads = ["", "1 stream", "x WG", "8 streams", "x WG", "64 B", "x WG", "1372 B", "x WG", "round trip", "x WG",
             "ping", "longest"]
    for underlay in UNDERLAYS:
        lines = [row_line(results, row, underlay) for row in names if underlay in results["rows"][row]]
        lines += [[f"{row}: {why}"] + [""] * (len(heads) - 1) for row, why in results["missing"].items()
                  if not row.startswith("scale-")]
        if lines:
            title(f"{underlay}: TCP in instructions a byte, datagrams in instructions a packet, round trips in "
                  "instructions, ping beside eight streams in microseconds", markdown)
            show(heads, lines, markdown)


def handshakes(results, markdown):
    """Instructions of both sides."""
    lines = []
    for row in results["rows"]:
        value = figure(results, row, "offload", "handshake")
        if value:
            lines.append([row, cell(value / 1e6, 2), cell(1e9 / value),
                          ratio(figure(results, BASE, "offload", "handshake"), value)])
    if lines:
        title("Handshakes, both sides", markdown)
        show(["", "million instructions", "a second at 10^9", "x WG"], lines, markdown)


def scale_line(results, row):
    """A device with many peers."""
    def of(name, where="many"):
        return figure(results, row, where, name)

    def change(name):
        one, many = of(name, "one"), of(name)
        return "-" if not one or not many else f"{(many / one - 1) * 100:+.1f} %"

    dump, delete = of("dump"), of("delete")
    return [row.removeprefix("scale-"), cell(of("peers")), cell(of("add")), cell(of("memory")),
            cell(dump and dump / 1e3), cell(delete and delete / 1e6, 2), change("tcp1"), change("udp64")]


def scale(results, markdown):
    """Many peers."""
    lines = [scale_line(results, row) for row in results["rows"] if "many" in results["rows"][row]]
    lines += [[f"{row}: {why}"] + [""] * 7 for row, why in results["missing"].items() if row.startswith("scale-")]
    if lines:
        title("Many peers: instructions to add one, bytes an idle one, dump in ms, deletion of the interface in s, "
              "and what they change for the one that talks", markdown)
        show(["", "peers", "add", "memory", "dump", "delete", "1 stream", "64 B instr."], lines, markdown)


def cpus(results, markdown):
    """Two processors, the host's time."""
    base = figure(results, BASE, "cpus", "tcp1")
    lines = []
    for row in results["rows"]:
        rate = figure(results, row, "cpus", "tcp1")
        if rate:
            lines.append([row, cell(rate, 1), ratio(rate, base)])
    if lines:
        title("Two processors, the host's time (rough), offload: one stream", markdown)
        show(["", "Mbit/s", "x WG"], lines, markdown)
    lines = []
    for row in results["rows"]:
        time, peers = (figure(results, row, "cpus", name) for name in ("delete", "peers"))
        if time:
            lines.append([row.removeprefix("scale-"), cell(peers), cell(time / 1e6, 2), cell(time / peers)])
    if lines:
        title("Deletion of an interface with peers, two processors (fewer of WireGuard's, which take minutes)",
              markdown)
        show(["", "peers", "s", "us a peer"], lines, markdown)


def print_all(results, markdown):
    """Everything that there is."""
    head = f"Linux {results['kernel']}, {results['date'][:10]}, on {results['cpu']}: `{results['command']}`"
    print(f"{head}\n")
    rows(results, markdown)
    handshakes(results, markdown)
    scale(results, markdown)
    cpus(results, markdown)
