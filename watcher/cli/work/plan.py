"""`watcher plan`: which questions the catalogues are asked, why those, and what a day of them costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.options import CatalogueName
from watcher.cli.output import json_option, several, show_json, show_table

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from watcher.core.questions.asking import Ask
    from watcher.model import Watch
    from watcher.wiring import Parts

_DAY = 86_400.0


@click.command()
@click.option("--catalogue", type=CatalogueName(), help="Only this one.")
@json_option
@click.pass_obj
def plan(context: Context, catalogue: str | None, as_json: bool) -> None:
    """Show the questions each catalogue is asked, why so and how often, and what a day costs. Nothing is asked.

    The first line is of a usual poll. The table is of the next one, which asks for more where it has to look back
    further.

    A sweep lists what a catalogue learnt everywhere, and the sites are matched here; otherwise several places are
    joined to one question, or each is asked for alone: whichever takes the fewest requests, by what past polls
    measured.

    The host's budget is the requests that fit into a day with `gap` seconds, the catalogue's setting, between two of
    them: 86,400 with a gap of one second. The delay is how long a published product waits until a poll sees it, from
    the hours in which products appeared so far; how late a catalogue publishes is not in it.

    A collection in which nothing appears is asked less and less often: the service leaves it out of most polls.
    `watcher poll` leaves out none.

    \b
    Examples:
      watcher plan
      watcher plan --catalogue cdse --json
    """
    from watcher.cli.work.idle import why_idle
    from watcher.store import watching
    from watcher.wiring import now

    parts = context.parts
    db = parts.db()
    if catalogue is not None:
        parts.catalogues.table(catalogue)
    watches: dict[str, list[Watch]] = {}
    for watch in watching.watches(db, catalogue=catalogue):
        watches.setdefault(watch.catalogue, []).append(watch)
    lost = sorted(name for name in watches if parts.config.table(name) is None)
    for name in lost:
        click.echo(f"{name}: watched, but no longer in the configuration", err=True)
    plans = [_plan(parts, db, name, watches[name], moment=now()) for name in sorted(watches) if name not in lost]
    if as_json:
        show_json([{**one, "questions": [_question(ask) for ask in one["questions"]]} for one in plans])
    elif not plans:
        click.echo(why_idle(db, catalogue))
    else:
        for one in plans:
            _show(one)


def _plan(parts: Parts, db: sqlite3.Connection, name: str, watches: list[Watch], *, moment: datetime) -> dict[str, Any]:
    from datetime import timedelta

    from watcher.core.questions import planning
    from watcher.store import measures, polls

    loads = measures.loads(db, name, now=moment)
    capability = parts.catalogues.catalogue(name).capability()
    lookback = timedelta(seconds=parts.config.poll.lookback)

    def asked(of: list[Watch]) -> list[Ask]:
        return planning.plan(of, capability, now=moment, lookback=lookback, loads=loads)

    asks = asked(watches)
    usual, long = (_by_collection(asked(planning.settled(watches, now=moment, due=due))) for due in (False, True))
    pace = parts.pace(db, name)
    day = pace.day(now=moment, requests=usual.total())
    requests = sum(usual[each] * max(times - 1, 0) + long[each] for each, times in day.asked.items())
    interval, last = pace.interval(now=moment), polls.last(db, name)
    following = max(moment, last.started + timedelta(seconds=interval)) if last else moment
    awake = {watch.collection for watch in planning.awake(watches, pace.resting(now=following))}
    first = [ask for ask in asks if any(watch.baselined is None for watch in ask.watches)]
    questions, spent, size = measures.spent(db, name, day=moment)
    return {
        "catalogue": name,
        "sites": len({watch.site.number for watch in watches}),
        "watches": len(watches),
        "interval": interval,
        "intervals": pace.intervals(now=moment),
        "resting": sorted({watch.collection for watch in watches} - awake),
        "requests": {
            "poll": usual.total(),
            "day": round(requests),
            "first_look": sum(ask.requests for ask in first),
        },
        "delay": {"median": day.median, "percentile_95": day.nearly_all},
        "budget": requests * pace.gap / _DAY if pace.gap else None,
        "today": {"questions": questions, "requests": spent, "bytes": size},
        "questions": asks,
    }


def _by_collection(asks: Sequence[Ask]) -> Counter[str]:
    requests: Counter[str] = Counter()
    for ask in asks:
        requests[ask.query.collection] += ask.requests
    return requests


def _show(one: dict[str, Any]) -> None:
    requests, delay = one["requests"], one["delay"]
    share = (
        "no gap is set, so no budget" if one["budget"] is None else f"{_percent(one['budget'])} of the host's budget"
    )
    click.echo(
        f"{one['catalogue']}: {several(one['sites'], 'site')} → {'up to ' if one['resting'] else ''}"
        f"{several(requests['poll'], 'request')} a poll,"
        f" {requests['day']:,} a day; expected delay until seen: median {_time(delay['median'])},"
        f" 95 % {_time(delay['percentile_95'])}; {share}"
    )
    if requests["first_look"]:
        click.echo(f"before that, once: {several(requests['first_look'], 'request')} for a first look")
    intervals, resting = one["intervals"], one["resting"]
    if resting:
        click.echo(
            f"at the next poll {len(resting)} of {len(intervals)} collections"
            f" {'rests' if len(resting) == 1 else 'rest'}, as nothing is to be expected of"
            f" {'it' if len(resting) == 1 else 'them'} yet"
        )
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for ask in one["questions"]:
        key = (ask.query.collection, ask.way.value, ask.why)
        every = _time(intervals[key[0]])
        row = rows.setdefault(key, {"collection": key[0], "way": key[1], "every": every, "why": key[2]})
        for name, value in (("questions", 1), ("places", ask.places), ("requests", ask.requests)):
            row[name] = row.get(name, 0) + value
    rhythm = ("every",) if len({row["every"] for row in rows.values()}) > 1 else ()
    columns = ("collection", "way", "questions", "places", "requests", *rhythm, "why")
    show_table(list(rows.values()), {name: name.upper() for name in columns}, empty="Nothing is asked.")


def _question(ask: Ask) -> dict[str, Any]:
    names: Sequence[str] = sorted({watch.site.name for watch in ask.watches})
    return {
        "collection": ask.query.collection,
        "way": ask.way.value,
        "sites": names,
        "learnt_since": ask.query.learnt_since,
        "acquired_from": ask.query.acquired[0],
        "requests": ask.requests,
        "why": ask.why,
    }


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _time(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.0f} s"
