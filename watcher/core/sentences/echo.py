"""Saying back how a sentence was read, on a line, in its own language: the check that it was understood."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from watcher.core.identity.missions import COLLECTIONS, INSTRUMENTS, PLATFORMS
from watcher.core.sentences import clouds
from watcher.core.sentences.sentence import Sentence
from watcher.core.sentences.tokens import folded
from watcher.core.sentences.when import shown
from watcher.core.sentences.words import VOCABULARY
from watcher.names import plain

_WORDS = {
    "en": {
        "place": "place:",
        "radius": "{} km around its centre",
        "platform": "platform:",
        "instrument": "instrument:",
        "collection": "collection:",
        "level": "level:",
        "acquired": "acquired",
        "latest": "(the latest)",
        "cloud": "cloud",
        "days": "(no date was given: the last {} days)",
        "always": "at any time (no date was given)",
        "language": "read as English",
        "strange": "not understood: {}",
        "mean": "{} (did you mean {}?)",
    },
    "fr": {
        "place": "lieu :",
        "radius": "{} km autour de son centre",
        "platform": "plateforme :",
        "instrument": "instrument :",
        "collection": "collection :",
        "level": "niveau :",
        "acquired": "acquis",
        "latest": "(le plus récent)",
        "cloud": "nuages",
        "days": "(aucune date donnée : les {} derniers jours)",
        "always": "n'importe quand (aucune date donnée)",
        "language": "lu en français",
        "strange": "pas compris : {}",
        "mean": "{} (vouliez-vous dire {} ?)",
    },
}
_KINDS = {
    "town": "ville",
    "park": "parc",
    "region": "région",
    "Take5 site": "site Take5",
    "watched site": "site surveillé",
    "Sentinel-2 tile": "tuile Sentinel-2",
    "Landsat path/row": "trace et rangée Landsat",
    "box": "boîte",
}


def said(sentence: Sentence, places: Sequence[str], *, acquired: Sequence[str] = ()) -> str:
    """Say how a sentence was read.

    `places` describe what its places were found to be, `acquired` adds what was assumed about the time.
    """
    words = _WORDS[sentence.language]
    parts = []
    where = list(places)
    if sentence.radius is not None and where:
        where[-1] += f", {words['radius'].format(f'{sentence.radius:g}')}"
    parts += [f"{words['place']} {'; '.join(where)}"] if where else []
    parts += [
        f"{words[name]} {', '.join(values)}"
        for name, values in (
            ("platform", sentence.platforms),
            ("instrument", sentence.instruments),
            ("collection", sentence.collections),
            ("level", sentence.levels),
        )
        if values
    ]
    times = [*map(shown, sentence.acquired), *([words["latest"]] if sentence.yearless else []), *acquired]
    parts += [f"{words['acquired']} {', '.join(times).replace(', (', ' (')}"] if times else []
    if sentence.min_cloud is not None or sentence.max_cloud is not None:
        parts.append(f"{words['cloud']} {clouds.shown(sentence.min_cloud, sentence.max_cloud)}")
    return " · ".join([*(plain(part, limit=400) for part in parts), words["language"]])


def strange(sentence: Sentence, others: Sequence[str]) -> str | None:
    """Name the words that were not understood, `others` among them, and what they may have meant; `None` for none."""
    left = [*sentence.not_understood, *others]
    if not left:
        return None
    words = _WORDS[sentence.language]
    told = []
    for word in left:
        key, colon, value = word.partition(":")
        meant = near(word) if not colon else f"{key}:{found}" if (found := near(value)) else None
        told.append(words["mean"].format(f'"{plain(word)}"', meant) if meant else f'"{plain(word)}"')
    return words["strange"].format(", ".join(told))


def undated(language: str, days: int | None, since: str) -> str:
    """Say what is taken where no date was given: so many days, or all there is."""
    words = _WORDS[language]
    return words["always"] if days is None else f"{since}… {words['days'].format(days)}"


def kind(word: str, language: str) -> str:
    """Say what sort of a place it is in the language of the sentence."""
    return _KINDS.get(word, word) if language == "fr" else word


def near(word: str) -> str | None:
    """Return the word that one is spelt nearly like: the name of a satellite, or one of the grammar."""
    letters = "".join(c for c in folded(word) if c.isalnum())
    if len(letters) < 4:
        return None
    names = {**PLATFORMS, **INSTRUMENTS, **COLLECTIONS}
    known = [*(name for name in names if len(name) >= 4), *sorted(VOCABULARY["en"] | VOCABULARY["fr"])]
    found = difflib.get_close_matches(letters, known, n=1, cutoff=0.8)
    return (names.get(found[0]) or found[0]) if found and found[0] != letters else None
