"""Nothing is missed and nothing doubled: seasons at real servers and at models of what others do wrong.

The long run, of 10,000 events, is `python -m bench lossless`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.proof.models import MODELS
from tests.proof.real import on_pgstac, on_rustac
from tests.proof.season import Account
from tests.proof.servers import lived
from tests.servers import keep
from tests.servers.stac import Pgstac, need
from watcher.catalogues import stac
from watcher.core import decide
from watcher.core.ground import matching
from watcher.core.questions import choosing
from watcher.errors import CatalogueError
from watcher.model import Page


def proven(account: Account, *, events: int) -> None:
    assert account.events >= events
    assert account.problems == [], "a quiet server is polled well"
    assert (account.verdict.missed, account.verdict.doubled) == ([], [])
    assert (account.again.missed, account.again.doubled) == ([], [])
    assert account.mended == 0, "reading all again finds nothing that a poll should have"
    assert account.verdict.announced > events / 10
    assert account.mishaps > 0, "nothing went wrong: this proves nothing"


@pytest.mark.parametrize(("name", "events"), [(name, 120 if name == "GEODES" else 150) for name in MODELS])
def test_nothing_is_missed_nor_doubled_whatever_a_server_does_wrong(name: str, events: int, tmp_path: Path) -> None:
    proven(lived(MODELS[name](), tmp_path / "watcher.db", events=events, seed=f"{name} 4"), events=events)


def test_nothing_is_missed_nor_doubled_on_a_real_pgstac(pgstac: Pgstac, tmp_path: Path) -> None:
    with on_pgstac(pgstac) as model:
        proven(lived(model, tmp_path / "watcher.db", events=120, seed="pgstac 4"), events=120)


def test_nothing_is_missed_nor_doubled_on_a_real_pgstac_that_counts(counting_pgstac: Pgstac, tmp_path: Path) -> None:
    with on_pgstac(counting_pgstac) as model:
        proven(lived(model, tmp_path / "watcher.db", events=120, seed="pgstac, counting 4"), events=120)


def test_nothing_is_missed_nor_doubled_on_a_real_rustac(tmp_path: Path) -> None:
    need(keep.VENV / "rustac")
    with on_rustac(tmp_path) as model:
        proven(lived(model, tmp_path / "watcher.db", events=120, seed="rustac 4"), events=120)


# A proof that cannot fail proves nothing: each of these defects is found


def no_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "reach", lambda *_, **__: (timedelta(0), True))


def a_broken_answer_counts_as_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def search(self: Any, query: Any, http: Any) -> Iterator[Page]:
        with suppress(CatalogueError):
            yield from honest(self, query, http)

    honest = stac.Kind.search
    monkeypatch.setattr(stac.Kind, "search", search)


def a_newer_processing_is_another_acquisition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "key", lambda product: None)


def a_touched_record_is_another_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "recognised", lambda known, listed: listed if listed in known else None)


def a_border_belongs_to_one_site(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = matching._Ground.under
    monkeypatch.setattr(matching._Ground, "under", lambda *asked: [sites[:1] for sites in honest(*asked)])


@pytest.mark.parametrize(
    ("defect", "server", "found"),
    [
        (no_overlap, "CMR", "missed"),
        (a_broken_answer_counts_as_whole, "LandsatLook", "doubled"),
        (a_newer_processing_is_another_acquisition, "LandsatLook", "doubled"),
        (a_touched_record_is_another_revision, "CMR", "doubled"),
        (a_border_belongs_to_one_site, "LandsatLook", "missed"),
    ],
)
def test_a_defect_is_found(
    defect: Callable[[pytest.MonkeyPatch], None],
    server: str,
    found: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    defect(monkeypatch)
    seasons = (lived(MODELS[server](), tmp_path / f"{seed}.db", events=120, seed=seed) for seed in "abcdefgh")
    assert any(getattr(season.verdict, found) for season in seasons)
