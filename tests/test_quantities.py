"""Durations and sizes, read and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.quantities import Bytes, Seconds, read, written


@pytest.mark.parametrize(
    ("text", "kind", "again"),
    [
        ("90d", Seconds, "90d"),
        ("90 min", Seconds, "90m"),
        ("1.5h", Seconds, "90m"),
        ("2w", Seconds, "14d"),
        (250, Seconds, "250s"),
        ("250ms", Seconds, "0.25s"),
        ("0h", Seconds, "0s"),
        ("5 MiB", Bytes, "5 MiB"),
        ("500MB", Bytes, "500 MB"),
        ("1000 gb", Bytes, "1 TB"),
        (1234567, Bytes, "1234567 B"),
        (0, Bytes, "0 B"),
    ],
)
def test_what_people_write_is_said_back_as_they_write_it(text: object, kind: type, again: str) -> None:
    assert written(read(kind, text)) == again


@given(st.one_of(st.integers(0, 10**12).map(Bytes), st.integers(0, 10**11).map(lambda tenths: Seconds(tenths / 10))))
def test_what_is_written_is_read_as_the_same(value: Bytes | Seconds) -> None:
    assert read(type(value), written(value)) == value
