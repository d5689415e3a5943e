"""What catalogues say of a file's checksum. Pure."""

from __future__ import annotations

from typing import NamedTuple

_LENGTHS = {
    "md5": 16,
    "sha1": 20,
    "sha224": 28,
    "sha256": 32,
    "sha384": 48,
    "sha512": 64,
    "sha3_224": 28,
    "sha3_256": 32,
    "sha3_384": 48,
    "sha3_512": 64,
    "blake2b": 64,
    "blake2s": 32,
    "blake3": 32,
}
"""The algorithms that can be computed, by hashlib's names (and `blake3`), with the bytes of a digest."""

_CODES = {
    0x11: "sha1",
    0x12: "sha256",
    0x13: "sha512",
    0x14: "sha3_512",
    0x15: "sha3_384",
    0x16: "sha3_256",
    0x17: "sha3_224",
    0x1E: "blake3",
    0x20: "sha384",
    0xD5: "md5",
    0x1013: "sha224",
    0xB240: "blake2b",
    0xB260: "blake2s",
}
"""Multicodec's codes of them (https://github.com/multiformats/multicodec, table.csv)."""


class Checksum(NamedTuple):
    """What a catalogue says of a file: hashlib's name of the algorithm, and the digest in lower-case hex."""

    algorithm: str
    digest: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.digest}"


def checksum(text: str | None) -> Checksum | None:
    """Read ``algorithm:hex``; `None` for a digest that cannot be computed here, or is not one at all."""
    name, _, digest = (text or "").strip().lower().partition(":")
    for spelt, ours in (("sha2-", "sha"), ("sha3-", "sha3_"), ("sha-", "sha"), ("blake-", "blake")):
        name = name.replace(spelt, ours)
    length = _LENGTHS.get(name, 0)
    plain = all(letter in "0123456789abcdef" for letter in digest)
    return Checksum(name, digest) if length and plain and len(digest) == 2 * length else None


def multihash(text: object) -> Checksum | None:
    """Read a multihash in hex, as `file:checksum` of STAC's file extension is one.

    It is a code and a length, both unsigned varints, and the digest (https://multiformats.io/multihash). `None` for a
    digest that was cut, or cannot be computed here, and for what is no multihash.
    """
    if not isinstance(text, str):
        return None
    try:
        raw = bytes.fromhex(text.strip())
        code, rest = _varint(raw)
        length, digest = _varint(rest)
    except ValueError:
        return None
    name = _CODES.get(code, "")
    whole = length == len(digest) == _LENGTHS.get(name)
    return Checksum(name, digest.hex()) if whole else None


def _varint(raw: bytes) -> tuple[int, bytes]:
    value = 0
    for at, byte in enumerate(raw[:9]):
        value |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:
            return value, raw[at + 1 :]
    raise ValueError("it ends within a number")
