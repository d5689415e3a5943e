"""ZIP archives of geometry files (KMZ, zipped shapefiles): read in memory, each member up to a size."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import PurePosixPath

from watcher.errors import UsageError

LARGEST = 256 << 20
"""Bytes that a file, or all members of an archive that are read, may have unpacked."""
_MOST_MEMBERS = 10_000


def members(content: bytes, suffixes: Sequence[str], *, where: str) -> dict[PurePosixPath, bytes]:
    """Return the members with these suffixes (lower case, with the dot); raises `UsageError` for a bad archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            listed = [one for one in archive.infolist() if PurePosixPath(one.filename).suffix.lower() in suffixes]
            if len(listed) > _MOST_MEMBERS:
                raise UsageError(f"{where} has {len(listed):,} members", hint=f"at most {_MOST_MEMBERS:,} are read")
            found: dict[PurePosixPath, bytes] = {}
            left = LARGEST
            for one in listed:
                # The sizes that an archive announces are only claims: what counts is what comes out.
                with archive.open(one) as member:
                    data = member.read(left + 1)
                left -= len(data)
                if left < 0:
                    raise UsageError(
                        f"{where} unpacks to more than {LARGEST >> 20} MiB", hint="give it in smaller parts"
                    )
                if not one.filename.startswith("__MACOSX/"):
                    found[PurePosixPath(one.filename)] = data
            return found
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise UsageError(f"{where} is no ZIP archive that can be read: {error}") from error
