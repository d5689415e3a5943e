"""A name that nobody bears: what is spelt nearly like it, else what begins with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from watcher.places import gazetteer, parks, take5

ALIKE = 0.80
"""The least normalised Damerau-Levenshtein similarity: one slip in five letters, two in ten."""


def near(wanted: str) -> list[str]:
    """Return the keys spelt most like this one, the likest first.

    The Damerau-Levenshtein distance finds them: it minds whole names, where partial matches would propose `lo` for
    Tolouse. Jaro-Winkler, which minds how a name begins, decides between equals: Pornic for Pornik, not Pernik.
    """
    return _alike(wanted, [*_listed(), *gazetteer.keys()])


def near_listed(wanted: str) -> list[str]:
    """Return the keys of Take5 sites, parks and regions that are spelt like this one, but not this one itself."""
    return [name for name in _alike(wanted, _listed()) if name != wanted]


def slips(name: str, codes: Iterable[str]) -> list[str]:
    """Return the codes of sites that a name may be a slip for; a code may have the country behind the name."""
    wanted = gazetteer.key(name)
    return [
        code
        for code in codes
        if any(_alike(wanted, [gazetteer.key(code)[:length]]) for length in range(len(wanted) - 1, len(wanted) + 3))
    ]


def beginning(wanted: str) -> list[str]:
    """Return the keys of Take5 sites, parks and regions that begin like this, from three letters on."""
    return [name for name in _listed() if name.startswith(wanted)] if len(wanted) >= 3 else []


def _listed() -> list[str]:
    keys = [site.keys for site in take5.every()] + [park.keys for park in parks.every()]
    return sorted(frozenset[str]().union(*keys))


def _alike(wanted: str, names: Sequence[str]) -> list[str]:
    from rapidfuzz import process
    from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

    found = process.extract(
        wanted, names, scorer=DamerauLevenshtein.normalized_similarity, score_cutoff=ALIKE, limit=200
    )
    scores = {name: (score, JaroWinkler.similarity(wanted, name)) for name, score, _ in found}
    return sorted(scores, key=lambda name: (scores[name], name), reverse=True)
