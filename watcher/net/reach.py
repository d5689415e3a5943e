"""Which URLs may be asked, and which of them may see a credential."""

from __future__ import annotations

import re
from collections.abc import Collection

import httpx
import msgspec

from watcher.errors import ConfigError, Unreachable

# httpx quotes what else it finds in the place of a host, and passes it on.
_HOST = re.compile(r"[a-z0-9_.-]+|[0-9a-f:.]+")

Place = tuple[str, int | None]
"""A host name, and a port; `None` is any port."""


class Reach(msgspec.Struct, frozen=True):
    """A catalogue's origin (scheme, host, port: RFC 6454), and the other hosts that its owner named."""

    scheme: str
    host: str
    port: int
    hosts: frozenset[Place]
    auth_hosts: frozenset[Place]
    insecure: bool

    def home(self, url: httpx.URL) -> bool:
        """Say whether a URL is of the catalogue's own origin."""
        return origin(url) == (self.scheme, self.host, self.port)

    def bound(self, url: httpx.URL) -> bool:
        """Say whether a URL may see the credentials: those of the origin, and of the hosts named for that."""
        return self.home(url) or (url.scheme == self.scheme and _among(self.auth_hosts, host(url), port(url)))

    def named(self, name: str, number: int) -> bool:
        """Say whether the configuration names this host, so that its addresses may even be private ones."""
        return (name, number) == (self.host, self.port) or _among(self.hosts | self.auth_hosts, name, number)

    def check(self, url: httpx.URL, *, anywhere: bool) -> None:
        """Raise `Unreachable` for a URL that must not be asked.

        Hosts that the configuration does not name are only asked if `anywhere`, and then on https's own port.
        """
        known = self.named(host(url), port(url))
        if not _asks(url):
            raise _refusal(url, "is no http address")
        if not known and not anywhere:
            raise _refusal(
                url,
                "is not of this catalogue",
                hint=f'if it is trusted, add "{host(url)}" to hosts of its catalogue, in the configuration',
            )
        if url.scheme == "http" and not self.insecure and not (known and loopback(host(url))):
            raise _refusal(
                url,
                "is not encrypted",
                hint="use https, or set allow_insecure = true in the table of the catalogue at this host",
            )
        if not known and port(url) != (443 if url.scheme == "https" else 80):
            raise _refusal(
                url,
                f"asks for port {port(url)}",
                hint=f'if it is trusted, add "{host(url)}:{port(url)}" to hosts of its catalogue, in the configuration',
            )


def reach(
    address: str, *, hosts: Collection[str] = (), auth_hosts: Collection[str] = (), insecure: bool = False
) -> Reach:
    """Read a catalogue's address and further hosts (``name`` for any port, ``name:port`` for one) as configured.

    Raises `ConfigError` for an address that is none.
    """
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise ConfigError(f'"{address}" is no address: {error}') from error
    if not _asks(url):
        raise ConfigError(f'"{shown(url)}" is no http address', hint="write it as https://host/path")
    if url.scheme == "http" and not insecure and not loopback(host(url)):
        raise ConfigError(
            f"{shown(url)} is not encrypted",
            hint="use https, or set allow_insecure = true if there is no other way",
        )
    return Reach(url.scheme, host(url), port(url), _places(hosts), _places(auth_hosts), insecure)


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Return a URL's origin (RFC 6454): scheme, host and port."""
    return url.scheme, host(url), port(url)


def host(url: httpx.URL) -> str:
    """Return a URL's host as it goes over the wire: ASCII, lower case, without brackets."""
    return url.raw_host.decode("ascii").lower()


def port(url: httpx.URL) -> int:
    """Return a URL's port, also where it is left out."""
    return url.port or (443 if url.scheme == "https" else 80)


def shown(url: httpx.URL) -> str:
    """Write a URL for people: without user name, password, query and fragment, where secrets are carried."""
    return str(url.copy_with(username=None, password=None, query=None, fragment=None))


def loopback(name: str) -> bool:
    """Say whether a host is, by its very spelling, this machine."""
    return name in ("localhost", "::1") or (name.startswith("127.") and name.replace(".", "").isdigit())


def _asks(url: httpx.URL) -> bool:
    return url.scheme in ("https", "http") and _HOST.fullmatch(host(url)) is not None


def _places(names: Collection[str]) -> frozenset[Place]:
    places = set()
    for name in names:
        try:
            # A scheme of no default port, lest "host:443" be read as "host", which is any port.
            url = httpx.URL(f"host://[{name}]" if name.count(":") > 1 and "[" not in name else f"host://{name}")
        except httpx.InvalidURL as error:
            raise ConfigError(f'"{name}" is no host name: {error}') from error
        if not _HOST.fullmatch(host(url)) or url.path not in ("", "/") or url.userinfo or url.query:
            raise ConfigError(f'"{name}" is no host name', hint="write host or host:port, without https:// and path")
        places.add((host(url), url.port))
    return frozenset(places)


def _among(places: Collection[Place], name: str, number: int) -> bool:
    return (name, None) in places or (name, number) in places


def _refusal(url: httpx.URL, why: str, *, hint: str | None = None) -> Unreachable:
    return Unreachable(f"{shown(url)} {why}: it was not asked", hint=hint, permanent=True)
