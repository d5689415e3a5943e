"""`watcher demo`: see it all work, without a network."""

from __future__ import annotations

from pathlib import Path

import click

from watcher.errors import UsageError


@click.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where everything goes; empty or not there yet [default: a fresh temporary directory].",
)
@click.option("--serve", is_flag=True, help="Only keep the catalogue up, to try things by hand.")
@click.option(
    "--pace",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="From one publication to the next [default: 1.3; with --serve 20].",
)
def demo(directory: Path | None, serve: bool, pace: float | None) -> None:
    """See it all work, on a catalogue that runs here.

    A catalogue of June 2015 starts on this machine and publishes products faster than life; the real commands and the
    real service work on it. It takes less than a minute, needs no network, and ends with a summary. Everything lies in
    one directory, which is kept. Your own configuration and database are not touched.

    \b
    Examples:
      watcher demo
      watcher demo --dir ./watcher-demo
      watcher demo --serve
    """
    from watcher.demo import story

    if pace is not None and not 0 < pace <= 3600:
        raise UsageError(f"a pace of {pace:g} seconds", hint="it is more than 0 and at most 3600")
    try:
        if serve:
            story.serve_by_hand(directory, pace=pace or story.PACE_BY_HAND)
        else:
            story.play(directory, pace=pace or story.PACE)
    except KeyboardInterrupt:
        click.echo("\nStopped; nothing runs any more.", err=True)
        raise click.exceptions.Exit(0 if serve else 130) from None
