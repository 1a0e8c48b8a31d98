# SPDX-License-Identifier: GPL-2.0
"""What the guests measured, as one dictionary: the one that the JSON file holds."""

import datetime
import os
import re

BASE = "wireguard"
UNDERLAYS = ("offload", "wire")


def number(text):
    """A figure, or the text that says why there is none."""
    try:
        return float(text)
    except ValueError:
        return text


def read(path):
    """Rows, underlays, figures: {row: {underlay: {figure: value}}}; why a row is missing: {row: text}."""
    rows, missing = {}, {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            row, underlay, figure, value = line.rstrip("\n").split("\t")
            if figure == "missing":
                missing[row] = value
            else:
                rows.setdefault(row, {}).setdefault(underlay, {})[figure] = number(value)
    return rows, missing


def merge(into, rows):
    """Another guest's figures of the same rows."""
    for row, underlays in rows.items():
        for underlay, figures in underlays.items():
            into.setdefault(row, {}).setdefault(underlay, {}).update(figures)


def cpu_model():
    """The host's processor."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"^model name\s*:\s*(.*)$", file.read(), flags=re.M)
    return found.group(1) if found else "unknown"


def collect(folders, kernel, command):
    """All that is known of a run."""
    rows, missing = {}, {}
    for folder in folders:
        path = os.path.join(folder, "results")
        # a guest that died before it measured anything; run tells that it did
        if not os.path.exists(path):
            continue
        more, why = read(path)
        merge(rows, more)
        missing.update(why)
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"kernel": kernel, "cpu": cpu_model(), "command": command,
            "date": now.isoformat(timespec="seconds"), "rows": rows, "missing": missing}


def figure(results, row, underlay, name):
    """A number, or None."""
    value = results["rows"].get(row, {}).get(underlay, {}).get(name)
    return value if isinstance(value, float) else None


def failed(results, row, underlay, name):
    """It was to be measured, and could not."""
    return isinstance(results["rows"].get(row, {}).get(underlay, {}).get(name), str)


def per_byte(results, row, underlay, name="tcp1"):
    """Instructions a byte, both ends together: a megabit a second is 8000 at 10^9 instructions."""
    rate = figure(results, row, underlay, name)
    return 8000 / rate if rate else None


def failures(results):
    """What should have been measured and was not."""
    return [f"{row}, {underlay}, {name}: {value.removeprefix('failed: ')}"
            for row, underlays in results["rows"].items()
            for underlay, figures in underlays.items()
            for name, value in figures.items() if isinstance(value, str)]


def waited(results):
    """Streams during which the processor had nothing to do: their rates are too low."""
    return [f"{row}, {underlay}, {name.removeprefix('idle_')}: {value:.0f} %"
            for row, underlays in results["rows"].items()
            for underlay, figures in underlays.items()
            for name, value in figures.items()
            if name.startswith("idle_") and isinstance(value, float) and value > 4]
