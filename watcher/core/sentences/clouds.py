"""How cloudy it may be: "less than 20 % cloud", "moins de 20% de nuages", "sans nuage", "cloud < 20"."""

from __future__ import annotations

import re

from watcher.core.sentences.sentence import Facts, Kind, Match
from watcher.core.sentences.tokens import Words
from watcher.core.sentences.words import Sense

SOME = 25.0
"""Percent: "with clouds" is more, "few clouds" is less (the minimal quantity of resto's query analyser)."""

Bound = tuple[float | None, float | None]


def clouds(words: Words, index: int) -> Match | None:
    """Read a clause of cloud cover at an index. "20 % cloud" alone is the most there may be."""
    found = _bare(words, index) or _leading(words, index) or _following(words, index)
    if found is None:
        return None
    bound, end = found
    return Match(end, Kind.CLOUD, shown(*bound), Facts(clouds=(bound,)))


def shown(least: float | None, most: float | None) -> str:
    """Write bounds of cloud cover: `≤ 20 %`, `10…20 %`."""
    if least is not None and most is not None:
        return f"{least:g} %" if least == most else f"{least:g}…{most:g} %"
    return f"≤ {most:g} %" if most is not None else f"≥ {least or 0:g} %"


def value(text: str) -> Bound | None:
    """Read the value of `cloud:`: `20`, `<20`, `[0,20]`, `10-20`; `None` for what is none."""
    if match := re.fullmatch(r"([<>]?=?|≤|≥)([0-9]{1,3}(?:\.[0-9]+)?)%?", text):
        percent = float(match[2])
        bound: Bound = (percent, None) if match[1] in (">", ">=", "≥") else (None, percent)
    elif match := re.fullmatch(r"[\[\]]?([0-9.]{1,6})(?:,|-|\.\.|…)([0-9.]{1,6})[\[\]]?%?", text):
        try:
            bound = (float(match[1]), float(match[2]))
        except ValueError:
            return None
    else:
        return None
    return bound if all(edge is None or edge <= 100 for edge in bound) else None


def _bare(words: Words, index: int) -> tuple[Bound, int] | None:
    """Read a cloud cover that is said without a figure."""
    start = words.after(index, Sense.WITH)
    if (end := words.sees(start, Sense.CLEAR)) > start:
        return (None, 0.0), end
    for sense, bound in ((Sense.FEW, (None, SOME)), (Sense.WITHOUT, (None, 0.0)), (Sense.WITH, (SOME, None))):
        behind = words.sees(start if sense is Sense.FEW else index, sense)
        cloud = words.after(behind, Sense.ARTICLE)
        begun = behind > (start if sense is Sense.FEW else index)
        if begun and _plain(words, cloud, Sense.CLOUD):
            return bound, words.sees(cloud, Sense.CLOUD)
    return ((SOME, None), words.sees(index, Sense.CLOUDY)) if _plain(words, index, Sense.CLOUDY) else None


def _plain(words: Words, index: int, sense: Sense) -> bool:
    """Say whether that is at an index and no figure follows."""
    end = words.sees(index, sense)
    return end > index and _compared(words, _cover(words, end)) is None


def _leading(words: Words, index: int) -> tuple[Bound, int] | None:
    """Read a figure and then what it is of: `less than 20 % [of] cloud [max]`."""
    found = _compared(words, words.after(index, Sense.WITH), alone=False)
    if found is None:
        return None
    bound, behind = found
    start = words.after(behind, Sense.ARTICLE)
    end = words.sees(start, Sense.CLOUD)
    if end == start:
        return None
    return _turned(words, bound, end)


def _following(words: Words, index: int) -> tuple[Bound, int] | None:
    """Read what it is of, and then the figure: `cloud < 20`, `nuages inférieurs à 20 %`, `max cloud 20`."""
    most = words.sees(index, Sense.MOST, Sense.LEAST)
    start = words.after(most, Sense.WITH, Sense.ARTICLE)
    behind = words.sees(start, Sense.CLOUD)
    if behind == start:
        return None
    found = _compared(words, _cover(words, behind))
    if found is None:
        return None
    bound, end = found
    if most > index and words.sees(index, Sense.LEAST) > index:
        bound = (bound[1], None)
    return _turned(words, bound, end)


def _cover(words: Words, index: int) -> int:
    """Skip what may stand between the word and the figure: "is", ":", "de", "of"."""
    index = words.after(index, Sense.ARTICLE)
    while words.at(index) in ("is", "are", "est", "sont", "cover", "-"):
        index = words.after(index + 1, Sense.ARTICLE)
    return index


def _turned(words: Words, bound: Bound, end: int) -> tuple[Bound, int]:
    """Take account of a `max` or `min` behind a figure that had none before."""
    if (behind := words.sees(end, Sense.MOST)) > end:
        return bound, behind
    if (behind := words.sees(end, Sense.LEAST)) > end and bound[0] is None:
        return (bound[1], None), behind
    return bound, end


def _compared(words: Words, index: int, *, alone: bool = True) -> tuple[Bound, int] | None:
    """Read a comparison and its figures. `alone`: a figure without sign and percent is one too."""
    between = words.sees(index, Sense.BETWEEN, Sense.FROM)
    if (low := _percent(words, between)) is not None:
        separator = words.sees(low[1], Sense.AND, Sense.TO)
        high = _percent(words, separator) if separator > low[1] else None
        if high is not None and (between > index or alone or high[2] or low[2]):
            return (low[0], high[0]), high[1]
    for sense, least in ((Sense.LESS, False), (Sense.MOST, False), (Sense.MORE, True), (Sense.LEAST, True)):
        start = words.sees(index, sense)
        if start > index and (found := _percent(words, words.after(start, Sense.ARTICLE))) is not None:
            return ((found[0], None) if least else (None, found[0])), found[1]
    start = words.sees(index, Sense.EQUAL)
    figure = _percent(words, start)
    if figure is None or not (start > index or figure[2] or alone):
        return None
    if start > index and words.at(index) != "=":
        return (figure[0], figure[0]), figure[1]
    bound, end = _turned(words, (None, figure[0]), figure[1])
    return bound, end


def _percent(words: Words, index: int) -> tuple[float, int, bool] | None:
    """Read a figure up to 100, the index behind it, and whether it said that it is percent."""
    number = words.number(index)
    if number is None or number[0] > 100 or words.unit(number[1]) is not None:
        return None
    end = words.sees(number[1], Sense.PERCENT)
    return number[0], end, end > number[1]
