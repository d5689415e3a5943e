"""A product leaves the archive: its files, what lies beside it, and the directories that held nothing else."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from watcher.transfer.directories import named
from watcher.transfer.part import part_of


def remove(root: Path, place: Path, beside: str) -> None:
    """Remove a file or directory below `root`, the file `beside` it, and the directories that are empty then.

    What is not there is no error, so that an interrupted removal can be done again. A directory loses its name first:
    what has its name is whole. Raises `TransferError`.
    """
    gone = place.with_name(f"{place.name}.dropped")
    with named(place, "removed"):
        place.with_name(beside).unlink(missing_ok=True)
        if place.is_dir() and not place.is_symlink():
            if gone.exists():
                shutil.rmtree(gone)
            place.rename(gone)
        else:
            place.unlink(missing_ok=True)
        if gone.is_dir() and not gone.is_symlink():
            shutil.rmtree(gone)
    _prune(root, place.parent)


def withdraw(root: Path, file: Path) -> None:
    """Remove a file below `root`, and the directories that are empty then.

    What is not there is no error. Raises `TransferError`.
    """
    with named(file, "removed"), suppress(FileNotFoundError, NotADirectoryError):
        file.unlink()
    _prune(root, file.parent)


def _prune(root: Path, above: Path) -> None:
    with suppress(OSError):  # not empty
        while above != root and root in above.parents:
            above.rmdir()
            above = above.parent


def forget(path: Path) -> None:
    """Remove what was begun of a file or directory that nobody wants any more.

    Raises `TransferError`, also when another process is at it.
    """
    if path.with_name(f"{path.name}.part").exists():
        with part_of(path) as part:
            part.truncate()  # an empty one is not left behind
    partial = path.with_name(f"{path.name}.partial")
    if partial.is_dir() and not partial.is_symlink():
        with named(partial, "removed"):
            shutil.rmtree(partial)
