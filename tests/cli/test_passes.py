import json
import mailbox
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Scene, Watcher
from watcher.store.locks import holding


def mails(path: Path) -> list[mailbox.mboxMessage]:
    with closing(mailbox.mbox(path)) as box:
        return list(box)


def test_the_whole_way_by_hand(watcher: Watcher, scene: Scene, home: Path) -> None:
    watcher("add-site", "Pornic")
    watcher("subscribe", f"mbox://{home}/mail", "--site", "Pornic", "--level", "L2A", "--name", "me")
    assert "9 listed, 0 arrived, 1 baselined" in watcher("poll").out
    assert watcher("notify").out == "No notice is due.\n"
    scene.play()
    polled = watcher("poll")
    assert polled.code == 0
    arrived = {row["title"] for row in json.loads(watcher("products", "--json").out) if row["event"]}
    expected = {p.ident for p in scene.catalogue.arrived() if p.level == "LEVEL2A" and "Pornic" in p.ident}
    assert arrived == expected
    fetched = watcher("download")
    assert fetched.code == 0
    assert fetched.out.count("stored ") == len(expected)
    told = watcher("notify")
    assert told.code == 0
    assert told.out.startswith(f"sent to mbox://{home}/mail: watcher: ")
    (mail,) = mails(home / "mail")
    assert "Pornic" in mail["Subject"]
    assert "stored in" in mail.as_string().replace("=\n", "")
    stored = [row["stored"] for row in json.loads(watcher("products", "--json").out) if row["stored"]]
    assert len(stored) == len(expected)
    assert all(Path(path).is_file() for path in stored)
    assert "troubles: none" in watcher("status").out


def test_announce_existing_tells_of_what_is_there_as_one_digest(watcher: Watcher, home: Path) -> None:
    watcher("subscribe", f"mbox://{home}/mail")
    watcher("add-site", "Pornic", "--announce-existing")
    assert "9 arrived" in watcher("poll").out
    watcher("notify")
    assert watcher("download").out == "No download is due.\n"
    (mail,) = mails(home / "mail")
    assert "9 new L2A at Pornic" in mail["Subject"]


def test_announcing_what_is_there_can_be_asked_for_until_the_first_poll(watcher: Watcher, home: Path) -> None:
    to_come = "The first poll will announce what is there already, as one digest; none of it is downloaded.\n"
    watcher("subscribe", f"mbox://{home}/mail")
    watcher("add-site", "Pornic")
    assert to_come in watcher("add-site", "Pornic", "--announce-existing").out
    watcher("add-site", "Pornic", "--max-cloud", "100")
    assert "9 arrived" in watcher("poll").out
    assert "--announce-existing announces nothing more.\n" in watcher("add-site", "Pornic", "--announce-existing").out


def test_a_catalogue_that_does_not_answer_is_a_problem_that_status_shows(
    watcher: Watcher, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher("add-site", "Pornic")
    monkeypatch.setattr("watcher.net.manners.backoff", lambda *_: 0.0)
    scene.catalogue.close()
    said = watcher("poll")
    assert said.code == 69
    assert "SPOT5 (Pornic)" in said.err
    state = json.loads(watcher("status", "--json").out)
    assert state["catalogues"][0]["failures"] == 1
    assert "take5" in state["troubles"][0]


def test_an_address_that_refuses_is_tried_again_and_can_be_retried(watcher: Watcher, scene: Scene, home: Path) -> None:
    watcher("add-site", "Pornic", "--announce-existing")
    watcher("subscribe", f"mbox://{home}/mail")
    (home / "mail").mkdir()
    watcher("poll")
    failed = watcher("notify")
    assert failed.code == 1
    assert "again in" in failed.err
    assert watcher("notify").out == "No notice is due.\n"
    assert "9 deliveries failed" in watcher("status").out
    (home / "mail").rmdir()
    assert watcher("retry").out == "9 deliveries and 0 downloads are due again.\n"
    assert watcher("notify").code == 0


def test_a_product_can_be_wanted_by_name(watcher: Watcher) -> None:
    watcher("add-site", "Pornic", "--no-download")
    watcher("poll")
    title = json.loads(watcher("products", "--json").out)[0]["title"]
    assert "stored " in watcher("download", title).out
    said = watcher("download", title)
    assert (said.code, said.out.startswith(f"{title} is stored already: /")) == (0, True)
    said = watcher("download", "SPOT5_NOTHING")
    assert said.code == 2
    assert "SPOT5_NOTHING" in said.err
    assert f"did you mean {title}?" in watcher("download", title.replace("Pornic", "Pronic")).err


def test_products_can_be_had_as_csv(watcher: Watcher) -> None:
    watcher("add-site", "Pornic")
    nothing = watcher("products", "--csv").out
    watcher("poll")
    assert watcher("products", "--csv").out.startswith(nothing), "the columns are the same when there is nothing"
    header, *rows = watcher("products", "--csv", "--site", "pornic", "--since", "2015-05-01").out.splitlines()
    assert header.startswith("site,catalogue,collection,id,title,level")
    assert rows
    assert all(row.startswith("Pornic,take5,SPOT5,") for row in rows)
    assert watcher("products", "--csv", "--json").code == 2


def test_a_filter_that_lets_nothing_pass_is_not_taken_for_nothing_seen(watcher: Watcher) -> None:
    assert watcher("products").out == "Nothing was seen yet of a place that is watched.\n"
    watcher("add-site", "Pornic")
    watcher("poll")
    assert watcher("products", "--level", "L3A").out == "None of these was seen yet.\n"


def test_a_refused_password_says_whose_and_what_to_do(watcher: Watcher, home: Path) -> None:
    (home / "password").write_text("wrong\n")
    watcher("add-site", "Pornic")
    watcher("poll")
    title = json.loads(watcher("products", "--json").out)[0]["title"]
    said = watcher("download", title)
    assert said.code == 1
    assert "403" in said.err or "refuse" in said.err
    assert "wrong" not in said.err


def test_a_layout_that_is_none_is_refused_before_anything_is_done(watcher: Watcher, home: Path) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text().replace('levels = ["L2A"]', 'levels = ["L2A"]\nlayout = "../{id}"'))
    said = watcher("download")
    assert said.code == 78
    assert 'download.layout = "../{id}": it is a relative path' in said.err
    assert "→ write for instance" in said.err


def test_products_lie_where_the_layout_says(watcher: Watcher, home: Path, scene: Scene) -> None:
    config = home / "config.toml"
    config.write_text(
        config.read_text().replace('levels = ["L2A"]', 'levels = ["L2A"]\nlayout = "{acquired:%Y/%m}/{site}/{title}"')
    )
    watcher("add-site", "Pornic", "--level", "L2A")
    watcher("poll")
    scene.play()
    watcher("poll")
    said = watcher("download")
    assert said.code == 0
    assert "archive/2015/05/Pornic/SPOT5_" in said.out


def test_what_is_named_while_others_download_is_said_to_come_with_them(watcher: Watcher, home: Path) -> None:
    watcher("add-site", "Pornic", "--no-download")
    watcher("poll")
    title = next(row["title"] for row in json.loads(watcher("products", "--json", "--level", "L2A").out))
    with holding(home / "state" / "download.lock", what="downloading"):
        named, unnamed = watcher("download", title), watcher("download")
    assert (named.code, unnamed.code) == (73, 73)
    assert "what you named is wanted now, and comes with it" in named.err
    assert "wait for it" in unnamed.err
    assert watcher("download").out.startswith("stored ")
