"""A small file beside a product: whole under its name, or not there."""

from __future__ import annotations

import os
from pathlib import Path

from watcher.transfer.directories import named, opened


def put_beside(path: Path, content: bytes) -> None:
    """Put `content` at `path`, in the place of what an earlier try has put there.

    Raises `TransferError` or `NoSpace`; then what was there still is.
    """
    new = f"{path.name}.part"
    with named(path):
        folder = opened(path.parent)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(new, flags, 0o644, dir_fd=folder), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.rename(new, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)
        finally:
            os.close(folder)
