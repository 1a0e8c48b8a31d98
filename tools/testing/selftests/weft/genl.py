# SPDX-License-Identifier: GPL-2.0
"""Generic netlink over a raw socket, for tests that must send what no library would."""

import errno
import os
import re
import socket
import struct
import sys

NETLINK_GENERIC = 16
SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP, NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK = 1, 10, 11, 12
NLM_F_REQUEST, NLM_F_MULTI, NLM_F_ACK, NLM_F_DUMP_INTR, NLM_F_DUMP = 1, 2, 4, 16, 0x300
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLA_F_NESTED, NLA_TYPE_MASK = 0x8000, 0x3FFF
NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS, NLMSGERR_ATTR_MISS_TYPE = 1, 2, 5

GENL_ID_CTRL = 16
CTRL_CMD_GETFAMILY, CTRL_CMD_GETPOLICY = 3, 10
(CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME, CTRL_ATTR_VERSION, CTRL_ATTR_OPS,
 CTRL_ATTR_MCAST_GROUPS, CTRL_ATTR_POLICY, CTRL_ATTR_OP_POLICY) = 1, 2, 3, 6, 7, 8, 9

UAPI = "kmod/include/uapi/linux/weft.h"


class NetlinkError(OSError):
    """What the kernel says is wrong: errno, message, type of the attribute."""

    def __init__(self, err, message, offset, missing):
        super().__init__(err, f"{os.strerror(err)}: {message}" if message else os.strerror(err))
        self.message = message or ""
        self.offset = offset
        self.missing = missing


def attr(kind, value=b"", nested=False):
    """One attribute; a list of attributes makes a nest."""
    if isinstance(value, list):
        value, nested = b"".join(value), True
    data = struct.pack("=HH", 4 + len(value), kind | (NLA_F_NESTED if nested else 0)) + value
    return data + bytes(-len(data) % 4)


def u8(kind, value):
    return attr(kind, struct.pack("=B", value))


def u16(kind, value):
    return attr(kind, struct.pack("=H", value))


def u32(kind, value):
    return attr(kind, struct.pack("=I", value))


def string(kind, value):
    return attr(kind, value.encode() + b"\0")


def parse(data):
    """List of (type, value) of a stream of attributes."""
    found = []
    while len(data) >= 4:
        size, kind = struct.unpack_from("=HH", data)
        if size < 4 or size > len(data):
            raise ValueError("bad attribute length")
        found.append((kind & NLA_TYPE_MASK, data[4:size]))
        data = data[size + 3 & ~3:]
    return found


def number(value):
    return int.from_bytes(value, sys.byteorder)


class Genl:
    """A socket. Messages are (command, list of attributes, flags)."""

    def __init__(self, timeout=20):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.sock.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self.sock.settimeout(timeout)
        self.sock.bind((0, 0))
        self.seq = 0

    def close(self):
        self.sock.close()

    def room(self, size):
        """Let a message of this size through."""
        self.sock.setsockopt(socket.SOL_SOCKET, 32, size * 2)  # SO_SNDBUFFORCE

    def send(self, family, command, payload=b"", flags=0):
        self.seq += 1
        body = struct.pack("=BBH", command, 1, 0) + payload
        head = struct.pack("=IHHII", 16 + len(body), family, NLM_F_REQUEST | flags, self.seq, 0)
        self.sock.send(head + body)
        return self.seq

    def receive(self):
        """Raw messages of one read: (type, flags, seq, data)."""
        data = self.sock.recv(1 << 20)
        messages = []
        while len(data) >= 16:
            size, kind, flags, seq, _ = struct.unpack_from("=IHHII", data)
            messages.append((kind, flags, seq, data[16:size]))
            data = data[size + 3 & ~3:]
        return messages

    @staticmethod
    def check(data, flags):
        """Raise what an NLMSG_ERROR or NLMSG_DONE reports."""
        err = -struct.unpack_from("=i", data)[0] if len(data) >= 4 else 0
        if err <= 0:
            return
        message, offset, missing = None, None, None
        if flags & NLM_F_ACK_TLVS:
            # The request's header follows in an error, nothing in the end of a dump.
            skip = 20 if len(data) >= 20 and flags & NLM_F_CAPPED else 4
            for kind, value in parse(data[skip:]):
                if kind == NLMSGERR_ATTR_MSG:
                    message = value.rstrip(b"\0").decode()
                elif kind == NLMSGERR_ATTR_OFFS:
                    offset = number(value)
                elif kind == NLMSGERR_ATTR_MISS_TYPE:
                    missing = number(value)
        raise NetlinkError(err, message, offset, missing)

    def messages(self, seq):
        """Answers to a request, up to its acknowledgement or the end of its dump."""
        while True:
            for kind, flags, got, data in self.receive():
                if got != seq:
                    continue
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    self.check(data, flags)
                    return
                yield data[0], parse(data[4:]), flags

    def do(self, family, command, payload=b""):
        return list(self.messages(self.send(family, command, payload, NLM_F_ACK)))

    def dump(self, family, command, payload=b""):
        return list(self.messages(self.send(family, command, payload, NLM_F_DUMP)))

    def family(self, name):
        """Attributes of a family; None if the kernel does not have it."""
        try:
            answer = self.do(GENL_ID_CTRL, CTRL_CMD_GETFAMILY,
                             string(CTRL_ATTR_FAMILY_NAME, name))
        except NetlinkError as err:
            if err.errno == errno.ENOENT:
                return None
            raise
        return dict(answer[0][1])


def repository():
    return os.path.realpath(os.path.join(os.path.dirname(__file__), "../../../.."))


def constants():
    """The names of the uapi header with their values."""
    with open(os.path.join(repository(), UAPI), encoding="utf-8") as header:
        text = re.sub(r"/\*.*?\*/", "", header.read(), flags=re.S)
    names = {}
    for body in re.findall(r"enum\s*\w*\s*\{(.*?)\}", text, flags=re.S):
        value = -1
        for entry in filter(None, (e.strip() for e in body.split(","))):
            name, _, given = (part.strip() for part in entry.partition("="))
            value = eval(given, {}, names) if given else value + 1  # pylint: disable=eval-used
            names[name] = value
    return names


class Tap:
    """Test Anything Protocol."""

    SKIP = 4

    def __init__(self):
        self.count = 0
        self.failed = 0
        print("TAP version 13", flush=True)

    @staticmethod
    def skip_all(why):
        print(f"1..0 # SKIP {why}", flush=True)
        sys.exit(Tap.SKIP)

    def result(self, name, problems=()):
        """One test; it passes without problems."""
        self.count += 1
        for problem in problems:
            print(f"# {problem}")
        self.failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {self.count} {name}", flush=True)

    def finish(self):
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failed else 0)
