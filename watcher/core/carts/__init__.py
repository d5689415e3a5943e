"""Carts: what to fetch, written for other programs to fetch, and read from where others wrote it."""

from watcher.core.carts.cart import File, cart, secrets_of
from watcher.core.carts.lists import FORMATS
from watcher.core.carts.reading import read

__all__ = ["FORMATS", "File", "cart", "read", "secrets_of"]
