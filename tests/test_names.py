"""Names as people write them, and text that is safe to show."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.names import fold, identity, plain, utf8


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


@given(st.text())
def test_folding_twice_changes_nothing_more(name: str) -> None:
    assert fold(fold(name)) == fold(name)


@given(st.text(), st.integers(2, 50))
def test_plain_text_is_one_short_line_without_controls(text: str, limit: int) -> None:
    shown = plain(text, limit=limit)
    assert len(shown) <= limit
    assert shown == shown.strip()
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def test_plain_text_keeps_what_can_be_read() -> None:
    assert plain("Midi-Pyrénées\r\n\x1b[31mred\u202e 東京\u200b") == "Midi-Pyrénées [31mred 東京"
    assert plain("abcdef", limit=4) == "abc…"


def test_an_identifier_that_cannot_be_printed_stays_one_of_its_own() -> None:
    assert identity("S2A_MSIL2A_20260101") == "S2A_MSIL2A_20260101"
    assert identity("a\0b") == "a%00b"
    assert len({identity(f"a{chr(code)}b") for code in range(32)}) == 32


def test_bytes_that_are_no_text_are_not_kept() -> None:
    assert utf8("é".encode()) == "é".encode()
    assert utf8(b"\xff") is None
