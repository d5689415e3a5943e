"""`watcher verify`, as people type it, on a product that really came home."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Watcher


def test_what_was_lost_is_told_and_fetched_anew_or_kept_when_it_is_back(watcher: Watcher) -> None:
    assert watcher("verify").out == "Nothing was stored yet.\n"
    watcher("add-site", "Pornic", "--no-download")
    watcher("poll")
    title = next(row["title"] for row in json.loads(watcher("products", "--json").out) if row["level"] == "L2A")
    assert watcher("download", title).code == 0
    fine = watcher("verify", "--deep")
    assert (fine.code, fine.err) == (0, "")
    assert fine.out == "1 product looked at (every byte read): 1 fine\n"
    (place,) = (Path(row["stored"]) for row in json.loads(watcher("products", "--json").out) if row["stored"])
    beside = place.with_name(f"{place.name}.stac.json")
    said = json.loads(beside.read_bytes())
    beside.unlink()
    described = watcher("verify")
    assert described.code == 0
    assert described.out.startswith(f"described {title} again, whose sidecar was gone: {beside}\n1 product looked at (")
    anew = json.loads(beside.read_bytes())
    assert anew["properties"].pop("watcher:stored") >= said["properties"].pop("watcher:stored")
    assert anew == said
    whole = place.read_bytes()
    (place.parent / "else").touch()
    place.unlink()
    lost = watcher("verify")
    assert lost.code == 1
    assert lost.out.startswith(f"lost {title}: {place} is not there\n1 product looked at (sizes only;")
    assert "watcher verify --again" in lost.err
    assert f"{title}: {place} is not there (watcher verify --again)" in watcher("status").out
    assert json.loads(watcher("verify", "--again", "--json").out)[0]["again"] is True
    place.write_bytes(whole)
    assert watcher("download").out.startswith(f"kept, as it was there already: {place} ({len(whole):,} bytes, ")
    assert "troubles: none" in watcher("status").out


@pytest.fixture
def unmounted(watcher: Watcher, home: Path) -> tuple[Path, str]:
    """Where the archive was that something was stored in, and the title of what was not."""
    watcher("add-site", "Pornic", "--no-download")
    watcher("poll")
    first, second, *_ = (row["title"] for row in json.loads(watcher("products", "--json", "--level", "L2A").out))
    assert watcher("download", first).code == 0
    assert "WRONG" not in watcher("check").out
    archive = home / "state" / "archive"
    archive.rename(archive.with_name("unmounted"))
    return archive, second


def test_check_says_that_the_disk_of_the_archive_may_not_be_mounted(
    watcher: Watcher, unmounted: tuple[Path, str]
) -> None:
    archive, title = unmounted
    said = watcher("check")
    assert said.code == 1
    assert f"WRONG  archive: the archive {archive} is empty, or not there\n         → is its disk mounted?" in said.out
    refused = watcher("download", title)
    assert refused.code == 1
    assert f"failed {title}: the archive {archive} is empty, or not there [is its disk mounted? " in refused.err
    assert not archive.exists()


def test_nothing_is_fetched_by_hand_into_an_archive_whose_disk_is_not_mounted(
    watcher: Watcher, home: Path, unmounted: tuple[Path, str]
) -> None:
    archive, title = unmounted
    cart = home / "cart.meta4"
    assert watcher("cart", "--site", "Pornic", "-o", str(cart)).code == 0
    for by_hand in (("download", title, "--members", "*"), ("import", str(cart))):
        refused = watcher(*by_hand)
        assert refused.code == 1
        assert refused.err.startswith(f"watcher: the archive {archive} is empty, or not there\n")
        assert not archive.exists()
