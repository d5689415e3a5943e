"""Sentences as people write them, and what each is read to ask for. It is said on Friday 12 June 2015, 06:00 UTC."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.given import product
from watcher.core.identity.missions import has_instrument, level_of, may_hold, named_in, platform_of
from watcher.core.sentences import Kind, Sentence, read
from watcher.core.sentences.echo import near, said, strange
from watcher.core.sentences.sieve import fits, holds
from watcher.core.sentences.words import VOCABULARY

NOW = datetime(2015, 6, 12, 6, tzinfo=UTC)

ENGLISH = {
    # the shipped examples of resto and of the THEIA site
    "Toulouse LANDSAT8 2014": "place Toulouse; LANDSAT-8; 2014-01-01…2014-12-31",
    "Images on Toulouse acquired in december 2013": "place Toulouse; 2013-12-01…2013-12-31",
    # places
    "La Rochelle sentinel-2": "place La Rochelle; SENTINEL-2",
    "New York S2A": "place New York; SENTINEL-2A",
    "scenes of Saint-Nazaire, L2A": "place Saint-Nazaire; L2A",
    "Pornic, France SPOT5": "place Pornic, France; SPOT-5",
    "Toulouse LANDSAT8 2014 France": "place Toulouse; aside France; LANDSAT-8; 2014-01-01…2014-12-31",
    "SouthAfrica : Mooreesburg SPOT5": "place SouthAfrica : Mooreesburg; SPOT-5",
    "Trinidad and Tobago MODIS": "place Trinidad and Tobago; MODIS",
    "near the Hague": "place the Hague",
    "images of Stratford on Avon, please": "place Stratford on Avon",
    "Little Rock L1C": "place Little Rock; L1C",
    "Saint Cloud 2018": "place Saint Cloud; 2018-01-01…2018-12-31",
    "Mar del Plata last week": "place Mar del Plata; 2015-06-01…2015-06-07",
    '"Spring" SPOT4': "place Spring; SPOT-4",
    "bogus 2014 in Toulouse": "place Toulouse; aside bogus; 2014-01-01…2014-12-31",
    "Pornic since 2014 in Toulouse": "place Toulouse; aside Pornic; 2014-01-01…",
    "within 30 km of Nantes": "place Nantes; 30 km",
    # tiles, paths and rows
    "T31TCJ L2A": "tile MGRS-31TCJ; L2A",
    "tile 52lfl today": "tile MGRS-52LFL; 2015-06-12…2015-06-12",
    "198/30 LANDSAT 8": "tile WRS2-198030; LANDSAT-8",
    "path 106 row 69": "tile WRS2-106069",
    "198030 OLI": "tile WRS2-198030; OLI",
    # satellites, instruments, levels, collections
    "Sentinel 2 L1C Toulouse": "place Toulouse; SENTINEL-2; L1C",
    "S1 and S2 over Toulouse": "place Toulouse; SENTINEL-1,SENTINEL-2",
    "Sentinel-5P TROPOMI Toulouse": "place Toulouse; SENTINEL-5P; TROPOMI",
    "VENµS Toulouse": "place Toulouse; VENUS",
    "Toulouse pleiades 1A": "place Toulouse; PLEIADES-1A",
    "L8 or L9 Toulouse level 2": "place Toulouse; LANDSAT-8,LANDSAT-9; L2",
    "Toulouse LC08 2014": "place Toulouse; LANDSAT-8; 2014-01-01…2014-12-31",
    "Toulouse ETM+ 2002": "place Toulouse; ETM; 2002-01-01…2002-12-31",
    "SENTINEL-2 2A Toulouse": "place Toulouse; SENTINEL-2; L2A",
    "Toulouse SPOT5 HRG2 N2A": "place Toulouse; SPOT-5; HRG2; L2A",
    "sentinel-2-l2a Toulouse": "place Toulouse; SENTINEL-2; L2A",
    "HLS L30 Toulouse": "place Toulouse; collection HLSL30",
    "Take5 Kruger": "place Kruger; collection TAKE5",
    # days, months and years
    "Toulouse 2015-06-02": "place Toulouse; 2015-06-02…2015-06-02",
    "Toulouse 2015-06": "place Toulouse; 2015-06-01…2015-06-30",
    "Toulouse 2014-01-01/2014-06-30": "place Toulouse; 2014-01-01…2014-06-30",
    "Toulouse 31 December 2014": "place Toulouse; 2014-12-31…2014-12-31",
    "Toulouse June 2nd, 2015": "place Toulouse; 2015-06-02…2015-06-02",
    "Toulouse 2014 June": "place Toulouse; 2014-06-01…2014-06-30",
    "Toulouse dec 2014": "place Toulouse; 2014-12-01…2014-12-31",
    "Toulouse March": "place Toulouse; 2015-03-01…2015-03-31 latest",
    "Toulouse in July": "place Toulouse; 2014-07-01…2014-07-31 latest",
    "Toulouse 12 to 15 May 2015": "place Toulouse; 2015-05-12…2015-05-15",
    "Toulouse 2013-2014": "place Toulouse; 2013-01-01…2014-12-31",
    "Toulouse 2013, 2015": "place Toulouse; 2013-01-01…2013-12-31 2015-01-01…2015-12-31",
    "Toulouse June and July 2014": "place Toulouse; 2014-06-01…2014-06-30 2014-07-01…2014-07-31",
    "Toulouse between June 2014 and March 2015": "place Toulouse; 2014-06-01…2015-03-31",
    "Toulouse from November to February": "place Toulouse; 2014-11-01…2015-02-28 latest",
    "Toulouse from June to August 2014": "place Toulouse; 2014-06-01…2014-08-31",
    "Toulouse after 12 May 2015": "place Toulouse; 2015-05-13…",
    "Toulouse before June 2014": "place Toulouse; …2014-05-31",
    "Toulouse since 2014": "place Toulouse; 2014-01-01…",
    "Toulouse from 2014 onwards": "place Toulouse; 2014-01-01…",
    "Toulouse until June 2014": "place Toulouse; …2014-06-30",
    "Toulouse after 2012 before 2014": "place Toulouse; 2013-01-01…2013-12-31",
    # seasons
    "Toulouse summer 2014": "place Toulouse; 2014-06-21…2014-09-20",
    "Toulouse winter 2014": "place Toulouse; 2013-12-21…2014-03-20",
    "Toulouse fall 2014 and 2013": "place Toulouse; 2014-09-21…2014-12-20 2013-09-21…2013-12-20",
    "Toulouse winter": "place Toulouse; 2014-12-21…2015-03-20 latest",
    "Litchfield austral summer 2014": "place Litchfield; 2013-12-21…2014-03-20",
    "Toulouse last summer": "place Toulouse; 2014-06-21…2014-09-20",
    # counted from today
    "Toulouse last 2 months": "place Toulouse; 2015-04-12…2015-06-12",
    "Toulouse last month": "place Toulouse; 2015-05-01…2015-05-31",
    "Toulouse the past month": "place Toulouse; 2015-05-12…2015-06-12",
    "Toulouse last year": "place Toulouse; 2014-01-01…2014-12-31",
    "Toulouse this year": "place Toulouse; 2015-01-01…2015-12-31",
    "Toulouse next 3 days": "place Toulouse; 2015-06-12…2015-06-15",
    "Toulouse 3 days ago": "place Toulouse; 2015-06-09…2015-06-09",
    "Toulouse a month ago": "place Toulouse; 2015-05-01…2015-05-31",
    "Toulouse since 3 months ago": "place Toulouse; 2015-03-12…",
    "Toulouse since yesterday": "place Toulouse; 2015-06-11…",
    "Toulouse since last 10 days": "place Toulouse; 2015-06-02…",
    "the day before yesterday in Toulouse": "place Toulouse; 2015-06-10…2015-06-10",
    # clouds
    "Toulouse less than 20 % cloud": "place Toulouse; cloud …20",
    "Toulouse less than 20% cloud cover": "place Toulouse; cloud …20",
    "Toulouse cloud < 20": "place Toulouse; cloud …20",
    "Toulouse cloud<=12.5%": "place Toulouse; cloud …12.5",
    "Toulouse clouds under 20": "place Toulouse; cloud …20",
    "Toulouse with at most ten percent of clouds": "place Toulouse; cloud …10",
    "Toulouse max cloud 15": "place Toulouse; cloud …15",
    "Toulouse 15 % clouds max": "place Toulouse; cloud …15",
    "Toulouse more than 50 % cloud": "place Toulouse; cloud 50…",
    "Toulouse cloud between 10 and 20 %": "place Toulouse; cloud 10…20",
    "Toulouse between 10 and 20 % cloud": "place Toulouse; cloud 10…20",
    "Toulouse without clouds": "place Toulouse; cloud …0",
    "cloud free images of Toulouse": "place Toulouse; cloud …0",
    "Toulouse with few clouds": "place Toulouse; cloud …25",
    "Toulouse with clouds": "place Toulouse; cloud 25…",
    "Toulouse cloud equal to 5": "place Toulouse; cloud 5…5",
    "Toulouse June 20 % cloud": "place Toulouse; 2015-06-01…2015-06-30 latest; cloud …20",
    # keywords
    "platform:LANDSAT8 place:Toulouse date:2014": "place Toulouse; LANDSAT-8; 2014-01-01…2014-12-31",
    'place:"La Rochelle" level:LEVEL2A cloud:[0,20]': "place La Rochelle; L2A; cloud 0…20",
    "tile:31TCJ instrument:MSI since:2015-01-01 cloud:<20": "tile MGRS-31TCJ; MSI; 2015-01-01…; cloud …20",
    "collection:landsat-c2-l2 Toulouse": "place Toulouse; collection landsat-c2-l2",
    # what is no part of it
    "Toulouse 31 June 2015": "place Toulouse; not 31 June 2015",
    "Toulouse 29 February 2015": "place Toulouse; not 29 February 2015",
    "Toulouse 2015-02-30": "place Toulouse; not 2015-02-30",
    "Toulouse 05/06/2015": "place Toulouse; not 05/06/2015",
    "Toulouse 25/06/2014": "place Toulouse; 2014-06-25…2014-06-25",
    "Toulouse platform:LANDAST8 31000": "place Toulouse; not platform:LANDAST8,31000",
    "Toulouse with Landsat 8, from SPOT5": "place Toulouse; LANDSAT-8,SPOT-5",
    "Toulouse with snow 2014": "place Toulouse; aside snow; 2014-01-01…2014-12-31; not with",
    "Toulouse LANDAST8 2014": "place Toulouse LANDAST8; 2014-01-01…2014-12-31",
}

FRENCH = {
    "images de Toulouse LANDSAT8 en 2014": "place Toulouse; LANDSAT-8; 2014-01-01…2014-12-31",
    "images Sentinel 2 à Toulouse de juin 2014 à août 2014": "place Toulouse; SENTINEL-2; 2014-06-01…2014-08-31",
    "Aix en Provence hiver 2013": "place Aix en Provence; 2012-12-21…2013-03-20",
    "scènes prises sur l'Ardèche": "place l'Ardèche",
    "Villeneuve sur Lot, Sentinel-2, août 2014": "place Villeneuve sur Lot; SENTINEL-2; 2014-08-01…2014-08-31",
    "les images près d’Arcachon niveau 2A": "place Arcachon; L2A",
    "Aulnay sous Bois en 2014": "place Aulnay sous Bois; 2014-01-01…2014-12-31",
    "montre-moi Île de Ré hier": "place Île de Ré; 2015-06-11…2015-06-11",
    "avec Sentinel-2 autour de Rennes": "place Rennes; SENTINEL-2",
    "La Rochelle sans nuage": "place La Rochelle; cloud …0",
    "la tuile T31TCJ niveau 1C": "tile MGRS-31TCJ; L1C",
    "à 30 km de Nantes": "place Nantes; 30 km",
    "Toulouse le 12 juin 2015": "place Toulouse; 2015-06-12…2015-06-12",
    "Toulouse 1er mai 2015 sans nuages": "place Toulouse; 2015-05-01…2015-05-01; cloud …0",
    "images de Toulouse du 05/06/2015": "place Toulouse; 2015-06-05…2015-06-05",
    "Toulouse du 12 au 15 mai 2015": "place Toulouse; 2015-05-12…2015-05-15",
    "Toulouse entre mars et mai 2014": "place Toulouse; 2014-03-01…2014-05-31",
    "Toulouse juillet et août 2013, 2014": "place Toulouse; 2013-07-01…2013-07-31 2013-08-01…2013-08-31"
    " 2014-07-01…2014-07-31 2014-08-01…2014-08-31",
    "Toulouse juin-août 2014": "place Toulouse; 2014-06-01…2014-08-31",
    "Toulouse en mars": "place Toulouse; 2015-03-01…2015-03-31 latest",
    "Toulouse après le 12 mai 2015": "place Toulouse; 2015-05-13…",
    "Toulouse avant 2014": "place Toulouse; …2013-12-31",
    "Toulouse depuis le 1er mai 2015": "place Toulouse; 2015-05-01…",
    "Toulouse à partir de mai 2015": "place Toulouse; 2015-05-01…",
    "Toulouse jusqu'au 3 mai 2015": "place Toulouse; …2015-05-03",
    "Toulouse pendant l'été 2014": "place Toulouse; 2014-06-21…2014-09-20",
    "Toulouse au printemps de l'année 2014": "place Toulouse; 2014-03-21…2014-06-20",
    "Toulouse été austral 2014": "place Toulouse; 2013-12-21…2014-03-20",
    "Toulouse l'automne dernier": "place Toulouse; 2014-09-21…2014-12-20",
    "Toulouse les 3 derniers mois": "place Toulouse; 2015-03-12…2015-06-12",
    "Toulouse au cours des deux dernières semaines": "place Toulouse; 2015-05-29…2015-06-12",
    "Toulouse le mois dernier": "place Toulouse; 2015-05-01…2015-05-31",
    "Toulouse la dernière semaine": "place Toulouse; 2015-06-05…2015-06-12",
    "Toulouse semaine prochaine": "place Toulouse; 2015-06-15…2015-06-21",
    "Toulouse il y a 3 jours": "place Toulouse; 2015-06-09…2015-06-09",
    "Toulouse depuis 3 jours": "place Toulouse; 2015-06-09…",
    "Toulouse aujourd'hui": "place Toulouse; 2015-06-12…2015-06-12",
    "Toulouse cette année": "place Toulouse; 2015-01-01…2015-12-31",
    "Toulouse moins de 20% de nuages": "place Toulouse; cloud …20",
    "Toulouse avec moins de vingt pour cent de nuages": "place Toulouse; cloud …20",
    "Toulouse nuages inférieurs à 20 %": "place Toulouse; cloud …20",
    "Toulouse couverture nuageuse < 12,5 %": "place Toulouse; cloud …12.5",
    "Toulouse nuages entre 10 et 20 %": "place Toulouse; cloud 10…20",
    "Toulouse plus de 50 % de nuages": "place Toulouse; cloud 50…",
    "Toulouse avec peu de nuages": "place Toulouse; cloud …25",
    "Toulouse avec nuages": "place Toulouse; cloud 25…",
    "Toulouse ciel clair": "place Toulouse; cloud …0",
    "lieu:Pornic plateforme:SPOT5 niveau:N2A depuis:2015-05-01 nuages:<10": "place Pornic; SPOT-5; L2A; 2015-05-01…"
    "; cloud …10",
    "Toulouse 31 juin 2015": "place Toulouse; not 31 juin 2015",
}


def told(sentence: Sentence) -> str:
    """What a sentence was read to ask for, on one line."""
    days = [
        f"{start.strftime('%Y-%m-%d') if start else ''}…{end.strftime('%Y-%m-%d') if end else ''}"
        for start, end in sentence.acquired
    ]
    least, most = ("" if bound is None else f"{bound:g}" for bound in (sentence.min_cloud, sentence.max_cloud))
    parts = [
        *(f"place {place}" for place in sentence.places),
        *(f"aside {words}" for words in sentence.asides),
        *(f"tile {grid}" for grid in sentence.grids),
        f"{sentence.radius:g} km" if sentence.radius else "",
        ",".join(sentence.platforms),
        ",".join(sentence.instruments),
        *(f"collection {word}" for word in sentence.collections),
        ",".join(sentence.levels),
        " ".join(days) + (" latest" if sentence.yearless else ""),
        f"cloud {least}…{most}" if least or most else "",
        f"not {','.join(sentence.not_understood)}" if sentence.not_understood else "",
    ]
    return "; ".join(part for part in parts if part)


@pytest.mark.parametrize(("text", "meaning"), ENGLISH.items())
def test_an_english_sentence_is_read(text: str, meaning: str) -> None:
    assert told(read(text, now=NOW)) == meaning


@pytest.mark.parametrize(("text", "meaning"), FRENCH.items())
def test_a_french_sentence_is_read(text: str, meaning: str) -> None:
    assert told(read(text, now=NOW)) == meaning


@pytest.mark.parametrize("text", [text for text in {**ENGLISH, **FRENCH} if ":" not in text])
def test_case_does_not_matter(text: str) -> None:
    quiet, loud = read(text.lower(), now=NOW), read(text.upper(), now=NOW)
    assert told(quiet).lower() == told(loud).lower()


@pytest.mark.parametrize(
    "text", ["Toulouse été 2014 après juin", "La Rochelle août 2014 année dernière", "nuages inférieurs à 20 %"]
)
def test_accents_do_not_matter(text: str) -> None:
    plain = text.translate(str.maketrans("éèêàâôûù", "eeeaaouu"))
    assert plain != text
    assert told(read(plain, now=NOW)) == told(read(text, now=NOW))


@pytest.mark.parametrize("text", FRENCH)
def test_the_language_of_a_french_sentence_is_french(text: str) -> None:
    assert read(text, now=NOW).language == "fr"


@pytest.mark.parametrize("text", ENGLISH)
def test_the_language_of_any_other_is_english(text: str) -> None:
    assert read(text, now=NOW).language == "en"


def test_a_name_with_french_words_does_not_make_a_sentence_french() -> None:
    assert read("La Rochelle LANDSAT8 2014", now=NOW).language == "en"


def test_an_interval_goes_from_the_first_instant_to_the_last() -> None:
    assert read("2014", now=NOW).acquired == (
        (datetime(2014, 1, 1, tzinfo=UTC), datetime(2014, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    )


def test_hours_are_counted_from_now() -> None:
    assert read("last 24 hours", now=NOW).acquired == ((datetime(2015, 6, 11, 6, tzinfo=UTC), NOW),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Toulouse 2014 avant 2013", ("2014", "avant 2013")),
        ("after 2015 before 2014", ("after 2015", "before 2014")),
        ("less than 10 % cloud, more than 20 % cloud", ("less than 10 % cloud", "more than 20 % cloud")),
        ("from 2015 to 2013", ("from 2015 to 2013",)),
    ],
)
def test_terms_that_exclude_each_other_are_named(text: str, words: tuple[str, ...]) -> None:
    assert read(text, now=NOW).contradictions == words


def test_how_each_word_was_read_is_kept_in_the_order_of_the_text() -> None:
    sentence = read("Images on Toulouse LANDSAT8 in 2014 snowy:yes", now=NOW)
    assert [(reading.words, reading.kind) for reading in sentence.understood] == [
        ("Images", Kind.PASSING),
        ("on", Kind.PASSING),
        ("Toulouse", Kind.PLACE),
        ("LANDSAT8", Kind.PLATFORM),
        ("in 2014", Kind.ACQUIRED),
    ]
    assert sentence.asides == ("snowy:yes",)


_WORDS = st.sampled_from(sorted(VOCABULARY["en"] | VOCABULARY["fr"]))
_NAMES = st.sampled_from(["Toulouse", "L2A", "LANDSAT8", "31TCJ", "198/030", "2014", "12", "31", "2015-02-30", "20%"])
_SIGNS = st.sampled_from(["<", ">=", "%", ",", "-", "..", "/", '"', "'", ":", "l'", "cloud:<20", "date:", "99999999"])
_SENTENCES = st.lists(st.one_of(_WORDS, _NAMES, _SIGNS, st.text(max_size=8)), max_size=12).map(" ".join)


def letters(text: str) -> Counter[str]:
    return Counter(c for c in text if c.isalnum())


@settings(max_examples=400)
@given(st.one_of(_SENTENCES, st.text(max_size=60)))
@example("last 99999 years")
@example("in 0001-01-01 since 9999-12-31 next 9999 years")
@example('"unclosed 2014 « also')
@example("platform: LANDSAT8 cloud:[,] date:/ tile:x")
def test_every_word_is_accounted_for_and_nothing_is_raised(text: str) -> None:
    sentence = read(text, now=NOW)
    accounted = [reading.words for reading in sentence.understood] + [*sentence.asides, *sentence.not_understood]
    assert letters(" ".join(accounted)) == letters(text)
    assert all(start is None or end is None or start <= end for start, end in sentence.acquired)
    for bound in (sentence.min_cloud, sentence.max_cloud):
        assert bound is None or 0 <= bound <= 100
    assert sentence.not_understood == () or strange(sentence, sentence.asides)
    assert said(sentence, sentence.places).endswith(("read as English", "lu en français"))


@settings(max_examples=100)
@given(st.datetimes(datetime(1972, 1, 1), datetime(2090, 1, 1)), st.sampled_from([*ENGLISH, *FRENCH]))  # noqa: DTZ001
def test_a_sentence_is_read_on_any_day(now: datetime, text: str) -> None:
    sentence = read(text, now=now.replace(tzinfo=UTC))
    assert all(start is None or end is None or start <= end for start, end in sentence.acquired)


# Saying it back


def test_an_english_sentence_is_said_back() -> None:
    sentence = read("Toulouse LANDSAT8 OLI L1C March less than 20 % cloud", now=NOW)
    assert said(sentence, ["Toulouse, France (town, 40 x 40 km)"]) == (
        "place: Toulouse, France (town, 40 x 40 km) · platform: LANDSAT-8 · instrument: OLI · level: L1C"
        " · acquired 2015-03-01…2015-03-31 (the latest) · cloud ≤ 20 % · read as English"
    )


def test_a_french_sentence_is_said_back_in_french() -> None:
    sentence = read("images de Pornic SPOT5 N2A en mai 2015 sans nuage, LANDAST", now=NOW)
    assert said(sentence, ["Pornic, France (ville)"]) == (
        "lieu : Pornic, France (ville) · plateforme : SPOT-5 · niveau : L2A · acquis 2015-05-01…2015-05-31"
        " · nuages ≤ 0 % · lu en français"
    )
    assert strange(sentence, sentence.asides) == 'pas compris : "LANDAST" (vouliez-vous dire LANDSAT ?)'


def test_what_was_not_understood_is_named_with_what_it_may_have_meant() -> None:
    sentence = read("Toulouse 31 June 2015 platform:LANDAST8", now=NOW)
    assert strange(sentence, ["bogus"]) == (
        'not understood: "31 June 2015", "platform:LANDAST8" (did you mean platform:LANDSAT-8?), "bogus"'
    )
    assert strange(read("Toulouse 2014", now=NOW), []) is None


@pytest.mark.parametrize(
    ("word", "meant"),
    [("LANDAST8", "LANDSAT-8"), ("Sentinal-2", "SENTINEL-2"), ("Febuary", "february"), ("Toulouse", None), ("x", None)],
)
def test_a_slip_of_a_known_word_is_recognised(word: str, meant: str | None) -> None:
    assert near(word) == meant


# Satellites by the names that catalogues give them


@pytest.mark.parametrize(
    ("name", "platforms"),
    [
        ("sentinel-2-l2a", ("SENTINEL-2",)),
        ("sentinel-2-c1-l2a", ("SENTINEL-2",)),
        ("landsat-c2-l2", ("LANDSAT",)),
        ("THEIA_REFLECTANCE_LANDSAT8_L2A", ("LANDSAT-8",)),
        ("SPOT5", ("SPOT-5",)),
        ("S2A_MSIL2A_20150704T101006_N0204_R022_T32TNS_20150704T101337", ("SENTINEL-2A",)),
        ("LC08_L2SP_198030_20140102_20200912_02_T1", ("LANDSAT-8",)),
        ("HLSS30", ("SENTINEL-2",)),
        ("hls2-l30", ("LANDSAT-8", "LANDSAT-9")),
        ("SWH_SPOT123_L1", ("SPOT-1", "SPOT-2", "SPOT-3")),
        ("Landsat57", ("LANDSAT-5", "LANDSAT-7")),
        ("SpotWorldHeritage", ("SPOT",)),
        ("VENUSVM05", ("VENUS",)),
        ("S2ST", ("SENTINEL-2",)),
        ("HLS.L30.T31TCJ.2021001T104711.v2.0", ("LANDSAT-8", "LANDSAT-9")),
        ("MOD09GA.A2014001.h18v04.061", ("TERRA",)),
        ("things", ()),
    ],
)
def test_a_collection_or_product_names_its_satellite(name: str, platforms: tuple[str, ...]) -> None:
    assert named_in(name) == platforms


@pytest.mark.parametrize("written", ["SENTINEL2A", "sentinel-2a", "Sentinel-2A", "S2A", "SENTINEL-2A"])
def test_one_platform_has_many_spellings(written: str) -> None:
    assert platform_of(product(platform=written, title="x")) == "SENTINEL-2A"


def test_the_name_of_a_product_tells_more_than_the_family_that_it_says() -> None:
    assert platform_of(product(platform="SENTINEL-2", title="S2B_MSIL2A_20200101")) == "SENTINEL-2B"
    assert platform_of(product(platform=None, title="LC09_L1TP_198030")) == "LANDSAT-9"
    assert platform_of(product(platform="a drone", title="flight 3")) is None


@pytest.mark.parametrize(
    ("said_of_it", "wanted", "verdict"),
    [
        ("OLI_TIRS", "OLI", True),
        ("OLITIRS", "TIRS", True),
        ("HRG2", "HRG", True),
        ("HRG2", "HRG1", False),
        ("ETM+", "ETM", True),
        ("ETM", "TM", False),
        ("c-sar", "SAR", True),
        ("msi", "MSI", True),
    ],
)
def test_an_instrument_has_many_spellings(said_of_it: str, wanted: str, verdict: bool) -> None:
    assert has_instrument(said_of_it, wanted) is verdict


def test_levels_have_many_spellings() -> None:
    assert {level_of(word) for word in ("L2A", "level-2a", "N2A", "2a", "LEVEL2A", "niveau2A")} == {"L2A"}
    assert level_of("level2") == level_of("L2") == "L2"
    assert level_of("2014") is level_of("2") is None


# Which products fit


def fit(text: str, **facts: Any) -> bool:
    return fits(product(**facts), read(text, now=NOW))[0]


@pytest.mark.parametrize(
    ("text", "facts", "verdict"),
    [
        ("LANDSAT8", {"platform": "landsat-8"}, True),
        ("LANDSAT8", {"platform": "landsat-9"}, False),
        ("LANDSAT", {"platform": "LANDSAT_9"}, True),
        ("SENTINEL-2", {"platform": "S2B", "title": "x"}, True),
        ("SENTINEL-2A", {"platform": "S2B", "title": "x"}, False),
        ("HRG1", {"instrument": "HRG2"}, False),
        ("MSI", {"platform": "landsat-8", "instrument": None}, False),
        ("L2A", {"level": "L1C"}, False),
        ("L2", {"level": "L2A"}, True),
        ("cloud < 20", {"cloud": 20.0}, True),
        ("cloud < 20", {"cloud": 20.5}, False),
        ("cloud > 20", {"cloud": 3.0}, False),
        ("May 2015", {"acquired": datetime(2015, 5, 31, 23, 59, 59, 500000, tzinfo=UTC)}, True),
        ("May 2015", {"acquired": datetime(2015, 6, 1, tzinfo=UTC)}, False),
        ("2013, May 2015", {}, True),
        ("T31TCJ", {"grid": "MGRS-31TDJ"}, False),
        ("T31TCJ", {"grid": "MGRS-31TCJ"}, True),
        ("T31TCJ", {"grid": "WRS2-198030"}, True),
        ("HLS", {"title": "HLS.S30.T31TCJ"}, True),
        ("HLS", {}, False),
    ],
)
def test_a_product_fits_or_not(text: str, facts: dict[str, Any], verdict: bool) -> None:
    assert fit(text, **facts) is verdict


def test_what_a_product_does_not_tell_keeps_it_in_and_is_told() -> None:
    silent = product(platform=None, instrument=None, title="scene 3", cloud=None, level=None, acquired=None)
    sentence = read("LANDSAT8 OLI L2A 2014 cloud < 20", now=NOW)
    fit, untold = fits(silent, sentence)
    assert fit
    assert untold == {Kind.PLATFORM, Kind.INSTRUMENT, Kind.LEVEL, Kind.ACQUIRED, Kind.CLOUD}


def test_collections_of_other_satellites_are_not_asked() -> None:
    kept = [
        name
        for name in ("sentinel-2-l2a", "landsat-c2-l2", "LANDSAT8", "things")
        if holds(name, read("LANDSAT8", now=NOW))
    ]
    assert kept == ["landsat-c2-l2", "LANDSAT8", "things"]
    assert not holds("landsat-c2-l2", read("MSI", now=NOW))
    assert holds("SPOT5", read("Take5", now=NOW), catalogue="take5")
    assert may_hold("SPOT5", ())


def test_a_picture_is_named_as_not_understood_and_a_dash_is_passed_over() -> None:
    asked = read("\N{SATELLITE} Toulouse - 2014", now=NOW)
    assert (asked.not_understood, asked.places) == (("\N{SATELLITE}",), ("Toulouse",))
