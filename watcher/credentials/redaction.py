"""What this process knows of secrets, and how it keeps them from being told.

A server may repeat what it was sent, and as it was sent: in Base64, percent-encoded, as JSON.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from urllib.parse import quote, quote_plus

_SHORTEST = 4
_PASSING = 512

_lasting: set[str] = set()
_passing: deque[str] = deque(maxlen=_PASSING)


def remembered(secret: str) -> str:
    """Return the secret, remembered so that `redact` finds it wherever it turns up."""
    if len(secret) >= _SHORTEST:
        _lasting.update(_forms(secret))
    return secret


def remembered_for_now(token: str) -> str:
    """Return a token that will soon be over, remembered until some five hundred others have come."""
    if len(token) >= _SHORTEST and token not in _passing:
        _passing.append(token)
    return token


def redact(text: str) -> str:
    """Return the text without any secret that this process has read or been given."""
    for secret in sorted({*_lasting, *_passing}, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _forms(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode("ascii")
    return {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1], encoded}
