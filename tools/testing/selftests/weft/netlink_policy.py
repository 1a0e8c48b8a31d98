#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The kernel takes what Documentation/netlink/specs/weft.yaml says, and nothing else.

Compares what the running kernel says of family weft (operations, their flags, attribute by
attribute what each takes, multicast groups) with the specification. Needs root and the module.
"""

import errno
import os
import socket
import struct

import genl
from genl import Tap, number

try:
    import yaml
except ImportError:
    Tap.skip_all("needs python3-yaml")

SPEC = "Documentation/netlink/specs/weft.yaml"

# enum netlink_attribute_type and netlink_policy_type_attr
TYPES = {1: "flag", 2: "u8", 3: "u16", 4: "u32", 5: "u64", 6: "s8", 7: "s16", 8: "s32", 9: "s64",
         10: "binary", 11: "string", 12: "nul-string", 13: "nest", 14: "nest-array", 15: "bitfield32"}
TYPE, MIN_S, MAX_S, MIN_U, MAX_U, MIN_LENGTH, MAX_LENGTH, POLICY_IDX, POLICY_MAXTYPE = range(1, 10)
MASK = 12
POLICY_DO, POLICY_DUMP = 1, 2
OP_ID, OP_FLAGS = 1, 2
GENL_ADMIN_PERM, CAP_DO, CAP_DUMP, CAP_HASPOL, GENL_UNS_ADMIN_PERM = 1, 2, 4, 8, 16

# The specification has one attribute set for an operation's request and reply. Where a request
# takes less of a nest than the reply gives, this says which subset it is.
REQUEST_NESTS = {("peer-get", "peer"): "peer-key"}


class Spec:
    """What the specification says, with its shorthands worked out."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.yaml = yaml.safe_load(file)
        self.definitions = {d["name"]: d for d in self.yaml["definitions"]}
        self.sets = {}
        for spec in self.yaml["attribute-sets"]:
            attrs = {}
            for i, attr in enumerate(spec["attributes"], 1):
                if "subset-of" in spec:
                    attr = {**self.sets[spec["subset-of"]][attr["name"]], **attr}
                else:
                    attr = {"value": i, **attr}
                attrs[attr["name"]] = attr
            self.sets[spec["name"]] = attrs
        self.operations = {}
        for i, operation in enumerate(self.yaml["operations"]["list"], 1):
            self.operations[operation["name"]] = {"value": i, **operation}

    def number(self, value):
        if isinstance(value, int):
            return value
        if value in self.definitions:
            return self.definitions[value]["value"]
        limits = {f"{s}{bits}-{end}": n for bits in (8, 16, 32, 64) for s, end, n in (
            ("u", "min", 0), ("u", "max", 2**bits - 1),
            ("s", "min", -2**(bits - 1)), ("s", "max", 2**(bits - 1) - 1))}
        return limits[value]

    def policy_of_scalar(self, attr):
        kind, checks = attr["type"], attr.get("checks", {})
        bits, signed = int(kind[1:]), kind[0] == "s"
        policy = {"type": kind}
        if "enum" in attr:
            entries = self.definitions[attr["enum"]]["entries"]
            values, value = [], -1
            for entry in entries:
                value = entry.get("value", value + 1)
                values.append(value)
            if attr.get("enum-as-flags"):
                policy["mask"] = sum(1 << v for v in values)
                return policy
            # With gaps a policy cannot say it, and the request is checked when it is read.
            checks = {"max": values[-1]} if values == list(range(len(values))) else {}
        lowest = -2**(bits - 1) if signed else 0
        highest = 2**(bits - 1) - 1 if signed else 2**bits - 1
        policy["min"] = self.number(checks.get("min", lowest))
        policy["max"] = self.number(checks.get("max", highest))
        return policy

    def policy_of_attr(self, operation, attr):
        """As the kernel tells it; None for an attribute that no request may carry."""
        kind, checks = attr["type"], attr.get("checks", {})
        if kind in ("pad", "unused"):
            return None
        if kind == "nest":
            name = REQUEST_NESTS.get((operation, attr["name"]), attr["nested-attributes"])
            return {"type": "nest", "attributes": self.policy_of_set(operation, self.sets[name])}
        if kind[0] in "us" and kind[1:].isdigit():
            return self.policy_of_scalar(attr)
        policy = {"type": "nul-string" if kind == "string" else kind}
        low = checks.get("exact-len", checks.get("min-len"))
        high = checks.get("exact-len", checks.get("max-len"))
        if low is not None:
            policy["min-len"] = self.number(low)
        if high is not None:
            policy["max-len"] = self.number(high)
        return policy

    def policy_of_set(self, operation, attrs):
        policies = {a["value"]: self.policy_of_attr(operation, a) for a in attrs.values()}
        return {value: policy for value, policy in policies.items() if policy}

    def policy(self, operation, mode):
        """What a request of an operation takes: by attribute number."""
        spec = self.operations[operation]
        attrs = self.sets[spec["attribute-set"]]
        names = spec[mode]["request"]["attributes"]
        return self.policy_of_set(operation, {n: attrs[n] for n in names})


class Kernel:
    """What the running kernel says."""

    def __init__(self, sock, family):
        self.id = number(family[genl.CTRL_ATTR_FAMILY_ID])
        self.version = number(family[genl.CTRL_ATTR_VERSION])
        self.flags, self.groups = {}, {}
        for _, op in genl.parse(family.get(genl.CTRL_ATTR_OPS, b"")):
            op = dict(genl.parse(op))
            self.flags[number(op[OP_ID])] = number(op[OP_FLAGS])
        for _, group in genl.parse(family.get(genl.CTRL_ATTR_MCAST_GROUPS, b"")):
            group = dict(genl.parse(group))
            self.groups[group[1].rstrip(b"\0").decode()] = number(group[2])
        self.policies, self.operations = {}, {}
        request = struct.pack("=HHHH", 6, genl.CTRL_ATTR_FAMILY_ID, self.id, 0)
        for _, attrs, _ in sock.dump(genl.GENL_ID_CTRL, genl.CTRL_CMD_GETPOLICY, request):
            self.note(dict(attrs))

    def note(self, attrs):
        for cmd, modes in genl.parse(attrs.get(genl.CTRL_ATTR_OP_POLICY, b"")):
            self.operations[cmd] = {k: number(v) for k, v in genl.parse(modes)}
        for index, entries in genl.parse(attrs.get(genl.CTRL_ATTR_POLICY, b"")):
            for kind, policy in genl.parse(entries):
                self.policies.setdefault(index, {})[kind] = dict(genl.parse(policy))

    def readable(self, raw):
        policy = {"type": TYPES[number(raw[TYPE])]}
        if policy["type"] == "nest":
            policy["attributes"] = self.index(number(raw[POLICY_IDX])) if POLICY_IDX in raw else {}
        for name, kinds in (("mask", (MASK,)), ("min", (MIN_U, MIN_S)), ("max", (MAX_U, MAX_S)),
                            ("min-len", (MIN_LENGTH,)), ("max-len", (MAX_LENGTH,))):
            for kind in kinds:
                if kind in raw:
                    policy[name] = number(raw[kind])
        return policy

    def index(self, index):
        return {k: self.readable(p) for k, p in self.policies.get(index, {}).items()}

    def policy(self, command, mode):
        kind = POLICY_DO if mode == "do" else POLICY_DUMP
        modes = self.operations.get(command, {})
        return self.index(modes[kind]) if kind in modes else None


def differences(want, got, where=""):
    """Lines that say where two policies differ."""
    if got is None:
        return [f"{where or 'the operation'} has no policy"]
    lines = []
    for key in sorted(set(want) | set(got), key=str):
        place = f"{where} attribute {key}".strip()
        if key not in got:
            lines.append(f"{place}: specified, not taken")
        elif key not in want:
            lines.append(f"{place}: taken, not specified")
        else:
            a, b = dict(want[key]), dict(got[key])
            inner_a, inner_b = a.pop("attributes", None), b.pop("attributes", None)
            if a != b:
                lines.append(f"{place}: specified {a}, kernel has {b}")
            if inner_a is not None and inner_b is not None:
                lines += differences(inner_a, inner_b, place)
    return lines


def modes_of(operation):
    return [mode for mode in ("do", "dump") if mode in operation]


def test_operation(tap, spec, kernel, name):
    operation = spec.operations[name]
    command = operation["value"]
    for mode in modes_of(operation):
        tap.result(f"{name} {mode} takes what is specified",
                   differences(spec.policy(name, mode), kernel.policy(command, mode)))

    want = sum({"do": CAP_DO, "dump": CAP_DUMP}[mode] for mode in modes_of(operation)) | CAP_HASPOL
    for flag in operation.get("flags", []):
        want |= {"admin-perm": GENL_ADMIN_PERM, "uns-admin-perm": GENL_UNS_ADMIN_PERM}[flag]
    got = kernel.flags.get(command, 0)
    tap.result(f"{name} can what is specified and needs the privilege",
               [] if got == want else [f"flags {got:#x}, specified {want:#x}"])


def sample(attr):
    """A value of the right length for its type."""
    sizes = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "s64": 8}
    if attr["type"] == "nest":
        return genl.attr(attr["value"], [])
    if attr["type"] == "string":
        return genl.string(attr["value"], "x")
    return genl.attr(attr["value"], bytes(sizes.get(attr["type"], 32)))


def test_refusal(tap, spec, kernel, sock, name):
    """Each attribute of the set that the request does not list is refused by its place."""
    operation = spec.operations[name]
    taken = spec.policy(name, "do")
    problems = []
    name_attr = genl.string(spec.sets["device"]["ifname"]["value"], "nosuch0")
    for attr in spec.sets["device"].values():
        if attr["value"] in taken:
            continue
        try:
            sock.do(kernel.id, operation["value"], name_attr + sample(attr))
            problems.append(f"{attr['name']} is taken")
        except genl.NetlinkError as err:
            if err.errno != errno.EINVAL or err.offset != 20 + len(name_attr):
                problems.append(f"{attr['name']}: {err}, offset {err.offset}")
    tap.result(f"{name} refuses other attributes and names them", problems)


def test_family(tap, spec, kernel):
    constants = genl.constants()
    problems = []
    for prefix, values in (
            ("CMD", {n: o["value"] for n, o in spec.operations.items()}),
            *((f"A_{n.upper()}", {a: v["value"] for a, v in spec.sets[n].items()})
              for n in ("device", "peer", "allowed-ip", "path"))):
        for name, value in values.items():
            constant = f"WEFT_{prefix}_{name.upper()}".replace("-", "_")
            if constants.get(constant) != value:
                problems.append(f"{constant} is {constants.get(constant)}, specified {value}")
    tap.result("the header has the numbers of the specification", problems)

    commands = {o["value"] for o in spec.operations.values() if modes_of(o)}
    tap.result("there are no operations but those specified",
               [] if set(kernel.flags) == commands else [f"{sorted(kernel.flags)}"])
    groups = {g["name"] for g in spec.yaml["mcast-groups"]["list"]}
    tap.result("there are no multicast groups but those specified",
               [] if set(kernel.groups) == groups else [f"{sorted(kernel.groups)}"])


def may_listen(group):
    """Whether a child process without privilege can join a group."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, genl.NETLINK_GENERIC)
            sock.bind((0, 0))
            sock.setsockopt(genl.SOL_NETLINK, genl.NETLINK_ADD_MEMBERSHIP, group)
            status = 0
        except PermissionError:
            status = 2
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main():
    if os.geteuid():
        Tap.skip_all("needs root")
    sock = genl.Genl()
    family = sock.family("weft")
    if not family:
        Tap.skip_all("no family weft; is the module loaded?")
    tap = Tap()
    spec = Spec(os.path.join(genl.repository(), SPEC))
    kernel = Kernel(sock, family)

    test_family(tap, spec, kernel)
    for name, operation in spec.operations.items():
        if modes_of(operation):
            test_operation(tap, spec, kernel, name)
            test_refusal(tap, spec, kernel, sock, name)
    for name, group in kernel.groups.items():
        status = may_listen(group)
        tap.result(f"group {name} needs the privilege",
                   [] if status == 2 else [f"without it: {'joined' if not status else 'failed'}"])
    tap.finish()


main()
