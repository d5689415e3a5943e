"""An application token of USGS, for its M2M API.

It is exchanged for a key, good for two hours, which nobody sees but the API. What it opens are the bundles of Landsat
scenes, each a tar: see `bundles`; `m2m` asks the API and reads what it answers.
"""

from __future__ import annotations

from functools import partial

import httpx
import msgspec

from watcher.auth.usgs.bundles import Bundles
from watcher.auth.usgs.m2m import LATER, WHERE, Api, Said, read
from watcher.credentials import Secret, account, named, owner
from watcher.errors import CatalogueError, HttpError
from watcher.model import Finding
from watcher.names import plain
from watcher.net import Http
from watcher.net.logins import accepted, addressed, ahead, asking, tried
from watcher.net.tokens import Granted, Login, Refused

_TWO_HOURS = 7200.0


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application token of an ERS account.

    `api_url` is the base of the API, `bundle_url` where a catalogue says that the bundles of scenes are, which is asked
    by their `landsat_product_id`.
    """

    token: Secret
    username: str | Secret = ""
    api_url: str = "https://m2m.cr.usgs.gov/api/api/json/stable"
    bundle_url: str = "https://landsatlook.usgs.gov/gen-bundle"

    def __post_init__(self) -> None:
        named(self.username, self.token)
        addressed("api_url", self.api_url)
        addressed("bundle_url", self.bundle_url)

    def auth(self) -> httpx.Auth:
        """Return what changes the address of a bundle for a signed one; threads may share it."""
        return Bundles(Api(self.api_url, partial(_login, self)), self.bundle_url)

    def check(self, http: Http) -> Finding:
        """Exchange the token for a key."""
        who = owner(self.username, self.token)
        return tried(http, partial(_login, self), well=f"{_place(self)} accepts the application token of {who}")


def _login(kind: Kind, request: httpx.Request) -> Login:
    name, token = account(kind.username, kind.token)
    content = msgspec.json.encode({"username": name, "token": token})
    place = f"{kind.api_url.rstrip('/')}/login-token"
    response = yield asking("POST", place, like=request, headers={"Content-Type": "application/json"}, content=content)
    said = read(response) or Said()  # a refusal need not be JSON; a grant has to be
    if said.code in LATER:
        raise HttpError(f"{_place(kind)} cannot log in now: {plain(str(said.message))}", status=503)
    if said.code or response.status_code in (401, 403):
        told = f": {plain(str(said.message or said.code))}" if said.code else ""
        raise Refused(
            f"{_place(kind)} refused the application token of {owner(kind.username, kind.token)}{told}",
            hint=f"make one at https://ers.cr.usgs.gov (application tokens), and ask for access to M2M at {WHERE}",
        )
    accepted(response, _place(kind))
    if not isinstance(said.data, str):
        raise CatalogueError(f"{_place(kind)} answered a login without a key", hint="is api_url right?")
    return Granted(said.data, ahead(_TWO_HOURS))


def _place(kind: Kind) -> str:
    return httpx.URL(kind.api_url).host
