"""Files of places: what each format says, and what is refused."""

from __future__ import annotations

import io
import json
import random
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import shapefile
import shapely

from watcher.errors import UsageError
from watcher.places import files
from watcher.places.formats import archive
from watcher.places.place import Place

BOX = shapely.box(1.2, 43.4, 1.6, 43.8)
UTM = pyproj.CRS.from_epsg(32631)
IN_UTM = shapely.transform(BOX, lambda p: np.column_stack(pyproj.Proj(UTM)(p[:, 0], p[:, 1])))


def shape(place: Place) -> Any:
    assert place.geometry is not None
    return shapely.from_geojson(place.geometry)


def alike(place: Place, wanted: Any) -> bool:
    return bool(shape(place).symmetric_difference(wanted).area < 1e-5)


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def collection(*features: tuple[dict[str, Any], Any], **more: Any) -> str:
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": said,
                    "geometry": None if drawn is None else shapely.geometry.mapping(drawn),
                }
                for said, drawn in features
            ],
            **more,
        }
    )


def to_shapefile(folder: Path, *rows: tuple[str, Any], prj: str | None = None, cpg: str = "UTF-8") -> Path:
    with shapefile.Writer(str(folder / "fields.shp"), encoding=cpg) as writer:
        writer.field("NAME", "C", 40)
        writer.field("COUNTRY", "C", 40)
        for name, drawn in rows:
            writer.shape(shapely.geometry.mapping(shapely.orient_polygons(drawn, exterior_cw=True)))
            writer.record(name, "France")
    (folder / "fields.prj").write_text(prj or pyproj.CRS.from_epsg(4326).to_wkt("WKT1_ESRI"))
    (folder / "fields.cpg").write_text(cpg)
    return folder / "fields.shp"


def blob(drawn: Any, *, system: int = 4326, envelope: bool = True, flags: int = 0) -> bytes:
    west, south, east, north = drawn.bounds if not drawn.is_empty else (0.0, 0.0, 0.0, 0.0)
    edges = struct.pack("<4d", west, east, south, north) if envelope else b""
    head = b"GP" + bytes([0, flags | 1 | (2 if envelope else 0)]) + struct.pack("<i", system)
    return head + edges + shapely.to_wkb(drawn)


def to_geopackage(path: Path, *rows: tuple[str, bytes | None], system: int = 4326, definition: str = "") -> Path:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            """
            CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT, srs_id INTEGER);
            CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, srs_id INTEGER);
            CREATE TABLE gpkg_spatial_ref_sys
              (srs_id INTEGER, organization TEXT, organization_coordsys_id INTEGER, definition TEXT);
            CREATE TABLE "the ""fields" (fid INTEGER PRIMARY KEY, geom BLOB, Site TEXT, pays TEXT);
            """
        )
        db.execute("INSERT INTO gpkg_contents VALUES ('the \"fields', 'features', ?)", (system,))
        db.execute("INSERT INTO gpkg_geometry_columns VALUES ('the \"fields', 'geom', ?)", (system,))
        organization = "NONE" if definition else "EPSG"
        db.execute("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?)", (system, organization, system, definition))
        db.executemany('INSERT INTO "the ""fields" (Site, geom, pays) VALUES (?, ?, \'France\')', rows)
        db.commit()
    return path


def kml(*marks: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>All</name>'
        f"<Folder><name>Some</name>{''.join(f'<Placemark>{mark}</Placemark>' for mark in marks)}</Folder>"
        "</Document></kml>"
    )


RING = "<coordinates>1.2,43.4,90 1.6,43.4,90 1.6,43.8,90 1.2,43.8,90 1.2,43.4,90</coordinates>"
POLYGON = f"<Polygon><outerBoundaryIs><LinearRing>{RING}</LinearRing></outerBoundaryIs></Polygon>"


def as_geojson(folder: Path) -> Path:
    return written(folder / "f.geojson", collection(({"name": "Élan", "country": "France"}, BOX)))


def as_kml(folder: Path) -> Path:
    country = '<ExtendedData><Data name="Country"><value>France</value></Data></ExtendedData>'
    return written(folder / "f.kml", kml(f"<name>Élan</name>{country}{POLYGON}"))


def as_kmz(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "f.kmz", "w") as zipped:
        zipped.writestr("doc.kml", as_kml(folder).read_bytes())
        zipped.writestr("images/icon.png", b"\x89PNG")
    return folder / "f.kmz"


def as_csv_of_wkt(folder: Path) -> Path:
    return written(folder / "f.csv", f'Site;Pays;WKT\nÉlan;France;"{BOX.wkt}"\n')


def as_csv_of_boxes(folder: Path) -> Path:
    return written(folder / "b.csv", "\ufeffNAME,country,west,south,east,north\r\nÉlan,France,1.2,43.4,1.6,43.8\r\n")


def as_shapefile(folder: Path) -> Path:
    return to_shapefile(folder, ("Élan", BOX))


def as_shapefile_in_utm(folder: Path) -> Path:
    return to_shapefile(folder, ("Élan", IN_UTM), prj=UTM.to_wkt("WKT1_ESRI"))


def as_shapefile_in_latin_1(folder: Path) -> Path:
    return to_shapefile(folder, ("Élan", BOX), cpg="ISO-8859-1")


def as_zipped_shapefile(folder: Path) -> Path:
    path = to_shapefile(folder, ("Élan", BOX))
    with zipfile.ZipFile(folder / "f.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        for part in folder.glob("fields.*"):
            zipped.write(part, f"a folder/{part.name.replace(path.stem, 'FIELDS').upper()}")
    return folder / "f.zip"


def as_geopackage(folder: Path) -> Path:
    return to_geopackage(folder / "f.gpkg", ("Élan", blob(BOX)))


def as_geopackage_in_utm(folder: Path) -> Path:
    return to_geopackage(folder / "f.gpkg", ("Élan", blob(IN_UTM, envelope=False)), system=32631)


def as_geopackage_of_its_own_system(folder: Path) -> Path:
    return to_geopackage(folder / "f.gpkg", ("Élan", blob(IN_UTM)), system=9000, definition=UTM.to_wkt())


def as_geojson_in_utm(folder: Path) -> Path:
    named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
    return written(folder / "f.json", collection(({"name": "Élan", "pays": "France"}, IN_UTM), crs=named))


def without_suffix(folder: Path) -> Path:
    return as_geojson(folder).rename(folder / "fields")


FORMATS = [
    as_geojson,
    as_kml,
    as_kmz,
    as_csv_of_wkt,
    as_csv_of_boxes,
    as_shapefile,
    as_shapefile_in_utm,
    as_shapefile_in_latin_1,
    as_zipped_shapefile,
    as_geopackage,
    as_geopackage_in_utm,
    as_geopackage_of_its_own_system,
    as_geojson_in_utm,
    without_suffix,
]


@pytest.mark.parametrize("write", FORMATS)
def test_every_format_says_the_same_of_the_same_place(write: Callable[[Path], Path], tmp_path: Path) -> None:
    path = write(tmp_path)
    (place,) = files.read(path)
    assert (place.name, place.country, place.exact) == ("Élan", "France", True)
    assert place.origin == f"imported from {path.name}"
    assert alike(place, BOX)


@pytest.mark.parametrize("write", FORMATS)
def test_a_damaged_file_is_read_or_refused_but_never_breaks(write: Callable[[Path], Path], tmp_path: Path) -> None:
    path = write(tmp_path)
    whole, chance = path.read_bytes(), random.Random(7)
    refused = 0
    for _ in range(30):
        content = bytearray(whole)
        for _ in range(chance.choice([1, 3, 20])):
            content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(content[: chance.choice([len(content), chance.randrange(len(content))])])
        try:
            places = files.read(path)
        except UsageError:
            refused += 1
        else:
            assert all(shape(place).is_valid for place in places)
    assert refused


def test_a_point_becomes_the_box_that_a_point_is_elsewhere(tmp_path: Path) -> None:
    near, far = files.read(written(tmp_path / "p.csv", "name,lat,lon,radius_km\nA,43.5,4.5,\nB,43.5,4.5,30\n"))
    assert near.origin.endswith("a box 10 km around its point")
    assert not near.exact
    assert shape(near).bounds == pytest.approx((4.37602, 43.410068, 4.62398, 43.589932))
    assert far.origin.endswith("a box 30 km around its point")
    assert shape(far).bounds[3] - 43.5 == pytest.approx(30 / 111.195, abs=1e-5)


def test_a_semicolon_between_columns_leaves_the_comma_to_decimals(tmp_path: Path) -> None:
    (place,) = files.read(written(tmp_path / "p.csv", "Nom;Longitude;Latitude\nParcelle 1;4,5;43,5\n"))
    assert shape(place).contains(shapely.Point(4.5, 43.5))


@pytest.mark.parametrize("name", ["field.wkt", "field"])
def test_a_wkt_file_is_one_place_called_after_the_file(name: str, tmp_path: Path) -> None:
    text = f"\ufeff{BOX.wkt}".replace(", ", ",\n") + "\n"
    (place,) = files.read(written(tmp_path / name, text))
    assert (place.name, place.exact) == ("field", True)
    assert alike(place, BOX)


def test_a_line_becomes_the_ground_beside_it(tmp_path: Path) -> None:
    (place,) = files.read(
        written(tmp_path / "l.kml", kml("<LineString><coordinates>1,60 1.5,60</coordinates></LineString>"))
    )
    assert place.origin == "imported from l.kml, 1 km beside its line"
    west, _, _, north = shape(place).bounds
    assert north - 60 == pytest.approx(1 / 111.195, rel=0.02)
    assert 1 - west == pytest.approx(2 / 111.195, rel=0.02)  # a degree of longitude is half as long there


def test_many_shapes_of_one_feature_are_one_place(tmp_path: Path) -> None:
    far = POLYGON.replace("1.2,", "5.2,").replace("1.6,", "5.6,")
    inner = f"<MultiGeometry>{POLYGON}<MultiGeometry>{far}</MultiGeometry></MultiGeometry>"
    (place,) = files.read(written(tmp_path / "m.kml", kml(f"<name>Two</name>{inner}")))
    assert alike(place, BOX.union(shapely.box(5.2, 43.4, 5.6, 43.8)))


@pytest.mark.parametrize("suffix", ["kml", "shp", "gpkg"])
def test_a_hole_stays_a_hole(suffix: str, tmp_path: Path) -> None:
    drawn = BOX.difference(shapely.box(1.3, 43.5, 1.4, 43.6))
    if suffix == "kml":
        hole = "<coordinates>1.3,43.5 1.4,43.5 1.4,43.6 1.3,43.6 1.3,43.5</coordinates>"
        inner = f"<innerBoundaryIs><LinearRing>{hole}</LinearRing></innerBoundaryIs></Polygon>"
        path = written(tmp_path / "h.kml", kml(POLYGON.replace("</Polygon>", inner)))
    elif suffix == "shp":
        path = to_shapefile(tmp_path, ("hole", drawn))
    else:
        path = to_geopackage(tmp_path / "h.gpkg", ("hole", blob(drawn)))
    (place,) = files.read(path)
    assert alike(place, drawn)


def test_heights_are_dropped(tmp_path: Path) -> None:
    high = shapely.from_wkt("POLYGON Z((0 0 9,1 0 9,1 1 9,0 1 9,0 0 9))")
    (place,) = files.read(to_geopackage(tmp_path / "z.gpkg", ("high", blob(high))))
    assert not shape(place).has_z
    assert alike(place, shapely.box(0, 0, 1, 1))


def test_a_polygon_that_crosses_itself_is_mended(tmp_path: Path) -> None:
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2), (0, 0)])
    assert not bow.is_valid
    (place,) = files.read(written(tmp_path / "b.json", collection(({"name": "bow"}, bow))))
    assert shape(place).is_valid
    assert shape(place).area == pytest.approx(2)


@pytest.mark.parametrize("west", [170, -190])
def test_a_shape_across_the_antimeridian_is_cut_there(west: float, tmp_path: Path) -> None:
    (place,) = files.read(written(tmp_path / "a.json", collection(({}, shapely.box(west, -18, west + 20, -16)))))
    bounds = sorted(part.bounds for part in shape(place).geoms)
    assert bounds == [(-180, -18, -170, -16), (170, -18, 180, -16)]


def test_a_projected_shape_across_the_antimeridian_is_cut_there_too(tmp_path: Path) -> None:
    fiji = shapely.box(700_000, 8_000_000, 900_000, 8_200_000)
    (place,) = files.read(to_geopackage(tmp_path / "f.gpkg", ("Fiji", blob(fiji)), system=32760))
    parts = shape(place).geoms
    assert len(parts) == 2
    assert all(part.bounds[2] - part.bounds[0] < 2 for part in parts)


def test_a_projected_shape_around_a_pole_is_refused(tmp_path: Path) -> None:
    pole = shapely.box(-500_000, -500_000, 500_000, 500_000)
    with pytest.raises(UsageError, match="goes around a pole"):
        files.read(to_geopackage(tmp_path / "p.gpkg", ("Pole", blob(pole)), system=3031))


def test_features_without_a_name_are_called_after_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "fields of 2026.json", collection(({}, BOX), ({"name": "  "}, BOX), ({"id": 7.0}, BOX)))
    assert [place.name for place in files.read(path)] == ["fields of 2026 1", "fields of 2026 2", "7"]
    path = written(tmp_path / "only.json", json.dumps(shapely.geometry.mapping(BOX)))
    assert [place.name for place in files.read(path)] == ["only"]


def test_names_that_occur_again_are_numbered(tmp_path: Path) -> None:
    rows = ({"TITLE": "Field"}, BOX), ({"TITLE": "field"}, BOX), ({"TITLE": "Field 2"}, BOX)
    places = files.read(written(tmp_path / "f.json", collection(*rows)))
    assert [place.name for place in places] == ["Field", "field 2", "Field 2 2"]


def test_what_cannot_be_shown_is_left_out_of_names(tmp_path: Path) -> None:
    (place,) = files.read(written(tmp_path / "f.json", collection(({"name": "a\x1b[31m\u202eb" + "x" * 300}, BOX))))
    assert place.name.startswith("a [31mb")
    assert len(place.name) == 100


def test_features_without_geometry_are_named(tmp_path: Path) -> None:
    empty = {"name": "void"}, shapely.Polygon()
    with pytest.raises(UsageError, match=r"f\.json, feature 2; f\.json, feature 3 \(void\)$"):
        files.read(written(tmp_path / "f.json", collection(({"name": "A"}, BOX), ({}, None), empty)))
    missing = to_geopackage(tmp_path / "f.gpkg", ("A", None), ("B", blob(shapely.Polygon(), flags=16)))
    with pytest.raises(UsageError, match=r"row 1 \(A\); .*row 2 \(B\)$"):
        files.read(missing)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("f.json", "{", "not JSON"),
        ("f.json", '{"a": 1}', "no GeoJSON"),
        ("f.json", '{"type": "FeatureCollection"}', "without a list of features"),
        ("f.json", '{"type": "FeatureCollection", "features": []}', "has no features"),
        ("f.json", '{"type": "Polygon", "coordinates": "x"}', "geometry that cannot be read"),
        ("f.json", "[" * 100_000, "not JSON"),
        ("f.json", '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0], [0, 0]]]}', "no extent"),
        ("f.json", collection(({}, IN_UTM)), "beyond the degrees of WGS84"),
        ("f.json", collection(({}, BOX), crs={"type": "link"}), "does not name a reference system"),
        ("f.json", collection(({}, BOX), crs={"properties": {"name": "EPSG:1"}}), "cannot be read"),
        ("f.kml", "<kml", "not XML"),
        ("f.kml", "<html/>", "begins with <html>"),
        ("f.kml", kml(), "has no features"),
        ("f.kml", kml("<Point><coordinates>1;2</coordinates></Point>"), 'coordinates "1;2"'),
        ("f.kml", kml("<Point><coordinates>nan,2</coordinates></Point>"), "beyond the degrees"),
        ("f.kml", kml("</Placemark><NetworkLink/><Placemark>").replace("<Placemark></Placemark>", ""), "only links"),
        ("f.csv", "name,town\nA,B\n", "none of them says where"),
        ("f.csv", "name,lon,lat\nA,1,x\n", 'line 2 has "x" for lat'),
        ("f.csv", "name,lon,lat\nA,1,\n", "only one of longitude and latitude"),
        ("f.csv", "name,wkt\nA,POLYGON(\n", "is no WKT"),
        ("f.csv", "name,lon,lat\nA,1,91\n", "beyond the degrees"),
        ("f.wkt", "POLYGON((1 43,2", "no WKT that can be read"),
        ("f.wkt", f"{BOX.wkt} {BOX.wkt}", "no WKT that can be read"),
        ("f.wkt", b"POLYGON\xff", "no WKT that can be read"),
        ("f.wkt", "POLYGON EMPTY", "without geometry"),
        ("f.csv", b"name,lon,lat\n\xe9,1,2\n", "not UTF-8"),
        ("f.csv", "", "none of them says where"),
        ("f.txt", "Litchfield", "no format that can be read"),
        ("f.dbf", "", "part of a shapefile"),
        ("f.zip", b"PK\x03\x04", "no ZIP archive"),
        ("f.gpkg", b"", "no GeoPackage"),
        ("f.gpkg", b"SQLite format 3\x00" + bytes(100), "no GeoPackage"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(
    name: str, content: str | bytes, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=complaint) as refused:
        files.read(written(tmp_path / name, content))
    assert name in str(refused.value)


def test_a_file_that_is_not_there_names_the_formats(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file") as refused:
        files.read(tmp_path / "nope.kml")
    assert "GeoPackage" in str(refused.value.hint)


def test_a_shapefile_without_reference_system_is_refused(tmp_path: Path) -> None:
    path = to_shapefile(tmp_path, ("A", BOX))
    path.with_suffix(".prj").unlink()
    with pytest.raises(UsageError, match=r"has no \.prj"):
        files.read(path)


def test_a_shapefile_that_is_only_half_copied_is_refused(tmp_path: Path) -> None:
    path = to_shapefile(tmp_path, ("A", BOX), ("B", BOX))
    path.write_bytes(path.read_bytes()[: 100 + 136])
    with pytest.raises(UsageError, match="says that it has 372 bytes, but has 236"):
        files.read(path)


def test_a_reference_system_that_is_not_of_this_earth_is_refused(tmp_path: Path) -> None:
    local = 'LOCAL_CS["site grid",UNIT["metre",1]]'
    with pytest.raises(UsageError, match="cannot be read"):
        files.read(to_shapefile(tmp_path, ("A", BOX), prj=local))


@pytest.mark.parametrize("system", [-1, 0])
def test_a_geopackage_of_an_undefined_reference_system_is_refused(system: int, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"reference system {system}, which is not known"):
        files.read(to_geopackage(tmp_path / "f.gpkg", ("A", blob(BOX)), system=system))


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><kml><Placemark><name>&i;</name></Placemark></kml>"
)
OUTSIDE = '<!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/hostname">]><kml><Placemark><name>&x;</name></Placemark></kml>'


@pytest.mark.parametrize("bad", [LAUGHS, OUTSIDE])
def test_entities_are_refused_unread(bad: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="declares a DTD or entities"):
        files.read(written(tmp_path / "bad.kml", bad))


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.kmz", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("doc.kml", b" " * (8 << 20))
    assert (tmp_path / "bomb.kmz").stat().st_size < 20_000
    with pytest.raises(UsageError, match="unpacks to more than 1 MiB"):
        files.read(tmp_path / "bomb.kmz")


def test_an_archive_that_lies_about_its_sizes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST", 1 << 20)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("doc.kml", b" " * (8 << 20))
    told = packed.getvalue().replace(struct.pack("<I", 8 << 20), struct.pack("<I", 100))
    with pytest.raises(UsageError, match="unpacks to more|no ZIP archive that can be read"):
        files.read(written(tmp_path / "liar.kmz", told))


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as zipped:
        zipped.writestr("a.jpg", b"")
    with pytest.raises(UsageError, match="without a file of places"):
        files.read(tmp_path / "photos.zip")


def test_a_file_of_too_many_features_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FEATURES", 3)
    path = written(tmp_path / "f.csv", "lon,lat\n" + "1,2\n" * 4)
    with pytest.raises(UsageError, match="more than 3 features"):
        files.read(path)


def test_a_query_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from watcher.places.formats import geopackage

    monkeypatch.setattr(geopackage, "_STEPS", 1_000_000)
    path = to_geopackage(tmp_path / "f.gpkg", ("A", blob(BOX)))
    with closing(sqlite3.connect(path)) as db:
        db.execute('ALTER TABLE "the ""fields" RENAME TO old')
        db.execute(
            'CREATE VIEW "the ""fields" AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n)'
            " SELECT geom, Site FROM old, n WHERE x > 1"
        )
        db.commit()
    with pytest.raises(UsageError, match="interrupted"):
        files.read(path)


def test_nothing_is_left_beside_a_geopackage_and_what_its_log_holds_is_read(tmp_path: Path) -> None:
    path = to_geopackage(tmp_path / "f.gpkg", ("A", blob(BOX)))
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
    before = sorted(tmp_path.iterdir())
    assert [place.name for place in files.read(path)] == ["A"]
    assert sorted(tmp_path.iterdir()) == before
    with closing(sqlite3.connect(path)) as writer:
        writer.execute('INSERT INTO "the ""fields" (Site, geom) VALUES (\'B\', ?)', (blob(BOX),))
        writer.commit()
        assert path.with_name("f.gpkg-wal").stat().st_size
        assert [place.name for place in files.read(path)] == ["A", "B"]


def test_several_files_in_one_archive_are_all_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as zipped:
        zipped.writestr("a.geojson", collection(({"name": "A"}, BOX)))
        zipped.writestr("b/b.csv", "name,lon,lat\nB,1,2\n")
        zipped.writestr("__MACOSX/b/._b.csv", b"\x00\x05\x16\x07")
    assert [place.name for place in files.read(tmp_path / "all.zip")] == ["A", "B"]
