"""The words of the calendar in English and French, folded: months, seasons, units, days and numbers."""

from __future__ import annotations

from collections.abc import Mapping


def _counted(words: str, start: int = 1) -> dict[str, int]:
    return {word: number for number, word in enumerate(words.split(), start)}


def _one_for(table: Mapping[str, str]) -> dict[str, str]:
    return {word: name for name, words in table.items() for word in words.split()}


MONTHS = {
    "en": _counted("january february march april may june july august september october november december"),
    "fr": _counted("janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre"),
}
SHORT_MONTHS = {
    word: number
    for number, words in {
        1: "jan janv",
        2: "feb fev fevr",
        3: "mar",
        4: "apr avr",
        6: "jun",
        7: "jul juil",
        8: "aug aou",
        9: "sep sept",
        10: "oct",
        11: "nov",
        12: "dec",
    }.items()
    for word in words.split()
}
"""These are months beside a number only: "Mar del Plata" is a place."""

SEASONS = {
    "en": _one_for({"spring": "spring", "summer": "summer", "autumn": "autumn fall", "winter": "winter"}),
    "fr": _one_for({"spring": "printemps", "summer": "ete", "autumn": "automne", "winter": "hiver"}),
}
UNITS = {
    "en": _one_for(
        {
            "hour": "hour hours hr hrs",
            "day": "day days",
            "week": "week weeks",
            "month": "month months",
            "year": "year years",
        }
    ),
    "fr": _one_for(
        {
            "hour": "heure heures",
            "day": "jour jours journee journees",
            "week": "semaine semaines",
            "month": "mois",
            "year": "an ans annee annees",
        }
    ),
}
DAYS = {
    "en": {"today": 0, "yesterday": -1, "tomorrow": 1, "the day before yesterday": -2},
    "fr": {"aujourd'hui": 0, "hier": -1, "demain": 1, "avant-hier": -2, "avant hier": -2},
}
"""Days from today."""

NUMBERS = {
    "en": {
        **_counted("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen", 0),
        **{
            word: 10 * tens
            for word, tens in _counted("twenty thirty forty fifty sixty seventy eighty ninety", 2).items()
        },
        "a": 1,
        "an": 1,
    },
    "fr": {
        **_counted("zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze", 0),
        **{word: 10 * tens for word, tens in _counted("vingt trente quarante cinquante soixante", 2).items()},
        "une": 1,
    },
}

ALL_MONTHS = {**MONTHS["fr"], **MONTHS["en"]}
ALL_SEASONS = {**SEASONS["fr"], **SEASONS["en"]}
ALL_UNITS = {**UNITS["fr"], **UNITS["en"]}
ALL_DAYS = {**DAYS["fr"], **DAYS["en"]}
ALL_NUMBERS = {**NUMBERS["fr"], **NUMBERS["en"]}
