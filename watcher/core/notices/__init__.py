"""What a person reads: many arrivals become one notice, the same as text, as HTML, and short for chats.

First it is put into words (`draft`), which takes what the database knows; then laid out (`finish`) with the pictures
that could be had. The words come cleaned (`watcher.core.wording`); in the page markup is escaped, and nobody is called
to a chat by the title of a product.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from watcher.core.notices.drafts import FULL, NEWEST, Draft, draft, leading, shots
from watcher.core.notices.looked import Looked, looked_words
from watcher.core.notices.pages import page
from watcher.core.notices.strips import LARGEST, MOST, Frame, Shot, held
from watcher.core.notices.texts import short, text
from watcher.core.wording import Told, Warned
from watcher.model import Notice, Picture
from watcher.names import plain

__all__ = [
    "FULL",
    "LARGEST",
    "MOST",
    "NEWEST",
    "Draft",
    "Looked",
    "Shot",
    "Told",
    "compose",
    "draft",
    "finish",
    "leading",
    "shots",
]


def compose(arrivals: Sequence[Told], alerts: Sequence[Warned] = (), **terms: Any) -> Notice:
    """Compose a notice without pictures at once; the terms are those of `draft`."""
    return finish(draft(arrivals, alerts, **terms))


def finish(draft: Draft, *, pictures: Mapping[Shot, bytes] | None = None, looked: Looked | None = None) -> Notice:
    """Lay a draft out, with those of its pictures that there are (JPEG), and a word on what was looked at."""
    strips = [held(place.strip, pictures or {}) for place in draft.places]
    named: dict[Shot, Picture] = {}
    for strip in strips:
        for frame in strip:
            named.setdefault(frame.shot, _picture(draft.key, len(named) + 1, frame, (pictures or {})[frame.shot]))
    last = [
        *([looked_words(looked, told=draft.events)] if looked else []),
        *draft.stop,
        f"notice {plain(draft.key, limit=100)}",
    ]
    framed = [[(frame, named[frame.shot].cid) for frame in strip] for strip in strips]
    return Notice(
        key=draft.key,
        subject=draft.subject,
        text=text(draft, last),
        html=page(draft, framed, last),
        short=short(draft),
        pictures=tuple(named.values()),
        follows=draft.follows,
        unsubscribe=draft.unsubscribe,
        again=draft.again,
    )


def _picture(key: str, number: int, frame: Frame, jpeg: bytes) -> Picture:
    safe = re.sub(r"[^A-Za-z0-9]", "", key)[:20]
    return Picture(f"quicklook-{safe}-{number}.jpg", jpeg, frame.words, before=frame.before)
