"""The demo's look from outside must find what is wrong, or it proves nothing."""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from mailbox import mbox

import msgspec
import pytest

from watcher.demo.files import archive, size_and_md5
from watcher.demo.outcome import Left, findings, look, word
from watcher.demo.products import L2A
from watcher.demo.timeline import Timeline

ARRIVALS = Timeline().arrivals
FETCHED = [p for p in ARRIVALS if p.level == L2A]


def event(product):
    return "new" if product.version == "1.0" else "revised"


def notice(product):
    return f"{product.site.code}\n\n  {event(product)} {word(product.level)}: {product.ident}\n    some facts\n"


@pytest.fixture
def whole():
    """All as it should be: two products before, then the whole of June."""
    rows = [{"event": event(p), "level": word(p.level), "title": p.ident} for p in ARRIVALS]
    return Left(
        rows=[{"event": None, "level": "L1C", "title": "old"}] * 2 + rows,
        mails=[notice(p) for p in ARRIVALS],
        shown="\n".join(notice(p) for p in FETCHED if p.site.code == "Pornic"),
        files=[(p.ident, size_and_md5(p)[1]) for p in FETCHED],
        size=794_367,
    )


def wrong(left):
    return {f.subject: f.text for f in findings(left, ARRIVALS, before=2, site="Pornic") if not f.well}


def changed(left, **fields):
    return msgspec.structs.replace(left, **fields)


def test_when_all_is_as_it_should_be_nothing_is_wrong(whole):
    assert wrong(whole) == {}
    subjects = [f.subject for f in findings(whole, ARRIVALS, before=2, site="Pornic")]
    assert subjects == ["seen", "mailed", "shown", "stored", "revised"]


def test_an_arrival_that_was_not_seen_is_named(whole):
    found = wrong(changed(whole, rows=whole.rows[:-1]))
    assert found["seen"].endswith(f"missing: new L2A {ARRIVALS[-1].ident}")


def test_what_was_there_before_must_be_remembered(whole):
    assert "seen" in wrong(changed(whole, rows=whole.rows[1:]))


def test_a_mail_too_few_and_a_mail_too_many_are_named(whole):
    mails = [*whole.mails[1:], whole.mails[5]]
    text = wrong(changed(whole, mails=mails))["mailed"]
    assert f"missing: new L2A {ARRIVALS[0].ident}" in text
    assert f"too many: new {word(ARRIVALS[5].level)} {ARRIVALS[5].ident}" in text


def test_a_terminal_that_was_told_of_another_place_is_noticed(whole):
    other = next(p for p in FETCHED if p.site.code == "Litchfield")
    assert other.ident in wrong(changed(whole, shown=whole.shown + notice(other)))["shown"]


def test_a_file_with_other_bytes_and_one_too_many_are_noticed(whole):
    (title, _), *rest = whole.files
    assert "missing" in wrong(changed(whole, files=[(title, "0" * 32), *rest]))["stored"]
    assert "too many" in wrong(changed(whole, files=[*whole.files, ("strange", "0" * 32)]))["stored"]


def test_the_old_version_of_what_was_processed_again_will_not_do(whole):
    again = next(p for p in FETCHED if p.version != "1.0")
    files = [(title, "0" * 32 if title == again.ident else md5) for title, md5 in whole.files]
    assert again.ident in wrong(changed(whole, files=files))["revised"]


def test_mails_and_files_are_read_as_they_lie(tmp_path):
    product = FETCHED[0]
    box = mbox(tmp_path / "box")
    mail = EmailMessage()
    mail["Subject"] = "watcher: 1 new"
    mail.set_content(f"{notice(product)}\nFrom Pornic, with a cloud ≤ 20 %\n")
    mail.add_alternative("<p>the same</p>", subtype="html")
    box.add(mail)
    box.close()
    place = tmp_path / "archive" / "Litchfield" / f"{product.ident}.tgz"
    place.parent.mkdir(parents=True)
    place.write_bytes(archive(product))

    left = look([], box=tmp_path / "box", shown="", archive=tmp_path / "archive")

    assert len(left.mails) == 1
    assert notice(product) in left.mails[0]
    assert "From Pornic, with a cloud ≤ 20 %" in left.mails[0]
    assert left.files == [(product.ident, hashlib.md5(archive(product)).hexdigest())]
    assert left.size == len(archive(product))


def test_without_a_mailbox_and_an_archive_there_was_nothing(tmp_path):
    left = look([], box=tmp_path / "box", shown="", archive=tmp_path / "archive")
    assert (left.mails, left.files, left.size) == ([], [], 0)
