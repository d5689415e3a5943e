"""All catalogues of the proof by name, and a season at one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.proof.chances import passes
from tests.proof.door import opened
from tests.proof.models import MODELS
from tests.proof.real import on_pgstac, on_rustac
from tests.proof.records import Model
from tests.proof.season import Account, Season
from tests.servers.stac import Pgstac

PGSTACS = {"pgstac": "plain", "pgstac, counting": "counting"}
"""The real pgstacs, and what `tests.servers` calls them."""

SERVERS = (*PGSTACS, "rustac", *MODELS)


@contextmanager
def serving(name: str, directory: Path, pgstacs: Callable[[], Mapping[str, str]]) -> Iterator[Model]:
    """Serve one of `SERVERS`, with an empty collection; `pgstacs` starts those, or says where they are."""
    if name == "rustac":
        with on_rustac(directory) as model:
            yield model
    elif name in PGSTACS:
        told = pgstacs()
        with Pgstac(told[PGSTACS[name]], told["turn"]) as server, on_pgstac(server) as model:
            yield model
    else:
        yield MODELS[name]()


def lived(model: Model, database: Path, *, events: int, seed: object) -> Account:
    """Live a season of so many events, and say what it came to."""
    face, answer = model
    with opened(answer) as door:
        season = Season(face, door, database, seed=seed)
        try:
            passes(season, events)
            return season.heals()
        finally:
            season.close()
