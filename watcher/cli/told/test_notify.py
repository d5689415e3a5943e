"""`watcher test-notify`: a sample notice really goes out, and what came of it is said."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from watcher.cli import Context
from watcher.cli.options import SubscriptionNumber
from watcher.cli.waiting import each
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.model import Notice, Sent, Subscription


@click.command("test-notify")
@click.argument("number", metavar="[ID]", type=SubscriptionNumber(), required=False)
@click.pass_obj
def test_notify(context: Context, number: int | None) -> None:
    """Send a sample notice, to one subscription or to all, and say how it went.

    The sample is a notice like any other, with made-up products and pictures. Of each target it is said what the
    provider answered, and after how long. Exits with 1 if any did not accept it.

    \b
    Examples:
      watcher test-notify
      watcher test-notify 3
    """
    from watcher.store import subscriptions as stored

    parts = context.parts
    db = parts.db()
    targets = [stored.numbered(db, number)] if number is not None else stored.every(db)
    if not targets:
        raise UsageError("there is no subscription to test", hint="watcher subscribe you@example.org")
    unsubscribe = parts.addresses.unsubscribing()
    posts = [(target.address, _sample(target, unsubscribe(target))) for target in targets]
    begun = time.monotonic()
    accepted = 0
    for sent in each("sending", parts.addresses.send(posts)):
        target = targets[sent.index]
        seconds = time.monotonic() - begun if sent.seconds is None else sent.seconds
        accepted += _accepted(sent)
        click.echo(f"{target.number}  {parts.addresses.shown(target)}  {_said(sent, seconds)}")
    if accepted < len(targets):
        raise click.exceptions.Exit(1)


def _accepted(sent: Sent) -> bool:
    from watcher.model import Outcome

    return sent.outcome is Outcome.SENT


def _said(sent: Sent, seconds: float) -> str:
    """Say how it went: `accepted after 0.6 s: 250 2.0.0 queued`, `failed after 0.1 s, for good: 550 no such person`."""
    if _accepted(sent):
        return f"accepted after {seconds:.1f} s" + (f": {sent.answer}" if sent.answer else "")
    return (
        f"{sent.outcome} after {seconds:.1f} s{', for good' if sent.permanent else ''}: {sent.problem or 'no reason'}"
    )


def _sample(subscription: Subscription, unsubscribe: str | None) -> Notice:
    from watcher.cli.told.sample import sample
    from watcher.wiring import now

    # A key of its own each time: a mail program shows a message that it has already only once.
    key = f"test-{subscription.number}-{now():%Y%m%d%H%M%S%f}"
    footer = f"This is a test: no product arrived.\nTo hear no more of this: watcher unsubscribe {subscription.number}"
    return sample(key=key, footer=footer, fields=subscription.fields, unsubscribe=unsubscribe)
