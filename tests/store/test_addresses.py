"""Addresses with secrets stay out of the database."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from tests.given import add_subscription
from watcher.errors import StoreError
from watcher.store import addresses

SECRET = "hunter2-canary"
URL = f"mailtos://jane:{SECRET}@smtp.example.org/?to=jane@example.org"


def test_a_kept_url_is_revealed_by_its_reference(tmp_path: Path) -> None:
    reference = addresses.keep(tmp_path, URL)
    other = addresses.keep(tmp_path, "slack://a/b/c")
    assert reference != other
    assert addresses.reveal(tmp_path, reference) == URL
    assert addresses.reveal(tmp_path, other) == "slack://a/b/c"


def test_the_same_url_has_the_same_reference(tmp_path: Path) -> None:
    assert addresses.keep(tmp_path, URL) == addresses.keep(tmp_path, URL)


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    addresses.keep(tmp_path, URL)
    assert stat.S_IMODE((tmp_path / "addresses.json").stat().st_mode) == 0o600
    assert list(tmp_path.glob(".addresses-*")) == []


def test_no_byte_of_the_database_holds_the_secret(path: Path, db: sqlite3.Connection) -> None:
    add_subscription(db, addresses.keep(path.parent, URL))
    files = [file for file in path.parent.iterdir() if file.name.startswith("watcher.db")]
    assert len(files) == 3
    everything = b"".join(file.read_bytes() for file in files)
    assert b"url:" in everything
    for trace in (SECRET, "smtp.example.org", hashlib.sha256(URL.encode()).hexdigest()[:16]):
        assert trace.encode() not in everything, trace


def test_a_forgotten_url_is_gone(tmp_path: Path) -> None:
    reference = addresses.keep(tmp_path, URL)
    kept = addresses.keep(tmp_path, "slack://a/b/c")
    addresses.forget(tmp_path, reference)
    addresses.forget(tmp_path, reference)
    assert SECRET not in (tmp_path / "addresses.json").read_text()
    assert addresses.reveal(tmp_path, kept) == "slack://a/b/c"
    with pytest.raises(StoreError, match=reference) as failing:
        addresses.reveal(tmp_path, reference)
    assert "subscribe again" in str(failing.value.hint)


def test_a_file_that_cannot_be_read_is_named_and_not_overwritten(tmp_path: Path) -> None:
    broken = tmp_path / "addresses.json"
    broken.write_text('{"half": ')
    with pytest.raises(StoreError, match=r"addresses\.json"):
        addresses.keep(tmp_path, URL)
    assert broken.read_text() == '{"half": '


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "addresses.json").mkdir()
    with pytest.raises(StoreError, match=r"addresses\.json") as failing:
        addresses.keep(tmp_path, URL)
    assert failing.value.hint


def test_those_who_keep_at_once_lose_nothing(tmp_path: Path) -> None:
    urls = [f"slack://token/{n}" for n in range(12)]
    threads = [threading.Thread(target=addresses.keep, args=(tmp_path, url)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = json.loads((tmp_path / "addresses.json").read_text())
    assert sorted(kept.values()) == sorted(urls)
