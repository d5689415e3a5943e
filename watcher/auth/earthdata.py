"""NASA's Earthdata Login, by a token made there.

The token lasts for sixty days, and is sent as a Bearer to the hosts that have the files, never to the signed addresses
that these lead to. A host that sends on to the login all the same does not accept it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator
from datetime import UTC, datetime
from functools import partial

import httpx
import msgspec

from watcher.credentials import Secret
from watcher.errors import CredentialError
from watcher.model import Finding
from watcher.names import plain
from watcher.net import Http
from watcher.net.hops import Talk
from watcher.net.logins import addressed, asking, bearer, claims, sendable, sent_on, shaped, tried
from watcher.net.tokens import Refused

_FEED = re.compile(rb'\s*\{\s*"feed"')
_ANOTHER = "make another one: https://urs.earthdata.nasa.gov, Generate Token"


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`token` is where it lies, `login_url` the login, `cmr_url` NASA's CMR, which says whether a token is good."""

    token: Secret
    login_url: str = "https://urs.earthdata.nasa.gov"
    cmr_url: str = "https://cmr.earthdata.nasa.gov/search"

    def __post_init__(self) -> None:
        addressed("login_url", self.login_url)
        addressed("cmr_url", self.cmr_url)

    def auth(self) -> httpx.Auth:
        """Return what signs a request. The token is read each time, so that a new one needs no restart."""
        return _Bearing(self)

    def check(self, http: Http) -> Finding:
        """Read until when the token is good, and ask the CMR with it."""
        try:
            said = claims(sendable(self.token))
        except CredentialError as error:
            return Finding("account", False, str(error), error.hint)
        if said.exp is not None and said.exp <= time.time():
            return Finding("account", False, f"the token of the {self.token} ended on {_day(said.exp)}", _ANOTHER)
        whose = f" of {plain(str(said.uid))}" if said.uid else ""
        until = "" if said.exp is None else f", good until {_day(said.exp)}"
        place = httpx.URL(self.cmr_url).host
        return tried(http, partial(_asked, self), well=f"{place} accepts the token{whose}{until}")


class _Bearing(httpx.Auth):
    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        bearer(request, sendable(self._kind.token))
        response = yield request
        if sent_on(response, request, self._kind.login_url) is not None:
            raise CredentialError(
                f"{request.url.host} does not accept the token of the {self._kind.token}: it may be over", hint=_ANOTHER
            )


def _asked(kind: Kind, request: httpx.Request) -> Talk[None]:
    place = httpx.URL(f"{kind.cmr_url.rstrip('/')}/collections.json").copy_set_param("page_size", "0")
    question = asking("GET", place, like=request)
    bearer(question, sendable(kind.token))
    response = yield question
    if response.status_code in (401, 403):
        raise Refused(f"{place.host} refuses the token of the {kind.token}", hint=_ANOTHER)
    shaped(response, place.host, _FEED)


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
