import json
from pathlib import Path

from tests.conftest import Watcher

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
    assert "none left" in watcher("subscriptions").out


def test_ids_that_are_not_there_are_named(watcher: Watcher) -> None:
    for command in ("unsubscribe", "test-notify", "retry"):
        said = watcher(command, "7")
        assert said.code == 2
        assert "7" in said.err
