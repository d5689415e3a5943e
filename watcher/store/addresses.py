"""The addresses that carry secrets, in a file of their own.

An Apprise URL holds passwords and tokens. The database, which people copy and dump, keeps only a number drawn for it;
the URL itself lies in `addresses.json` beside the database, readable by its owner alone.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

from watcher.errors import StoreError
from watcher.store.locks import holding


def keep(directory: Path, url: str) -> str:
    """Keep a URL and return the reference that stands for it: the same one for as long as it is kept."""
    with _alone(directory):
        urls = _read(directory)
        for number, known in urls.items():
            if known == url:
                return f"url:{number}"
        # Drawn, not computed: a digest would let whoever has the database try passwords against it.
        number = secrets.token_hex(8)
        _write(directory, {**urls, number: url})
    return f"url:{number}"


def known(directory: Path, url: str) -> str | None:
    """Return the reference that stands for a URL; `None` if it is not kept."""
    return next((f"url:{number}" for number, kept in _read(directory).items() if kept == url), None)


def reveal(directory: Path, reference: str) -> str:
    """Return the URL that a reference stands for; raises `StoreError` when it is gone."""
    url = _read(directory).get(reference.removeprefix("url:"))
    if url is None:
        raise StoreError(
            f"the address {reference} is not in {directory / 'addresses.json'}",
            hint="restore that file, or unsubscribe and subscribe again",
        )
    return url


def secret(directory: Path) -> bytes:
    """Return what the links of this installation are made with: drawn once, and kept beside the addresses."""
    path = directory / "links.key"
    with _alone(directory):
        try:
            if path.exists():
                return bytes.fromhex(path.read_text(encoding="ascii"))
            drawn = secrets.token_bytes(32)
            _put(path, drawn.hex())
        except (OSError, ValueError) as error:
            raise StoreError(f"cannot use {path}: {error}", hint="restore it; a new one voids old links") from error
    return drawn


def forget(directory: Path, reference: str) -> None:
    """Forget a URL that nothing refers to any more."""
    with _alone(directory):
        urls = _read(directory)
        if urls.pop(reference.removeprefix("url:"), None) is not None:
            _write(directory, urls)


def _alone(directory: Path) -> AbstractContextManager[None]:
    """Keep other processes from changing the file between our reading and our writing."""
    return holding(directory / "addresses.lock", what="a change of addresses.json", wait=10.0)


def _read(directory: Path) -> dict[str, str]:
    path = directory / "addresses.json"
    try:
        urls: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot read {path}: {error}", hint="restore it from a backup") from error
    return urls


def _write(directory: Path, urls: dict[str, str]) -> None:
    path = directory / "addresses.json"
    try:
        _put(path, json.dumps(urls, indent=1))
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error}", hint="check the state directory and its disk") from error


def _put(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)
