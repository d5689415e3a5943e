"""Bars in a terminal."""

from __future__ import annotations

import io

from rich.console import Console
from rich.progress import Progress as Bars

from watcher.cli.under_way import Shown, ended
from watcher.transfer import Progress


def test_a_download_has_a_bar_until_it_ends_well_or_not() -> None:
    with Bars(console=Console(file=io.StringIO(), force_terminal=True)) as drawn:
        shown = Shown(drawn)
        for title in ("[red]ONE", "TWO", "THREE"):
            shown(title, Progress(1, 9))
        assert [task.description for task in drawn.tasks] == ["[red]ONE", "TWO", "THREE"]
        shown("TWO", Progress(3, 9, storing=True))
        assert [task.description for task in drawn.tasks] == ["[red]ONE", "TWO → archive", "THREE"]
        shown("[red]ONE", Progress(9, 9))
        shown.end("THREE")
        shown.end("of which nothing was ever said")
        assert [(task.description, task.completed) for task in drawn.tasks] == [("TWO → archive", 3)]


def test_while_it_is_said_how_one_ended_no_bar_is_drawn() -> None:
    with Bars(console=Console(file=io.StringIO(), force_terminal=True)) as drawn:
        shown = Shown(drawn)
        shown("ONE", Progress(1, 9))
        shown("TWO", Progress(1, 9))
        with ended(shown, "ONE"):
            assert not drawn.live.is_started
            shown("TWO", Progress(2, 9))
        assert drawn.live.is_started
        assert [(task.description, task.completed) for task in drawn.tasks] == [("TWO", 2)]
