"""Requests that are signed for an S3 store: as the examples of its reference are, and at a server that checks."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import httpx
import pytest

from tests.loopback import Request, reply, served
from watcher import plugins
from watcher.auth.s3 import Kind, authorization
from watcher.credentials import Secret
from watcher.errors import ConfigError
from watcher.net import Http

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("WATCHER_TEST_SECRET", SECRET)


@pytest.mark.parametrize(
    ("method", "target", "headers", "names", "signature"),
    [
        # "Examples: Signature Calculations" of the S3 API reference: keys, time and answers are published there.
        (
            "GET",
            "/test.txt",
            {"Range": "bytes=0-9"},
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "GET",
            "/?lifecycle",
            {},
            "host;x-amz-content-sha256;x-amz-date",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET",
            "/?max-keys=2&prefix=J",
            {},
            "host;x-amz-content-sha256;x-amz-date",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_examples_of_the_reference_are_signed_as_it_says(method, target, headers, names, signature):
    request = httpx.Request(
        method,
        f"https://examplebucket.s3.amazonaws.com{target}",
        headers={"x-amz-date": "20130524T000000Z", "x-amz-content-sha256": EMPTY, "User-Agent": "x", **headers},
    )
    said = authorization(
        request.method, request.url, request.headers, access_key=KEY, secret_key=SECRET, region="us-east-1"
    )
    assert said == (
        f"AWS4-HMAC-SHA256 Credential={KEY}/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={names},Signature={signature}"
    )


_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([\w-]+)/s3/aws4_request"
    r",SignedHeaders=([\w;-]+),Signature=(\w+)"
)


BUCKETS = (
    b'<?xml version="1.0" encoding="UTF-8"?><ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<Owner><ID>x</ID></Owner><Buckets/></ListAllMyBucketsResult>"
)


class Store:
    """An S3 store that checks what is signed, written from the server's side: from what came over the wire."""

    def __init__(self, region="default"):
        self.region = region

    def __call__(self, request: Request, _) -> bytes:
        code = self.fault(request)
        if code is not None:
            return reply(403, f"<Error><Code>{code}</Code></Error>".encode(), content_type="application/xml")
        if request.target == "/":
            return reply(200, BUCKETS, content_type="application/xml")
        return reply(206 if "range" in request.headers else 200, b"band")

    def fault(self, request: Request) -> str | None:
        said = _SIGNED.fullmatch(request.headers.get("authorization", ""))
        if said is None:
            return "AccessDenied"
        key, day, region, names, signature = said.groups()
        time = request.headers["x-amz-date"]
        if key != KEY:
            return "InvalidAccessKeyId"
        skew = datetime.strptime(f"{time}+0000", "%Y%m%dT%H%M%SZ%z") - datetime.now(UTC)
        if abs(skew.total_seconds()) > 900:
            return "RequestTimeTooSkewed"
        wanted = {name for name in request.headers if name == "host" or name.startswith("x-amz-")}
        if not wanted <= set(names.split(";")) or region != self.region or not time.startswith(day):
            return "AuthorizationHeaderMalformed"
        path, _, query = request.target.partition("?")
        if path != quote(unquote(path), safe="/-_.~"):
            return "SignatureDoesNotMatch"  # as it stands it is another than encoded anew
        given = parse_qsl(query, keep_blank_values=True)
        pairs = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in given)
        lines = [request.method, path, "&".join(f"{k}={v}" for k, v in pairs)]
        lines += [f"{name}:{request.headers[name]}" for name in names.split(";")]
        lines += ["", names, request.headers["x-amz-content-sha256"]]
        scope = f"{day}/{region}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()}"
        signing = b"AWS4" + SECRET.encode()
        for part in (day, region, "s3", "aws4_request"):
            signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
        right = hmac.new(signing, text.encode(), hashlib.sha256).hexdigest()
        return None if right == signature else "SignatureDoesNotMatch"


def account(endpoint, **more):
    return Kind(
        **{
            "endpoint": endpoint,
            "access_key": KEY,
            "secret_key": Secret(env="WATCHER_TEST_SECRET"),
            "region": "default",
            **more,
        }
    )


def fetch(http, url, **headers):
    with http.stream(url, headers=headers) as response:
        return response.status_code, response.read()


PATHS = [
    "/eodata/Sentinel-2/MSI/L2A/2026/T31TCJ_B04_10m.jp2",
    "/eodata/a b/ü+&=$@,;:!'()*~.tif",
    "/eodata/a%20b%2Fc%C3%BC.tif",
    "/eodata/x?versionId=a%2Fb&partNumber=1&empty=",
    "/eodata//twice//./x",
]
"""Addresses whose signature is easily got wrong."""


@pytest.mark.parametrize("path", PATHS)
def test_a_store_that_checks_gives_what_is_asked_for(path):
    with served(Store()) as store, Http(origin=store.origin, auth=account(store.origin).auth()) as http:
        assert fetch(http, store.url(path)) == (200, b"band")
        assert fetch(http, store.url(path), Range="bytes=5-") == (206, b"band")
    assert SECRET.encode() not in b"".join(request.raw for request in store.requests)


def test_temporary_keys_and_who_pays_are_signed_too(monkeypatch):
    monkeypatch.setenv("WATCHER_TEST_SESSION", "se55ion")
    kind = {"session_token": Secret(env="WATCHER_TEST_SESSION"), "requester_pays": True}
    with served(Store()) as store, Http(origin=store.origin, auth=account(store.origin, **kind).auth()) as http:
        assert fetch(http, store.url("/usgs-landsat/x"))[0] == 200
    (request,) = store.requests
    assert (request.headers["x-amz-security-token"], request.headers["x-amz-request-payer"]) == ("se55ion", "requester")


def test_nothing_but_the_endpoint_is_signed_for():
    with (
        served(Store()) as store,
        served(reply(200, b"{}")) as home,
        Http(origin=home.origin, auth_hosts=[f"127.0.0.1:{store.port}"], auth=account(store.origin).auth()) as http,
    ):
        assert fetch(http, store.url("/eodata/x")) == (200, b"band")
        assert fetch(http, home.url("/download/x"))[0] == 200
    assert "authorization" not in home.requests[0].headers


def test_a_wrong_secret_is_refused():
    with served(Store()) as store, Http(origin=store.origin, auth=account(store.origin, region="else").auth()) as http:
        assert fetch(http, store.url("/eodata/x"))[0] == 403


@pytest.mark.parametrize(
    ("answer", "well", "said"),
    [
        (None, True, "accepts the access key"),
        (b"<Error><Code>AccessDenied</Code></Error>", True, "accepts the access key"),
        (b"<Error><Code>InvalidAccessKeyId</Code></Error>", False, "refuses the access key"),
        (b"<Error><Code>SignatureDoesNotMatch</Code></Error>", False, "SignatureDoesNotMatch"),
        (b"<Error><Code>RequestTimeTooSkewed</Code></Error>", False, "clock of this computer is wrong"),
        (b"Forbidden", False, "refuses the access key"),
    ],
)
def test_a_look_asks_for_the_buckets_which_not_everybody_may_see(answer, well, said):
    script = Store() if answer is None else reply(403, answer, content_type="application/xml")
    with served(script) as store, Http(origin="https://c.example", hosts=[f"127.0.0.1:{store.port}"]) as http:
        finding = account(store.origin).check(http)
    assert (finding.well, said in finding.text) == (well, True), finding
    assert urlsplit(store.requests[0].target).path == "/"


def test_the_settings_are_those_of_the_configuration():
    settings = {"endpoint": "https://s3.example", "access_key": "A", "secret_key": {"env": "B"}}
    kind = plugins.build("auth", "s3", settings, place="catalogues.x.auth")
    assert (kind.region, kind.requester_pays) == ("us-east-1", False)
    with pytest.raises(ConfigError, match="endpoint must be an https address"):
        plugins.build("auth", "s3", {**settings, "endpoint": "s3://eodata"}, place="catalogues.x.auth")


def test_a_page_in_the_way_is_not_said_to_accept_a_key():
    with (
        served(reply(200, b"<html>Welcome to the hotel")) as page,
        Http(origin="https://c.example", hosts=[f"127.0.0.1:{page.port}"]) as http,
    ):
        finding = account(page.origin).check(http)
    assert (finding.well, "something else" in finding.text) == (False, True), finding
