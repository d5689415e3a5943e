"""Somebody else who may write to the archive, and puts links there while files come home."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from watcher.errors import TransferError
from watcher.transfer.part import Record, part_of

Attack = Callable[[Path, Path, int], None]
"""What is done to an archive, again and again: with the archive, the directory outside, and the file that comes."""


def _link(name: str) -> Attack:
    def plant(archive: Path, victim: Path, number: int) -> None:
        place = archive / "site" / f"{number}{name}"
        place.symlink_to(victim / "precious")
        time.sleep(0.0002)
        place.unlink()

    return plant


def _exchanged(inner: str) -> Attack:
    """Put a link in the place of a directory, and the directory back."""

    def exchange(archive: Path, victim: Path, number: int) -> None:
        place, aside = archive / inner, archive.parent / "aside"
        place.rename(aside)
        place.symlink_to(victim)
        with contextlib.suppress(OSError):
            os.chown(place, 65534, 65534, follow_symlinks=False)
        time.sleep(0.0005)
        place.unlink()
        aside.rename(place)

    return exchange


RACES = {
    "a link for the part": _link(".part"),
    "a link for the record": _link(".part.json"),
    "a link for the new record": _link(".part.json.new"),
    "a link for the final name": _link(""),
    "a link for the directory": _exchanged("site"),
    "a link for the one above": _exchanged(""),
}


def ran(race: str, folder: Path, *, times: int) -> int:
    """Let files come home `times` times against one who plants links; return how many lie, or wrote, outside."""
    archive, victim = folder / "root" / "archive", folder / "victim"
    (archive / "site").mkdir(parents=True)
    victim.mkdir()
    (victim / "precious").write_bytes(b"precious")
    archive.chmod(0o777)
    (folder / "root").chmod(0o777)
    (victim / "site").mkdir()
    number, ended = [0], threading.Event()

    def attack() -> None:
        while not ended.is_set():
            with contextlib.suppress(FileExistsError, FileNotFoundError):  # we were quicker
                RACES[race](archive, victim, number[0])

    attacker = threading.Thread(target=attack)
    attacker.start()
    try:
        for number[0] in range(times):
            with contextlib.suppress(TransferError), part_of(archive / "site" / str(number[0])) as part:
                part.begin(Record("https://x.test/p", total=4))
                part.write(b"ours")
                part.publish()
    finally:
        ended.set()
        attacker.join()
    return len(list(victim.rglob("*"))) - 2 + ((victim / "precious").read_bytes() != b"precious")
