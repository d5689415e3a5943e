from __future__ import annotations

import pytest

from watcher.channels import address_for, family, masked, redacted, resolved
from watcher.errors import UsageError

ACCOUNT = "mailtos://watcher%40example.org:p%2Fw@smtp.example.org:587?from=watcher%40example.org"


def test_a_mail_address_becomes_the_configured_account_with_that_recipient():
    assert resolved("jane+take5@example.org", mail_url=ACCOUNT) == (
        "mailtos://watcher%40example.org:p%2Fw@smtp.example.org:587/"
        "?from=watcher%40example.org&to=jane%2Btake5%40example.org"
    )


@pytest.mark.parametrize(
    "text", ["jane@example.org", " jane@example.org ", "mailto:jane@example.org", "MAIL:jane@example.org"]
)
def test_a_mail_address_may_be_written_in_several_ways(text: str):
    assert resolved(text, mail_url=ACCOUNT) == resolved("jane@example.org", mail_url=ACCOUNT)


def test_the_recipients_of_the_account_get_nobody_elses_notices():
    account = "mailtos://u:p@smtp.example.org/boss@example.org?to=boss@example.org&cc=boss@example.org&bcc=b@c.org"
    url = resolved("jane@example.org", mail_url=account)
    assert "boss" not in url
    assert "bcc" not in url


def test_headers_that_the_account_sets_are_kept():
    url = resolved("jane@example.org", mail_url="mailtos://u:p@smtp.example.org?+X-Team=a%20b&mode=ssl")
    assert "?+X-Team=a%20b&mode=ssl&to=" in url


def test_port_465_speaks_tls_from_the_first_byte():
    assert resolved("jane@example.org", mail_url="mailtos://u:p@smtp.example.org:465").endswith("&mode=ssl")
    assert resolved("mailtos://u:p@smtp.example.org:465", mail_url=None).endswith("?mode=ssl")
    kept = "mailtos://u:p@smtp.example.org:465?mode=starttls"
    assert resolved(kept, mail_url=None) == kept


def test_a_name_from_another_script_is_written_as_the_dns_has_it():
    assert resolved("jane@bücher.example", mail_url=ACCOUNT).endswith("to=jane%40xn--bcher-kva.example")


@pytest.mark.parametrize(
    "text",
    ["", "jane", "@example.org", "jane@", "jane@@example.org", "jane@example..org", "jane doe@example.org",
     "jane@example.org,john@example.org", "jane@example.org?cc=x", "jane@example.org\nBcc: x@y", "a" * 65 + "@x.org",
     "jane@" + "x" * 300, "jane%40example.org", "<jane@example.org>"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str):
    with pytest.raises(UsageError, match="neither an e-mail address nor a URL") as caught:
        resolved(text, mail_url=ACCOUNT)
    assert "jane@example.org" in str(caught.value.hint)


def test_a_mail_address_needs_a_mail_account():
    with pytest.raises(UsageError, match=r"no mail account is configured, so jane@example\.org"):
        resolved("jane@example.org", mail_url=None)


def test_a_mail_account_is_a_mail_url():
    with pytest.raises(UsageError, match="slack://"):
        resolved("jane@example.org", mail_url="slack://a/b/c")


def test_an_address_is_checked_by_its_channel(tmp_path):
    assert address_for("jane@example.org", mail_url=ACCOUNT) == resolved("jane@example.org", mail_url=ACCOUNT)
    assert address_for("terminal://", mail_url=None) == "terminal://"
    with pytest.raises(UsageError, match="slakc") as caught:
        address_for("slakc://a/b/c", mail_url=None)
    assert "did you mean slack://" in str(caught.value.hint)
    with pytest.raises(UsageError, match="is not there"):
        address_for(f"mbox://{tmp_path}/nowhere/box", mail_url=None)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("mbox:///a", "mbox"),
        ("MBOX:///a", "mbox"),
        ("terminal://", "terminal"),
        ("mailtos://x", "apprise"),
        ("slakc://x", "apprise"),
        ("apprise://host/key", "apprise"),
        ("_child://x", "apprise"),
    ],
)
def test_a_scheme_that_is_a_kind_is_sent_to_by_it_and_all_others_by_apprise(address: str, kind: str):
    assert family(address) == kind


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("mailtos://user:pw@smtp.example.org:465?from=a@b.org&to=jane@example.org", "mailtos://smtp.example.org/jane@example.org"),
        ("mailtos://smtp.example.org/jane%40example.org?from=a@b.org", "mailtos://smtp.example.org/jane@example.org"),
        ("mailtos://smtp.example.org?to=jane+take5@example.org", "mailtos://smtp.example.org/jane+take5@example.org"),
        ("mailto://user:pw@gmail.com", "mailto://gmail.com/user@gmail.com"),
        ("jsons://user:pw@hooks.example.org/s3cret?+X=s3cret", "jsons://hooks.example.org/…"),
        ("json://127.0.0.1:8080/s3cret", "json://127.0.0.1/…"),
        ("json://[::1]:8080/s3cret", "json://::1/…"),
        ("slack://T0KEN/B/C/#channel", "slack://…"),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "discord://…"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544", "tgram://…"),
        ("ntfy://my-secret-topic", "ntfy://…"),
        ("mbox:///var/mail/jane", "mbox:///var/mail/jane"),
        ("terminal://", "terminal://"),
        ("no address", "an address that cannot be read"),
        ("json://[broken", "an address that cannot be read"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_its_secrets(address: str, shown: str):
    assert masked(address) == shown


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("json://jane:pa%2Fss@h.example.org/t0ken/x?key=va%20lue", "/t0ken?key=va lue&va%20lue pa/ss pa%2Fss jane"),
        ("slack://T1JJ3T3L2/A1BRTD4JD", "https://hooks/t1jj3t3l2/A1BRTD4JD"),
        ("tgram://123456789:abcdefg/1231", "bot123456789 abcdefg bot123456789:abcdefg"),
        ("json://jane:pass@h.example.org/", "Authorization: Basic amFuZTpwYXNz"),
        ("mailtos://jane:x@h.example.org?to=a@b.org", "user jane with x"),
    ],
)  # fmt: skip
def test_every_secret_of_an_address_is_taken_out_of_a_text(address: str, text: str):
    left = redacted(text, address).lower()
    for secret in ("t0ken", "va lue", "va%20lue", "pa/ss", "pa%2fss", "jane", "t1jj3t3l2", "a1brtd4jd", "123456789",
                   "abcdefg", "amfuztpwyxnz", " x"):  # fmt: skip
        assert secret not in left
    assert "***" in left


def test_whom_a_mail_was_for_and_which_server_refused_it_stay_readable():
    address = "mailtos://user:secret@smtp.example.org?to=jane@example.org&from=w@example.org&mode=ssl"
    text = 'Sending to "jane@example.org" by smtp.example.org failed'
    assert redacted(text, address) == text
