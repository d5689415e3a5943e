"""`watcher test-notify`: a real notice, and what each target said to it."""

from __future__ import annotations

import email
import email.policy
import re
from pathlib import Path

from tests.channels.conftest import Mailman, mailman, mailman_with
from tests.conftest import Watcher
from tests.hostile import Page

__all__ = ["mailman", "mailman_with"]


def test_each_target_is_told_with_its_answer_and_its_time_and_none_is_ok_that_refused(
    watcher: Watcher, home: Path, mailman: Mailman
) -> None:
    with (home / "config.toml").open("a") as config:
        config.write(f'[mail]\nurl = "{mailman.url("").removesuffix("&to=")}"\n')
    for address in ("jane@example.org", "refused@example.org", f"mbox://{home}/mail"):
        assert watcher("subscribe", address).code == 0
    said = watcher("test-notify")
    assert said.code == 1
    lines = {line.split()[1].split("/")[-1]: line for line in said.out.splitlines()}
    assert len(lines) == 3
    assert re.search(r"accepted after \d+\.\d s: 250 2\.0\.0 queued as 4711$", lines["jane@example.org"])
    assert re.search(r"failed after \d+\.\d s, for good: .*550 5\.1\.1 no such person", lines["refused@example.org"])
    assert re.search(r"accepted after \d+\.\d s$", lines["mail"])
    [mail] = mailman.mails
    assert mail["Subject"] == "watcher: 1 new L2A at Litchfield (a test), 2015-06-29"
    pictures = [part.get_content() for part in mail.walk() if part.get_content_type() == "image/jpeg"]
    assert len(pictures) == 2
    assert all(picture.startswith(b"\xff\xd8\xff") for picture in pictures)
    [box] = (home / "mail").read_bytes().split(b"\nFrom ")
    boxed = email.message_from_bytes(box.partition(b"\n")[2], policy=email.policy.default)
    page = boxed.get_body(("html",))
    assert page is not None
    words = Page(page.get_content()).words
    for expected in ("This is a test: no product arrived.", "watcher unsubscribe 3", "Looked at since"):
        assert expected in words


def test_one_that_is_accepted_is_a_success_and_a_second_test_is_another_mail(watcher: Watcher, home: Path) -> None:
    watcher("subscribe", f"mbox://{home}/mail")
    assert watcher("test-notify", "1").code == 0
    assert "accepted" in watcher("test-notify").out
    assert len(set(re.findall(r"^Message-ID: .*", (home / "mail").read_text(), re.MULTILINE))) == 2


def test_a_public_address_puts_a_button_into_mails_that_ends_that_subscription_only(
    watcher: Watcher, home: Path
) -> None:
    from watcher.core.unsubscribing import accepted
    from watcher.store import addresses, subscriptions
    from watcher.store.connection import connect

    config = (home / "config.toml").read_text()
    (home / "config.toml").write_text(config.replace("[notify]", '[notify]\npublic_url = "https://w.example.org/x/"'))
    for name in ("one", "two"):
        watcher("subscribe", f"mbox://{home}/{name}")
    assert watcher("test-notify").code == 0
    db = connect(home / "state" / "watcher.db")
    secret, both = addresses.secret(home / "state"), subscriptions.every(db)
    db.close()
    assert (home / "state" / "links.key").stat().st_mode & 0o077 == 0
    tokens = []
    for name, subscription in zip(("one", "two"), both, strict=True):
        mail = email.message_from_bytes((home / name).read_bytes(), policy=email.policy.default)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        found = re.fullmatch(r"<https://w\.example\.org/x/unsubscribe/(\d)/(\w{40})>", mail["List-Unsubscribe"])
        assert found is not None
        assert int(found[1]) == subscription.number
        tokens.append(found[2])
        assert accepted(found[2], secret, subscription)
    assert not accepted(tokens[0], secret, both[1])
    assert not accepted(tokens[0], b"another secret", both[0])
    assert not accepted("", secret, both[0])


def test_an_address_that_is_no_web_address_is_refused(watcher: Watcher, home: Path) -> None:
    config = (home / "config.toml").read_text()
    (home / "config.toml").write_text(config.replace("[notify]", '[notify]\npublic_url = "w.example.org"'))
    said = watcher("status")
    assert said.code == 78
    assert 'public_url "w.example.org" is no address' in said.err
    assert "notify" in said.err
