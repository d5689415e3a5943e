"""The files behind the products: archives, quicklooks and metadata, made up on demand and always the same.

An archive is a real `.tgz` of 20 to 150 kB whose rasters are real TIFFs of noise, because noise does not
compress.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import struct
import tarfile
import zlib
from functools import cache, lru_cache

from watcher.demo.products import L2A, Product, drawn

_METADATA = """<?xml version="1.0" encoding="UTF-8"?>
<METADATA>
  <HEADER>
    <IDENT>{ident}</IDENT>
    <DATE_PDV>{acquired:%Y-%m-%d %H:%M:%S}</DATE_PDV>
    <DATE_PROD>{produced:%Y-%m-%d %H:%M:%S}</DATE_PROD>
    <PLATEFORM>{platform}</PLATEFORM>
    <SENSOR>{instrument}</SENSOR>
    <MODE>XS</MODE>
    <LEVEL>{level}</LEVEL>
    <ZONE_GEO>{code}D0000B0000</ZONE_GEO>
    <VERSION>{version}</VERSION>
  </HEADER>
  <WGS84>
    <HGX>{ring[0][0]}</HGX><HGY>{ring[0][1]}</HGY>
    <HDX>{ring[1][0]}</HDX><HDY>{ring[1][1]}</HDY>
    <BDX>{ring[2][0]}</BDX><BDY>{ring[2][1]}</BDY>
    <BGX>{ring[3][0]}</BGX><BGY>{ring[3][1]}</BGY>
  </WGS84>
  <RADIOMETRY><BANDS>XS1;XS2;XS3;SWIR</BANDS></RADIOMETRY>
</METADATA>
"""


def metadata(product: Product) -> bytes:
    """The product's description, XML in the manner of the MUSCATE ground segment."""
    text = _METADATA.format(
        ident=product.ident,
        acquired=product.acquired,
        produced=product.produced,
        platform=product.platform,
        instrument=product.instrument,
        level="N2A" if product.level == L2A else "N1_TUILE",
        code=product.site.code,
        version=product.version,
        ring=product.ring,
    )
    return text.encode()


def _tiff(side: int, pixels: bytes) -> bytes:
    """A square grey image, 8 bits and uncompressed (TIFF 6.0 §4)."""
    short, long = 3, 4
    tags = (
        (256, short, side),  # ImageWidth
        (257, short, side),  # ImageLength
        (258, short, 8),  # BitsPerSample
        (259, short, 1),  # Compression: none
        (262, short, 1),  # PhotometricInterpretation: black is zero
        (273, long, 8),  # StripOffsets
        (278, short, side),  # RowsPerStrip
        (279, long, len(pixels)),  # StripByteCounts
    )
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    even = pixels + b"\0" * (len(pixels) % 2)
    return struct.pack("<2sHI", b"II", 42, 8 + len(even)) + even + struct.pack("<H", len(tags)) + directory + b"\0" * 4


def _rasters(product: Product) -> dict[str, bytes]:
    seed = f"{product.ident} {product.version}"
    noise = random.Random(seed)
    if product.level == L2A:
        side = drawn(seed, 110, 230)
        pictures = ["ORTHO_SURF_CORR_PENTE", "ORTHO_SURF_CORR_ENV"]
        masks = ["SAT", "NUA", "DIV"]
    else:
        side = drawn(seed, 160, 340)
        pictures, masks = ["ORTHO_TOA"], ["SAT"]
    blank = _tiff(64, bytes(64 * 64))
    return {f"{product.ident}_{name}.TIF": _tiff(side, noise.randbytes(side * side)) for name in pictures} | {
        f"MASK/{product.ident}_{name}.TIF": blank for name in masks
    }


@lru_cache(maxsize=64)
def archive(product: Product) -> bytes:
    """The product's `.tgz`: one directory with its metadata and a few rasters, every byte the same each time."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as members:
        for name, body in {f"{product.ident}.xml": metadata(product), **_rasters(product)}.items():
            member = tarfile.TarInfo(f"{product.ident}/{name}")
            member.size, member.mtime = len(body), int(product.produced.timestamp())
            members.addfile(member, io.BytesIO(body))
    return gzip.compress(tar.getvalue(), compresslevel=1, mtime=0)


@cache
def size_and_md5(product: Product) -> tuple[int, str]:
    """The archive's length in bytes and its MD5 in hexadecimal."""
    body = archive(product)
    return len(body), hashlib.md5(body, usedforsecurity=False).hexdigest()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@lru_cache(maxsize=64)
def quicklook(product: Product, *, side: int = 96) -> bytes:
    """A small PNG: fields in the colours of the season, under as many white clouds as the product has."""
    dice = random.Random(f"{product.site.code} {product.acquired}")
    rows = []
    for top in range(0, side, 8):
        tiles = []
        for _ in range(0, side, 8):
            cloudy = dice.random() * 100 < (product.cloud or 0)
            shade = dice.randint(225, 255) if cloudy else 0
            colour = (shade,) * 3 if shade else (dice.randint(60, 140), dice.randint(90, 160), dice.randint(40, 80))
            tiles.append(bytes(colour) * 8)
        rows.extend([b"\0" + b"".join(tiles)[: 3 * side]] * min(8, side - top))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(rows), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")
