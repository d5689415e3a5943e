"""The API key of a GEODES portal of CNES.

It goes into `X-API-Key`; the portal says what is left of its quota.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import httpx
import msgspec

from watcher.credentials import Secret
from watcher.decoding import decoder
from watcher.errors import CatalogueError, CredentialError, HttpError
from watcher.model import Finding
from watcher.net import Http
from watcher.net.answers import json_body
from watcher.net.logins import sendable

_HEADER = "X-API-Key"
_WHERE = "make a new key in the portal, behind your name at the top right"


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` is the portal's API, `key` where the key lies."""

    url: str
    key: Secret

    def auth(self) -> httpx.Auth:
        """Return what signs a request. The key is read each time, so that a new one needs no restart."""
        return _Signed(self)

    def check(self, http: Http) -> Finding:
        """Ask what is left of the quota, which only the owner of a key may know."""
        place = httpx.URL(self.url).copy_with(path="/processing/download/get", query=None)
        try:
            quota = _quota(json_body(http.get(str(place), authenticated=True)))
        except HttpError as error:
            if error.status in (401, 403):
                return Finding("account", False, f"{place.host} refuses the key of the {self.key}", _WHERE)
            if error.status == 429:
                return Finding("account", False, f"{place.host}: the quota of the key of the {self.key} is used up")
            return Finding("account", False, str(error), error.hint)
        except (CatalogueError, CredentialError) as error:
            return Finding("account", False, str(error), error.hint)
        except (ValueError, RecursionError):
            return Finding("account", False, f"{place.host} did not say what is left of the quota")
        left = "" if quota.left is None else f"; {quota.left} of {quota.most} are left of its quota"
        return Finding("account", True, f"{place.host} accepts the key of the {self.key}{left}")


class _Quota(msgspec.Struct):
    left: Any = msgspec.field(name="remainingQuota", default=None)
    most: Any = msgspec.field(name="maxQuota", default=None)


_quota = decoder(_Quota).decode


class _Signed(httpx.Auth):
    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[_HEADER] = sendable(self._kind.key)
        yield request
