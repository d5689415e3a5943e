"""Links signed by Data Terra, for THEIA's store.

A service signs the address of a file for the keys of an account. The keys go to that service alone; the store is asked
by the signed address, which is good for a while.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial

import httpx
import msgspec

from watcher.credentials import Secret, revealed
from watcher.decoding import decoder
from watcher.errors import CatalogueError
from watcher.model import Finding
from watcher.net import Http
from watcher.net.hops import link
from watcher.net.logins import accepted, addressed, asking, tried
from watcher.net.reach import origin, shown
from watcher.net.tokens import Granted, Login, Refused, Tokens, signed

_GOOD_FOR = 120.0
_SAMPLE = "/sm1-gdc/watcher"


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An access key and its secret key; `sign_url` is the service that signs, `files_url` the store it signs for."""

    access_key: str | Secret
    secret_key: Secret
    sign_url: str = "https://signing.stac.teledetection.fr/sign"
    files_url: str = "https://s3-data.meso.umontpellier.fr"

    def __post_init__(self) -> None:
        addressed("sign_url", self.sign_url)
        addressed("files_url", self.files_url)

    def auth(self) -> httpx.Auth:
        """Return what signs a request; threads may share it."""
        return _Linking(self)

    def check(self, http: Http) -> Finding:
        """Have an address signed, whether there is a file or not."""
        talk = partial(_login, self, httpx.URL(self.files_url).copy_with(path=_SAMPLE))
        return tried(http, talk, well=f"{_place(self)} signs links for the key of the {self.secret_key}")


class _Given(msgspec.Struct):
    href: str


_given = decoder(_Given).decode


class _Linking(httpx.Auth):
    def __init__(self, kind: Kind) -> None:
        self._kind, self._links = kind, Tokens()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        plain = request.url
        if origin(plain) != origin(httpx.URL(self._kind.files_url)):
            yield request
            return
        token = self._links.of(str(plain), _place(self._kind))
        yield from signed(request, token, partial(_login, self._kind, plain, request), _put, {401, 403})


def _put(request: httpx.Request, address: str) -> None:
    request.url = httpx.URL(address)


def _login(kind: Kind, plain: httpx.URL, request: httpx.Request) -> Login:
    keys = {"access-key": revealed(kind.access_key), "secret-key": kind.secret_key.reveal()}
    asked = httpx.URL(kind.sign_url).copy_set_param("url", str(plain))
    response = yield asking("GET", asked, like=request, headers=keys)
    if response.status_code in (401, 403):
        raise Refused(
            f"{_place(kind)} refuses the access key with the secret of the {kind.secret_key}",
            hint="the command line of the Python package teledetection makes keys",
        )
    try:
        given = _given(accepted(response, _place(kind)).content).href
    except (ValueError, RecursionError) as error:
        raise CatalogueError(f"{_place(kind)} gave no signed link", hint="is sign_url right?") from error
    address = link(given)
    if origin(address) != origin(plain) or address.path != plain.path:
        raise CatalogueError(f"{_place(kind)} was asked to sign {shown(plain)}, and signed {shown(address)}")
    return Granted(str(address), _GOOD_FOR)


def _place(kind: Kind) -> str:
    return httpx.URL(kind.sign_url).host
