"""Going on with what was interrupted, and only with that."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.loopback import Peer, served
from tests.transfer.depot import Depot, asset, md5, sha256, zipped
from watcher.errors import TransferError
from watcher.net import Http
from watcher.transfer import Verified, fetch

PRODUCT = zipped(400_000)
OTHER = zipped(400_000, seed=2)
HALF = 200_000


def _ranges(peer: Peer) -> list[str | None]:
    return [request.headers.get("range") for request in peer.requests]


def _interrupted(peer: Peer, depot: Depot, path: Path, **known: object) -> None:
    """Fetch until the connection breaks at HALF."""
    depot.cut.append(HALF)
    with Http(origin=peer.origin) as http, pytest.raises(TransferError):
        fetch(http, asset(peer.url("/p.zip?sig=1"), **known), path)  # type: ignore[arg-type]
    assert Path(f"{path}.part").stat().st_size == HALF
    peer.requests.clear()


def _again(peer: Peer, path: Path, **known: object) -> Verified:
    with Http(origin=peer.origin) as http:
        home = fetch(http, asset(peer.url("/p.zip?sig=2"), **known), path)  # type: ignore[arg-type]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    return home


def test_an_interrupted_download_goes_on_where_it_was(tmp_path: Path) -> None:
    depot, path = Depot(PRODUCT), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path, content=PRODUCT)
        home = _again(peer, path, content=PRODUCT)
        assert _ranges(peer) == [f"bytes={HALF}-"]
    assert home == Verified(len(PRODUCT), sha256(PRODUCT), "md5", len(PRODUCT) - HALF)


def test_the_record_beside_it_holds_no_signature(tmp_path: Path) -> None:
    depot, path = Depot(PRODUCT, etag='"a1"'), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path, content=PRODUCT)
        record = json.loads((tmp_path / "p.zip.part.json").read_text())
        assert record["href"] == peer.url("/p.zip")
    assert (record["total"], record["etag"], record["checksum"]) == (len(PRODUCT), '"a1"', md5(PRODUCT))


def test_it_may_be_interrupted_many_times(tmp_path: Path) -> None:
    depot, path = Depot(PRODUCT, cut=[50_000] * 5), tmp_path / "p.zip"
    with served(depot) as peer, Http(origin=peer.origin) as http:
        for _ in range(5):
            with pytest.raises(TransferError):
                fetch(http, asset(peer.url(), PRODUCT), path)
        home = fetch(http, asset(peer.url(), PRODUCT), path)
    assert (home.fetched, path.read_bytes()) == (len(PRODUCT) - 250_000, PRODUCT)


def test_a_strong_etag_is_proof_enough_without_a_checksum(tmp_path: Path) -> None:
    depot, path = Depot(PRODUCT, etag='"v1"'), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path)
        home = _again(peer, path)
        assert peer.requests[0].headers["if-range"] == '"v1"'
    assert (home.how, home.fetched, path.read_bytes()) == ("zip", len(PRODUCT) - HALF, PRODUCT)


@pytest.mark.parametrize("etag", [None, 'W/"v1"', "v1", '"v"1"'])
def test_without_checksum_and_strong_etag_it_starts_again(etag: str | None, tmp_path: Path) -> None:
    depot, path = Depot(PRODUCT, etag=etag), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path)
        assert _again(peer, path).fetched == len(PRODUCT)
        assert _ranges(peer) == [None]
    assert path.read_bytes() == PRODUCT


def test_after_a_crash_of_the_machine_only_a_checksum_is_trusted(tmp_path: Path) -> None:
    for known, ranges in (({}, [None]), ({"content": PRODUCT}, [f"bytes={HALF}-"])):
        depot, path = Depot(PRODUCT, etag='"v1"'), tmp_path / "p.zip"
        with served(depot) as peer:
            _interrupted(peer, depot, path, **known)
            beside = tmp_path / "p.zip.part.json"
            beside.write_text(json.dumps({**json.loads(beside.read_text()), "boot": "another"}))
            _again(peer, path, **known)
            assert _ranges(peer) == ranges
        path.unlink()


def test_a_file_that_changed_with_its_etag_is_fetched_anew(tmp_path: Path) -> None:
    depot, path = Depot(PRODUCT, etag='"v1"'), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path)
        depot.content, depot.etag = OTHER, '"v2"'
        assert _again(peer, path).fetched == len(OTHER)
        assert len(peer.requests) == 1
    assert path.read_bytes() == OTHER


def test_a_file_that_changed_without_a_word_is_found_out_by_its_checksum(tmp_path: Path) -> None:
    """The catalogue is the first to know: what was begun for the old checksum is not gone on with."""
    depot, path = Depot(PRODUCT), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path, content=PRODUCT)
        depot.content = OTHER
        assert _again(peer, path, content=OTHER).fetched == len(OTHER)
        assert _ranges(peer) == [None]
    assert path.read_bytes() == OTHER


def test_a_beginning_that_is_wrong_is_fetched_once_more_from_zero(tmp_path: Path) -> None:
    depot, path = Depot(PRODUCT), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path, content=PRODUCT)
        with Path(f"{path}.part").open("r+b") as file:
            file.write(b"PK\x03\x04 but not this product")
        home = _again(peer, path, content=PRODUCT)
        assert _ranges(peer) == [f"bytes={HALF}-", None]
    assert home.fetched == 2 * len(PRODUCT) - HALF
    assert path.read_bytes() == PRODUCT


def test_a_beginning_that_is_wrong_is_found_out_without_a_checksum_too(tmp_path: Path) -> None:
    depot, path = Depot(PRODUCT, etag='"v1"'), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path)
        with Path(f"{path}.part").open("r+b") as file:
            file.seek(1000)
            file.write(b"!!!!!")
        _again(peer, path)
        assert _ranges(peer) == [f"bytes={HALF}-", None]
    assert path.read_bytes() == PRODUCT


def test_a_file_that_stays_wrong_is_given_up(tmp_path: Path) -> None:
    depot, path = Depot(PRODUCT), tmp_path / "p.zip"
    with served(depot) as peer, Http(origin=peer.origin) as http:
        _interrupted(peer, depot, path, checksum=md5(OTHER))
        with pytest.raises(TransferError, match="the md5 is"):
            fetch(http, asset(peer.url("/p.zip"), checksum=md5(OTHER)), path)
        assert _ranges(peer) == [f"bytes={HALF}-", None]
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_ignores_ranges_is_read_from_the_start(tmp_path: Path) -> None:
    depot, path = Depot(PRODUCT), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path, content=PRODUCT)
        depot.ranges = False
        depot.extra["Content_Range"] = f"bytes 0-{len(PRODUCT) - 1}/{len(PRODUCT)}"  # resto says that with its 200
        assert _again(peer, path, content=PRODUCT).fetched == len(PRODUCT)
        assert len(peer.requests) == 1
    assert path.read_bytes() == PRODUCT


@pytest.mark.parametrize(
    "span",
    [
        f"bytes 0-{len(PRODUCT) - 1}/{len(PRODUCT)}",
        f"bytes {HALF + 1}-{len(PRODUCT) - 1}/{len(PRODUCT)}",
        f"bytes {HALF}-{len(PRODUCT)}/{len(PRODUCT) + 1}",
        f"bytes {HALF}-{len(PRODUCT) - 1}/*",
        f"bytes {HALF}-{HALF + 10}/{len(PRODUCT)}",
        f"{HALF}-{len(PRODUCT) - 1}/{len(PRODUCT)}",
        "",
    ],
)
def test_a_part_that_is_not_the_one_asked_for_is_not_used(span: str, tmp_path: Path) -> None:
    depot, path = Depot(PRODUCT), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path, content=PRODUCT)
        depot.span = span or " "
        assert _again(peer, path, content=PRODUCT).fetched == len(PRODUCT)
        assert _ranges(peer) == [f"bytes={HALF}-", None]
    assert path.read_bytes() == PRODUCT


def test_a_part_that_does_not_name_its_file_is_not_used_without_a_checksum(tmp_path: Path) -> None:
    """An answer of a part must have the ETag, if the file has one (RFC 9110 §15.3.7)."""
    for known, ranges in (({}, [f"bytes={HALF}-", None]), ({"checksum": md5(PRODUCT)}, [f"bytes={HALF}-"])):
        depot, path = Depot(PRODUCT, etag='"v1"'), tmp_path / "p.zip"
        with served(depot) as peer:
            _interrupted(peer, depot, path, **known)
            depot.etag, depot.gate = None, lambda request: request.headers.pop("if-range", None) and None
            _again(peer, path, **known)
            assert _ranges(peer) == ranges
        assert path.read_bytes() == PRODUCT
        path.unlink()


@pytest.mark.parametrize(("age", "resumed"), [(0, False), (59, False), (60, True), (10**8, True)])
def test_an_etag_of_a_file_written_just_now_proves_nothing(age: int, resumed: bool, tmp_path: Path) -> None:
    """Many servers make it of the time, in seconds, and the size."""
    asked = datetime(2026, 11, 29, 12, tzinfo=UTC)
    said = {"Date": format_datetime(asked, usegmt=True)}
    said["Last_Modified"] = format_datetime(asked - timedelta(seconds=age), usegmt=True)
    depot, path = Depot(PRODUCT, etag='"6b031cd9-f000"', extra=said), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path)
        assert _again(peer, path).fetched == len(PRODUCT) - HALF * resumed
    assert path.read_bytes() == PRODUCT


def test_a_complete_part_is_not_asked_for_again(tmp_path: Path) -> None:
    """Resto would answer with the last byte once more."""
    depot, path = Depot(PRODUCT), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path, content=PRODUCT)
        Path(f"{path}.part").write_bytes(PRODUCT)
        assert _again(peer, path, content=PRODUCT).fetched == 0
        assert peer.requests == []
    assert path.read_bytes() == PRODUCT


def test_a_complete_part_that_is_wrong_is_fetched_again(tmp_path: Path) -> None:
    depot, path = Depot(PRODUCT), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path, content=PRODUCT)
        Path(f"{path}.part").write_bytes(PRODUCT[:-1] + b"?")
        assert _again(peer, path, content=PRODUCT).fetched == len(PRODUCT)
        assert _ranges(peer) == [None]
    assert path.read_bytes() == PRODUCT


def test_a_part_that_is_too_long_starts_again(tmp_path: Path) -> None:
    depot, path = Depot(PRODUCT), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path, content=PRODUCT)
        Path(f"{path}.part").write_bytes(PRODUCT + b"x")
        _again(peer, path, content=PRODUCT)
        assert _ranges(peer) == [None]
    assert path.read_bytes() == PRODUCT


@pytest.mark.parametrize("record", [None, "", "{", "[]", '{"href": 5}', '{"href": "x"}', "\0" * 100])
def test_a_part_of_which_nothing_is_known_starts_again(record: str | None, tmp_path: Path) -> None:
    depot, path = Depot(PRODUCT), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path, content=PRODUCT)
        beside = tmp_path / "p.zip.part.json"
        beside.unlink() if record is None else beside.write_text(record)
        _again(peer, path, content=PRODUCT)
        assert _ranges(peer) == [None]
    assert path.read_bytes() == PRODUCT


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_an_error_in_between_keeps_what_came(status: int, tmp_path: Path) -> None:
    from tests.loopback import reply

    depot, path = Depot(PRODUCT), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path, content=PRODUCT)
    with served(reply(status)) as peer, Http(origin=peer.origin) as http, pytest.raises(Exception, match=str(status)):
        fetch(http, asset(peer.url(), PRODUCT), path)
    with served(depot) as peer:
        assert _again(peer, path, content=PRODUCT).fetched == len(PRODUCT) - HALF


def test_a_range_that_is_refused_starts_again(tmp_path: Path) -> None:
    from tests.loopback import reply

    depot, path = Depot(PRODUCT), tmp_path / "p.zip"
    with served(depot) as peer:
        _interrupted(peer, depot, path, content=PRODUCT)

    def refuses(request: object, connection: object) -> bytes:
        return reply(416) if "range" in request.headers else reply(200, PRODUCT)  # type: ignore[attr-defined]

    with served(refuses) as peer:
        assert _again(peer, path, content=PRODUCT).fetched == len(PRODUCT)
        assert _ranges(peer) == [f"bytes={HALF}-", None]
