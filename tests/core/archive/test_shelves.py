"""Where a product lies in the archive."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.given import product
from watcher.core.archive.shelves import file_name, layout, member_path, safe, shelf, suffix
from watcher.model import Asset, Level

HOSTILE = [
    "..",
    ".",
    "",
    "/",
    "/etc/passwd",
    "../../etc/passwd",
    "a/../../b",
    "a\\..\\b",
    "-rf",
    "--help",
    ".bashrc",
    "~root",
    "$(touch x)",
    "`x`",
    "a;b",
    "a\nb",
    "a\0b",
    "\u202egnp.exe",
    "a\u200bb",
    "e\u0301",
    "\u00e9",
    "CON ",
    "a" * 300,
    "é" * 300,
    "a.",
    "\ud800",
    "x" * 119 + "/..",
    "%2e%2e%2f",
]
PLAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")


def test_a_product_lies_under_its_site_level_and_title() -> None:
    place = shelf(product(title="SPOT5_HRG1_XS_20150629_N2A_PornicD0000B0000"), site="Pornic")
    assert place == PurePosixPath("Pornic/L2A/SPOT5_HRG1_XS_20150629_N2A_PornicD0000B0000")


def test_a_later_version_lies_beside_the_first() -> None:
    assert shelf(product(title="A"), site="Pornic", version=2).name == "A.v2"


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("{site}/{platform}/{acquired:%Y/%m}/{level}/{id}", "Pornic/SPOT5/2015/05/L2A/P1"),
        ("{catalogue}/{collection}/{published:%Y%j}_{title}", "take5/SPOT5/undated_A"),
        ("flat.{id}", "flat.P1"),
    ],
)
def test_a_layout_says_where_products_lie(template: str, place: str) -> None:
    said = product(title="A", platform="SPOT5")
    assert shelf(said, site="Pornic", catalogue="take5", layout=layout(template)) == PurePosixPath(place)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{site}/{level}", "neither {id} nor {title}"),
        ("{site}/{name}", "{name} is no field"),
        ("{id.__class__}", "{id.__class__} is no field"),
        ("{id!r}", "{id!r} is no field"),
        ("{}", "{} is no field"),
        ("{id:%Y}", "only acquired and published take a format"),
        ("{acquired:%c}/{id}", "only acquired and published take a format"),
        ("../{id}", "relative path"),
        ("/srv/{id}", "relative path"),
        ("{site}//{id}", "relative path"),
        ("{id}/", "relative path"),
        ("{id", "between its fields"),
        ("~/{id}", "between its fields"),
        ("", "relative path"),
    ],
)
def test_a_layout_that_is_none_is_refused_in_words(template: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        layout(template)


@settings(max_examples=300)
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=200), st.text(max_size=200))
def test_no_word_of_a_catalogue_leaves_the_archive_by_a_layout(
    site: str, platform: str, ident: str, title: str
) -> None:
    said = product(ident, title=title, platform=platform)
    place = shelf(said, site=site, layout=layout("{site}/{platform}-{acquired:%Y/%m}/{id}.{title}"))
    assert len(place.parts) == 4
    assert all(PLAIN.fullmatch(part) and len(part) <= 140 for part in place.parts)


def test_a_product_of_no_level_has_a_shelf() -> None:
    assert shelf(product(title="A", level=None), site="Pornic") == PurePosixPath("Pornic/unknown/A")


def test_a_plain_name_stays_as_it_is() -> None:
    for name in ("S2A_MSIL2A_20150801T105026.SAFE", "a", "x" * 120, "A-b_c.d"):
        assert safe(name) == name


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_becomes_plain(name: str) -> None:
    assert PLAIN.fullmatch(safe(name))
    assert len(safe(name)) <= 120


def test_names_that_differ_only_in_what_is_left_out_stay_apart() -> None:
    names = [*HOSTILE, "a b", "a-b", "a:b", "a/b"]
    assert len({safe(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    "ending", [".part", ".PART", ".partial", ".part.json", ".part.json.new", ".stac.json", ".rotten"]
)
def test_no_product_takes_the_name_of_anothers_unfinished_download(ending: str) -> None:
    assert not safe(f"A{ending}").lower().endswith(ending.lower())
    href = f"https://h/A{ending}"
    assert not f"A{suffix(Asset('k', href))}".lower().endswith((".part", ".partial", ".stac.json", ".rotten"))
    assert not f"{safe('A.stac')}{suffix(Asset('k', 'https://h/A.json'))}".endswith(".stac.json")
    assert not f"{safe('A.part')}{suffix(Asset('k', 'https://h/A.json'))}".endswith(".part.json")


NAMES = st.text(max_size=400) | st.text(st.sampled_from("./\\-~ ab\0\n"), max_size=12)


@settings(max_examples=300)
@given(NAMES, NAMES, NAMES, st.integers(1, 99), NAMES)
def test_no_product_climbs_out_of_the_archive(site: str, level: str, title: str, version: int, end: str) -> None:
    asset = Asset("product", f"https://example.org/x{end}")
    place = shelf(product(title=title, level=Level(level)), site=site, version=version)
    whole = PurePosixPath(f"{place}{suffix(asset)}")
    assert len(whole.parts) == 3
    assert not whole.is_absolute()
    assert all(PLAIN.fullmatch(part) for part in place.parts)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,200}", part) for part in whole.parts)
    archive = Path("/archive")
    assert archive in Path(archive, whole).resolve().parents


@settings(max_examples=300)
@given(NAMES)
@example("a/./b")
@example("../../etc/passwd")
@example("a/-rf/.bashrc")
def test_no_member_of_an_archive_climbs_out_of_its_directory(name: str) -> None:
    place = member_path(name)
    assert not place.is_absolute()
    assert all(PLAIN.fullmatch(part) for part in place.parts)
    directory = Path("/archive/product")
    assert Path(directory, place).resolve().is_relative_to(directory)


def test_a_plain_member_lies_where_the_archive_has_it() -> None:
    name = "S2A.SAFE/GRANULE/IMG_DATA/B02_10m.jp2"
    assert str(member_path(name)) == name


def test_a_file_of_a_product_is_called_by_its_key() -> None:
    assert file_name(Asset("B02", "https://h/x.TIF?sig=1")) == "B02.tif"
    assert file_name(Asset("../B02", "https://h/x", type="image/jp2")).endswith(".jp2")


@settings(max_examples=300)
@given(NAMES, NAMES)
def test_distinct_names_never_share_a_place(one: str, other: str) -> None:
    assert (safe(one) == safe(other)) is (one == other)


@pytest.mark.parametrize(
    ("type", "href", "expected"),
    [
        ("application/zip", "https://h/x", ".zip"),
        ("application/x-gzip; charset=binary", "https://h/x.bin", ".tgz"),
        ("IMAGE/TIFF", "https://h/x", ".tif"),
        (None, "https://h/a/x.tar.gz?token=1.2", ".tar.gz"),
        ("application/octet-stream", "https://h/x.ZIP", ".zip"),
        (None, "https://h/x", ""),
        (None, "https://h/x.verylongextension", ""),
        (None, "https://h/x./../y", ""),
        (None, "https://h/x.tar.part", ""),
        (None, "", ""),
    ],
)
def test_a_file_has_the_suffix_of_its_type_or_of_its_address(type: str | None, href: str, expected: str) -> None:  # noqa: A002
    assert suffix(Asset("product", href, type=type)) == expected
