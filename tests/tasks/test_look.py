"""Whether a catalogue still is what it was, asked of one in memory that was polled before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tests.given import ACQUIRED, NOW, Clock, add_watch, box, changed, product
from tests.tasks.pretend import NOBODY, Pretend
from watcher.errors import HttpError
from watcher.model import Finding, Holding, Product, Query, Watch
from watcher.tasks.look import look
from watcher.tasks.poll import poll

DAY = timedelta(days=1)


class Described(Pretend):
    """It lists its collections as well: those it has, or these."""

    offered: Sequence[str] | None = None

    def discover(self, http: object) -> Iterator[Holding]:
        names = self.collections_of(None) if self.offered is None else self.offered
        return map(Holding, names)


def polled(db: sqlite3.Connection, catalogue: Pretend, clock: Clock) -> None:
    assert poll(db, "take5", catalogue, NOBODY, now=clock).problem is None


def looked(db: sqlite3.Connection, catalogue: Pretend, *, now: datetime = NOW) -> dict[str, Finding]:
    return {finding.subject: finding for finding in look(db, "take5", catalogue, NOBODY, now=now)}


@pytest.fixture
def watch(db: sqlite3.Connection) -> Watch:
    return add_watch(db)


def season(count: int, **facts: object) -> list[Product]:
    """Products acquired five days apart, each published a day later."""
    return [
        product(
            f"P{n}",
            acquired=ACQUIRED + 5 * n * DAY,
            published=ACQUIRED + (5 * n + 1) * DAY,
            **{"cloud": 12.0} | facts,
        )
        for n in range(count)
    ]


def test_a_catalogue_that_is_as_it_was_is_well(db: sqlite3.Connection, watch: Watch, clock: Clock) -> None:
    catalogue = Described(*season(8))
    polled(db, catalogue, clock)
    found = looked(db, catalogue)
    assert list(found) == ["collections", "SPOT5 L2A"]
    assert all(finding.well for finding in found.values())
    assert catalogue.asked[-1] == Query(
        "SPOT5",
        level=watch.level,
        code="Pornic",
        acquired=(ACQUIRED + 15 * DAY - timedelta(seconds=1), ACQUIRED + 35 * DAY + timedelta(seconds=1)),
    ), "one question, about the five newest"


def test_a_site_that_is_asked_for_by_ground_is_looked_at_there(db: sqlite3.Connection, clock: Clock) -> None:
    ground = box(-2.5, 46.5, -1.5, 47.5)
    add_watch(db, geometry=ground)
    catalogue = Described(*(changed(one, code=None, geometry=ground) for one in season(3)), codes=False)
    # The baseline looks ninety days back, from a time after all of them.
    clock.forward(days=20)
    polled(db, catalogue, clock)
    found = looked(db, catalogue)
    assert found["SPOT5 L2A"].well, found
    assert (catalogue.asked[-1].geometry, catalogue.asked[-1].code, catalogue.asked[-1].level) == (ground, None, None)


def test_a_collection_that_was_renamed_is_said_with_its_sites_and_its_new_name(
    db: sqlite3.Connection, watch: Watch, clock: Clock
) -> None:
    catalogue = Described(*season(3))
    polled(db, catalogue, clock)
    catalogue.offered = ["THEIA_SPOT5", "PEPS_S1"]
    finding = looked(db, catalogue)["collection SPOT5"]
    assert not finding.well
    assert "watched at Pornic" in finding.text
    assert "is it THEIA_SPOT5 now" in (finding.hint or "")


def test_a_collection_that_is_only_watched_is_missed_too(db: sqlite3.Connection, watch: Watch, clock: Clock) -> None:
    catalogue = Described(product(collection="SPOT4"))
    finding = looked(db, catalogue)["collection SPOT5"]
    assert not finding.well
    assert "SPOT4" in (finding.hint or "")


def test_collections_that_cannot_be_listed_are_a_finding(db: sqlite3.Connection, watch: Watch, clock: Clock) -> None:
    class Silent(Described):
        def discover(self, http: object) -> Iterator[Holding]:
            raise HttpError("it answered 500", status=500, hint="ask its operator")

    finding = looked(db, Silent(*season(1)))["collections"]
    assert not finding.well
    assert "it answered 500" in finding.text
    assert finding.hint == "ask its operator"


def test_answers_of_another_shape_are_said_by_what_they_lack(
    db: sqlite3.Connection, watch: Watch, clock: Clock
) -> None:
    catalogue = Described(*season(8))
    polled(db, catalogue, clock)
    catalogue.list(*(changed(one, cloud=None, assets=()) for one in season(8)))
    finding = looked(db, catalogue)["SPOT5 L2A"]
    assert not finding.well
    assert "no longer have cloud, file, type, size" in finding.text


def test_one_product_that_lacks_something_is_no_other_shape(db: sqlite3.Connection, watch: Watch, clock: Clock) -> None:
    catalogue = Described(*season(8))
    polled(db, catalogue, clock)
    catalogue.list(changed(season(8)[7], cloud=None))
    assert looked(db, catalogue)["SPOT5 L2A"].well


def test_products_under_other_ids_are_a_finding(db: sqlite3.Connection, watch: Watch, clock: Clock) -> None:
    catalogue = Described(*season(8))
    polled(db, catalogue, clock)
    catalogue.products = {f"new-{one.id}": changed(one, id=f"new-{one.id}") for one in season(8)}
    finding = looked(db, catalogue)["SPOT5 L2A"]
    assert not finding.well
    assert (
        "none of the 5 newest products seen at Pornic is listed under its id any more, though 5 others" in finding.text
    )


def test_a_withdrawn_product_is_named_and_is_no_fault(db: sqlite3.Connection, watch: Watch, clock: Clock) -> None:
    catalogue = Described(*season(8))
    polled(db, catalogue, clock)
    del catalogue.products["P7"]
    finding = looked(db, catalogue)["SPOT5 L2A"]
    assert finding.well
    assert "no longer listed: SPOT5_P7_L2A" in finding.text


def test_a_question_that_fails_is_a_finding(db: sqlite3.Connection, watch: Watch, clock: Clock) -> None:
    catalogue = Described(*season(8))
    polled(db, catalogue, clock)
    catalogue.breaks()
    finding = looked(db, catalogue)["SPOT5 L2A"]
    assert not finding.well
    assert "cut off" in finding.text


def heard(db: sqlite3.Connection, clock: Clock, *, count: int = 12, **facts: object) -> Described:
    """A catalogue that published every five days, the last of it while it was watched."""
    *before, last = season(count, **facts)
    catalogue = Described(*before)
    clock.time = before[-1].acquired + 2 * DAY  # type: ignore[operator]
    polled(db, catalogue, clock)
    catalogue.list(last)
    clock.time = last.acquired + DAY  # type: ignore[operator]
    polled(db, catalogue, clock)
    return catalogue


@pytest.mark.parametrize(("days", "well"), [(14, True), (16, False)])
def test_a_silence_that_history_does_not_explain_is_said(
    db: sqlite3.Connection, watch: Watch, clock: Clock, days: int, well: bool
) -> None:
    catalogue = heard(db, clock)
    clock.forward(days=days)
    polled(db, catalogue, clock)
    finding = looked(db, catalogue, now=clock.time)["silence of SPOT5"]
    assert finding.well is well
    assert f"nothing new for {days}.0 days; 95 % of its gaps were up to 5.0 days" in finding.text


def test_a_catalogue_that_could_not_be_asked_has_not_been_silent(
    db: sqlite3.Connection, watch: Watch, clock: Clock
) -> None:
    catalogue = heard(db, clock)
    clock.forward(days=60)
    catalogue.breaks()
    assert poll(db, "take5", catalogue, NOBODY, now=clock).problem
    catalogue.mend()
    assert looked(db, catalogue, now=clock.time)["silence of SPOT5"].well


def test_a_collection_that_ended_before_it_was_watched_is_not_called_silent(
    db: sqlite3.Connection, watch: Watch, clock: Clock
) -> None:
    catalogue = Described(*season(12))
    clock.time = datetime(2026, 11, 22, tzinfo=UTC)
    polled(db, catalogue, clock)
    assert not any("silence" in subject for subject in looked(db, catalogue, now=clock.time))


def test_where_publication_is_not_said_the_hours_of_arrivals_count(
    db: sqlite3.Connection, watch: Watch, clock: Clock
) -> None:
    catalogue = Described()
    clock.time = NOW
    polled(db, catalogue, clock)
    for n in range(12):
        clock.forward(days=3)
        catalogue.list(product(f"P{n}", published=None))
        polled(db, catalogue, clock)
    clock.forward(days=30)
    polled(db, catalogue, clock)
    finding = looked(db, catalogue, now=clock.time)["silence of SPOT5"]
    assert not finding.well
    assert "30.0 days" in finding.text
    assert "3.0 days" in finding.text
