"""When there is no room left."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.loopback import served
from tests.transfer.depot import Depot, asset, noise, zipped
from tests.transfer.full_disk import WAYS
from watcher.errors import NoSpace
from watcher.net import Http
from watcher.transfer import Progress, Terms, fetch, space

PRODUCT = zipped(400_000)

FETCH = """
import os, sys
from pathlib import Path
from watcher.errors import NoSpace
from watcher.model import Asset
from watcher.net import Http
from watcher.transfer import fetch
folder, href, size, checksum = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
asset = Asset("p", href, "application/zip", int(size) or None, checksum or None)
with Http(origin=href) as http:
    try:
        fetch(http, asset, folder / "p.zip")
    except NoSpace as error:
        print("NoSpace", os.path.getsize(folder / "p.zip.part") if os.path.exists(folder / "p.zip.part") else 0, error)
    (folder / "ballast").unlink()
    home = fetch(http, asset, folder / "p.zip")
    print(home.how, home.size, home.fetched, sorted(os.listdir(folder)))
"""


def test_a_download_that_would_not_leave_the_reserve_is_not_begun(tmp_path: Path) -> None:
    with (
        served(Depot(PRODUCT)) as peer,
        Http(origin=peer.origin) as http,
        pytest.raises(NoSpace, match="must stay free") as caught,
    ):
        fetch(http, asset(peer.url(), PRODUCT), tmp_path / "p.zip", terms=Terms(reserve=2**62))
    assert (caught.value.permanent, list(tmp_path.iterdir())) == (False, [])


def test_an_announced_size_that_no_disk_has_is_not_begun(tmp_path: Path) -> None:
    huge = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000\r\nContent-Type: application/zip\r\n\r\n"
    with served(huge + PRODUCT) as peer, Http(origin=peer.origin) as http, pytest.raises(NoSpace):
        fetch(http, asset(peer.url(), checksum="md5:" + "0" * 32), tmp_path / "p.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_reserve_that_is_there_is_left(tmp_path: Path) -> None:
    with served(Depot(PRODUCT)) as peer, Http(origin=peer.origin) as http:
        fetch(http, asset(peer.url(), PRODUCT), tmp_path / "p.zip", terms=Terms(reserve=1))
    assert (tmp_path / "p.zip").read_bytes() == PRODUCT


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_while_writing_keeps_what_came(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really, wrote = os.write, 0

    def write(fd: int, data: bytes) -> int:
        nonlocal wrote
        if wrote >= 100_000:
            raise OSError(code, os.strerror(code))
        count = really(fd, data[:60_000])
        wrote += count
        return count

    monkeypatch.setattr("watcher.transfer.part.os.write", write)
    with served(Depot(PRODUCT)) as peer, Http(origin=peer.origin) as http:
        with pytest.raises(NoSpace, match="the disk is full"):
            fetch(http, asset(peer.url(), PRODUCT), tmp_path / "p.zip")
        monkeypatch.undo()
        kept = (tmp_path / "p.zip.part").stat().st_size
        assert fetch(http, asset(peer.url(), PRODUCT), tmp_path / "p.zip").fetched == len(PRODUCT) - kept
    assert kept >= 100_000


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="a small disk of one's own needs root")
@pytest.mark.parametrize("known", [True, False])
def test_a_small_disk_fills_and_the_download_goes_on_when_there_is_room(known: bool, tmp_path: Path) -> None:
    """A tmpfs of 1 MiB with something else on it; nothing of the size is announced, so that it really fills."""
    folder = tmp_path / "disk"
    folder.mkdir()
    script = (
        'mount -t tmpfs -o size=1m none "$1" 2>/dev/null || exit 77; '
        'head -c 800000 /dev/zero > "$1/ballast"; exec "$2" -c "$3" "$1" "$4" "$5" "$6"'
    )
    with served(Depot(PRODUCT, sized=known, etag='"v1"')) as peer:
        product = asset(peer.url("/p.zip"), PRODUCT) if known else asset(peer.url("/p.zip"))
        known_by = [str(product.size or 0), product.checksum or ""]
        ran = subprocess.run(
            ["unshare", "-m", "sh", "-c", script, "sh", str(folder), sys.executable, FETCH, product.href, *known_by],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    if ran.returncode == 77:
        pytest.skip("this machine does not let root mount a tmpfs")
    assert ran.returncode == 0, ran.stderr
    full, done = ran.stdout.splitlines()
    assert full.startswith("NoSpace ")
    if not known:
        assert int(full.split()[1]) > 50_000, "what came is kept"
    assert done == f"{'md5' if known else 'zip'} {len(PRODUCT)} {len(PRODUCT)} ['p.zip']"


def test_room_is_set_aside_for_what_is_to_come(tmp_path: Path) -> None:
    """So that no other download counts on it; where the file system can."""
    size, seen = 3_000_000, []
    content = noise(size)

    def look(progress: Progress) -> None:
        if not seen:
            status = (tmp_path / "p.part").stat()
            seen.append((status.st_size, status.st_blocks * 512))

    with served(Depot(content, kind=None)) as peer, Http(origin=peer.origin) as http:
        fetch(http, asset(peer.url(), content, kind=None), tmp_path / "p", progress=look)
    assert seen[0][0] < size, "its length says how much has come"
    assert seen[0][1] >= size
    assert (tmp_path / "p").read_bytes() == content


def test_the_disk_begins_to_write_while_a_large_file_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    product, begun = noise(3 * space.STRIDE), []
    begin = space._sync_file_range()
    assert begin is not None, "this is Linux"

    def noted(fd: int, *span: int) -> None:
        assert begin(fd, *span) == 0
        begun.append(os.fstat(fd).st_size)

    monkeypatch.setattr(space, "_sync_file_range", lambda: noted)
    with served(Depot(product, kind=None)) as peer, Http(origin=peer.origin) as http:
        fetch(http, asset(peer.url("/p"), product, kind=None), tmp_path / "p")
    assert len(begun) >= 2
    assert begun == sorted(begun)
    assert begun[0] < len(product)


def test_where_a_disk_cannot_be_told_to_begin_it_writes_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert space._call("no_such_function") is None
    monkeypatch.setattr(space, "_sync_file_range", lambda: None)
    product = noise(space.STRIDE + 1)
    with served(Depot(product, kind=None)) as peer, Http(origin=peer.origin) as http:
        fetch(http, asset(peer.url("/p"), product, kind=None), tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == product


def test_where_no_room_can_be_set_aside_it_is_only_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "_fallocate", lambda: None)
    with served(Depot(PRODUCT)) as peer, Http(origin=peer.origin) as http:
        fetch(http, asset(peer.url(), PRODUCT), tmp_path / "p.zip")
        with pytest.raises(NoSpace):
            fetch(http, asset(peer.url(), PRODUCT), tmp_path / "q.zip", terms=Terms(reserve=2**62))
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.zip"]


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="a small disk of one's own needs root")
def test_a_disk_that_is_full_at_any_point_holds_no_half_file_and_all_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """`python -m bench full_disk` does it at 30 points."""
    (tmp_path / "disk").mkdir()
    command = [sys.executable, "-m", "tests.transfer.full_disk", str(tmp_path / "disk"), "3"]
    ran = subprocess.run(["unshare", "-m", *command], capture_output=True, text=True, timeout=100, check=False)
    if ran.returncode == 77:
        pytest.skip("this machine does not let root mount a tmpfs")
    assert ran.returncode == 0, ran.stderr
    for line in ran.stdout.splitlines():
        found = json.loads(line)
        assert (found["half"], found["stuck"]) == (0, 0), found
        assert found["full"] >= 2, found
    assert len(ran.stdout.splitlines()) == len(WAYS)
