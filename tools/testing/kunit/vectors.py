#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Known answers for the tests of kmod/, from the WireGuard paper and RFCs 7748, 8439.

Everything but BLAKE2s (hashlib's) is written out here in the plainest way, so
that no code is shared with the kernel's. Writes cookie_vectors.h and
noise_vectors.h beside itself; with --check, compares instead.
"""
import hashlib
import pathlib
import struct
import sys

# --- Poly1305, ChaCha20, XChaCha20: RFC 8439, draft-irtf-cfrg-xchacha-03 ---


def rotl(x, n):
    return (x << n | x >> 32 - n) & 0xFFFFFFFF


def chacha_rounds(state):
    x = list(state)

    def quarter(a, b, c, d):
        for p, q, r, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[p] = (x[p] + x[q]) & 0xFFFFFFFF
            x[r] = rotl(x[r] ^ x[p], n)

    for _ in range(10):
        quarter(0, 4, 8, 12)
        quarter(1, 5, 9, 13)
        quarter(2, 6, 10, 14)
        quarter(3, 7, 11, 15)
        quarter(0, 5, 10, 15)
        quarter(1, 6, 11, 12)
        quarter(2, 7, 8, 13)
        quarter(3, 4, 9, 14)
    return x


CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")


def chacha20_block(key, counter, nonce):
    state = CONSTANTS + struct.unpack("<8I", key) + (counter,) + struct.unpack("<3I", nonce)
    rounds = chacha_rounds(state)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(rounds, state)))


def chacha20(key, counter, nonce, data):
    out = b""
    for i in range(0, len(data), 64):
        block = chacha20_block(key, counter + i // 64, nonce)
        out += bytes(a ^ b for a, b in zip(data[i : i + 64], block))
    return out


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    acc = 0
    for i in range(0, len(data), 16):
        acc = (acc + int.from_bytes(data[i : i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((acc + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def pad16(data):
    return data + bytes(-len(data) % 16)


def seal(key, nonce, plain, ad):
    cipher = chacha20(key, 1, nonce, plain)
    tag_input = pad16(ad) + pad16(cipher) + struct.pack("<QQ", len(ad), len(cipher))
    return cipher + poly1305(chacha20_block(key, 0, nonce)[:32], tag_input)


def aead(key, counter, plain, ad):
    """AEAD() of the paper: 32 zero bits and the counter are the nonce."""
    return seal(key, bytes(4) + struct.pack("<Q", counter), plain, ad)


def xaead(key, nonce, plain, ad):
    """XAEAD() of the paper."""
    state = CONSTANTS + struct.unpack("<8I", key) + struct.unpack("<4I", nonce[:16])
    x = chacha_rounds(state)
    return seal(struct.pack("<8I", *x[:4], *x[12:]), bytes(4) + nonce[16:], plain, ad)


# --- Curve25519: RFC 7748, section 5 ---

P = 2**255 - 19


def clamp(key):
    k = bytearray(key)
    k[0] &= 248
    k[31] = k[31] & 127 | 64
    return bytes(k)


def x25519(private, public):
    k = int.from_bytes(clamp(private), "little")
    u = int.from_bytes(public, "little") & (1 << 255) - 1
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def public_of(private):
    return x25519(private, b"\x09" + bytes(31))


# --- BLAKE2s and what the paper makes of it: section 5.4 ---


def hash_(data):
    return hashlib.blake2s(data).digest()


def mac(key, data):
    return hashlib.blake2s(data, key=key, digest_size=16).digest()


def hmac(key, data):
    key = key.ljust(64, b"\0")
    inner = hash_(bytes(k ^ 0x36 for k in key) + data)
    return hash_(bytes(k ^ 0x5C for k in key) + inner)


def kdf(n, key, data):
    secret, out, last = hmac(key, data), [], b""
    for i in range(1, n + 1):
        last = hmac(secret, last + bytes([i]))
        out.append(last)
    return out


# --- the handshake: sections 5.4.2 to 5.4.5 ---

CONSTRUCTION = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"


def mac1_key(public):
    return hash_(b"mac1----" + public)


def handshake(si, sr, ei, er, psk, timestamp, index_i, index_r):
    """Both messages, as their senders make them, and both transport keys."""
    pi, pr = public_of(si), public_of(sr)
    c = hash_(CONSTRUCTION)
    h = hash_(hash_(c + IDENTIFIER) + pr)

    epub = public_of(ei)
    (c,) = kdf(1, c, epub)
    msg = struct.pack("<II", 1, index_i) + epub
    h = hash_(h + epub)
    c, k = kdf(2, c, x25519(ei, pr))
    static = aead(k, 0, pi, h)
    h = hash_(h + static)
    c, k = kdf(2, c, x25519(si, pr))
    stamp = aead(k, 0, timestamp, h)
    h = hash_(h + stamp)
    msg += static + stamp
    initiation = msg + mac(mac1_key(pr), msg) + bytes(16)

    epub = public_of(er)
    (c,) = kdf(1, c, epub)
    msg = struct.pack("<III", 2, index_r, index_i) + epub
    h = hash_(h + epub)
    (c,) = kdf(1, c, x25519(er, public_of(ei)))
    (c,) = kdf(1, c, x25519(er, pi))
    c, t, k = kdf(3, c, psk)
    h = hash_(h + t)
    msg += aead(k, 0, b"", h)
    response = msg + mac(mac1_key(pi), msg) + bytes(16)

    return initiation, response, kdf(2, c, b"")


def selftest():
    """The vectors that the RFCs print."""
    key = bytes(range(0x80, 0xA0))
    ad = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    text = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
        b"future, sunscreen would be it."
    )
    out = seal(key, bytes.fromhex("070000004041424344454647"), text, ad)
    assert out[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"
    out = xaead(key, bytes(range(0x40, 0x58)), text, ad)
    assert out[-16:].hex() == "c0875924c1c7987947deafd8780acf49"
    out = x25519(
        bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
        bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
    )
    assert out.hex() == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"


def some(label, n=32):
    """Bytes that look random and are always the same."""
    return hashlib.shake_256(b"weft test vector: " + label.encode()).digest(n)


def array(data, indent):
    """The bytes as an initialiser in C."""
    out = "{\n"
    for i in range(0, len(data), 12):
        out += indent + "\t" + ", ".join(f"0x{b:02x}" for b in data[i : i + 12]) + ",\n"
    return out + indent + "}"


def cookie_vectors():
    public = public_of(some("cookie responder"))
    body = some("cookie message", 116)
    mac1 = mac(mac1_key(public), body)
    secret = some("cookie secret")
    v4 = mac(secret, bytes([192, 0, 2, 33]) + struct.pack(">H", 51820))
    v6 = mac(secret, bytes.fromhex("20010db8000000000000000000000033") + struct.pack(">H", 51821))
    nonce = some("cookie nonce", 24)
    sealed = xaead(hash_(b"cookie--" + public), nonce, v4, mac1)
    out = ""
    for comment, name, data in (
        ("responder's public key", "public", public),
        ("its secret", "secret", secret),
        ("a message to it, and mac1", "body", body),
        (None, "mac1", mac1),
        ("from 192.0.2.33 port 51820: cookie, mac2, and the reply", "v4", v4),
        (None, "mac2", mac(v4, body + mac1)),
        (None, "reply", struct.pack("<II", 3, 0x01020304) + nonce + sealed),
        ("cookie of 2001:db8::33 port 51821", "v6", v6),
    ):
        if comment:
            out += f"/* {comment} */\n"
        out += f"static const u8 vector_cookie_{name}[{len(data)}] = {array(data, '')};\n\n"
    return out


INDEX_I, INDEX_R = 0x11223344, 0x55667788
SECONDS, NANOSECONDS, COUNTER = 1700000000, 0x11000000, 7


def noise_vectors():
    plain = some("data", 48)
    cases = []
    for name, psk in (("without a preshared key", bytes(32)), ("with a preshared key", some("psk"))):
        keys = [clamp(some(f"{name} {k}")) for k in ("si", "sr", "ei", "er")]
        stamp = struct.pack(">QI", 0x400000000000000A + SECONDS, NANOSECONDS)
        initiation, response, (to_r, to_i) = handshake(*keys, psk, stamp, INDEX_I, INDEX_R)
        head = struct.pack("<IIQ", 4, INDEX_R, COUNTER)
        fields = (
            ("si", keys[0]),
            ("si_public", public_of(keys[0])),
            ("sr", keys[1]),
            ("sr_public", public_of(keys[1])),
            ("ei", keys[2]),
            ("er", keys[3]),
            ("psk", psk),
            ("initiation", initiation),
            ("response", response),
            ("to_responder", to_r),
            ("to_initiator", to_i),
            ("data", head + aead(to_r, COUNTER, plain, b"")),
        )
        case = f'\t{{\n\t\t.name = "{name}",\n'
        for field, data in fields:
            case += f"\t\t.{field} = {array(data, chr(9) * 2)},\n"
        cases.append(case + "\t},\n")

    out = "/* Handshakes: private keys are clamped, the rest is as section 5.4 names it. */\n"
    out += "static const struct {\n\tconst char *name;\n"
    for field, data in fields:
        out += f"\tu8 {field}[{len(data)}];\n"
    out += "} vector_noise[] = {\n" + "".join(cases) + "};\n\n"
    out += f"#define VECTOR_INDEX_I\t\t0x{INDEX_I:08x}\n"
    out += f"#define VECTOR_INDEX_R\t\t0x{INDEX_R:08x}\n"
    out += f"#define VECTOR_SECONDS\t\t{SECONDS}\n"
    out += f"#define VECTOR_NANOSECONDS\t0x{NANOSECONDS:08x}\n"
    out += f"#define VECTOR_COUNTER\t\t{COUNTER}\n\n"
    out += "/* what is in the data message */\n"
    out += f"static const u8 vector_plain[{len(plain)}] = {array(plain, '')};\n\n"
    return out


def main():
    selftest()
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(f"usage: {sys.argv[0]} [--check]")
    for name, body in (("cookie", cookie_vectors()), ("noise", noise_vectors())):
        path = pathlib.Path(__file__).with_name(f"{name}_vectors.h")
        guard = f"_WEFT_KUNIT_{name.upper()}_VECTORS_H"
        text = (
            "/* SPDX-License-Identifier: GPL-2.0 */\n/* Made by vectors.py; do not edit. */\n"
            f"#ifndef {guard}\n#define {guard}\n\n#include <linux/types.h>\n\n"
            f"{body}#endif /* {guard} */\n"
        )
        if not check:
            path.write_text(text, encoding="ascii")
        elif path.read_text(encoding="ascii") != text:
            sys.exit(f"{path} is not what {sys.argv[0]} makes")


if __name__ == "__main__":
    main()
