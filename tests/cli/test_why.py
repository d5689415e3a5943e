"""Why somebody heard of a product, or did not; and why nothing was heard of a place on a day."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Watcher
from tests.given import L2A, add_subscription, add_watch, product
from tests.tasks.pretend import NOBODY, Pretend
from watcher import wiring
from watcher.model import Event, Product, Rhythm, Subscription
from watcher.store import alerts, deliveries, polls, sites, subscriptions
from watcher.store.connection import connect, writing
from watcher.tasks.poll import Terms, poll

DAY = datetime(2026, 11, 20, 10, tzinfo=UTC)
JANE, JOHN = "mail:jane@example.org", "mail:john@example.org"
CLEAR, CLOUDY = "SPOT5_clear_L2A", "SPOT5_cloudy_L2A"


class Story:
    """A database with a history: the clock is turned by hand, and all commands see it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db, self.time = db, DAY - timedelta(days=3)
        self.catalogue = Pretend(size=10)

    def __call__(self) -> datetime:
        self.time += timedelta(milliseconds=7)
        return self.time

    def lists(self, name: str, **facts: Any) -> Product:
        listed = product(name, acquired=self.time - timedelta(days=1), **facts)
        self.catalogue.list(listed)
        return listed

    def poll(self, name: str = "take5") -> None:
        poll(self.db, name, self.catalogue, NOBODY, now=self, terms=Terms(download_levels={L2A}))

    def sends(self, answer: str = "250 queued as 7") -> None:
        for due in deliveries.due(self.db, now=self()):
            deliveries.claim(self.db, due, notice="k", now=self())
            deliveries.sent(self.db, due, now=self(), answer=answer)


@pytest.fixture
def story(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    with closing(connect(home / "state" / "watcher.db")) as db:
        told = Story(db)
        monkeypatch.setattr(wiring, "now", told)
        yield told


@pytest.fixture
def told(story: Story) -> Story:
    """A site whose baseline is over; on DAY a clear product and a cloudy one come. Jane takes up to 20 % of cloud."""
    add_watch(story.db, max_cloud=60.0, now=story.time)
    with writing(story.db):
        subscriptions.add(story.db, Subscription(0, JANE, "", max_cloud=20.0), now=story.time)
        subscriptions.add(story.db, Subscription(0, JOHN, "the lab"), now=story.time)
    story.lists("old")
    story.poll()
    story.time = DAY
    story.lists("clear", cloud=10.0)
    story.lists("hazy", cloud=40.0)
    story.lists("cloudy", cloud=80.0)
    story.poll()
    story.time += timedelta(seconds=30)
    story.sends()
    return story


@pytest.mark.parametrize(
    "text",
    [
        f"{CLEAR}.SAFE",
        f"{CLEAR}.zip",
        f"{CLEAR}.tgz",
        f"{CLEAR}.v2.tar.gz",
        f"/srv/products/Pornic/L2A/{CLEAR}.SAFE/",
        rf"D:\products\{CLEAR}.stac.json",
        CLEAR.upper(),
        "CLEAR.zip",
    ],
)
def test_a_product_is_named_by_its_file_too(watcher: Watcher, told: Story, text: str) -> None:
    assert watcher("why", text).out == watcher("why", CLEAR).out != ""


def test_a_product_whose_title_has_an_ending_is_named_without_it(watcher: Watcher, told: Story) -> None:
    told.lists("S2A_X.SAFE", title="S2A_X.SAFE")
    told.lists("S2A_X", title="S2A_X.v1")
    told.poll()
    assert watcher("why", "dir/S2A_X.SAFE").out.startswith("S2A_X.SAFE\n")
    assert watcher("why", "s2a_x.v1.zip").out.startswith("S2A_X.v1\n")
    said = watcher("why", "S2A_Xx.SAFE.zip")
    assert 'no product "S2A_Xx.SAFE.zip" was seen' in said.err


def test_a_product_has_its_story_told_from_the_poll_to_the_answer(watcher: Watcher, told: Story) -> None:
    said = watcher("why", CLEAR).out
    assert "watcher saw it first on 2026-11-20 10:00 UTC, in the poll of take5 that began at 10:00:00" in said
    assert "The watch take5 SPOT5 L2A takes it." in said
    assert "It was announced as new on 2026-11-20 10:00 UTC." in said
    assert (
        "jane@example.org (subscription 1): told on 2026-11-20 10:00 UTC, 30 s after it came;"
        " the answer was: 250 queued as 7." in said
    )
    assert "Wanted since 2026-11-20 10:00 UTC, due" in said


def test_who_did_not_hear_is_told_by_which_rule(watcher: Watcher, told: Story) -> None:
    said = watcher("why", "spot5_HAZY_l2a", "--for", "jane@example.org").out
    assert "jane@example.org (subscription 1): not told: cloud 40 %, and it asks for cloud up to 20 %." in said
    assert "john" not in said
    assert "john@example.org (subscription 2): told on" in watcher("why", "SPOT5_hazy_L2A").out
    said = watcher("why", CLOUDY).out
    assert "does not take it: cloud 80 %, the watch takes up to 60 %." in said
    assert "So it was not announced there, and nobody was told." in said
    assert "They were never wanted (watcher download PRODUCT)." in said
    assert "what the first poll finds is remembered, not announced." in watcher("why", "SPOT5_old_L2A").out


def test_a_subscription_that_was_changed_since_is_said_to_be(watcher: Watcher, told: Story) -> None:
    told.time += timedelta(days=1)
    with writing(told.db):
        subscriptions.change(told.db, Subscription(1, JANE, "", max_cloud=50.0), now=told.time)
        subscriptions.add(told.db, Subscription(0, "mail:late@example.org", ""), now=told.time)
    said = watcher("why", "SPOT5_hazy_L2A").out
    assert "by its terms of today it would hear of it; they were changed on 2026-11-21 10:00 UTC." in said
    assert "late@example.org (subscription 3): not told: the subscription was made on 2026-11-21" in said


def test_who_had_not_heard_of_a_withdrawal_did_not_hear_that_it_is_over(watcher: Watcher, told: Story) -> None:
    gone = told.catalogue.products.pop("clear")
    told.poll()
    told.poll()
    with writing(told.db):
        subscriptions.add(told.db, Subscription(0, "mail:late@example.org", ""), now=told())
    told.catalogue.list(gone)
    told.poll()
    told.sends()
    _, story = watcher("why", CLEAR).out.split("announced as returned")
    assert "jane@example.org (subscription 1): told on 2026-11-20" in story
    assert "late@example.org (subscription 3): not told: it had heard of no withdrawal." in story


def test_the_story_is_there_for_programs(watcher: Watcher, told: Story) -> None:
    (one,) = json.loads(watcher("why", "SPOT5_hazy_L2A", "--json").out)
    assert one["poll"]["listed"] == 4
    (here,) = one["sites"]
    assert here["watches"] == [{"watch": "take5 SPOT5 L2A", "refused": None}]
    hearers = here["arrivals"][0]["hearers"]
    assert [(who["address"], who["state"], who["rule"]) for who in hearers] == [
        ("jane@example.org", "not told", "cloud"),
        ("john@example.org", "sent", None),
    ]


def test_a_product_that_was_never_seen_is_refused_with_those_like_it(watcher: Watcher, told: Story) -> None:
    said = watcher("why", "haz")
    assert said.code == 2
    assert "did you mean SPOT5_hazy_L2A?" in said.err
    assert "watcher why-not SITE DATE" in watcher("why", "nothing").err
    assert "watcher why-not SITE DATE" in watcher("why", "S").err


STATES = {
    "not told yet: held until its quiet hours end, 2026-11-20 18:00 UTC": {
        "due": "2026-11-20T18:00:00.000Z",
        "hold": "quiet",
    },
    "not told yet: held until its digest is due, 2026-11-20 18:00 UTC": {
        "due": "2026-11-20T18:00:00.000Z",
        "hold": "digest",
    },
    "not told yet after 2 tries that failed: 451 later; tried again from 2026-11-20 18:00 UTC on": {
        "due": "2026-11-20T18:00:00.000Z",
        "attempts": 2,
        "problem": "451 later",
    },
    "perhaps told: no answer in 30 s; sent once more from 2026-11-20 18:00 UTC on; it may have come 2 times": {
        "due": "2026-11-20T18:00:00.000Z",
        "attempts": 1,
        "unknown": 1,
        "doubtful": 1,
        "problem": "no answer in 30 s",
    },
    "perhaps told: the sender was stopped at 2026-11-20 10:05 UTC": {
        "due": "2026-11-20T10:00:00.000Z",
        "sending": "2026-11-20T10:05:00.000Z",
    },
    "not told: given up on 2026-11-20 11:00 UTC after 1 try that failed: 550 gone": {
        "given_up": "2026-11-20T11:00:00.000Z",
        "attempts": 1,
        "problem": "550 gone",
    },
    "not told yet: owed since 2026-11-20 10:00 UTC, sent with the next pass": {"due": "2026-11-20T10:00:00.000Z"},
}


def test_every_state_of_a_delivery_has_its_sentence(watcher: Watcher, told: Story) -> None:
    for sentence, columns in STATES.items():
        nothing = dict.fromkeys(("sent", "due", "sending", "hold", "problem", "given_up"))
        changes = {**nothing, "unknown": 0, "doubtful": 0, "attempts": 0, **columns}
        terms = ", ".join(f"{column} = ?" for column in changes)
        told.db.execute(f"UPDATE deliveries SET {terms} WHERE subscription = 1", list(changes.values()))
        assert sentence in watcher("why", CLEAR).out


def why_not(watcher: Watcher, day: str = "2026-11-20", *more: str) -> str:
    said = watcher("why-not", "pornic", day, *more)
    assert said.code == 0
    return said.out


def test_a_day_on_which_something_was_heard_says_so(watcher: Watcher, told: Story) -> None:
    said = why_not(watcher)
    assert said.startswith("Pornic on 2026-11-20 (UTC): something was heard, 3 times.")
    assert "take5 was asked 1 time that day, each time well." in said
    assert "cloud 80 %, the watch takes up to 60 %." in said


def test_of_two_watches_the_one_that_looks_for_another_level_explains_nothing(watcher: Watcher, told: Story) -> None:
    add_watch(told.db, "Pornic", level="L1C")
    said = watcher("why-not", "pornic", "2026-11-16").out
    assert "it looks for" not in said
    assert ": what the first poll finds is remembered, not announced.\n" in said
    assert "The watch take5 SPOT5 L1C does not take it: it looks for L1C" in watcher("why", "SPOT5_old_L2A").out


def test_what_was_filtered_is_told_for_one_address(watcher: Watcher, told: Story) -> None:
    told.db.execute("DELETE FROM deliveries WHERE subscription = 1")
    told.db.execute("UPDATE revisions SET cloud = 45 WHERE id = 'clear'")
    said = why_not(watcher, "2026-11-20", "--for", "1")
    first = said.splitlines()[0]
    assert "3 products came to be seen, and nobody was told: kept back" in first
    assert "2 by the filters of those who subscribe (cloud)" in first
    assert "1 by the filter of the watch (cloud)" in first


def test_a_day_without_polls_or_with_polls_that_failed_is_told_as_such(watcher: Watcher, told: Story) -> None:
    assert "no catalogue was asked" in why_not(watcher, "2026-11-19").splitlines()[0]
    assert "take5 was not asked that day: did watcher run?" in why_not(watcher, "2026-11-19")
    told.time += timedelta(days=1)
    for _ in range(3):
        with writing(told.db):
            number = polls.start(told.db, "take5", now=told())
            polls.finish(told.db, number, listed=0, arrived=0, problem="HTTP 503", not_before=None, now=told())
        told.time += timedelta(minutes=15)
    said = why_not(watcher, "2026-11-21")
    assert said.startswith("Pornic on 2026-11-21 (UTC): no catalogue could be read.")
    assert "3 polls failed, from 10:00 to 10:30: HTTP 503" in said
    told.time = DAY + timedelta(days=2)
    told.poll()
    assert "listed nothing new there" in why_not(watcher, "2026-11-22")


def test_days_before_and_beyond_what_is_known_are_told_as_such(watcher: Watcher, told: Story) -> None:
    assert "it was not watched yet" in why_not(watcher, "2026-11-01")
    assert "polls before 2026-11-17 10:00 UTC are not remembered." in why_not(watcher, "2026-11-01")
    assert "that day is still to come." in why_not(watcher, "2027-11-01")
    first = why_not(watcher, "2026-11-17")
    assert "kept back by the baseline" in first
    assert "had its first complete poll on 2026-11-17 10:00 UTC" in first


def test_what_was_acquired_on_a_day_is_found_whenever_it_was_seen(watcher: Watcher, told: Story) -> None:
    said = why_not(watcher, "2026-11-19")
    assert "no catalogue was asked; what was acquired that day was told of later, 3 times." in said
    assert "Acquired that day, but seen on another:" in said
    assert CLEAR in said


def test_a_site_that_is_paused_or_that_nobody_subscribes_to_is_told_as_such(watcher: Watcher, told: Story) -> None:
    told.time += timedelta(days=3)
    with writing(told.db):
        sites.pause(told.db, sites.named(told.db, "Pornic"), since=told() - timedelta(days=2))
        told.db.execute("DELETE FROM subscriptions")
    said = why_not(watcher, "2026-11-22")
    assert "it was paused, so no catalogue was asked for it." in said
    assert "watcher resume-site Pornic" in said
    assert "Nobody subscribes to it: watcher subscribe" in said
    assert "kept back" in why_not(watcher)
    assert "nobody's subscribing" in why_not(watcher)


def test_what_is_muted_held_or_still_owed_is_told(watcher: Watcher, told: Story) -> None:
    told.time = DAY + timedelta(days=1)
    with writing(told.db):
        muted = Subscription(1, JANE, "", muted=DAY + timedelta(days=9), rhythm=Rhythm())
        subscriptions.change(told.db, muted, now=told())
    told.db.execute(
        "UPDATE deliveries SET sent = NULL, due = '2026-11-23T08:00:00.000Z', hold = 'digest' WHERE subscription = 2"
    )
    told.poll()
    said = why_not(watcher, "2026-11-21")
    assert "jane@example.org (subscription 1) is muted until 2026-11-29 10:00 UTC." in said
    assert (
        f"Still owed that day: {CLEAR}, john@example.org (subscription 2): not told yet: held until its digest" in said
    )
    assert "what came has not been told of: 2 held." in why_not(watcher, "2026-11-20", "--for", "the lab")


def test_an_acquisition_that_another_catalogue_told_of_is_told_as_such(watcher: Watcher, told: Story) -> None:
    add_watch(told.db, catalogue="other", max_cloud=60.0, now=told())
    told.poll("other")
    told.time += timedelta(days=1)
    told.lists("again", cloud=10.0)
    told.poll("other")
    told.db.execute("DELETE FROM arrivals WHERE revision = (SELECT max(number) FROM revisions)")
    told.db.execute("UPDATE revisions SET acquisition = 'one' WHERE id IN ('clear', 'again')")
    said = watcher("why", "SPOT5_again_L2A").out
    assert f"{CLEAR} in take5, of the same acquisition, was told of on 2026-11-20 10:00 UTC." in said
    assert "an acquisition is told of once, from the first catalogue to have it" in said
    assert "the acquisition's being known from another catalogue" in why_not(watcher, "2026-11-21")


def test_an_alert_is_no_arrival_and_has_no_part_in_it(watcher: Watcher, told: Story) -> None:
    add_subscription(told.db, "mail:ops@example.org", events=(Event.HEALTH,))
    with writing(told.db):
        alerts.put(told.db, "health", "catalogue x", title="t", body="b", to=(), now=told())
    assert "ops@example.org (subscription 3): not told: " in watcher("why", CLEAR).out
