"""Who had it first."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.given import ACQUIRED
from watcher.core.identity.racing import Had, Standing, race

NOON = ACQUIRED + timedelta(hours=1)


def had(acquisition: str, catalogue: str, *, published: datetime | None = None, seen: datetime | None = None) -> Had:
    return Had(acquisition, "L2A", ACQUIRED, catalogue, f"{acquisition} in {catalogue}", published, seen)


def after(**lag: float) -> datetime:
    return NOON + timedelta(**lag)


def test_the_first_leads_and_the_others_follow_with_their_lags() -> None:
    heats, standings = race(
        [
            had("A", "pc", seen=after(days=2)),
            had("A", "cdse", published=NOON),
            had("A", "aws", published=after(minutes=20), seen=after(hours=3)),
            had("B", "cdse", published=after(minutes=10)),
            had("B", "aws", published=NOON),
            had("C", "cdse", published=NOON),
        ]
    )
    assert [(heat.first.catalogue, [(one.catalogue, lag) for one, lag in heat.others]) for heat in heats] == [
        ("cdse", [("aws", timedelta(minutes=20)), ("pc", timedelta(days=2))]),
        ("aws", [("cdse", timedelta(minutes=10))]),
    ]
    assert standings == [
        Standing("cdse", 2, 1, 0, timedelta(minutes=5)),
        Standing("aws", 2, 1, 0, timedelta(minutes=10)),
        Standing("pc", 1, 0, 0, timedelta(days=2)),
    ]


def test_what_a_catalogue_lists_twice_counts_from_the_earliest() -> None:
    heats, _ = race([had("A", "aws", seen=after(hours=1)), had("A", "aws"), had("A", "aws", seen=NOON), had("A", "pc")])
    assert [(heat.first.seen, [lag for _, lag in heat.others]) for heat in heats] == [(NOON, [None])]


def test_a_catalogue_of_which_no_time_is_known_comes_last_and_counts_as_unknown() -> None:
    (heat,), standings = race([had("A", "aws"), had("A", "pc", seen=NOON)])
    assert (heat.first.catalogue, heat.others[0][1]) == ("pc", None)
    assert standings[-1] == Standing("aws", 1, 0, 1, None)


def test_a_tie_is_won_by_all_that_tie_and_not_by_the_first_of_the_alphabet() -> None:
    heats, standings = race(
        [
            had("A", "mirror", published=NOON),
            had("A", "one", published=after(milliseconds=400)),
            had("A", "late", published=after(seconds=1)),
            had("B", "one", published=NOON),
            had("B", "mirror", published=after(minutes=90)),
        ]
    )
    assert [[one.catalogue for one in heat.winners] for heat in heats] == [["mirror", "one"], ["one"]]
    assert [(one.catalogue, one.first, one.tied, one.shared) for one in standings] == [
        ("one", 2, 1, 2),
        ("mirror", 1, 1, 2),
        ("late", 0, 0, 1),
    ]


def test_an_acquisition_of_one_catalogue_or_without_any_time_is_no_race() -> None:
    assert race([had("A", "aws", seen=NOON), had("A", "aws", seen=after(hours=1))]) == ([], [])
    assert race([had("A", "aws"), had("A", "pc")]) == ([], [])
    assert race([]) == ([], [])
