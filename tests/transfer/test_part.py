"""The .part file: one writer, no links, durable before it has its name."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.loopback import Request, reply, served
from tests.transfer.depot import Depot, asset, noise, sha256, zipped
from watcher.errors import TransferError
from watcher.net import Http
from watcher.transfer import fetch
from watcher.transfer.part import Record, part_of
from watcher.transfer.remove import withdraw
from watcher.transfer.sums import Sums, digests_of

PRODUCT = zipped()


def test_two_processes_never_write_one_part(tmp_path: Path) -> None:
    part = tmp_path / "p.zip.part"
    with part.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with served(Depot(PRODUCT)) as peer, Http(origin=peer.origin) as http:
            with pytest.raises(TransferError, match="another process") as caught:
                fetch(http, asset(peer.url(), PRODUCT), tmp_path / "p.zip")
            assert peer.requests == []
    assert not caught.value.permanent


def test_threads_that_want_the_same_file_get_it_once(tmp_path: Path) -> None:
    results: list[str] = []
    with served(Depot(PRODUCT)) as peer, Http(origin=peer.origin) as http:

        def one() -> None:
            try:
                results.append(fetch(http, asset(peer.url(), PRODUCT), tmp_path / "p.zip").checksum)
            except TransferError as error:
                results.append(str(error))

        threads = [threading.Thread(target=one) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len([request for request in peer.requests if request]) <= len(results)
    assert sha256(PRODUCT) in results
    assert all(text == sha256(PRODUCT) or "another process" in text for text in results)
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.zip"]


@pytest.mark.parametrize("name", ["p.zip.part", "p.zip.part.json", "p.zip.part.json.new", "p.zip"])
def test_a_link_that_was_planted_is_not_followed(name: str, tmp_path: Path) -> None:
    victim, archive = tmp_path / "victim", tmp_path / "archive"
    victim.write_bytes(b"precious")
    archive.mkdir()
    (archive / name).symlink_to(victim)
    with served(Depot(PRODUCT, etag='"v1"')) as peer, Http(origin=peer.origin) as http:
        try:
            fetch(http, asset(peer.url(), PRODUCT), archive / "p.zip")
        except TransferError:
            assert name != "p.zip.part.json", "a record that cannot be read is no record"
    assert victim.read_bytes() == b"precious"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can plant a link of somebody else's")
def test_a_directory_that_somebody_else_links_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "own").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "strange").symlink_to(tmp_path / "elsewhere")
    os.chown(tmp_path / "strange", 65534, 65534, follow_symlinks=False)
    with served(Depot(PRODUCT)) as peer, Http(origin=peer.origin) as http:
        with pytest.raises(TransferError):
            fetch(http, asset(peer.url(), PRODUCT), tmp_path / "strange" / "p.zip")
        assert list((tmp_path / "elsewhere").iterdir()) == []
        fetch(http, asset(peer.url(), PRODUCT), tmp_path / "own" / "p.zip")
    assert (tmp_path / "elsewhere" / "p.zip").read_bytes() == PRODUCT


def test_a_crash_between_link_and_unlink_does_not_harm_the_file(tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    path.write_bytes(PRODUCT)
    os.link(path, tmp_path / "p.zip.part")
    with served(Depot(PRODUCT)) as peer, Http(origin=peer.origin) as http:
        assert fetch(http, asset(peer.url(), PRODUCT), path).fetched == 0
    assert path.read_bytes() == PRODUCT
    assert list(tmp_path.iterdir()) == [path]


def test_where_there_are_no_hard_links_it_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object, **more: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("watcher.transfer.part.os.link", link)
    with served(Depot(PRODUCT)) as peer, Http(origin=peer.origin) as http:
        fetch(http, asset(peer.url(), PRODUCT), tmp_path / "p.zip")
    assert (tmp_path / "p.zip").read_bytes() == PRODUCT

    def appears(request: Request, connection: object) -> bytes:
        (tmp_path / "q.zip").write_bytes(b"somebody's")
        return reply(200, PRODUCT)

    with (
        served(appears) as peer,
        Http(origin=peer.origin) as http,
        pytest.raises(TransferError, match="another file"),
    ):
        fetch(http, asset(peer.url(), PRODUCT), tmp_path / "q.zip")
    assert (tmp_path / "q.zip").read_bytes() == b"somebody's"


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_bytes_are_on_disk_before_the_file_has_its_name(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from watcher.net import Http; from watcher.model import Asset;"
        "from watcher.transfer import fetch\n"
        "with Http(origin=sys.argv[1]) as http: fetch(http, Asset('p', sys.argv[1]), Path(sys.argv[2]))"
    )
    trace = tmp_path / "trace"
    calls = "fsync,link,linkat,rename,renameat,renameat2,unlink,unlinkat,mkdir,write"
    with served(Depot(PRODUCT)) as peer:
        command = ["strace", "-f", "-y", "-o", str(trace), "-e", f"trace={calls}", sys.executable, "-c", program]
        ran = subprocess.run([*command, peer.url(), str(tmp_path / "site" / "p.zip")], capture_output=True, text=True)
    if "PTRACE" in ran.stderr or "ptrace" in ran.stderr:
        pytest.skip("this machine does not let a process be traced")
    assert ran.returncode == 0, ran.stderr
    lines = [line for line in trace.read_text().splitlines() if "/site" in line or "p.zip" in line]

    def first(*words: str) -> int:
        return next(at for at, line in enumerate(lines) if all(word in line for word in words))

    order = [
        first("rename", "p.zip.part.json"),
        first("write(", "p.zip.part>"),
        first("fsync(", "p.zip.part>"),
        first("link", '"p.zip.part"', '"p.zip"'),
        first("unlink", '"p.zip.part"'),
    ]
    assert order == sorted(order)
    assert any("fsync(" in line and "site>" in line for line in lines[order[3] : order[4]]), "the directory, then"


def test_an_empty_part_is_not_left_behind_and_a_begun_one_is(tmp_path: Path) -> None:
    with part_of(tmp_path / "p.zip") as part:
        assert (tmp_path / "p.zip.part").exists()
    assert list(tmp_path.iterdir()) == []
    with part_of(tmp_path / "p.zip") as part:
        part.begin(Record("https://x.test/p.zip", total=9))
        part.write(b"some")
    with part_of(tmp_path / "p.zip") as part:
        assert (part.size, part.record()) == (4, Record("https://x.test/p.zip", total=9))
        part.extend()
        part.write(memoryview(b"more"))
        assert part.publish()
    assert (tmp_path / "p.zip").read_bytes() == b"somemore"
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.zip"]


def test_a_part_that_is_no_file_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.zip.part")
    with pytest.raises(TransferError, match="is no file"), part_of(tmp_path / "p.zip"):
        raise AssertionError("it was opened")
    assert (tmp_path / "p.zip.part").is_fifo()


def test_a_part_that_was_removed_while_it_was_opened_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really, count = fcntl.flock, 0

    def flock(file: int, how: int) -> None:
        nonlocal count
        count += 1
        if count == 1:
            (tmp_path / "p.zip.part").unlink()
        if count == 2:  # another one has its name by now
            (tmp_path / "p.zip.part").rename(tmp_path / "elsewhere")
            (tmp_path / "p.zip.part").touch()
        really(file, how)

    monkeypatch.setattr("watcher.transfer.part.fcntl.flock", flock)
    with part_of(tmp_path / "p.zip") as part:
        assert os.fstat(part.file).st_ino == (tmp_path / "p.zip.part").stat().st_ino
    assert count == 3


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TransferError, match="cannot be written"), part_of(tmp_path / "file" / "p.zip"):
        raise AssertionError("it was opened")


@pytest.mark.parametrize(
    ("step", "size"),
    [(1, 5000), (1000, 5_000_000), (2**20, 8 * 2**20 - 1), (2**20, 8 * 2**20), (3 * 2**20, 20_000_000)],
)
def test_digests_follow_a_file_while_it_grows(step: int, size: int, tmp_path: Path) -> None:
    content = noise(size)
    with (tmp_path / "f").open("w+b") as file, Sums(file.fileno(), {"md5", "sha256"}) as sums:
        for at in range(0, len(content), step):
            os.write(file.fileno(), content[at : at + step])
            sums.reach(min(at + step, len(content)))
        assert sums.digests(threading.Event()) == {
            "md5": hashlib.md5(content).hexdigest(),
            "sha256": hashlib.sha256(content).hexdigest(),
        }


@pytest.mark.parametrize("size", [10, 10**8], ids=["small", "large"])
def test_a_file_that_shrinks_meanwhile_is_a_failure(size: int, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"short")
    with (tmp_path / "f").open("rb") as file, pytest.raises(TransferError, match=f"ends after 5 of {size} bytes"):
        digests_of(file.fileno(), size, {"sha256", "md5"}, threading.Event())


def test_a_small_file_needs_no_thread(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(2**20))
    before = threading.active_count()
    with (tmp_path / "f").open("rb") as file, Sums(file.fileno(), {"md5", "sha256"}) as sums:
        sums.reach(2**20)
        assert threading.active_count() == before
        assert sums.digests(threading.Event())["md5"] == hashlib.md5(bytes(2**20)).hexdigest()


def test_stop_ends_the_wait_for_a_digest(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    (tmp_path / "f").write_bytes(b"")
    os.truncate(tmp_path / "f", 2**34)
    with (tmp_path / "f").open("rb") as file, pytest.raises(TransferError, match="stopped"):
        digests_of(file.fileno(), 2**34, {"sha256"}, stop)


def test_a_directory_that_others_remove_for_being_empty_is_made_again(tmp_path: Path) -> None:
    """As where the last product leaves a spool while the next one comes."""
    times, each = 300, 5
    turns = threading.Semaphore(0)

    def others() -> None:
        for _ in range(times * each):
            turns.acquire()
            withdraw(tmp_path, tmp_path / "Pornic" / "L2A" / "gone.zip")

    thread = threading.Thread(target=others)
    thread.start()
    try:
        for number in range(times):
            turns.release(each)
            with part_of(tmp_path / "Pornic" / "L2A" / f"{number}.zip"):
                pass  # an empty one is not left behind, so that the directory may go
    finally:
        turns.release(times * each)
        thread.join()
