"""What a real mail server receives, read by a real mail parser: the pictures inside, one conversation, a way out."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from tests.channels.conftest import Mailman, started
from tests.hostile import ATTRIBUTES, HOSTILE, SAFE, Page, is_clean
from watcher.channels import mbox
from watcher.channels.apprise import Kind
from watcher.core.notices import draft, finish, shots
from watcher.core.wording import Told
from watcher.model import Event, Level, Notice, Outcome, Product

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40


BREAKING = [text for text in HOSTILE if not text.isprintable() or len(text) > 200]
"""Those that would break a header, if any did: each is the subject, the key and the name of something."""


def notice(key: str = "key-1", *texts: str, **terms: object) -> Notice:
    """A notice about products at sites of these names."""
    told = []
    for number, text in enumerate(texts or ("Litchfield",)):
        product = Product("SPOT5", f"{number}", text, Level("L2A"), None, "1", link="https://x.org/1")
        shown, before = (
            msgspec.structs.replace(product, quicklook=f"https://x.org/{number}{age}.jpg") for age in ("", "-before")
        )
        told.append(Told(Event.NEW, text, shown, "take5", clear=("take5", before)))
    plan = draft(told, key=key, footer="watcher unsubscribe 3", **terms)  # type: ignore[arg-type]
    return finish(plan, pictures=dict.fromkeys(shots(plan), JPEG))


LINK = "https://watcher.example.org/" + "long/" * 30 + "unsubscribe/3/" + "0123456789" * 4
KEYS = [f"key-{n}" for n in range(10)]
POSTS: dict[str, tuple[str, Notice]] = {
    "ordinary": ("", notice("ordinary")),
    "again": ("", notice("ordinary")),
    "l1c": ("", notice("l1c")),
    "l2a": ("", notice("l2a", follows=["l1c"])),
    "reprocessed": ("", notice("reprocessed", follows=["l1c", "l2a"])),
    "long": ("", notice("long", unsubscribe=LINK, follows=KEYS)),
    "foreign": ("", notice("foreign", "Île d'Oléron — 奄美")),
    "as text": ("&format=text", notice("as text")),
    "own": ("&+X-Team=remote%20sensing&reply=desk@example.org&name=The%20desk", notice("own")),
    "forty": ("", notice("forty", "all hostile", *HOSTILE)),
    "forty harmless": ("", notice("forty harmless", "all harmless", *(f"word {n}" for n in range(len(HOSTILE))))),
    **{f"hostile {n}": ("", notice(text, text, follows=[text])) for n, text in enumerate(BREAKING)},
}
"""What is sent, each to an address of its own name."""


class Got(NamedTuple):
    raw: bytes
    mail: EmailMessage


@pytest.fixture(scope="module")
def got() -> Iterator[dict[str, Got]]:
    """What the mail server received, by name: all in one batch, for starting Apprise takes a second."""
    with started() as mailman:
        posts = [(mailman.url(f"n{n}@example.org") + terms, what) for n, (terms, what) in enumerate(POSTS.values())]
        assert {sent.outcome for sent in Kind().send(posts)} == {Outcome.SENT}
        received = {str(mail["To"]): Got(raw, mail) for raw, mail in zip(mailman.raw, mailman.mails, strict=True)}
        assert len(received) == len(mailman.asked) == len(POSTS)
        yield {name: received[f"n{n}@example.org"] for n, name in enumerate(POSTS)}


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_mail_carries_its_pictures_inside_where_the_page_shows_them(got: dict[str, Got]):
    mail = got["ordinary"].mail
    assert mail.get_content_type() == "multipart/alternative"
    text, related = mail.iter_parts()
    assert [part.get_content_type() for part in (text, related)] == ["text/plain", "multipart/related"]
    page, *pictures = related.iter_parts()
    assert page.get_content_type() == "text/html"
    shown = [picture["src"] for picture in Page(page.get_content()).pictures()]
    assert shown == [f"cid:{picture['Content-ID'].strip('<>')}" for picture in pictures]
    assert len(shown) == 2
    for picture in pictures:
        assert picture.get_content_type() == "image/jpeg"
        assert picture.get_content_disposition() == "inline"
        assert picture.get_content() == JPEG
    assert not re.search(r'(src|background|url)\s*[=(]\s*["\']?http', page.get_content())


def test_the_same_notice_has_one_message_id_however_often_it_is_sent(got: dict[str, Got]):
    names = [got[name].mail["Message-ID"] for name in ("ordinary", "again", "l1c")]
    assert names[0] == names[1] != names[2]
    for raw, mail in got.values():
        assert re.fullmatch(r"<[0-9a-f]{32}@example\.org>", mail["Message-ID"])
        assert len(re.findall(rb"^message-id:", raw, re.MULTILINE | re.IGNORECASE)) == 1
    assert "References" not in got["l1c"].mail
    assert "In-Reply-To" not in got["l1c"].mail


def test_an_l2a_answers_its_l1c_and_the_reprocessed_one_both(got: dict[str, Got]):
    l1c, l2a, reprocessed = (got[name].mail for name in ("l1c", "l2a", "reprocessed"))
    assert l2a["In-Reply-To"] == l2a["References"] == l1c["Message-ID"]
    assert reprocessed["In-Reply-To"] == l2a["Message-ID"]
    assert reprocessed["References"].split() == [l1c["Message-ID"], l2a["Message-ID"]]


def test_headers_are_never_folded_into_something_else(got: dict[str, Got]):
    raw, mail = got["long"]
    assert mail["List-Unsubscribe"] == f"<{LINK}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert len(mail["References"].split()) == len(KEYS)
    head = raw.partition(b"\r\n\r\n")[0]
    assert b"=?" not in head
    assert max(map(len, head.split(b"\r\n"))) < 998  # RFC 5322 §2.1.1
    assert all(line.endswith(b"\r") for line in raw.split(b"\n")[:-1])


def test_without_a_public_address_there_is_no_button(got: dict[str, Got]):
    mail = got["ordinary"].mail
    assert "List-Unsubscribe" not in mail
    assert "watcher unsubscribe 3" in text_of(mail)


def test_a_subject_of_other_letters_arrives_as_it_was(got: dict[str, Got]):
    mail = got["foreign"].mail
    assert mail["Subject"] == "watcher: 1 new L2A at Île d'Oléron — 奄美"
    assert "Île d'Oléron — 奄美" in text_of(mail)
    assert "Île d'Oléron — 奄美" in Page(text_of(mail, "html")).words


def test_who_asks_for_text_gets_text(got: dict[str, Got]):
    mail = got["as text"].mail
    assert mail.get_content_type() == "text/plain"
    assert text_of(mail).strip() == POSTS["as text"][1].text.strip()


def test_headers_of_the_account_stay(got: dict[str, Got]):
    mail = got["own"].mail
    assert mail["X-Team"] == "remote sensing"
    assert mail["Reply-To"] == "desk@example.org"
    assert mail["From"] == "The desk <watcher@example.org>"


def test_words_that_break_headers_add_no_header_and_no_part(got: dict[str, Got]):
    ordinary = got["l2a"].mail
    structure = [part.get_content_type() for part in ordinary.walk()]
    hostile = [mail for name, (_, mail) in got.items() if name.startswith("hostile")]
    assert len(hostile) >= 5
    for mail in hostile:
        assert sorted(set(mail.keys()) - {"In-Reply-To", "References"}) == sorted(got["l1c"].mail.keys())
        assert [part.get_content_type() for part in mail.walk()] == structure
        assert is_clean(mail["Subject"])


def test_forty_hostile_words_add_no_element_to_a_page_and_no_line_to_a_text(got: dict[str, Got]):
    hostile, harmless = got["forty"].mail, got["forty harmless"].mail
    assert sorted(hostile.keys()) == sorted(harmless.keys())
    bad, good = (Page(text_of(mail, "html")) for mail in (hostile, harmless))
    assert bad.tags.count("h2") >= 40
    assert sorted(bad.tags) == sorted(good.tags)
    assert set(bad.tags) <= SAFE
    for _, attributes in bad.elements:
        assert set(attributes) <= ATTRIBUTES
    assert bad.comments == 0
    assert text_of(hostile).count("\n") == text_of(harmless).count("\n")


def test_what_a_server_refuses_for_good_is_told_from_what_it_may_take_later(mailman_with: Callable[..., Mailman]):
    mailman = mailman_with(auth_require_tls=False)
    stranger = mailman.url("jane@example.org").replace("from=watcher@", "from=stranger@")
    expected = {
        mailman.url("refused@example.org"): (True, "550 5.1.1 "),
        mailman.url("later@example.org"): (False, "451 4.7.1 "),
        mailman.url("spam@example.org"): (True, "554 5.7.1 "),
        # The account's trouble, which is no reason to give up the recipient:
        stranger: (False, "550 5.7.1 "),
        mailman.url("jane@example.org", user="watcher:wrong@"): (False, "535 5.7.8 "),
        "mailto://127.0.0.1:9/?from=watcher@example.org&to=jane@example.org": (False, "None"),
    }
    for sent in Kind().send([(url, POSTS["ordinary"][1]) for url in expected]):
        permanent, answer = list(expected.values())[sent.index]
        assert (sent.outcome, sent.permanent) == (Outcome.FAILED, permanent), sent
        assert str(sent.answer).startswith(answer)
        assert sent.answer is None or sent.answer in str(sent.problem)


def test_a_mailbox_has_the_same_conversation_and_the_same_pictures(tmp_path: Path):
    posts = [notice("l1c"), notice("l2a", follows=["l1c"], unsubscribe=LINK)]
    sent = list(mbox.Kind().send([(f"mbox://{tmp_path}/box", one) for one in posts]))
    assert [one.outcome for one in sent] == [Outcome.SENT] * 2
    l1c, l2a = (
        email.message_from_bytes(part.partition(b"\n")[2], policy=email.policy.default)
        for part in (tmp_path / "box").read_bytes().split(b"\nFrom ")
    )
    assert l2a["References"] == l1c["Message-ID"]
    assert l2a["List-Unsubscribe"] == f"<{LINK}>"
    pictures = [part for part in l2a.walk() if part.get_content_type() == "image/jpeg"]
    assert [picture.get_content() for picture in pictures] == [JPEG, JPEG]
    assert "\n  new L2A: Litchfield\n" in (tmp_path / "box").read_text()
