"""Links that end a subscription, for whoever holds one: nobody can guess it, and it ends no other.

`PUBLIC_URL/unsubscribe/NUMBER/TOKEN`: a POST to it ends the subscription (RFC 8058 §3.2). The token is a MAC (RFC 2104)
of the number and the address, so nothing need be kept for each, and a link is void once the address has changed.
"""

from __future__ import annotations

import hashlib
import hmac

from watcher.model import Subscription

_LENGTH = 40


def link(public_url: str, secret: bytes, subscription: Subscription) -> str:
    """Return the address that ends a subscription."""
    return f"{public_url.rstrip('/')}/unsubscribe/{subscription.number}/{token(secret, subscription)}"


def token(secret: bytes, subscription: Subscription) -> str:
    """Return what proves that somebody was sent the notices of a subscription."""
    named = f"unsubscribe {subscription.number} {subscription.address}".encode()
    return hmac.new(secret, named, hashlib.sha256).hexdigest()[:_LENGTH]


def accepted(shown: str, secret: bytes, subscription: Subscription) -> bool:
    """Say whether what was shown is the token of a subscription."""
    return hmac.compare_digest(shown.encode(), token(secret, subscription).encode())
