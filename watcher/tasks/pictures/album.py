"""The small pictures that were drawn, kept in the state directory for the next notice and for one that is repeated."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from pathlib import Path

from watcher.core.notices import Shot

MOST = 2000
"""So many are kept; at 18 kB, 36 MB at most."""

SHUN = 86400.0
"""Seconds for which what proved to be no picture is not asked for again."""


class Album:
    """A directory of small pictures, of which those that were not used for longest go first. It may be deleted."""

    def __init__(self, directory: Path, *, most: int = MOST) -> None:
        self._directory, self._most = directory, most

    def look(self, shot: Shot) -> bytes | None:
        """Return the picture of a shot, nothing (`b""`) where there is known to be none, `None` if it is not here."""
        path = self._path(shot)
        try:
            content = path.read_bytes()
            if not content and time.time() - path.stat().st_mtime > SHUN:
                return None
            if content:
                os.utime(path)
        except OSError:
            return None  # not here, or not readable: it is fetched again
        return content

    def keep(self, shot: Shot, picture: bytes) -> None:
        """Keep a picture, or that there is none (`b""`). Raises `OSError` when the disk does not take it."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._directory, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(picture)
            Path(temporary).replace(self._path(shot))
        except OSError:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise

    def thin(self) -> None:
        """Remove what there is too much of, down to nine tenths, so that this is not done each time."""
        # Where it cannot be, keeping a picture has said why.
        with contextlib.suppress(OSError), os.scandir(self._directory) as entries:
            pictures = sorted((entry.stat().st_mtime, entry.path) for entry in entries if entry.is_file())
            surplus = len(pictures) - self._most
            for _, path in pictures[: surplus + self._most // 10] if surplus > 0 else ():
                Path(path).unlink(missing_ok=True)

    def _path(self, shot: Shot) -> Path:
        name = hashlib.sha256("\n".join((shot.catalogue, shot.url, shot.revision)).encode()).hexdigest()
        return self._directory / f"{name[:40]}.jpg"
