"""One file home: whole, checked, never half-named."""

import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loopback import Request, reply, served, until
from tests.transfer.depot import Depot, asset, gzipped, md5, sha256, tarred, zipped
from watcher.errors import TransferError
from watcher.net import Http
from watcher.transfer import Progress, Terms, Verified, fetch

PRODUCT = zipped()


def _fetched(depot: Depot, path: Path, **known: object) -> Verified:
    with served(depot) as peer, Http(origin=peer.origin) as http:
        return fetch(http, asset(peer.url(f"/{path.name}"), **known), path)  # type: ignore[arg-type]


def test_a_product_comes_home_under_its_name_and_nothing_else_does(tmp_path: Path) -> None:
    path = tmp_path / "site" / "2015" / "p.zip"
    home = _fetched(Depot(PRODUCT), path, content=PRODUCT)
    assert path.read_bytes() == PRODUCT
    assert home == Verified(len(PRODUCT), sha256(PRODUCT), "md5", len(PRODUCT))
    assert [entry.name for entry in path.parent.iterdir()] == ["p.zip"]


def test_directories_and_files_have_ordinary_modes(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        _fetched(Depot(PRODUCT), tmp_path / "site" / "p.zip", content=PRODUCT)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "site").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "site" / "p.zip").stat().st_mode) == 0o644


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256"])
def test_the_catalogues_checksum_is_the_proof(algorithm: str, tmp_path: Path) -> None:
    import hashlib

    checksum = f"{algorithm}:{hashlib.new(algorithm, PRODUCT).hexdigest().upper()}"
    home = _fetched(Depot(PRODUCT), tmp_path / "p.zip", checksum=checksum)
    assert (home.how, home.checksum) == (algorithm, sha256(PRODUCT))


@pytest.mark.parametrize(
    ("content", "name", "kind", "size", "how"),
    [
        (zipped(1000), "p.zip", "application/zip", None, "zip"),
        (tarred(1000), "p.tgz", "application/x-gzip", None, "tgz"),
        (tarred(1000), "p.zip", None, None, "tgz"),
        (b"II*\0 a picture", "p.tif", "image/tiff", 14, "size"),
        (b"<Metadata/>", "p.xml", "application/xml", None, "size"),
    ],
)
def test_without_a_checksum_the_best_other_proof_counts(
    content: bytes, name: str, kind: str | None, size: int | None, how: str, tmp_path: Path
) -> None:
    home = _fetched(Depot(content, kind=kind), tmp_path / name, kind=kind, size=size)
    assert (home.how, (tmp_path / name).read_bytes()) == (how, content)


def test_without_any_proof_it_is_said_so(tmp_path: Path) -> None:
    depot = Depot(b"II*\0 a picture", kind=None, sized=False)
    assert _fetched(depot, tmp_path / "p.tif", kind="image/tiff").how == "unverified"


@pytest.mark.parametrize("checksum", ["md5:", "md5", "crc32c:abcd", "md5:zz", "shake_128:00", "sha256:" + "g" * 64, ""])
def test_a_checksum_that_cannot_be_computed_counts_as_none(checksum: str, tmp_path: Path) -> None:
    assert _fetched(Depot(PRODUCT), tmp_path / "p.zip", checksum=checksum).how == "zip"


def test_a_wrong_checksum_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="the md5 is") as caught:
        _fetched(Depot(PRODUCT), tmp_path / "p.zip", checksum=md5(b"other"))
    assert list(tmp_path.iterdir()) == []
    assert not caught.value.permanent


@pytest.mark.parametrize("broken", [PRODUCT[:-30], PRODUCT[:1000] + b"!" + PRODUCT[1001:], PRODUCT[:100]])
def test_a_broken_zip_leaves_nothing_behind(broken: bytes, tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="zip file is broken"):
        _fetched(Depot(broken), tmp_path / "p.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [1, 9, 1000])
def test_a_broken_tgz_leaves_nothing_behind(cut: int, tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="tgz file is broken"):
        _fetched(Depot(tarred()[:-cut], kind=None), tmp_path / "p.tgz", kind="application/x-gzip")
    assert list(tmp_path.iterdir()) == []


def test_a_size_that_differs_from_the_catalogues_is_an_error_without_a_checksum(tmp_path: Path) -> None:
    with pytest.raises(TransferError, match=f"announces {len(PRODUCT)} bytes, but it was listed with 7"):
        _fetched(Depot(PRODUCT), tmp_path / "p.zip", size=7)
    assert list(tmp_path.iterdir()) == []


def test_a_size_that_differs_is_forgiven_when_the_checksum_is_right(tmp_path: Path) -> None:
    assert _fetched(Depot(PRODUCT), tmp_path / "p.zip", size=7, checksum=md5(PRODUCT)).how == "md5"


def test_a_body_longer_than_announced_is_cut_there(tmp_path: Path) -> None:
    home = _fetched(Depot(PRODUCT, after=b"x" * 100_000), tmp_path / "p.zip", content=PRODUCT)
    assert home.size == len(PRODUCT)


@pytest.mark.parametrize("checksum", [None, md5(PRODUCT)])
@pytest.mark.parametrize("size", [len(PRODUCT) - 1, len(PRODUCT) + 1])
def test_a_body_in_chunks_must_have_the_catalogues_size(size: int, checksum: str | None, tmp_path: Path) -> None:
    with pytest.raises(TransferError, match=f"more than the {size} bytes|of {size} bytes"):
        _fetched(Depot(PRODUCT, sized=False), tmp_path / "p.zip", size=size, checksum=checksum)


def test_an_endless_body_is_cut_at_the_size_that_was_known(tmp_path: Path) -> None:
    def endless(request: Request, connection: socket.socket) -> None:
        connection.sendall(reply(200, sized=False, Transfer_Encoding="chunked"))
        while True:
            connection.sendall(b"10000\r\nPK\x03\x04" + b"x" * 65532 + b"\r\n")

    with (
        served(endless) as peer,
        Http(origin=peer.origin) as http,
        pytest.raises(TransferError, match="more than the 200000 bytes"),
    ):
        fetch(http, asset(peer.url(), size=200_000), tmp_path / "p.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_body_in_chunks_comes_home(tmp_path: Path) -> None:
    assert _fetched(Depot(PRODUCT, sized=False), tmp_path / "p.zip", content=PRODUCT).how == "md5"
    assert _fetched(Depot(PRODUCT, sized=False), tmp_path / "q.zip").how == "zip"


def test_a_tgz_that_is_labelled_as_compressed_is_kept_as_it_is(tmp_path: Path) -> None:
    content = tarred()
    depot = Depot(content, extra={"Content_Encoding": "x-gzip"})
    _fetched(depot, tmp_path / "p.tgz", checksum=md5(content), kind="application/x-gzip")
    assert (tmp_path / "p.tgz").read_bytes() == content


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_file_that_was_compressed_on_the_way_is_refused(coding: str, tmp_path: Path) -> None:
    depot = Depot(gzipped(b"II*\0") if coding == "gzip" else b"II*\0", kind=None, extra={"Content_Encoding": coding})
    with pytest.raises(TransferError, match="compressed on the way"):
        _fetched(depot, tmp_path / "p.tif", kind="image/tiff")


def test_a_file_that_is_home_is_not_fetched_again(tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    path.write_bytes(PRODUCT)
    with served(Depot(PRODUCT)) as peer, Http(origin=peer.origin) as http:
        home = fetch(http, asset(peer.url(), PRODUCT), path)
        assert home == Verified(len(PRODUCT), sha256(PRODUCT), "md5", 0)
        assert fetch(http, asset(peer.url(), size=len(PRODUCT)), path).how == "zip"
        assert peer.connections == 0
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_of_unknown_size_is_compared_by_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    path.write_bytes(PRODUCT)
    with served(Depot(PRODUCT)) as peer, Http(origin=peer.origin) as http:
        assert fetch(http, asset(peer.url()), path).fetched == len(PRODUCT)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("known", [{"content": PRODUCT}, {"size": len(PRODUCT)}, {}])
@pytest.mark.parametrize("there", [b"somebody's file", PRODUCT[:1000] + b"?" + PRODUCT[1001:]])
def test_another_file_is_never_overwritten(known: dict[str, object], there: bytes, tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    path.write_bytes(there)
    with pytest.raises(TransferError):
        _fetched(Depot(PRODUCT), path, **known)
    assert path.read_bytes() == there
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_appears_meanwhile_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "p.zip"

    def appears(request: Request, connection: socket.socket) -> bytes:
        path.write_bytes(b"somebody's file")
        return reply(200, PRODUCT)

    with (
        served(appears) as peer,
        Http(origin=peer.origin) as http,
        pytest.raises(TransferError, match="is another file") as caught,
    ):
        fetch(http, asset(peer.url(), PRODUCT), path)
    assert (path.read_bytes(), caught.value.permanent) == (b"somebody's file", True)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("/etc/hostname"), os.mkfifo])
def test_what_is_no_file_is_left_alone(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "p.zip")
    with pytest.raises(TransferError, match="is no file"):
        _fetched(Depot(PRODUCT), tmp_path / "p.zip", content=PRODUCT)


def test_progress_is_told_in_bytes_and_ends_at_all_of_them(tmp_path: Path) -> None:
    told: list[Progress] = []
    with served(Depot(PRODUCT)) as peer, Http(origin=peer.origin) as http:
        fetch(http, asset(peer.url(), PRODUCT), tmp_path / "p.zip", progress=told.append)
    assert told[-1] == Progress(len(PRODUCT), len(PRODUCT))
    assert [report.done for report in told] == sorted(report.done for report in told)
    assert {report.total for report in told} == {len(PRODUCT)}


def test_a_server_that_drips_is_given_up_and_what_came_is_kept(tmp_path: Path) -> None:
    ended = threading.Event()

    def drips(request: Request, connection: socket.socket) -> None:
        connection.sendall(reply(200, PRODUCT)[: -len(PRODUCT)] + PRODUCT[:1000])
        for at in range(1000, 2000):
            connection.sendall(PRODUCT[at : at + 1])
            if ended.wait(0.05):
                return

    with served(drips) as peer, Http(origin=peer.origin) as http:
        with pytest.raises(TransferError, match="has stalled") as caught:
            fetch(http, asset(peer.url(), PRODUCT), tmp_path / "p.zip", terms=Terms(patience=2.0))
        ended.set()
    assert not caught.value.permanent
    kept = (tmp_path / "p.zip.part").read_bytes()
    assert len(kept) >= 1000
    assert PRODUCT.startswith(kept)


@pytest.mark.parametrize("way", ["argument", "client"])
def test_stop_ends_it_and_what_came_is_kept(way: str, tmp_path: Path) -> None:
    stop, part = threading.Event(), tmp_path / "p.zip.part"

    def stalls(request: Request, connection: socket.socket) -> None:
        connection.sendall(reply(200, PRODUCT)[: -len(PRODUCT)] + PRODUCT[:1000])
        until(lambda: part.exists() and part.stat().st_size == 1000)
        stop.set()
        connection.recv(1)

    start = time.monotonic()
    with (
        served(stalls) as peer,
        Http(origin=peer.origin, stop=stop if way == "client" else None) as http,
        pytest.raises(TransferError, match="stopped"),
    ):
        fetch(http, asset(peer.url(), PRODUCT), tmp_path / "p.zip", stop=None if way == "client" else stop)
    assert part.read_bytes() == PRODUCT[:1000]
    assert time.monotonic() - start < 30


def test_an_unreachable_server_leaves_nothing_behind(tmp_path: Path) -> None:
    with served(b"") as peer:
        href = peer.url()
    with (
        Http(origin=href, backoff_base=0.001) as http,
        pytest.raises(TransferError, match="could not be read") as caught,
    ):
        fetch(http, asset(href, PRODUCT), tmp_path / "p.zip")
    assert list(tmp_path.iterdir()) == []
    assert not caught.value.permanent


def test_a_link_to_this_machine_is_refused_for_good(tmp_path: Path) -> None:
    with Http(origin="https://catalogue.test") as http, pytest.raises(TransferError, match="private") as caught:
        fetch(http, asset("https://127.0.0.1/p.zip", PRODUCT), tmp_path / "p.zip")
    assert caught.value.permanent


def test_a_broken_zip_with_the_right_checksum_was_published_so(tmp_path: Path) -> None:
    broken = PRODUCT[:-30]
    with pytest.raises(TransferError, match="although its md5 is right") as caught:
        _fetched(Depot(broken), tmp_path / "p.zip", content=broken)
    assert caught.value.permanent
    assert list(tmp_path.iterdir()) == []


def test_bytes_with_the_right_checksum_need_not_be_a_zip_where_none_was_promised(tmp_path: Path) -> None:
    content = b"PK\x03\x04 begins like one"
    assert _fetched(Depot(content, kind=None), tmp_path / "p.bin", checksum=md5(content), kind=None).how == "md5"
