"""The progress of one production in words, for people."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from watcher.cli.output import Bar, bar, cell, several
from watcher.core.moments import roughly
from watcher.core.production.lateness import sentence
from watcher.core.production.progress import MADE_FROM, Awaited, Line, Took
from watcher.names import plain

if TYPE_CHECKING:
    from watcher.core.production import Clock
    from watcher.model import Site
    from watcher.store.acquisitions import Place

_CLOCKS: dict[Clock, str] = {
    "published": "by the catalogue's time of publication",
    "updated": "by the catalogue's last change",
    "seen": "by the poll that found it",
}


def show(site: Site, place: Place, line: Line, places: Mapping[int, Place], limit: int) -> None:
    """Print a production in full, with a bar in a terminal, and so many of what is awaited."""
    looked = "not looked at" if line.until is None else f"as of {cell(line.until)} UTC"
    click.echo(f"{site.name}: {place.catalogue} {place.collection} {line.level}, {looked}")
    if sys.stdout.isatty() and line.sources:
        from rich.columns import Columns
        from rich.console import Console
        from rich.padding import Padding

        drawn = Columns([bar(Bar(line.made, line.sources)), counted(line)])
        Console(highlight=False).print(Padding(drawn, (0, 0, 0, 2)))
    else:
        click.echo(f"  {counted(line)}")
    if line.source is not None and line.source != line.collection:
        source = places[line.source]
        click.echo(f"  made from {source.catalogue} {source.collection}")
    for name, took in delays(line):
        click.echo(f"  {name:<20} {_said(took)}")
    if line.source is None:
        return
    click.echo(f"  {_pace(line)}")
    for text in _awaited(line, limit):
        click.echo(f"  {text}")


def counted(line: Line) -> str:
    """Say `575 of 1,226 L1C have their L2A (47 %)`."""
    again = f", {line.again:,} of them in a newer version" if line.again else ""
    if line.source is None:
        return f"{several(line.there, 'acquisition')} with {line.level}{again}"
    share = f" ({100 * line.made // line.sources} %)" if line.sources else ""
    return f"{line.made:,} of {line.sources:,} {MADE_FROM[line.level]} have their {line.level}{share}{again}"


def delays(line: Line) -> Iterator[tuple[str, Took]]:
    """Yield the delays of a production with their names."""
    if line.source is not None:
        source = MADE_FROM[line.level]
        yield f"acquisition → {source}", line.first
        yield f"{source} → {line.level}", line.then
    yield f"acquisition → {line.level}", line.whole


def _said(took: Took) -> str:
    curve = took.curve
    if not curve.known:
        return f"not enough history: {several(curve.came, 'delay is', 'delays are')} known"
    low, high = curve.bounds(0.5)
    bounds = f"{rough(low)} to {rough(high) if high is not None else 'unknown'}"
    clocks = ", ".join(
        f"{took.clocks[clock]:,} {words}" if len(took.clocks) > 1 else words
        for clock, words in _CLOCKS.items()
        if clock in took.clocks
    )
    return (
        f"median {quantile(took, 0.5)} ({bounds}), 90 % {quantile(took, 0.9)}, now {rough(took.lately)};"
        f" {curve.came:,} came, {clocks}"
    )


def quantile(took: Took, share: float) -> str | None:
    """Write a quantile; what has not come in the time that was looked at takes longer than that."""
    curve = took.curve
    if not curve.known:
        return None
    found = curve.quantile(share)
    return f"over {rough(curve.delays[-1])}" if found is None else rough(found)


def rough(seconds: float | None) -> str:
    """Write a delay; `-` is not known."""
    return "-" if seconds is None else roughly(timedelta(seconds=seconds))


def _pace(line: Line) -> str:
    pace, awaited = line.pace, len(line.awaited)
    if pace is None:
        return "pace: too few came in the last 28 days to tell"
    said = f"pace: {pace.daily:.2g} a day in the last {pace.days:.0f} days ({pace.low:.2g} to {pace.high:.2g})"
    if not pace.queued(awaited, line.then.curve.quantile(0.5)):
        return said
    middle, best, worst = pace.takes(awaited)
    until = "no end" if worst is None else rough(worst.total_seconds())
    return (
        f"{said}; at that pace the {awaited:,} awaited take {rough(middle.total_seconds())}"
        f" ({rough(best.total_seconds())} to {until}), if none is left out and no other comes before"
    )


def _awaited(line: Line, limit: int) -> Iterator[str]:
    if not line.awaited:
        yield "nothing is awaited"
        return
    late = sum(one.overdue for one in line.awaited)
    yield f"{len(line.awaited):,} awaited{f', {late:,} of them overdue' if late else ''}:"
    for one in line.awaited[:limit]:
        cloud = f", cloud {one.source.cloud:.0f} %" if one.source.cloud is not None else ""
        where = plain(" ".join(part for part in (one.acquisition.platform, one.acquisition.place) if part), limit=60)
        state = f"OVERDUE, {sentence(one)}" if one.overdue else f"{sentence(one)}; {_expected(one)}"
        yield f"  {cell(one.acquisition.acquired)}  {where}{cloud}: {state}"
    if len(line.awaited) > limit:
        yield f"  and {len(line.awaited) - limit:,} more (--limit)"


def _expected(one: Awaited) -> str:
    forecast = one.forecast
    if one.since is None or forecast is None:
        return "no history says when it comes"
    days = [
        "later" if span is None else f"{one.since + span:%Y-%m-%d %H:%M}" for span in (forecast.early, forecast.late)
    ]
    never = f", if at all ({100 * forecast.hope:.0f} % did)" if forecast.hope < 0.95 else ""
    return f"expected from {days[0]} to {days[1]}{never}"


def main(line: Line) -> Took:
    """Return the delay that matters most: after the source, where there is one."""
    return line.whole if line.source is None else line.then
