"""Times as catalogues write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from watcher.core.moments import moment, written


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-01T10:00:00Z",
        "2026-02-01T10:00:00.000Z",
        "2026-02-01T10:00:00.000000+00:00",
        "2026-02-01T12:00:00+02:00",
        "2026-02-01T10:00:00",
        "2026-02-01 10:00:00Z",
    ],
)
def test_one_time_in_many_spellings_is_one(text: str) -> None:
    assert moment(text) == datetime(2026, 2, 1, 10, tzinfo=UTC)
    assert str(moment(text)).endswith("+00:00")


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00", None, 5, ["2026"]])
def test_what_is_no_time_is_none(text: object) -> None:
    assert moment(text) is None


def test_a_time_is_written_in_utc_to_the_second_where_that_is_exact() -> None:
    east = timezone(timedelta(hours=2))

    assert written(datetime(2026, 2, 1, 12, tzinfo=east)) == "2026-02-01T10:00:00Z"
    assert written(datetime(2026, 2, 1, 12, 0, 0, 5000, tzinfo=east)) == "2026-02-01T10:00:00.005000Z"
