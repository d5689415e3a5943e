"""The words of a sentence that are not names, in English and French, folded: without case and accents.

Of each sense, single words parted by blanks come first, then phrases behind `|`. A word may have several senses; which
one is meant follows from its neighbours. The two languages are read at once, so that a sentence may mix them.
"""

from __future__ import annotations

from enum import Enum, auto

from watcher.core.sentences.times import DAYS, MONTHS, NUMBERS, SEASONS, UNITS


class Sense(Enum):
    """What a word can do in a sentence."""

    IN = auto()  # before a place or a date
    ARTICLE = auto()
    FOR = auto()  # before what is looked for
    DURING = auto()
    AFTER = auto()
    BEFORE = auto()
    SINCE = auto()
    UNTIL = auto()
    BETWEEN = auto()
    FROM = auto()  # BETWEEN when there is an end, else of no meaning
    ONWARDS = auto()
    AND = auto()
    TO = auto()
    LAST = auto()  # "last month": the calendar's
    PAST = auto()  # "the past month": up to today
    LAST_BEHIND = auto()  # "mois dernier"
    NEXT = auto()
    THIS = auto()
    AGO = auto()
    AGO_BEFORE = auto()  # "il y a"
    AUSTRAL = auto()
    BOREAL = auto()
    LESS = auto()
    MORE = auto()
    EQUAL = auto()
    MOST = auto()
    LEAST = auto()
    WITH = auto()
    WITHOUT = auto()
    FEW = auto()
    PERCENT = auto()
    CLOUD = auto()
    CLOUDY = auto()
    CLEAR = auto()
    LEVEL = auto()
    TILE = auto()
    PATH = auto()
    ROW = auto()
    RADIUS = auto()
    KILOMETRE = auto()
    PASSING = auto()


EN: dict[Sense, str] = {
    Sense.IN: "in on of near around over at for covers covering within above|close to|next to",
    Sense.ARTICLE: "the a an of",
    Sense.FOR: "by for about of on from using",
    Sense.DURING: "during in on for of within at over",
    Sense.AFTER: "after|later than",
    Sense.BEFORE: "before|earlier than|older than|prior to",
    Sense.SINCE: "since starting|as of|starting in|starting from|newer than",
    Sense.UNTIL: "until till|up to",
    Sense.BETWEEN: "between",
    Sense.FROM: "from",
    Sense.ONWARDS: "onwards onward|and later|or later",
    Sense.AND: "and & or",
    Sense.TO: "to until till through - \N{EN DASH} .. /",
    Sense.LAST: "last previous",
    Sense.PAST: "past|the last|the past|the previous|in the last|over the last|within the last",
    Sense.LAST_BEHIND: "last",
    Sense.NEXT: "next coming|the next",
    Sense.THIS: "this current",
    Sense.AGO: "ago",
    Sense.AUSTRAL: "austral southern",
    Sense.BOREAL: "boreal northern",
    Sense.LESS: "under below < <= ≤|less than|lesser than|lower than|fewer than|smaller than|at most|up to"
    "|no more than",
    Sense.MORE: "over above > >= ≥ greater|greater than|more than|higher than|larger than|at least",
    Sense.EQUAL: "= equals|equal to",
    Sense.MOST: "max maximum|at most",
    Sense.LEAST: "min minimum|at least",
    Sense.WITH: "with containing having",
    Sense.WITHOUT: "without no zero",
    Sense.FEW: "few little|a few|little of",
    Sense.PERCENT: "% percent pct|per cent",
    Sense.CLOUD: "cloud clouds cloudy cloudiness cloudcover|cloud cover|clouds cover|cloud coverage",
    Sense.CLOUDY: "cloudy",
    Sense.CLEAR: "cloudless cloud-free cloudfree|cloud free|clear sky|clear skies",
    Sense.LEVEL: "level|processing level|processed to level|level of processing",
    Sense.TILE: "tile tiles mgrs|mgrs tile|on tile",
    Sense.PATH: "path",
    Sense.ROW: "row",
    Sense.RADIUS: "within around radius|radius of|a radius of|within a radius of",
    Sense.KILOMETRE: "km kilometre kilometres kilometer kilometers",
    Sense.PASSING: "image images imagery picture pictures scene scenes product products data dataset acquisition"
    " acquisitions acquired taken seen observed satellite satellites sensor platform instrument search find show list"
    " give get me all any every please latest newest recent available published cover only date dates|search for"
    "|looking for",
}

FR: dict[Sense, str] = {
    Sense.IN: "en au aux a sur vers dans de du des pour autour|pres de|pres d'|pres du|pres des|autour de|autour d'"
    "|autour du|au dessus de|au-dessus de|proche de|proches de|a proximite de",
    Sense.ARTICLE: "le la les l' un une de du d' des ce cet cette",
    Sense.FOR: "pour de du d' des sur dans par",
    Sense.DURING: "en pendant durant au a dans de du le la l' les d' pour lors|au cours de|au cours du|au cours des"
    "|au cours de l'|lors de|lors du|lors de l'",
    Sense.AFTER: "apres|posterieur a|posterieure a|posterieures a|posterieurs a",
    Sense.BEFORE: "avant|anterieur a|anterieure a|anterieures a|anterieurs a|plus ancien que",
    Sense.SINCE: "depuis des|a partir de|a partir du|a partir d'|a compter du|a compter de|depuis les|depuis le"
    "|depuis la|depuis l'",
    Sense.UNTIL: "jusque|jusqu' a|jusqu' au|jusqu' en|jusqu' aux",
    Sense.BETWEEN: "entre|entre le|entre les",
    Sense.FROM: "de du d'|du mois de|de l'",
    Sense.AND: "et & ou|et le",
    Sense.TO: "a au - \N{EN DASH} .. /|jusqu' a|jusqu' au|jusqu' en",
    Sense.PAST: "dernier derniere derniers dernieres|les dernieres|les derniers|le dernier|la derniere|ces dernieres"
    "|ces derniers",
    Sense.LAST_BEHIND: "dernier derniere derniers dernieres passe passee passes passees precedent precedente",
    Sense.NEXT: "prochain prochaine prochains prochaines|les prochains|les prochaines",
    Sense.THIS: "ce cet cette",
    Sense.AGO_BEFORE: "voici|il y a|y a",
    Sense.AUSTRAL: "austral australe",
    Sense.BOREAL: "boreal boreale",
    Sense.LESS: "sous < <= ≤ moins inferieur inferieure inferieurs inferieures|moins de|moins d'|moins que"
    "|plus petit que|inferieur a|inferieure a|inferieurs a|inferieures a|au plus|au maximum|pas plus de"
    "|jusqu' a|a moins de",
    Sense.MORE: "> >= ≥ plus superieur superieure|plus de|plus d'|plus que|plus grand que|superieur a|superieure a"
    "|superieurs a|superieures a|au moins|au minimum|a plus de",
    Sense.EQUAL: "= egal egale egaux|egal a|egale a|egaux a|egales a",
    Sense.MOST: "max maximum maxi|au plus|au maximum",
    Sense.LEAST: "min minimum mini|au moins|au minimum",
    Sense.WITH: "avec contenant|avec de|avec des|ayant",
    Sense.WITHOUT: "sans pas non aucun zero|pas de|pas d'|sans aucun|sans les",
    Sense.FEW: "peu|peu de|tres peu de",
    Sense.PERCENT: "% pourcent pourcents|pour cent",
    Sense.CLOUD: "nuage nuages nuageux nuageuse nuageuses nebulosite couvert|couverture nuageuse|couvert nuageux"
    "|taux de nuages|couverture de nuages",
    Sense.CLOUDY: "nuageux nuageuse nuageuses",
    Sense.CLEAR: "|ciel clair|ciel degage|ciels clairs",
    Sense.LEVEL: "niveau niveaux|niveau de traitement|de niveau|au niveau|traite au niveau",
    Sense.TILE: "tuile tuiles|sur la tuile|la tuile",
    Sense.PATH: "trace",
    Sense.ROW: "rangee",
    Sense.RADIUS: "rayon|un rayon de|dans un rayon de|rayon de|a moins de|a",
    Sense.KILOMETRE: "km kilometre kilometres",
    Sense.PASSING: "image images imagerie photo photos scene scenes produit produits donnee donnees acquisition"
    " acquisitions acquis acquise acquises pris prise prises vu vue vues observe observees satellite satellites"
    " capteur plateforme instrument cherche chercher trouve trouver montre montrer liste lister donne moi tout tous"
    " toute toutes recent recente recents recentes disponible disponibles publie publies publiees y compris comprise"
    " comprises seulement uniquement date dates montre-moi donne-moi|s' il vous plait"
    "|montre moi|donne moi|toutes les|tous les|je cherche|je veux",
}


def _phrases(listed: str) -> list[str]:
    first, *others = listed.split("|")
    return [*first.split(), *(phrase for phrase in others if phrase)]


def _senses() -> dict[str, frozenset[Sense]]:
    senses: dict[str, set[Sense]] = {}
    for language in (EN, FR):
        for sense, listed in language.items():
            for phrase in _phrases(listed):
                senses.setdefault(phrase, set()).add(sense)
    return {phrase: frozenset(found) for phrase, found in senses.items()}


SENSES = _senses()
"""Phrase, words parted by one blank → what it can do."""

LONGEST = max(len(phrase.split()) for phrase in SENSES)


def _vocabulary(language: str, senses: dict[Sense, str]) -> frozenset[str]:
    words = {word for listed in senses.values() for phrase in _phrases(listed) for word in phrase.split()}
    return frozenset(words.union(*(table[language] for table in (MONTHS, SEASONS, UNITS, DAYS, NUMBERS))))


VOCABULARY = {"en": _vocabulary("en", EN), "fr": _vocabulary("fr", FR)}
