"""Which files leave the archive."""

from __future__ import annotations

from datetime import timedelta

from tests.given import NOW
from watcher.core.archive.retention import Kept, surplus


def kept(number: int, *, days: float, size: int = 10, pinned: bool = False) -> Kept:
    return Kept(number, size, NOW - timedelta(days=days), pinned)


def test_what_is_too_old_leaves_and_then_the_oldest_of_what_is_too_much() -> None:
    files = [kept(1, days=1), kept(2, days=100), kept(3, days=5), kept(4, days=3)]
    assert surplus(files, keep=None, max_size=None, now=NOW) == {}
    assert surplus(files, keep=timedelta(days=90), max_size=None, now=NOW) == {2: "stored 100 d ago"}
    both = surplus(files, keep=timedelta(days=90), max_size=25, now=NOW)
    assert list(both.items()) == [(2, "stored 100 d ago"), (3, "the archive is too large")]
    assert list(surplus(files, keep=None, max_size=40, now=NOW)) == []


def test_what_is_pinned_stays_and_counts() -> None:
    files = [kept(1, days=100, pinned=True), kept(2, days=4), kept(3, days=3)]
    assert list(surplus(files, keep=timedelta(days=90), max_size=20, now=NOW)) == [2]
    assert list(surplus(files, keep=timedelta(days=90), max_size=5, now=NOW)) == [2, 3]
