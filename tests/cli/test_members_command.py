"""`watcher download --members`, as people type it."""

from __future__ import annotations

import io
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Scene, Watcher
from tests.loopback import served
from tests.transfer.depot import Depot

TITLE = "SPOT5_HRG2_XS_20150520_N2A_PornicD0000B0000"


@pytest.fixture
def seen(watcher: Watcher, home: Path) -> Watcher:
    """Products of Pornic are known."""
    watcher("add-site", "Pornic", "--no-download")
    assert watcher("poll").code == 0
    return watcher


def test_members_come_into_a_directory_and_nothing_is_remembered(seen: Watcher, home: Path, tmp_path: Path) -> None:
    product = io.BytesIO()
    with zipfile.ZipFile(product, "w", zipfile.ZIP_DEFLATED) as made:
        for name in ("S5/S5_FRE_B1.tif", "S5/S5_SRE_B1.tif", "S5/MASKS/CLM.tif"):
            made.writestr(name, name * 2000)
    with served(Depot(product.getvalue())) as peer:
        config = home / "config.toml"
        config.write_text(
            config.read_text().replace("gap = 0\n", f'gap = 0\nmonthly = "1 GB"\nhosts = ["127.0.0.1:{peer.port}"]\n')
        )
        asset = f'[{{"key":"product","href":"{peer.url("/p")}","type":"application/zip"}}]'
        (database,) = home.rglob("watcher.db")
        with closing(sqlite3.connect(database)) as db, db:
            db.execute("UPDATE revisions SET assets = ? WHERE title = ?", (asset, TITLE))
        said = seen("download", TITLE, "--members", "*_fre_*, MASKS/*", "--to", str(tmp_path / "here"))
        again = seen("download", TITLE, "--members", "*_FRE_*,MASKS/*", "--to", str(tmp_path / "here"))
        other = seen("download", TITLE, "--members", "*.jp2")
    place = tmp_path / "here" / TITLE
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"stored {place} (2 files, 64,000 bytes; ")
    assert said.out.endswith("fetched as they are packed; verified: crc32)\n")
    assert sorted(str(path.relative_to(place)) for path in place.rglob("*.tif")) == [
        "S5/MASKS/CLM.tif",
        "S5/S5_FRE_B1.tif",
    ]
    assert again.out.startswith(f"kept {place} (2 files, 64,000 bytes")
    assert other.code == 1
    assert 'no member of the zip file matches "*.jp2" [it has 3: S5/MASKS/CLM.tif' in other.err
    status = seen("status").out
    assert "downloads: 0 wanted, 0 stored" in status
    assert "take5: fetched 436 B of 1.0 GB this month\ntroubles" in status


def test_a_product_that_is_no_zip_is_fetched_whole_or_not_at_all(seen: Watcher, scene: Scene, home: Path) -> None:
    said = seen("download", TITLE, "--members", "*.tif")
    assert said.code == 1
    assert f"failed {TITLE}: " in said.err
    assert "fetch the whole product, without choosing members of it" in said.err
    assert not list(home.rglob("parts"))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--members", "*.tif"), "wants a product to be named"),
        ((TITLE, "--members", " , "), "names no pattern"),
        ((TITLE, "--to", "/tmp"), "--to is for --members and --assets"),
        ((TITLE, "--assets", "B02"), "take5 (of kind resto) has no assets of a product to choose from: it is one file"),
        (("NOTHING", "--members", "*"), 'no product "NOTHING" was seen'),
    ],
)
def test_what_cannot_be_meant_is_said(seen: Watcher, words: tuple[str, ...], complaint: str) -> None:
    said = seen("download", *words)
    assert said.code == 2
    assert complaint in said.err
