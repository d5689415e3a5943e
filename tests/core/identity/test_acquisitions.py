"""Which acquisition a product is of, and which processing of it, by the names that catalogues really give."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.recordings import folder
from watcher.core.identity.acquisitions import change, key, newer, processing, same
from watcher.core.identity.revisions import token
from watcher.model import Product


def product(ident: str, title: str = "", *, acquired: str | None = None, version: str | None = None) -> Product:
    said = token(updated=None, produced=None, version=version, checksum=None, size=None)
    time = datetime.fromisoformat(acquired) if acquired else None
    return Product("a collection", ident, title or ident, None, time, said)


URN = "URN:FEATURE:DATA:gdh:25416e3f-1a7f-379a-9b65-a6539b1fd95b"

TWINS = {
    "a tile of Sentinel-2, in six catalogues": [
        product("S2B_MSIL2A_20250731T130249_N0511_R095_T24MVV_20250731T132745", acquired="2025-07-31T13:02:49.024Z"),
        product("S2B_MSIL2A_20250731T130249_N0511_R095_T24MVV_20250731T132745.SAFE"),
        product("S2B_24MVV_20250731_0_L2A", acquired="2025-07-31T13:03:25.899Z", version="05.11"),
        product("S2B_T24MVV_20250731T130245_L2A", acquired="2025-07-31T13:03:25.899Z", version="05.11"),
        product("S2B_MSIL2A_20250731T130249_R095_T24MVV_20250731T132745", acquired="2025-07-31T13:02:49.024Z"),
        product("SENTINEL2B_20250731-130325-899_L2A_T24MVV_C_V4-0", acquired="2025-07-31T13:03:25Z"),
        product(f"{URN}:V1", "SENTINEL2B_20250731-130325-899_L2A_T24MVV_D", version="4-0"),
    ],
    "a tile whose zone has one digit": [
        product("S2A_MSIL1C_20231008T215531_N0509_R029_T05VNK_20231008T224921"),
        product("S2A_5VNK_20231008_0_L1C", acquired="2023-10-08T21:57:59Z"),
    ],
    "a datatake that begins before midnight, seen after it": [
        product("S2A_MSIL2A_20190101T000001_R116_T60VUK_20201007T214652", acquired="2019-01-01T00:00:01.024Z"),
        product("S2A_T60VUK_20181231T235957_L2A", acquired="2018-12-31T23:59:58Z"),
    ],
    "a reprocessed tile": [
        product("S2A_MSIL1C_20200808T010311_N0209_R045_T54PXA_20200808T022143"),
        product("S2A_MSIL1C_20200808T010311_N0500_R045_T54PXA_20230413T212505"),
    ],
    "a scene of Landsat, near real time and nominal, in three catalogues": [
        product("LC08_L2SP_047027_20201204_20201210_02_RT_SR"),
        product("LC08_L2SP_047027_20201204_20210313_02_T1_SR"),
        product("LC08_L2SP_047027_20201204_02_T1"),
        product("LC08_L2SR_047027_20201204_20210313_02_T2"),
    ],
    "a scene of SPOT5 (Take5), in the two forms of its name": [
        product("a uuid", "SPOT5_HRG1_XS_20150415_N2A_LitchfieldD0000B0000", acquired="2015-04-15T01:34:10.806Z"),
        product("SPOT5-HRG1-XS_20150415-013410-806_L2A_LITCHFIELD_C_V1-0"),
    ],
    "a tile of HLS, in two versions": [
        product("HLS.S30.T31TCJ.2021001.v1.4", acquired="2021-01-01T10:54:33Z"),
        product("HLS.S30.T31TCJ.2021001T105433.v2.0"),
    ],
    "a frame of Sentinel-3, near real time and not": [
        product("S3A_OL_1_EFR____20260101T100000_20260101T100300_20260101T120000_0179_123_456_2160_PS1_O_NR_003.SEN3"),
        product("S3A_OL_1_EFR____20260101T100001_20260101T100301_20260102T160000_0180_123_456_2160_PS1_O_NT_003.SEN3"),
    ],
    "a slice of Sentinel-1, with and without its checksum": [
        product("S1A_IW_GRDH_1SSH_20250731T135702_20250731T135722_060328_077F7E"),
        product("S1A_IW_GRDH_1SSH_20250731T135702_20250731T135722_060328_077F7E_0C44.SAFE"),
    ],
    "Venµs": [
        product("VENUS-XS_20180201-051359-000_L2A_KHUMBU_C_V1-0"),
        product("VENUS_20180201-051359-000_L2A_KHUMBU_D"),
    ],
    "a delivery of GEODES without a known name": [product(f"{URN}:V1", "x"), product(f"{URN}:V2", "y")],
}


@pytest.mark.parametrize("twins", TWINS.values(), ids=TWINS)
def test_one_acquisition_has_one_key_wherever_it_is_listed_and_however_processed(twins: list[Product]) -> None:
    keys = {one.id: key(one) for one in twins}
    assert len(set(keys.values())) == 1, keys
    assert None not in keys.values()


DIFFERENT = [
    product("S2A_MSIL2A_20250731T130249_N0511_R095_T24MVV_20250731T132745"),
    product("S2B_MSIL2A_20250731T130249_N0511_R095_T24MVU_20250731T132745"),
    product("S2B_MSIL1C_20250731T130249_N0511_R095_T24MVV_20250731T132745"),
    product("S2B_MSIL2A_20250802T130249_N0511_R095_T24MVV_20250731T132745"),
    product("S2B_MSIL2A_20250731T011249_N0511_R095_T24MVV_20250731T132745"),
    product("SENTINEL2B_20250731-130325-899_L2B-SNOW_T24MVV_C_V4-0"),
    product("LC08_L2SP_047027_20201204_20210313_02_T1_ST"),
    product("LC08_L2SP_047027_20201204_20210313_02_T1_SR"),
    product("LC08_L1TP_047027_20201204_20210313_02_T1"),
    product("LE07_L1TP_047027_20201204_20210313_02_T1"),
    product("SPOT5_HRG1_XS_20150415_N2A_LitchfieldD0000B0000", acquired="2015-04-15T01:34:10Z"),
    product("SPOT5_HRG2_XS_20150415_N2A_LitchfieldD0000B0000", acquired="2015-04-15T01:34:10Z"),
    product("SPOT5_HRG1_XS_20150415_N1_TUILE_LitchfieldD0000B0000", acquired="2015-04-15T01:34:10Z"),
    product("SPOT5_HRG1_XS_20150415_N1_SCENE_LitchfieldD0000B0000", acquired="2015-04-15T01:34:10Z"),
    product("LANDSAT5_TM_XS_20110520_N2A_France-MetropoleD0005H0003"),
    product("LANDSAT5_TM_XS_20110520_N2A_France-MetropoleD0005H0002"),
    product("HLS.S30.T31TCJ.2021001T105433.v2.0"),
    product("HLS.L30.T31TCJ.2021001T105433.v2.0"),
    product("MOD09GA.A2026001.h18v04.061.2026003031415"),
    product("MYD09GA.A2026001.h18v04.061.2026003031415"),
    product("S1A_IW_SLC__1SDV_20250731T135702_20250731T135722_060328_077F7E_0C44"),
    product("S5P_NRTI_L2__NO2____20260101T100000_20260101T100500_12345_03_020600_20260101T103000"),
    product("S5P_OFFL_L2__NO2____20260101T100000_20260101T114000_12345_03_020600_20260103T103000"),
]


def test_different_acquisitions_and_levels_have_different_keys() -> None:
    keys = [key(one) for one in DIFFERENT]
    assert None not in keys
    assert len(set(keys)) == len(DIFFERENT)


@pytest.mark.parametrize(
    "name",
    [
        "P1",
        "",
        "5f2a3c52-63a1-5b35-9e0e-0d8f4a1c0b6e",
        "S2A_OPER_PRD_MSIL1C_PDMC_20150904T111111_R031_V20150903T014036_20150903T014036",
        "S2A_MSIL2A_20150903T014036_N0500_R031_T52LFL_20231013T021711_NDVI",
        "S2A_MSIL2A_20151303T014036_N0500_R031_T52LFL_20231013T021711",
        "SENTINEL2X_20180115-000000-000_L3A_T31TCJ_C_V1-1",
        "S1A_IW_GRDH_1SDV_20250731T135702_20250731T135722_060328_077F7E_0C44_COG",
        "mt_m_4911664_se_11_060_20231117_20240103",
        "LC80330322023281LGN00",
        "G2658326635-POCLOUD",
    ],
)
def test_a_name_that_is_not_understood_down_to_its_end_has_no_key(name: str) -> None:
    assert key(product(name, acquired="2015-09-03T01:40:36Z")) is None


def test_a_name_with_a_day_alone_needs_the_time_of_acquisition_and_one_that_fits() -> None:
    assert key(product("S2B_24MVV_20250731_0_L2A")) is None
    assert key(product("S2B_24MVV_20250731_0_L2A", acquired="2025-08-05T13:03:25Z")) is None


def test_near_the_poles_the_start_of_the_datatake_decides_and_a_name_without_it_has_no_key() -> None:
    first = key(product("S2B_MSIL2A_20250731T130249_N0511_R095_T33XVG_20250731T152745"))
    again = key(product("S2B_MSIL2A_20250731T130249_R095_T33XVG_20250901T000000"))
    next_pass = key(product("S2B_MSIL2A_20250731T144329_N0511_R096_T33XVG_20250731T172745"))
    assert first == again
    assert first != next_pass
    assert key(product("S2B_33XVG_20250731_0_L2A", acquired="2025-07-31T13:03:25Z")) is None
    assert key(product("S2B_T33XVG_20250731T130245_L2A", acquired="2025-07-31T13:03:25Z")) is None
    assert key(product("SENTINEL2B_20250731-130325-899_L2A_T33XVG_C_V4-0")) is None


def test_what_was_acquired_at_an_unknown_hour_is_not_taken_for_midnight() -> None:
    day = key(product("LANDSAT5_TM_XS_20110520_N2A_France-MetropoleD0005H0003", acquired="2011-05-20T00:00:00Z"))
    other = key(product("LANDSAT5_TM_XS_20110520_N2A_France-MetropoleD0005H0003", acquired="2011-05-20T10:20:30Z"))
    assert day is not None
    assert other is not None
    assert day != other


ZONES = st.integers(1, 60)
BANDS = st.sampled_from("DEFGHJKLMNPQRSTUVW")
DAYS = st.integers(0, 9000).map(lambda days: datetime(2015, 7, 1, tzinfo=UTC) + timedelta(days=days))


@settings(max_examples=200)
@given(zone=ZONES, band=BANDS, day=DAYS, sun=st.floats(8.2, 13.5), into=st.floats(0, 0.5), later=st.integers(1, 12))
def test_a_pass_has_one_key_however_its_time_is_told_and_the_next_one_has_another(
    zone: int, band: str, day: datetime, sun: float, into: float, later: int
) -> None:
    """The sun over a tile stands between 8 and 14 o'clock when Sentinel-2 passes; a datatake begins before that."""
    seen = day + timedelta(hours=sun - (zone * 6 - 183) / 15)
    tile, start = f"{zone:02}{band}AA", seen - timedelta(hours=into)

    def names(seen: datetime, start: datetime) -> list[Product]:
        acquired = seen.isoformat()
        return [
            product(f"S2A_MSIL2A_{start:%Y%m%dT%H%M%S}_N0511_R001_T{tile}_20410101T000000"),
            product(f"S2A_{tile}_{seen:%Y%m%d}_0_L2A", acquired=acquired),
            product(f"S2A_T{tile}_{start:%Y%m%dT%H%M%S}_L2A", acquired=acquired),
            product(f"SENTINEL2A_{seen:%Y%m%d-%H%M%S}-123_L2A_T{tile}_C_V2-2", acquired=acquired),
        ]

    (one,) = {key(name) for name in names(seen, start)}
    (other,) = {key(name) for name in names(seen + timedelta(days=later), start + timedelta(days=later))}
    (night,) = {key(name) for name in names(seen + timedelta(hours=12), start + timedelta(hours=12))}
    assert len({one, other, night}) == 3


@settings(max_examples=300)
@given(name=st.text(max_size=80) | st.from_regex(r"(S2A|LC08|SPOT5|HLS|S3A|URN)[A-Z0-9_.:T-]{0,70}", fullmatch=True))
def test_whatever_a_product_is_called_it_has_a_key_or_none(name: str) -> None:
    found = key(product(name, acquired="2025-07-31T13:03:25Z"))
    assert found is None or found.count("/") >= 1
    processing(product(name))


ORDERED = {
    "baselines": [
        product("S2A_MSIL1C_20200808T010311_N0209_R045_T54PXA_20200808T022143"),
        product("S2A_MSIL1C_20200808T010311_N0500_R045_T54PXA_20230413T212505"),
        product("S2A_54PXA_20200808_1_L1C", version="05.11"),
    ],
    "versions of MUSCATE": [
        product("SPOT5_HRG1_XS_20150415_N2A_LitchfieldD0000B0000", version="1.0"),
        product("SPOT5-HRG1-XS_20150415-013410-806_L2A_LITCHFIELD_D", version="2-0"),
        product("SPOT5-HRG1-XS_20150415-013410-806_L2A_LITCHFIELD_C_V2-2"),
        product("SPOT5-HRG1-XS_20150415-013410-806_L2A_LITCHFIELD_C_V10-0"),
    ],
    "collections, tiers and dates of Landsat": [
        product("LC08_L1TP_047027_20201204_20201205_02_RT"),
        product("LC08_L1TP_047027_20201204_20201210_01_T1"),
        product("LC08_L1TP_047027_20201204_20210313_02_T1"),
        product("LC08_L1TP_047027_20201204_20220313_02_T2"),
    ],
    "versions of HLS": [product("HLS.S30.T31TCJ.2021001.v1.4"), product("HLS.S30.T31TCJ.2021001T105433.v2.0")],
    "deliveries of GEODES": [product(f"{URN}:V1", "x"), product(f"{URN}:V2", "x"), product(f"{URN}:V10", "x")],
    "timeliness of Sentinel-3": [
        product(
            f"S3A_OL_1_EFR____20260101T100000_20260101T100300_2026010{day}T120000_0179_123_456_2160_PS1_O_{kind}.SEN3"
        )
        for day, kind in enumerate(("NR_003", "ST_002", "NT_002", "NT_003"), start=1)
    ],
    "timeliness of Sentinel-5P": [
        product(f"S5P_{kind}_L2__NO2____20260101T100000_20260101T114000_12345_03_020600_20260103T103000")
        for kind in ("NRTI", "OFFL", "RPRO")
    ],
    "near real time of MODIS": [
        product("MOD09GA.A2026001.h18v04.061.2026001131415.NRT"),
        product("MOD09GA.A2026001.h18v04.061.2026003031415"),
        product("MOD09GA.A2026001.h18v04.061.2027003031415"),
        product("MOD09GA.A2026001.h18v04.062.2026003031415"),
    ],
}


@pytest.mark.parametrize("ordered", ORDERED.values(), ids=ORDERED)
def test_processings_are_in_order(ordered: list[Product]) -> None:
    steps = [processing(one) for one in ordered]
    for before, after in pairwise(steps):
        assert newer(after, before)
        assert not newer(before, after)
        assert not same(before, after)


def test_two_receptions_of_one_pass_are_two_parts_and_neither_replaces_the_other() -> None:
    one = product("S2A_MSIL1C_20180101T105441_N0206_R051_T31TCJ_20180101T124911")
    other = product("S2A_MSIL1C_20180101T105441_N0206_R051_T31TCJ_20180101T143012")
    assert key(one) == key(other)
    assert not newer(processing(other), processing(one))
    assert not same(processing(one), processing(other))


def test_processors_cannot_be_compared_with_each_other_nor_with_what_says_nothing() -> None:
    esa = processing(product("S2B_MSIL2A_20250731T130249_N0511_R095_T24MVV_20250731T132745"))
    maja = processing(product("SENTINEL2B_20250731-130325-899_L2A_T24MVV_C_V4-0"))
    unknown = processing(product("S2B_24MVV_20250731_0_L2A"))
    for one, other in [(esa, maja), (esa, unknown), (maja, None), (None, None)]:
        assert not newer(one, other)
        assert not newer(other, one)
        assert not same(one, other)


def test_one_processing_listed_under_two_ids_is_the_same() -> None:
    name = "S2B_MSIL2A_20250731T130249_N0511_R095_T24MVV_20250731T132745"
    assert same(processing(product(name)), processing(product("another id", f"{name}.SAFE")))


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        (
            product("S2A_MSIL1C_20200808T010311_N0209_R045_T54PXA_20200808T022143"),
            product("S2A_MSIL1C_20200808T010311_N0500_R045_T54PXA_20230413T212505"),
            ("N0209", "N0500"),
        ),
        (product("S2A_54PXA_20200808_1_L1C", version="05.00"), product("x"), None),
        (product("P1", version="1.0"), product("P1", version="2.0"), ("version 1.0", "version 2.0")),
        (
            product("LC08_L1TP_047027_20201204_20201205_02_RT"),
            product("LC08_L1TP_047027_20201204_20210313_02_T1"),
            ("collection 2 RT of 20201205", "collection 2 T1 of 20210313"),
        ),
        (product("P1"), product("P1"), None),
    ],
)
def test_a_change_is_told_by_what_both_say(was: Product, now: Product, words: Any) -> None:
    assert change(was, now) == words


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ("2026-11-23T00:00:00+00:00", "2026-11-30T02:05:00+02:00", ("2026-11-23 00:00 UTC", "2026-11-30 00:05 UTC")),
        (
            "2026-11-23T00:00:01.5Z",
            "2026-11-23T00:00:01Z",
            ("2026-11-23 00:00:01.500000 UTC", "2026-11-23 00:00:01 UTC"),
        ),
        ("2026-11-23T00:00:00", "0001-01-01T00:00:00+05:00", ("2026-11-23T00:00:00", "0001-01-01T00:00:00+05:00")),
        ("yesterday", "today", ("yesterday", "today")),
    ],
)
def test_times_of_a_change_are_written_for_people_where_they_say_their_zone(
    was: str, now: str, words: tuple[str, str]
) -> None:
    one, other = (
        replace(product("P1"), revision=token(updated=text, produced=None, version=None, checksum=None, size=None))
        for text in (was, now)
    )
    assert change(one, other) == tuple(f"that of {word}" for word in words)


def recorded() -> list[Product]:
    """Every Sentinel-2 and Landsat product of the recorded answers, as its server names it."""
    found = []
    for path in sorted(folder("samples-modern").glob("*.json")):
        body = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(body, dict):
            continue
        features = body.get("features", [body] if body.get("type") == "Feature" else [])
        for feature in features:
            said = feature["properties"]
            if "SENTINEL-2" in str(said.get("platform")).upper() or "LANDSAT" in str(said.get("platform")).upper():
                version = said.get("processing:version") or said.get("s2:processing_baseline")
                found.append(product(feature["id"], acquired=said["datetime"], version=version))
    return found


def test_all_recorded_names_of_sentinel_2_and_landsat_are_understood() -> None:
    products = recorded()
    assert len(products) >= 15
    assert [one.id for one in products if key(one) is None or processing(one) is None] == []


def test_what_earth_search_lists_is_what_its_items_say_that_it_is_at_esa() -> None:
    body = json.loads((folder("samples-modern") / "earthsearch_v1_search_s2l2a_landsatc2l2.json").read_text())
    pairs = [
        (product(one["id"], acquired=one["properties"]["datetime"]), product(one["properties"]["s2:product_uri"]))
        for one in body["features"]
        if "s2:product_uri" in one["properties"]
    ]
    assert pairs
    assert [key(one) for one, _ in pairs] == [key(other) for _, other in pairs]
