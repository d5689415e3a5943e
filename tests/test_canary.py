"""The self-test passes when all is well, and says what is not."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from watcher import canary
from watcher.errors import StoreError
from watcher.wiring import now


def test_a_canary_comes_out_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert canary.rehearse(now=now) is None
    assert list(tmp_path.iterdir()) == []


def broken(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("a defect")


@pytest.mark.parametrize(
    ("part", "instead", "said"),
    [
        ("watcher.tasks.poll.reading.matches", lambda *_, **__: [], "announced 0"),
        ("watcher.tasks.poll.reading.decide", broken, "ZeroDivisionError"),
        ("watcher.core.decide.accepts", lambda *_, **__: True, "announced 2"),
        ("watcher.store.deliveries.owe", lambda *_, **__: 0, "one notice of one new product"),
        ("watcher.store.deliveries.sent", lambda *_, **__: None, "one notice of one new product"),
        ("watcher.store.deliveries.claim", broken, "ZeroDivisionError"),
    ],
)
def test_a_part_that_fails_is_noticed(
    part: str, instead: Callable[..., Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, instead)
    assert said in (canary.rehearse(now=now) or "")


def test_without_a_place_for_the_test_nothing_is_said_of_watcher(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise StoreError("the database: disk is full")

    monkeypatch.setattr(canary, "connect", full)
    with pytest.raises(StoreError):
        canary.rehearse(now=now)
