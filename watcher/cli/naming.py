"""Products as people name them: by title or id, with an ending, as a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watcher.errors import UsageError

if TYPE_CHECKING:
    import sqlite3


def known_as(db: sqlite3.Connection, text: str) -> str:
    """Return the title or id that a product has which somebody names so; the text itself where nobody knows it."""
    from watcher.core.identity.spellings import spellings
    from watcher.store import products

    return products.called(db, spellings(text)) or text


def unseen(db: sqlite3.Connection, text: str, *, what: str = "was seen", way: str | None = None) -> UsageError:
    """Say that there is no product of that name, and which there are that are called much the same, or the `way` out.

    One that is known by that name may still be none that `what` is said of.
    """
    from watcher.core.identity.spellings import essential
    from watcher.names import plain
    from watcher.store import stories

    known = known_as(db, text)
    near = [title for title in stories.like(db, essential(text), limit=5) if title != known]
    way = way or "`watcher products` lists them; a title or an id names one"
    hint = f"did you mean {' or '.join(near)}?" if near else way
    return UsageError(f'no product "{text}" {what}', hint=plain(hint, limit=1000))
