"""Names as people write them, and text that is safe to show."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.names import fold, plain


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Litchfield", "LITCHFIELD"),
        ("Sudouest-1", "sud ouest 1"),
        ("Évora", "evora"),
        ("Straße", "STRASSE"),
        ("Midi-Pyrénées", "midi_pyrenees"),
        ("Ｐｏｒｎｉｃ", "Pornic"),
        ("E\u0301vora", "Évora"),
    ],
)
def test_two_spellings_are_one_name(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_different_names_stay_different() -> None:
    names = ["Belgium", "EBelgium", "SudmipyE", "SudmipyO", "Kruger 1", "Kruger 2", "東京", "大阪"]
    assert len({fold(name) for name in names}) == len(names)


@settings(deadline=None)
@given(st.text())
def test_folding_twice_changes_nothing_more(name: str) -> None:
    assert fold(fold(name)) == fold(name)


@settings(deadline=None)
@given(st.text(), st.integers(2, 50))
def test_plain_text_is_one_short_line_without_controls(text: str, limit: int) -> None:
    shown = plain(text, limit=limit)
    assert len(shown) <= limit
    assert shown == shown.strip()
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def test_plain_text_keeps_what_can_be_read() -> None:
    assert plain("Midi-Pyrénées\r\n\x1b[31mred\u202e 東京\u200b") == "Midi-Pyrénées [31mred 東京"
    assert plain("abcdef", limit=4) == "abc…"
