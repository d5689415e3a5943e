"""The demo: June 2015 in half a minute, and `watcher` at work on it as a person would use it.

There is no shortcut through the program here: a server (`watcher.demo.catalogue`), the `watcher` commands, and at the
end a look from outside at what they left behind.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from watcher.demo.catalogue import Catalogue, serve
from watcher.demo.outcome import findings, look, word
from watcher.demo.products import Product
from watcher.demo.service import service
from watcher.demo.sites import HEROES
from watcher.demo.stage import DemoFailed, Stage, answer, command, furnish, room, way
from watcher.demo.timeline import Timeline
from watcher.demo.users import USERS
from watcher.model import Finding

PACE = 1.3
"""Seconds from one publication to the next, when nobody says otherwise."""

PACE_BY_HAND = 20.0
"""The same, for people who type."""

_LOOK = 0.2
"""Seconds between two looks at what the catalogue has published."""

_START, _SETTLE = 30.0, 20.0
"""Seconds that the service has to start, and to pay what it owes once all is published."""

_SITE = "Pornic"
_LEVELS = ("--level", "L1C", "--level", "L2A")


def play(directory: Path | None = None, *, pace: float = PACE) -> None:
    """Play the whole story in `directory`, or in a fresh temporary one, with `pace` seconds per publication.

    Raises `UsageError` for a directory that is not empty, and `DemoFailed` when a step fails, or when what came of it
    is not what the catalogue published.
    """
    began = time.monotonic()
    stage = room(directory)
    with _obeying(), serve(timeline=Timeline(pace=pace)) as catalogue:
        furnish(stage, url=catalogue.url)
        click.echo(f"A catalogue is up at {catalogue.url}. It speaks resto 2.0, as the SPOT (Take5)")
        click.echo(
            "server did, and there it is the morning of 3 June 2015. What follows are ordinary commands; all that"
        )
        click.echo(f"they write goes to {stage.directory}.")
        click.echo()
        for line in stage.exports:
            click.secho(f"$ {line}", bold=True)

        _say("Three places become watched, at two processing levels.")
        for site in HEROES:
            command(stage, "add-site", site.code, *_LEVELS)
        _say("A mailbox is to hear of everything, this terminal only of the L2A at one place.")
        command(stage, "subscribe", stage.address)
        command(stage, "subscribe", "terminal://", "--site", _SITE, "--level", "L2A")
        command(stage, "sites")
        _say("The first look: what is there already is remembered, and not announced.")
        command(stage, "poll")
        before = sum(p.site in HEROES for p in catalogue.timeline.offered())
        _say("The service starts, and so does June. Notices for this terminal have a bar at their left.")
        shown = _june(stage, catalogue)
        command(stage, "status")
        command(stage, "products", "--site", _SITE, "--level", "L2A", "--since", "2015-05-20")
        left = look(answer(stage, "products"), box=stage.mailbox, shown=shown, archive=stage.archive)
        arrivals = catalogue.arrived()
        found = list(findings(left, arrivals, before=before, site=_SITE))
    _conclude(stage, arrivals, found, seconds=time.monotonic() - began)
    wrong = [finding.subject for finding in found if not finding.well]
    if wrong:
        raise DemoFailed(
            f"what came of it is not what the catalogue published: see {', '.join(wrong)} above",
            hint=f"please report it, with {stage.log}",
        )


def serve_by_hand(directory: Path | None = None, *, pace: float = PACE_BY_HAND) -> None:
    """Keep the catalogue up, for people to try things in another terminal, until SIGINT or SIGTERM.

    Raises `UsageError` for a directory that is not empty.
    """
    stage = room(directory)
    with _obeying(), serve(timeline=Timeline(pace=pace)) as catalogue:
        furnish(stage, url=catalogue.url)
        user = USERS[0]
        click.echo(f"A catalogue of June 2015 is up at {catalogue.url} until you press Ctrl-C.")
        click.echo(f"Downloads need its account, {user.email} with the password {user.password};")
        click.echo(f"{stage.config} knows it. In another terminal:")
        click.echo()
        for line in (
            *stage.exports,
            "watcher check",
            "watcher add-site Litchfield --level L1C --level L2A",
            "watcher add-site Pornic",
            "watcher subscribe terminal://",
            "watcher run",
        ):
            click.secho(f"  {line}", bold=True)
        click.echo()
        click.echo(f"Here it publishes a product every {pace:g} s, beginning now:")
        catalogue.timeline.begin()
        told = 0
        while told < len(catalogue.timeline.arrivals):
            told = _publications(catalogue, told)
            threading.Event().wait(_LOOK)
        click.echo("June is over. The catalogue stays up, and keeps what it has.")
        threading.Event().wait()


def _june(stage: Stage, catalogue: Catalogue) -> str:
    """Let the service work while the catalogue publishes; return what came on the terminal."""
    shown: list[str] = []
    with service(stage, patience=_START) as running:
        click.echo()
        catalogue.timeline.begin()
        told = 0
        while told < len(catalogue.timeline.arrivals):
            told = _publications(catalogue, told)
            shown += _relayed(running.heard(_LOOK))
        deadline = time.monotonic() + _SETTLE
        while not (settled := _settled(stage, told)) and time.monotonic() < deadline:
            shown += _relayed(running.heard(_LOOK))
        debts = "nothing is owed any more" if settled else f"but after {_SETTLE:.0f} s things are still owed"
        _say(f"June is over, and {debts}. The service is told to stop (SIGTERM).")
        shown += _relayed(running.stop())
    return "\n".join(shown)


def _settled(stage: Stage, arrivals: int) -> bool:
    state = answer(stage, "status")
    debts = state["deliveries"]["owed"] + state["downloads"]["wanted"]
    return bool(state["arrivals"]["all"] >= arrivals and not debts)


def _say(text: str) -> None:
    click.echo()
    click.secho(f"# {text}", fg="green")


def _publications(catalogue: Catalogue, told: int) -> int:
    """Show what was published since `told` arrivals; return how many there are now."""
    arrived = catalogue.arrived()
    for p in arrived[told:]:
        again = "" if p.version == "1.0" else ", processed again"
        day = f"{p.published:%-d %B}"
        click.secho(
            f"{day:>7}, {p.published:%H:%M}  published: {word(p.level)} of {p.acquired:%-d %B} at {p.site.code}{again}",
            fg="cyan",
        )
    return len(arrived)


def _relayed(lines: Sequence[str]) -> Sequence[str]:
    for line in lines:
        click.echo(f"    ┃ {line}".rstrip())
    return lines


def _conclude(stage: Stage, arrivals: Sequence[Product], found: Sequence[Finding], *, seconds: float) -> None:
    levels = Counter(word(p.level) for p in arrivals)
    published = f"{len(arrivals)} products: {' and '.join(f'{levels[level]} {level}' for level in sorted(levels))}"
    click.echo()
    click.secho(f"What came of it, after {seconds:.0f} s", bold=True)
    for finding in (Finding("published", True, published), *found):
        mark = click.style("✓", fg="green") if finding.well else click.style("✗", fg="red", bold=True)
        click.echo(f"  {mark} {finding.subject:9}  {finding.text}")
    click.echo()
    click.secho("Where it lies; it is yours to look at, and to delete", bold=True)
    for name, path in (
        ("L2A", stage.archive),
        ("mails", stage.mailbox),
        ("log", stage.log),
        ("database", stage.state / "watcher.db"),
        ("config", stage.config),
    ):
        click.echo(f"    {name:9}  {path}")
    click.echo("  Commands see it after")
    for line in stage.exports:
        click.echo(f"    {line}")
    click.echo()
    click.secho("The same for a place of yours, with a real catalogue (Copernicus), in another terminal", bold=True)
    for line in (
        *way(),
        "watcher add-site Toulouse --point 1.44,43.60,15",
        "watcher subscribe terminal://",
        "watcher run",
    ):
        click.echo(f"    {line}")
    click.echo("  `watcher init` writes a configuration: mail, chat, downloads, other catalogues.")


@contextmanager
def _obeying() -> Iterator[None]:
    """Let SIGTERM and a terminal that is closed end the demo as Ctrl-C does: in good order."""

    def leave(number: int, frame: FrameType | None) -> None:
        del frame
        raise SystemExit(128 + number)

    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
