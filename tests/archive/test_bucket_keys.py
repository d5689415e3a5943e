"""The keys of a bucket of Google or Azure: where they come from, and what is said of those that will not do."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.archive.lots import archive_in, proven
from tests.loopback import reply, served
from tests.servers.azure import KEY, AzureContainer, token
from tests.servers.buckets import ELSEWHERE, AnyBucket
from tests.servers.gcs import GcsBucket
from watcher.archive.bucket import Bucket
from watcher.credentials import Secret
from watcher.errors import ConfigError, NoArchive

GOOGLE = pytest.mark.parametrize("bucket", ["gs"], indirect=True)
AZURE = pytest.mark.parametrize("bucket", ["az"], indirect=True)
PLACE = "Pornic/L2A/P1.zip"


@pytest.fixture(autouse=True)
def no_keys_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """No machine's own keys take part, nor what would give it some."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/nonexistent")


def opened_with(bucket: AnyBucket, tmp_path: Path, **keys: str | None) -> Bucket:
    """The archive in a bucket, with other keys."""
    archive = archive_in(bucket, tmp_path)
    table: dict[str, Any] = {bucket.secret()[0]: None}
    for number, (name, value) in enumerate(keys.items()):
        file = tmp_path / f"key-{number}"
        file.write_text(value or "")
        file.chmod(0o600)
        table[name] = Secret(file=str(file)) if value else None
    objects = msgspec.structs.replace(archive.objects, table=msgspec.structs.replace(archive.objects.table, **table))
    return msgspec.structs.replace(archive, objects=objects)


def bring(archive: Bucket) -> None:
    lot, files = proven(archive, PLACE, b"content")
    archive.settle(lot, files, b"{}", tell=lambda done, total: None, stop=threading.Event())


@ELSEWHERE
def test_a_key_of_somebody_else_is_refused_and_said_to_be_wrong(bucket: AnyBucket, tmp_path: Path) -> None:
    if isinstance(bucket, GcsBucket):
        key = {"service_account": bucket.cloud.account(rsa.generate_private_key(65537, 2048))}
    else:
        key = {"account_key": base64.b64encode(b"of another account").decode()}
    archive = opened_with(bucket, tmp_path, **key)
    with pytest.raises(NoArchive, match=r"cannot be listed: Auth\w+: [\w .]+ \(status 40[13]\)$") as caught:
        archive.mounted()
    assert str(caught.value.hint).startswith("mend the keys of [download.bucket]")
    with pytest.raises(NoArchive, match=r"cannot be asked for: (Unauthorized|Forbidden) \(status 40[13]\)$") as caught:
        bring(archive)  # the answer to HEAD has no words
    assert "key" in str(caught.value.hint)
    assert bucket.visible() == []


@pytest.mark.parametrize(
    ("account", "says"),
    [
        ("s3cretS3CRET", "Unable to decode service account file"),
        (json.dumps({"private_key": "s3cretS3CRET"}), "missing field `private_key_id`"),
        (
            json.dumps({"private_key": "s3cretS3CRET", "private_key_id": "1", "client_email": "eo@example.org"}),
            "Error reading pem file",
        ),
    ],
)
@GOOGLE
def test_what_is_no_service_account_is_said_to_be_none(
    bucket: GcsBucket, tmp_path: Path, account: str, says: str
) -> None:
    archive = opened_with(bucket, tmp_path, service_account=account)
    with pytest.raises(ConfigError, match=says) as caught:
        archive.mounted()
    assert "as [download.bucket] says" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@GOOGLE
def test_without_a_key_the_machines_role_gives_one(
    bucket: GcsBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = json.dumps({"access_token": bucket.cloud.token(), "expires_in": 3600, "token_type": "Bearer"}).encode()
    with served(reply(200, given, content_type="application/json")) as machine:
        monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{machine.port}")
        archive = opened_with(bucket, tmp_path)
        bring(archive)
    assert bucket.visible() == [f"eo/{PLACE}", f"eo/{PLACE}.stac.json"]
    assert machine.targets[0].startswith("/computeMetadata/v1/instance/service-accounts/default/token")


@GOOGLE
def test_a_role_that_gives_no_key_is_said_to_give_none(
    bucket: GcsBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(reply(404, b"no such account")) as machine:
        monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{machine.port}")
        monkeypatch.setenv("GCE_METADATA_IP", f"127.0.0.1:{machine.port}")
        with pytest.raises(NoArchive, match="cannot be listed") as caught:
            opened_with(bucket, tmp_path).mounted()
    assert caught.value.hint == "no credentials were found: name them in [download.bucket], or in the environment"


@AZURE
def test_the_key_of_an_account_may_be_in_the_environment(
    bucket: AzureContainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    bring(opened_with(bucket, tmp_path))
    assert bucket.visible() == [f"eo/{PLACE}", f"eo/{PLACE}.stac.json"]


@AZURE
def test_a_token_for_the_container_is_enough_for_everything(bucket: AzureContainer, tmp_path: Path) -> None:
    archive = opened_with(bucket, tmp_path, sas_token=token(bucket.name))
    assert [finding.well for finding in archive.check()] == [True]
    lot, files = proven(archive, PLACE, b"content")
    archive.settle(lot, files, b"{}", tell=lambda done, total: None, stop=threading.Event())
    archive.examine(PLACE, files[0], deep=True, stop=threading.Event())
    archive.set_aside(PLACE, files[0])
    assert bucket.visible() == [f"eo/{PLACE}.rotten"]
    archive.remove(f"{PLACE}.rotten", files)
    assert bucket.visible() == []


@pytest.mark.parametrize(
    ("rights", "cannot"), [("wdl", "be read"), ("rdl", "be written"), ("rwl", "be removed"), ("rwd", "be listed")]
)
@AZURE
def test_a_token_that_allows_less_is_found_out_by_what_it_cannot_do(
    bucket: AzureContainer, tmp_path: Path, rights: str, cannot: str
) -> None:
    (finding,) = opened_with(bucket, tmp_path, sas_token=token(bucket.name, rights)).check()
    assert not finding.well
    assert f"cannot {cannot}: " in finding.text
    assert "not authorized to perform this operation using this permission." in finding.text
    assert finding.text.endswith(" (status 403)")
    assert "or a token for rwdl" in str(finding.hint)


@AZURE
def test_a_token_that_is_over_is_refused_without_a_word_of_it(bucket: AzureContainer, tmp_path: Path) -> None:
    over = token(bucket.name, until="2020-01-01T00:00:00Z")
    (finding,) = opened_with(bucket, tmp_path, sas_token=over).check()
    assert "cannot be listed: AuthorizationFailure: " in finding.text
    assert str(finding.hint).startswith("mend the keys of [download.bucket]")
    assert over.rpartition("sig=")[2] not in finding.text
