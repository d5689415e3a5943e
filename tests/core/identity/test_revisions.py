"""What tells one processing of an acquisition from the next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.identity.revisions import completes, recognised, same, token

FIRST = {
    "updated": "2015-07-09T17:13:00Z",
    "produced": "2015-07-09T10:13:00Z",
    "version": "1.0",
    "checksum": "md5:c6141dacbb0d9742ebdbbed08bbbe34e",
    "size": 79892,
}
LATER = {
    "updated": "2016-01-01T00:00:00Z",
    "produced": "2015-12-24T00:00:00Z",
    "version": "2.0",
    "checksum": "md5:9c640a39ae01941e6fd0041db0dd31e0",
    "size": 154622,
}

FACTS = st.fixed_dictionaries(
    {
        "updated": st.none() | st.text(max_size=5),
        "produced": st.none() | st.text(max_size=5),
        "version": st.none() | st.text(max_size=5),
        "checksum": st.none() | st.text(max_size=5),
        "size": st.none() | st.integers(0, 3),
    }
)


def only(*names, of=FIRST):
    return token(**{name: of[name] if name in names else None for name in FIRST})


def changed(*names):
    return token(**{name: (LATER if name in names else FIRST)[name] for name in FIRST})


def test_a_token_is_one_readable_line():
    assert token(**FIRST) == (
        "2015-07-09T17:13:00Z|2015-07-09T10:13:00Z|1.0|md5:c6141dacbb0d9742ebdbbed08bbbe34e|79892"
    )


@pytest.mark.parametrize("name", ["produced", "version", "checksum", "size"])
def test_what_tells_of_the_content_tells_processings_apart(name):
    assert not same(changed(), changed(name))
    assert not same(changed(), changed(name, "updated"))


@pytest.mark.parametrize(
    ("known", "listed", "expected"),
    [
        (changed(), changed("updated"), True),
        (only("updated", "checksum"), changed("updated"), True),
        (only("updated", "produced"), changed("updated"), True),
        (only("updated", "version", "size"), changed("updated"), False),
        (only("updated"), only("updated", of=LATER), False),
        (only("updated"), changed("updated"), False),
        (only("updated"), changed(), True),
        (only("version"), only("version", of=LATER), False),
        (only("size"), changed("size"), False),
        (only(), changed(), True),
        (only(), only(), True),
        (changed("checksum"), only("updated"), True),
    ],
    ids=[
        "a record that only changed is no new processing where the checksum is known",
        "nor where only the checksum is known on both sides",
        "nor where only the time of production is",
        "without either a changed record is a new processing",
        "nor is there more to go by than the change of the record",
        "even if the later record says more",
        "a record that was completed without a change is the same",
        "a version alone decides",
        "a size alone decides",
        "nothing known contradicts nothing",
        "nothing is the same as nothing",
        "what is no longer said decides nothing",
    ],
)
def test_what_both_say_decides(known, listed, expected):
    assert same(known, listed) is expected


def test_a_separator_in_a_value_shifts_nothing():
    one = token(updated=None, produced=None, version="1|2", checksum=None, size=None)
    other = token(updated=None, produced=None, version="1", checksum="2", size=None)
    assert one != other
    assert not same(one, other)


@given(FACTS)
def test_a_processing_is_the_same_as_itself(facts):
    assert same(token(**facts), token(**facts))


@given(FACTS, FACTS)
def test_it_does_not_matter_which_was_known_first(one, other):
    assert same(token(**one), token(**other)) == same(token(**other), token(**one))


@given(FACTS, FACTS)
def test_tokens_are_equal_exactly_if_all_facts_are(one, other):
    facts = [{name: value if value != "" else None for name, value in f.items()} for f in (one, other)]
    assert (token(**one) == token(**other)) == (facts[0] == facts[1])


def test_the_newest_revision_has_the_benefit_of_the_doubt() -> None:
    first, later = token(**FIRST), token(**LATER)
    assert recognised([first], token(**FIRST | {"checksum": None})) == first
    assert recognised([first, later], token(**LATER | {"size": None})) == later
    assert recognised([first], later) is None


def test_what_a_lagging_server_shows_again_is_an_older_revision() -> None:
    first, later = token(**FIRST), token(**LATER)
    assert recognised([first, later], token(**FIRST | {"checksum": None, "size": None})) == first


def test_an_older_revision_of_which_little_is_known_hides_no_newer_one() -> None:
    bare = token(updated="2015-01-01T00:00:00Z", produced=None, version=None, checksum=None, size=None)
    newest = token(**LATER | {"updated": None, "checksum": "md5:00"})
    assert recognised([bare, token(**FIRST)], newest) is None


def test_a_description_completes_another_only_when_it_says_no_less() -> None:
    less = token(**FIRST | {"checksum": None})
    assert completes(less, token(**FIRST))
    assert completes(less, less)
    assert not completes(token(**FIRST), less)
