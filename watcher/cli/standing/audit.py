"""Was anything missed? What each watch was counted to have, and what was seen of it."""

from __future__ import annotations

import shlex
import sqlite3
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.options import SiteName
from watcher.cli.output import ago, complain, json_option, several, show_json
from watcher.core.moments import lasting
from watcher.errors import UsageError, WatcherError

if TYPE_CHECKING:
    from watcher.core.health.auditing import Audit
    from watcher.model import Site
    from watcher.tasks.poll import Reconciled
    from watcher.wiring import Parts


@click.command()
@click.argument("site", required=False, type=SiteName())
@click.option("--now", "at_once", is_flag=True, help="List everything again now, rather than within the week.")
@json_option
@click.pass_obj
def audit(context: Context, site: str | None, at_once: bool, as_json: bool) -> None:
    """Say of one SITE, or of all, whether anything was missed.

    Once a week all that a watch covers is listed again, by identity alone, and held against what was seen. What nobody
    had seen is read then, and told like any other arrival; what is no longer listed counts as withdrawn once two
    complete looks have missed it. Found late is what a poll found although an earlier one might have: how many, by how
    much in the middle, and at most.

    Exits with 1 if a catalogue lists something that could not be read.

    \b
    Examples:
      watcher audit
      watcher audit Toulouse --now
      watcher audit --json
    """
    from watcher.store import audits, sites
    from watcher.wiring import now

    parts = context.parts
    db = parts.db()
    place = sites.named(db, site) if site is not None else None
    failed = _reconcile(parts, db, place) if at_once else 0
    found = audits.every(db, site=place.number if place else None)
    if as_json:
        show_json([_plain(one) for one in found])
    elif not found:
        click.echo("No site is watched yet: watcher add-site NAME")
    else:
        moment = now()
        for one in found:
            click.echo("\n".join(_lines(one, moment)))
    if failed or any(one.missing for one in found):
        raise click.exceptions.Exit(failed or 1)


def _reconcile(parts: Parts, db: sqlite3.Connection, place: Site | None) -> int:
    """List everything again, one catalogue after the other; return the exit status of what failed."""
    from watcher.store import polls, watching
    from watcher.wiring import now

    at = None if place is None else [place.number]
    names = sorted({watch.catalogue for watch in watching.watches(db, at=at) if watch.baselined is not None})
    if not names:
        if place is not None and place.paused:
            raise UsageError(f"{place.name} is paused", hint=f"watcher resume-site {shlex.quote(place.name)}")
        raise UsageError("there is nothing to list again: no poll has looked at it yet", hint="watcher poll")
    failed = 0
    for name in names:
        last = polls.last(db, name)
        if last is not None and last.not_before is not None and last.started <= now() < last.not_before:
            click.echo(f"{name}: it asked not to be asked again yet ({ago(last.not_before, now())})", err=True)
            failed = failed or 69
            continue
        click.echo(f"{name}: listing again all that is watched …", err=True)
        try:
            outcome = parts.reconcile(db, name, at=at)
        except WatcherError as error:
            # One catalogue in trouble leaves the others their turn.
            complain(error, name)
            failed = failed or error.exit_code
            continue
        click.echo(f"{name}: {_outcome(outcome)}", err=True)
        if outcome.problem is not None:
            click.echo(f"{name}: {outcome.problem}", err=True)
            failed = failed or 69
    return failed


def _outcome(outcome: Reconciled) -> str:
    parts = [f"{outcome.asked} asked, {outcome.listed} listed, {outcome.found} not seen before and read now"]
    if outcome.mended:
        parts.append(f"{outcome.mended} of them passed over by polls")
    if outcome.lacking:
        parts.append(f"{outcome.lacking} not seen before that could not be read")
    return ", ".join([*parts, f"{outcome.arrived} arrived"])


def _lines(one: Audit, moment: datetime) -> list[str]:
    """Write an audit for people: a heading, the figures, and what was or will be done about a gap."""
    heading = f"{one.site}: {one.catalogue} {one.collection}{f' {one.level}' if one.level else ''}"
    if one.paused:
        heading += " (paused)"
    if one.due is None:
        return [heading, "  no poll has looked at it yet"]
    if one.counted is None:
        counted = [f"seen {one.total:,}", "the catalogue's were not counted yet"]
    else:
        counted = [f"catalogue {one.counted:,}", f"seen {one.seen:,}", f"missing {one.missing:,}"]
    figures = [*counted, _late(one), f"withdrawn {one.withdrawn:,}", _looked(one, moment)]
    lines = [heading, "  " + " · ".join(figures)]
    day = _day(one.due, moment)
    if one.mended:
        what = several(one.mended, "product")
        lines.append(
            f"  repaired so far: {what} that polls had passed over, read by a reconcile and told like any other"
        )
    if one.missing:
        what, by_hand = several(one.missing, "product"), f"watcher audit {shlex.quote(one.site)} --now"
        lines.append(f"  queued: {what} could not be read; asked for again {day}, or at once by: {by_hand}")
    if one.gone:
        what = several(one.gone, "product is", "products are")
        lines.append(f"  queued: {what} no longer listed; withdrawn if a second look misses it too, {day}")
    return lines


def _looked(one: Audit, moment: datetime) -> str:
    text = f"last full reconcile {ago(one.reconciled, moment)}"
    if one.since:
        text += f", {one.since:,} more seen since"
    if one.paused or one.due is None:
        return text
    late = one.due < moment - timedelta(days=1)
    return f"{text}, next {_day(one.due, moment)}" + (" (overdue)" if late else "")


def _day(due: datetime | None, moment: datetime) -> str:
    """Say on which day something is done; what is due is done when the catalogue is asked next."""
    return "at the next poll" if due is None or due <= moment else f"on {due:%Y-%m-%d}"


def _late(one: Audit) -> str:
    if not one.late:
        return "found late 0"
    return f"found late {len(one.late):,} ({one.share:.1f} %, median {_said(one.usually)}, max {_said(one.worst)})"


def _said(span: timedelta | None) -> str:
    return "unknown" if span is None else lasting(span)


def _plain(one: Audit) -> dict[str, Any]:
    return {
        "site": one.site,
        "catalogue": one.catalogue,
        "collection": one.collection,
        "level": one.level,
        "paused": one.paused,
        "counted": one.counted,
        "seen": one.seen,
        "missing": one.missing,
        "since": one.since,
        "total": one.total,
        "late": len(one.late),
        "late_percent": round(one.share, 2),
        "late_median_seconds": None if one.usually is None else one.usually.total_seconds(),
        "late_max_seconds": None if one.worst is None else one.worst.total_seconds(),
        "mended": one.mended,
        "gone": one.gone,
        "withdrawn": one.withdrawn,
        "reconciled": one.reconciled,
        "due": one.due,
    }
