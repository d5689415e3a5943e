import json
from pathlib import Path

import pytest

from tests.conftest import Scene, Watcher


def test_a_site_is_found_by_its_exact_code_and_described(watcher: Watcher) -> None:
    said = watcher("add-site", "Litchfield")
    assert said.code == 0
    assert said.out.startswith("Litchfield, Australia: SPOT5, 12 L1C, 8 L2A, acquired 2015-04-08 … 2015-06-02")
    assert "now watched: take5 SPOT5 L2A" in said.out
    (watch,) = json.loads(watcher("sites", "--json").out)
    assert watch["code"] == "Litchfield"
    assert watch["country"] == "Australia"
    assert watch["baseline"] is None


@pytest.mark.parametrize("name", ["litchfield", "LITCHFIELD", "Lïtchfield"])
def test_a_name_matches_whatever_its_case_and_accents(watcher: Watcher, name: str) -> None:
    assert watcher("add-site", name).code == 0
    assert json.loads(watcher("sites", "--json").out)[0]["site"] == "Litchfield"
    assert watcher("remove-site", "litchFIELD").out == "Litchfield is no longer watched.\n"


def test_a_listing_says_since_when_and_where(watcher: Watcher) -> None:
    watcher("add-site", "Pornic")
    said = watcher("sites").out
    assert all(word not in said for word in ("SINCE", "CLOUD", "PAUSED"))
    assert max(map(len, said.splitlines())) <= 80
    watcher("add-site", "Litchfield", "--max-cloud", "40")
    watcher("pause-site", "Litchfield")
    assert watcher("sites").out.splitlines()[0].split()[-1] == "PAUSED"
    watcher("add-site", "Home", "--bbox", "179,-18,-179,-16", "--since", "2015-06-01")
    assert watcher("sites").out.splitlines()[0].split()[5:9] == ["CLOUD", "≤", "SINCE", "DOWNLOAD"]
    assert "2015-06-01 00:00" in watcher("sites").out
    assert json.loads(watcher("sites", "--json").out)[0]["bbox"] == [179, -18, -179, -16]


def test_several_candidates_are_listed_and_one_must_be_named(watcher: Watcher) -> None:
    said = watcher("add-site", "Toul")
    assert said.code == 2
    assert "ToulaRussia, ToulouseFrance" in said.err
    assert "watcher add-site ToulaRussia" in said.err
    assert json.loads(watcher("sites", "--json").out) == []
    assert watcher("add-site", "ToulouseFrance").code == 0


def test_an_unknown_name_offers_near_spellings_and_stores_nothing(watcher: Watcher) -> None:
    said = watcher("add-site", "Mooresburg")
    assert said.code == 2
    assert "did you mean Mooreesburg?" in said.err
    assert json.loads(watcher("sites", "--json").out) == []


def test_a_site_given_by_a_box_is_asked_for_by_ground(watcher: Watcher) -> None:
    assert watcher("add-site", "Top End", "--bbox", "130.4,-13.5,131.2,-12.9").code == 0
    assert "8 listed" in watcher("poll").out
    sites = {row["site"] for row in json.loads(watcher("products", "--json").out)}
    assert sites == {"Top End"}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--bbox", "1,2,3"), "1,2,3"),
        (("--bbox", "130,-12,131,-13"), "south to north"),
        (("--point", "200,10"), "200"),
        (("--geometry", "no-such-file.geojson"), "no-such-file.geojson"),
        (("--bbox", "1,2,3,4", "--point", "1,2"), "exclude each other"),
        (("--collection", "SPOT6"), "SPOT6"),
        (("--level", "L9X"), "L9X"),
        (("--catalogue", "nowhere"), "nowhere"),
        (("--max-cloud", "120"), "120"),
        (("--since", "yesterday"), "yesterday"),
    ],
)
def test_bad_options_are_named_with_the_way_out(watcher: Watcher, options: tuple[str, ...], named: str) -> None:
    said = watcher("add-site", "Litchfield", *options)
    if options[0] == "--level":
        # A level with no name of ours may be a server's own, so it is watched under it.
        assert said.code == 0
        return
    assert said.code == 2
    assert named in said.err
    assert json.loads(watcher("sites", "--json").out) == []


def test_adding_a_site_again_changes_its_terms(watcher: Watcher) -> None:
    watcher("add-site", "Pornic")
    said = watcher("add-site", "Pornic", "--max-cloud", "20", "--no-download")
    assert "watched on these terms now" in said.out
    (watch,) = json.loads(watcher("sites", "--json").out)
    assert (watch["max_cloud"], watch["download"]) == (20.0, False)


def test_a_paused_site_is_not_asked_for(watcher: Watcher) -> None:
    watcher("add-site", "Pornic")
    assert watcher("pause-site", "pornic").code == 0
    assert watcher("poll").out == "Every site is paused: watcher resume-site NAME\n"
    watcher("resume-site", "pornic")
    assert "9 listed" in watcher("poll").out


def test_terms_that_are_not_given_again_stay_and_are_said(watcher: Watcher) -> None:
    watcher("add-site", "Pornic", "--max-cloud", "20", "--download")
    said = watcher("add-site", "Pornic", "--since", "2015-05-01")
    assert "take5 SPOT5 L2A, cloud up to 20 %, acquired since 2015-05-01, downloaded" in said.out


def test_a_level_that_is_not_there_is_said(watcher: Watcher) -> None:
    assert "There is no LA2 there yet, only L1C, L2A." in watcher("add-site", "Pornic", "--level", "LA2").out


@pytest.mark.parametrize("name", ["", "  ", "a\x1b[31mb", "x" * 101])
def test_a_name_that_cannot_be_shown_is_refused(watcher: Watcher, name: str) -> None:
    assert watcher("add-site", name, "--point", "1,2").code == 2
    assert json.loads(watcher("sites", "--json").out) == []


def test_a_site_is_moved_by_adding_it_elsewhere(watcher: Watcher) -> None:
    watcher("add-site", "Field", "--bbox", "130.4,-13.5,131.2,-12.9")
    assert "8 listed" in watcher("poll").out
    assert "Its place is another one now" in watcher("add-site", "Field", "--bbox", "-2.6,46.8,-1.6,47.4").out
    assert "9 listed, 0 arrived, 2 baselined" in watcher("poll").out


def test_removing_a_site_says_who_hears_of_nothing_then(watcher: Watcher) -> None:
    watcher("add-site", "Pornic")
    watcher("subscribe", "terminal://", "--site", "Pornic", "--site", "pornic")
    assert "Subscription 1 (terminal://) hears of nothing now" in watcher("remove-site", "Pornic").out
    assert "subscription 1 (terminal://) hears of nothing" in watcher("status").out
    assert "Nobody is told of it yet" in watcher("add-site", "Pornic").out


def test_removing_a_site_that_is_not_there_names_the_nearest(watcher: Watcher) -> None:
    watcher("add-site", "Pornic")
    said = watcher("remove-site", "Pronic")
    assert said.code == 2
    assert "did you mean Pornic?" in said.err


def test_one_level_is_no_longer_watched_and_what_was_seen_of_it_stays_listed(
    watcher: Watcher, home: Path, scene: Scene
) -> None:
    watcher("add-site", "Litchfield", "--level", "L1C", "--level", "L2A", "--download")
    for level in ("L1C", "L2A"):
        watcher("subscribe", f"mbox://{home}/{level}", "--level", level)
    watcher("poll")
    scene.play()
    watcher("poll")
    seen = json.loads(watcher("products", "--level", "L1C", "--json").out)
    before = json.loads(watcher("status", "--json").out)
    said = watcher("remove-site", "litchfield", "--level", "l1c")
    after = json.loads(watcher("status", "--json").out)
    owed = before["deliveries"]["owed"] - after["deliveries"]["owed"]
    wanted = before["downloads"]["wanted"] - after["downloads"]["wanted"]
    assert owed > 0
    assert wanted > 0
    assert said.out.splitlines() == [
        "Litchfield is no longer watched: take5 SPOT5 L1C, downloaded",
        "Litchfield stays watched: take5 SPOT5 L2A, downloaded",
        f"Subscription 1 (mbox://{home}/L1C) hears of nothing now: watcher unsubscribe 1",
        f"{owed} deliveries about it had not been sent: dropped.",
        f"{wanted} downloads of it had not come home: no longer wanted.",
    ]
    assert [row["level"] for row in json.loads(watcher("sites", "--json").out)] == ["L2A"]
    assert json.loads(watcher("products", "--level", "L1C", "--json").out) == seen
    assert after["troubles"] == []
    fresh = next(row["title"] for row in seen if row["event"] == "new")
    story = watcher("why", fresh).out
    assert "take5 SPOT5 L2A does not take it: it looks for L2A, and this is L1C" in story
    assert "owed still when the site was no longer watched for it" in story
    assert "and refused: no longer watched." in story
    # It begins anew, with a first poll that announces nothing; and by name it still comes home.
    assert "The first poll remembers what is there" in watcher("add-site", "Litchfield", "--level", "L1C").out
    assert "0 arrived" in watcher("poll").out
    assert "stored " in watcher("download", f"archive/{fresh}.SAFE/").out


def test_the_last_that_is_watched_of_a_site_takes_the_site_with_it(watcher: Watcher) -> None:
    watcher("add-site", "Pornic", "--level", "any")
    said = watcher("remove-site", "Pornic", "--level", "L2A")
    assert said.code == 2
    assert "Pornic is not watched for that\n  → it is watched: take5 SPOT5 every level" in said.err
    said = watcher("remove-site", "Pornic", "--level", "any", "--catalogue", "TAKE5", "--collection", "spot5")
    assert said.out == "Pornic is no longer watched.\n"
    assert json.loads(watcher("sites", "--json").out) == []
