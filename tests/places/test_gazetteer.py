"""The gazetteer: what it holds, how small and quick it is, and that it can be made again."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from data import gazetteer as build
from data.packages import lying
from watcher.places import gazetteer
from watcher.places.gazetteer import key

MILLIONS = 5 * 1000 * 1000


def place(name: str, *others: str, **facts: Any) -> build.Row:
    names = msgspec.Raw(msgspec.json.encode(others))
    usual = build.Row(1, name, "FR", "76", latitude=43.5, longitude=1.5, population=1000, alternatenames=names)
    return msgspec.structs.replace(usual, **facts)


def columns(*places: build.Row) -> dict[str, bytes]:
    countries = {"FR": {"iso3": "FRA", "name": "France"}}
    return build.members(places, {"FR.76": "Occitanie"}, countries, {"FR": ["Francia", "Frankreich"]})


def test_it_is_small() -> None:
    assert build.TARGET.stat().st_size <= MILLIONS


def test_it_has_every_place_in_every_column() -> None:
    count = sum(int(line.split("\t")[3]) for line in gazetteer._member("regions.tsv").decode().splitlines())
    assert count == 234_908
    assert gazetteer._member("keys").count(b"\n") == gazetteer._member("names").count(b"\n") == count + 1
    assert gazetteer._member("aliases").count(b"\n") == count
    for column in ("longitude", "latitude", "population"):
        assert len(gazetteer._member(column)) == 4 * count


def test_its_keys_are_what_names_are_looked_up_by_and_lead_back_to_their_place() -> None:
    rows = range(gazetteer._member("aliases").count(b"\n"))
    for row in random.Random(7).sample(rows, 2_000):
        town = gazetteer._town(row)
        assert key(town.name) == gazetteer._line("keys", row)
        assert -180 <= town.longitude <= 180
        assert -90 <= town.latitude <= 90
    for row in random.Random(8).sample(rows, 30):
        town = gazetteer._town(row)
        assert town in gazetteer.towns(key(town.name))


@pytest.mark.parametrize(
    ("name", "country", "longitude", "latitude", "people"),
    [
        ("Toulouse", "FR", 1.44367, 43.60426, 511_684),
        ("Pornic", "FR", -2.10331, 47.11581, 12_897),
        ("Moorreesburg", "ZA", 18.66031, -33.15388, 15_428),
        ("Sodankyla", "FI", 26.6, 67.41667, 8_067),
        ("lodz", "PL", 19.47395, 51.77058, 639_890),
    ],
)
def test_a_town_is_where_geonames_has_it(
    name: str, country: str, longitude: float, latitude: float, people: int
) -> None:
    (town,) = gazetteer.towns(key(name))
    assert (town.country, town.longitude, town.latitude, town.population) == (country, longitude, latitude, people)


def test_a_large_town_is_found_by_its_other_names_and_says_so() -> None:
    (town,) = gazetteer.towns(key("München"))
    assert (town.name, town.region, town.alias) == ("Munich", "Bavaria", "munchen")


def test_who_bears_a_name_comes_before_who_is_also_called_so() -> None:
    towns = gazetteer.towns("litchfield")
    assert [town.alias for town in towns] == [None] * 5 + ["litchfield"]
    assert {town.country for town in towns} == {"US"}
    people = [town.population for town in towns[:5]]
    assert people == sorted(people, reverse=True)


def test_places_can_be_asked_for_within_regions_only() -> None:
    towns = gazetteer.towns("paris", lambda region: (region.country, region.name) == ("US", "Texas"))
    assert [(town.name, town.region) for town in towns] == [("Paris", "Texas")]


@pytest.mark.parametrize("nothing", ["qwghlm", "toulous", "oulouse", "", "munchen ", "\n"])
def test_a_key_is_whole_or_nothing(nothing: str) -> None:
    assert gazetteer.towns(nothing) == []


@pytest.mark.parametrize(
    ("longitude", "latitude", "name", "kilometres"),
    [
        (1.44, 43.60, "Toulouse", (0, 2)),
        (180.0, -17.0, "Savusavu", (70, 80)),
        (-180.0, -17.0, "Savusavu", (70, 80)),
        (0.0, -90.0, "Puerto Williams", (3_800, 3_950)),
    ],
)
def test_the_nearest_place_is_found_anywhere_on_earth(
    longitude: float, latitude: float, name: str, kilometres: tuple[float, float]
) -> None:
    town, distance = gazetteer.nearest(longitude, latitude)
    assert town.name == name
    assert kilometres[0] <= distance <= kilometres[1]


def test_a_beginning_finds_the_largest_first() -> None:
    assert [town.name for town in gazetteer.beginning("toulous")] == ["Toulouse"]
    assert gazetteer.beginning("kruger")[0].name == "Krugersdorp"


def test_a_country_is_known_by_its_names_in_several_languages() -> None:
    (africa,) = [country for country in gazetteer.countries() if country.code == "ZA"]
    names = ("South Africa", "SouthAfrica", "Afrique du Sud", "Sudáfrica", "Südafrika")
    assert {key(name) for name in names} <= africa.keys
    assert gazetteer.code(africa.name) == "ZA"
    assert gazetteer.country("ZA") == "South Africa"


def test_the_credit_is_in_the_file_and_beside_it() -> None:
    import zipfile

    with zipfile.ZipFile(build.TARGET) as archive:
        assert "GeoNames" in archive.comment.decode()
        assert "CC BY 4.0" in archive.comment.decode()
    notice = build.TARGET.with_name("NOTICE").read_text(encoding="utf-8")
    assert "GeoNames" in notice
    assert "https://creativecommons.org/licenses/by/4.0/" in notice


def test_neither_the_service_nor_its_passes_load_it() -> None:
    script = (
        "import sys, watcher.service, watcher.cli.work.service, watcher.cli.work.poll, watcher.wiring, watcher.jobs\n"
        "print([name for name in sys.modules if name.startswith('watcher.')])"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "watcher.jobs" in loaded
    for name in ("gazetteer", "understand", "parks", "take5"):
        assert f"watcher.places.{name}" not in loaded


def test_an_exact_lookup_makes_no_objects_of_what_it_does_not_return() -> None:
    script = (
        "import tracemalloc; from watcher.places import gazetteer\n"
        "tracemalloc.start(); gazetteer.towns('toulouse'); print(tracemalloc.get_traced_memory()[1])"
    )
    peak = int(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)
    assert peak < 40_000_000


def test_the_build_gives_the_same_bytes_whatever_the_order_of_its_input() -> None:
    places = [place("Auch"), place("Auch", population=5, geonameid=2), place("Albi", admin1code="11"), place("Àlbi")]
    one = build.packed(columns(*places))
    assert one == build.packed(columns(*reversed(places)))
    assert build.unpacked(one) == columns(*places)


def test_the_build_sorts_by_region_and_leaves_out_what_follows_from_the_key() -> None:
    made = columns(place("L'Isle-Jourdain"), place("Auch", longitude=-0.58559, population=300))
    assert made["keys"] == b"\nauch\nlislejourdain\n"
    assert made["names"] == b"\n\nL'Isle-Jourdain\n"
    assert made["regions.tsv"] == b"FR\t76\tOccitanie\t2\n"
    assert made["countries.tsv"] == b"FR\tFRA\tFrance\tfrance francia frankreich\n"
    assert made["population"] == bytes([300 % 256, 1000 % 256, 1, 3, 0, 0, 0, 0])
    assert int.from_bytes(made["longitude"][::2], "little") == 17_941_441


def test_the_build_keeps_latin_aliases_of_large_places_only() -> None:
    names = ["Tolosa", "TLS", "Тулуза", "tu lu zi", "Toulouse", "X"]
    large = columns(place("Toulouse", *names, population=511_684))
    assert large["aliases"] == b" tls tolosa tuluzi \n"
    assert columns(place("Toulouse", *names, population=14_999))["aliases"] == b"\n"


def test_it_is_what_the_build_makes_of_the_packages() -> None:
    packages = [path for package in build.PACKAGES if (path := lying(package)) is not None]
    if len(packages) < len(build.PACKAGES):
        pytest.skip("not all packages that it is made from are in build/packages: `make packages` says why")
    made = build.read(*packages)
    shipped = build.unpacked(Path(build.TARGET).read_bytes())
    # Member by member: the same content has other bytes under another zlib.
    assert made.keys() == shipped.keys()
    for name, content in made.items():
        assert content == shipped[name], name
