"""One acquisition in several catalogues: told once, revised by what replaces it, withdrawn with its cause."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.given import ACQUIRED, FILE, L2A, NOW, Clock, add_subscription, add_watch, announced, box, product, rows
from tests.tasks.pretend import NOBODY, Pretend
from watcher.archive import Disk
from watcher.core.identity.racing import race
from watcher.core.identity.revisions import token
from watcher.model import Event, Notice, Outcome, Product, Sent
from watcher.store import acquisitions, downloads, listings
from watcher.tasks.notify import notify
from watcher.tasks.poll import Polled, Terms, poll

TILE = "S2A_MSIL2A_20150530T111203_{}_R094_T31TCJ_{}"
OLD, NEW = TILE.format("N0204", "20150530T150000"), TILE.format("N0500", "20231013T021711")
PC, DAY = TILE.replace("_{}_R094", "_R094").format("20150530T150000"), "S2A_31TCJ_20150530_0_L2A"
MAJA = "SENTINEL2A_20150530-111223-123_L2A_T31TCJ_C_V2-2"
OTHER = TILE.format("N0204", "20150602T150000").replace("20150530T111203", "20150602T111203")
GROUND = box(1.5, 43.0, 2.5, 44.0)
HERE = {"geometry": GROUND, "code": None}

Ask = Callable[..., Polled]


def listed(ident: str, catalogue: str, *, version: str | None = None, **facts: Any) -> Product:
    said = token(updated=None, produced=None, version=version, checksum=None, size=None)
    usual: dict[str, Any] = {"title": ident, "collection": f"{catalogue}-l2a", "assets": (), **HERE}
    return product(ident, **(usual | facts), revision=said)


def filler(catalogue: str) -> Product:
    """Something that stays, so that no answer is empty."""
    return listed("stays", catalogue)


@pytest.fixture
def ask(db: sqlite3.Connection, clock: Clock) -> Ask:
    """Poll a catalogue by its name, a quarter of an hour after the last time; its listing is what is given."""

    def once(name: str, *products: Product, **terms: Any) -> Polled:
        clock.forward(minutes=15)
        catalogue = Pretend(filler(name), *products, codes=False, learns=terms.pop("learns", False))
        return poll(db, name, catalogue, NOBODY, now=clock, **terms)

    return once


@pytest.fixture(autouse=True)
def watched(db: sqlite3.Connection, ask: Ask) -> None:
    """A site that is watched in three catalogues, past its baselines, and someone who wants to hear."""
    for name in ("cdse", "aws", "pc"):
        add_watch(db, "Toulouse", geometry=GROUND, catalogue=name, collection=f"{name}-l2a")
        assert ask(name).baselined == 1
    add_subscription(db)


def news(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Who is to hear of what: product and event."""
    return rows(
        db,
        "SELECT r.id, event FROM deliveries AS d JOIN arrivals AS a ON a.number = d.arrival"
        " JOIN revisions AS r ON r.number = a.revision ORDER BY d.number",
    )


def notices(db: sqlite3.Connection, clock: Clock) -> str:
    """The text of all that is sent now."""
    told: list[str] = []

    def send(posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        for index, (_, notice) in enumerate(posts):
            told.append(notice.text)
            yield Sent(index, Outcome.SENT)

    list(notify(db, send, Disk(Path("archive")).shown, now=clock, chance=lambda: 0.5))
    return "\n".join(told)


def test_an_acquisition_is_told_of_by_the_first_catalogue_and_the_notice_names_the_others(
    db: sqlite3.Connection, ask: Ask, clock: Clock
) -> None:
    assert ask("aws", listed(DAY, "aws", version="02.04")).arrived == 1
    assert ask("cdse", listed(OLD, "cdse")).arrived == 0
    assert ask("pc", listed(PC, "pc", version="02.04")).arrived == 0
    assert news(db) == [(DAY, "new")]
    text = notices(db, clock)
    assert f"new L2A: {DAY}" in text
    assert "in aws, also in cdse and pc" in text
    seen = {one.catalogue: one for one in listings.listing(db, site=None, level=L2A, since=ACQUIRED) if one.also}
    assert {name: one.also for name, one in seen.items()} == {
        "aws": ("cdse", "pc"),
        "cdse": ("aws", "pc"),
        "pc": ("aws", "cdse"),
    }
    assert [seen[name].event for name in ("aws", "cdse", "pc")] == [Event.NEW, None, None]


def test_it_is_told_from_each_catalogue_if_that_is_asked_for(db: sqlite3.Connection, ask: Ask) -> None:
    ask("aws", listed(DAY, "aws"), terms=Terms(once=False))
    ask("cdse", listed(OLD, "cdse"), terms=Terms(once=False))
    assert news(db) == [(DAY, "new"), (OLD, "new")]


def test_two_processors_of_one_acquisition_are_told_of_once_and_both_come_home(
    db: sqlite3.Connection, ask: Ask
) -> None:
    ask("cdse", listed(OLD, "cdse", assets=(FILE,)), terms=Terms(download_levels={L2A}))
    ask("pc", listed(MAJA, "pc", assets=(FILE,)), terms=Terms(download_levels={L2A}))
    ask("aws", listed(DAY, "aws", assets=(FILE,)), terms=Terms(download_levels={L2A}))
    assert news(db) == [(OLD, "new")]
    wanted = [one.revision for one in downloads.due(db, now=NOW + timedelta(days=1))]
    assert rows(db, f"SELECT id FROM revisions WHERE number IN ({','.join(map(str, wanted))})") == [OLD, MAJA]


def test_what_was_there_at_the_baseline_of_one_catalogue_is_no_news_from_another(
    db: sqlite3.Connection, ask: Ask
) -> None:
    add_watch(db, "Field", geometry=GROUND, catalogue="cdse", collection="cdse-l2a")
    add_watch(db, "Field", geometry=GROUND, catalogue="aws", collection="aws-l2a")
    ask("aws")
    ask("cdse", listed(OLD, "cdse"))
    ask("aws", listed(DAY, "aws"))
    assert announced(db) == [("Toulouse", OLD, "new")]


def test_another_site_hears_of_it_from_whom_it_watches(db: sqlite3.Connection, ask: Ask) -> None:
    ask("cdse", listed(OLD, "cdse"))
    add_watch(db, "Field", geometry=GROUND, catalogue="aws", collection="aws-l2a")
    ask("aws")
    ask("aws", listed(DAY, "aws"))
    assert announced(db) == [("Toulouse", OLD, "new"), ("Field", DAY, "new")]


def test_a_reprocessed_tile_is_revised_and_the_old_one_is_not_withdrawn_when_it_vanishes(
    db: sqlite3.Connection, ask: Ask, clock: Clock
) -> None:
    ask("cdse", listed(OLD, "cdse"))
    ask("cdse", listed(OLD, "cdse"), listed(NEW, "cdse"))
    for _ in range(3):
        ask("cdse", listed(NEW, "cdse"))
    assert news(db) == [(OLD, "new"), (NEW, "revised")]
    assert "replaces N0204 with N0500" in notices(db, clock)
    (old,) = [one for one in listings.listing(db, site=None, level=None, since=None) if one.product.id == OLD]
    assert (old.replaced, old.event) == (True, Event.NEW)


def test_what_vanished_before_its_reprocessing_came_is_withdrawn_and_then_revised(
    db: sqlite3.Connection, ask: Ask
) -> None:
    ask("cdse", listed(OLD, "cdse"))
    ask("cdse")
    ask("cdse")
    ask("cdse", listed(NEW, "cdse"))
    assert news(db) == [(OLD, "new"), (OLD, "withdrawn"), (NEW, "revised")]


def test_the_download_of_what_is_replaced_is_given_up(db: sqlite3.Connection, ask: Ask) -> None:
    ask("cdse", listed(OLD, "cdse", assets=(FILE,)), terms=Terms(download_levels={L2A}))
    ask("cdse", listed(NEW, "cdse", assets=(FILE,)), terms=Terms(download_levels={L2A}))
    found = rows(db, "SELECT r.id, d.due IS NULL FROM downloads AS d JOIN revisions AS r ON r.number = d.revision")
    assert found == [(OLD, 1), (NEW, 0)]


def test_a_reprocessing_is_told_of_once_too(db: sqlite3.Connection, ask: Ask) -> None:
    ask("cdse", listed(OLD, "cdse"))
    ask("aws", listed(DAY, "aws", version="02.04"))
    ask("aws", listed(DAY, "aws", version="05.00"))
    ask("cdse", listed(OLD, "cdse"), listed(NEW, "cdse"))
    assert news(db) == [(OLD, "new"), (DAY, "revised")]


def test_a_reprocessing_is_told_of_once_at_each_site_of_a_catalogue_that_follows(
    db: sqlite3.Connection, ask: Ask
) -> None:
    for name in ("cdse", "aws"):
        add_watch(db, "Field", geometry=GROUND, catalogue=name, collection=f"{name}-l2a")
        ask(name)
    ask("cdse", listed(OLD, "cdse"))
    ask("aws", listed(DAY, "aws", version="02.04"))
    ask("cdse", listed(OLD, "cdse"), listed(NEW, "cdse"))
    ask("aws", listed(DAY, "aws", version="05.00"))
    assert sorted(announced(db)) == [
        ("Field", OLD, "new"),
        ("Field", NEW, "revised"),
        ("Toulouse", OLD, "new"),
        ("Toulouse", NEW, "revised"),
    ]


# Deletions


def deleted(ident: str, cause: str) -> Product:
    """A record of a feed of deletions: it has neither a place nor a revision."""
    return listed(ident, "cdse", geometry=None, withdrawn=cause, learnt=NOW, level=None)


def test_what_a_catalogue_says_it_deleted_is_withdrawn_with_its_cause_at_once(
    db: sqlite3.Connection, ask: Ask, clock: Clock
) -> None:
    ask("cdse", listed(OLD, "cdse"))
    notices(db, clock)
    assert ask("cdse", deleted(OLD, "Corrupted product")).arrived == 1
    assert ask("cdse", deleted(OLD, "Corrupted product")).arrived == 0
    assert news(db)[1:] == [(OLD, "withdrawn")]
    text = notices(db, clock)
    assert f"withdrawn L2A: {OLD}" in text
    assert "no longer in the catalogue: Corrupted product" in text
    (row,) = [one for one in listings.listing(db, site=None, level=None, since=None) if one.product.id == OLD]
    assert (row.event, row.cause) == (Event.WITHDRAWN, "Corrupted product")
    assert ask("cdse").arrived == ask("cdse").arrived == 0


def test_a_deletion_of_what_was_replaced_or_never_seen_is_not_told(db: sqlite3.Connection, ask: Ask) -> None:
    ask("cdse", listed(OLD, "cdse"))
    ask("cdse", listed(NEW, "cdse"), deleted(OLD, "Obsolete product or Other"), deleted(OTHER, "Corrupted product"))
    assert news(db) == [(OLD, "new"), (NEW, "revised")]
    for _ in range(3):
        ask("cdse", listed(NEW, "cdse"))
    assert len(news(db)) == 2


def test_a_deletion_from_a_catalogue_that_told_nobody_is_told_to_nobody(db: sqlite3.Connection, ask: Ask) -> None:
    ask("aws", listed(DAY, "aws"))
    ask("cdse", listed(OLD, "cdse"))
    ask("cdse", deleted(OLD, "Corrupted product"))
    assert news(db) == [(DAY, "new")]


def test_a_deletion_from_the_catalogue_that_told_of_it_is_told_and_the_others_are_named(
    db: sqlite3.Connection, ask: Ask, clock: Clock
) -> None:
    ask("cdse", listed(OLD, "cdse"))
    ask("aws", listed(DAY, "aws"))
    notices(db, clock)
    ask("cdse", deleted(OLD, "Corrupted product"))
    assert "in cdse, also in aws" in notices(db, clock)


def test_what_another_catalogue_lists_after_it_was_withdrawn_is_news(db: sqlite3.Connection, ask: Ask) -> None:
    ask("cdse", listed(OLD, "cdse"))
    ask("cdse", deleted(OLD, "Corrupted product"))
    ask("aws", listed(DAY, "aws"))
    assert news(db) == [(OLD, "new"), (OLD, "withdrawn"), (DAY, "new")]


# The race


def test_the_race_is_of_what_several_catalogues_have_and_a_baseline_tells_no_time(
    db: sqlite3.Connection, ask: Ask
) -> None:
    ask("cdse", listed(OLD, "cdse", published=NOW), listed(OTHER, "cdse", published=NOW))
    ask("aws", listed(DAY, "aws", published=NOW + timedelta(minutes=20)))
    ask("pc", listed(PC, "pc"))
    (heat,), _ = race(acquisitions.had(db, site=None, level=L2A, since=None))
    assert (heat.first.catalogue, heat.first.title) == ("cdse", OLD)
    assert [(one.catalogue, one.published is None) for one, _ in heat.others] == [("aws", False), ("pc", True)]
    assert [lag is not None and lag >= timedelta(minutes=20) for _, lag in heat.others] == [True, True]
    assert acquisitions.had(db, site=99, level=None, since=None) == []
    assert acquisitions.had(db, site=None, level=None, since=ACQUIRED + timedelta(days=1)) == []
    db.execute("UPDATE revisions SET seen = '2000-01-01T00:00:00.000Z'")
    assert [one.seen for one in acquisitions.had(db, site=None, level=None, since=None)] == [None] * 3


def test_the_family_of_an_acquisition_is_looked_up_by_an_index(db: sqlite3.Connection, ask: Ask) -> None:
    ask("cdse", listed(OLD, "cdse"))
    statements: list[str] = []
    db.set_trace_callback(statements.append)
    acquisitions.kin(db, {"2015-05-30D/S2A/31TCJ/L2A"})
    db.set_trace_callback(None)
    (statement,) = [one for one in statements if "acquisition = listed.value" in one]
    plan = [str(step) for step in rows(db, f"EXPLAIN QUERY PLAN {statement}")]
    assert any("USING INDEX revision_acquisition" in step for step in plan)
    assert not any("SCAN r" in step or "SCAN s" in step or "SCAN a" in step or "SCAN d" in step for step in plan)
