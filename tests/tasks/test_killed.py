"""SIGKILL at random moments: `bench/kill_poll.py`, for as long as a test may take."""

from __future__ import annotations

from pathlib import Path

from bench.kill_poll import torment


def test_kills_lose_nothing_and_double_one_notice_at_most(tmp_path: Path) -> None:
    damage = torment(tmp_path, kills=8, seed=4)
    assert damage.kills == 8
    assert damage.expected == 24
    assert damage.lost == []
    assert damage.rows == 0
    assert damage.worst <= 1
    assert damage.repeated > 0, "no kill came at a bad moment: this proves nothing"
