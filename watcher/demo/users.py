"""Who may download: three invented users, and the tokens that stand for them (RFC 7519, HS256, one hour).

A wrong password is nobody rather than an error, and a token that was given back opens downloads until it
expires: resto 2.0.4 looks at its list of revoked tokens only when asked whether a token is valid.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

LIFETIME = 3600


@dataclass(frozen=True)
class User:
    """An account: `rights` to download at all, `signed` the collection's licence."""

    number: int
    email: str
    password: str
    rights: bool = True
    signed: bool = True


USERS = (
    User(2, "take5@example.org", "take5pass"),
    User(3, "unsigned@example.org", "unsignedpass", signed=False),
    User(4, "norights@example.org", "norightspass", rights=False),
)


class Door:
    """Tells who is calling and writes tokens. `now` gives seconds since 1970."""

    def __init__(self, now: Callable[[], float], *, secret: bytes = b"the demo keeps no secrets") -> None:
        self._now = now
        self._secret = secret
        self._revoked: set[str] = set()

    def caller(self, authorization: str, bearer: str = "") -> User | None:
        """Who an `Authorization` header (or a `_bearer` parameter) stands for; `None` is anybody."""
        scheme, _, word = authorization.partition(" ")
        if scheme.lower() == "basic":
            return _basic(word.strip())
        return self._bearer(word.strip() if scheme.lower() == "bearer" else bearer)

    def login(self, email: str, password: str) -> User | None:
        """The user with this password."""
        return next((u for u in USERS if (u.email, u.password) == (email, password)), None)

    def token(self, user: User) -> str:
        """A token for one hour."""
        now = int(self._now())
        name = user.email.partition("@")[0]
        claims = {
            "iss": "resto:server",
            "sub": str(user.number),
            "iat": now,
            "exp": now + LIFETIME,
            "data": {
                "userid": str(user.number),
                "email": user.email,
                "userhash": hashlib.md5(user.email.encode(), usedforsecurity=False).hexdigest(),
                "groupname": "default",
                "username": name,
                "givenname": name.capitalize(),
                "lastname": "User",
                "to_char": f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%SZ}",
                "country": "FR",
                "organization": "demo",
                "topics": None,
                "activated": 1,
                "grantedvisibility": None,
            },
        }
        signed = f"{_encode({'typ': 'JWT', 'alg': 'HS256'})}.{_encode(claims)}"
        return f"{signed}.{self._signature(signed)}"

    def check(self, token: str) -> dict[str, str]:
        """What `checkToken` answers."""
        if self._bearer(token) is None:
            return {"status": "error", "message": "User not connected"}
        if token in self._revoked:
            return {"status": "error", "message": "Invalid token"}
        return {"status": "success", "message": "Valid token"}

    def revoke(self, token: str) -> None:
        """Forget a token, as far as this server ever does."""
        self._revoked.add(token)

    def _bearer(self, token: str) -> User | None:
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._signature(signed).encode(), signature.encode()):
            return None
        claims = json.loads(_decode(signed.partition(".")[2]))
        if claims["exp"] <= self._now():
            return None
        return next((u for u in USERS if str(u.number) == claims["sub"]), None)

    def _signature(self, signed: str) -> str:
        return _text(hmac.digest(self._secret, signed.encode(), "sha256"))


def _basic(word: str) -> User | None:
    try:
        email, _, password = base64.b64decode(word, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return next((u for u in USERS if (u.email, u.password) == (email, password)), None)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _encode(value: object) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
