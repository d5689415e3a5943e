"""The single sign-on of THEIA and Take5, in both of the forms that it had."""

from __future__ import annotations

import json
from contextlib import contextmanager
from urllib.parse import parse_qs

import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from watcher import plugins
from watcher.auth.theia import Kind
from watcher.credentials import Secret
from watcher.errors import CatalogueError, CredentialError, HttpError
from watcher.net import Http

PASSWORD = "pässwörd&more=?"
TOKEN = "0b79ad1b-1a5c-5fa5-9c4e-9a3d5a4b3c21"
UNKNOWN = b'{"ErrorMessage":"User profile has not been validated. Please contact an administrator","ErrorCode":403}'


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("WATCHER_TEST_PASSWORD", PASSWORD)


class Server:
    """The sign-on (2016: the bare token, called HTML; 2015: JSON), and the resto behind it."""

    def __init__(self, *, early: bool = False) -> None:
        self.early, self.forms, self.good = early, [], set()

    def __call__(self, asked: Asked) -> Reply:
        if asked.path.endswith("/authenticate/"):
            form = {name: value for name, (value,) in parse_qs(asked.body.decode()).items()}
            self.forms.append(form)
            if form != {"ident": "me@example.org", "pass": PASSWORD}:
                return Reply(200, b"", "text/html")
            token = TOKEN[:-1] + str(len(self.forms))
            self.good = {token}
            return Reply(200, json.dumps({"access_token": token}).encode()) if self.early else self.bare(token)
        known = asked.headers.get("authorization", "").removeprefix("Bearer ") in self.good
        # Without the issuer a token is read as resto's own, which it is not.
        if known and asked.query.get("issuerId") == "theia":
            return Reply(200, b"zip")
        return Reply(403, UNKNOWN)

    @staticmethod
    def bare(token: str) -> Reply:
        return Reply(200, f"{token}\n".encode(), "text/html; charset=UTF-8")


def account(url):
    return Kind(
        token_url=f"{url}/services/authenticate/",
        username="me@example.org",
        password=Secret(env="WATCHER_TEST_PASSWORD"),
    )


@contextmanager
def signing(answer):
    with answering(answer) as (url, asked), Http(origin=url, auth=account(url).auth(), backoff_base=0.0) as http:
        yield http, url, asked


def fetch(http, url, path="/resto2/collections/SENTINEL2/x/download"):
    with http.stream(f"{url}{path}") as response:
        return response.status_code, response.read()


@pytest.mark.parametrize("early", [True, False])
def test_a_token_is_fetched_once_and_downloads_name_its_issuer(early):
    server = Server(early=early)
    with signing(server) as (http, url, asked):
        assert [fetch(http, url) for _ in range(3)] == [(200, b"zip")] * 3
        assert fetch(http, url, "/resto2/collections/SENTINEL2/x/download/?issuerId=theia") == (200, b"zip")
    assert len(server.forms) == 1
    assert [question.query for question in asked[1:]] == [{"issuerId": "theia"}] * 4


def test_what_is_no_download_is_told_no_issuer():
    with signing(Server()) as (http, url, asked):
        fetch(http, url, "/resto2/collections/SENTINEL2/x.json")
    assert asked[1].query == {}


def test_a_token_that_is_over_is_renewed_once():
    server = Server()
    with signing(server) as (http, url, _):
        fetch(http, url)
        server.good.clear()
        assert fetch(http, url) == (200, b"zip")
        server.good.clear()
    assert len(server.forms) == 2


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (Reply(200, b"", "text/html"), CredentialError, "refused the login of me@example.org"),
        (Reply(200, b"Please set mail and password", "text/html"), CredentialError, "Please set mail and password"),
        (Reply(200, b'{"ErrorMessage":"Forbidden"}'), CredentialError, "Forbidden"),
        (Reply(200, b"InvalidCredentials", "text/html"), CredentialError, "InvalidCredentials"),
        (Reply(403, b"{}"), CredentialError, "refused the login"),
        (Reply(200, b"<!DOCTYPE html><html>Maintenance</html>", "text/html"), CatalogueError, "with a web page"),
        (Reply(404, b""), HttpError, "answered 404 to a login"),
        (Reply(503, b""), HttpError, "answered 503 to a login"),
    ],
)
def test_what_is_no_token_is_a_failure_that_says_so(reply, error, said):
    with signing(lambda asked: reply) as (http, url, _), pytest.raises(error) as failed:
        fetch(http, url)
    assert said in str(failed.value)
    assert PASSWORD not in str(failed.value)


def test_a_look_logs_in(monkeypatch):
    with answering(Server()) as (url, _), Http(origin=url) as http:
        finding = account(url).check(http)
        assert (finding.well, finding.text) == (True, "127.0.0.1 accepts the login of me@example.org")
        monkeypatch.setenv("WATCHER_TEST_PASSWORD", "wr0ng")
        finding = account(url).check(http)
        assert not finding.well
        assert "WATCHER_TEST_PASSWORD" in finding.text


def test_the_settings_are_those_of_the_configuration():
    kind = plugins.build("auth", "theia", {"password": {"netrc": "theia.cnes.fr"}}, place="catalogues.x.auth")
    assert kind.token_url == "https://theia.cnes.fr/atdistrib/services/authenticate/"
    with pytest.raises(Exception, match="token_url"):
        plugins.build("auth", "theia", {"password": {"netrc": "x"}, "token_url": "theia"}, place="catalogues.x.auth")
