"""Landsat of USGS the whole way: a place is watched, a scene appears, and its bundle comes home by way of M2M."""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.auth.pretend_m2m import NAME, SCENE, TOKEN, M2m, option, serving, wrong
from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.pretend_stac import Pretend
from tests.conftest import Watcher
from tests.loopback import Peer, served
from tests.servers.stac import thing
from tests.transfer.depot import Depot, tarred

TAR = gzip.decompress(tarred())
LOGIN = Reply(200, b"<!DOCTYPE html><form>Sign in with your ERS password</form>", "text/html")
"""What the catalogue answers to who asks for a file without the session of a browser."""

OLD = "LC08_L2SP_198030_20231217_20231225_02_T1"


@dataclass
class Usgs:
    """The catalogue, the API, and the server of bundles."""

    stac: Pretend
    asked: list[Asked]
    m2m: M2m
    api: Peer
    depot: Depot
    files: Peer


@pytest.fixture
def usgs(home: Path) -> Iterator[Usgs]:
    """All three, and the configuration of the preset with their addresses."""
    stac = Pretend([item(OLD, days=20)], counts=True)
    depot = Depot(TAR, etag='"tar-1"', kind="application/x-tar")
    m2m = M2m(scenes=dict.fromkeys((OLD, SCENE), "landsat_ot_c2_l2"), options=[option(size=len(TAR))])
    token = home / "usgs-token"
    token.write_text(f"{TOKEN}\n")
    token.chmod(0o600)
    with ExitStack() as stack:
        url, asked = stack.enter_context(answering(lambda asked: LOGIN if asked.path == "/gen-bundle" else stac(asked)))
        api, files = stack.enter_context(serving(m2m)), stack.enter_context(served(depot))
        m2m.where = lambda scene, number: files.url(f"/download/canary-signature-of-{number}/{scene}?s={number}")
        (home / "config.toml").write_text(
            f"""
[catalogues.landsatlook]
url = "{url}"
bundles = "{url}/gen-bundle"
collections = {{ things = "L2A" }}
hosts = ["127.0.0.1:{api.port}", "127.0.0.1:{files.port}"]
gap = 0
[catalogues.landsatlook.auth]
kind = "usgs"
username = "{NAME}"
token = {{ file = "{token}" }}
api_url = "{api.url("/api/api/json/stable")}"
bundle_url = "{url}/gen-bundle"
[poll]
jitter = 0
[download]
levels = ["L2A"]
reserve = 0
"""
        )
        yield Usgs(stac, asked, m2m, api, depot, files)


def item(scene: str, *, days: float) -> dict[str, Any]:
    """A scene of Toulouse, acquired so many days ago, as the catalogue lists it: with single bands."""
    acquired = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT10:30:00Z")
    band = f"https://landsatlook.usgs.gov/data/{scene}_SR_B4.TIF"
    listed = thing(f"{scene}_SR", acquired, acquired=acquired)
    return {**listed, "collection": "things", "assets": {"red": {"href": band, "type": "image/tiff"}}}


@pytest.fixture
def appeared(usgs: Usgs, watcher: Watcher) -> Usgs:
    """A scene has appeared at a place that is watched."""
    assert watcher("add-site", "Toulouse", "--point", "1.4,43.6,15", "--catalogue", "landsatlook").code == 0
    assert watcher("poll").code == 0
    usgs.stac.items.append(item(SCENE, days=1))
    assert "1 arrived" in watcher("poll").out
    return usgs


def due_at_once(home: Path) -> None:
    with closing(sqlite3.connect(home / "state" / "watcher.db")) as db, db:
        db.execute("UPDATE downloads SET due = '2000-01-01T00:00:00Z' WHERE due IS NOT NULL")


def everything_written(home: Path) -> bytes:
    return b"".join(
        path.read_bytes() for path in (home / "state").rglob("*") if path.is_file() and path.suffix != ".tar"
    )


def test_a_scene_that_appears_comes_home_as_one_tar(appeared: Usgs, watcher: Watcher, home: Path) -> None:
    said = watcher("login", "landsatlook")
    assert (said.code, said.out.splitlines()[0]) == (
        0,
        f"ok     landsatlook: 127.0.0.1 accepts the application token of {NAME}",
    )
    said = watcher("download")
    path = home / "state" / "archive" / "Toulouse" / "L2A" / f"{SCENE}_SR.tar"
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"stored {path} (")
    assert path.read_bytes() == TAR
    assert json.loads(path.with_name(f"{path.name}.stac.json").read_text())["id"] == f"{SCENE}_SR"
    assert watcher("verify", "--deep").out == "1 product looked at (every byte read): 1 fine\n"
    assert [scene for scene in (OLD, SCENE) if f"watcher-{scene}" in appeared.m2m.orders] == [SCENE]
    assert b"canary-key" not in appeared.files.requests[0].raw
    assert not any("canary" in f"{asked.headers}{asked.path}{asked.query}" for asked in appeared.asked)
    assert b"canary" not in everything_written(home)


def test_a_product_that_was_there_before_comes_when_it_is_named(appeared: Usgs, watcher: Watcher, home: Path) -> None:
    said = watcher("download", f"{OLD}_SR")
    assert said.code == 0, said.out + said.err
    assert sorted(path.name for path in (home / "state").rglob("*.tar")) == [f"{OLD}_SR.tar", f"{SCENE}_SR.tar"]


def test_a_bundle_that_is_being_prepared_is_waited_for_and_ordered_once(
    appeared: Usgs, watcher: Watcher, home: Path
) -> None:
    appeared.m2m.prepares = 2
    said = watcher("download")
    assert (said.code, "is preparing the bundle of" in said.out) == (0, True), said.out + said.err
    assert watcher("download").out == "No download is due.\n"
    assert f"{SCENE}_SR: on tape at landsatlook, first asked for" in watcher("status").out
    due_at_once(home)
    assert "is preparing" in watcher("download").out
    due_at_once(home)
    assert watcher("download").out.startswith("stored ")
    assert appeared.m2m.endpoints.count("download-request") == 2
    assert list(appeared.m2m.orders) == [f"watcher-{SCENE}"]


def test_what_broke_off_goes_on_in_another_process_by_another_address(
    appeared: Usgs, watcher: Watcher, home: Path
) -> None:
    appeared.depot.cut = [150_000]
    assert watcher("download").code == 1
    (left,) = (home / "state").rglob("*.part")
    there = left.stat().st_size
    due_at_once(home)
    assert watcher("download").out.startswith("stored ")
    first, second = appeared.files.requests
    assert first.target != second.target
    assert (second.headers["range"], second.headers["if-range"]) == (f"bytes={there}-", '"tar-1"')


@pytest.mark.parametrize(
    ("endpoint", "code", "told"),
    [
        ("download-options", "AUTH_UNAUTHORIZED", "ask for access to M2M at https://ers.cr.usgs.gov/profile/access"),
        ("scene-metadata", "NOT_FOUND", f"127.0.0.1 does not find {SCENE} in landsat_ot_c2_l2"),
        ("scene-metadata", "DATASET_INVALID", "dataset landsat_ot_c2_l2"),
        ("download-request", "RATE_LIMIT_USER_DL", "it is tried again after a quarter of an hour"),
    ],
)
def test_what_goes_wrong_is_said_with_the_way_out_and_tried_again(
    endpoint: str, code: str, told: str, appeared: Usgs, watcher: Watcher, home: Path
) -> None:
    appeared.m2m.vices = {endpoint: [wrong(code, "the API's own words")]}
    said = watcher("download")
    assert said.code == 1
    assert told in said.out + said.err
    assert not re.search("canary-(key|t0ken)", said.out + said.err)
    due_at_once(home)
    assert watcher("download").out.startswith("stored ")


def test_an_account_that_is_missing_is_said_to_be(appeared: Usgs, watcher: Watcher, home: Path) -> None:
    path = home / "config.toml"
    path.write_text(
        re.sub(r"\[catalogues\.landsatlook\.auth\].*?\[poll\]", "[poll]", path.read_text(), flags=re.DOTALL)
    )
    said = watcher("download")
    assert said.code == 1
    assert appeared.m2m.asked == []
    assert "answered with the page of a login instead of the file" in said.out + said.err
    said = watcher("login", "landsatlook")
    assert (said.code, 'kind = "usgs"' in said.out, "access to M2M" in said.out) == (1, True, True)
