"""Answers that are no product, and what each of them asks of whom."""

import json
from pathlib import Path

import pytest

from tests import recordings
from tests.loopback import reply, served
from tests.transfer.depot import Depot, asset, tarred, zipped
from watcher.errors import CredentialError, Staged, TransferError, WatcherError
from watcher.net import Http
from watcher.transfer import fetch
from watcher.transfer.complaints import complaint

LOGIN = b"<!DOCTYPE html><html><form action='/login'><input type='password' name='p'></form></html>"
LICENCE = json.dumps({"ErrorMessage": "Forbidden", "license": "https://x.test/l.txt", "ErrorCode": 3002}).encode()


def _refused(said: bytes, folder: Path, *, name: str = "p.zip", kind: str | None = "application/zip") -> WatcherError:
    with (
        served(said) as peer,
        Http(origin=peer.origin, backoff_base=0.001) as http,
        pytest.raises(WatcherError) as caught,
    ):
        fetch(http, asset(peer.url("/download?token=canary"), kind=kind), folder / name)
    assert list(folder.iterdir()) == [], "not a byte of it is kept"
    assert "canary" not in f"{caught.value} {caught.value.hint}"
    return caught.value


def test_a_licence_to_sign_is_for_a_person_to_sign(tmp_path: Path) -> None:
    error = _refused(reply(200, LICENCE, Content_Type="application/json"), tmp_path)
    assert isinstance(error, TransferError)
    assert error.permanent
    assert "https://x.test/l.txt" in (error.hint or "")


def test_a_licence_to_sign_is_seen_also_where_any_file_would_do(tmp_path: Path) -> None:
    error = _refused(reply(200, LICENCE, Content_Type="application/json"), tmp_path, name="p", kind=None)
    assert "licence" in str(error)


@pytest.mark.parametrize("status", [200, 403])
def test_a_session_that_is_over_is_a_matter_of_credentials(status: int, tmp_path: Path) -> None:
    words = "User profile has not been validated. Please contact an administrator"
    said = reply(
        status, json.dumps({"ErrorMessage": words, "ErrorCode": 403}).encode(), Content_Type="application/json"
    )
    error = _refused(said, tmp_path)
    assert isinstance(error, CredentialError)
    assert "User profile has not been validated" in str(error)
    assert "auth" in (error.hint or "")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_a_matter_of_credentials_and_names_the_host(status: int, tmp_path: Path) -> None:
    error = _refused(reply(status, b""), tmp_path)
    assert isinstance(error, CredentialError)
    assert "127.0.0.1" in str(error)


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/zip", None])
@pytest.mark.parametrize("name", ["p.zip", "p.tif"])
def test_the_page_of_a_login_is_a_matter_of_credentials(kind: str | None, name: str, tmp_path: Path) -> None:
    headers = {"Content_Type": kind} if kind else {}
    error = _refused(reply(200, LOGIN, **headers), tmp_path, name=name, kind=None)
    assert isinstance(error, CredentialError)
    assert "127.0.0.1" in str(error)


def test_the_host_named_is_the_one_that_we_were_sent_to(tmp_path: Path) -> None:
    with (
        served(reply(200, LOGIN, Content_Type="text/html"), name="localhost") as sso,
        served(reply(302, Location=sso.url("/login"))) as peer,
        Http(origin=peer.origin, hosts=["localhost"]) as http,
        pytest.raises(CredentialError, match="localhost answered with the page of a login"),
    ):
        fetch(http, asset(peer.url()), tmp_path / "p.zip")


@pytest.mark.parametrize(
    ("status", "body", "kind", "said", "permanent"),
    [
        (404, b'{"ErrorMessage":"Not Found","ErrorCode":404}', "application/json", "not on its disk", False),
        (410, b"", None, "does not have the file", True),
        (202, b"", None, "still preparing", False),
        (202, b'{"status":"staging"}', "application/json", "still preparing", False),
        (200, b"", "application/zip", "still preparing", False),
        (204, b"", None, "still preparing", False),
        (200, b"<html><h1>Maintenance</h1></html>", "text/html", "web page", False),
        (200, b"\x89PNG\r\n\x1a\n", "image/png", "image/png", False),
        (200, b"<?xml version='1.0'?><Error/>", "application/xml", "application/xml", False),
        (200, b'{"detail":"quota is empty"}', "application/json", "quota is empty", False),
        (200, b"not a zip at all", "application/zip", "application/zip", False),
        (200, b'{"ErrorMessage":"No\\u0000\\u001b[31m right","ErrorCode":3006}', "application/json", "No", True),
        (500, b'{"ErrorMessage":"Resource cannot be downloaded"}', "application/json", "cannot be downloaded", False),
        (502, b"<html>Bad gateway</html>", "text/html", "502", False),
        (400, b"", None, "400", False),
        (200, b"Access to this file is not open to you", "text/plain", "text/plain", False),
        (200, b"<Error><Code>NoSuchKey</Code></Error>", "application/xml", "does not have the file", False),
        (503, b"<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>", None, "Reduce", False),
        (400, b'{"error":{"code":"x1","message":{"value":"No such node"}}}', "application/json", "No such node", False),
        (422, b'{"detail":[{"loc":["query"],"msg":"field required"}]}', "application/json", "field required", False),
        (400, b'{"type":"about:blank","title":"Odd","status":400}', "application/problem+json", "Odd", False),
    ],
)
def test_an_answer_that_is_no_product_is_said_to_be_what_it_is(
    status: int, body: bytes, kind: str | None, said: str, permanent: bool, tmp_path: Path
) -> None:
    answer = reply(status, body, **({"Content_Type": kind} if kind else {}))
    error = _refused(answer, tmp_path)
    assert isinstance(error, TransferError)
    assert said in str(error)
    assert error.permanent == permanent
    assert str(error).isprintable()


@pytest.mark.parametrize("status", [200, 403, 429])
@pytest.mark.parametrize("words", ["Max session number 4 exceeded.", "Too many concurrent connections"])
def test_too_many_connections_are_no_matter_of_credentials(status: int, words: str, tmp_path: Path) -> None:
    said = reply(status, json.dumps({"detail": words}).encode(), Content_Type="application/json", Retry_After="9")
    error = _refused(said, tmp_path)
    assert isinstance(error, TransferError)
    assert (error.permanent, error.retry_after) == (False, 9)
    assert f'gives the account no more connections now ({status}): "{words}"' in str(error)
    assert "`concurrency`" in (error.hint or "")


def test_what_is_no_product_is_told_with_the_address_to_look_at(tmp_path: Path) -> None:
    error = _refused(reply(200, b'{"error":"maintenance"}', Content_Type="application/json"), tmp_path)
    assert 'application/json instead of the file: "maintenance"' in str(error)
    assert "/download in a browser shows what it says" in (error.hint or "")


@pytest.mark.parametrize(
    ("status", "text", "seconds"), [(429, "300", 300), (503, "7", 7), (202, "60", 60), (503, "x", None)]
)
def test_when_to_come_back_is_handed_on(status: int, text: str, seconds: float | None, tmp_path: Path) -> None:
    error = _refused(reply(status, b'{"detail":"Max session number 4 exceeded."}', Retry_After=text), tmp_path)
    assert (error.retry_after, error.permanent) == (seconds, False)


@pytest.mark.parametrize("kind", ["text/html", "application/json", "image/png", None])
def test_a_product_is_one_whatever_the_server_calls_it(kind: str | None, tmp_path: Path) -> None:
    for name, content in (("p.zip", zipped()), ("p.tgz", tarred())):
        with served(Depot(content, kind=kind)) as peer, Http(origin=peer.origin) as http:
            fetch(http, asset(peer.url("/download")), tmp_path / name)
        assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize(
    ("name", "kind", "content", "served_as"),
    [
        ("p.json", "application/geo+json", b'{"type":"Feature"}', "application/json"),
        ("p.xml", "application/xml", b"<Metadata/>", "text/html"),
        ("p.html", "text/html", b"<!doctype html><p>report", "text/html"),
        ("p.tif", "image/tiff; application=geotiff", b"II*\0", "text/plain"),
        ("p", None, b'{"type":"Feature"}', "application/json"),
    ],
)
def test_an_asset_that_is_no_archive_may_be_text(
    name: str, kind: str | None, content: bytes, served_as: str, tmp_path: Path
) -> None:
    with served(Depot(content, kind=served_as)) as peer, Http(origin=peer.origin) as http:
        fetch(http, asset(peer.url("/download"), kind=kind), tmp_path / name)
    assert (tmp_path / name).read_bytes() == content


def test_json_in_place_of_a_picture_is_none(tmp_path: Path) -> None:
    error = _refused(
        reply(200, b'{"detail":"no"}', Content_Type="application/json"), tmp_path, name="p.tif", kind="image/tiff"
    )
    assert '"no"' in str(error)


@pytest.mark.parametrize(
    ("recorded", "kind", "said"),
    [
        ("download_anonymous", CredentialError, "403"),
        ("download_badpassword", CredentialError, "403"),
        ("download_file_missing", TransferError, "not on its disk"),
        ("download_norights", CredentialError, "403"),
        ("download_tk_bad", CredentialError, "403"),
        ("download_unsigned_license", TransferError, "licence"),
        ("deleted_download", TransferError, "not on its disk"),
    ],
)
def test_what_a_resto_server_said_is_understood(
    recorded: str, kind: type[WatcherError], said: str, tmp_path: Path
) -> None:
    folder = recordings.folder("resto-2.0.4")
    head = (folder / f"{recorded}.headers.txt").read_bytes().replace(b"\r\n", b"\n").strip().replace(b"\n", b"\r\n")
    body = (folder / f"{recorded}.json").read_bytes().strip()
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    error = _refused(b"\r\n".join(lines) + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body, tmp_path)
    assert isinstance(error, kind)
    assert said in str(error)


# Whose turn it is, and where to go


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            403,
            b"<Error><Code>InvalidObjectState</Code><Message>Operation is not valid</Message></Error>",
            "application/xml",
        ),
        (409, "\ufeff<?xml version='1.0'?><Error><Code>BlobArchived</Code></Error>".encode(), "application/xml"),
        (200, b'{"detail":"The product is on tape, and being retrieved"}', "application/json"),
        (400, b'{"detail":{"message":"Product is offline: order it"}}', "application/json"),
        (202, b"", None),
        (200, b"", "application/zip"),
    ],
)
def test_a_file_on_tape_is_waited_for(status: int, body: bytes, kind: str | None, tmp_path: Path) -> None:
    headers = {"Retry_After": "600", **({"Content_Type": kind} if kind else {})}
    error = _refused(reply(status, body, **headers), tmp_path)
    assert isinstance(error, Staged)
    assert (error.permanent, error.retry_after) == (False, 600)


@pytest.mark.parametrize(
    ("status", "code"), [(403, "AccessDenied"), (400, "ExpiredToken"), (200, "AuthenticationFailed"), (403, "Other")]
)
def test_a_store_that_refuses_an_account_is_a_matter_of_credentials(status: int, code: str, tmp_path: Path) -> None:
    body = f"<?xml version='1.0'?>\n<Error><Code>{code}</Code><Message>Not \x1b[1m you</Message></Error>".encode()
    error = _refused(reply(status, body, Content_Type="application/xml"), tmp_path)
    assert isinstance(error, CredentialError)
    assert "Not" in str(error)
    assert str(error).isprintable()


@pytest.mark.parametrize("status", [200, 403, 429])
def test_a_quota_that_is_used_up_is_said_with_where_to_look(status: int, tmp_path: Path) -> None:
    error = _refused(reply(status, b'{"message":"your request quota is empty"}', Content_Type="text/plain"), tmp_path)
    assert isinstance(error, TransferError)
    assert "quota is empty" in str(error)
    assert "https://127.0.0.1" in (error.hint or "")
    assert not error.permanent


def test_terms_to_accept_are_said_with_the_address(tmp_path: Path) -> None:
    """Earthdata."""
    body = {
        "status_code": 403,
        "error_description": "EULA Acceptance Failure",
        "resolution_url": "https://urs.test/approve?x=1",
    }
    error = _refused(reply(403, json.dumps(body).encode(), Content_Type="application/json"), tmp_path)
    assert isinstance(error, TransferError)
    assert error.permanent
    assert "EULA" in str(error)
    assert "https://urs.test/approve?x=1" in (error.hint or "")


def test_the_page_of_a_login_is_said_with_its_address_but_no_secret(tmp_path: Path) -> None:
    error = _refused(reply(200, LOGIN, Content_Type="text/html"), tmp_path)
    assert "/download in a browser" in (error.hint or "")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("p.tif", None), ("p", "image/tiff; application=geotiff"), ("p.nc", None), ("p.jp2", "image/jp2")],
)
@pytest.mark.parametrize("body", [b"Sorry", b"<Sorry/>", b"{}", "Accès refusé".encode()])
def test_a_text_in_place_of_a_picture_is_none(body: bytes, name: str, kind: str | None, tmp_path: Path) -> None:
    assert isinstance(_refused(reply(200, body), tmp_path, name=name, kind=kind), TransferError)


@pytest.mark.parametrize("body", [b"Sorry, a text", b'{"detail":"said in the file"}', b"<Error><Code>5</Code></Error>"])
def test_what_has_the_size_that_the_catalogue_says_is_judged_by_its_proof(body: bytes, tmp_path: Path) -> None:
    with served(Depot(body, kind="application/json")) as peer, Http(origin=peer.origin) as http:
        fetch(http, asset(peer.url("/download"), body, kind="image/tiff"), tmp_path / "p.tif")
    assert (tmp_path / "p.tif").read_bytes() == body


def test_what_is_deep_or_broken_says_nothing() -> None:
    for text in (b"{" * 50_000, b'{"a":' * 20_000, b"[1]", b"{}", b'{"detail":null}', b"<Errors/>", b"", b'"x"'):
        assert not complaint(text)
    assert complaint(b"<Error>" + b"<" * 100_000).code == "error"
