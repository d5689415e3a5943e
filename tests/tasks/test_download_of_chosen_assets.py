"""Products of which the sites want files of their own choice, from a real server on loopback."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from tests.given import NOW, add_watch, rows, version
from tests.loopback import reply
from tests.tasks.test_download import (
    DUE,
    HOME,
    Bring,
    Files,
    archive,
    bring,
    files,
    http,
    lying,
    state,
    want,
)
from tests.tasks.test_verify import look
from watcher.errors import UsageError
from watcher.model import Asset, Product
from watcher.store import downloads
from watcher.store.connection import writing
from watcher.tasks.download import How

__all__ = ["archive", "bring", "files", "http"]

HERE = b'{"type":"Point","coordinates":[-2.1,47.1]}'
BANDS = {"B02": b"blue" * 9000, "B03": b"green" * 9000, "SCL": b"classes" * 900}


class Shelf:
    """A catalogue that is asked for one product again: it has all its files, and knows them by key."""

    def __init__(self, files: Files, *, revision: str | None = None) -> None:
        self.assets = {key: files.asset(f"/{key}.tif", content, key=key) for key, content in BANDS.items()}
        self.revision = revision
        self.asked: list[tuple[str, str, Sequence[Sequence[str]]]] = []

    def __call__(self, catalogue: str, product: Product, choices: Sequence[Sequence[str]]) -> Product:
        self.asked.append((catalogue, product.id, choices))
        chosen: dict[str, Asset] = {}
        for words in choices:
            for word in words:
                if word not in self.assets:
                    raise UsageError(f'no asset of {product.title} is "{word}"', hint="its assets are B02, B03, SCL")
                chosen[word] = self.assets[word]
            if not words:
                chosen |= {asset.key: asset for asset in product.assets}
        return replace(product, assets=tuple(chosen.values()), revision=self.revision or product.revision)


def wish(db: sqlite3.Connection, *assets: str, name: str = "Pornic") -> None:
    with writing(db):
        db.execute("UPDATE watches SET baselined = added")
    add_watch(db, name, download=True, assets=assets)


def test_they_come_into_one_directory_with_what_is_known_of_each_beside_it(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    number = want(db, "P1")
    wish(db, "B02", "SCL")
    catalogue = Shelf(files)
    (brought,) = bring(choose=catalogue, how=lambda name: How(sidecar=True))
    assert brought.problem is None
    assert state(db, number) == (*HOME, 0)
    place = "Pornic/L2A/SPOT5_P1_L2A"
    assert lying(archive) == [f"{place}.stac.json", f"{place}/B02.tif", f"{place}/SCL.tif"]
    assert (archive / place / "B02.tif").read_bytes() == BANDS["B02"]
    assert catalogue.asked == [("take5", "P1", (("B02", "SCL"),))]
    assert rows(db, "SELECT path, verified FROM downloads") == [(place, "md5")]
    said = json.loads((archive / f"{place}.stac.json").read_text())["assets"]
    assert {key: one["href"] for key, one in said.items()} == {
        "B02": "./SPOT5_P1_L2A/B02.tif",
        "SCL": "./SPOT5_P1_L2A/SCL.tif",
    }


def test_one_is_a_directory_too_and_members_are_for_zips(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    want(db, "P1", files.asset("/P1.zip", b"not looked at"))
    wish(db, "SCL")
    (brought,) = bring(choose=Shelf(files), how=lambda name: How(sidecar=True, members=("*.tif",)))
    assert brought.problem is None
    assert lying(archive) == ["Pornic/L2A/SPOT5_P1_L2A.stac.json", "Pornic/L2A/SPOT5_P1_L2A/SCL.tif"]
    said = json.loads((archive / "Pornic/L2A/SPOT5_P1_L2A.stac.json").read_text())["assets"]
    assert list(said) == ["SCL"]


def test_what_several_sites_want_comes_once_with_what_the_catalogue_chooses(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    want(db, "P1", files.asset("/P1.dat", b"whole" * 100), geometry=HERE)
    wish(db, "B02")
    for name, assets in (("Nearby", ["SCL", "B02"]), ("Usual", [])):
        add_watch(db, name, download=True, assets=assets, geometry=HERE)
    with writing(db):
        db.execute("UPDATE watches SET baselined = added")
    (brought,) = bring(choose=Shelf(files))
    assert brought.problem is None
    assert [Path(path).name for path in lying(archive)] == ["B02.tif", "SCL.tif", "product.dat"]
    assert files.asked("/B02.tif") == 1


def test_sites_without_a_choice_are_asked_nothing(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    want(db, "P1", files.asset("/P1.dat", b"whole" * 100))
    catalogue = Shelf(files)
    bring(choose=catalogue)
    assert lying(archive) == ["Pornic/L2A/SPOT5_P1_L2A.dat"]
    assert catalogue.asked == []


def test_a_name_of_no_file_is_a_trouble_until_the_site_asks_for_others(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    number = want(db, "P1")
    wish(db, "B02", "B99")
    (brought,) = bring(choose=Shelf(files))
    assert brought.problem == 'no asset of SPOT5_P1_L2A is "B99" [its assets are B02, B03, SCL]'
    assert state(db, number) == (*DUE, 1)
    assert [trouble.problem for trouble in downloads.troubles(db)] == [brought.problem]
    assert not archive.exists()
    wish(db, "B03")
    with writing(db):
        db.execute("UPDATE downloads SET due = wanted")
    (brought,) = bring(choose=Shelf(files))
    assert brought.problem is None
    assert lying(archive) == ["Pornic/L2A/SPOT5_P1_L2A/B03.tif"]


def test_files_of_another_processing_are_not_taken_for_it(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    number = want(db, "P1")
    wish(db, "B02")
    (brought,) = bring(choose=Shelf(files, revision=version(2)))
    assert brought.problem == "take5 has another processing of it by now [the next poll finds that one]"
    assert state(db, number) == (*DUE, 1)
    assert not archive.exists()


def test_what_was_begun_as_a_file_becomes_a_directory_by_another_name(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    want(db, "P1", files.asset("/P1.dat", b"whole" * 99_999))
    cut = reply(200, b"whole" * 99_999, etag='"1"')[:-50_000]
    files.does["/P1.dat"] = lambda request, connection: connection.sendall(cut)
    bring(choose=Shelf(files))
    assert "Pornic/L2A/SPOT5_P1_L2A.dat.part" in lying(archive)
    wish(db, "B02")
    with writing(db):
        db.execute("UPDATE downloads SET due = wanted")
    bring(choose=Shelf(files))
    assert lying(archive) == ["Pornic/L2A/SPOT5_P1_L2A/B02.tif"]


def test_one_that_is_lost_is_fetched_anew_as_it_is_chosen_now(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    want(db, "P1", files.asset("/P1.dat", b"whole" * 100))
    wish(db, "B02", "SCL")
    bring(choose=Shelf(files))
    place = archive / "Pornic/L2A/SPOT5_P1_L2A"
    (place / "SCL.tif").unlink()
    look(db, archive, again=True)
    wish(db, "B02", "B03", "SCL")
    (brought,) = bring(choose=Shelf(files))
    assert brought.problem is None
    assert sorted(path.name for path in place.iterdir()) == ["B02.tif", "B03.tif", "SCL.tif"]
    assert files.asked("/B02.tif") == 1
    (place / "SCL.tif").unlink()
    look(db, archive, again=True)
    wish(db, "B02")
    (brought,) = bring(choose=Shelf(files))
    assert lying(archive) == ["Pornic/L2A/SPOT5_P1_L2A/B02.tif"]


def test_what_comes_anew_at_another_place_leaves_no_file_at_the_one_that_it_had(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    how = lambda name: How(sidecar=True)  # noqa: E731
    place, name = archive / "Pornic/L2A/SPOT5_P1_L2A", "Pornic/L2A/SPOT5_P1_L2A"
    want(db, "P1", files.asset("/P1.dat", b"whole" * 100))
    wish(db, "B02", "B03", "SCL")
    bring(choose=Shelf(files), how=how)
    (place / "SCL.tif").unlink()
    (place / "B03.tif").write_bytes(b"another")
    (place / "mine.txt").touch()
    look(db, archive, again=True)
    wish(db)  # as the catalogue chooses: one file, which can not lie where the directory does
    del files.bytes["/P1.dat"]
    (brought,) = bring(choose=Shelf(files), how=how)
    assert brought.stored is None
    assert f"{name}/B02.tif" in lying(archive)  # until the others are there
    files.bytes["/P1.dat"] = b"whole" * 100
    with writing(db):
        db.execute("UPDATE downloads SET due = wanted")
    (brought,) = bring(choose=Shelf(files), how=how)
    assert (brought.problem, brought.place) == (None, f"{name}.dat")
    kept = [f"{name}/B03.tif.rotten", f"{name}/mine.txt"]
    assert lying(archive) == [f"{name}.dat", f"{name}.dat.stac.json", *kept]
    assert rows(db, "SELECT former FROM downloads") == [None]
    (archive / f"{name}.dat").write_bytes(b"another")
    look(db, archive, again=True)
    wish(db, "SCL")
    (brought,) = bring(choose=Shelf(files), how=how)
    assert lying(archive) == sorted([f"{name}.dat.rotten", f"{name}.stac.json", f"{name}/SCL.tif", *kept])


def test_a_place_is_given_to_no_other_product_while_files_are_to_leave_it(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    number = want(db, "P1", files.asset("/P1.dat", b"whole" * 100))
    wish(db, "B02")
    bring(choose=Shelf(files))
    (archive / "Pornic/L2A/SPOT5_P1_L2A/B02.tif").unlink()
    (archive / "else").touch()
    look(db, archive, again=True)
    other = want(db, "P2", files.asset("/P2.dat", b"content"))
    with writing(db):
        assert downloads.shelve(db, number, lambda version: "Pornic/moved", fits=lambda path, directory: False)
        taken = downloads.shelve(db, other, lambda version: "Pornic/L2A/SPOT5_P1_L2A" + f".v{version}" * (version > 1))
    assert taken == "Pornic/L2A/SPOT5_P1_L2A.v2"


def test_what_an_earlier_archive_holds_of_it_stays(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring, tmp_path: Path
) -> None:
    want(db, "P1", files.asset("/P1.dat", b"whole" * 100))
    wish(db, "B02")
    bring(choose=Shelf(files))
    archive.rename(tmp_path / "earlier")
    with writing(db):
        db.execute("UPDATE downloads SET archive = ?", (str(tmp_path / "earlier"),))
    look(db, archive, again=True)
    wish(db)
    bring(choose=Shelf(files))
    assert lying(archive) == ["Pornic/L2A/SPOT5_P1_L2A.dat"]
    assert lying(tmp_path / "earlier") == ["Pornic/L2A/SPOT5_P1_L2A/B02.tif"]
    assert rows(db, "SELECT former FROM downloads") == [None]


def test_one_that_was_listed_without_files_has_those_that_the_settings_choose_by_now(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    number = want(db, "P1")

    def choose(catalogue: str, product: Product, choices: Sequence[Sequence[str]]) -> Product:
        assert (catalogue, choices) == ("take5", ((),))
        return replace(product, assets=(files.asset("/B02.tif", BANDS["B02"], key="B02"),))

    assert bring()[0].problem is not None
    with writing(db):
        downloads.retry(db, now=NOW)
    (brought,) = bring(choose=choose)
    assert brought.problem is None
    assert state(db, number) == (*HOME, 0)
    assert (archive / "Pornic/L2A/SPOT5_P1_L2A/B02.tif").read_bytes() == BANDS["B02"]
