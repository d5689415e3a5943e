"""An archive that is a bucket, as people use it on the command line, and in the service."""

from __future__ import annotations

import json
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import Scene, Watcher
from tests.loopback import until
from tests.servers.buckets import EVERYWHERE, AnyBucket
from tests.servers.way import Cut, Sent, refusal, way_to
from tests.test_service import running
from watcher import config
from watcher.errors import ConfigError
from watcher.wiring import Parts


@pytest.fixture
def settings(home: Path, bucket: AnyBucket) -> Path:
    """The configuration, with a bucket for an archive."""
    name, secret = bucket.secret()
    key = home / "key"
    key.write_text(f"{secret}\n")
    key.chmod(0o600)
    path = home / "config.toml"
    said = "".join(f'{key} = "{value}"\n' for key, value in bucket.settings().items())
    table = f"""
[download.bucket]
endpoint = "{bucket.endpoint}"
{name} = {{ file = "{key}" }}
{said}"""
    text = path.read_text().replace("[download]\n", f'[download]\narchive = "{bucket.scheme}://{bucket.name}/eo"\n')
    path.write_text(text + table)
    return path


def titles(watcher: Watcher, level: str = "L2A") -> list[str]:
    return [row["title"] for row in json.loads(watcher("products", "--json").out) if row["level"] == level]


@pytest.mark.usefixtures("settings")
def test_products_are_fetched_looked_at_and_removed(watcher: Watcher, home: Path, bucket: AnyBucket) -> None:
    watcher("add-site", "Pornic", "--no-download")
    watcher("poll")
    title = titles(watcher)[0]
    url = f"s3://{bucket.name}/eo/Pornic/L2A/{title}.tgz"
    done = watcher("download", title)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"stored {url} (")
    key = url.partition(f"{bucket.name}/")[2]
    assert bucket.visible() == [key, f"{key}.stac.json"]
    assert list((home / "state" / "spool").iterdir()) == []
    assert watcher("verify", "--deep").out == "1 product looked at (every byte read): 1 fine\n"
    assert f"given up; archive s3://{bucket.name}/eo\n" in watcher("status").out
    assert [row["stored"] for row in json.loads(watcher("products", "--json").out) if row["stored"]] == [url]
    checked = watcher("check").out
    assert f"ok     archive: s3://{bucket.name}/eo: an object was written, read and removed there\n" in checked
    assert f"ok     spool: {home}/state/spool, " in checked
    assert bucket.visible() == [key, f"{key}.stac.json"]
    members = watcher("download", title, "--members", "*.tif")
    assert (members.code, "--to DIR" in members.err) == (2, True)
    bucket.put(key, b"something else")
    rotten = watcher("verify")
    assert rotten.code == 1
    assert rotten.out.startswith(f"rotten {title}: {url} has 14 bytes instead of ")
    assert watcher("verify", "--again").code == 1
    assert bucket.visible() == [f"{key}.rotten"], "nothing says any more that it is whole"
    assert watcher("download").out.startswith(f"stored {url} (")
    path = home / "config.toml"
    path.write_text(path.read_text().replace("[download]\n", '[download]\nmax_size = "1 B"\n'))
    assert watcher("tidy", "--apply").out.startswith(f"removed {url} (")
    assert bucket.visible() == [f"{key}.rotten"]


@EVERYWHERE
def test_the_service_brings_what_comes_to_the_bucket_and_tells_where_it_lies(
    watcher: Watcher, scene: Scene, home: Path, settings: Path, bucket: AnyBucket
) -> None:
    hook = home / "hook"
    hook.write_text(f'#!/bin/sh\necho "$WATCHER_PATH $WATCHER_SIDECAR" >> {home}/hooked\n')
    hook.chmod(0o755)
    settings.write_text(settings.read_text() + f'\n[hooks.tell]\ncommand = ["{hook}"]\n')
    watcher("add-site", "Pornic", "--level", "L2A")
    watcher("subscribe", f"mbox://{home}/mail")
    with running(home) as run:
        until(lambda: run.says("baselined=3") or run.says("baselined="))
        scene.play()
        until(lambda: (home / "hooked").exists() and not run.says("download failed"), seconds=60)
        until(lambda: json.loads(watcher("status", "--json").out)["downloads"]["wanted"] == 0)
        until(lambda: json.loads(watcher("status", "--json").out)["deliveries"]["owed"] == 0)
        assert run.end(signal.SIGTERM)[0] == 0
    stored = [row["stored"] for row in json.loads(watcher("products", "--json").out) if row["stored"]]
    assert stored
    url = f"{bucket.scheme}://{bucket.name}"
    assert {f"{url}/{key}" for key in bucket.visible() if not key.endswith(".json")} == set(stored)
    place, sidecar = (home / "hooked").read_text().splitlines()[0].split()
    assert (place in stored, sidecar) == (True, f"{place}.stac.json")
    assert f"stored in {url}/eo/Pornic/L2A/" in (home / "mail").read_text().replace("=\n", "")
    assert watcher("verify", "--deep").out.endswith(f" looked at (every byte read): {len(stored)} fine\n")


def test_what_is_wrong_with_a_bucket_is_said_with_the_way_out(
    watcher: Watcher, settings: Path, bucket: AnyBucket
) -> None:
    text = settings.read_text()
    settings.write_text(text.replace(f"s3://{bucket.name}/eo", "s3://no-such-bucket/eo"))
    said = watcher("check").out
    assert "WRONG  archive: s3://no-such-bucket/eo cannot be listed: NoSuchBucket: " in said
    assert "→ make the bucket, or mend download.archive" in said
    with way_to(bucket, lambda sent: (403, refusal("RequestTimeTooSkewed", "The clock").decode())) as way:
        settings.write_text(text.replace(bucket.endpoint, way.endpoint))
        assert "→ the clock of this machine is wrong: set it" in watcher("check").out
    (settings.parent / "key").unlink()
    settings.write_text(text)
    assert "WRONG  archive: " in watcher("check").out
    assert "wJalr" not in said


def test_without_obstore_it_says_what_to_install(
    watcher: Watcher, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    said = watcher("check").out
    assert "obstore is not installed" in said
    assert "→ pip install 'eo-watcher[bucket]'" in said


def test_the_archive_can_be_sent_to_another_process(settings: Path, home: Path) -> None:
    parts = Parts(config.load(settings), home / "state")
    assert pickle.loads(pickle.dumps(parts.keeping.archive)) == parts.keeping.archive


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('archive = "ftp://host/x"', "ftp:// is no kind of bucket"),
        ('archive = "s3://"', '"" is no name of a bucket'),
        ('archive = "s3://bucket/../x"', "is no plain path in a bucket"),
        ('archive = "memory://x"', "memory:// is no kind of bucket"),
        ('spool = "/srv/spool"', "download.spool is for an archive that is a bucket"),
        ('archive = "/srv"\n[download.bucket]\nregion = "x"', "download.bucket.region is for an archive"),
        ('archive = "gs://bucket"\n[download.bucket]\nregion = "x"', "download.bucket.region is for s3://"),
        ('archive = "s3://bucket"\n[download.bucket]\nregoin = "x"', 'has no key "regoin"'),
        ('archive = "s3://bucket"\n[download.bucket]\naccess_key_id = "x"', "has one of access_key_id and"),
        ('archive = "s3://bucket"\n[download.bucket]\nsecret_access_key = "x"', "secret_access_key"),
        ('archive = "s3://bucket"\n[download.bucket]\npart_size = "1 MiB"', "part_size is 1 MiB"),
        ('archive = "s3://bucket"\n[download.bucket]\nendpoint = "http://minio"', "is not encrypted"),
        ('archive = "s3://bucket"\n[download.bucket]\nendpoint = "minio:9000"', 'endpoint = "minio:9000"'),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_by_name(tmp_path: Path, lines: str, says: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[download]\n{lines}\n")
    with pytest.raises(ConfigError, match="download") as caught:
        config.load(path)
    assert says in str(caught.value)
    assert caught.value.hint


def test_an_upload_that_hangs_is_interrupted_and_goes_on_later(
    watcher: Watcher, home: Path, settings: Path, bucket: AnyBucket
) -> None:
    watcher("add-site", "Pornic", "--no-download")
    watcher("poll")
    title = titles(watcher)[0]
    hangs, on = threading.Event(), threading.Event()

    def hang(sent: Sent) -> None:
        if sent.method == "PUT":
            hangs.set()
            on.wait(30)
            raise Cut

    text = settings.read_text()
    with way_to(bucket, hang) as way:
        settings.write_text(text.replace(bucket.endpoint, way.endpoint))
        command = [sys.executable, "-m", "watcher", "download", title]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
            assert hangs.wait(30)
            begun = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=30)
            assert time.monotonic() - begun < 20
        on.set()
    assert (process.returncode, out) == (130, "")
    assert errors == "stopped; what was begun goes on from there next time\n"
    assert bucket.visible() == []
    settings.write_text(text)
    assert watcher("download").out.startswith(f"stored s3://{bucket.name}/eo/Pornic/L2A/{title}.tgz (")
