"""JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""

from __future__ import annotations

from typing import Any

import msgspec

from watcher.core.feeds.feed import JSON, Came, Feed, entry, tags
from watcher.core.moments import written


def jsonfeed(feed: Feed) -> bytes:
    """Write a feed as JSON, an object for each arrival."""
    said = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "feed_url": feed.href(JSON),
        "authors": [{"name": "watcher"}],
        "language": "en",
        "items": [_item(came) for came in feed.came],
    }
    return msgspec.json.format(msgspec.json.encode(_known(said)), indent=1) + b"\n"


def _item(came: Came) -> dict[str, Any]:
    said = entry(came)
    return _known(
        {
            "id": came.urn,
            "url": said.link,
            "title": said.title,
            "content_text": said.summary,
            "image": said.quicklook,
            "date_published": written(came.arrived),
            "tags": tags(came),
        }
    )


def _known(said: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if value is not None}
