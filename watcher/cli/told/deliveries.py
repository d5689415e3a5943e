"""What each address is owed and was sent, in which state it is, and trying it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.output import ago, json_option, several, show_json, show_table
from watcher.errors import UsageError

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from watcher.model import Subscription
    from watcher.store.ledger import Entry
    from watcher.wiring import Parts

_STATES = ("queued", "held", "sending", "sent", "unknown", "retrying", "given-up")
_COLUMNS = {
    "id": "ID",
    "state": "STATE",
    "address": "ADDRESS",
    "what": "WHAT",
    "owed": "OWED",
    "when": "WHEN",
    "tries": "TRIES",
    "said": "ANSWER",
}


@click.command()
@click.argument("address", metavar="[ADDRESS|ID]", required=False)
@click.option("--state", type=click.Choice(_STATES), help="Only what is in this state.")
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", default=100, show_default=True, help="So many, the newest."
)
@json_option
@click.pass_obj
def deliveries(context: Context, address: str | None, state: str | None, limit: int, as_json: bool) -> None:
    """List what each address was sent, or is owed, newest first: to one ADDRESS, or because of one subscription.

    \b
    queued     goes with the next pass
    held       waits for the hour of its digest, or for the end of quiet hours
    sending    is being sent
    sent       was taken by the service at the other end, whose answer is shown
    unknown    had no answer, or was cut short: it may have arrived, and is sent once more
    retrying   could not be sent, and is tried again
    given-up   is not tried again, unless somebody says so: watcher retry

    WHEN is when it was sent or given up, or will be tried. TRIES counts those that failed; "?" behind it counts those
    after which nobody knew whether it had arrived.

    \b
    Examples:
      watcher deliveries
      watcher deliveries you@example.org
      watcher deliveries 3 --state given-up --json
    """
    from watcher.store import ledger, recipients
    from watcher.wiring import now

    parts, moment = context.parts, now()
    db = parts.db()
    to = named(parts, db, address)
    found = ledger.entries(
        db,
        addresses=None if to is None else [one.address for one in to],
        subscription=to[0].number if to and _numbered(address) else None,
        state=_state(state),
        limit=limit + 1,
        sending=_at_work(parts),
        now=moment,
    )
    shown = shown_by_address(parts, db)
    rows = [_row(entry, shown, moment) for entry in found[:limit]]
    if as_json:
        show_json([{key: value for key, value in row.items() if key not in ("what", "when", "said")} for row in rows])
        return
    for line in _standings(db, shown, to, moment):
        click.echo(line)
    above = {(shown[address], one.problem) for address, one in recipients.troubled(db).items() if address in shown}
    rows = [
        {**row, "said": "as above"} if row["problem"] and (row["address"], row["problem"]) in above else row
        for row in rows
    ]
    show_table(
        rows,
        _COLUMNS,
        empty="Nothing is owed, and nothing was sent." if state is None else "There is none.",
        folded=("said",),
    )
    if len(found) > limit:
        click.echo(f"… and older ones (--limit {10 * limit})")


@click.command()
@click.argument("address", metavar="[ADDRESS|ID]", required=False)
@click.option("--state", type=click.Choice(("unknown", "retrying", "given-up")), help="Only what is in this state.")
@click.pass_obj
def retry(context: Context, address: str | None, state: str | None) -> None:
    """Try again at once what failed or was given up: what an ADDRESS or a subscription is owed, or all of it.

    An address that was set aside is tried again. Without an address or a state, so is every download.

    \b
    Examples:
      watcher retry
      watcher retry you@example.org
      watcher retry 3 --state given-up
    """
    from watcher.store import downloads, ledger, recipients
    from watcher.store.connection import writing
    from watcher.wiring import now

    parts = context.parts
    db = parts.db()
    to = named(parts, db, address)
    number = to[0].number if to and _numbered(address) else None
    notices = files = 0
    with writing(db):
        for reference in [None] if to is None else sorted({one.address for one in to}):
            recipients.forgive(db, reference)
            notices += ledger.retry(db, subscription=number, address=reference, state=_state(state), now=now())
        if address is None and state is None:
            files = downloads.retry(db, now=now())
    what = f"{several(notices, 'delivery', 'deliveries')} and {several(files, 'download')}"
    click.echo(f"{what} are due again.")


def named(parts: Parts, db: sqlite3.Connection, address: str | None) -> list[Subscription] | None:
    """Return the subscriptions that a person means by an address as it is shown, or by a number; `None` for all.

    Raises `UsageError` when nobody subscribes by that.
    """
    from watcher.store import subscriptions

    if address is None:
        return None
    if _numbered(address):
        return [subscriptions.numbered(db, int(address))]
    every = subscriptions.every(db)
    found = [
        one for one in every if address.casefold() in (one.address.casefold(), parts.addresses.shown(one).casefold())
    ]
    if not found:
        found = [one for one in every if one.name and one.name.casefold() == address.casefold()]
    if not found:
        known = ", ".join(sorted({parts.addresses.shown(one) for one in every})) or "nobody yet"
        raise UsageError(f'nobody subscribes as "{address}"', hint=f"`watcher subscriptions` lists them: {known}")
    return found


def shown_by_address(parts: Parts, db: sqlite3.Connection) -> dict[str, str]:
    """Return how each address that is subscribed may be shown."""
    from watcher.store import subscriptions

    return {one.address: parts.addresses.shown(one) for one in subscriptions.every(db)}


def _numbered(address: str | None) -> bool:
    return address is not None and address.isascii() and address.isdigit()


def _state(state: str | None) -> Any:
    return None if state is None else state.replace("-", " ")


def _at_work(parts: Parts) -> bool:
    from watcher.store.locks import holder

    return holder(parts.state / "notify.lock") is not None


def _row(entry: Entry, shown: dict[str, str], moment: datetime) -> dict[str, Any]:
    when = entry.sent or entry.given_up or entry.sending or entry.due
    doubt = f" ({entry.doubtful}?)" if entry.doubtful else ""
    return {
        "id": entry.number,
        "state": entry.state,
        "address": shown.get(entry.address, entry.address),
        "subscription": entry.subscription,
        "event": entry.event,
        "title": entry.title,
        "site": entry.site,
        "what": f"{entry.event} {entry.title}" + (f" at {entry.site}" if entry.site else ""),
        "owed": entry.owed,
        "due": entry.due,
        "hold": entry.hold if entry.state == "held" else None,
        "sending": entry.sending,
        "tried": entry.tried,
        "failing_since": entry.failed if entry.sent is None else None,
        "sent": entry.sent,
        "given_up": entry.given_up,
        "when": ago(when, moment),
        "tries": f"{entry.attempts}{doubt}",
        "attempts": entry.attempts,
        "perhaps_repeated": entry.doubtful,
        "notice": entry.notice,
        "problem": entry.problem,
        "answer": entry.answer,
        "said": entry.problem or entry.answer or _held(entry),
    }


def _held(entry: Entry) -> str | None:
    if entry.state == "held":
        return "quiet hours" if entry.hold == "quiet" else "its digest"
    if entry.cut is not None and entry.sent is None:
        return f"cut short at {entry.cut:%Y-%m-%d %H:%M:%S}: it may have arrived"
    return None


def _standings(
    db: sqlite3.Connection, shown: dict[str, str], to: list[Subscription] | None, moment: datetime
) -> list[str]:
    """Say of addresses in trouble what the trouble is."""
    from watcher.store import recipients

    lines = []
    for address, standing in recipients.troubled(db).items():
        if address not in shown or (to is not None and all(one.address != address for one in to)):
            continue
        if standing.aside is not None:
            lines.append(
                f"{shown[address]} is set aside since {standing.aside:%Y-%m-%d %H:%M} UTC: {standing.problem}"
                f" (watcher retry {shown[address]})"
            )
        elif standing.failing is not None:
            lines.append(
                f"{shown[address]} takes nothing since {standing.failing:%Y-%m-%d %H:%M} UTC, tried again"
                f" {ago(standing.again, moment)}: {standing.problem}"
            )
    return lines
