"""An archive in a bucket: objects are whole, or not there.

S3 is moto's, Azure Azurite; Google is a model of its documentation.
"""

from __future__ import annotations

import pickle
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.archive.lots import MIB, PART, archive_in, lot_of, proven, sha256, spooled
from tests.loopback import reply, served
from tests.servers.buckets import EVERYWHERE, AnyBucket
from tests.servers.way import Cut, Sent, refusal, way_to
from tests.transfer.depot import noise
from watcher.archive import Lot
from watcher.archive.bucket import Bucket
from watcher.archive.objects import Objects
from watcher.archive.spool import Spool
from watcher.archive.upload import part_of
from watcher.config import BucketPlace, BucketTable
from watcher.core.archive.sidecars import File
from watcher.credentials import Secret
from watcher.errors import NoArchive, TransferError
from watcher.transfer.adopt import AnotherFile
from watcher.transfer.examine import Lost, Rotten
from watcher.transfer.rate import Rate

LARGE = noise(2 * PART + 77)
PLACE = "Pornic/L2A/P1.zip"


@pytest.fixture
def archive(bucket: AnyBucket, tmp_path: Path) -> Bucket:
    return archive_in(bucket, tmp_path)


def settle(
    archive: Bucket, lot: Lot, files: tuple[File, ...], sidecar: bytes | None = None, **more: object
) -> list[tuple[int, int]]:
    told: list[tuple[int, int]] = []
    terms = {"stop": threading.Event()} | more
    archive.settle(lot, files, sidecar, tell=lambda done, total: told.append((done, total)), **terms)  # type: ignore[arg-type]
    return told


def found(archive: Bucket, lot: Lot, told: list[tuple[int, int]] | None = None) -> tuple[File, ...] | None:
    def tell(done: int, total: int) -> None:
        if told is not None:
            told.append((done, total))

    return archive.found(lot, tell=tell, stop=threading.Event())


def steps(told: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """How far it was, once each: what is read back says it again."""
    return list(dict.fromkeys(told))


def nothing_in(bucket: AnyBucket) -> bool:
    """Whether nobody sees anything, and nothing is left of an upload, where a store lets one see to that."""
    return bucket.visible() == [] and (bucket.uploads() == 0 or not bucket.aborts)


def look(archive: Bucket, place: str, file: File, *, deep: bool = False) -> None:
    archive.examine(place, file, deep=deep, stop=threading.Event())


@EVERYWHERE
def test_a_small_file_is_one_object_with_its_digest_and_leaves_the_spool(bucket: AnyBucket, archive: Bucket) -> None:
    lot, files = proven(archive, PLACE, b"content")
    assert steps(settle(archive, lot, files, b"{}\n")) == [(7, 7)]
    assert bucket.visible() == ["eo/Pornic/L2A/P1.zip", "eo/Pornic/L2A/P1.zip.stac.json"]
    assert bucket.read("eo/Pornic/L2A/P1.zip") == b"content"
    assert bucket.said("eo/Pornic/L2A/P1.zip") == {
        "sha256": sha256(b"content")[7:],
        "verified": "md5",
        "product": lot.mark,
    }
    assert spooled(archive) == []
    assert archive.shown(PLACE) == f"{bucket.scheme}://{bucket.name}/eo/Pornic/L2A/P1.zip"
    assert archive.sidecar(PLACE) == f"{bucket.scheme}://{bucket.name}/eo/Pornic/L2A/P1.zip.stac.json"
    look(archive, PLACE, files[0], deep=True)


@EVERYWHERE
def test_what_is_said_of_a_product_again_says_that_it_is_whole(bucket: AnyBucket, archive: Bucket) -> None:
    lot, files = proven(archive, "Pornic/P1", {"B02.tif": b"two", "B03.tif": b"three"})
    settle(archive, lot, files, b"{}\n")
    archive.objects.delete("Pornic/P1.stac.json", stop=threading.Event())
    assert (archive.sidecar("Pornic/P1"), found(archive, lot)) == (None, None)
    archive.describe("Pornic/P1", files, b"[]\n")
    assert bucket.read("eo/Pornic/P1.stac.json") == b"[]\n"
    assert found(archive, lot) == files
    bucket.put("eo/P2.zip", b"somebody's")
    archive.describe("P2.zip", (File("", 10, sha256(b"somebody's"), "unverified"),), b"{}\n")
    assert bucket.read("eo/P2.zip.stac.json") == b"{}\n"


@EVERYWHERE
def test_files_that_a_product_no_longer_has_leave_and_nothing_else(bucket: AnyBucket, archive: Bucket) -> None:
    lot, files = proven(archive, "P1", {"B02.tif": b"two", "B03.tif": b"three"})
    settle(archive, lot, files, b"{}\n")
    bucket.put("eo/P1/mine.txt", b"mine")
    assert dict(archive.listing()) == {"P1/B02.tif": 3, "P1/B03.tif": 5, "P1/mine.txt": 4, "P1.stac.json": 3}
    archive.withdraw("P1", files[:1], moved=False)
    assert bucket.visible() == ["eo/P1.stac.json", "eo/P1/B03.tif", "eo/P1/mine.txt"]
    archive.withdraw("P1", files, moved=True)
    assert bucket.visible() == ["eo/P1/mine.txt"]


@EVERYWHERE
def test_an_empty_file_is_an_object_too(bucket: AnyBucket, archive: Bucket) -> None:
    lot, files = proven(archive, PLACE, b"")
    settle(archive, lot, files)
    look(archive, PLACE, files[0], deep=True)
    assert bucket.visible() == ["eo/Pornic/L2A/P1.zip"]


@EVERYWHERE
def test_a_large_file_comes_in_parts_and_is_visible_once_it_is_whole(bucket: AnyBucket, tmp_path: Path) -> None:
    with way_to(bucket) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        lot, files = proven(archive, PLACE, LARGE)
        told = settle(archive, lot, files)
    assert steps(told) == sorted({*told, (PART, len(LARGE)), (2 * PART, len(LARGE)), (len(LARGE), len(LARGE))})
    assert sorted(sent.part for sent in way.requests if sent.part) == [1, 2, 3]
    ended = next(place for place, (sent, _) in enumerate(way.seen) if sent.completes)
    assert {str(keys) for _, keys in way.seen[:ended]} == {"[]"}
    assert {str(keys) for _, keys in way.seen[ended:]} == {"['eo/Pornic/L2A/P1.zip']"}
    assert bucket.read("eo/Pornic/L2A/P1.zip") == LARGE
    read = [sent for sent in way.requests if sent.method == "GET" and not sent.lists]
    assert (read == []) is bucket.proves  # its entity tag, or else it is read back
    if bucket.scheme == "s3":
        assert all("x-amz-checksum-sha256" in sent.headers for sent in way.requests if sent.part)


def test_what_changes_on_the_way_is_refused_and_never_visible(bucket: AnyBucket, tmp_path: Path) -> None:
    def flip(sent: Sent) -> Sent | None:
        return replace(sent, body=b"X" + sent.body[1:]) if sent.part == 2 else None

    with way_to(bucket, flip) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        lot, files = proven(archive, PLACE, LARGE)
        with pytest.raises(TransferError, match="did not arrive as it was: BadDigest") as caught:
            settle(archive, lot, files)
        assert not isinstance(caught.value, NoArchive)
        assert (bucket.visible(), bucket.uploads()) == ([], 0)
        assert found(archive, lot) == files
        way.rule = lambda sent: None
        settle(archive, lot, files)
    assert bucket.read("eo/Pornic/L2A/P1.zip") == LARGE


@EVERYWHERE
@pytest.mark.parametrize("content", [b"small", LARGE])
def test_a_store_that_compares_nothing_is_found_out_and_what_it_has_removed(
    bucket: AnyBucket, tmp_path: Path, content: bytes
) -> None:
    def flip(sent: Sent) -> Sent | None:
        return replace(sent, body=b"X" + sent.body[1:]) if sent.whole or sent.part == 2 else None

    with way_to(bucket, flip, compares=False) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        lot, files = proven(archive, PLACE, content)
        with pytest.raises(TransferError, match="was not what was sent, and is removed again"):
            settle(archive, lot, files)
    assert bucket.visible() == []
    assert spooled(archive) == [PLACE, f"{PLACE}.proven.json"]


def spoiling(sent: Sent) -> Sent | None:
    return replace(sent, body=b"X" + sent.body[1:]) if sent.whole or sent.part == 1 else None


@EVERYWHERE
@pytest.mark.parametrize("content", [b"small", LARGE])
@pytest.mark.parametrize("spool", ["its own", "another's"])
def test_what_was_put_there_spoilt_and_not_looked_at_before_a_crash_is_found_out(
    bucket: AnyBucket, tmp_path: Path, content: bytes, spool: str
) -> None:
    def spoil_and_die(sent: Sent) -> Sent | tuple[int, str] | None:
        if sent.method == "HEAD" and bucket.visible():
            return 403, ""  # as if killed before it is looked at
        return spoiling(sent)

    with way_to(bucket, spoil_and_die, compares=False) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        lot, files = proven(archive, PLACE, content)
        with pytest.raises(NoArchive):
            settle(archive, lot, files)
        way.rule = lambda sent: None
        assert bucket.visible() == ["eo/Pornic/L2A/P1.zip"]
        assert bucket.read("eo/Pornic/L2A/P1.zip") != content
        if spool == "its own":
            assert found(archive, lot) == files
        else:
            archive.spool.clear(PLACE)
            assert found(archive, lot) is None
            lot, files = proven(archive, PLACE, content)
        settle(archive, lot, files)
    assert bucket.read("eo/Pornic/L2A/P1.zip") == content


@EVERYWHERE
def test_what_was_carried_out_spoilt_though_it_was_called_failed_is_found_out(
    bucket: AnyBucket, tmp_path: Path
) -> None:
    def spoil_and_fail(sent: Sent) -> Sent | tuple[int, str] | None:
        if sent.whole and not bucket.visible():
            bucket.put_as(sent, spoiling(sent) or sent)
            return 500, refusal("InternalError", "or so").decode()
        return None

    with way_to(bucket, spoil_and_fail, compares=False) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        lot, files = proven(archive, PLACE, b"small")
        with pytest.raises(TransferError, match="was not what was sent, and is removed again"):
            settle(archive, lot, files)
        assert bucket.visible() == []


@EVERYWHERE
def test_an_object_that_somebody_puts_over_ours_is_not_removed(bucket: AnyBucket, tmp_path: Path) -> None:
    def intrude(sent: Sent) -> None:
        if sent.method == "HEAD" and bucket.visible():
            bucket.put("eo/Pornic/L2A/P1.zip", b"precious")

    with way_to(bucket, intrude) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        lot, files = proven(archive, PLACE, b"content")
        with pytest.raises(AnotherFile):
            settle(archive, lot, files)
    assert bucket.read("eo/Pornic/L2A/P1.zip") == b"precious"


@EVERYWHERE
def test_a_word_of_somebody_elses_beside_a_product_is_left_alone(bucket: AnyBucket, archive: Bucket) -> None:
    beside = "eo/Pornic/L2A/P1.zip.stac.json"
    bucket.put(beside, b"precious")
    lot, files = proven(archive, PLACE, b"content")
    with pytest.raises(AnotherFile, match=r"P1\.zip\.stac\.json is there already"):
        settle(archive, lot, files, b"{}")
    assert (bucket.read(beside), spooled(archive)) == (b"precious", [])


def test_a_long_look_at_an_object_tells_how_far_it_is(bucket: AnyBucket, archive: Bucket) -> None:
    bucket.put("eo/Pornic/L2A/P1.zip", LARGE)
    told: list[tuple[int, int]] = []
    assert found(archive, lot_of(PLACE, {"": LARGE}), told) is not None
    assert told == sorted({*told, (8 * MIB, len(LARGE)), (len(LARGE), len(LARGE))})


def test_a_tag_that_proves_nothing_has_the_object_read_back(bucket: AnyBucket, tmp_path: Path) -> None:
    with way_to(bucket) as way:
        answer = way.answer

        def encrypted(sent: Sent) -> tuple[int, dict[str, str], bytes]:
            status, headers, body = answer(sent)
            return (
                status,
                {k: '"opaque"' if k.lower() == "etag" and sent.method == "HEAD" else v for k, v in headers.items()},
                body,
            )

        way.answer = encrypted  # type: ignore[method-assign]
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        lot, files = proven(archive, PLACE, LARGE)
        settle(archive, lot, files)
    assert [sent.method for sent in way.requests if sent.method == "GET"] != []
    assert bucket.read("eo/Pornic/L2A/P1.zip") == LARGE


@EVERYWHERE
def test_what_is_no_longer_what_was_proven_is_not_sent(bucket: AnyBucket, archive: Bucket) -> None:
    lot, files = proven(archive, PLACE, LARGE)
    archive.workplace(PLACE).write_bytes(LARGE[:-1] + b"X")
    with pytest.raises(TransferError, match="no longer what it was when it was proven"):
        settle(archive, lot, files)
    assert nothing_in(bucket)
    assert spooled(archive) == []
    assert found(archive, lot) is None


@EVERYWHERE
@pytest.mark.parametrize("content", [b"content", LARGE])
def test_an_object_that_is_another_file_is_left_alone(bucket: AnyBucket, archive: Bucket, content: bytes) -> None:
    bucket.put("eo/Pornic/L2A/P1.zip", b"precious")
    lot, files = proven(archive, PLACE, content)
    with pytest.raises(AnotherFile, match="is there already, and is another file") as caught:
        settle(archive, lot, files)
    assert caught.value.permanent
    assert spooled(archive) == []
    with pytest.raises(AnotherFile):
        found(archive, lot_of("Pornic/L2A/P1.zip", {"": b"published"}))
    assert bucket.read("eo/Pornic/L2A/P1.zip") == b"precious"


@EVERYWHERE
@pytest.mark.parametrize("content", [b"content", LARGE])
def test_an_object_that_somebody_puts_there_meanwhile_is_left_alone(
    bucket: AnyBucket, tmp_path: Path, content: bytes
) -> None:
    def intrude(sent: Sent) -> None:
        if sent.begins:
            bucket.put("eo/Pornic/L2A/P1.zip", b"precious")

    with way_to(bucket, intrude) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        lot, files = proven(archive, PLACE, content)
        with pytest.raises(AnotherFile):
            settle(archive, lot, files)
    assert bucket.read("eo/Pornic/L2A/P1.zip") == b"precious"
    assert bucket.uploads() == 0


@EVERYWHERE
def test_an_object_that_is_the_same_is_adopted(bucket: AnyBucket, archive: Bucket) -> None:
    bucket.put("eo/Pornic/L2A/P1.zip", b"content")  # without a word of ours
    lot = lot_of(PLACE, {"": b"content"})
    assert found(archive, lot) == (File("", 7, sha256(b"content"), "md5"),)
    unknown = Lot(PLACE, (msgspec.structs.replace(lot.assets[0], checksum=None, size=None),))
    assert found(archive, unknown) is None
    lot, files = proven(archive, PLACE, b"content")
    settle(archive, lot, files)
    assert spooled(archive) == []


@EVERYWHERE
def test_what_came_before_a_crash_is_known_by_what_was_put_down_with_it(bucket: AnyBucket, tmp_path: Path) -> None:
    with way_to(bucket) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        one, file = proven(archive, PLACE, b"content")
        many, files = proven(archive, "Pornic/L2A/P2", {"B02.tif": b"two", "MASKS/B03.tif": b"three"})
        settle(archive, one, file, b"{}")
        settle(archive, many, files, b"{}")
        way.requests.clear()
        assert found(archive, one) == file
        assert found(archive, many) == files
        assert {sent.method for sent in way.requests if not sent.lists} == {"HEAD"}
    bucket_of_another = Lot("Pornic/L2A/P2", (*many.assets, many.assets[0]))
    assert found(archive_in(bucket, tmp_path), bucket_of_another) is None


@EVERYWHERE
def test_a_product_of_several_files_is_whole_once_it_is_said_what_it_is(bucket: AnyBucket, tmp_path: Path) -> None:
    with way_to(bucket) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        lot, files = proven(archive, "Pornic/L2A/P2", {"B02.tif": b"two", "MASKS/B03.tif": LARGE})
        settle(archive, lot, files)
    record = "eo/Pornic/L2A/P2.complete.json"
    assert bucket.visible() == [record, "eo/Pornic/L2A/P2/B02.tif", "eo/Pornic/L2A/P2/MASKS/B03.tif"]
    for _, keys in way.seen:
        assert record not in keys or len(keys) == 3
    assert [file["name"] for file in msgspec.json.decode(bucket.read(record))] == ["B02.tif", "MASKS/B03.tif"]
    assert spooled(archive) == []


@EVERYWHERE
def test_one_file_of_several_that_is_another_lets_none_be_sent(bucket: AnyBucket, archive: Bucket) -> None:
    bucket.put("eo/Pornic/L2A/P2/B03.tif", b"precious")
    lot, files = proven(archive, "Pornic/L2A/P2", {"B02.tif": b"two", "B03.tif": b"three"})
    with pytest.raises(AnotherFile):
        settle(archive, lot, files)
    assert bucket.visible() == ["eo/Pornic/L2A/P2/B03.tif"]


@EVERYWHERE
def test_a_product_that_was_cut_short_goes_on_where_it_was(bucket: AnyBucket, tmp_path: Path) -> None:
    def full(sent: Sent) -> tuple[int, str] | None:
        return (403, refusal("AccessDenied", "no").decode()) if sent.name == "B03.tif" and sent.body else None

    with way_to(bucket, full) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        lot, files = proven(archive, "Pornic/L2A/P2", {"B02.tif": b"two", "B03.tif": b"three"})
        with pytest.raises(NoArchive, match="cannot be written: AccessDenied"):
            settle(archive, lot, files, b"{}")
        assert bucket.visible() == ["eo/Pornic/L2A/P2/B02.tif"]
        way.rule = lambda sent: None
        way.requests.clear()
        assert found(archive, lot) == files
        settle(archive, lot, files, b"{}")
    assert [sent.name for sent in way.requests if sent.whole] == ["B03.tif", "P2.stac.json"]


def refusing(code: int, name: str) -> Callable[[Sent], tuple[int, str] | None]:
    return lambda sent: (code, refusal(name, "so it is").decode()) if sent.method in ("PUT", "POST") else None


def cutting(sent: Sent) -> None:
    if sent.part == 2:
        raise Cut


@pytest.mark.parametrize(
    ("bucket", "rule", "says", "hint"),
    [
        ("s3", refusing(403, "AccessDenied"), r"AccessDenied: so it is \(status 403\)", "s3:PutObject"),
        ("s3", refusing(500, "InternalError"), r"InternalError: so it is \(status 500\)", None),
        ("s3", refusing(403, "RequestTimeTooSkewed"), "RequestTimeTooSkewed", "clock of this machine"),
        ("s3", refusing(403, "InvalidAccessKeyId"), "InvalidAccessKeyId", "mend the keys"),
        ("s3", refusing(400, "AuthorizationHeaderMalformed"), "AuthorizationHeaderMalformed", "set region"),
        ("s3", refusing(403, "QuotaExceeded"), "QuotaExceeded", "the bucket is full"),
        ("s3", refusing(404, "NoSuchBucket"), "NoSuchBucket", "make the bucket"),
        ("s3", cutting, "cannot be written", "is the network there"),
        ("gs", refusing(403, "AccessDenied"), r"AccessDenied: so it is \(status 403\)", "Storage Object User"),
        ("gs", cutting, "cannot be written", "is the network there"),
        ("az", refusing(403, "AuthorizationFailure"), "AuthorizationFailure: so it is", "firewall of the storage"),
        ("az", refusing(409, "AccountIsDisabled"), r"AccountIsDisabled: so it is \(status 409\)", "enable it"),
        ("az", cutting, "cannot be written", "is the network there"),
    ],
    indirect=["bucket"],
)
def test_a_store_that_refuses_is_quoted_and_leaves_the_spool_as_it_is(
    bucket: AnyBucket, tmp_path: Path, rule: Callable[[Sent], object], says: str, hint: str | None
) -> None:
    with way_to(bucket, rule) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        lot, files = proven(archive, PLACE, LARGE)
        with pytest.raises(NoArchive, match=says) as caught:
            settle(archive, lot, files)
        assert hint is None or hint in str(caught.value.hint)
        assert "Debug source" not in str(caught.value)
        assert "AKIDEXAMPLE" not in str(caught.value)
        assert nothing_in(bucket)
        assert spooled(archive) == [PLACE, f"{PLACE}.proven.json"]
        # While it takes nothing, nothing else is fetched to the spool.
        if rule is not cutting:
            with pytest.raises(NoArchive):
                found(archive, lot_of("Pornic/L2A/P9.zip", {"": b"another"}))
        way.rule = lambda sent: None
        assert found(archive, lot_of("Pornic/L2A/P9.zip", {"": b"another"})) is None
        settle(archive, lot, files)
    assert (bucket.read("eo/Pornic/L2A/P1.zip"), bucket.visible()) == (LARGE, ["eo/Pornic/L2A/P1.zip"])


@pytest.mark.parametrize("there", [False, True])
def test_a_store_without_conditional_writes_is_looked_into_first(
    bucket: AnyBucket, tmp_path: Path, there: bool
) -> None:
    def old(sent: Sent) -> tuple[int, str] | None:
        if "if-none-match" not in sent.headers:
            return None
        if there:
            bucket.put("eo/Pornic/L2A/P1.zip", b"precious")
        return 501, refusal("NotImplemented", "A header you provided implies functionality").decode()

    with way_to(bucket, old) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        lot, files = proven(archive, PLACE, b"content")
        if there:
            with pytest.raises(AnotherFile):
                settle(archive, lot, files)
        else:
            settle(archive, lot, files)
            assert [finding.well for finding in archive.check()] == [True]
    assert bucket.read("eo/Pornic/L2A/P1.zip") == (b"precious" if there else b"content")


@EVERYWHERE
def test_a_server_that_is_not_there_is_said_to_be_so(bucket: AnyBucket, tmp_path: Path) -> None:
    with way_to(bucket) as way:
        gone = way.endpoint
    archive = archive_in(bucket, tmp_path, endpoint=gone)
    with pytest.raises(NoArchive, match="127.0.0.1:.*: Connection refused") as caught:
        found(archive, lot_of(PLACE, {"": b"content"}))
    assert "is the network there" in str(caught.value.hint)


@EVERYWHERE
def test_a_defect_of_ours_stays_one_and_leaves_nothing_behind(bucket: AnyBucket, tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * (5 << 20)
        raise ValueError("a defect")

    archive = archive_in(bucket, tmp_path)
    with pytest.raises(ValueError, match="a defect"):
        archive.objects.put_parts("P1.zip", broken(), 5 << 20, said={}, stop=threading.Event())
    assert nothing_in(bucket)


@EVERYWHERE
def test_it_stops_within_a_second_though_the_server_hangs(bucket: AnyBucket, tmp_path: Path) -> None:
    stop, done = threading.Event(), threading.Event()

    def hang(sent: Sent) -> None:
        if sent.part == 2:
            stop.set()
            done.wait(30)
            raise Cut

    with way_to(bucket, hang) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        lot, files = proven(archive, PLACE, LARGE)
        with pytest.raises(TransferError, match="stopped"):
            settle(archive, lot, files, stop=stop)
        done.set()
    assert bucket.visible() == []
    assert spooled(archive) == [PLACE, f"{PLACE}.proven.json"]


def test_the_spool_may_change_while_it_is_looked_through(tmp_path: Path) -> None:
    spool, done = Spool(tmp_path), threading.Event()

    def come_and_go() -> None:
        while not done.is_set():
            deep = tmp_path / "Pornic/L2A/P1/MASKS"
            deep.mkdir(parents=True)
            shutil.rmtree(tmp_path / "Pornic")

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        assert not any(spool.waiting() for _ in range(3000))
    finally:
        done.set()
        thread.join()
    (tmp_path / "Pornic").mkdir(exist_ok=True)
    (tmp_path / "Pornic/P1.zip.proven.json").touch()
    assert spool.waiting()


@EVERYWHERE
def test_what_is_lost_or_rotten_is_found_and_put_aside(bucket: AnyBucket, archive: Bucket) -> None:
    lot, files = proven(archive, "Pornic/L2A/P2", {"B02.tif": b"two", "B03.tif": b"three"})
    settle(archive, lot, files, b"{}")
    two, three = files
    with pytest.raises(Lost, match=r"://.*/B04.tif is not there"):
        look(archive, lot.place, File("B04.tif", 3, sha256(b"two"), "md5"))
    with pytest.raises(Rotten, match="has 5 bytes instead of 4"):
        look(archive, lot.place, File("B03.tif", 4, sha256(b"thre"), "md5"))
    bucket.put("eo/Pornic/L2A/P2/B03.tif", b"thref")
    look(archive, lot.place, three)
    with pytest.raises(Rotten, match="is not what it was"):
        look(archive, lot.place, three, deep=True)
    archive.set_aside(lot.place, three)
    archive.set_aside(lot.place, three)
    assert bucket.visible() == ["eo/Pornic/L2A/P2/B02.tif", "eo/Pornic/L2A/P2/B03.tif.rotten"]
    assert found(archive, lot) is None
    look(archive, lot.place, two, deep=True)


def test_what_s3_does_not_copy_at_once_is_put_aside_all_the_same(
    bucket: AnyBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with way_to(bucket) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        lot, files = proven(archive, PLACE, LARGE)
        settle(archive, lot, files)
        said = bucket.said(f"eo/{PLACE}")
        monkeypatch.setattr("watcher.archive.upload._COPIED", len(LARGE) - 1)
        archive.set_aside(PLACE, files[0])
        assert not any("x-amz-copy-source" in sent.headers for sent in way.requests)
        archive.set_aside(PLACE, files[0])
        assert bucket.visible() == [f"eo/{PLACE}.rotten"]
        assert (bucket.read(f"eo/{PLACE}.rotten"), bucket.said(f"eo/{PLACE}.rotten")) == (LARGE, said)
        monkeypatch.setattr("watcher.archive.upload._COPIED", len(LARGE))
        archive.set_aside(f"{PLACE}.rotten", files[0])
        assert any("x-amz-copy-source" in sent.headers for sent in way.requests)
    assert bucket.visible() == [f"eo/{PLACE}.rotten.rotten"]


class Counting(Rate):
    """A limit that is never reached, and knows what went by."""

    def __init__(self) -> None:
        super().__init__(1e12)
        self.came, self.went = [0], [0]

    def take(self, count: int, stop: threading.Event) -> float:
        self.came.append(count)
        return super().take(count, stop)

    def give(self, count: int, stop: threading.Event) -> float:
        self.went.append(count)
        return super().give(count, stop)


@EVERYWHERE
def test_what_is_sent_and_what_is_read_back_keep_to_a_limit_each(bucket: AnyBucket, archive: Bucket) -> None:
    lot, files = proven(archive, PLACE, LARGE)
    rate = Counting()
    settle(archive, lot, files, rate=rate)
    assert sum(rate.went) == len(LARGE)
    assert sum(rate.came) == (0 if bucket.proves else len(LARGE))
    assert max(*rate.went, *rate.came) <= 1 << 16  # who waits long for a piece is not heard of meanwhile
    again = Counting()
    archive.found(lot, tell=lambda done, total: None, stop=threading.Event(), rate=again)
    assert (sum(again.went), sum(again.came)) == (0, len(LARGE))


def test_a_limit_slows_what_is_sent(bucket: AnyBucket, archive: Bucket) -> None:
    lot, files = proven(archive, PLACE, LARGE)
    began = time.monotonic()
    settle(archive, lot, files, rate=Rate(4 * len(LARGE)))
    assert time.monotonic() - began >= 1 / 4 - 0.01
    assert bucket.read(f"eo/{PLACE}") == LARGE


@EVERYWHERE
def test_a_product_leaves_and_nothing_else(bucket: AnyBucket, tmp_path: Path) -> None:
    with way_to(bucket) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        lot, files = proven(archive, "Pornic/L2A/P2", {"B02.tif": b"two", "B03.tif": b"three"})
        settle(archive, lot, files, b"{}")
        bucket.put("eo/Pornic/L2A/P2/notes.txt", b"mine")
        archive.remove(lot.place, files)
        archive.remove(lot.place, files)
    assert bucket.visible() == ["eo/Pornic/L2A/P2/notes.txt"]
    gone = [name for sent in way.requests for name in sent.removes]
    assert gone[0] == "P2.stac.json"  # what says that it is whole leaves first


MISSING = {"s3": "NoSuchBucket", "gs": "NoSuchBucket", "az": "ContainerNotFound"}


@EVERYWHERE
def test_a_bucket_that_is_empty_or_gone_loses_nothing(bucket: AnyBucket, archive: Bucket, tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="is empty"):
        archive.mounted()
    bucket.name = "no-such-bucket"
    none = archive_in(bucket, tmp_path)
    with pytest.raises(NoArchive, match=f"{MISSING[bucket.scheme]}: The specified .*[a-z.] \\(status 404\\)$"):
        none.mounted()
    lot, files = proven(none, PLACE, b"content")
    with pytest.raises(NoArchive, match=f"cannot be written: {MISSING[bucket.scheme]}"):
        settle(none, lot, files)
    assert found(none, lot) == files


@EVERYWHERE
def test_it_is_tried_with_an_object_of_its_own(bucket: AnyBucket, archive: Bucket, tmp_path: Path) -> None:
    (finding,) = archive.check()
    assert (finding.well, bucket.visible()) == (True, [])
    bucket.name = "no-such-bucket"
    (finding,) = archive_in(bucket, tmp_path).check()
    assert not finding.well
    assert MISSING[bucket.scheme] in finding.text
    assert "or mend download.archive" in str(finding.hint)


def test_a_bucket_may_be_had_whole_and_a_store_without_checksums(bucket: AnyBucket, tmp_path: Path) -> None:
    with way_to(bucket) as way:
        below = archive_in(bucket, tmp_path, endpoint=way.endpoint, checksums=False)
        objects = msgspec.structs.replace(below.objects, place=BucketPlace("s3", bucket.name, ""))
        archive = msgspec.structs.replace(below, objects=objects)
        lot, files = proven(archive, PLACE, LARGE)
        settle(archive, lot, files)
        archive.mounted()
        assert found(archive, lot) == files
    assert (bucket.visible(), archive.shown("")) == ([PLACE], f"s3://{bucket.name}")
    assert not [sent for sent in way.requests if "x-amz-checksum-sha256" in sent.headers]


@EVERYWHERE
def test_it_can_be_sent_to_another_process(bucket: AnyBucket, archive: Bucket) -> None:
    lot, files = proven(archive, PLACE, b"content")
    settle(archive, lot, files)
    again: Bucket = pickle.loads(pickle.dumps(archive))
    assert found(again, lot) == files
    assert b"wJalr" not in pickle.dumps(archive)


def test_a_store_that_repeats_what_it_was_sent_is_quoted_without_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHER_TEST_SAS", "sv=2022-11-02&se=2027-01-01T00:00:00Z&sig=abc%2Bdef%2Fs3cretS3CRET%3D")
    with served(lambda request, _: reply(403, refusal("AuthenticationFailed", f"no {request.target}"))) as store:
        table = BucketTable(endpoint=f"{store.origin}/eo", account_name="eo", sas_token=Secret(env="WATCHER_TEST_SAS"))
        archive = Bucket(Objects(BucketPlace("az", "products", "eo"), table), Spool(tmp_path))
        with pytest.raises(NoArchive, match=r"AuthenticationFailed: no /eo/products.*&sig=\*\*\*") as caught:
            archive.mounted()
    assert "s3cretS3CRET" in store.requests[0].target
    assert "s3cretS3CRET" not in str(caught.value)


def test_parts_grow_so_that_there_are_never_too_many() -> None:
    assert part_of(7 * MIB, PART) == PART
    assert part_of(50_000 * MIB, PART) == PART
    assert -(-60_000 * MIB // part_of(60_000 * MIB, PART)) == 10_000
