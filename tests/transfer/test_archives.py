"""Archives that are broken, and archives that mean harm."""

import io
import os
import stat
import struct
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.transfer.depot import gzipped, noise, tarred, zipped
from watcher.errors import TransferError
from watcher.transfer.archives import MOST_NAMES, proof

GO_ON = threading.Event()


def _proof(content: bytes, folder: Path, *, whole: bool = True, stop: threading.Event = GO_ON) -> str | None:
    path = folder / "archive"
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    try:
        return proof(fd, whole=whole, stop=stop)
    finally:
        os.close(fd)


def _zip(*members: tuple[str, bytes], mode: int = 0, pack: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", pack) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = pack
            archive.writestr(info, content)
    return file.getvalue()


def _renamed(name: bytes) -> bytes:
    """A zip with a name that zipfile would not write."""
    return _zip(("x" * len(name), b"content")).replace(b"x" * len(name), name)


@pytest.mark.parametrize("pack", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_whole_zip_is_one(pack: int, tmp_path: Path) -> None:
    assert _proof(_zip(("a/b.tif", noise(5000)), ("a/", b""), ("a/é.xml", b"x"), pack=pack), tmp_path) == "zip"


def test_a_whole_tgz_is_one(tmp_path: Path) -> None:
    assert _proof(tarred(), tmp_path) == "tgz"
    assert _proof(tarred() + gzipped(b"and another member"), tmp_path) == "tgz"
    assert _proof(tarred() + bytes(5000), tmp_path) == "tgz", "zeros fill the last block of a tape"


def test_anything_else_is_neither(tmp_path: Path) -> None:
    for content in (b"", b"P", b"II*\0", b"PK\x05\x06" + bytes(18)):
        assert _proof(content, tmp_path) is None


EVIL: dict[str, Callable[[], bytes]] = {
    "climbs": lambda: _renamed(b"../../etc/cron.d/x"),
    "climbs in the middle": lambda: _renamed(b"a/../../x"),
    "is absolute": lambda: _renamed(b"/etc/passwd"),
    "climbs with backslashes": lambda: _renamed(b"..\\..\\x"),
    "names a drive": lambda: _renamed(b"C:/x"),
    "has a link": lambda: _zip(("a/link", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777),
    "blows up": lambda: _zip(*((f"{number}", bytes(2**22)) for number in range(10))),
    "has too many names": lambda: _zip(*((f"{number}", b"") for number in range(MOST_NAMES + 1)), pack=0),
}


@pytest.mark.parametrize("harm", EVIL)
def test_a_zip_that_means_harm_is_refused_for_good(harm: str, tmp_path: Path) -> None:
    evil = EVIL[harm]()
    for whole in (True, False):
        with pytest.raises(TransferError) as caught:
            _proof(evil, tmp_path, whole=whole)
        assert caught.value.permanent


def test_a_tgz_that_blows_up_is_refused_for_good(tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="unpack to more than") as caught:
        _proof(gzipped(bytes(2**26)), tmp_path)
    assert caught.value.permanent


BROKEN: dict[str, bytes] = {
    "cut": zipped()[:-10],
    "without directory": zipped()[:200_000],
    "a byte changed": zipped()[:500] + b"\0\0\0" + zipped()[503:],
    "a local header gone": b"PK\x03\x04" + bytes(26) + zipped()[30:],
    "its directory garbage": zipped()[:-60] + bytes(38) + zipped()[-22:],
    "an offset too large": zipped()[:-6] + struct.pack("<L", 2**31) + zipped()[-2:],
    "a tgz cut": tarred()[:-1],
    "a tgz of one header": tarred()[:10],
    "a tgz changed": tarred()[:1000] + b"\xff\xff\xff\xff" + tarred()[1004:],
    "a tgz with a wrong checksum": tarred()[:-8] + bytes(4) + tarred()[-4:],
    "a tgz with garbage after it": tarred() + b"garbage",
}


@pytest.mark.parametrize("flaw", BROKEN)
def test_a_broken_archive_may_be_whole_next_time(flaw: str, tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="is broken") as caught:
        _proof(BROKEN[flaw], tmp_path)
    assert not caught.value.permanent


def test_what_a_checksum_has_proven_is_not_unpacked_again(tmp_path: Path) -> None:
    assert _proof(BROKEN["a byte changed"], tmp_path, whole=False) == "zip"
    assert _proof(BROKEN["a tgz cut"], tmp_path, whole=False) == "tgz"


@pytest.mark.parametrize("content", [zipped(), tarred()], ids=["zip", "tgz"])
def test_stop_ends_the_reading_of_an_archive(content: bytes, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(TransferError, match="stopped"):
        _proof(content, tmp_path, stop=stop)
