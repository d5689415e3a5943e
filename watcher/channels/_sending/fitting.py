"""As much of a notice as a service has room for: what is too long it would cut, refuse, or send in many pieces."""

from __future__ import annotations

from typing import Any

_JOINT = 40
"""Characters that may come between title and text where a service has one field for both."""


def fitted(service: Any, post: dict[str, Any]) -> tuple[str, str]:
    """Return title and text of a post for a service of Apprise's: as many blocks as fit, and the end for that many."""
    from apprise import NotifyFormat
    from apprise.conversion import format as conversion

    convert: Any = conversion.convert_between
    form, room, longest = service.resolve_format(NotifyFormat.TEXT), service.body_maxlen, service.title_maxlen

    def length(text: str) -> int:
        # As it is sent, and in UTF-16, as many services count.
        return len(convert(NotifyFormat.TEXT, form, text).encode("utf-16-le", "replace")) // 2

    title, blocks = post.get("title", ""), post.get("blocks", ())
    if not blocks:
        return title, post["body"]
    above = []
    if 0 < longest < len(title):
        above, title = [title], title[: longest - 1] + "…"
    taken = length(title) + _JOINT if longest <= 0 or service.overflow_amalgamate_title else 0
    for count in range(len(blocks), -1, -1):
        text = "\n".join([*above, *blocks[:count], post["ends"][count]])
        if length(text) + taken <= room:
            return title, text
    whole = post["title"]
    while length(whole) > room:
        whole = whole[:-8].rstrip() + "…" if len(whole) > 8 else ""
    return "", whole
