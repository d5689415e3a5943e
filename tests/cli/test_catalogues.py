import json

import pytest

from tests.conftest import Scene, Watcher
from watcher import config, plugins
from watcher.errors import ConfigError
from watcher.model import Holding


def test_the_list_says_what_can_be_asked_and_what_it_takes(watcher: Watcher) -> None:
    rows = {row["name"]: row for row in json.loads(watcher("catalogues", "--json").out)}
    assert rows["take5"]["configured"]
    assert rows["take5"]["status"] == "configured"
    assert {"L1C", "L2A"} <= set(rows["cdse"]["levels"])
    assert "sentinel-2-l2a" in rows["cdse"]["collections"]
    assert "download" in rows["cdse"]["account"]
    assert rows["cdse"] | {"account": "", "title": "", "collections": [], "levels": []} == {
        "name": "cdse",
        "kind": "stac",
        "title": "",
        "levels": [],
        "collections": [],
        "account": "",
        "needs_account": ["download"],
        "configured": False,
        "needs": [],
        "status": "preset",
    }
    assert set(config.presets()) <= rows.keys()
    said = watcher("catalogues")
    assert said.code == 0
    assert "ACCOUNT TO" in said.out
    assert max(map(len, said.out.splitlines())) <= 110


@pytest.mark.parametrize("name", config.presets())
def test_a_preset_lacks_what_it_says_it_needs_and_nothing_else(name: str) -> None:
    table = config.preset(name)

    def built(settings: dict[str, object]) -> object:
        return plugins.build("catalogues", table.kind, settings, place=name)

    for need in table.needs:
        with pytest.raises(ConfigError, match=need):
            built({key: value for key, value in _given(table.needs).items() if key != need} | table.settings)
    assert built(table.settings | _given(table.needs))


def _given(needs: tuple[str, ...]) -> dict[str, str]:
    return {need: "https://127.0.0.1/" if need == "url" else "creodias" for need in needs}


def test_one_that_is_named_is_asked(watcher: Watcher, scene: Scene) -> None:
    said = watcher("catalogues", "take5")
    assert said.code == 0, said
    assert "It has 2 collections, 2 of them configured:" in said.out
    assert "ok     SPOT5: processingLevel: filters" in said.out
    asked = json.loads(watcher("catalogues", "take5", "--json").out)
    assert [row["collection"] for row in asked["holdings"]] == ["SPOT4", "SPOT5"]
    assert asked["url"] == scene.catalogue.url
    assert asked["problem"] is None
    assert all(finding["well"] for finding in asked["findings"])


def test_one_that_cannot_be_asked_is_said_and_the_exit_code_tells(watcher: Watcher, home) -> None:
    path = home / "config.toml"
    text = path.read_text()
    path.write_text(text.replace('/resto"', '/nothing"'))
    said = watcher("catalogues", "take5")
    assert said.code == 1
    assert "Its collections cannot be listed" in said.out
    assert "WRONG" in said.out
    asked = json.loads(watcher("catalogues", "take5", "--json").out)
    assert asked["problem"]
    assert asked["holdings"] == []


@pytest.mark.parametrize("name", ["nothing", "nothing:at:all"])
def test_an_unknown_one_is_answered_with_those_that_are(watcher: Watcher, name: str) -> None:
    said = watcher("catalogues", name)
    assert said.code == 2
    assert "take5" in said.err


def test_a_site_is_added_to_a_preset_that_stands_in_no_configuration(watcher: Watcher) -> None:
    said = watcher("add-site", "Litchfield", "--catalogue", "earth-search")
    assert said.code == 0, said
    assert "now watched: earth-search sentinel-2-c1-l2a L2A" in said.out
    state = json.loads(watcher("status", "--json").out)
    assert [one["name"] for one in state["catalogues"]] == ["earth-search"]
    assert not state["troubles"]


def test_check_says_that_a_watched_collection_is_gone(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    watcher("add-site", "Litchfield")
    watcher("poll")
    well = watcher("check")
    assert well.code == 0, well
    assert "SPOT5 L2A: 5 of its newest products are described as they were recorded" in well.out
    monkeypatch.setattr("watcher.catalogues.resto.Kind.discover", lambda self, http: iter([Holding("TAKE5_SPOT5")]))
    wrong = watcher("check")
    assert wrong.code == 1
    assert "take5: collection SPOT5: it is gone or renamed, and watched at Litchfield" in wrong.out
    assert "is it TAKE5_SPOT5 now?" in wrong.out
