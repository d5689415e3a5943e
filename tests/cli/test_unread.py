"""What is said at the keyboard of an item that cannot be read: by `poll`, `status`, `check` and `find`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.catalogues.loopback import answering
from tests.catalogues.pretend_resto import APRIL, Held, Pretend
from tests.catalogues.spoiling import Spoiling, having
from tests.conftest import Scene, Watcher

BAD = "5d1c6bb0-0000-5a3c-9f57-000000000004"
WHY = f"{BAD}: Expected `object`, got `null` - at `$.properties`"


@pytest.fixture
def server(home: Path, scene: Scene) -> Iterator[Spoiling]:
    """A catalogue of ten products, one of which is odd, in the place of the demo's."""
    server = Spoiling(Pretend([Held(f"{BAD[:-1]}{number}", APRIL + timedelta(days=number)) for number in range(10)]))
    server.spoilt[BAD] = having(properties=None)
    config = home / "config.toml"
    with answering(server) as (url, _):
        config.write_text(config.read_text().replace(scene.catalogue.url, url))
        yield server


def test_it_is_said_by_all_until_it_is_over(watcher: Watcher, server: Spoiling) -> None:
    assert watcher("add-site", "Litchfield", "--level", "L2A").code == 0
    polled = watcher("poll")
    assert (polled.code, polled.out) == (0, "take5: 1 asked, 10 listed, 0 arrived, 1 baselined\n")
    assert polled.err == "take5: 1 listed item could not be read: watcher status says why\n"
    said = rf"\n  take5: 1 item of SPOT5 cannot be read, since \d+ s ago: {re.escape(WHY)}\n"
    assert re.search(said, watcher("status").out)
    checked = watcher("check", "--catalogue", "take5")
    assert checked.code == 1
    assert f"WRONG  take5: SPOT5: products: 1 of the 10 listed cannot be read: {WHY}\n" in checked.out
    assert "WRONG  take5: items of SPOT5: an item that a poll was listed cannot be read, since " in checked.out
    server.spoilt.clear()
    polled = watcher("poll")
    assert (polled.out, polled.err) == ("take5: 1 asked, 10 listed, 1 arrived\n", "")
    assert watcher("status").out.endswith("troubles: none\n")
    assert "cannot be read" not in watcher("check", "--catalogue", "take5").out


def test_a_search_shows_the_others_and_says_that_it_is_not_all(watcher: Watcher, server: Spoiling) -> None:
    found = watcher("find", "Litchfield SPOT5 L2A 2015", "--catalogue", "take5")
    assert found.code == 69
    assert found.out.count("SPOT5_5d1c6bb0") == 9
    assert f"1 of the items that take5 lists in SPOT5 cannot be read: {WHY}\n" in found.err
