"""Nothing is missed and nothing doubled: seasons at real servers and at models of what others do wrong.

The long run, of 10,000 events, is `python -m bench lossless`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.proof.door import FAULTS
from tests.proof.models import MODELS
from tests.proof.real import on_pgstac, on_rustac
from tests.proof.season import Account
from tests.proof.servers import lived
from tests.servers import keep
from tests.servers.stac import Pgstac, need
from watcher.catalogues.odata.walks import Walk
from watcher.catalogues.resto import walk as resto_walk
from watcher.catalogues.stac.chains import Chain
from watcher.core import decide, planning, reach
from watcher.tasks.poll import answers


def proven(account: Account, *, events: int) -> None:
    assert account.events >= events
    assert account.problems == [], "a quiet server is polled well"
    assert (account.verdict.missed, account.verdict.doubled) == ([], [])
    assert (account.again.missed, account.again.doubled) == ([], [])
    assert account.mended == 0, "reading all again finds nothing that a poll should have"
    assert account.verdict.announced > events / 10
    assert account.failing > 0, "nothing went wrong: this proves nothing"


@pytest.mark.parametrize(("name", "events"), [(name, 120 if name == "GEODES" else 250) for name in MODELS])
def test_nothing_is_missed_nor_doubled_whatever_a_server_does_wrong(name: str, events: int, tmp_path: Path) -> None:
    proven(lived(MODELS[name](), tmp_path / "watcher.db", events=events, seed=f"{name} 4"), events=events)


def test_nothing_is_missed_nor_doubled_on_a_real_pgstac(pgstac: Pgstac, tmp_path: Path) -> None:
    with on_pgstac(pgstac) as model:
        proven(lived(model, tmp_path / "watcher.db", events=200, seed="pgstac 4"), events=200)


def test_nothing_is_missed_nor_doubled_on_a_real_pgstac_that_counts(counting_pgstac: Pgstac, tmp_path: Path) -> None:
    with on_pgstac(counting_pgstac) as model:
        proven(lived(model, tmp_path / "watcher.db", events=200, seed="pgstac, counting 4"), events=200)


def test_nothing_is_missed_nor_doubled_on_a_real_rustac(tmp_path: Path) -> None:
    need(keep.VENV / "rustac")
    with on_rustac(tmp_path) as model:
        proven(lived(model, tmp_path / "watcher.db", events=200, seed="rustac 4"), events=200)
