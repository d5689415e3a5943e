from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.health.silence import FLOOR, LEAST, silence

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def every(days: float, count: int, *, burst: int = 1) -> list[datetime]:
    """Bursts of so many products a minute apart, so many days from each other."""
    return [START + n * days * DAY + minute * timedelta(minutes=1) for n in range(count) for minute in range(burst)]


@pytest.mark.parametrize(
    ("days", "after", "odd"),
    [
        (5, 5, False),
        (5, 14.9, False),
        (5, 15.1, True),
        (1, 2.9, False),
        (1, 3.1, True),
        (0.6, 1.9, False),  # three times the gap, and yet less than two days
        (0.6, 2.1, True),
    ],
)
def test_a_silence_is_odd_once_it_is_three_times_the_usual_gap_and_two_days(
    days: float, after: float, odd: bool
) -> None:
    times = every(days, 20)
    found = silence(times, now=times[-1] + after * DAY)
    assert found is not None
    assert found.odd is odd
    assert found.usual == days * DAY
    assert found.since == times[-1]


def test_the_many_products_of_one_pass_say_nothing_of_the_days_between_passes() -> None:
    times = every(5, 20, burst=120)
    found = silence(times, now=times[-1] + 6 * DAY)
    assert found is not None
    assert not found.odd, "by its minutes alone it would be: two days without any"
    assert timedelta(days=4.8) < found.usual < 5 * DAY


def test_one_long_gap_among_many_does_not_excuse_the_next() -> None:
    times = [*every(1, 30), *(time + 60 * DAY for time in every(1, 30))]
    found = silence(times, now=times[-1] + 10 * DAY)
    assert found is not None
    assert found.odd


def test_without_a_history_nothing_is_said() -> None:
    assert silence([], now=START) is None
    assert silence(every(1, LEAST - 1), now=START + 400 * DAY) is None
    assert silence(every(1, LEAST), now=START + 400 * DAY) is not None


def test_what_was_published_in_the_future_does_not_count() -> None:
    times = every(1, 20)
    local = times[-1] + 30 * DAY
    found = silence([*times, local], now=times[-1] + 5 * DAY)
    assert found is not None
    assert found.odd


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60), st.randoms())
def test_the_order_does_not_matter_and_a_fresh_publication_ends_every_silence(hours, chance) -> None:
    times = [START + hour * timedelta(hours=1) for hour in hours]
    shuffled = list(times)
    chance.shuffle(shuffled)
    now = max(times) + FLOOR
    assert silence(times, now=now) == silence(shuffled, now=now)
    found = silence([*times, now], now=now)
    assert found is None or not found.odd
