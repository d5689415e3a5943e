"""Names of places as people write them, and what watcher makes of each: taken, listed, or proposed."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import shapely

from watcher.errors import UsageError
from watcher.places import gazetteer, parks, take5
from watcher.places.choice import chosen
from watcher.places.place import Place, address
from watcher.places.understand import TOWN_KM, Understood, understand


def taken(text: str) -> Place:
    understood = understand(text)
    assert understood.sure, [address(place) for place in understood.places]
    return chosen(understood)


def proposed(text: str) -> Understood:
    understood = understand(text)
    assert not understood.exact
    assert not understood.sure
    return understood


def bounds(place: Place) -> tuple[float, ...]:
    assert place.geometry is not None
    return shapely.from_geojson(place.geometry).bounds


def test_litchfield_is_the_take5_site_and_five_towns_in_the_united_states_share_the_name() -> None:
    understood = understand("Litchfield")
    first = chosen(understood)
    assert (first.kind, first.country, first.point) == ("Take5 site", "Australia", (130.8, -13.2))
    assert "5 towns in the United States share this name." in understood.remarks
    assert [place.kind for place in understood.places] == ["Take5 site", "park"] + ["town"] * 6


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("Moorreesburg", "Moorreesburg, Western Cape, South Africa"),
        ("moorreesburg", "Moorreesburg, Western Cape, South Africa"),
        ("Moorreesburg, ZA", "Moorreesburg, Western Cape, South Africa"),
        ("Moorreesburg, Western Cape, South Africa", "Moorreesburg, Western Cape, South Africa"),
        ("Moorreesburg (South Africa)", "Moorreesburg, Western Cape, South Africa"),
        ("Afrique du Sud : Moorreesburg", "Moorreesburg, Western Cape, South Africa"),
        ("Batchelor, AU", "Batchelor, Northern Territory, Australia"),
        ("Batchelor Australia", "Batchelor, Northern Territory, Australia"),
        ("Batchelor, Northern Territory", "Batchelor, Northern Territory, Australia"),
        ("Paris", "Paris, Île-de-France, France"),
        ("Paris, Texas", "Paris, Texas, United States"),
        ("Paris TX", "Paris, Texas, United States"),
        ("Paris, TX, U.S.A.", "Paris, Texas, United States"),
        ("Pasadena, CA", "Pasadena, California, United States"),
        ("London, Ontario", "London, Ontario, Canada"),
        ("Tolosa, Espagne", "Tolosa, Basque Country, Spain"),
        ("Tolosa, Spagna", "Tolosa, Basque Country, Spain"),
        ("Kapstadt, Südafrika", "Cape Town, Western Cape, South Africa"),
        ("Łódź", "Łódź, Łódź Voivodeship, Poland"),
        ("saint-pierre-et-miquelon : Saint Pierre", "Saint-Pierre, Saint-Pierre, Saint Pierre and Miquelon"),
    ],
)
def test_a_town_is_taken_with_its_country_however_that_is_written(text: str, where: str) -> None:
    place = taken(text)
    assert place.kind == "town"
    assert address(place) == where


@pytest.mark.parametrize(
    ("text", "name", "country"),
    [
        ("Toulouse", "Toulouse", "France"),
        ("Toulouse, FR", "Toulouse", "France"),
        ("Toulouse France", "Toulouse", "France"),
        ("ToulouseFrance", "Toulouse", "France"),
        ("SouthAfrica : Mooreesburg", "Mooreesburg", "South Africa"),
        ("Mooreesburg", "Mooreesburg", "South Africa"),
        ("France : Pornic", "Pornic", "France"),
        ("Sodankylä", "Sodankyla", "Finland"),
        ("Écrins", "Ecrins", "France"),
    ],
)
def test_a_take5_site_comes_first(text: str, name: str, country: str) -> None:
    place = taken(text)
    assert (place.kind, place.name, place.country) == ("Take5 site", name, country)
    assert "Take5" in place.origin


def test_a_country_that_a_take5_site_is_not_in_leads_to_the_towns() -> None:
    understood = understand("Litchfield, US")
    assert {place.country for place in understood.places} == {"United States"}
    assert not understood.sure


@pytest.mark.parametrize(
    ("text", "name", "longitude", "latitude"),
    [
        ("Kruger", "Kruger National Park", 31.5, -24.0),
        ("Kruger NP", "Kruger National Park", 31.5, -24.0),
        ("kruger national park", "Kruger National Park", 31.5, -24.0),
        ("Litchfield National Park", "Litchfield National Park", 130.8, -13.2),
        ("Kakadu", "Kakadu National Park", 132.4, -12.7),
        ("Camargue", "Camargue", 4.56667, 43.56667),
        ("Doñana", "Doñana National Park", -6.4, 37.0),
        ("Donana", "Doñana National Park", -6.4, 37.0),
        ("Parque Nacional de Doñana", "Doñana National Park", -6.4, 37.0),
        ("Parc national des Écrins", "Écrins National Park", 6.3, 44.9),
        ("Parc national de la Vanoise", "Vanoise National Park", 6.85, 45.4),
        ("Parco nazionale del Gran Paradiso", "Gran Paradiso National Park", 7.3, 45.5),
        ("Cevennes", "Cévennes National Park", 3.7, 44.3),
        ("Serengeti", "Serengeti National Park", 34.8, -2.3),
        ("Yellowstone", "Yellowstone National Park", -110.5, 44.6),
        ("Everglades", "Everglades National Park", -80.9, 25.4),
        ("Banff National Park", "Banff National Park", -116.0, 51.5),
        ("Okavango Delta", "Okavango Delta", 22.8, -19.3),
        ("Danube Delta", "Danube Delta", 29.3, 45.1),
        ("Wattenmeer", "Wadden Sea", 7.0, 53.6),
        ("Sundarbans", "Sundarbans", 89.0, 21.9),
        ("Etosha", "Etosha National Park", 15.9, -18.9),
        ("Maasai Mara", "Masai Mara", 35.1, -1.5),
        ("Pantanal", "Pantanal", -57.0, -18.0),
    ],
)
def test_a_park_is_known_with_and_without_the_words_for_a_park(
    text: str, name: str, longitude: float, latitude: float
) -> None:
    place = taken(text)
    assert place.name == name
    assert place.kind in ("park", "region")
    assert "approximate" in place.origin
    assert not place.exact
    assert place.geometry is not None
    assert shapely.from_geojson(place.geometry).contains(shapely.Point(longitude, latitude))


@pytest.mark.parametrize(
    ("text", "first", "region"),
    [
        ("Moorresburg", "Moorreesburg", "Western Cape"),
        ("Tolouse", "Toulouse", None),
        ("Toulose", "Toulouse", None),
        ("Litchfeld", "Litchfield", None),
        ("Mulhose", "Mulhouse", None),
        ("Barax", "Barrax", "Castille-La Mancha"),
        ("Arcachn", "Arcachon", "New Aquitaine"),
        ("Pornik", "Pornic", None),
        ("Camarge", "Camargue", None),
        ("Krugers", "Kruger National Park", None),
        ("Serengetti", "Serengeti National Park", None),
        ("Tolouse, FR", "Toulouse", None),
        ("Litchfeld, US", "Litchfield", "New Hampshire"),
        ("Moorresburg South Africa", "Moorreesburg", "Western Cape"),
    ],
)
def test_a_slip_is_proposed_and_never_taken(text: str, first: str, region: str | None) -> None:
    place = proposed(text).places[0]
    assert (place.name, place.region) == (first, region)


def test_what_is_spelt_nearly_so_is_looked_for_in_the_country_that_is_named() -> None:
    assert {place.country for place in proposed("Litchfeld, US").places} == {"United States"}


def test_a_name_that_is_known_elsewhere_only_is_proposed_there() -> None:
    understood = proposed("Toulouse, Germany")
    assert address(understood.places[1]) == "Toulouse, Occitanie, France"
    with pytest.raises(UsageError, match="None of that name is known in Germany"):
        chosen(understood)


def test_a_beginning_is_proposed_only_when_nothing_is_spelt_nearly_so() -> None:
    assert [place.name for place in proposed("Krugersd").places] == ["Krugersdorp"]
    assert proposed("Yellowst").places[0].name == "Yellowstone National Park"


def test_a_list_says_how_to_name_one_and_each_way_leads_there() -> None:
    with pytest.raises(UsageError) as refused:
        chosen(understand("Moorresburg"))
    message = str(refused.value)
    assert message.startswith('"Moorresburg" is not a known place. Did you mean\n  1. Moorreesburg, Western Cape, ')
    assert "33.1539° S 18.6603° E" in message
    assert refused.value.hint == '--pick 1, or "Moorreesburg, ZA"'
    assert refused.value.exit_code == 2
    assert chosen(understand("Moorresburg"), 1) == taken("Moorreesburg, ZA")


def test_towns_of_one_size_are_listed() -> None:
    with pytest.raises(UsageError, match=r'"Springfield" may be any of \d+ places') as refused:
        chosen(understand("Springfield"))
    lines = str(refused.value).splitlines()
    assert lines[1].startswith("  1. Springfield, Missouri, United States (town, 170,188 people")
    assert lines[10].startswith("  10. ")
    assert lines[11].endswith("more: name the country or the region too")
    assert refused.value.hint == '--pick 1, or "Springfield, Missouri, United States"'
    assert address(taken("Springfield, Missouri, United States")) == "Springfield, Missouri, United States"
    assert address(chosen(understand("Springfield"), 3)) == "Springfield, Illinois, United States"


@pytest.mark.parametrize("pick", [0, 3, 99])
def test_a_number_that_no_place_has_is_refused(pick: int) -> None:
    understood = understand("Batchelor")
    assert len(understood.places) == 2
    with pytest.raises(UsageError, match=f"no --pick {pick}"):
        chosen(understood, pick)


def test_a_town_that_is_only_called_so_does_not_hide_behind_a_small_one_that_bears_the_name() -> None:
    understood = understand("Cologne")
    assert not understood.sure
    assert "Köln" in [place.name for place in understood.places]
    assert address(taken("Cologne, Germany")) == "Köln, North Rhine-Westphalia, Germany"


def test_a_town_ten_times_larger_than_the_others_is_taken_and_they_are_mentioned() -> None:
    understood = understand("Naples")
    assert address(chosen(understood)) == "Naples, Campania, Italy"
    assert "4 towns in the United States share this name." in understood.remarks


@pytest.mark.parametrize(("text", "what"), [("California", "a region of United States"), ("Georgia", "a country")])
def test_a_region_or_country_is_never_taken_for_a_town(text: str, what: str) -> None:
    with pytest.raises(UsageError, match=f"{text} is (also )?{what}"):
        chosen(understand(text))


def test_a_country_is_not_held_against_names_that_are_spelt_like_it() -> None:
    understood = proposed("France")
    assert understood.places == ()
    with pytest.raises(UsageError, match="France is a country") as refused:
        chosen(understood)
    assert "--bbox" in str(refused.value.hint)


def test_a_town_in_the_region_of_its_name_is_taken() -> None:
    assert address(taken("Vienna")) == "Vienna, Vienna, Austria"
    assert address(taken("Berlin")).startswith("Berlin, ")


def test_an_unknown_region_is_named_and_nothing_is_taken() -> None:
    with pytest.raises(UsageError, match='"Haute-Garonne" is no country or region that watcher knows'):
        chosen(understand("Toulouse, Haute-Garonne"))


def test_a_town_of_a_name_near_that_of_a_take5_site_says_so() -> None:
    (near,) = [remark for remark in understand("Mooresburg").remarks if remark.startswith("Spelt nearly so")]
    assert "Mooreesburg, South Africa (Take5 site" in near


@pytest.mark.parametrize("nothing", ["Qwghlmqwghlm", "1770", "…", "", "   ", "Київ", ","])
def test_what_is_no_place_is_refused_with_the_way_out(nothing: str) -> None:
    with pytest.raises(UsageError) as refused:
        chosen(understand(nothing))
    assert "--bbox W,S,E,N" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("text", "kind", "grid"),
    [
        ("T52LFL", "Sentinel-2 tile", "MGRS-52LFL"),
        ("52lfl", "Sentinel-2 tile", "MGRS-52LFL"),
        ("106/069", "Landsat path/row", "WRS2-106069"),
        ("106069", "Landsat path/row", "WRS2-106069"),
        ("130.8,-13.2", "point", None),
        ("130.8, -13.2, 30", "point", None),
        ("130.4,-13.5,131.2,-12.9", "box", None),
        ("POLYGON((130.4 -13.5, 131.2 -13.5, 131.2 -12.9, 130.4 -13.5))", "geometry", None),
        (" polygon ((130.4 -13.5, 131.2 -13.5, 131.2 -12.9, 130.4 -13.5))", "geometry", None),
    ],
)
def test_what_is_no_name_is_read_as_what_it_is(text: str, kind: str, grid: str | None) -> None:
    place = taken(text)
    assert (place.kind, place.grid) == (kind, grid)
    assert shapely.from_geojson(place.geometry).intersects(shapely.Point(130.8, -13.2))


@pytest.mark.parametrize("wrong", ["T60ZZZ", "300/001", "181,95", "1,2,3,-4", "POLYGON((1 2))"])
def test_what_cannot_be_right_is_refused_and_not_looked_up_as_a_name(wrong: str) -> None:
    with pytest.raises(UsageError) as refused:
        understand(wrong)
    assert "known place" not in str(refused.value)


def test_a_file_of_one_place_is_taken_and_of_several_listed(tmp_path: Path) -> None:
    corner = {"type": "Polygon", "coordinates": [[[1, 43], [2, 43], [2, 44], [1, 43]]]}
    features = [{"type": "Feature", "properties": {"name": name}, "geometry": corner} for name in ("North", "South")]
    file = tmp_path / "fields.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features[:1]}))
    assert taken(str(file)).name == "North"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    understood = understand(str(file))
    assert [place.name for place in understood.places] == ["North", "South"]
    assert chosen(understood, 2).name == "South"
    with pytest.raises(UsageError, match="may be any of 2 places"):
        chosen(understood)


def test_a_town_is_the_ground_twenty_kilometres_around_it_and_says_so() -> None:
    place = taken("Moorreesburg")
    west, south, east, north = bounds(place)
    assert (north - south) * 111.195 == pytest.approx(2 * TOWN_KM, abs=0.01)
    assert (west + east) / 2 == pytest.approx(18.66031, abs=1e-5)
    assert "20 km" in place.origin
    assert "GeoNames" in place.origin


def test_a_take5_footprint_is_exact_and_a_centre_is_a_box_of_sixty_kilometres() -> None:
    belgium, litchfield = taken("Belgium"), taken("Litchfield")
    assert belgium.exact
    assert "footprint known" in belgium.origin
    _, south, _, north = bounds(litchfield)
    assert (north - south) * 111.195 == pytest.approx(60, abs=0.01)
    assert "approximate: a box of 60 km" in litchfield.origin


def test_a_site_of_both_missions_is_one_place() -> None:
    (belgium,) = take5.named("Belgium")
    assert "SPOT4 and SPOT5" in belgium.origin
    assert len(take5.every()) == 42


def test_every_take5_site_and_park_is_found_by_its_own_name() -> None:
    for site in take5.every():
        assert site.place in understand(f"{site.place.country} : {site.place.name}").places
    for park in parks.every():
        assert parks.named(park.place.name) == [park.place]


def test_the_parks_lie_in_their_countries() -> None:
    path = Path(parks.__file__).with_name("parks.csv")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(parks.every()) >= 120
    known = {country.name for country in gazetteer.countries()}
    towns = [gazetteer._town(row) for row in range(0, 234_908, 5)]
    positions = np.array([(town.longitude, town.latitude) for town in towns])
    for row in rows:
        west, south, east, north = (float(row[edge]) for edge in ("west", "south", "east", "north"))
        assert -180 <= west < east <= 180, row
        assert -90 <= south < north <= 90, row
        assert (east - west) * np.cos(np.radians(south)) < 6, row
        assert north - south < 7, row
        assert set(row["country"].split("/")) <= known, row
        assert row["kind"] in ("park", "region"), row
        away = np.hypot(*((positions - [(west + east) / 2, (south + north) / 2]) * [np.cos(np.radians(south)), 1]).T)
        near = {gazetteer.country(towns[place].country) for place in np.argsort(away)[:12]}
        assert near & set(row["country"].split("/")), (row, near)


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("43.6000° N 1.4400° E", (1.44, 43.6)),
        ("33.9S, 18.4E", (18.4, -33.9)),
        ("13.2 s 130.8 e", (130.8, -13.2)),
        ("40.7° N 74° W", (-74, 40.7)),
    ],
)
def test_a_position_is_read_as_watcher_writes_it(text: str, point: tuple[float, float]) -> None:
    place = taken(text)
    assert (place.kind, place.point) == ("point", point)


@pytest.mark.parametrize("text", ["1,2,3,4,5", "1.44 43.6", "1 43 2 44"])
def test_numbers_that_are_neither_a_point_nor_a_box_are_told_how_to_become_one(text: str) -> None:
    with pytest.raises(UsageError, match=f'"{text}" is neither a point nor a box') as refused:
        understand(text)
    assert "LON,LAT" in (refused.value.hint or "")


@pytest.mark.parametrize("text", ["/nowhere/sites.kml", "sites.GPKG", "~/no such folder/a.geojson"])
def test_a_file_that_is_not_there_is_no_unknown_name(text: str) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        understand(text)


def test_one_place_that_is_not_sure_is_not_counted() -> None:
    with pytest.raises(UsageError, match="may be this place, but that is not sure:") as no:
        chosen(understand("La Rochelle, Nouvelle-Aquitaine"))
    assert '"Nouvelle-Aquitaine" is no country or region' in str(no.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("東京", '"東京" is no place that watcher knows, by its name in Latin letters'),
        ("Qwxzzy", '"Qwxzzy" is no place that watcher knows'),
        ("  ", "no place is named"),
    ],
)
def test_what_is_no_place_is_said_to_be_none(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        chosen(understand(text))
    assert str(refused.value) == said
