"""Parts of a zip file that stays where it is."""

from __future__ import annotations

import hashlib
import io
import re
import stat
import struct
import threading
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loopback import Request, reply, served
from tests.transfer.depot import Depot, asset, noise, tarred
from watcher.errors import CredentialError, NoSpace, TransferError
from watcher.net import Http
from watcher.transfer import Gathered, Progress, Terms, fetch_members

ROOT = "S2A_L2A_T31TCJ"
FILES = {
    f"{ROOT}/S2A_FRE_B2.tif": noise(200_000, 1),
    f"{ROOT}/S2A_FRE_B3.tif": noise(200_000, 2),
    f"{ROOT}/S2A_SRE_B2.tif": noise(900_000, 3),
    f"{ROOT}/MASKS/S2A_CLM_R1.tif": bytes(50_000) + noise(5_000, 4),
    f"{ROOT}/DATA/PRIVATE.bin": noise(900_000, 5),
    f"{ROOT}/MASKS/S2A_EDG_R1.tif": bytes(80_000),
    f"{ROOT}/S2A_MTD_ALL.xml": b"<Metadata/>" * 100,
}
WANTED = ("*_FRE_B*.tif", "MASKS/*")
MEMBERS = [name for name in FILES if "FRE" in name or "MASKS" in name]


def packed(files: dict[str, bytes] = FILES, pack: int = zipfile.ZIP_DEFLATED, *, mode: int = 0) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", pack) as archive:
        archive.writestr(f"{ROOT}/MASKS/", b"")
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type, info.external_attr = pack, mode << 16
            archive.writestr(info, content)
    return file.getvalue()


PRODUCT = packed()


def brought(
    depot: Callable[..., bytes | None], path: Path, *patterns: str, terms: Terms | None = None
) -> tuple[Gathered, list[str]]:
    """Fetch members; return what came, and the ranges that were asked for."""
    with served(depot) as peer, Http(origin=peer.origin, backoff_base=0.001) as http:
        home = fetch_members(http, asset(peer.url("/p.zip")), path, patterns or WANTED, terms=terms)
        return home, [request.headers.get("range", "") for request in peer.requests]


def lying(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def some(names: list[str]) -> dict[str, bytes]:
    return {name: FILES[name] for name in names}


@pytest.mark.parametrize("pack", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_only_those_members_come_that_are_wanted(pack: int, tmp_path: Path) -> None:
    product = packed(pack=pack)
    home, _ = brought(Depot(product, etag='"v1"'), tmp_path / "p")
    assert lying(tmp_path / "p") == some(MEMBERS)
    assert (home.how, home.size) == ("crc32", sum(len(FILES[name]) for name in MEMBERS))
    assert 400_000 < home.fetched < 600_000 < len(product) / 3
    assert {name: file.checksum for name, file in home.files.items()} == {
        name: f"sha256:{hashlib.sha256(FILES[name]).hexdigest()}" for name in MEMBERS
    }
    assert [entry.name for entry in tmp_path.iterdir()] == ["p"]


@pytest.mark.parametrize("pack", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_rarer_packings_are_unpacked_too(pack: int, tmp_path: Path) -> None:
    files = {"a.tif": b"a" * 5000, "b.tif": b"b" * 5000}
    brought(Depot(packed(files, pack)), tmp_path / "p", "b.*")
    assert lying(tmp_path / "p") == {"b.tif": b"b" * 5000}


def test_neighbours_come_by_one_question(tmp_path: Path) -> None:
    _, asked = brought(Depot(PRODUCT, etag='"v1"'), tmp_path / "p")
    assert len(asked) == 2 + 3, "its beginning, its directory, and three places"
    assert asked[0] == "bytes=0-511"


def test_a_zip64_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(zipfile, "ZIP64_LIMIT", 1000)
        patched.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
        product = packed()
    assert b"PK\x06\x06" in product[-2000:]
    brought(Depot(product), tmp_path / "p")
    assert lying(tmp_path / "p") == some(MEMBERS)


def test_a_long_directory_is_read_by_a_question_of_its_own(tmp_path: Path) -> None:
    files = {f"{ROOT}/{'x' * 100}{number}": b"" for number in range(1500)} | FILES
    brought(Depot(packed(files)), tmp_path / "p")
    assert lying(tmp_path / "p") == some(MEMBERS)


def test_a_server_whose_parts_are_too_long_is_good_enough(tmp_path: Path) -> None:
    """Resto sends all there is behind a short Content-Length."""

    def resto(request: Request, connection: object) -> bytes | None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers["range"])
        assert wanted is not None
        first, last = int(wanted[1]), int(wanted[2] or len(PRODUCT) - 1)
        head = {"Content_Range": f"bytes {first}-{last}/{len(PRODUCT)}", "Content_Length": str(last + 1 - first)}
        connection.sendall(reply(206, PRODUCT[first:], sized=False, **head))  # type: ignore[attr-defined]
        return None

    brought(resto, tmp_path / "p")
    assert lying(tmp_path / "p") == some(MEMBERS)


def test_progress_is_told_in_bytes_as_they_lie_on_disk(tmp_path: Path) -> None:
    told: list[Progress] = []
    with served(Depot(PRODUCT)) as peer, Http(origin=peer.origin) as http:
        home = fetch_members(http, asset(peer.url("/p.zip")), tmp_path / "p", WANTED, progress=told.append)
    assert told[-1] == Progress(home.size, home.size)
    assert [report.done for report in told] == sorted(report.done for report in told)


# What is explained


def test_a_pattern_that_matches_nothing_is_said_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(TransferError, match='no member of the zip file matches "MASK/\\*"') as caught:
        brought(Depot(PRODUCT), tmp_path / "p", "*_FRE_B*.tif", "MASK/*")
    assert caught.value.permanent
    assert "MASKS/S2A_CLM_R1.tif" in (caught.value.hint or "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("depot", "words"),
    [
        (Depot(PRODUCT, ranges=False), "gives no parts of a file"),
        (Depot(PRODUCT, span="bytes 0-511/*"), "gives no parts of a file"),
        (Depot(tarred()), "no zip file"),
    ],
    ids=["no ranges", "no size", "tgz"],
)
def test_where_no_parts_can_be_had_it_is_said_what_to_do(depot: Depot, words: str, tmp_path: Path) -> None:
    with pytest.raises(TransferError, match=words) as caught:
        brought(depot, tmp_path / "p")
    assert caught.value.permanent
    assert "fetch the whole product" in (caught.value.hint or "")
    assert list(tmp_path.iterdir()) == []


def test_the_page_of_a_login_is_a_matter_of_credentials(tmp_path: Path) -> None:
    page = reply(200, b"<!doctype html><form><input type=password></form>", Content_Type="text/html")
    with pytest.raises(CredentialError, match="login"):
        brought(lambda request, connection: page, tmp_path / "p")


def test_a_secret_member_and_an_unknown_packing_are_said(tmp_path: Path) -> None:
    for offset, value, words in ((8, 1, "encrypted"), (10, 9, "packed in a way")):
        product = bytearray(PRODUCT)
        for entry in re.finditer(b"PK\x01\x02", PRODUCT):
            struct.pack_into("<H", product, entry.start() + offset, value)
        with pytest.raises(TransferError, match=words) as caught:
            brought(Depot(bytes(product)), tmp_path / "p")
        assert caught.value.permanent


# What means harm


def renamed(name: bytes) -> bytes:
    return packed({"x" * len(name): b"content" * 500}).replace(b"x" * len(name), name)


def directory_says(offset: int, form: str, value: int) -> bytes:
    """A zip whose directory lies about its first file."""
    product = bytearray(packed({"a.tif": noise(3000)}))
    at = product.rindex(b"PK\x01\x02")
    struct.pack_into(form, product, at + offset, value)
    return bytes(product)


def lying_in_each_other() -> bytes:
    product = bytearray(packed({"a.tif": noise(3000), "b.tif": noise(3000, 2)}, zipfile.ZIP_STORED))
    *_, first, second = (entry.start() for entry in re.finditer(b"PK\x01\x02", product))
    (where,) = struct.unpack_from("<L", product, first + 42)
    struct.pack_into("<L", product, second + 42, where + 500)
    return bytes(product)


EVIL: dict[str, Callable[[], bytes]] = {
    "climbs": lambda: renamed(b"../../etc/cron.d/x"),
    "climbs in the middle": lambda: renamed(b"a/../../x"),
    "is absolute": lambda: renamed(b"/etc/passwd"),
    "climbs with backslashes": lambda: renamed(b"..\\..\\x"),
    "names a drive": lambda: renamed(b"C:/x"),
    "has a link": lambda: packed({"a/link": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777),
    "has a device": lambda: packed({"a/sda": b""}, mode=stat.S_IFBLK | 0o666),
    "blows up": lambda: packed({f"{number}": bytes(2**22) for number in range(10)}),
    "says to blow up": lambda: directory_says(24, "<L", 2**31),
    "says to have endless names": lambda: PRODUCT[:-12] + struct.pack("<HHLLH", 65_000, 65_000, 10**6, 0, 0)[2:],
    "says to have an endless directory": lambda: PRODUCT[:-10] + struct.pack("<L", 2**31) + PRODUCT[-6:],
    "has two of one name": lambda: packed({"a/X.tif": b"1" * 999, "a//x.tif": b"2" * 999}),
    "has members that are one": lambda: packed({"a/x.tif": b"1" * 999, "a/./x.tif": b"2" * 999}),
}


@pytest.mark.parametrize("harm", EVIL)
def test_a_zip_that_means_harm_is_refused_for_good_and_nothing_is_written(harm: str, tmp_path: Path) -> None:
    with pytest.raises(TransferError) as caught:
        brought(Depot(EVIL[harm](), kind=None), tmp_path / "inner" / "p", "*")
    assert caught.value.permanent
    assert lying(tmp_path) == {}


@pytest.mark.parametrize(
    "lie",
    [
        directory_says(24, "<L", 2_000),
        directory_says(24, "<L", 3_100),
        directory_says(20, "<L", 100),
        directory_says(16, "<L", 12_345),
        directory_says(42, "<L", 7),
        lying_in_each_other(),
        PRODUCT[:700] + bytes(50) + PRODUCT[750:],
        PRODUCT[:-60] + bytes(38) + PRODUCT[-22:],
        PRODUCT[:-40],
    ],
)
def test_a_member_that_is_not_what_the_directory_says_does_not_come_home(lie: bytes, tmp_path: Path) -> None:
    with pytest.raises(TransferError):
        brought(Depot(lie, kind=None), tmp_path / "p", "*")
    assert not (tmp_path / "p").exists()
    assert not any(name.endswith(".part") for name in lying(tmp_path))


def test_odd_names_become_plain_ones(tmp_path: Path) -> None:
    home, _ = brought(Depot(packed({"a b/-rf": b"1", "a/é.tif": b"2", "a/.bashrc": b"3"})), tmp_path / "p", "*")
    assert len(home.files) == 3
    assert set(lying(tmp_path / "p")) == set(home.files)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", part) for name in home.files for part in name.split("/"))


# What is interrupted


def test_what_was_complete_is_not_fetched_again(tmp_path: Path) -> None:
    left = [4]

    def gate(request: Request) -> bytes | None:
        left[0] -= 1
        return None if left[0] >= 0 else reply(503)

    shop = Depot(PRODUCT, etag='"v1"', gate=gate)
    with pytest.raises(TransferError, match="503"):
        brought(shop, tmp_path / "p")
    assert not (tmp_path / "p").exists()
    kept = lying(tmp_path / "p.partial")
    assert kept == some(MEMBERS[: len(kept)])
    assert kept
    left[0] = 100
    home, asked = brought(shop, tmp_path / "p")
    assert [file.fetched > 0 for file in home.files.values()] == [name not in kept for name in home.files]
    assert len(asked) < 5
    assert lying(tmp_path / "p") == some(MEMBERS)


def test_a_connection_that_breaks_leaves_no_half_member(tmp_path: Path) -> None:
    shop = Depot(PRODUCT, gate=lambda request: None)
    shop.cut = [512, 60_000]
    for _ in range(9):
        try:
            brought(shop, tmp_path / "p")
            break
        except TransferError:
            assert not (tmp_path / "p").exists()
            shop.cut = [1_000_000, 1_000_000, 100_000] if len(shop.cut) == 0 else shop.cut
            assert not any(name.endswith(".part") for name in lying(tmp_path))
            shop.cut = []
    assert lying(tmp_path / "p") == some(MEMBERS)


@pytest.mark.parametrize("etag", ['"v2"', None])
def test_a_zip_that_is_replaced_meanwhile_comes_home_as_one_version(etag: str | None, tmp_path: Path) -> None:
    newer = {name: content[::-1] for name, content in FILES.items()}
    shop, count = Depot(PRODUCT, etag='"v1"' if etag else None), [0]

    def gate(request: Request) -> None:
        count[0] += 1
        if count[0] == 4:
            shop.content, shop.etag = packed(newer), etag

    shop.gate = gate
    with pytest.raises(TransferError):
        brought(shop, tmp_path / "p")
    assert not (tmp_path / "p").exists()
    brought(shop, tmp_path / "p")
    assert lying(tmp_path / "p") == {name: newer[name] for name in MEMBERS}


def test_what_an_earlier_choice_has_left_is_not_of_this_one(tmp_path: Path) -> None:
    (tmp_path / "p.partial" / ROOT / "OLD").mkdir(parents=True)
    (tmp_path / "p.partial" / ROOT / "OLD" / "x.tif").write_bytes(b"x")
    (tmp_path / "p.partial" / ROOT / "S2A_FRE_B2.tif").write_bytes(b"of another time")
    brought(Depot(PRODUCT), tmp_path / "p")
    assert lying(tmp_path / "p") == some(MEMBERS)
    assert not (tmp_path / "p" / ROOT / "OLD").exists()


def test_a_directory_that_is_there_is_checked_and_kept(tmp_path: Path) -> None:
    brought(Depot(PRODUCT), tmp_path / "p")
    home, asked = brought(Depot(PRODUCT), tmp_path / "p")
    assert (home.fetched, len(asked)) == (0, 2)
    (tmp_path / "p" / MEMBERS[0]).write_bytes(b"edited")
    with pytest.raises(TransferError, match="another file"):
        brought(Depot(PRODUCT), tmp_path / "p")
    assert (tmp_path / "p" / MEMBERS[0]).read_bytes() == b"edited"


def test_a_reserve_is_kept(tmp_path: Path) -> None:
    with pytest.raises(NoSpace):
        brought(Depot(PRODUCT), tmp_path / "p", terms=Terms(reserve=2**62))
    assert lying(tmp_path) == {}


def test_stop_ends_it(tmp_path: Path) -> None:
    stop, count = threading.Event(), [0]

    def gate(request: Request) -> None:
        count[0] += 1
        if count[0] == 3:  # the first members
            stop.set()

    with (
        served(Depot(PRODUCT, gate=gate)) as peer,
        Http(origin=peer.origin) as http,
        pytest.raises(TransferError, match="stopped"),
    ):
        fetch_members(http, asset(peer.url("/p.zip")), tmp_path / "p", ["*_MTD*", "*B2.tif"], stop=stop)
    assert not (tmp_path / "p").exists()


def test_the_crc_is_the_proof(tmp_path: Path) -> None:
    """A member whose bytes inflate well but are others."""
    files = {"a.tif": b"x" * 5000}
    product = bytearray(packed(files, zipfile.ZIP_STORED))
    at = product.index(b"x" * 5000)
    product[at + 9] = ord("y")
    assert zlib.crc32(product[at : at + 5000]) != zlib.crc32(files["a.tif"])
    with pytest.raises(TransferError, match="Bad CRC-32"):
        brought(Depot(bytes(product)), tmp_path / "p", "*")
    assert lying(tmp_path) == {}
