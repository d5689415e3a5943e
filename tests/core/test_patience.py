from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from watcher.core.patience import DELIVERY, DOWNLOAD, POLL, Patience, staging

NOW = datetime(2015, 6, 12, tzinfo=UTC)


def wait(patience: Patience, attempts: int, chance: float = 0.5, retry_after: float | None = None) -> float:
    again = patience.next_try(attempts, now=NOW, chance=chance, retry_after=retry_after)
    assert again is not None
    return (again - NOW).total_seconds()


def test_a_delivery_is_first_tried_again_after_a_minute():
    assert wait(DELIVERY, 1) == 60


def test_the_waits_of_a_delivery_grow_to_a_day():
    waits = [wait(DELIVERY, attempts) for attempts in range(1, 9)]
    assert waits == sorted(waits)
    assert waits[-1] == 24 * 3600


def test_a_delivery_is_given_up_after_two_days():
    total = sum(wait(DELIVERY, attempts) for attempts in range(1, 9))
    assert 46 * 3600 < total < 50 * 3600
    assert DELIVERY.next_try(9, now=NOW, chance=0.5) is None


def test_a_download_is_given_up_after_a_week():
    total = 0.0
    attempts = 1
    while (again := DOWNLOAD.next_try(attempts, now=NOW, chance=0.5)) is not None:
        total += (again - NOW).total_seconds()
        attempts += 1
    assert timedelta(days=6.5) < timedelta(seconds=total) < timedelta(days=7.5)


def test_chance_moves_a_wait_by_a_fifth_at_most():
    assert wait(DELIVERY, 2, chance=0.0) == pytest.approx(240)
    assert wait(DELIVERY, 2, chance=0.999999) == pytest.approx(360, rel=1e-3)


def test_a_failing_catalogue_is_never_given_up():
    assert 0 < wait(POLL, 10_000, chance=0.9) <= 3600


def test_a_failing_catalogue_is_asked_again_after_a_second_at_the_earliest():
    assert wait(POLL, 7, chance=0.0) == 1


def test_a_catalogue_that_fails_for_an_hour_is_asked_a_dozen_times_at_most():
    asked = []
    for seed in range(300):
        chance = random.Random(seed)
        elapsed, attempts = 0.0, 1
        while (elapsed := elapsed + wait(POLL, attempts, chance=chance.random())) < 3600:
            attempts += 1
        asked.append(attempts)
    assert max(asked) <= 12
    assert sum(asked) / len(asked) < 9.5


def test_a_server_that_asks_for_more_patience_gets_it():
    assert wait(DELIVERY, 1, retry_after=1800) == 1800


@pytest.mark.parametrize("asked", [0, -5, float("nan"), 30])
def test_a_server_cannot_make_us_hurry(asked: float):
    assert wait(DELIVERY, 1, retry_after=asked) == 60


@pytest.mark.parametrize("asked", [1e9, float("inf")])
def test_a_server_cannot_silence_us_for_more_than_six_hours(asked: float):
    assert wait(DELIVERY, 1, retry_after=asked) == 6 * 3600


def test_a_wait_already_longer_than_six_hours_is_not_cut_short_by_a_retry_after():
    assert wait(DELIVERY, 8, retry_after=1e9) == 24 * 3600


def test_a_server_cannot_keep_a_delivery_alive_that_is_given_up():
    assert DELIVERY.next_try(9, now=NOW, chance=0.5, retry_after=60) is None


def test_what_was_never_tried_cannot_be_tried_again():
    with pytest.raises(ValueError, match="attempts = 0"):
        DELIVERY.next_try(0, now=NOW, chance=0.5)


def test_what_comes_from_tape_is_asked_for_more_and_more_seldom_and_never_given_up() -> None:
    waits = [
        (staging(NOW - timedelta(hours=hours), now=NOW, chance=0.5) - NOW).total_seconds() / 60
        for hours in (0, 1, 4, 12, 24 * 30)
    ]
    assert waits == [10, 30, 120, 360, 360]
    assert staging(NOW, now=NOW, chance=0.5, retry_after=3600) == NOW + timedelta(hours=1)
    assert staging(NOW, now=NOW, chance=0.5, retry_after=1) == NOW + timedelta(minutes=10)
    assert staging(NOW, now=NOW, chance=0.5, retry_after=1e9) == NOW + timedelta(days=1)


@pytest.mark.parametrize("attempts", [1, 4, 12])
@pytest.mark.parametrize("chance", [0.0, 0.999])
def test_the_last_try_is_told_from_when_the_next_is_due(attempts: int, chance: float) -> None:
    due = DOWNLOAD.next_try(attempts, now=NOW, chance=chance)
    assert due is not None
    assert NOW - (due - NOW) * 0.51 <= DOWNLOAD.tried(attempts, due=due) <= NOW
