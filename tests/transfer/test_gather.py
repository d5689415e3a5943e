"""Several files as one directory: all of them, or none under its name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.loopback import Request, reply, served
from tests.transfer.depot import md5, noise
from watcher.errors import TransferError
from watcher.model import Asset
from watcher.net import Http
from watcher.transfer import Gathered, Progress, fetch_files

BANDS = {f"B0{number}.tif": noise(60_000, number) for number in range(2, 6)}


class Shelf:
    """Serves the bands; `gone` are answered with 503, `said` are further headers."""

    def __init__(self) -> None:
        self.files, self.gone, self.said = dict(BANDS), set[str](), dict[str, str]()

    def __call__(self, request: Request, connection: object) -> bytes:
        name = request.target[1:]
        return reply(503) if name in self.gone else reply(200, self.files[name], **self.said)


def brought(
    shelf: Shelf, path: Path, *, sized: bool = True, proven: bool = True, told: list[Progress] | None = None
) -> tuple[Gathered, list[str]]:
    with served(shelf) as peer, Http(origin=peer.origin, backoff_base=0.001) as http:
        assets = {
            name: Asset(
                name,
                peer.url(f"/{name}"),
                "image/tiff",
                len(BANDS[name]) if sized else None,
                md5(content) if proven else None,
            )
            for name, content in BANDS.items()
        }
        tell = None if told is None else told.append
        return fetch_files(http, assets, path, progress=tell), peer.targets


def lying(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_the_directory_has_its_name_when_all_are_in_it(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.gone = {"B04.tif"}
    with pytest.raises(TransferError, match="503"):
        brought(shelf, tmp_path / "p")
    assert sorted(lying(tmp_path)) == ["p.partial/B02.tif", "p.partial/B03.tif"]
    shelf.gone = set()
    home, asked = brought(shelf, tmp_path / "p")
    assert lying(tmp_path) == {f"p/{name}": content for name, content in BANDS.items()}
    assert asked == ["/B04.tif", "/B05.tif"], "what is there is not asked for again"
    assert (home.size, home.fetched, home.how) == (240_000, 120_000, "md5")


def test_its_checksum_is_that_of_what_sha256sum_prints(tmp_path: Path) -> None:
    home, _ = brought(Shelf(), tmp_path / "p")
    command = "find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs sha256sum | sha256sum"
    printed = subprocess.run(["sh", "-c", command], cwd=tmp_path / "p", capture_output=True, text=True, check=True)
    assert home.checksum == f"list-sha256:{printed.stdout.split()[0]}"


def test_progress_is_told_over_all_of_them(tmp_path: Path) -> None:
    told: list[Progress] = []
    brought(Shelf(), tmp_path / "p", told=told)
    assert told[-1] == Progress(240_000, 240_000)
    assert [report.done for report in told] == sorted(report.done for report in told)


def test_the_ways_of_proof_are_each_said_once(tmp_path: Path) -> None:
    assert brought(Shelf(), tmp_path / "p", proven=False)[0].how == "size"
    assert brought(Shelf(), tmp_path / "q", sized=False, proven=False)[0].how == "size"


def test_what_an_earlier_try_has_left_of_another_version_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "p.partial").mkdir()
    (tmp_path / "p.partial" / "B02.tif").write_bytes(b"of another time")
    (tmp_path / "p.partial" / "B01.tif").write_bytes(b"of another choice")
    (tmp_path / "p.partial" / "B01.tif.part").write_bytes(b"half")
    brought(Shelf(), tmp_path / "p")
    assert lying(tmp_path) == {f"p/{name}": content for name, content in BANDS.items()}


def test_in_a_directory_that_was_whole_nothing_is_replaced(tmp_path: Path) -> None:
    brought(Shelf(), tmp_path / "p")
    (tmp_path / "p" / "B02.tif").write_bytes(b"edited by somebody")
    with pytest.raises(TransferError, match="another file") as caught:
        brought(Shelf(), tmp_path / "p")
    assert caught.value.permanent
    assert (tmp_path / "p" / "B02.tif").read_bytes() == b"edited by somebody"


@pytest.mark.parametrize("what", ["file", "link"])
def test_what_has_its_name_already_is_left_alone(what: str, tmp_path: Path) -> None:
    if what == "file":
        (tmp_path / "p").write_bytes(b"theirs")
    else:
        (tmp_path / "p").symlink_to("nowhere")
    with pytest.raises(TransferError, match="there already") as caught:
        brought(Shelf(), tmp_path / "p")
    assert caught.value.permanent
    assert (tmp_path / "p").is_symlink() is (what == "link")


# Files of which the catalogue says nothing


def test_a_file_that_the_server_has_not_changed_since_is_not_fetched_again(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.said = {"Last_Modified": "Mon, 01 Jun 2015 12:00:00 GMT"}
    shelf.gone = {"B05.tif"}
    with pytest.raises(TransferError):
        brought(shelf, tmp_path / "p", sized=False, proven=False)
    shelf.gone = set()
    home, _ = brought(shelf, tmp_path / "p", sized=False, proven=False)
    assert home.fetched == 60_000
    assert lying(tmp_path / "p") == BANDS


@pytest.mark.parametrize(
    "said", [{}, {"Last_Modified": "Mon, 01 Jun 2099 12:00:00 GMT"}, {"Last_Modified": "yesterday"}]
)
def test_a_file_that_may_have_changed_is_fetched_and_compared(said: dict[str, str], tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.said, shelf.gone = said, {"B05.tif"}
    with pytest.raises(TransferError):
        brought(shelf, tmp_path / "p", sized=False, proven=False)
    shelf.gone = set()
    shelf.files["B02.tif"] = noise(60_000, 99)
    brought(shelf, tmp_path / "p", sized=False, proven=False)
    assert lying(tmp_path / "p") == {**BANDS, "B02.tif": shelf.files["B02.tif"]}


def test_a_file_of_another_length_has_changed(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.said, shelf.gone = {"Last_Modified": "Mon, 01 Jun 2015 12:00:00 GMT"}, {"B05.tif"}
    with pytest.raises(TransferError):
        brought(shelf, tmp_path / "p", sized=False, proven=False)
    shelf.gone = set()
    shelf.files["B02.tif"] = noise(50_000, 99)
    brought(shelf, tmp_path / "p", sized=False, proven=False)
    assert lying(tmp_path / "p") == {**BANDS, "B02.tif": shelf.files["B02.tif"]}
