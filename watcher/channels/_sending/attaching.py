"""The picture of a post, for the services that take one."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ROOM = 1000
"""A service that takes less text than so many characters is one of short messages: a picture there costs money."""


@contextmanager
def attachment(service: Any, post: dict[str, Any]) -> Iterator[Any]:
    """Give what Apprise attaches for the time of a send, `None` where there is nothing or no room.

    It is a file without a name: half of the services want to open a path, which an attachment in memory has not; a file
    on disk would stay when we are killed. A mere text would be taken for somebody's file, or for an address to fetch.
    """
    if "picture" not in post or not service.attachment_support or service.body_maxlen < ROOM:
        yield None
        return
    from apprise.attachment.file import AttachFile

    name, jpeg = post["picture"]
    file = os.memfd_create(name)
    try:
        os.write(file, base64.b64decode(jpeg))
        attach: Any = AttachFile
        yield attach(path=f"/proc/self/fd/{file}", name=name, mimetype="image/jpeg")
    finally:
        os.close(file)
