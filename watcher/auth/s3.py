"""Keys of an S3 store.

Each request to its endpoint is signed (AWS Signature Version 4), and the secret key never sent: over method, path,
query, and the headers host, range and x-amz-*, as "Authenticating Requests: Using the Authorization Header" of the S3
API reference says. Bodies are empty: files are only read. What is lent is a signed address ("Using Query Parameters"),
which is good for an hour and for any range.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote, unquote_to_bytes

import httpx
import msgspec

from watcher.credentials import Secret, revealed
from watcher.errors import CredentialError
from watcher.model import Finding
from watcher.names import plain
from watcher.net import Http
from watcher.net.hops import Talk
from watcher.net.logins import addressed, asking, shaped, tried
from watcher.net.reach import origin
from watcher.net.tokens import Refused

_EMPTY = hashlib.sha256(b"").hexdigest()
_SIGNED = re.compile(r"host|range|x-amz-.*")
_BUCKETS = re.compile(rb"\s*(<\?xml[^>]*>\s*)?<(\w+:)?ListAllMyBucketsResult\b")
_CODE = re.compile(r"<Code>\s*(\w{1,60})\s*</Code>")
_LENT_FOR = 3600
_CLOCK = ("RequestTimeTooSkewed", "RequestExpired")


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An access key and its secret key, with the session token of temporary ones.

    `endpoint` is the address of the store, the only one that is signed for, `region` what it calls its region.
    `requester_pays` agrees to be billed for what is fetched, where the owner of a bucket wants that.
    """

    endpoint: str
    access_key: str | Secret
    secret_key: Secret
    session_token: Secret | None = None
    region: str = "us-east-1"
    requester_pays: bool = False

    def __post_init__(self) -> None:
        addressed("endpoint", self.endpoint)

    def auth(self) -> httpx.Auth:
        """Return what signs a request. The keys are read each time, so that new ones need no restart."""
        return _Signed(self)

    def check(self, http: Http) -> Finding:
        """Ask for the list of buckets; who may not see it has keys all the same."""
        return tried(http, partial(_buckets, self), well=f"{_place(self)} accepts the access key")


class _Signed(httpx.Auth):
    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if origin(request.url) == origin(httpx.URL(self._kind.endpoint)):
            _sign(self._kind, request)
        yield request

    def presign(self, request: httpx.Request) -> None:
        """Sign the address of a request, for whoever asks by it within the hour."""
        if origin(request.url) == origin(httpx.URL(self._kind.endpoint)):
            request.url = _presigned(self._kind, request.method, request.url, datetime.now(UTC))


def _sign(kind: Kind, request: httpx.Request) -> None:
    now = datetime.now(UTC)
    # Sent as it is signed: some servers take the path as it stands, others encode it anew.
    path, mark, query = request.url.raw_path.partition(b"?")
    request.url = request.url.copy_with(raw_path=_encoded(path, safe="/").encode("ascii") + mark + query)
    request.headers["x-amz-date"] = f"{now:%Y%m%dT%H%M%SZ}"
    request.headers["x-amz-content-sha256"] = _EMPTY
    if kind.session_token is not None:
        request.headers["x-amz-security-token"] = kind.session_token.reveal()
    if kind.requester_pays:
        request.headers["x-amz-request-payer"] = "requester"
    request.headers["Authorization"] = authorization(
        request.method,
        request.url,
        request.headers,
        access_key=revealed(kind.access_key),
        secret_key=kind.secret_key.reveal(),
        region=kind.region,
    )


def _presigned(kind: Kind, method: str, url: httpx.URL, now: datetime, *, seconds: int = _LENT_FOR) -> httpx.URL:
    path, _, query = url.raw_path.partition(b"?")
    time, access_key = f"{now:%Y%m%dT%H%M%SZ}", revealed(kind.access_key)
    scope = f"{time[:8]}/{kind.region}/s3/aws4_request"
    more = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{access_key}/{scope}",
        "X-Amz-Date": time,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    if kind.session_token is not None:
        more["X-Amz-Security-Token"] = kind.session_token.reveal()
    if kind.requester_pays:
        more["x-amz-request-payer"] = "requester"
    pairs = "&".join(f"{_encoded(name.encode())}={_encoded(value.encode())}" for name, value in more.items())
    target = _encoded(path, safe="/").encode("ascii") + b"?" + (query + b"&" if query else b"") + pairs.encode()
    unsigned = url.copy_with(raw_path=target)
    host = {"host": unsigned.netloc.decode("ascii")}
    signature = _signature(
        method, unsigned, host, "UNSIGNED-PAYLOAD", time, scope=scope, secret_key=kind.secret_key.reveal()
    )
    return unsigned.copy_with(raw_path=target + f"&X-Amz-Signature={signature}".encode())


def authorization(
    method: str, url: httpx.URL, headers: Mapping[str, str], *, access_key: str, secret_key: str, region: str
) -> str:
    """Return the header that signs a request whose `x-amz-date` and `x-amz-content-sha256` are set."""
    kept = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    kept = {name: kept[name] for name in sorted(kept) if _SIGNED.fullmatch(name)}
    time = kept["x-amz-date"]
    scope = f"{time[:8]}/{region}/s3/aws4_request"
    signature = _signature(method, url, kept, kept["x-amz-content-sha256"], time, scope=scope, secret_key=secret_key)
    names = ";".join(kept)
    return f"AWS4-HMAC-SHA256 Credential={access_key}/{scope},SignedHeaders={names},Signature={signature}"


def _signature(
    method: str, url: httpx.URL, headers: Mapping[str, str], payload: str, time: str, *, scope: str, secret_key: str
) -> str:
    """Sign a request; `headers` are those to be signed, sorted, with names in lower case."""
    asked = (
        method,
        _encoded(url.raw_path.partition(b"?")[0], safe="/"),
        _query(url.query),
        *(f"{name}:{value}" for name, value in headers.items()),
        "",
        ";".join(headers),
        payload,
    )
    digest = hashlib.sha256("\n".join(asked).encode()).hexdigest()
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}".encode(), "sha256").hex()


def _query(query: bytes) -> str:
    pairs = (part.partition(b"=") for part in query.split(b"&") if part)
    return "&".join(sorted(f"{_encoded(name)}={_encoded(value)}" for name, _, value in pairs))


def _encoded(text: bytes, *, safe: str = "") -> str:
    return quote(unquote_to_bytes(text), safe=f"{safe}-_.~")


def _buckets(kind: Kind, request: httpx.Request) -> Talk[None]:
    question = asking("GET", httpx.URL(kind.endpoint).copy_with(path="/"), like=request, headers={"Accept": "*/*"})
    _sign(kind, question)
    response = yield question
    code = _CODE.search(response.text)
    said = code[1] if code else ""
    if said in _CLOCK:
        raise CredentialError(f"{_place(kind)} says that the clock of this computer is wrong ({said})")
    if response.status_code in (400, 401, 403) and said != "AccessDenied":
        raise Refused(
            f"{_place(kind)} refuses the access key with the secret of the {kind.secret_key}"
            + (f": {plain(said)}" if said else ""),
            hint="try them with another client; keys may have an end, and belong to one region",
        )
    if said != "AccessDenied":
        shaped(response, _place(kind), _BUCKETS)


def _place(kind: Kind) -> str:
    return httpx.URL(kind.endpoint).host
