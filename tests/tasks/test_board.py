"""How far downloads are, as another process reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loopback import until
from watcher.store import fetching
from watcher.tasks.download.board import Board
from watcher.transfer import Progress


def test_what_is_under_way_is_written_and_what_has_ended_is_not(tmp_path: Path) -> None:
    path, told = tmp_path / "fetching.json", []
    board = Board(path, lambda title, progress: told.append((title, progress.done)))
    board.show("ONE", Progress(500, 1000))
    board.show("TWO", Progress(0, None))
    board.show("ONE", Progress(700, 1000))
    board.write()
    assert told == [("ONE", 500), ("TWO", 0), ("ONE", 700)]
    one, two = fetching.get(path)
    assert (one.title, one.done, one.total, one.storing) == ("ONE", 700, 1000, False)
    assert one.rate > 0, "by what came since it was first heard of, not by what was there before"
    assert one.left is not None
    assert one.left < 1000
    assert (two.done, two.total, two.rate, two.left) == (0, None, 0, None)
    board.end("ONE")
    board.show("TWO", Progress(9, 9, storing=True))

    def ended() -> bool:
        board.write()
        return [(one.title, one.storing) for one in fetching.get(path)] == [("TWO", True)]

    until(ended)
    board.close()
    board.close()
    assert fetching.get(path) == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "then",
    [Progress(0, 1000), Progress(900, 1000, storing=True)],
    ids=["fetched once more from its start", "on its way into the archive"],
)
def test_what_begins_again_has_a_rate_of_its_own(then: Progress, tmp_path: Path) -> None:
    board = Board(tmp_path / "fetching.json", None)
    for progress in (Progress(500, 1000), Progress(900, 1000), then):
        board.show("ONE", progress)
    board.write()
    (one,) = fetching.get(tmp_path / "fetching.json")
    assert (one.done, one.rate, one.left) == (then.done, 0, None)


def test_a_board_that_cannot_be_written_holds_up_nothing(tmp_path: Path) -> None:
    board = Board(tmp_path / "nowhere" / "fetching.json", None)
    board.show("ONE", Progress(1, 2))
    board.write()
    board.close()
    (tmp_path / "fetching.json").write_text("no JSON")
    assert fetching.get(tmp_path / "fetching.json") == ()
