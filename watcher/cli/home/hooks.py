"""`watcher hooks`: the commands that are run for products that came home."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from watcher.cli import Context
from watcher.cli.naming import known_as, unseen
from watcher.cli.output import ago, json_option, several, show_json, show_table, until
from watcher.cli.under_way import busy
from watcher.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from watcher.store.hooks import Run
    from watcher.tasks.hooks.leash import Living

_COLUMNS = {
    "hook": "HOOK",
    "title": "PRODUCT",
    "state": "STATE",
    "code": "EXIT",
    "ended": "ENDED",
    "problem": "PROBLEM",
}


@click.command()
@click.option("--again", metavar="PRODUCT", help="Owe this product its hooks anew, also those that ran well.")
@click.option("--run", "at_once", is_flag=True, help="Run what is due now, instead of the service.")
@json_option
@click.pass_obj
def hooks(context: Context, again: str | None, at_once: bool, as_json: bool) -> None:
    """List what the hooks of the configuration did with the products that came home.

    Each runs once for each revision of a product, and again only if it failed or was interrupted, or if you ask for it.
    One that a watcher which was killed left running is ended before it is run again.
    --json has the end of what it printed, too.

    \b
    Examples:
      watcher hooks
      watcher hooks --again SPOT5_HRG1_XS_20150629_N2A_LitchfieldD0000B0000
      watcher hooks --run
    """
    from watcher.store import hooks as kept
    from watcher.wiring import now

    parts = context.parts
    db = parts.db()
    if again is not None:
        _owe_again(context, again)
        if not at_once:
            return
    if at_once:
        failed = count = 0
        with busy(parts):
            for ran in parts.hooks.run(db, tell=_tell_of_left):
                count += 1
                if ran.problem is None:
                    click.echo(f"ran {ran.hook} for {ran.title} ({ran.seconds:.1f} s)")
                else:
                    failed += 1
                    after = f"again {ago(ran.again, now())}" if ran.again else "given up"
                    click.echo(f"failed {ran.hook} for {ran.title}: {ran.problem} ({after})", err=True)
        if not count:
            click.echo("No hook is due.")
        if failed:
            raise click.exceptions.Exit(1)
        return
    moment = now()
    living, kept_up = parts.hooks.running()
    word = "running" if kept_up else "left running"
    at_work = {} if living is None else {(living.hook, living.title): word}
    rows = [
        {
            "hook": run.hook,
            "title": run.title,
            "state": at_work.get((run.hook, run.title)) or _state(run, moment),
            "owed": run.owed,
            "due": run.due,
            "began": run.began,
            "ended": run.ended,
            "attempts": run.attempts,
            "code": run.code,
            "problem": run.problem,
            "output": run.output,
        }
        for run in kept.runs(db)
    ]
    if as_json:
        show_json(rows)
    else:
        none = "None is configured: config.example.toml shows how." if not parts.config.hooks else "None was owed yet."
        show_table(rows, _COLUMNS, empty=none)


def _owe_again(context: Context, title: str) -> None:
    from watcher.store import archive, products
    from watcher.store import hooks as kept
    from watcher.store.connection import writing
    from watcher.wiring import now

    parts = context.parts
    db = parts.db()
    found = archive.titled(db, known_as(db, title))
    if not found:
        raise unseen(db, title, what="is stored", way="`watcher download PRODUCT` brings it home")
    count = 0
    with writing(db):
        for held in found:
            owed = parts.config.hooks_for(products.one(db, held.revision)[1], held.site)
            kept.owe_again(db, held.revision, owed, now=now())
            count += len(owed)
    if not count:
        raise UsageError(f"no hook is meant for {title}", hint="look at [hooks] in the configuration")
    click.echo(f"{several(count, 'hook')} {'is' if count == 1 else 'are'} owed to {title} again.")


def _tell_of_left(left: Living) -> None:
    click.echo(f"ended {left.hook} for {left.title}, which a watcher that was killed had left running", err=True)


def _state(run: Run, moment: datetime) -> str:
    if run.given_up is not None:
        return "given up"
    if run.due is None:
        return "done"
    return until(run.due, moment) if run.attempts else "owed"
