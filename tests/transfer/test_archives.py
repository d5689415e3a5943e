"""Archives that are broken, and archives that mean harm."""

import io
import os
import stat
import struct
import tarfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loopback import served
from tests.transfer.depot import Depot, asset, gzipped, noise, tarred, zipped
from watcher.errors import TransferError
from watcher.net import Http
from watcher.transfer import fetch
from watcher.transfer.archives import proof
from watcher.transfer.zips import MOST_NAMES

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
    "has too many names": lambda: _end(_zip(*((f"{n}", b"") for n in range(100)), pack=0), 10, "<H", 1),
    "says to have too many names": lambda: _end(_zip(("a", b"x" * 900)), 10, "<H", MOST_NAMES + 1),
    "says to have an endless directory": lambda: _end(_zip(("a", b"x" * 900)), 12, "<L", 2**31),
    "has a device": lambda: _zip(("a/sda", b""), mode=stat.S_IFBLK | 0o666),
    "has a pipe": lambda: _zip(("a/pipe", b""), mode=stat.S_IFIFO | 0o666),
    "has members that lie in each other": lambda: _overlapped(),
    "is bottomless": lambda: _zip(("a/" * 101 + "x", b"")),
    "climbs, said by zip64": lambda: _zip64(lambda: _renamed(b"../../etc/cron.d/x")),
}


def _end(content: bytes, offset: int, form: str, value: int) -> bytes:
    """A zip whose last words lie."""
    changed = bytearray(content)
    struct.pack_into(form, changed, content.rindex(b"PK\x05\x06") + offset, value)
    return bytes(changed)


def _overlapped() -> bytes:
    """A hundred names for the same bytes."""
    content = _zip(("a" * 8, noise(5000)))
    directory = content.rindex(b"PK\x01\x02")
    end = content.rindex(b"PK\x05\x06")
    entry = content[directory:end]
    many = content[:directory] + entry * 100 + content[end:]
    for offset, form, value in ((8, "<H", 100), (10, "<H", 100), (12, "<L", 100 * len(entry))):
        many = _end(many, offset, form, value)
    return many


def _zip64(make: Callable[[], bytes]) -> bytes:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 0)
        return make()


@pytest.mark.parametrize("harm", EVIL)
def test_a_zip_that_means_harm_is_refused_for_good(harm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if harm == "has too many names":  # and says to have one
        monkeypatch.setattr("watcher.transfer.zips.MOST_NAMES", 99)
    evil = EVIL[harm]()
    for whole in (True, False):
        with pytest.raises(TransferError) as caught:
            _proof(evil, tmp_path, whole=whole)
        assert caught.value.permanent


@pytest.mark.parametrize("known", [True, False], ids=["with a checksum", "without"])
def test_no_zip_that_means_harm_comes_home(known: bool, tmp_path: Path) -> None:
    evil = {harm: make() for harm, make in EVIL.items() if harm != "has too many names"}
    assert len(evil) >= 12
    for harm, content in evil.items():
        with served(Depot(content)) as peer, Http(origin=peer.origin) as http, pytest.raises(TransferError) as caught:
            fetch(http, asset(peer.url("/p.zip"), content if known else None), tmp_path / "p.zip")
        assert caught.value.permanent, harm
        assert list(tmp_path.iterdir()) == [], harm


def _named(count: int) -> bytes:
    """A zip of so many empty members."""
    content = _zip(("a", b""), pack=zipfile.ZIP_STORED)
    directory, end = content.rindex(b"PK\x01\x02"), content.rindex(b"PK\x05\x06")
    entry = content[directory:end]
    many = content[:directory] + entry * count + content[end:]
    for offset, form, value in ((8, "<H", count), (10, "<H", count), (12, "<L", count * len(entry))):
        many = _end(many, offset, form, value)
    return many


def test_fifty_thousand_names_are_let_in_and_no_more(tmp_path: Path) -> None:
    assert _proof(_named(50_000), tmp_path) == "zip"
    with pytest.raises(TransferError, match="50001 names in a directory of .*, more than 50000") as caught:
        _proof(_named(50_001), tmp_path)
    assert caught.value.permanent


@pytest.mark.parametrize("beyond", [0, 1])
def test_two_hundred_times_its_size_is_let_in_and_no_more(beyond: int, tmp_path: Path) -> None:
    content = bytearray(_zip(("a", bytes(2**20))))
    struct.pack_into("<L", content, content.rindex(b"PK\x01\x02") + 24, 200 * len(content) + beyond)
    if not beyond:
        assert _proof(bytes(content), tmp_path, whole=False) == "zip"
        return
    with pytest.raises(TransferError, match="unpack to more than 200 times its size") as caught:
        _proof(bytes(content), tmp_path, whole=False)
    assert caught.value.permanent


@pytest.mark.parametrize("mebibytes", [1, 2])
def test_a_tgz_is_inflated_to_two_hundred_times_its_size_and_a_mebibyte(mebibytes: int, tmp_path: Path) -> None:
    content = gzipped(bytes(mebibytes * 2**20))
    assert len(content) * 200 < 2**19 * mebibytes, "what is tried is the mebibyte"
    if mebibytes == 1:
        assert _proof(content, tmp_path) == "tgz"
        return
    with pytest.raises(TransferError, match="unpack to more than 200 times its size") as caught:
        _proof(content, tmp_path)
    assert caught.value.permanent


def test_a_hundred_directories_in_each_other_are_let_in_and_no_more(tmp_path: Path) -> None:
    assert _proof(_zip(("a/" * 99 + "x", b"")), tmp_path) == "zip"
    with pytest.raises(TransferError, match="101 directories in each other") as caught:
        _proof(_zip(("a/" * 100 + "x", b"")), tmp_path)
    assert caught.value.permanent


def test_a_tape_of_more_than_fifty_thousand_names_is_refused_for_good(tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="more than 50000 names") as caught:
        _proof(tarfile.TarInfo("a").tobuf() * 50_001, tmp_path)
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


# Tapes


def _tar(*members: tarfile.TarInfo, mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for member in members:
            archive.addfile(member, io.BytesIO(noise(member.size)))
    return file.getvalue()


def _member(name: str, kind: bytes = tarfile.REGTYPE, *, to: str = "", size: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, to, size
    return member


HARMFUL = {
    "climbs": _member("../../x"),
    "climbs in the middle": _member("a/../../x"),
    "is absolute": _member("/etc/x"),
    "has a link out of it": _member("a/b", tarfile.SYMTYPE, to="../../etc"),
    "has a link to the root": _member("a/b", tarfile.SYMTYPE, to="/etc/passwd"),
    "has a hard link out of it": _member("a/b", tarfile.LNKTYPE, to="../x"),
    "has a device": _member("a/sda", tarfile.BLKTYPE),
    "has a pipe": _member("a/pipe", tarfile.FIFOTYPE),
}


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("harm", HARMFUL)
def test_a_tape_that_means_harm_is_refused_for_good(harm: str, mode: str, tmp_path: Path) -> None:
    with pytest.raises(TransferError) as caught:
        _proof(_tar(_member("a/first", size=700), HARMFUL[harm], mode=mode), tmp_path)
    assert caught.value.permanent


def test_a_tape_with_endless_names_is_refused_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.transfer.tars.MOST_NAMES", 9)
    many = [_member(f"a/{number}") for number in range(10)]
    for mode in ("w", "w:gz"):
        with pytest.raises(TransferError, match="more than 9 names"):
            _proof(_tar(*many, mode=mode), tmp_path)


def test_a_whole_tape_is_one(tmp_path: Path) -> None:
    inner = _member("a/MASKS/link", tarfile.SYMTYPE, to="../first")
    tape = _tar(_member("a/first", size=5000), inner, _member("a/" + "long" * 60, size=3))
    assert _proof(tape, tmp_path) == "tar"
    assert _proof(gzipped(tape), tmp_path) == "tgz"
    assert _proof(gzipped(b"no tape in it, but a file"), tmp_path) == "tgz"
    assert _proof(tape[: 512 + 5120], tmp_path) == "tar", "some have no end"


@pytest.mark.parametrize("count", [1000, 512 + 4999, 512 + 5120 + 100])
def test_a_tape_that_was_cut_is_broken(count: int, tmp_path: Path) -> None:
    tape = _tar(_member("a/first", size=5000), _member("a/second", size=5000))
    with pytest.raises(TransferError, match="is broken") as caught:
        _proof(tape[:count], tmp_path)
    assert not caught.value.permanent


def test_stop_ends_the_reading_of_a_tape(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(TransferError, match="stopped"):
        _proof(_tar(_member("a/first", size=5000)), tmp_path, stop=stop)
