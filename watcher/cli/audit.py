"""Was anything missed? What each watch was counted to have, and what was seen of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.options import SiteName
from watcher.cli.output import ago, cell, json_option, several, show_json
from watcher.errors import CatalogueError, UsageError

if TYPE_CHECKING:
    from watcher.core.auditing import Audit
    from watcher.wiring import Parts


@click.command()
@click.argument("site", required=False, type=SiteName())
@click.option("--now", "at_once", is_flag=True, help="List everything again now, rather than in a week's time.")
@json_option
@click.pass_obj
def audit(context: Context, site: str | None, at_once: bool, as_json: bool) -> None:
    """Say of one SITE, or of all, whether anything was missed.

    Once a week all that a watch covers is listed again, by identity alone, and held against what was seen. What no poll
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
    number = sites.named(db, site).number if site is not None else None
    failed = _reconcile(parts, number) if at_once else []
    found = audits.every(db, site=number)
    if as_json:
        show_json([_plain(one) for one in found])
    elif not found:
        click.echo("Nothing is watched yet: watcher add-site NAME")
    else:
        moment = now()
        for one in found:
            click.echo(_line(one, moment))
    if failed:
        raise CatalogueError("; ".join(failed), hint="what is printed is as of the last look that was complete")
    if any(one.missing for one in found):
        raise SystemExit(1)


def _reconcile(parts: Parts, site: int | None) -> list[str]:
    """List everything again; return what failed."""
    from watcher.store import sites

    failed = []
    with_baseline = False
    db = parts.db()
    at = None if site is None else [site]
    for name in sorted({watch.catalogue for watch in sites.watches(db, at=at) if watch.baselined is not None}):
        with_baseline = True
        click.echo(f"Listing all that is watched of {name} again …", err=True)
        done = parts.reconcile(db, name, at=at)
        if done.problem is not None:
            failed.append(f"{name}: {done.problem}")
        click.echo(
            f"{name}: {several(done.listed, 'product')} listed by {several(done.asked, 'question')};"
            f" {done.mended + done.lacking} had not been seen, {done.mended} of them read now",
            err=True,
        )
    if not with_baseline:
        raise UsageError("no poll has looked at it yet", hint="watcher poll")
    return failed


def _line(one: Audit, moment: datetime) -> str:
    head = f"{one.site}: {one.catalogue} {one.collection} {one.level or 'every level'}"
    if one.counted is None:
        return f"{head}\n  no poll has looked at it yet"
    parts = [f"catalogue {one.counted:,}", f"seen {one.seen:,}", f"missing {one.missing or 0:,}", _late(one)]
    if one.mended:
        parts.append(f"{one.mended:,} found only by a reconcile")
    parts += [f"withdrawn {one.withdrawn:,}", f"last full reconcile {ago(one.reconciled, moment)}"]
    if one.due is not None:
        parts.append(f"next {one.due:%Y-%m-%d}" if one.due > moment else "due now")
    lines = [head, "  " + " · ".join(parts)]
    if one.missing:
        lines.append(
            f"  {several(one.missing, 'product')} could not be read when all was listed; it is tried again on"
            f" {cell(one.due)}, or with: watcher audit {one.site} --now"
        )
    return "\n".join(lines)


def _late(one: Audit) -> str:
    if not one.late:
        return "found late 0"
    return f"found late {len(one.late):,} ({one.share:.1f} %, median {_span(one.usually)}, max {_span(one.worst)})"


def _span(time: timedelta | None) -> str:
    minutes = round(time.total_seconds() / 60) if time is not None else 0
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h {minutes:02}" if hours else f"{minutes} min"


def _plain(one: Audit) -> dict[str, Any]:
    late: Sequence[int] = one.late
    return {
        "site": one.site,
        "catalogue": one.catalogue,
        "collection": one.collection,
        "level": one.level,
        "counted": one.counted,
        "seen": one.seen,
        "missing": one.missing,
        "mended": one.mended,
        "late": len(late),
        "late_median_seconds": None if one.usually is None else one.usually.total_seconds(),
        "late_max_seconds": None if one.worst is None else one.worst.total_seconds(),
        "withdrawn": one.withdrawn,
        "reconciled": one.reconciled,
        "due": one.due,
    }
