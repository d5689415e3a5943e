"""How what an address is owed becomes notices, and what follows from how one ended.

An address that takes nothing is left to rest, longer each time, while what it is owed waits; once it takes a notice
again, all that waited is one. A notice that fails though others are taken is itself at fault: it is halved, again and
again, until what is refused stands alone. What may have arrived is sent once more, and then only when its address is
known to take notices again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from watcher.core.patience import DELIVERY, RECIPIENT
from watcher.model import Outcome, Sent

PACE = timedelta(minutes=1)
"""The time between two notices to an address that did not take all it was sent."""

LONGEST = timedelta(days=7)
"""After so long a delivery that cannot be sent is given up…"""

TRIES = 8
"""…once it was tried so often: a machine that was off, or whose clock was wrong, has not tried for a week."""

LATE = timedelta(hours=1)
"""What could not be sent for so long is said to be late."""

_REFUSALS = 3
"""So many notices refused for good, one after the other, and an address that took notices before is set aside."""


class Debt(msgspec.Struct, frozen=True, gc=False):
    """A delivery that is due, and how its last try ended.

    `odd` counts tries that failed though the address took another notice since the one before. After `unknown` (no
    answer) and `cut` (we were stopped) it may have arrived. `notice` is the key of the notice that told of it, `failed`
    since when it could not be sent.
    """

    number: int
    attempts: int = 0
    odd: int = 0
    unknown: bool = False
    cut: bool = False
    notice: str | None = None
    tried: datetime | None = None
    failed: datetime | None = None


class Standing(msgspec.Struct, frozen=True):
    """How an address takes what is sent to it.

    It took a notice last when it `worked`, and has been `failing` since, for so many `failures`, of which the last
    `refusals` were for good. Nothing is sent before `again`, and nothing at all once it is set `aside`.
    """

    worked: datetime | None = None
    failing: datetime | None = None
    failures: int = 0
    refusals: int = 0
    again: datetime | None = None
    aside: datetime | None = None
    problem: str | None = None


class Verdict(msgspec.Struct, frozen=True):
    """What follows from a notice that did not leave.

    How its address stands now, when it is tried `again` (`None` gives it up), how often it was `odd`, and whether it is
    to be halved.
    """

    standing: Standing
    again: datetime | None
    odd: int
    halve: bool = False


def bundles(debts: Sequence[Debt]) -> list[list[Debt]]:
    """Put what one address is owed into notices, in the order in which to send them.

    What was cut short comes first, as the same notice; then all that is new, which also tries out an address that
    failed; then what waited.
    """
    cut = [debt for debt in debts if debt.cut]
    new = [debt for debt in debts if not debt.cut and debt.attempts == 0]
    odd = [debt for debt in debts if not debt.cut and debt.attempts and debt.odd]
    tried = [debt for debt in debts if not debt.cut and debt.attempts and not debt.odd]
    unknown = [debt for debt in tried if debt.unknown]
    # The same notice again, so that who gets it twice can tell; but many of them would be a flood.
    same = _by_notice(unknown) if len({debt.notice for debt in unknown}) == 1 else []
    waited = [debt for debt in tried if not (same and debt.unknown)]
    return [bundle for bundle in (*_by_notice(cut), new, *same, waited, *_by_notice(odd)) if bundle]


def late(bundle: Sequence[Debt], *, now: datetime) -> bool:
    """Say whether a notice could not be sent for so long that it must say so."""
    since = (debt.failed or debt.tried for debt in bundle)
    return any(moment is not None and now - moment >= LATE for moment in since)


def accepted(*, waiting: bool, now: datetime) -> Standing:
    """Return how an address stands that took a notice; what is `waiting` has its turn a little later."""
    return Standing(worked=now, again=now + PACE if waiting else None)


def refused(bundle: Sequence[Debt], standing: Standing, sent: Sent, *, now: datetime, chance: float) -> Verdict:
    """Judge a notice that was not taken, or of which nobody knows.

    A refusal for good gives it up, unless halves of it may be taken; an address that took nothing before, or that
    refuses for the third time in a row, is set aside. No answer, twice, gives it up as well: it may have arrived.
    Everything else is tried again for as long as its address takes nothing, a week at most (`LONGEST`), and for two
    days where it is this notice that is refused. `chance` is a random number in [0, 1).
    """
    last = max((debt.tried for debt in bundle if debt.attempts and debt.tried), default=None)
    singled = last is not None and standing.worked is not None and standing.worked > last
    odd = max(debt.odd for debt in bundle) + (singled or (sent.permanent and standing.worked is not None))
    failures, refusals = standing.failures + 1, standing.refusals + 1 if sent.permanent else 0
    # A server that refuses answers: there is nothing to wait for.
    rest = now + PACE if sent.permanent else RECIPIENT.next_try(failures, now=now, chance=chance)
    after = replace(
        standing,
        failing=standing.failing or now,
        failures=failures,
        refusals=refusals,
        again=rest,
        problem=sent.problem or sent.outcome.value,
    )
    if sent.permanent and (standing.worked is None or refusals >= _REFUSALS):
        return Verdict(replace(after, aside=now), None, odd)
    if odd and len(bundle) > 1:
        return Verdict(after, rest, odd, halve=True)
    if sent.permanent or (sent.outcome is Outcome.UNKNOWN and any(debt.unknown for debt in bundle)):
        return Verdict(after, None, odd)
    if not odd:
        return Verdict(after, rest, odd)
    alone = DELIVERY.next_try(odd, now=now, chance=chance)
    return Verdict(after, alone and rest and max(alone, rest), odd)


def _by_notice(debts: Sequence[Debt]) -> list[list[Debt]]:
    groups: dict[str | None, list[Debt]] = {}
    for debt in debts:
        groups.setdefault(debt.notice, []).append(debt)
    return list(groups.values())
