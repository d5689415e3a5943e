"""Fixtures: a model of Google Cloud Storage, since no emulator has what obstore asks of it.

obstore speaks the XML API. Of that, fake-gcs-server 1.54 and gcp-storage-emulator 2026.7 have not even the PUT of an
object as it is sent. The model does what the reference says (cloud.google.com/storage/docs/xml-api: put-object,
get-object, get-bucket-list, delete-object, put-object-copy, post-object-multipart, put-object-multipart,
post-object-complete, delete-multipart, reference-status; cloud.google.com/storage/docs/multipart-uploads):

- a PUT may have a precondition, ``x-goog-if-generation-match: 0``; an upload in parts can have none, and what it makes
  replaces what has the name;
- the entity tag of what was PUT is its MD5; that of what came in parts has nothing to do with MD5;
- an upload in parts that is not completed stays until it is aborted;
- whoever asks shows a token that the key of a service account has signed (google.aip.dev/auth/4111).
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cached_property
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.servers.way import Sent, listening, refusal

LEAST = 5 << 20
"""Bytes of a part that is not the last."""

PAGE = 2
"""Keys in one page of a listing: fewer than are asked for, as may be."""

_SCOPES = {"cloud-platform", "devstorage.read_write", "devstorage.full_control"}

Answer = tuple[int, dict[str, str], bytes]


class Refuse(Exception):
    """Raised where the API refuses something, by status, code and words."""


@dataclass(frozen=True)
class Thing:
    """An object."""

    content: bytes
    headers: Mapping[str, str]
    etag: str
    generation: int
    changed: float


@dataclass
class Upload:
    """An upload in parts, and what its object is to have with it."""

    bucket: str
    key: str
    headers: Mapping[str, str]
    parts: dict[int, tuple[str, bytes]] = field(default_factory=dict)


@dataclass
class Cloud:
    """All there is, and the one service account that may do everything."""

    origin: str = ""
    email: str = "watcher@products.iam.gserviceaccount.com"
    buckets: dict[str, dict[str, Thing]] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    counted: Iterator[int] = field(default_factory=lambda: itertools.count(1_700_000_000_000_000))

    @cached_property
    def signer(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    def account(self, signer: rsa.RSAPrivateKey | None = None) -> str:
        """Return what an operator downloads as the key of the account; another `signer` makes a wrong one of it."""
        pem = (signer or self.signer).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        said = {
            "type": "service_account",
            "private_key": pem.decode(),
            "private_key_id": "1",
            "client_email": self.email,
        }
        return json.dumps(said)

    def token(self) -> str:
        """Return what the metadata server of a machine gives it, whose role is the account's."""
        now = int(time.time())
        claims = {"iss": self.email, "iat": now, "exp": now + 3600, "scope": "auth/devstorage.read_write"}
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": "RS256"}, claims))
        return f"{signed}.{_encoded(self.signer.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def answer(self, sent: Sent) -> Answer:
        path, query = urlsplit(sent.path).path, urlsplit(sent.path).query
        asked = {key: value[0] for key, value in parse_qs(query, keep_blank_values=True).items()}
        name, _, key = (unquote(part) for part in path.removeprefix("/").partition("/"))
        try:
            self._known(sent.headers.get("authorization", ""))
            with self.lock:
                if name not in self.buckets:
                    raise Refuse(404, "NoSuchBucket", "The specified bucket does not exist.")
                if not key:
                    return self._list(name, asked)
                return self._object(sent, name, key, asked)
        except Refuse as refused:
            status, code, words = refused.args
            return status, {"Content-Type": "application/xml"}, b"" if sent.method == "HEAD" else refusal(code, words)

    def keep(self, bucket: str, key: str, content: bytes, headers: Mapping[str, str], etag: str) -> Thing:
        with self.lock:
            thing = Thing(content, headers, etag, next(self.counted), time.time())
            self.buckets[bucket][key] = thing
            return thing

    def _known(self, authorization: str) -> None:
        """Refuse who shows no token that our account has signed, and that holds now."""
        kind, _, token = authorization.partition(" ")
        signed, _, signature = token.rpartition(".")
        try:
            if kind != "Bearer":
                raise ValueError(kind)
            key, sha256 = self.signer.public_key(), hashes.SHA256()
            key.verify(_decoded(signature), signed.encode(), padding.PKCS1v15(), sha256)
            claims = json.loads(_decoded(signed.partition(".")[2]))
        except (InvalidSignature, ValueError):
            raise Refuse(401, "AuthenticationRequired", "Authentication required.") from None
        allowed = {scope.rpartition("/")[2] for scope in claims["scope"].split()} & _SCOPES
        if claims["iss"] != self.email or not allowed or not claims["iat"] - 300 < time.time() < claims["exp"]:
            raise Refuse(401, "AuthenticationRequired", "Authentication required.")

    def _object(self, sent: Sent, bucket: str, key: str, asked: dict[str, str]) -> Answer:
        if "uploads" in asked or "uploadId" in asked:
            return self._parts(sent, bucket, key, asked)
        there = self.buckets[bucket].get(key)
        if sent.method == "PUT":
            wanted = sent.headers.get("x-goog-if-generation-match")
            if wanted is not None and int(wanted) != (there.generation if there else 0):
                raise Refuse(
                    412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold."
                )
            if "x-goog-copy-source" in sent.headers:
                return self._copy(unquote(sent.headers["x-goog-copy-source"]), bucket, key)
            thing = self.keep(bucket, key, sent.body, _kept(sent.headers), _md5(sent.body))
            return 200, _of(thing) | _hashed(sent.body), b""
        if there is None:
            raise Refuse(404, "NoSuchKey", "The specified key does not exist.")
        if sent.method == "DELETE":
            del self.buckets[bucket][key]
            return 204, {}, b""
        if sent.method == "HEAD":
            return 200, _of(there) | {"Content-Length": str(len(there.content))}, b""
        if sent.method != "GET":
            raise Refuse(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
        first, last = _range(sent.headers.get("range"), len(there.content))
        span = {"Content-Range": f"bytes {first}-{last}/{len(there.content)}"} if "range" in sent.headers else {}
        return 206 if span else 200, _of(there) | span, there.content[first : last + 1]

    def _copy(self, source: str, bucket: str, key: str) -> Answer:
        name, _, old = source.removeprefix("/").partition("/")
        thing = self.buckets.get(name, {}).get(old)
        if thing is None:
            raise Refuse(404, "NoSuchKey", "The specified key does not exist.")
        copied = self.keep(bucket, key, thing.content, thing.headers, thing.etag)
        said = f"<ETag>{copied.etag}</ETag><LastModified>{_moment(copied.changed)}</LastModified>"
        return 200, _of(copied), f"<CopyObjectResult>{said}</CopyObjectResult>".encode()

    def _parts(self, sent: Sent, bucket: str, key: str, asked: dict[str, str]) -> Answer:
        where = f"<Bucket>{bucket}</Bucket><Key>{escape(key)}</Key>"
        if sent.method == "POST" and "uploads" in asked:
            number = f"VXBsb2Fk{next(self.counted)}"
            self.uploads[number] = Upload(bucket, key, _kept(sent.headers))
            said = f"{where}<UploadId>{number}</UploadId>"
            return 200, {}, f"<InitiateMultipartUploadResult>{said}</InitiateMultipartUploadResult>".encode()
        upload = self.uploads.get(asked.get("uploadId", ""))
        if upload is None or (upload.bucket, upload.key) != (bucket, key):
            raise Refuse(404, "NoSuchUpload", "The requested upload was not found.")
        if sent.method == "PUT":
            upload.parts[int(asked["partNumber"])] = _md5(sent.body), sent.body
            return 200, {"ETag": _md5(sent.body)} | _hashed(sent.body), b""
        if sent.method == "DELETE":
            del self.uploads[asked["uploadId"]]
            return 204, {}, b""
        listed = ElementTree.fromstring(sent.body).findall("Part")
        wanted = [(int(part.findtext("PartNumber", "0")), part.findtext("ETag", "")) for part in listed]
        found = [upload.parts.get(number, ("", b"")) for number, _ in wanted]
        if not wanted or [etag for _, etag in wanted] != [etag for etag, _ in found] or wanted != sorted(wanted):
            raise Refuse(400, "InvalidPart", "One or more of the specified parts could not be found.")
        if any(len(content) < LEAST for _, content in found[:-1]):
            raise Refuse(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size.")
        del self.uploads[asked["uploadId"]]
        etag = f'"-{base64.b64encode(str(next(self.counted)).encode()).decode()}"'
        thing = self.keep(bucket, key, b"".join(content for _, content in found), upload.headers, etag)
        said = f"{where}<ETag>{escape(etag)}</ETag>"
        return 200, _of(thing), f"<CompleteMultipartUploadResult>{said}</CompleteMultipartUploadResult>".encode()

    def _list(self, bucket: str, asked: dict[str, str]) -> Answer:
        after = asked.get("continuation-token") or asked.get("start-after") or ""
        keys = sorted(key for key in self.buckets[bucket] if key.startswith(asked.get("prefix", "")) and key > after)
        page = keys[: min(PAGE, int(asked.get("max-keys", "1000")))]
        more = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if page != keys else ""
        things = [(key, self.buckets[bucket][key]) for key in page]
        listed = "".join(
            f"<Contents><Key>{escape(key)}</Key><Generation>{one.generation}</Generation>"
            f"<LastModified>{_moment(one.changed)}</LastModified><ETag>{escape(one.etag)}</ETag>"
            f"<Size>{len(one.content)}</Size></Contents>"
            for key, one in things
        )
        said = f"<Name>{bucket}</Name><KeyCount>{len(page)}</KeyCount>"
        said += f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>{more}{listed}"
        return 200, {"Content-Type": "application/xml"}, f"<ListBucketResult>{said}</ListBucketResult>".encode()


def _of(thing: Thing) -> dict[str, str]:
    own = {"ETag": thing.etag, "Last-Modified": formatdate(thing.changed, usegmt=True)}
    return {**thing.headers, **own, "x-goog-generation": str(thing.generation), "x-goog-metageneration": "1"}


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    own = {name: value for name, value in headers.items() if name.startswith("x-goog-meta-")}
    return own | {"Content-Type": headers.get("content-type", "application/octet-stream")}


def _md5(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'


def _hashed(content: bytes) -> dict[str, str]:
    return {"x-goog-hash": f"md5={base64.b64encode(hashlib.md5(content).digest()).decode()}"}


def _range(asked: str | None, size: int) -> tuple[int, int]:
    if asked is None:
        return 0, size - 1
    first, last = re.fullmatch(r"bytes=(\d+)-(\d*)", asked).groups()  # type: ignore[union-attr]
    if int(first) >= size:
        raise Refuse(416, "InvalidRange", "The requested range cannot be satisfied.")
    return int(first), min(int(last or size), size - 1)


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class GcsBucket:
    """A bucket of a test's own, looked at in the model itself."""

    cloud: Cloud
    name: str
    scheme: ClassVar[str] = "gs"
    aborts: ClassVar[bool] = True
    proves: ClassVar[bool] = False

    @property
    def endpoint(self) -> str:
        return self.cloud.origin

    def make(self) -> None:
        self.cloud.buckets[self.name] = {}

    def visible(self) -> list[str]:
        with self.cloud.lock:
            return sorted(self.cloud.buckets[self.name])

    def uploads(self) -> int:
        with self.cloud.lock:
            return sum(upload.bucket == self.name for upload in self.cloud.uploads.values())

    def read(self, key: str) -> bytes:
        return self.cloud.buckets[self.name][key].content

    def said(self, key: str) -> dict[str, str]:
        headers = self.cloud.buckets[self.name][key].headers
        return {name[12:]: value for name, value in headers.items() if name.startswith("x-goog-meta-")}

    def put(self, key: str, content: bytes) -> None:
        self.cloud.keep(self.name, key, content, {}, _md5(content))

    def put_as(self, sent: Sent, instead: Sent) -> None:
        key = unquote(urlsplit(sent.path).path).removeprefix(f"/{self.name}/")
        self.cloud.keep(self.name, key, instead.body, _kept(sent.headers), _md5(instead.body))

    def settings(self) -> dict[str, Any]:
        return {}

    def secret(self) -> tuple[str, str]:
        return "service_account", self.cloud.account()


@pytest.fixture(scope="session")
def gcs() -> Iterator[Cloud]:
    cloud = Cloud()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, said, answer = cloud.answer(Sent(self.command, self.path, headers, body))
            self.send_response(status)
            for name, value in ({} if status == 204 else {"Content-Length": str(len(answer))} | said).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            return

    with listening(Handler) as cloud.origin:
        yield cloud
