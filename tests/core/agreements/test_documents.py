"""Subscriptions as documents: what is written is read back, and what cannot be read is named."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.clocks import rhythms
from tests.given import L1C, L2A
from watcher.core.agreements.documents import Misread, document, draft, line, parsed, table
from watcher.core.agreements.terms import essence
from watcher.errors import UsageError
from watcher.model import ARRIVALS, FIELDS, FOR_GOOD, Event, Rhythm, Subscription

SITES = {1: "Pornic", 2: 'A "quoted" \\ name', 3: "Île d'Yeu"}
words = st.lists(st.text("abcé* \"'\\", min_size=1, max_size=6).map(str.strip).filter(bool), max_size=2).map(tuple)
dates = st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001  bounds have none
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
cover = st.none() | st.floats(0, 100)
subscriptions = st.builds(
    Subscription,
    number=st.integers(1, 99),
    address=st.just("mail:jane@example.org"),
    name=st.sampled_from(["", "the lab", 'x = "y"']),
    sites=st.none() | st.lists(st.sampled_from([1, 2, 3]), unique=True).map(tuple),
    levels=st.sampled_from([(), (L2A,), (L1C, L2A)]),
    max_cloud=cover,
    tags=st.sampled_from([(), ("dry",), ("dry", "north sea")]),
    collections=words,
    platforms=words,
    events=st.lists(
        st.sampled_from([event for event in Event if event is not Event.RETURNED]), min_size=1, unique=True
    ).map(tuple),
    min_coverage=cover,
    acquired_since=dates,
    rhythm=rhythms(),
    muted=dates | st.just(FOR_GOOD),
    fields=st.lists(st.sampled_from(FIELDS), unique=True).map(tuple),
    still=st.booleans(),
)


@settings(max_examples=60)
@given(one=subscriptions, refuses=st.booleans(), form=st.sampled_from(["toml", "json"]))
def test_what_is_written_is_read_back(one: Subscription, refuses: bool, form: Any) -> None:
    if refuses and one.max_cloud is not None:
        one = replace(one, unknown_cloud=False)
    text = document([table(one, address="jane@example.org", stands_for=None, sites=SITES)], form)
    (said,) = parsed(text)
    read = draft(said, zone="Asia/Tokyo")
    numbers = {name: number for number, name in SITES.items()}
    places = None if read.sites is None else tuple(numbers[name] for name in read.sites)
    back = replace(read.terms, address=one.address, sites=places)
    assert read.id == one.number
    assert essence(back) == essence(one)
    assert set(back.events) == set(one.events)


def test_the_least_that_is_said_is_an_address() -> None:
    read = draft({"address": "team"}, zone="Asia/Tokyo")
    assert read.terms == Subscription(0, "", "", rhythm=Rhythm(zone="Asia/Tokyo"))
    assert read.terms.events == ARRIVALS
    assert (read.address, read.id, read.sites) == ("team", None, None)


@pytest.mark.parametrize(
    ("said", "key", "text", "hint"),
    [
        ({}, "address", "no address", "channel"),
        ({"address": 3}, "address", "must be text", None),
        ({"adress": "x"}, "adress", "no such key", "did you mean address"),
        ({"max_cloud": 120}, "max_cloud", "max_cloud = 120: it must be a number from 0 to 100", None),
        ({"max_cloud": True}, "max_cloud", "0 to 100", None),
        ({"max_cloud": float("nan")}, "max_cloud", "0 to 100", None),
        ({"min_coverage": "60"}, "min_coverage", 'min_coverage = "60"', None),
        ({"levels": "L2A"}, "levels", "list of texts", '["one", "two"]'),
        ({"events": ["new", "old"]}, "events", '"old" is no event', "new, revised"),
        ({"events": []}, None, "no event", None),
        ({"unknown_cloud": "maybe", "max_cloud": 20}, "unknown_cloud", "no policy", '"pass" or "refuse"'),
        ({"unknown_cloud": "refuse"}, None, "maximum of cloud", None),
        ({"since": "yesterday"}, "since", "no date", "2026-11-22"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "since", "no date", None),
        ({"every": "hour", "at": "08:00"}, "every", "08:00", None),
        ({"zone": "Europe/Pari"}, "zone", "no time zone", "Europe/Paris"),
        ({"quiet": "all night"}, "quiet", "no quiet hours", "22:00-07:00"),
        ({"fields": ["clud"]}, "fields", 'no column "clud"', "cloud"),
        ({"tags": ["a,b"]}, "tags", "no tag", None),
        ({"still": 1}, "still", "true or false", None),
        ({"id": "3"}, "id", "whole number", None),
        ({"name": "a\nb"}, "name", "printed", None),
    ],
)
def test_what_cannot_be_read_is_named(said: dict[str, Any], key: str | None, text: str, hint: str | None) -> None:
    with pytest.raises(Misread) as refused:
        draft({"address": "team", **said} if said else {}, zone="UTC")
    assert text in str(refused.value)
    assert refused.value.key == key
    assert hint is None or hint in str(refused.value.hint)


def test_an_address_that_may_be_a_secret_is_not_repeated() -> None:
    with pytest.raises(Misread) as refused:
        draft({"address": "slack://T0KEN\n"}, zone="UTC")
    assert "T0KEN" not in str(refused.value)


def test_times_and_dates_may_be_written_as_toml_has_them() -> None:
    text = '[[subscriptions]]\naddress = "team"\nevery = "day"\nat = 08:30:00\nsince = 2026-01-01\nmuted = true\n'
    terms = draft(parsed(text)[0], zone="UTC").terms
    assert terms.rhythm.at == time(8, 30)
    assert terms.acquired_since == datetime(2026, 1, 1, tzinfo=UTC)
    assert terms.muted == FOR_GOOD


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = \ny = 1", "TOML.*line 1"),
        ("x = 1", '"x" belongs to no subscription'),
        ("", "holds no subscriptions"),
        ("subscriptions = 3", "holds no subscriptions"),
        ("subscriptions = [3]", "holds no subscriptions"),
        ('{"subscriptions": [', "JSON.*line 1"),
        ('{"subscriptions": [{"max_cloud": NaN}]}', "NaN is no number"),
        ('{"subscriptions": [{"id": 1, "id": 2}]}', "there twice"),
        ('{"a":' * 100_000, "JSON"),
    ],
)
def test_what_is_no_document_is_refused(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        parsed(text)


def test_the_line_of_a_key_is_found() -> None:
    text = '# x\n[[subscriptions]]\naddress = "a"\n\n[[subscriptions]]\n  "max_cloud"= 120\naddress = "b"\n'
    tomllib.loads(text)
    assert line(text, 0, "address") == 3
    assert line(text, 0, "max_cloud") == 2
    assert line(text, 1, "max_cloud") == 6
    assert line(text, 1, None) == 5
    assert line('subscriptions = [{address = "a"}]', 0, "address") is None


def test_what_is_usual_is_left_out() -> None:
    one = Subscription(3, "channel:team", "", max_cloud=20.0)
    text = document([table(one, address="team", stands_for=None, sites={})], "json")
    assert json.loads(text)["subscriptions"] == [
        {
            "id": 3,
            "address": "team",
            "events": ["new", "revised", "withdrawn"],
            "max_cloud": 20,
            "unknown_cloud": "pass",
            "every": "pass",
            "zone": "UTC",
        }
    ]


def test_where_nobody_is_told_the_document_begins_with_what_it_is_too() -> None:
    page = document([], "toml")
    assert page.startswith("# Subscriptions of watcher. ")
    assert page.endswith("\nsubscriptions = []\n")
    assert parsed(page) == []
