from __future__ import annotations

import io
import threading

import pytest

from watcher.channels.terminal import Kind
from watcher.errors import UsageError
from watcher.model import Notice, Outcome
from watcher.plugins import Channel, build

NOTICE = Notice("key-1", "watcher: 1 new L2A at Pornic", "Pornic\n\n  new L2A: SPOT5\n", "<p>page</p>")


def test_it_is_a_channel():
    channel: Channel = build("channels", "terminal", {}, place="channels.terminal")
    assert channel == Kind()


def test_a_notice_is_written_to_standard_error(capsys: pytest.CaptureFixture[str]):
    [sent] = Kind().send([("terminal://", NOTICE)])
    assert sent.outcome is Outcome.SENT
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "watcher: 1 new L2A at Pornic\n\nPornic\n\n  new L2A: SPOT5\n\n"


def test_nothing_in_a_notice_steers_the_terminal(capsys: pytest.CaptureFixture[str]):
    hostile = Notice("k", "\x1b]0;title\x07", "a\x1b[2Jb\r\x9bc\u202e\n  kept", "")
    list(Kind().send([("terminal://", hostile)]))
    err = capsys.readouterr().err
    assert all(c == "\n" or c.isprintable() for c in err)
    assert "\n  kept\n" in err


def test_standard_error_that_is_closed_is_a_failure(monkeypatch: pytest.MonkeyPatch):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stderr", closed)
    [sent] = Kind().send([("terminal://", NOTICE)])
    assert sent.outcome is Outcome.FAILED
    assert "standard error" in str(sent.problem)


def test_a_stop_ends_it(capsys: pytest.CaptureFixture[str]):
    stop = threading.Event()
    results = Kind().send([("terminal://", NOTICE)] * 2, stop=stop)
    assert next(results).outcome is Outcome.SENT
    stop.set()
    assert list(results) == []


def test_only_one_address_is_a_terminal():
    Kind().check("terminal://")
    with pytest.raises(UsageError, match="terminal://tty1"):
        Kind().check("terminal://tty1")
