"""Look at everything that must be well, and say how to mend what is not."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import click
import msgspec

from watcher.cli import Context
from watcher.cli.options import CatalogueName
from watcher.cli.output import json_option, show_json
from watcher.cli.waiting import each
from watcher.errors import WatcherError
from watcher.model import Finding

if TYPE_CHECKING:
    from watcher.wiring import Parts


@click.command()
@click.option("--catalogue", type=CatalogueName(), help="Of the catalogues, only this one.")
@json_option
@click.pass_obj
def check(context: Context, catalogue: str | None, as_json: bool) -> None:
    """Look at the configuration, the database, the credentials, each catalogue and each channel.

    Says what is wrong and how to mend it; exits 1 if anything is. Of the catalogues, those that are configured or
    watched: also whether a collection is gone or renamed, whether products are described as they were, and whether
    nothing new comes for longer than usual. It sends no notice: `watcher test-notify` does.

    \b
    Examples:
      watcher check
      watcher check --catalogue cdse --json
    """
    findings = []
    for finding in each("looking", _findings(context, catalogue)):
        findings.append(finding)
        if not as_json:
            click.echo(f"{'ok   ' if finding.well else 'WRONG'}  {finding.subject}: {finding.text}")
            if finding.hint and not finding.well:
                click.echo(f"         → {finding.hint}")
    wrong = [finding.subject for finding in findings if not finding.well]
    if as_json:
        show_json([{"subject": f.subject, "well": f.well, "text": f.text, "hint": f.hint} for f in findings])
    elif wrong:
        few = f"{len(wrong)} of {len(findings)} {'is' if len(wrong) == 1 else 'are'}"
        click.echo(f"{few} not well: {', '.join(dict.fromkeys(wrong))}.")
    else:
        click.echo("All is well.")
    if wrong:
        raise click.exceptions.Exit(1)


def _findings(context: Context, only: str | None) -> Iterator[Finding]:
    parts = context.parts
    path = parts.config.path
    yield Finding(
        "configuration",
        True,
        str(path) if path else "none found; the defaults hold (`watcher init` writes one)",
    )
    yield from _database(parts)
    writable = True
    for finding in _disks(parts):
        writable = writable and (finding.well or finding.subject != "database's file system")
        yield finding
    yield from parts.downloads.cluster_findings()
    yield from _feeds(parts)
    yield from parts.hooks.findings()
    stored = writable and _opens(parts)
    for name in _catalogues(parts, only):
        try:
            for finding in _looked(parts, name, stored):
                yield msgspec.structs.replace(finding, subject=f"{name}: {finding.subject}")
        except WatcherError as error:
            yield Finding(name, False, str(error), error.hint)
    if stored:
        yield from _watches(parts)
        yield from _named_sites(parts)
        yield from _emptied(parts)
    yield from _channels(parts, stored)


def _opens(parts: Parts) -> bool:
    """Say whether the database can be asked; that it cannot has been said already."""
    from watcher.store import watching
    from watcher.store.connection import naming

    try:
        with closing(parts.db()) as db, naming(parts.database):
            watching.catalogues(db)
    except WatcherError:
        return False
    return True


def _catalogues(parts: Parts, only: str | None) -> list[str]:
    if only is not None:
        return [only]
    try:
        return parts.catalogues.polled(parts.db())
    except WatcherError:
        return list(parts.config.catalogues)  # the database has been found fault with already


def _looked(parts: Parts, name: str, stored: bool) -> Iterator[Finding]:
    from watcher.tasks.look import look
    from watcher.wiring import now

    catalogue, http = parts.catalogues.catalogue(name), parts.catalogues.http(name)
    answers = False
    for finding in catalogue.check(http):
        answers = answers or finding.well
        yield finding
    if answers and stored:
        with closing(parts.db()) as db:
            yield from look(db, name, catalogue, http, now=now())
    account = parts.catalogues.account(name)
    if account is not None:
        yield account


def _database(parts: Parts) -> Iterator[Finding]:
    from watcher.store.connection import healthy

    try:
        db = parts.db()
        healthy(db)
    except WatcherError as error:
        yield Finding("database", False, str(error), error.hint)
        return
    mode = stat.S_IMODE(parts.database.stat().st_mode)
    if mode & 0o077:
        yield Finding(
            "database",
            False,
            f"{parts.database} can be read by others ({mode:04o})",
            f"chmod 600 {parts.database}",
        )
    else:
        yield Finding("database", True, f"{parts.database}, sound")


def _disks(parts: Parts) -> Iterator[Finding]:
    wrong = set()
    for finding in parts.keeping.file_systems():
        wrong |= set() if finding.well else {finding.subject}
        yield finding
    if f"{parts.keeping.archive.kind}'s file system" not in wrong:
        yield from _room(parts)
    yield from parts.keeping.archive.check()


def _room(parts: Parts) -> Iterator[Finding]:
    from watcher.core.wording import bytes_word

    place = parts.keeping.archive.disk
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        kind = parts.keeping.archive.kind
        yield Finding(kind, False, f"{existing} cannot be written", f"set download.{kind} to a directory of your own")
        return
    free, reserve = shutil.disk_usage(existing).free, parts.config.download.reserve
    yield Finding(
        parts.keeping.archive.kind,
        free > reserve,
        f"{place}, {bytes_word(free) or 'nothing'} free"
        + (f", {bytes_word(reserve)} of it kept free" if reserve else ""),
        "free some space, or lower download.reserve",
    )


def _feeds(parts: Parts) -> Iterator[Finding]:
    place = parts.config.feeds.place()
    if place is None:
        return
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    well = existing.is_dir() and os.access(existing, os.W_OK)
    text = f"{place}, written after each pass" if well else f"{existing} cannot be written"
    yield Finding("feeds", well, text, "set feeds.directory to a directory that the service can write")


def _emptied(parts: Parts) -> Iterator[Finding]:
    with closing(parts.db()) as db:
        gone = parts.keeping.gone(db)
    if gone is not None:
        yield Finding(parts.keeping.archive.kind, False, str(gone), gone.hint)


def _named_sites(parts: Parts) -> Iterator[Finding]:
    """Find sites that the configuration names and that nobody watches: of such a name nothing follows."""
    from watcher.names import fold
    from watcher.store import sites

    known = [site.name for site in sites.every(parts.db())]
    named = {"download.sites": parts.config.download.sites}
    named |= {f"hooks.{name}.sites": hook.sites for name, hook in parts.config.hooks.items()}
    for key, names in named.items():
        strange = [name for name in names if fold(name) not in {fold(one) for one in known}]
        if strange:
            there = f"the sites are: {', '.join(known)}" if known else "no site is watched yet"
            yield Finding(key, False, f"names no watched site: {', '.join(strange)}", there)


def _watches(parts: Parts) -> Iterator[Finding]:
    from watcher.store import watching

    for name in sorted({watch.catalogue for watch in watching.watches(parts.db())}):
        if parts.config.table(name) is not None:
            continue
        yield Finding(
            f"catalogue {name}",
            False,
            "sites of it are watched, but it is neither in the configuration nor a preset that needs nothing",
            f"restore [catalogues.{name}], or remove the sites",
        )


def _channels(parts: Parts, stored: bool) -> Iterator[Finding]:
    from watcher.channels import address_for, masked
    from watcher.store import subscriptions

    tables = {f"channel {name}": f"channel:{name}" for name in parts.config.channels}
    for subscription in subscriptions.every(parts.db()) if stored else ():
        tables.setdefault(f"subscription {subscription.number}", subscription.address)
    if parts.config.mail is not None:
        tables["mail"] = "mail:someone@example.org"
    for subject, reference in tables.items():
        try:
            url = parts.addresses.address(reference)
            address_for(url, mail_url=None)
        except WatcherError as error:
            yield Finding(subject, False, str(error), error.hint)
        else:
            yield Finding(subject, True, f"{masked(url)} (watcher test-notify sends a sample)")
