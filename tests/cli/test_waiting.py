"""What is waited for is said on a terminal, and nowhere else."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from rich.cells import cell_len

from tests.loopback import until
from watcher.cli.waiting import each, waiting


class Terminal(io.StringIO):
    """A standard error that says whether it is a terminal."""

    def __init__(self, *, real: bool) -> None:
        super().__init__()
        self.real = real

    def isatty(self) -> bool:
        return self.real


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    shown = Terminal(real=True)
    monkeypatch.setattr("watcher.cli.waiting.sys", SimpleNamespace(stdout=shown, stderr=shown))
    monkeypatch.setenv("TERM", "xterm")
    return shown


def test_it_is_said_once_it_takes_long_and_is_gone_again(terminal: Terminal) -> None:
    with waiting("asking cdse"):
        until(lambda: "asking cdse" in terminal.getvalue(), seconds=5)
    assert terminal.getvalue().startswith("\r\x1b[2Kasking cdse … ")
    assert terminal.getvalue().endswith("\r\x1b[2K")


def test_what_is_quick_says_nothing(terminal: Terminal) -> None:
    assert list(each("looking", [1, 2, 3])) == [1, 2, 3]
    assert terminal.getvalue() == ""


def test_each_of_several_is_waited_for_and_nothing_is_drawn_over_what_is_printed(terminal: Terminal) -> None:
    def slow() -> Iterator[int]:
        for number in range(2):
            until(lambda seen=number + 1: terminal.getvalue().count("looking … ") >= seen, seconds=5)
            yield number

    for number in each("looking", slow()):
        assert terminal.getvalue().endswith("\x1b[2K"), "the line is clear"
        terminal.write(f"found {number}\n")


def test_one_thread_tells_of_all_that_come(terminal: Terminal) -> None:
    before = set(threading.enumerate())
    others = {thread for _ in each("looking", range(9)) for thread in threading.enumerate()} - before
    assert len(others) == 1
    assert terminal.getvalue() == ""


def test_it_is_one_line_of_a_narrow_terminal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.cli.waiting.os.get_terminal_size", lambda number: os.terminal_size((40, number)))
    monkeypatch.setattr(terminal, "fileno", lambda: 2)
    with waiting(f"asking cdse for \x1b[1m\n{'東京' * 20}"):
        until(lambda: " s" in terminal.getvalue(), seconds=5)
    (said,) = {line.strip("\r") for line in terminal.getvalue().split("\x1b[2K")} - {""}
    assert said.startswith("asking cdse for [1m 東")
    assert said.endswith(" … 1 s")
    assert cell_len(said) < 40


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_stream_that_is_closed_is_no_terminal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    streams = {"stdout": terminal, "stderr": terminal} | {closed: None}
    monkeypatch.setattr("watcher.cli.waiting.sys", SimpleNamespace(**streams))
    assert list(each("looking", [1])) == [1]


def test_of_what_goes_into_a_pipe_nothing_is_said(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.cli.waiting.sys", SimpleNamespace(stdout=Terminal(real=False), stderr=terminal))
    before = threading.active_count()
    with waiting("asking cdse"):
        assert threading.active_count() == before


@pytest.mark.parametrize(("real", "term"), [(False, "xterm"), (True, "dumb")])
def test_elsewhere_nothing_is_said(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, real: bool, term: str) -> None:
    terminal.real = real
    monkeypatch.setenv("TERM", term)
    before = threading.active_count()
    with waiting("asking cdse"):
        assert threading.active_count() == before
    assert terminal.getvalue() == ""


def test_what_goes_wrong_is_raised_and_the_line_is_clear(terminal: Terminal) -> None:
    with pytest.raises(ZeroDivisionError), waiting("asking cdse"):
        until(lambda: terminal.getvalue() != "", seconds=5)
        raise ZeroDivisionError
    assert terminal.getvalue().endswith("\x1b[2K")
