"""Some members of a zip file that stays where it is: its directory, and then only their bytes, are asked for.

`zipfile` reads the directory (also that of zip64) and the members, inflates them, and compares their CRCs. So what
comes home is proven member by member, also when the server cannot say whether it is still the same file.
"""

from __future__ import annotations

import hashlib
import os
import threading
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from watcher.core.archive.picking import picked_paths
from watcher.core.archive.shelves import member_path
from watcher.core.archive.spans import Span
from watcher.errors import TransferError
from watcher.model import Asset
from watcher.names import plain
from watcher.net import Http
from watcher.transfer import space, zips
from watcher.transfer.adopt import AnotherFile
from watcher.transfer.archives import ZIP
from watcher.transfer.errand import Terms
from watcher.transfer.flow import Flow
from watcher.transfer.gather import Gathered, gathering
from watcher.transfer.home import Progress, broken, told
from watcher.transfer.part import Part, part_of
from watcher.transfer.remote import Remote
from watcher.transfer.verify import Verified

_STEP = 256 * 1024
_GAP = 256 * 1024
"""Bytes between two members that are fetched along, rather than asked around."""

_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_SOME = 8


def fetch_members(
    http: Http,
    asset: Asset,
    path: Path,
    patterns: Sequence[str],
    *,
    terms: Terms | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Gathered:
    """Bring those members of the zip file `asset` to a directory that any of the patterns matches.

    A pattern matches a path in the zip, whole or from any directory on, whatever its case (`*_FRE_B*.tif`, `MASKS/*`).
    The directory has its name only when all are in it and proven by their CRC, as of `fetch_files`; what was complete
    when it was interrupted is not fetched again.

    Raises `TransferError`: `permanent` when a pattern matches nothing, when the server gives no parts of a file, when
    it is no zip, or one that means harm; otherwise as `fetch`.
    """
    stop, terms = stop or http.stop, terms or Terms()
    with broken(stop):
        remote = Remote(http, asset, path.name, terms, stop)
        archive = _opened(remote)
        members = _chosen(archive, patterns)
        spans = _spans(archive, remote.size)
        work = _Unpacking(remote, archive, terms, stop, told(progress), sum(member.file_size for member in members))
        with gathering(path, members.values()) as (directory, fresh):
            left = {
                member: name
                for member, name in members.items()
                if not work.adopted(member, directory, name, fresh=fresh)
            }
            for run in _runs(left, spans):
                with remote.streaming((spans[run[0].header_offset][0], spans[run[-1].header_offset][1])):
                    for member in run:
                        work.unpack(member, directory, left[member])
    if progress is not None:
        progress(Progress(work.total, work.total))
    return Gathered(work.home)


def _opened(remote: Remote) -> zipfile.ZipFile:
    if not remote.first.startswith(ZIP):
        raise TransferError(
            "the product is no zip file, and only of a zip can members be fetched alone",
            hint="fetch the whole product, without choosing members of it",
            permanent=True,
        )

    def read(at: int, count: int) -> bytes:
        remote.seek(at)
        return remote.read(count)

    zips.check_directory(read, remote.size)
    try:
        archive = zipfile.ZipFile(remote)
    except zips.BROKEN as error:
        raise TransferError(f"the zip file is broken: {error}") from error
    zips.check_members(archive.infolist(), remote.size)
    return archive


def _chosen(archive: zipfile.ZipFile, patterns: Sequence[str]) -> Mapping[zipfile.ZipInfo, str]:
    """Return the members that are wanted, in the order of the file, with their places in the directory."""
    files = {member.filename: member for member in archive.infolist() if not member.is_dir()}
    wanted: set[str] = set()
    for pattern in patterns:
        matched = picked_paths(files, pattern)
        if not matched:
            some = ", ".join(plain(name, limit=100) for name in sorted(files)[:_SOME])
            raise TransferError(
                f'no member of the zip file matches "{pattern}"',
                hint=f"it has {len(files)}: {some}{', …' if len(files) > _SOME else ''}",
                permanent=True,
            )
        wanted.update(matched)
    chosen = sorted((files[name] for name in wanted), key=lambda member: member.header_offset)
    for member in chosen:
        if member.flag_bits & 0x41 or member.compress_type not in _PACKINGS:
            how = "encrypted" if member.flag_bits & 0x41 else "packed in a way that is not known here"
            raise TransferError(f"{member.filename[:80]!r} in the zip file is {how}", permanent=True)
    places = {member: str(member_path(member.filename)) for member in chosen}
    if len({place.lower() for place in places.values()}) < len(places):
        raise TransferError("the zip file has several members of one name", permanent=True)
    return places


def _spans(archive: zipfile.ZipFile, size: int) -> dict[int, Span]:
    """Return the bytes of each member, by the offset of its header: from there up to the next member."""
    offsets = sorted({member.header_offset for member in archive.infolist()})
    ends = [*offsets[1:], min(archive.start_dir, size)]
    return dict(zip(offsets, zip(offsets, ends, strict=True), strict=True))


def _runs(members: Mapping[zipfile.ZipInfo, str], spans: Mapping[int, Span]) -> Sequence[Sequence[zipfile.ZipInfo]]:
    """Put members that lie close to each other together: one question brings them."""
    runs: list[list[zipfile.ZipInfo]] = []
    end = 0
    for member in members:
        first, last = spans[member.header_offset]
        if last - first < 30 + member.compress_size:
            raise TransferError("the zip file has members that lie in each other", permanent=True)
        if runs and first - end <= _GAP:
            runs[-1].append(member)
        else:
            runs.append([member])
        end = last
    return runs


class _Unpacking:
    """Members on their way to the directory; `home` are those that are there, `done` their bytes."""

    def __init__(
        self,
        remote: Remote,
        archive: zipfile.ZipFile,
        terms: Terms,
        stop: threading.Event,
        tell: Callable[[int, int | None], None],
        total: int,
    ) -> None:
        self._remote, self._archive, self._terms, self._stop, self._tell = remote, archive, terms, stop, tell
        self.home: dict[str, Verified] = {}
        self.done, self.total = 0, total

    def adopted(self, member: zipfile.ZipInfo, directory: Path, name: str, *, fresh: bool) -> bool:
        """Say whether a member is there already; another file of its name is removed from a `fresh` directory."""
        target = directory / name
        with part_of(target) as part:
            if part.published() is None:
                return False
            file = part.open_published()
            try:
                crc, digest = self._digests(file)
                same = os.fstat(file).st_size == member.file_size and crc == member.CRC
            finally:
                os.close(file)
        if same:
            self._keep(name, Verified(member.file_size, f"sha256:{digest}", "crc32", 0))
        elif fresh:
            target.unlink()
        else:
            raise AnotherFile(
                f"{target} is there already, and is another file",
                hint="move it away to fetch this one",
                permanent=True,
            )
        return same

    def unpack(self, member: zipfile.ZipInfo, directory: Path, name: str) -> None:
        """Bring a member home, from where the answer is."""
        before = self._remote.received
        digest = hashlib.sha256()
        with part_of(directory / name) as part:
            part.truncate()
            space.leave(part, self._terms.reserve, self.total - self.done)
            space.set_aside(part, self._terms.reserve, member.file_size)
            published = False
            try:
                self._inflate(member, part, digest)
                published = part.publish()
            except zips.BROKEN as error:
                raise TransferError(f"{member.filename[:80]!r} in the zip file is broken: {error}") from error
            finally:
                if not published:
                    part.truncate()  # half of a packed member cannot be gone on with
            if not published:
                raise AnotherFile(f"{part.path} is there already, and is another file", permanent=True)
        fetched = self._remote.received - before
        self._keep(name, Verified(member.file_size, f"sha256:{digest.hexdigest()}", "crc32", fetched))

    def _inflate(self, member: zipfile.ZipInfo, part: Part, digest: Any) -> None:
        flow = Flow(self._terms, part, member.filename, self._stop)
        passed = self._remote.received
        with self._archive.open(member) as file:
            while some := file.read(_STEP):  # at the end, the CRC is compared
                part.write(some)
                digest.update(some)
                self._tell(self.done + part.size, self.total)
                flow.passed(self._remote.received - passed)
                passed = self._remote.received
        if part.size != member.file_size:
            raise EOFError(f"it has {part.size} of {member.file_size} bytes")

    def _keep(self, name: str, file: Verified) -> None:
        self.home[name] = file
        self.done += file.size

    def _digests(self, file: int) -> tuple[int, str]:
        crc, digest, at = 0, hashlib.sha256(), 0
        while some := os.pread(file, _STEP, at):
            crc = zlib.crc32(some, crc)
            digest.update(some)
            at += len(some)
            if self._stop.is_set():
                raise TransferError("stopped")
        return crc, digest.hexdigest()
