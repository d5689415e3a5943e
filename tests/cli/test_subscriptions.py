import json
import tomllib
from pathlib import Path

import pytest

from tests.conftest import Watcher
from tests.given import database, rows

SECRET_URL = "json://lab:s3cr3t-pass@127.0.0.1:9/hook/t0ken-in-path"


def test_a_url_with_secrets_is_shown_masked_and_kept_out_of_the_database(watcher: Watcher, home: Path) -> None:
    said = watcher("subscribe", SECRET_URL, "--name", "the lab")
    assert said.code == 0
    listed = watcher("subscriptions", "--json")
    assert json.loads(listed.out)[0]["address"] == "json://127.0.0.1/…"
    shown = said.out + listed.out + watcher("subscriptions").out + watcher("status", "--json").out
    stored = b"".join(path.read_bytes() for path in (home / "state").glob("watcher.db*"))
    for secret in ("s3cr3t-pass", "t0ken-in-path"):
        assert secret not in shown
        assert secret.encode() not in stored
    assert (home / "state" / "addresses.json").stat().st_mode & 0o077 == 0
    watcher("unsubscribe", "1")
    assert "s3cr3t-pass" not in (home / "state" / "addresses.json").read_text()


def test_an_unknown_scheme_channel_or_mail_without_account_is_refused(watcher: Watcher) -> None:
    for address, named in (
        ("slakc://a/b/c", "slakc"),
        ("team", "team"),
        ("you@example.org", "no mail account is configured"),
    ):
        said = watcher("subscribe", address)
        assert said.code == 2, said
        assert named in said.err
    assert json.loads(watcher("subscriptions", "--json").out) == []


def test_an_empty_collection_or_platform_is_refused_for_nothing_would_be_heard(watcher: Watcher) -> None:
    for option, what in (("--collection", "collection"), ("--platform", "platform")):
        said = watcher("subscribe", "terminal://", option, " ")
        assert said.code == 2
        assert f'" " is no {what}\n  → write its name; * in it is anything' in said.err
    assert json.loads(watcher("subscriptions", "--json").out) == []


def test_test_notify_says_how_each_target_answered(watcher: Watcher, home: Path) -> None:
    watcher("subscribe", f"mbox://{home}/mail")
    watcher("subscribe", f"mbox://{home}/broken")
    (home / "broken").mkdir()
    said = watcher("test-notify")
    assert said.code == 1
    first, second = said.out.splitlines()
    assert first.startswith("1  ")
    assert "accepted after" in first
    assert second.startswith("2  ")
    assert "failed after" in second


def test_a_subscription_to_a_removed_site_is_not_one_to_all(watcher: Watcher, home: Path) -> None:
    watcher("add-site", "Pornic")
    watcher("add-site", "Litchfield", "--announce-existing")
    watcher("subscribe", f"mbox://{home}/mail", "--site", "Pornic")
    watcher("remove-site", "Pornic")
    watcher("poll")
    assert watcher("notify").out == "No notice is due.\n"
    assert "at no site that is left" in watcher("subscriptions").out


def test_ids_that_are_not_there_are_named(watcher: Watcher) -> None:
    for command in ("unsubscribe", "test-notify", "retry"):
        said = watcher(command, "7")
        assert said.code == 2
        assert "7" in said.err


@pytest.fixture(autouse=True)
def paris(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine stands there."""
    monkeypatch.setenv("TZ", "Europe/Paris")


def test_what_was_understood_is_said_back(watcher: Watcher, home: Path) -> None:
    watcher("add-site", "Litchfield")
    said = watcher(
        *("subscribe", f"mbox://{home}/mail", "--site", "litchfield", "--level", "l2a", "--max-cloud", "20"),
        *("--at", "8", "--quiet", "22-7", "--name", "the lab"),
    )
    assert said.code == 0
    understood = (
        "daily at 08:00 Europe/Paris of L2A at Litchfield, cloud ≤ 20 % (unknown passes); quiet 22:00\u201307:00"
    )
    assert said.out.splitlines() == [
        f"Subscription 1: mbox://{home}/mail hears {understood}.",
        "Try it: watcher test-notify 1",
    ]
    (row,) = json.loads(watcher("subscriptions", "--json").out)
    assert (row["every"], row["at"], row["zone"], row["quiet"]) == ("day", "08:00", "Europe/Paris", "22:00-07:00")
    assert (row["sites"], row["levels"], row["max_cloud"]) == (["Litchfield"], ["L2A"], 20)
    assert [row[key] for key in ("tags", "collections", "platforms", "fields")] == [[], [], [], []]
    assert (row["still"], row["muted"]) == (False, None)
    assert row["hears"] in said.out


@pytest.mark.parametrize(
    ("option", "doubt"),
    [
        (("--platform", "spot 5"), ""),
        (("--platform", "SPOT_*"), ""),
        (("--platform", "*"), ""),
        (("--platform", "SPOT4"), "Nothing of SPOT-4 is watched; watched are SPOT5."),
        (("--platform", "sentinel-2A"), "Nothing of SENTINEL-2A is watched; watched are SPOT5."),
        (("--platform", "SPTO5"), 'No satellite "SPTO5" is known; did you mean SPOT-5 or '),
        (("--platform", "S2X"), 'No satellite "S2X" is known; did you mean SENTINEL-2 or '),
        (("--platform", "*5"), ""),
        (("--platform", "SPOT[!5]"), 'No satellite "SPOT[!5]" was seen; seen were SPOT5.'),
        (("--platform", "a drone"), 'No satellite "a drone" is known; seen were SPOT5.'),
        (("--level", "L1C"), "No L1C is watched there; watched are L2A."),
        (("--level", "any"), ""),
    ],
)
def test_a_level_or_platform_that_nothing_has_is_doubted(
    watcher: Watcher, home: Path, option: tuple[str, str], doubt: str
) -> None:
    watcher("add-site", "Pornic")
    watcher("poll")
    said = watcher("subscribe", f"mbox://{home}/mail", *option)
    promise, *doubts, way = said.out.splitlines()
    assert promise.startswith("Subscription 1: ")
    assert way == "Try it: watcher test-notify 1"
    assert len(doubts) == bool(doubt)
    assert doubt in said.out
    assert (
        watcher("subscribe", f"mbox://{home}/mail", *option, "--preview").out.splitlines()[1:2] == doubts or not doubts
    )


def test_any_level_is_no_filter(watcher: Watcher, home: Path) -> None:
    watcher("add-site", "Pornic", "--level", "any")
    watcher("subscribe", f"mbox://{home}/mail", "--level", "L1C")
    assert " of every product at every site." in watcher("edit-subscription", "1", "--level", "any").out
    watcher("poll")
    everything = json.loads(watcher("products", "--json").out)
    assert json.loads(watcher("products", "--level", "any", "--json").out) == everything != []
    document = home / "agreed.toml"
    document.write_text(f'[[subscriptions]]\naddress = "mbox://{home}/other"\nlevels = ["any"]\n')
    assert " of every product at every site." in watcher("subscriptions", "--import", str(document)).out


def test_a_platform_is_not_doubted_before_anything_is_watched(watcher: Watcher, home: Path) -> None:
    assert len(watcher("subscribe", f"mbox://{home}/mail", "--platform", "LANDSAT_9").out.splitlines()) == 2


def test_the_same_is_agreed_once(watcher: Watcher, home: Path) -> None:
    for at in ("08:00", "8"):
        said = watcher("subscribe", f"mbox://{home}/mail", "--at", at)
        assert said.code == 0
    assert said.out.startswith("That was agreed before; nothing is changed.\nSubscription 1: ")
    assert len(json.loads(watcher("subscriptions", "--json").out)) == 1


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--zone", "Europe/Pari"), "did you mean Europe/Paris?"),
        (("--every", "hour", "--at", "8"), "does not go with a notice each hour"),
        (("--every", "day", "--on", "monday"), "weekly"),
        (("--on", "someday"), '"someday" is no day of the week'),
        (("--quiet", "8"), "22:00-07:00"),
        (("--fields", "acquired,clud"), "did you mean cloud?"),
        (("--unknown-cloud", "refuse"), "maximum of cloud"),
        (("--event", "old"), '--event: "old" is none of new, revised, withdrawn, downloaded, late, health'),
        (("--min-coverage", "101"), "101"),
        (("--site", "Nowhere"), 'no site is called "Nowhere"'),
        (("--tag", "a,b"), "no comma"),
        (("--days", "3"), "--days goes with --preview"),
    ],
)
def test_terms_that_cannot_be_are_refused_and_nothing_is_stored(
    watcher: Watcher, home: Path, options: tuple[str, ...], named: str
) -> None:
    said = watcher("subscribe", "json://user:s3cret@127.0.0.1:9/x", *options)
    assert said.code == 2
    assert named in said.err
    assert json.loads(watcher("subscriptions", "--json").out) == []
    assert not (home / "state" / "addresses.json").exists()


def test_a_subscription_is_edited_term_by_term(watcher: Watcher, home: Path) -> None:
    watcher("add-site", "Pornic", "--announce-existing")
    watcher("subscribe", f"mbox://{home}/mail", "--level", "L2A", "--max-cloud", "20", "--quiet", "22-7")
    watcher("poll")
    said = watcher(
        "edit-subscription", "1", "--without", "quiet", "--without", "max-cloud", "--on", "sun", "--zone", "UTC"
    )
    assert "weekly on Sunday at 08:00 UTC of L2A at every site.\n" in said.out
    assert "deliveries owed already: sent at 20" in said.out
    assert "sent as before" in watcher("edit-subscription", "1", "--level", "L1C").out
    assert watcher("notify").out == "No notice is due.\n"
    assert "owed already: sent at once" in watcher("edit-subscription", "1", "--without", "every").out
    moved = watcher("edit-subscription", "1", "--to", f"mbox://{home}/other")
    assert f"mbox://{home}/other hears at once of L1C" in moved.out
    watcher("notify")
    assert not (home / "mail").exists()
    assert "SPOT5" in (home / "other").read_text()
    assert f"{home}/mail" not in (home / "state" / "addresses.json").read_text()
    nothing = watcher("edit-subscription", "1")
    assert nothing.code == 2
    assert "--without max-cloud" in nothing.err


def test_a_subscription_is_muted_and_heard_again(watcher: Watcher, home: Path) -> None:
    watcher("add-site", "Pornic", "--announce-existing")
    watcher("subscribe", f"mbox://{home}/mail")
    watcher("poll")
    assert "hears nothing until 2" in watcher("mute", "1", "--until", "2w").out
    muted = watcher("mute", "1")
    assert "hears nothing until it is unmuted." in muted.out
    assert watcher("notify").out == "No notice is due.\n"
    assert "; muted" in watcher("subscriptions").out
    heard = watcher("unmute", "1")
    assert "hears at once of every product at every site.\n" in heard.out
    assert "owed already: sent at once" in heard.out
    watcher("notify")
    assert "SPOT5" in (home / "mail").read_text()
    assert "is not muted" in watcher("unmute", "1").out
    assert watcher("mute", "1", "--until", "2001-01-01").code == 2


def test_a_preview_tells_of_the_past_and_stores_nothing(watcher: Watcher, home: Path) -> None:
    watcher("add-site", "Pornic", "--level", "L1C", "--level", "L2A", "--announce-existing", "--tag", "Coast")
    watcher("poll")
    address = f"mbox://{home}/mail"
    said = watcher("subscribe", address, "--tag", "coast", "--level", "L2A", "--max-cloud", "20", "--preview")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[1] == "With this rule you would have had 1 notice for 7 arrivals in the last 90 days."
    assert lines[2] == "Of 20 arrivals there, 13 are refused: 11 by level, 2 by cloud."
    assert "watcher looks since 20" in lines[3]
    assert lines[5] == "    ┃ watcher: 7 new L2A at Pornic"
    assert lines[-1] == "This was a preview: nothing is stored."
    assert json.loads(watcher("subscriptions", "--json").out) == []
    with database(home / "state" / "watcher.db") as db:
        assert rows(db, "SELECT count(*) FROM subscriptions") == [0]
    watcher("subscribe", address, "--tag", "coast", "--level", "L2A", "--max-cloud", "20")
    nothing = watcher("edit-subscription", "1", "--level", "L3A", "--preview", "--days", "1")
    assert "heard nothing in the last 1 day." in nothing.out
    assert json.loads(watcher("subscriptions", "--json").out)[0]["levels"] == ["L2A"]


def test_subscriptions_go_out_as_a_document_and_come_in_again(watcher: Watcher, home: Path) -> None:
    watcher("add-site", "Pornic")
    watcher("subscribe", SECRET_URL, "--site", "Pornic", "--on", "friday")
    watcher("subscribe", f"mbox://{home}/mail", "--tag", "dry", "--max-cloud", "20")
    document = watcher("subscriptions", "--export").out
    assert "s3cr3t" not in document
    assert "t0ken" not in document
    hook, box = tomllib.loads(document)["subscriptions"]
    assert hook["address"].startswith("url:")
    assert hook["stands_for"] == "json://127.0.0.1/…"
    assert box["address"] == f"mbox://{home}/mail"
    assert json.loads(watcher("subscriptions", "--export", "--format", "json", "2").out) == {"subscriptions": [box]}

    page = home / "people.toml"
    page.write_text(document)
    assert "2 subscriptions read" in (same := watcher("subscriptions", "--import", str(page)).out)
    assert "2 as before" in same
    page.write_text(document.replace("max_cloud = 20", "max_cloud = 30").replace("id = 1", "") + TEAM.format(home))
    said = watcher("subscriptions", "--import", str(page)).out
    assert "3 subscriptions read from" in said
    assert ": 1 new, 1 changed, 1 as before.\n" in said
    assert "Subscription 2: " in said
    assert "cloud ≤ 30 %" in said
    assert "Subscription 3: " in said
    assert len(json.loads(watcher("subscriptions", "--json").out)) == 3
    assert "3 as before" in watcher("subscriptions", "--import", str(page)).out


TEAM = """
[[subscriptions]]
address = "mbox://{}/team"
every = "day"
at = 08:30:00
"""


def test_nothing_of_a_document_is_taken_if_something_of_it_cannot_be(watcher: Watcher, home: Path) -> None:
    watcher("subscribe", f"mbox://{home}/mail")
    page = home / "people.toml"
    good = f'[[subscriptions]]\naddress = "mbox://{home}/new"\n'
    for bad, named in (
        ('address = "mbox:///x"\nmax_cloud = 120', "line 5: max_cloud = 120: it must be a number from 0 to 100"),
        (f'address = "mbox://{home}/newer"\nsites = ["Pornik"]', 'line 5: no site is called "Pornik"'),
        ('address = "url:0123456789abcdef"\nstands_for = "slack://…"', "line 4: url:0123456789abcdef stands for no"),
        ('address = "nobody"', "line 4: "),
        (f'id = 1\naddress = "mbox://{home}/other"', "line 4: subscription 1 here is that of mbox"),
        (f'id = 1\naddress = "mbox://{home}/mail"\n[[subscriptions]]\nid = 1\naddress = "mbox://{home}/mail"', "twice"),
    ):
        page.write_text(f"{good}[[subscriptions]]\n{bad}\n")
        said = watcher("subscriptions", "--import", str(page))
        assert said.code == 2
        assert named in said.err
        assert "so none is" in said.err
        assert [row["id"] for row in json.loads(watcher("subscriptions", "--json").out)] == [1]
        assert "new" not in (home / "state" / "addresses.json").read_text()


def test_the_listing_fits_into_a_hundred_columns(watcher: Watcher, home: Path) -> None:
    for place in ("Pornic", "Litchfield", "Mooreesburg"):
        watcher("add-site", place)
    watcher("subscribe", f"mbox://{home}/mail", "--site", "Pornic", "--site", "Litchfield", "--site", "Mooreesburg")
    watcher("subscribe", "terminal://", "--tag", "dry", "--min-coverage", "60", "--max-cloud", "20", "--on", "friday")
    listed = watcher("subscriptions").out.splitlines()
    assert max(map(len, listed)) <= max(100, len(f"mbox://{home}/mail") + 80)
    assert listed[0].split() == ["ID", "ADDRESS", "WHEN", "OF", "WHAT"]
    assert "weekly on Friday at 08:00 Europe/Paris" in "\n".join(listed)


def test_a_mailbox_is_one_address_however_it_is_written(watcher: Watcher, home: Path) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text() + '[mail]\nurl = "mailto://127.0.0.1:9?from=w@example.org"\n')
    assert watcher("subscribe", "mailto:Jane@Example.ORG").code == 0
    (row,) = json.loads(watcher("subscriptions", "--json").out)
    assert row["address"] == "Jane@example.org"
