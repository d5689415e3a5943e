"""What was looked at between one notice and the next, in a sentence: so that silence can be told from blindness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec

from watcher.core.filters import Refusal
from watcher.core.wording import minute
from watcher.names import plain

_EACH = 4
"""So many reasons are told one by one."""


class Looked(msgspec.Struct, frozen=True):
    """What was looked at for a subscriber `since` the last notice.

    So many `polls` that went well; how many products the newest of each catalogue `listed`; and why others at the
    subscriber's sites were not told of: `refused` by the subscription, `passed_over` by a watch. `many` says that there
    were more products than were looked through for these reasons.
    """

    since: datetime | None
    polls: int
    listed: int
    refused: Sequence[Refusal] = ()
    passed_over: Sequence[Refusal] = ()
    many: bool = False


def looked_words(looked: Looked, *, told: str) -> str:
    """Say it: `61 products listed, 3 new, 2 rejected by your filter (cloud 88 %, coverage 12 %)`."""
    since = f" since {minute(looked.since)} UTC" if looked.since else ""
    polls = f"{looked.polls} poll{'s' if looked.polls != 1 else ''}"
    last = " by the last" if looked.polls > 1 else ""
    words = [f"{looked.listed} product{'s' if looked.listed != 1 else ''} listed{last}", told or "nothing new"]
    words += _rejected(looked.refused, "your filter", looked.many)
    words += _rejected(looked.passed_over, "the watch", looked.many)
    return f"Looked at{since}, in {polls}: {', '.join(words)}."


def _rejected(reasons: Sequence[Refusal], whose: str, many: bool) -> list[str]:
    if not reasons:
        return []
    if len(reasons) <= _EACH:
        why = [plain(reason.text, limit=80) for reason in reasons]
    else:
        why = [f"{count} for {by}" for by, count in Counter(reason.by for reason in reasons).most_common()]
    least = "at least " if many else ""
    return [f"{least}{len(reasons)} rejected by {whose} ({', '.join(why)})"]
