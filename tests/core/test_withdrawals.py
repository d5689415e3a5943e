"""What a catalogue took away."""

from __future__ import annotations

from tests.given import changed, product, version
from watcher.core.decide import Known
from watcher.core.withdrawals import Gone, taken_away, vanished


def test_what_is_missing_twice_is_withdrawn() -> None:
    assert vanished({1}, [(1, False), (2, False), (3, True)]) == ([2], [3])
    assert vanished(set(), []) == ([], [])


def test_what_a_catalogue_says_it_deleted_is_gone_wherever_it_was_seen() -> None:
    deleted = changed(product("P1"), withdrawn="Corrupted product", geometry=None)
    known = {"P1": Known({version(1): 7, version(2): 8}, {1: 7, 2: 8}, missing=True)}
    assert taken_away([deleted], known) == [
        Gone(1, 7, "Corrupted product", known=True),
        Gone(2, 8, "Corrupted product", known=True),
    ]


def test_what_was_never_seen_or_is_still_offered_or_was_one_of_two_is_not() -> None:
    known = {"P1": Known({version(1): 7}, {1: 7})}
    assert taken_away([changed(product("P2"), withdrawn="Obsolete product or Other")], known) == []
    assert taken_away([product("P1")], known) == []
    assert taken_away([changed(product("P1"), withdrawn="Duplicated product")], known) == []
