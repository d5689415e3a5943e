"""Reading a sentence: each rule looks at the words from the left, the first that can read some takes them.

The grammar is that of resto's query analyser (version 2.5), as the THEIA site offers it, in English and French. What
no rule takes are the words of a place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from watcher.core.sentences.clouds import clouds
from watcher.core.sentences.names import keyword, named, radius
from watcher.core.sentences.places import Run, sorted_out
from watcher.core.sentences.sentence import Facts, Interval, Kind, Match, Reading, Sentence
from watcher.core.sentences.tokens import Token, Words, folded, tokens
from watcher.core.sentences.when import narrowed, when
from watcher.core.sentences.words import VOCABULARY

_T = TypeVar("_T")
Rule = Callable[[Words, int], Match | None]
_RULES: tuple[Rule, ...] = (keyword, clouds, radius, when, named)


def read(text: str, *, now: datetime) -> Sentence:
    """Read a sentence as it is meant at `now` (aware, UTC). Raises nothing: what cannot be read is told."""
    words = Words(text, now, french=_language(tokens(text)) == "fr")
    matches: dict[int, Match] = {}
    left: list[int] = []
    index = 0
    while index < len(words.tokens):
        match = next((match for rule in _RULES if (match := rule(words, index)) is not None), None)
        if match is None:
            left.append(index)
            index += 1
        else:
            matches[index] = match
            index = match.end
    rest = sorted_out(words, left, placed=any(match.kind is Kind.PLACE for match in matches.values()))
    strange = {at: words.text(at, match.end) for at, match in matches.items() if match.kind is Kind.STRANGE}
    strange |= {at: words.text(at, at + 1) for at in rest.strange}
    readings = {
        at: Reading(words.text(at, match.end), match.kind, match.meaning)
        for at, match in matches.items()
        if match.kind is not Kind.STRANGE
    }
    readings |= {run.start: Reading(run.words, Kind.PLACE, run.words) for run in rest.runs if run.meant}
    readings |= {at: Reading(words.text(at, at + 1), Kind.PASSING, "") for at in rest.passing}
    said = [token for at, token in enumerate(words.tokens) if not any(r.start <= at < r.end for r in rest.runs)]
    return _sentence(
        text,
        _language(said),
        [match.facts for match in matches.values()],
        [readings[at] for at in sorted(readings)],
        rest.runs,
        [strange[at] for at in sorted(strange)],
    )


def _sentence(
    text: str,
    language: str,
    facts: Sequence[Facts],
    readings: Sequence[Reading],
    found: Sequence[Run],
    strange: Sequence[str],
) -> Sentence:
    acquired = _acquired(facts)
    cloud = _cloud(facts)
    nothing = {kind for kind, left in ((Kind.ACQUIRED, acquired), (Kind.CLOUD, cloud)) if left is None}
    least, most = cloud or (None, None)
    return Sentence(
        text=text,
        language=language,
        places=_once([*(name for fact in facts for name in fact.places), *(run.words for run in found if run.meant)]),
        asides=tuple(run.words for run in found if not run.meant),
        grids=_once(name for fact in facts for name in fact.grids),
        radius=next((figure for fact in facts for figure in fact.radius), None),
        platforms=_once(name for fact in facts for name in fact.platforms),
        instruments=_once(name for fact in facts for name in fact.instruments),
        collections=_once(name for fact in facts for name in fact.collections),
        levels=_once(name for fact in facts for name in fact.levels),
        acquired=acquired or (),
        yearless=any(fact.yearless for fact in facts),
        min_cloud=least,
        max_cloud=most,
        contradictions=tuple(reading.words for reading in readings if reading.kind in nothing),
        understood=tuple(readings),
        not_understood=tuple(strange),
    )


def _acquired(facts: Sequence[Facts]) -> tuple[Interval, ...] | None:
    """Join the windows and cut them to the bounds; `None` when nothing is left of what was asked."""
    intervals: list[Interval] = [window for fact in facts for window in fact.windows]
    bounds = [bound for fact in facts for bound in fact.bounds]
    if not intervals and not bounds:
        return ()
    intervals = intervals or [(None, None)]
    for bound in bounds:
        intervals = [left for interval in intervals if (left := narrowed(interval, bound)) is not None]
    return _once(left for interval in intervals if (left := narrowed(interval, (None, None))) is not None) or None


def _cloud(facts: Sequence[Facts]) -> tuple[float | None, float | None] | None:
    """Return the bounds that all hold; `None` when they exclude each other."""
    bounds = [bound for fact in facts for bound in fact.clouds]
    least = max((low for low, _ in bounds if low is not None), default=None)
    most = min((high for _, high in bounds if high is not None), default=None)
    return None if least is not None and most is not None and least > most else (least, most)


def _language(found: Sequence[Token]) -> str:
    """Return the language that more of the words are of alone, "en" where that does not tell."""
    french, english = VOCABULARY["fr"] - VOCABULARY["en"], VOCABULARY["en"] - VOCABULARY["fr"]
    words = [folded(token.text.partition(":")[0]) if token.key else token.folded for token in found]
    score = sum((word in french) - (word in english) for word in words)
    return "fr" if score > 0 else "en"


def _once(values: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(values))
