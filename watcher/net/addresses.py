"""Which addresses a stranger's URL may lead to.

Judged where the connection is made, on the address itself: text filters on URLs cannot work, since `127.1`,
`2130706433` and a name of the attacker's own all mean 127.0.0.1. The lists are our own because the standard
library counts 192.0.0.8, 64:ff9b::7f00:1, 2002:7f00:1:: and multicast as global.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence
from itertools import zip_longest

# IANA's special-purpose registries (RFC 6890), 6to4 relays (RFC 7526), multicast, and what is reserved.
_CLOSED_4 = [
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
]  # fmt: skip

# IPv6 is the other way round: only global unicast is open, and of that not what hides another address
# (Teredo and its neighbours, 6to4) or documents.
_OPEN_6 = ipaddress.IPv6Network("2000::/3")
_CLOSED_6 = [ipaddress.IPv6Network(n) for n in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]


def public(address: str) -> bool:
    """Say whether a numeric IPv4 or IPv6 address is one of the public Internet."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _CLOSED_4)
    return ip in _OPEN_6 and ip.scope_id is None and not any(ip in network for network in _CLOSED_6)


def resolve(host: str, port: int, *, left: Callable[[], float]) -> list[str]:
    """Return a host's numeric addresses, in the order in which to try them: families alternate (RFC 8305 §4).

    So one broken family costs one attempt, not all of them. `left` says how many seconds are left, and raises
    when there are none. Raises `OSError` for a name without an address.
    """
    found: list[Sequence[str]] = []
    failed: list[Exception] = []

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            failed.append(error)
        else:
            found.append([str(row[4][0]) for row in rows])

    # getaddrinfo knows no timeout: it is left behind in a thread when it takes too long.
    thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(min(left(), 0.5))
    if failed:
        raise OSError(
            f"the name {host} has no address: {getattr(failed[0], 'strerror', None) or failed[0]}"
        ) from failed[0]
    addresses = list(dict.fromkeys(found[0]))
    first = [a for a in addresses if (":" in a) == (":" in addresses[0])]
    other = [a for a in addresses if (":" in a) != (":" in addresses[0])]
    return [a for pair in zip_longest(first, other) for a in pair if a is not None]
