"""Fill a small disk at many points of a download, make room again, and see what became of it.

Run in a mount namespace of its own, where DIRECTORY may be covered by a small disk:

    unshare -m python -m tests.transfer.full_disk DIRECTORY POINTS

Prints a line of JSON for each way to fetch: how often the disk was full, half files that had a final name, downloads
that did not recover by themselves. The exit status is 77 where no disk can be mounted.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.loopback import served
from tests.transfer.depot import Depot, asset, md5, noise
from watcher.errors import NoSpace
from watcher.model import Asset
from watcher.net import Http
from watcher.transfer import Terms, fetch, fetch_files, fetch_members, segments

SIZE = 1_200_000
DISK = 4 * 2**20
CONTENT = noise(SIZE)


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for number in range(3):
            archive.writestr(f"P/{number}.tif", CONTENT[number * 400_000 : (number + 1) * 400_000])
    return file.getvalue()


PACKED = zipped()
UNSIZED = Depot(CONTENT, kind=None, etag='"v1"', sized=False)
SIZED = Depot(CONTENT, kind=None, etag='"v1"')
Way = Callable[[Http, str, Path], object]


def wanted(href: str) -> Asset:
    return asset(href, CONTENT, kind=None)


WAYS: dict[str, tuple[Depot, Way]] = {
    "one stream": (SIZED, lambda http, href, path: fetch(http, wanted(href), path)),
    "one stream, size unknown": (
        UNSIZED,
        lambda http, href, path: fetch(http, asset(href, checksum=md5(CONTENT), kind=None), path),
    ),
    "several streams": (SIZED, lambda http, href, path: fetch(http, wanted(href), path, terms=Terms(streams=3))),
    "several files": (
        SIZED,
        lambda http, href, path: fetch_files(http, {"a.tif": wanted(href), "b.tif": wanted(href)}, path),
    ),
    "members of a zip": (
        Depot(PACKED, etag='"v1"'),
        lambda http, href, path: fetch_members(http, asset(href, size=len(PACKED)), path, ["*.tif"]),
    ),
}


def whole(path: Path) -> bool:
    """Say whether what has the final name is what was published."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    contents = [file.read_bytes() for file in files]
    return contents in ([CONTENT], [CONTENT, CONTENT]) or b"".join(contents) == CONTENT


def filled(way: str, folder: Path, points: int) -> dict[str, object]:
    """Fetch with the disk full at `points` points, evenly spread over what is to be written."""
    depot, bring = WAYS[way]
    need = SIZE * (2 if way == "several files" else 1)
    full = half = stuck = 0
    with served(depot) as peer, Http(origin=peer.origin, connections=6) as http:
        for point in range(points):
            path, ballast = folder / "p", folder / "ballast"
            room = int(need * point / points)
            with ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(1, _free(folder) - room))
            try:
                bring(http, peer.url("/p"), path)
            except NoSpace:
                full += 1
            half += path.exists() and not whole(path)
            ballast.unlink()
            with contextlib.suppress(NoSpace):
                bring(http, peer.url("/p"), path)
            stuck += not path.exists() or not whole(path) or len(list(folder.iterdir())) != 1
            for left in folder.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    return {"way": way, "points": points, "full": full, "half": half, "stuck": stuck}


def _free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def main() -> int:
    folder, points = Path(sys.argv[1]), int(sys.argv[2])
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        return 77
    segments.LEAST, segments.MOST, segments._NOTE = 32 * 1024, 128 * 1024, 0.0
    for way in WAYS:
        print(json.dumps(filled(way, folder, points)), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
