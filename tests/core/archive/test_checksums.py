"""What catalogues say of a file's checksum."""

from __future__ import annotations

import hashlib

import pytest
from blake3 import blake3

from watcher.core.archive.checksums import checksum, multihash

AB = "ab" * 64


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("md5:D41D8CD98F00B204E9800998ECF8427E", "md5:d41d8cd98f00b204e9800998ecf8427e"),
        ("SHA-1:" + AB[:40], "sha1:" + AB[:40]),
        ("sha2-256:" + AB[:64], "sha256:" + AB[:64]),
        ("sha-512:" + AB, "sha512:" + AB),
        ("SHA3-256:" + AB[:64], "sha3_256:" + AB[:64]),
        ("BLAKE3:" + AB[:64], "blake3:" + AB[:64]),
        ("blake2b:" + AB, "blake2b:" + AB),
        ("blake3:" + AB[:62], None),
        ("md5=d41d8cd98f00b204e9800998ecf8427e", None),
        ("md5:d41d8cd9", None),
        ("md5:" + "g" * 32, None),
        ("shake_128:00", None),
        ("crc32c:abcd0123", None),
        ("", None),
        (None, None),
    ],
)
def test_a_checksum_is_read_as_catalogues_write_it(text: str | None, read: str | None) -> None:
    known = checksum(text)
    assert (str(known) if known else None) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1220" + AB[:64], "sha256:" + AB[:64]),
        ("1340" + AB.upper(), "sha512:" + AB),
        ("1114" + AB[:40], "sha1:" + AB[:40]),
        ("2030" + AB[:96], "sha384:" + AB[:96]),
        ("1e20" + AB[:64], "blake3:" + AB[:64]),
        ("1620" + AB[:64], "sha3_256:" + AB[:64]),
        ("1440" + AB, "sha3_512:" + AB),
        ("d50110" + AB[:32], "md5:" + AB[:32]),
        ("93201c" + AB[:56], "sha224:" + AB[:56]),
        ("c0e40240" + AB, "blake2b:" + AB),
        ("e0e40220" + AB[:64], "blake2s:" + AB[:64]),
        ("1220" + AB[:62], None),
        ("1210" + AB[:32], None),
        ("1e10" + AB[:32], None),
        ("1220" + "zz" * 32, None),
        ("9920" + AB[:64], None),
        (AB[:32], None),
        ("ff" * 12, None),
        ("12", None),
        ("", None),
        (17, None),
        (None, None),
    ],
)
def test_a_multihash_is_read_with_its_algorithm(text: object, read: str | None) -> None:
    known = multihash(text)
    assert (str(known) if known else None) == read


def test_what_is_read_of_a_multihash_is_what_the_algorithm_computes() -> None:
    content = b"SPOT5"
    assert multihash("1e20" + blake3(content).hexdigest()) == ("blake3", blake3(content).hexdigest())
    assert multihash("1620" + hashlib.sha3_256(content).hexdigest()) == (
        "sha3_256",
        hashlib.sha3_256(content).hexdigest(),
    )
