"""A demo catalogue of our own clock, and the recorded answers of a real resto 2.0.4 to hold it against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import recordings
from tests.demo.asking import AUGUST
from watcher.demo.catalogue import Catalogue, serve
from watcher.demo.timeline import Timeline


class Stopwatch:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture(scope="session")
def complete() -> Iterator[Catalogue]:
    """Everything published, nothing to come."""
    with serve(timeline=Timeline(start=AUGUST)) as catalogue:
        yield catalogue


@pytest.fixture(scope="session")
def recorded() -> Path:
    return recordings.folder("resto-2.0.4")
