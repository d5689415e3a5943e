"""Which request gets which answer: the demo catalogue without its sockets.

Paths, statuses, headers and bodies are those of resto 2.0.4. Left out are ATOM, the cart, the pages of a user
and French: asking for the first three is asking for a page that does not exist.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import replace

from watcher.demo import files
from watcher.demo.answers import MODEL, Json, feature, feature_collection, statistics
from watcher.demo.describe import describe
from watcher.demo.downloads import shipped
from watcher.demo.filters import MODEL_ONLY, Refused
from watcher.demo.holdings import COLLECTIONS, EVERYTHING, LICENCES
from watcher.demo.products import Product
from watcher.demo.search import parameters, search
from watcher.demo.users import Door, User
from watcher.demo.wire import Answer, Request, answer_json, error

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

Page = Callable[["Resto", Request, re.Match[str]], Answer]


class Resto:
    """The application.

    `offered` lists what is published now, `origin` is `http://host:port`, `now` is Unix time.
    """

    def __init__(self, offered: Callable[[], list[Product]], *, origin: str, now: Callable[[], float]) -> None:
        self._offered = offered
        self._origin = origin
        self._door = Door(now)

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        if request.method == "HEAD":
            return Answer(404, b"")
        if request.method == "OPTIONS":
            return Answer(200, b"", headers=_cross_origin(request))
        if request.method == "PUT":
            return error(400, "Bad Request")
        for method, pattern, page in _ROUTES:
            found = re.fullmatch(pattern, request.path)
            if found and method == request.method:
                try:
                    return page(self, request, found)
                except Refused as refusal:
                    return error(refusal.code, refusal.message)
        return error(404, "Not Found")

    def search(self, request: Request, found: re.Match[str]) -> Answer:
        """A search in one collection, or in all."""
        name = found.groupdict().get("collection")
        began = time.perf_counter()
        given = parameters(request.query)
        known = {key: value for key, value in given.items() if name or key != MODEL_ONLY}
        listing = search(self._of(name), known)
        took = time.perf_counter() - began
        body = feature_collection(listing, given, origin=self._origin, collection=name, took=took)
        answer = answer_json(body, pretty=given.get("_pretty") == "true")
        if isinstance(call := given.get("callback"), str):
            return replace(answer, body=call.encode() + b"(" + answer.body + b")")
        return answer

    def description(self, _: Request, found: re.Match[str]) -> Answer:
        """An OpenSearch description."""
        name = found.groupdict().get("collection")
        products = self._of(name)
        texts = COLLECTIONS[name]["en"] if name else EVERYTHING
        text = describe(texts, products, origin=self._origin, collection=name)
        return Answer(200, text.encode(), "application/xml")

    def collections(self, *_: object) -> Answer:
        """All collections, with how many products there are of what."""
        listed = [self._collection(name) | {"statistics": []} for name in COLLECTIONS]
        return answer_json({"collections": listed, "statistics": statistics(self._offered())})

    def collection(self, _: Request, found: re.Match[str]) -> Answer:
        """One collection."""
        products = self._of(found["collection"])
        return answer_json(self._collection(found["collection"]) | {"statistics": statistics(products) or []})

    def feature(self, request: Request, found: re.Match[str]) -> Answer:
        """One product's record."""
        lang = parameters(request.query).get("lang", "en")
        product = self._product(self._of(found["collection"]), id=found["id"])
        return answer_json(feature(product, origin=self._origin, lang=str(lang)))

    def download(self, request: Request, found: re.Match[str]) -> Answer:
        """One product's file, or why not: a 403 without the right, a 200 that is no file without the licence."""
        product = self._product(self._of(found["collection"]), id=found["id"])
        user = self._caller(request)
        if user is None or not user.rights:
            return error(403, "Forbidden")
        if not user.signed:
            licence = f"{self._origin}/ql/license_en.txt"
            refusal = {"ErrorMessage": "Forbidden", "collection": found["collection"], "license": licence}
            return answer_json(refusal | {"ErrorCode": 3002})
        return shipped(files.archive(product), f"{product.ident}.tgz", wanted=request.headers.get("range", ""))

    def connect(self, request: Request, _: re.Match[str]) -> Answer:
        """A token for an hour, for Basic credentials or for JSON ones."""
        user = self._caller(request)
        if request.method == "POST":
            given = _read(request.body)
            if not isinstance(given, dict) or not {"email", "password"} <= given.keys():
                return error(400, "Bad Request")
            user = self._door.login(str(given["email"]), str(given["password"]))
        return error(403, "Forbidden") if user is None else answer_json({"token": self._door.token(user)})

    def check_token(self, request: Request, _: re.Match[str]) -> Answer:
        """Whether a token is good: always a 200."""
        return answer_json(self._door.check(str(parameters(request.query).get("_tk", ""))))

    def disconnect(self, request: Request, _: re.Match[str]) -> Answer:
        """Give a token back."""
        if self._caller(request) is None:
            return error(403, "Forbidden")
        self._door.revoke(request.headers.get("authorization", "").partition(" ")[2].strip())
        return answer_json({"status": "success", "message": "User disconnected"})

    def insert(self, *_: object) -> Answer:
        """Only an administrator may publish, and none is known here."""
        return error(403, "Forbidden")

    def picture(self, _: Request, found: re.Match[str]) -> Answer:
        """A quicklook, a thumbnail or a metadata file: static, open to anybody."""
        product = self._product(self._offered(), ident=found["ident"])
        if found["kind"] == "xml":
            return _static(files.metadata(product), "application/xml", product)
        return _static(files.quicklook(product, side=32 if found["small"] else 96), "image/png", product)

    def licence(self, _: Request, found: re.Match[str]) -> Answer:
        """The text to sign."""
        return Answer(200, LICENCES[found["lang"]].encode(), "text/plain; charset=utf-8", api=False)

    def _collection(self, name: str) -> Json:
        licence = {lang: f"{self._origin}/ql/license_{lang}.txt" for lang in LICENCES}
        about: Json = {"name": name, "status": "public", "model": MODEL, "license": licence}
        return about | {"osDescription": COLLECTIONS[name]}

    def _of(self, name: str | None) -> list[Product]:
        if name is None:
            return self._offered()
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", name):
            raise Refused(500, "Collection name must be an alphanumeric string not starting with a digit")
        if name not in COLLECTIONS:
            raise Refused(404, "Not Found")
        return [product for product in self._offered() if product.site.collection == name]

    def _product(self, products: list[Product], **wanted: str) -> Product:
        for product in products:
            if all(getattr(product, name) == value for name, value in wanted.items()):
                return product
        raise Refused(404, "Not Found")

    def _caller(self, request: Request) -> User | None:
        given = parameters(request.query)
        return self._door.caller(request.headers.get("authorization", ""), str(given.get("_bearer", "")))


def _cross_origin(request: Request) -> tuple[tuple[str, str], ...]:
    if "origin" not in request.headers:
        return ()
    return (
        ("Access-Control-Allow-Origin", request.headers["origin"]),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Max-Age", "3600"),
        ("Access-Control-Allow-Methods", "GET, POST, DELETE, PUT, OPTIONS"),
    )


def _static(body: bytes, kind: str, product: Product) -> Answer:
    dated = f"{product.published:%a, %d %b %Y %H:%M:%S GMT}"
    mark = f'"{len(body):x}-{int(product.published.timestamp()):x}"'
    headers = (("Last-Modified", dated), ("ETag", mark), ("Accept-Ranges", "bytes"))
    return Answer(200, body, kind, headers, api=False)


def _read(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


_IN = r"(?P<collection>[^/.]+)"
_ROUTES: tuple[tuple[str, str, Page], ...] = (
    ("GET", rf"/resto/api/collections/{_IN}/search(\.json)?", Resto.search),
    ("GET", r"/resto/api/collections/search(\.json)?", Resto.search),
    ("GET", rf"/resto/api/collections/{_IN}/describe(\.xml)?", Resto.description),
    ("GET", r"/resto/api/collections/describe(\.xml)?", Resto.description),
    ("GET", r"/resto/collections(\.json)?", Resto.collections),
    ("GET", rf"/resto/collections/{_IN}(\.json)?", Resto.collection),
    ("POST", rf"/resto/collections/{_IN}", Resto.insert),
    ("GET", rf"/resto/collections/{_IN}/(?P<id>{_UUID})(\.json)?", Resto.feature),
    ("GET", rf"/resto/collections/{_IN}/(?P<id>{_UUID})/download/?", Resto.download),
    ("GET", r"/resto/api/users/connect", Resto.connect),
    ("POST", r"/resto/api/users/connect", Resto.connect),
    ("GET", r"/resto/api/users/checkToken", Resto.check_token),
    ("POST", r"/resto/api/users/disconnect", Resto.disconnect),
    ("GET", r"/ql/license_(?P<lang>en|fr)\.txt", Resto.licence),
    ("GET", r"/ql/(?P<ident>[A-Za-z0-9_]+?)(?P<small>_thumb)?\.(?P<kind>png|xml)", Resto.picture),
)
