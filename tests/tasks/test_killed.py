"""SIGKILL at random moments and at every step of sending: `bench/kill_poll.py`, `bench/kill_send.py`, made short."""

from __future__ import annotations

from pathlib import Path

from bench import kill_poll, kill_send


def test_kills_lose_nothing_and_double_one_notice_at_most(tmp_path: Path) -> None:
    damage = kill_poll.torment(tmp_path, kills=8, seed=4)
    assert damage.kills == 8
    assert damage.expected == 24
    assert damage.lost == []
    assert damage.rows == 0
    assert damage.worst <= 1
    assert damage.needless == 0
    assert damage.repeated > 0, "no kill came at a bad moment: this proves nothing"


def test_a_kill_at_any_step_of_sending_loses_nothing_and_doubles_one_notice_at_most(tmp_path: Path) -> None:
    damage = kill_send.torment(tmp_path, every=5)
    assert damage.kills >= 12
    assert damage.lost == []
    assert damage.worst <= 1
    assert damage.repeated > 0, "no kill came at a bad moment: this proves nothing"
