"""Products of many files in a real STAC server, of which people choose some."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import Watcher
from tests.loopback import Peer, Request, drip, reply, served, until
from tests.servers.stac import Pgstac, thing
from tests.transfer.depot import noise

BANDS = {key: noise(60_000, seed) for seed, key in enumerate(("B02", "B03", "B04", "SCL"))}
TEXT = b"<metadata/>"


def ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT00:00:00Z")


class Land(NamedTuple):
    """A pgstac with scenes, and the server that has their files."""

    pgstac: Pgstac
    files: Peer
    home: Path
    slow: set[str]

    def publish(self, *names: str, **changed: dict[str, Any]) -> None:
        self.pgstac.add(*(self.scene(name, **changed) for name in names))

    def scene(self, name: str, **changed: dict[str, Any]) -> dict[str, Any]:
        days = 9 - int(name[1:])
        item = thing(name, ago(days), acquired=ago(days + 2))
        for key, content in BANDS.items():
            item["assets"][key] = {
                "href": self.files.url(f"/{name}/{key}.tif"),
                "type": "image/tiff; application=geotiff",
                "roles": ["data"] + (["reflectance"] if key.startswith("B") else []),
                "file:size": len(content),
                "file:checksum": "1220" + hashlib.sha256(content).hexdigest(),
                **changed.get(key, {}),
            }
        item["assets"]["mtd"] = {"href": self.files.url(f"/{name}/mtd.xml"), "type": "application/xml"}
        return item


@pytest.fixture
def land(pgstac: Pgstac, home: Path) -> Iterator[Land]:
    slow: set[str] = set()

    def answer(request: Request, connection: Any) -> bytes | None:
        key = request.target.rpartition("/")[2].partition(".")[0]
        body = TEXT if key == "mtd" else BANDS[key]
        if key in slow:
            connection.sendall(reply(sized=False, Content_Length=str(len(body))))
            drip(connection, body[:-1], every=0.01)
            return None
        return reply(body=body)

    with served(answer) as files:
        (home / "config.toml").write_text(
            f"""
[catalogues.real]
kind = "stac"
url = "{pgstac.url}"
collections = {{ "{pgstac.collection}" = "L2A" }}
hosts = ["127.0.0.1:{files.port}"]
gap = 0
[download]
reserve = 0
"""
        )
        yield Land(pgstac, files, home, slow)


@pytest.fixture
def seen(land: Land, watcher: Watcher) -> Land:
    """One scene is known; the catalogue's settings choose nothing of it."""
    land.publish("S1")
    watcher("add-site", "Toulouse", "--point", "1.44,43.60,15")
    assert "1 listed" in watcher("poll").out
    return land


def lies(place: Path) -> dict[str, bytes]:
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def test_chosen_assets_come_into_one_directory_verified(seen: Land, watcher: Watcher, tmp_path: Path) -> None:
    said = watcher("download", "S1", "--assets", "b02, B03,SCL", "--to", str(tmp_path / "here"))
    place = tmp_path / "here" / "S1"
    assert (said.code, said.err) == (0, "")
    assert said.out == f"stored {place} (3 files, 180,000 bytes; 180,000 fetched; verified: sha256)\n"
    assert lies(tmp_path / "here") == {f"S1/{key}.tif": BANDS[key] for key in ("B02", "B03", "SCL")}

    again = watcher("download", "S1", "--assets", "B02,B03,SCL", "--to", str(tmp_path / "here"))
    assert again.out == f"kept {place} (3 files, 180,000 bytes; 0 fetched; verified: sha256)\n"
    assert sorted(seen.files.targets) == ["/S1/B02.tif", "/S1/B03.tif", "/S1/SCL.tif"]
    assert "downloads: 0 wanted, 0 stored" in watcher("status").out


@pytest.mark.parametrize(
    ("words", "taken"),
    [("role:reflectance", ["B02", "B03", "B04"]), ("B0[34],mtd", ["B03", "B04", "mtd"]), ("SCL", ["SCL"])],
)
def test_they_are_chosen_by_role_and_pattern_and_one_has_a_directory_too(
    seen: Land, watcher: Watcher, words: str, taken: list[str]
) -> None:
    said = watcher("download", "S1", "--assets", words)
    (place,) = seen.home.rglob("parts/S1")
    assert said.code == 0, said
    assert sorted(lies(place)) == [f"{key}.{'xml' if key == 'mtd' else 'tif'}" for key in taken]


def test_a_pattern_of_nothing_is_refused_before_anything_is_written(seen: Land, watcher: Watcher) -> None:
    seen.publish("S2")
    watcher("poll")
    said = watcher("download", "S2", "S1", "--assets", "B02,B99", "--to", str(seen.home / "here"))
    assert said.code == 2
    assert 'no asset of S2 is "B99"' in said.err
    assert "its assets are B02, B03, B04, SCL, mtd; their roles are role:data, role:reflectance" in said.err
    assert not (seen.home / "here").exists()
    assert seen.files.requests == []


def test_a_file_that_is_not_what_the_catalogue_says_leaves_no_directory(seen: Land, watcher: Watcher) -> None:
    seen.pgstac.change(seen.scene("S1", B03={"file:checksum": "1220" + "00" * 32}))
    said = watcher("download", "S1", "--assets", "B02,B03", "--to", str(seen.home / "here"))
    assert said.code == 1
    assert said.err.startswith("failed S1: ")
    assert not (seen.home / "here" / "S1").exists()
    seen.pgstac.change(seen.scene("S1"))
    mended = watcher("download", "S1", "--assets", "B02,B03", "--to", str(seen.home / "here"))
    assert "2 files, 120,000 bytes; 60,000 fetched" in mended.out


def test_a_product_that_is_gone_fails_and_the_others_come(seen: Land, watcher: Watcher) -> None:
    seen.publish("S2")
    watcher("poll")
    seen.pgstac.remove("S1")
    said = watcher("download", "S1", "S2", "--assets", "SCL")
    assert said.code == 1
    assert f"failed S1: {seen.pgstac.url} has no S1 in {seen.pgstac.collection} any more" in said.err
    assert lies(next(seen.home.rglob("parts"))) == {"S2/SCL.tif": BANDS["SCL"]}


def test_killed_in_the_middle_it_goes_on_with_what_is_missing(seen: Land, watcher: Watcher) -> None:
    seen.slow.add("B03")
    command = [sys.executable, "-m", "watcher", "download", "S1", "--assets", "B02,B03,SCL", "--to", seen.home / "here"]
    child = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL)
    try:
        until(lambda: "/S1/B03.tif" in seen.files.targets, seconds=30)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not (seen.home / "here" / "S1").exists()
    assert lies(seen.home / "here")["S1.partial/B02.tif"] == BANDS["B02"]
    seen.slow.clear()
    said = watcher("download", "S1", "--assets", "B02,B03,SCL", "--to", str(seen.home / "here"))
    assert said.out.startswith(f"stored {seen.home / 'here' / 'S1'} (3 files, 180,000 bytes; ")
    assert lies(seen.home / "here") == {f"S1/{key}.tif": BANDS[key] for key in ("B02", "B03", "SCL")}
    assert seen.files.targets.count("/S1/B02.tif") == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--assets", "B02"), "--assets wants a product to be named"),
        (("S1", "--assets", " , "), "--assets names no pattern"),
        (("S1", "--assets", "B02", "--members", "*.tif"), "--members and --assets exclude each other"),
        (("S1", "--to", "/tmp"), "--to is for --members and --assets"),
        (("NOTHING", "--assets", "B02"), 'no product "NOTHING" was seen'),
    ],
)
def test_what_cannot_be_meant_is_said(seen: Land, watcher: Watcher, words: tuple[str, ...], complaint: str) -> None:
    said = watcher("download", *words)
    assert said.code == 2
    assert complaint in said.err
    assert seen.files.requests == []


# What a site asks for


@pytest.fixture
def watching(land: Land, watcher: Watcher) -> Land:
    """Two sites over the same ground, of which one has a choice; what there was before them is remembered."""
    land.publish("S1")
    watcher("add-site", "Toulouse", "--point", "1.44,43.60,15", "--download", "--assets", "role:reflectance")
    watcher("add-site", "Blagnac", "--bbox", "1.3,43.5,1.5,43.7", "--download", "--assets", "B02,SCL")
    assert "1 listed, 0 arrived" in watcher("poll").out
    land.publish("S2")
    assert "2 arrived" in watcher("poll").out
    return land


def test_what_the_sites_ask_for_comes_of_what_arrives(watching: Land, watcher: Watcher) -> None:
    said = watcher("download")
    (place,) = watching.home.rglob("L2A/S2")
    assert (said.code, said.out) == (0, f"stored {place} (240,000 bytes, verified: sha256)\n")
    assert lies(place) == {f"{key}.tif": content for key, content in BANDS.items()}
    assert sorted(watching.files.targets) == [f"/S2/{key}.tif" for key in BANDS]
    assert watcher("verify", "--deep").code == 0
    assert watcher("download").out == "No download is due.\n"


def test_killed_while_it_comes_it_goes_on_once(watching: Land, watcher: Watcher) -> None:
    watching.slow.add("SCL")
    child = subprocess.Popen([sys.executable, "-m", "watcher", "download"], stdout=subprocess.DEVNULL)
    try:
        until(lambda: "/S2/SCL.tif" in watching.files.targets, seconds=30)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not list(watching.home.rglob("L2A/S2"))
    watching.slow.clear()
    watcher("add-site", "Blagnac", "--bbox", "1.3,43.5,1.5,43.7", "--assets", "SCL,mtd")
    watcher("add-site", "Toulouse", "--point", "1.44,43.60,15", "--assets", "B02")
    assert watcher("download").code == 0
    (place,) = watching.home.rglob("L2A/S2")
    assert lies(place) == {"B02.tif": BANDS["B02"], "SCL.tif": BANDS["SCL"], "mtd.xml": TEXT}
    assert watching.files.targets.count("/S2/B02.tif") == 1
    assert "downloads: 0 wanted, 1 stored" in watcher("status").out


def test_a_name_of_no_file_is_told_of_until_it_is_mended(watching: Land, watcher: Watcher) -> None:
    watcher("add-site", "Blagnac", "--bbox", "1.3,43.5,1.5,43.7", "--assets", "B8A")
    said = watcher("download")
    assert said.code == 1
    assert 'failed S2: no asset of S2 is "B8A" [its assets are B02, B03, B04, SCL, mtd; their roles are' in said.err
    assert 'no asset of S2 is "B8A"' in watcher("status").out
    assert watching.files.requests == []
    assert not list(watching.home.rglob("L2A"))
    again = watcher("add-site", "Blagnac", "--bbox", "1.3,43.5,1.5,43.7", "--assets", "")
    assert "of its files" not in again.out
    watcher("download", "S2")
    (place,) = watching.home.rglob("L2A/S2")
    assert sorted(lies(place)) == ["B02.tif", "B03.tif", "B04.tif"]


def test_a_choice_is_said_back_and_stays_until_another_is_made(watching: Land, watcher: Watcher) -> None:
    again = watcher("add-site", "Blagnac", "--bbox", "1.3,43.5,1.5,43.7", "--max-cloud", "20")
    assert "cloud up to 20 %, downloaded, of its files B02, SCL\n" in again.out
    shown = {row["site"]: row["assets"] for row in json.loads(watcher("sites", "--json").out)}
    assert shown == {"Blagnac": ["B02", "SCL"], "Toulouse": ["role:reflectance"]}
    assert re.search(r"^SITE .* DOWNLOAD +ASSETS", watcher("sites").out)
    assert re.search(r"^Blagnac .* B02, SCL ", watcher("sites").out, re.MULTILINE)
    for name, words in (("Field", ("--no-download",)), ("Plain", ())):
        said = watcher("add-site", name, "--point", "1.44,43.60,15", "--assets", "B02", *words)
        assert "None of its files is downloaded yet: --download" in said.out
    bad = watcher("add-site", "Blagnac", "--bbox", "1.3,43.5,1.5,43.7", "--assets", " ,")
    assert (bad.code, "--assets names no pattern" in bad.err) == (2, True)


def test_of_catalogues_that_have_it_one_is_asked_of_which_can_be_chosen(seen: Land, watcher: Watcher) -> None:
    with (seen.home / "config.toml").open("a") as config:
        config.write('[catalogues.old]\nkind = "resto"\nurl = "https://old.invalid"\ncollections = ["S2"]\n')
    (database,) = seen.home.rglob("watcher.db")
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("INSERT INTO collections (number, catalogue, name) VALUES (0, 'old', 'S2')")
        db.execute(
            "INSERT INTO revisions (number, collection, id, token, title, assets, seen)"
            " VALUES (0, 0, 'other', '', 'S1', '[]', '')"
        )
    said = watcher("download", "S1", "other", "--assets", "SCL")
    assert said.code == 2
    assert "old (of kind resto) has no assets of a product to choose from" in said.err
    assert seen.files.requests == []
    assert watcher("download", "S1", "--assets", "SCL").code == 0
