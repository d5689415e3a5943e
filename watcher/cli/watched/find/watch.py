"""A sentence becomes a watch: the same as `watcher add-site`, whose command is said."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC
from typing import TYPE_CHECKING

import click

from watcher.cli.watched.add_site import add_site
from watcher.cli.watched.find.ground import middle
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.cli.watched.find.ground import Spot
    from watcher.core.sentences import Sentence
    from watcher.plugins import Catalogue
    from watcher.wiring import Parts


def watch(
    ctx: click.Context, parts: Parts, asked: Sentence, catalogues: Sequence[str], *, name: str | None, pick: int | None
) -> None:
    """Watch the place of a sentence on its terms in each catalogue; raises `UsageError` when a word is not understood.

    What a watch has no term for is named.
    """
    from watcher.cli.watched.find.place import described, in_catalogue
    from watcher.cli.watched.find.search import questions
    from watcher.core.sentences.echo import said, strange

    for named in list(dict.fromkeys(catalogues)) or [parts.config.default_catalogue()]:
        source = parts.catalogues.catalogue(named)
        fitting = list(dict.fromkeys(collection for collection, _ in questions(named, source, asked)))
        spots = in_catalogue(parts, named, source, asked, fitting, pick)
        click.echo(said(asked, [described(spot.place, asked.language) for spot in spots.spots]), err=True)
        if left := strange(asked, spots.left):
            raise UsageError(left, hint="a watch lasts: say it in words that are understood")
        if len(spots.spots) != 1:
            raise UsageError(
                f"a watch is of one place, and the sentence names {len(spots.spots) or 'none'}",
                hint="write a sentence for each",
            )
        if missing := _no_terms(asked, fitting):
            click.echo(f"left out, for a watch has no such term: {', '.join(missing)}", err=True)
        arguments = [*_place(spots.spots[0], asked.radius, name, pick), "--catalogue", named, *_terms(asked)]
        usual = _all(source, asked)
        chosen = [collection for collection in fitting if collection in usual] or fitting
        if set(chosen) != usual:
            arguments += [part for collection in chosen for part in ("--collection", collection)]
        click.echo(f"watcher add-site {shlex.join(arguments)}", err=True)
        add_site.main(arguments, prog_name="watcher add-site", standalone_mode=False, obj=ctx.obj, parent=ctx.parent)


def _place(spot: Spot, radius: float | None, name: str | None, pick: int | None) -> list[str]:
    if radius is not None:
        longitude, latitude = middle(spot.place)
        return [name or spot.words, "--point", f"{longitude:.5f},{latitude:.5f},{radius:g}"]
    called = ["--as", name] if name is not None else []
    # A code is exact already.
    picked = ["--pick", str(pick)] if pick is not None and spot.code is None else []
    return [spot.code or spot.words, *called, *picked]


def _all(source: Catalogue, asked: Sentence) -> set[str]:
    """Return the collections that add-site would take by itself."""
    return {collection for level in asked.levels or ("L2A",) for collection in source.collections_of(level)}


def _terms(asked: Sentence) -> list[str]:
    terms = [part for level in asked.levels for part in ("--level", level)]
    if asked.max_cloud is not None:
        terms += ["--max-cloud", f"{asked.max_cloud:g}"]
    if asked.acquired and asked.acquired[0][1] is None and (since := asked.acquired[0][0]) is not None:
        day = since.astimezone(UTC)
        terms += ["--since", f"{day:%Y-%m-%d}" if day.strftime("%H%M%S") == "000000" else f"{day:%Y-%m-%dT%H:%M:%SZ}"]
    return terms


def _no_terms(asked: Sentence, fitting: Sequence[str]) -> list[str]:
    """Name what a sentence asks for, and neither a watch nor the choice of its collections can."""
    from watcher.core.identity.missions import carried, named_in, within
    from watcher.core.sentences.when import shown

    wanted = [*asked.platforms, *(platform for one in asked.instruments for platform in carried(one))]
    chosen = all(
        (names := named_in(collection)) and all(any(within(name, one) for one in wanted) for name in names)
        for collection in fitting
    )
    missing = [] if chosen else [*asked.platforms, *asked.instruments]
    missing += [f"acquired {shown(interval)}" for interval in asked.acquired if interval[1] is not None]
    return [*missing, *([f"cloud ≥ {asked.min_cloud:g} %"] if asked.min_cloud else [])]
