"""Quicklooks: from the catalogue's hosts only, drawn anew, in a few seconds; what is no picture harms nothing."""

from __future__ import annotations

import io
import os
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from tests.loopback import Peer, Request, drip, reply, served
from watcher.core.notices import LARGEST, Shot
from watcher.errors import UsageError
from watcher.net import Http
from watcher.tasks.pictures import Painter, pictures
from watcher.tasks.pictures.album import Album
from watcher.tasks.pictures.painter import Unpaintable


def picture(kind: str = "JPEG", size: tuple[int, int] = (600, 400), mode: str = "RGB", **options: object) -> bytes:
    """A picture that does not compress well."""
    noise = Image.effect_noise(size, 80)
    out = io.BytesIO()
    Image.merge("RGB", (noise, noise.rotate(90, expand=False), noise)).convert(mode).save(out, kind, **options)
    return out.getvalue()


def png(width: int, height: int, rows: bytes) -> bytes:
    """A PNG whose header says what it likes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@cache
def bomb() -> bytes:
    """A picture of 24 million pixels in a few hundred kilobytes: as large as is still decoded."""
    return png(4900, 4900, zlib.compress(b"\0" * (4900 * 3 + 1) * 4900, 1))


def text_bomb() -> bytes:
    """A small picture with a comment of 20 MB in 20 kB."""
    comment = PngImagePlugin.PngInfo()
    comment.add_text("Comment", "x" * 20_000_000, zip=True)
    return picture("PNG", (20, 20), pnginfo=comment)


EVIL: dict[str, Callable[[], bytes]] = {
    "svg": lambda: (
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><image href="http://127.0.0.1/x"/></svg>'
    ),
    "html": lambda: b"<html><body>please log in</body></html>",
    "nothing": lambda: b"",
    "postscript": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "bmp": lambda: picture("BMP", (10, 10)),
    "tiff": lambda: picture("TIFF", (10, 10)),
    "cut": lambda: picture()[:3000],
    "cut png": lambda: picture("PNG")[:3000],
    "jpeg in name only": lambda: b"\xff\xd8\xff" + os.urandom(5000),
    "four thousand million pixels": lambda: png(65535, 65535, zlib.compress(b"\0" * 1000)),
    "30 million pixels": lambda: png(6_000, 5_000, zlib.compress(b"\0" * 1000)),
    "a comment of 20 MB": text_bomb,
}


@pytest.fixture(scope="module")
def painter() -> Iterator[Painter]:
    with Painter(largest=LARGEST) as painter:
        yield painter


@pytest.mark.parametrize(
    "raw",
    [
        picture(),
        picture("PNG"),
        picture("PNG", mode="RGBA"),
        picture("PNG", mode="P"),
        picture("PNG", mode="1"),
        picture("GIF"),
        picture("WEBP"),
        picture(mode="CMYK"),
        picture(size=(3000, 2000)),
        picture(size=(1, 1)),
        picture("PNG", size=(4000, 2)),
    ],
    ids=["jpeg", "png", "alpha", "palette", "bits", "gif", "webp", "cmyk", "large", "a pixel", "a line"],
)
def test_a_picture_is_drawn_anew_small_and_without_what_came_along(painter: Painter, raw: bytes) -> None:
    drawn = painter.draw(raw, seconds=20.0)
    assert len(drawn) <= LARGEST
    with Image.open(io.BytesIO(drawn)) as opened:
        assert (opened.format, opened.mode) == ("JPEG", "RGB")
        assert max(opened.size) <= 320
        assert not opened.getexif()


def test_nothing_of_a_camera_or_an_author_is_passed_on(painter: Painter) -> None:
    exif = Image.Exif()
    exif[0x013B] = "jane was here"
    drawn = painter.draw(picture(exif=exif, comment=b"and so was john", icc_profile=b"x" * 5000), seconds=20.0)
    assert b"jane" not in drawn
    assert b"john" not in drawn
    assert len(drawn) <= LARGEST


@pytest.mark.parametrize("kind", EVIL)
def test_what_is_no_picture_is_refused_and_the_next_one_drawn(painter: Painter, kind: str) -> None:
    with pytest.raises(Unpaintable, match="no picture that can be shown"):
        painter.draw(EVIL[kind](), seconds=20.0)
    assert painter.draw(picture(), seconds=20.0).startswith(b"\xff\xd8\xff")


def test_a_bomb_takes_no_more_memory_than_its_process_may_have() -> None:
    with Painter(largest=LARGEST) as painter:
        painter.draw(picture(), seconds=20.0)
        assert painter.pid is not None
        limits = Path(f"/proc/{painter.pid}/limits").read_text()
        for limit, value in (("Max address space", 384 * 2**20), ("Max file size", 0), ("Max open files", 3)):
            [line] = [line for line in limits.splitlines() if limit in line]
            assert line.split(limit)[1].split()[:2] == [str(value)] * 2
        try:
            drawn = painter.draw(bomb(), seconds=20.0)
        except Unpaintable:
            drawn = b"\xff\xd8\xff"
        assert drawn.startswith(b"\xff\xd8\xff")
        peak = [line for line in Path(f"/proc/{painter.pid}/status").read_text().splitlines() if "VmPeak" in line]
        assert all(int(line.split()[1]) * 1024 <= 384 * 2**20 for line in peak)


def test_what_takes_too_long_is_cut_off_and_the_next_one_drawn() -> None:
    with Painter(largest=LARGEST) as painter:
        painter.draw(picture(), seconds=20.0)
        first = painter.pid
        with pytest.raises(Unpaintable, match=r"longer than 0\.0 s") as caught:
            painter.draw(bomb(), seconds=0.01)
        assert not caught.value.permanent
        assert painter.draw(picture(), seconds=20.0).startswith(b"\xff\xd8\xff")
        assert painter.pid != first
        assert not Path(f"/proc/{first}").exists()


def test_a_decoder_that_dies_takes_no_other_picture_with_it() -> None:
    with Painter(largest=LARGEST) as painter:
        painter.draw(picture(), seconds=20.0)
        assert painter.pid is not None
        os.kill(painter.pid, 9)
        with pytest.raises(Unpaintable, match="did not survive"):
            painter.draw(picture(), seconds=20.0)
        assert painter.draw(picture(), seconds=20.0).startswith(b"\xff\xd8\xff")


def shot(peer: Peer, path: str = "/ql.jpg") -> Shot:
    return Shot("take5", peer.url(path), "1")


class Reader:
    """Gets pictures as a pass of notices does, and remembers why some were left out."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.stop, self.left_out = directory, threading.Event(), list[str]()

    def __call__(self, http: Http, *shots: Shot, seconds: float = 20.0) -> dict[Shot, bytes]:
        return pictures(
            shots,
            lambda name: http,
            self.directory,
            stop=self.stop,
            left_out=lambda shot, why: self.left_out.append(why),
            seconds=seconds,
        )


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    return Reader(tmp_path / "quicklooks")


@contextmanager
def catalogue(said: bytes | Callable[[Request, socket.socket], bytes | None]) -> Iterator[tuple[Peer, Http]]:
    with served(said) as peer, Http(origin=peer.origin) as http:
        yield peer, http


def test_a_picture_is_fetched_once_and_kept_for_the_next_notice(read: Reader) -> None:
    with catalogue(reply(200, picture(), Content_Type="image/jpeg")) as (peer, http):
        first = read(http, shot(peer), shot(peer), shot(peer, "/other.jpg"))
        again = read(http, shot(peer))
        assert http.asked == 0  # what a poll costs is measured by this
    assert sorted(peer.targets) == ["/other.jpg", "/ql.jpg"]
    assert first.keys() == {shot(peer), shot(peer, "/other.jpg")}
    assert again[shot(peer)] == first[shot(peer)]
    assert read.left_out == []
    assert {path.stat().st_mode & 0o077 for path in (read.directory, *read.directory.iterdir())} == {0}


def test_no_credentials_and_no_cookie_go_along(read: Reader) -> None:
    with catalogue(reply(200, picture(), Set_Cookie="a=b")) as (peer, http):
        read(http, shot(peer), shot(peer, "/2"))
    for request in peer.requests:
        assert not {"authorization", "cookie", "referer"} & set(request.headers)


def test_nothing_is_fetched_outside_the_catalogues_hosts(read: Reader) -> None:
    with served(reply(200, picture())) as elsewhere:
        moved = reply(302, b"", Location=elsewhere.url("/stolen"))
        urls = [
            elsewhere.url("/ql.jpg"),
            f"http://localhost:{elsewhere.port}/ql.jpg",
            f"http://127.1:{elsewhere.port}/",
            f"http://[::ffff:127.0.0.1]:{elsewhere.port}/",
            f"http://take5@127.0.0.1:{elsewhere.port}/",
            "http://169.254.169.254/latest/meta-data",
            "https://evil.example/pixel.gif",
            "file:///etc/hostname",
            "ftp://127.0.0.1/x",
        ]
        with catalogue(moved) as (peer, http):
            assert read(http, shot(peer, "/redirected"), *(Shot("take5", url, "1") for url in urls)) == {}
        assert elsewhere.connections == 0
    assert peer.targets == ["/redirected"]
    assert len(read.left_out) == 1 + len(urls)


@pytest.mark.parametrize("way", ["announced", "in chunks"])
def test_a_picture_of_300_mb_is_not_read(read: Reader, way: str) -> None:
    block = b"\xff\xd8\xff" + b"x" * 65533

    def answer(request: Request, connection: socket.socket) -> None:
        if way == "announced":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 314572800\r\n\r\n")
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(4800):
            connection.sendall(block if way == "announced" else b"10000\r\n" + block + b"\r\n")
            sent.append(len(block))

    sent: list[int] = []
    with catalogue(answer) as (peer, http):
        assert read(http, shot(peer)) == {}
    assert sum(sent) < 32 * 2**20  # what fits into the pipe
    assert "more than 4 MiB" in read.left_out[0]


@pytest.mark.parametrize("kind", ["svg", "html", "cut", "jpeg in name only"])
def test_what_is_no_picture_is_left_out_and_not_asked_for_again_today(read: Reader, kind: str) -> None:
    with catalogue(reply(200, EVIL[kind](), Content_Type="image/jpeg")) as (peer, http):
        assert read(http, shot(peer)) == {}
        assert read(http, shot(peer)) == {}
    assert len(peer.requests) == 1
    assert len(read.left_out) == 1
    assert "no picture that can be shown" in read.left_out[0]


def test_what_is_not_there_now_is_asked_for_again(read: Reader) -> None:
    with catalogue(reply(503, b"busy")) as (peer, http):
        assert read(http, shot(peer)) == {}
        assert read(http, shot(peer)) == {}
    assert len(peer.requests) == 2


def test_a_slow_picture_delays_a_notice_by_no_more_than_its_time(read: Reader) -> None:
    def answer(request: Request, connection: socket.socket) -> bytes | None:
        if request.target == "/good.jpg":
            return reply(200, good)
        drip(connection, reply(200, good), every=0.05)
        return None

    good = picture()
    with catalogue(answer) as (peer, http):
        slow = [shot(peer, f"/slow{n}.jpg") for n in range(2)]
        began = time.monotonic()
        found = read(http, *slow, shot(peer, "/good.jpg"), *slow, seconds=6.0)
        took = time.monotonic() - began
    assert found.keys() == {shot(peer, "/good.jpg")}
    assert took < 18.0
    assert len(read.left_out) == 2


def test_a_stop_ends_the_waiting(read: Reader) -> None:
    def answer(request: Request, connection: socket.socket) -> None:
        read.stop.set()
        drip(connection, reply(200, picture()), every=0.05)

    with catalogue(answer) as (peer, http):
        assert read(http, shot(peer), seconds=60.0) == {}


def test_a_catalogue_that_is_no_longer_configured_has_no_pictures(tmp_path: Path) -> None:
    def http(name: str) -> Http:
        raise UsageError(f'no catalogue is called "{name}"')

    told: list[str] = []
    wanted = [Shot("gone", "https://x.org/1", "1")]
    stop = threading.Event()
    assert pictures(wanted, http, tmp_path / "q", stop=stop, left_out=lambda _, why: told.append(why)) == {}
    assert told == ['no catalogue is called "gone"']


def test_a_disk_that_takes_nothing_keeps_no_picture_from_the_notice(read: Reader) -> None:
    read.directory.parent.mkdir(exist_ok=True)
    read.directory.write_text("a file where the album should be")
    with catalogue(reply(200, picture())) as (peer, http):
        assert read(http, shot(peer)).keys() == {shot(peer)}
    assert len(read.left_out) == 1


def test_a_machine_without_a_thread_to_spare_sends_notices_all_the_same(
    read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with catalogue(reply(200, picture())) as (peer, http):
        monkeypatch.setattr(threading.Thread, "start", start)
        assert read(http, shot(peer)) == {}
    assert read.left_out == ["no quicklook can be fetched now: can't start new thread"]


def test_the_album_is_bounded_and_what_was_used_last_stays(tmp_path: Path) -> None:
    album = Album(tmp_path / "album", most=20)
    shots = [Shot("take5", f"https://x.org/{n}", "1") for n in range(30)]
    for age, one in enumerate(shots):
        album.keep(one, b"picture")
        [newest] = [path for path in (tmp_path / "album").iterdir() if path.stat().st_mtime > time.time() - 3600]
        os.utime(newest, (age, age))
    assert album.look(shots[0]) == b"picture"  # used: now it is the youngest
    album.thin()
    assert len(list((tmp_path / "album").iterdir())) == 18
    assert album.look(shots[0]) == b"picture"
    assert album.look(shots[1]) is None
    assert album.look(shots[29]) == b"picture"
    Album(tmp_path / "never made").thin()
