"""What was sent and what is owed, as people ask for it; trying again by hand; approving floods."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Scene, Watcher
from tests.given import add_subscription, add_watch, owe, product
from watcher.core.audience import Owed
from watcher.core.outbox import Standing
from watcher.model import Event
from watcher.store import deliveries, recipients
from watcher.store.connection import connect, writing
from watcher.wiring import now

JANE, JOHN, TEAM = "mail:jane@example.org", "mail:john@example.org", "mail:team@example.org"


@pytest.fixture
def db(home: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(home / "state" / "watcher.db")) as db:
        yield db


@pytest.fixture
def each(db: sqlite3.Connection) -> sqlite3.Connection:
    """A delivery in each state."""
    for address in (JANE, JOHN, TEAM):
        add_subscription(db, address)
    site = add_watch(db).site.number
    moment = now()
    for state in ("sent", "unknown", "retrying", "given_up", "sending", "held", "queued"):
        later = moment + timedelta(hours=1)
        owe(db, site, product(state), Owed(JANE, 1, later, "quiet") if state == "held" else Owed(JANE, 1))
        if state in ("held", "queued"):
            continue
        due = next(one for one in deliveries.due(db, now=moment) if one.attempts == 0)
        deliveries.claim(db, due, notice=f"key-{state}", now=moment)
        if state == "sent":
            deliveries.sent(db, due, now=moment, answer="250 2.0.0 queued as 77")
        elif state != "sending":
            again = None if state == "given_up" else later
            unknown = state == "unknown"
            problem = "no answer in 30 s" if unknown else "451 later"
            deliveries.failed(db, due, problem=problem, again=again, now=moment, unknown=unknown)
    return db


def test_each_state_is_listed_with_its_times_and_the_answer(watcher: Watcher, each: sqlite3.Connection) -> None:
    listed = json.loads(watcher("deliveries", "--json").out)
    # Nobody is at work: what was being sent was cut short.
    states = {row["title"].split("_")[1]: row["state"] for row in listed}
    assert states == {
        "sent": "sent",
        "unknown": "unknown",
        "retrying": "retrying",
        "given": "given up",
        "sending": "unknown",
        "held": "held",
        "queued": "queued",
    }
    (sent,) = [row for row in listed if row["state"] == "sent"]
    assert sent["answer"] == "250 2.0.0 queued as 77"
    assert sent["sent"] is not None
    assert sent["notice"] == "key-sent"
    text = watcher("deliveries").out
    assert "250 2.0.0 queued as 77" in text
    assert "quiet hours" in text
    assert "cut short at" in text
    assert "1 (1?)" in text


@pytest.mark.parametrize(
    ("state", "count"), [("held", 1), ("unknown", 2), ("given-up", 1), ("sending", 0), ("sent", 1)]
)
def test_one_state_may_be_asked_for(watcher: Watcher, each: sqlite3.Connection, state: str, count: int) -> None:
    assert len(json.loads(watcher("deliveries", "--state", state, "--json").out)) == count


def test_an_address_is_named_as_it_is_shown_by_its_number_or_by_its_name(
    watcher: Watcher, each: sqlite3.Connection
) -> None:
    for name in ("jane@example.org", "JANE@example.org", "1"):
        assert len(json.loads(watcher("deliveries", name, "--json").out)) == 7
    assert json.loads(watcher("deliveries", "john@example.org", "--json").out) == []
    said = watcher("deliveries", "nobody@example.org")
    assert said.code == 2
    assert "jane@example.org" in said.err


def test_only_so_many_are_listed_the_newest_first(watcher: Watcher, each: sqlite3.Connection) -> None:
    said = watcher("deliveries", "--limit", "2").out
    assert "SPOT5_queued" in said
    assert "SPOT5_sent" not in said
    assert "… and older ones (--limit 20)" in said


def test_status_counts_the_states_and_shows_what_is_set_aside(watcher: Watcher, each: sqlite3.Connection) -> None:
    with writing(each):
        recipients.keep(each, JOHN, Standing(failing=now(), aside=now(), problem="550 no such person"))
    said = watcher("status").out
    assert "deliveries: 5 owed (1 held, 2 unknown, 1 retrying), 1 sent, 1 given up" in said
    assert "john@example.org: set aside" in said
    state = json.loads(watcher("status", "--json").out)
    assert state["deliveries"] == {
        "owed": 5,
        "queued": 1,
        "held": 1,
        "sending": 0,
        "unknown": 2,
        "retrying": 1,
        "sent": 1,
        "given_up": 1,
    }
    assert state["alerts"] == []
    with writing(each):
        recipients.keep(each, JANE, Standing(failing=now(), again=now(), problem="451 come back later"))
        each.execute("UPDATE deliveries SET problem = '451 come back later' WHERE attempts > 0 AND sent IS NULL")
    told = watcher("deliveries").out
    assert (told.count("451 come back later"), told.count("  as above")) == (1, 3), "it is said once"
    listed = watcher("deliveries", "john@example.org").out
    assert "john@example.org is set aside since" in listed
    assert "watcher retry john@example.org" in listed


def test_a_retry_may_be_of_one_address_and_one_state(watcher: Watcher, each: sqlite3.Connection) -> None:
    with writing(each):
        recipients.keep(each, JANE, Standing(failing=now(), aside=now(), problem="550"))
    assert watcher("retry", "john@example.org").out == "0 deliveries and 0 downloads are due again.\n"
    assert watcher("retry", "1", "--state", "given-up").out == "1 delivery and 0 downloads are due again.\n"
    assert recipients.troubled(each) == {}
    assert watcher("retry").out == "2 deliveries and 0 downloads are due again.\n"
    states = [row["state"] for row in json.loads(watcher("deliveries", "--json").out)]
    assert sorted(states) == ["held", "queued", "queued", "queued", "queued", "sent", "unknown"]


def test_health_is_found_out_and_told_under_a_timer(watcher: Watcher, db: sqlite3.Connection, home: Path) -> None:
    with writing(db):
        recipients.keep(db, JANE, Standing(failing=now(), aside=now(), problem="550 no such person"))
    add_subscription(db, JANE)
    box = home / "mail"
    watcher("subscribe", f"mbox://{box}")
    with writing(db):
        db.execute("UPDATE subscriptions SET events = ? WHERE number = 2", [json.dumps([Event.HEALTH])])
    said = watcher("notify")
    assert said.out == f"sent to mbox://{box}: watcher: jane@example.org is told of nothing any more\n"
    assert "550 no such person" in box.read_text()
    assert watcher("notify").out == "No notice is due.\n"
    said = watcher("status").out
    assert "alert since" in said
    assert "jane@example.org is told of nothing any more (" in said


def flooded(watcher: Watcher, home: Path) -> None:
    """Poll so that more downloads are wanted than may come."""
    config = home / "config.toml"
    config.write_text(config.read_text().replace("reserve = 0", "reserve = 0\napprove_above = 1"))
    watcher("add-site", "Pornic")
    watcher("add-site", "Litchfield")
    watcher("poll")


def test_a_flood_is_shown_and_approved_for_a_site_or_refused(watcher: Watcher, scene: Scene, home: Path) -> None:
    assert watcher("approve").out == "No download waits for approval.\n"
    flooded(watcher, home)
    scene.play()
    said = watcher("poll")
    assert "downloads wait for approval: watcher approve" in said.err
    assert watcher("download").out == "No download is due.\n"
    waiting = json.loads(watcher("approve", "--json").out)
    count = {row["site"]: row["products"] for row in waiting}
    assert set(count) == {"Pornic", "Litchfield"}
    assert "Let them come: watcher approve --all" in watcher("approve").out
    assert f"{sum(count.values())} wait for approval" in watcher("status").out
    assert "alert since" in watcher("status").out
    assert watcher("approve", "--site", "Pornic").out == f"{count['Pornic']} downloads are due now.\n"
    refused = watcher("approve", "--all", "--refuse").out
    assert refused.startswith(f"{count['Litchfield']} downloads are refused; watcher download PRODUCT still fetches")
    assert watcher("approve", "--all").out == "No download waits for approval.\n"
    assert "alert since" not in watcher("status").out
    assert watcher("download").out.count("stored ") == count["Pornic"]


@pytest.mark.parametrize("words", [("--refuse",), ("--all", "--site", "Pornic")])
def test_what_an_approval_does_not_say_is_refused(watcher: Watcher, words: tuple[str, ...]) -> None:
    assert watcher("approve", *words).code == 2
