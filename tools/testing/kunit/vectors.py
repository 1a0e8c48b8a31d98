#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Known answers for the tests of kmod/, from the WireGuard paper, RFCs 7748 and 8439, FIPS 197 and
NIST SP 800-38D.

Everything but BLAKE2s (hashlib's) is written out here in the plainest way, so
that no code is shared with the kernel's. Writes cookie_vectors.h, gcm_vectors.h and
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


# --- AES-256: FIPS 197; GCM: NIST SP 800-38D ---


def xtime(b):
    return (b << 1) ^ (0x11B if b & 0x80 else 0)


def field_mul(a, b):
    out = 0
    while b:
        if b & 1:
            out ^= a
        a, b = xtime(a), b >> 1
    return out


def make_sbox():
    box = []
    for x in range(256):
        inverse = next((y for y in range(256) if field_mul(x, y) == 1), 0)
        bits = inverse
        for n in range(1, 5):
            bits ^= (inverse << n | inverse >> 8 - n) & 0xFF
        box.append(bits ^ 0x63)
    return box


SBOX = make_sbox()


def aes256_schedule(key):
    words, rcon = [key[i : i + 4] for i in range(0, 32, 4)], 1
    for i in range(8, 60):
        word = words[-1]
        if i % 8 == 0:
            word = bytes(SBOX[b] for b in word[1:] + word[:1])
            word, rcon = bytes([word[0] ^ rcon]) + word[1:], xtime(rcon)
        elif i % 8 == 4:
            word = bytes(SBOX[b] for b in word)
        words.append(bytes(a ^ b for a, b in zip(words[-8], word)))
    return [b"".join(words[i : i + 4]) for i in range(0, 60, 4)]


def aes256_block(schedule, block):
    state = bytes(a ^ b for a, b in zip(block, schedule[0]))
    for n, key in enumerate(schedule[1:], 1):
        state = bytes(SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16))
        if n < 14:
            mixed = []
            for c in range(0, 16, 4):
                col = state[c : c + 4]
                for r in range(4):
                    mixed.append(
                        xtime(col[r]) ^ xtime(col[(r + 1) % 4]) ^ col[(r + 1) % 4]
                        ^ col[(r + 2) % 4] ^ col[(r + 3) % 4]
                    )
            state = bytes(mixed)
        state = bytes(a ^ b for a, b in zip(state, key))
    return state


def ghash(h, data):
    h, y = int.from_bytes(h, "big"), 0
    for i in range(0, len(data), 16):
        x, v, y = y ^ int.from_bytes(data[i : i + 16], "big"), h, 0
        for bit in reversed(range(128)):
            if x >> bit & 1:
                y ^= v
            v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
    return y.to_bytes(16, "big")


def gcm_seal(key, nonce, plain, ad):
    schedule = aes256_schedule(key)
    cipher = b""
    for i in range(0, len(plain), 16):
        block = aes256_block(schedule, nonce + struct.pack(">I", i // 16 + 2))
        cipher += bytes(a ^ b for a, b in zip(plain[i : i + 16], block))
    lengths = struct.pack(">QQ", 8 * len(ad), 8 * len(cipher))
    tag = ghash(aes256_block(schedule, bytes(16)), pad16(ad) + pad16(cipher) + lengths)
    mask = aes256_block(schedule, nonce + struct.pack(">I", 1))
    return cipher + bytes(a ^ b for a, b in zip(tag, mask))


def gcm_aead(key, counter, plain, ad):
    """The Noise specification, section 12.4: the counter is big-endian there."""
    return gcm_seal(key, bytes(4) + struct.pack(">Q", counter), plain, ad)


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

# construction, identifier, AEAD: WireGuard's, and the same with another cipher
SUITES = (
    (b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s", b"WireGuard v1 zx2c4 Jason@zx2c4.com", aead),
    (b"Noise_IKpsk2_25519_AESGCM_BLAKE2s", b"weft v1", gcm_aead),
)


def mac1_key(public):
    return hash_(b"mac1----" + public)


def handshake(suite, si, sr, ei, er, psk, timestamp, index_i, index_r):
    """Both messages, as their senders make them, and both transport keys."""
    construction, identifier, seal_ = SUITES[suite]
    pi, pr = public_of(si), public_of(sr)
    c = hash_(construction)
    h = hash_(hash_(c + identifier) + pr)

    epub = public_of(ei)
    (c,) = kdf(1, c, epub)
    msg = struct.pack("<II", 1 | suite << 8, index_i) + epub
    h = hash_(h + epub)
    c, k = kdf(2, c, x25519(ei, pr))
    static = seal_(k, 0, pi, h)
    h = hash_(h + static)
    c, k = kdf(2, c, x25519(si, pr))
    stamp = seal_(k, 0, timestamp, h)
    h = hash_(h + stamp)
    msg += static + stamp
    initiation = msg + mac(mac1_key(pr), msg) + bytes(16)

    epub = public_of(er)
    (c,) = kdf(1, c, epub)
    msg = struct.pack("<III", 2 | suite << 8, index_r, index_i) + epub
    h = hash_(h + epub)
    (c,) = kdf(1, c, x25519(er, public_of(ei)))
    (c,) = kdf(1, c, x25519(er, pi))
    c, t, k = kdf(3, c, psk)
    h = hash_(h + t)
    msg += seal_(k, 0, b"", h)
    response = msg + mac(mac1_key(pi), msg) + bytes(16)

    return initiation, response, kdf(2, c, b"")


def selftest():
    """The vectors that the RFCs print, and for GCM test cases 14 and 16 of its authors."""
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


    out = gcm_seal(bytes(32), bytes(12), bytes(16), b"")
    assert out.hex() == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
    out = gcm_seal(
        bytes.fromhex("feffe9928665731c6d6a8f9467308308") * 2,
        bytes.fromhex("cafebabefacedbaddecaf888"),
        bytes.fromhex(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
            "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
        ),
        bytes.fromhex("feedfacedeadbeef") * 2 + bytes.fromhex("abaddad2"),
    )
    assert out[-16:].hex() == "76fc6ece0f4e1768cddf8853bb2d551b"


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


def gcm_vectors():
    """Tags say it all: they are over the ciphertext."""
    key = some("gcm key")
    text = bytes((7 * i + 3) % 256 for i in range(1504))
    out = f"static const u8 vector_gcm_key[{len(key)}] = {array(key, '')};\n\n"
    out += "/* Byte i of each plaintext is 7 i + 3; the nonce is the length plus 2^32. */\n"
    out += "static const struct {\n\tunsigned int len;\n\tu8 tag[16];\n} vector_gcm[] = {\n"
    for n in (0, 1, 15, 16, 17, 64, 255, 256, 257, 1420, 1504):
        tag = gcm_aead(key, n + 2**32, text[:n], b"")[-16:]
        out += f"\t{{\n\t\t.len = {n},\n\t\t.tag = {array(tag, chr(9) * 2)},\n\t}},\n"
    out += "};\n\n/* 32 bytes of it, with the 24 behind them as associated data, nonce 0 */\n"
    sealed = gcm_aead(key, 0, text[:32], text[32:56])
    return out + f"static const u8 vector_gcm_with_ad[{len(sealed)}] = {array(sealed, '')};\n\n"


INDEX_I, INDEX_R = 0x11223344, 0x55667788
SECONDS, NANOSECONDS, COUNTER = 1700000000, 0x11000000, 7


def noise_vectors():
    plain = some("data", 48)
    cases = []
    for suite, name, psk in (
        (0, "without a preshared key", bytes(32)),
        (0, "with a preshared key", some("psk")),
        (1, "suite 1 without a preshared key", bytes(32)),
        (1, "suite 1 with a preshared key", some("psk")),
    ):
        keys = [clamp(some(f"{name} {k}")) for k in ("si", "sr", "ei", "er")]
        stamp = struct.pack(">QI", 0x400000000000000A + SECONDS, NANOSECONDS)
        initiation, response, (to_r, to_i) = handshake(
            suite, *keys, psk, stamp, INDEX_I, INDEX_R
        )
        head = struct.pack("<IIQ", 4 | suite << 8, INDEX_R, COUNTER)
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
            ("data", head + SUITES[suite][2](to_r, COUNTER, plain, b"")),
        )
        case = f'\t{{\n\t\t.name = "{name}",\n\t\t.suite = {suite},\n'
        for field, data in fields:
            case += f"\t\t.{field} = {array(data, chr(9) * 2)},\n"
        cases.append(case + "\t},\n")

    out = "/* Handshakes: private keys are clamped, the rest is as section 5.4 names it. */\n"
    out += "static const struct {\n\tconst char *name;\n\tu8 suite;\n"
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
    for name, body in (
        ("cookie", cookie_vectors()),
        ("gcm", gcm_vectors()),
        ("noise", noise_vectors()),
    ):
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
