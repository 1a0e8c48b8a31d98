# SPDX-License-Identifier: GPL-2.0
"""One stream's instructions a byte, as bars."""

from xml.sax.saxutils import escape

from results import UNDERLAYS, per_byte

WIDTH, LEFT, BAR, GAP, HEAD = 860, 190, 16, 7, 62
COLOURS = {"weft": "#1b7f4d", "wireguard": "#88171a"}
OTHER = "#8a8f98"


def colour(row):
    """weft's and WireGuard's bars stand out."""
    return COLOURS.get(row.split("-")[0], OTHER)


def text(x, y, content, anchor="start", size=13, weight="normal"):
    """One label."""
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}" '
            f'font-weight="{weight}">{escape(content)}</text>')


def bar(y, row, value, widest, base):
    """A row: its name, its bar, its figure and how many times less than WireGuard's that is."""
    length = value / widest * (WIDTH - LEFT - 150)
    label = f"{value:.1f}" + (f"  ({base / value:.2f} x WireGuard)" if base else "")
    return [text(LEFT - 8, y + 13, row, "end"),
            f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour(row)}"/>',
            text(LEFT + length + 6, y + 13, label, size=12)]


def panel(results, underlay, y, widest):
    """One underlay; returns its elements and where it ends."""
    base = per_byte(results, "wireguard", underlay)
    bars = [(row, per_byte(results, row, underlay)) for row in results["rows"]]
    bars = sorted(((row, value) for row, value in bars if value), key=lambda each: each[1])
    parts = [text(LEFT, y + 16, f"{underlay} underlay", weight="bold", size=14)]
    y += 28
    for row, value in bars:
        parts += bar(y, row, value, widest, base)
        y += BAR + GAP
    return parts, y + 12


def draw(results):
    """The picture, or None if there is nothing to draw."""
    values = [per_byte(results, row, underlay) for row in results["rows"] for underlay in UNDERLAYS]
    widest = max(filter(None, values), default=0)
    if not widest:
        return None
    parts, y = [], HEAD
    for underlay in UNDERLAYS:
        more, y = panel(results, underlay, y, widest)
        parts += more
    head = [text(16, 26, "One TCP stream: instructions a byte, both ends together (less is better)", size=16,
                 weight="bold"),
            text(16, 46, f"Linux {results['kernel']}, {results['date'][:10]}", size=12)]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" '
        'font-family="sans-serif">', f'<rect width="{WIDTH}" height="{y}" fill="white"/>', *head, *parts, "</svg>", ""])
