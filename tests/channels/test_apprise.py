from __future__ import annotations

import json
import logging
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
import trustme

from tests.channels.conftest import Hook, Mailman
from tests.loopback import until
from watcher.channels import _child, apprise
from watcher.channels._sending.hearing import plainly
from watcher.channels.apprise import Kind
from watcher.core.notices import Told, compose
from watcher.errors import ChannelError, UsageError
from watcher.model import Event, Level, Notice, Outcome, Product, Sent
from watcher.plugins import Channel, build

CANARY = "c4n4ry"


@pytest.fixture(autouse=True)
def _no_child_is_left():
    yield
    until(lambda: children() == [])


def children(parent: int | None = None) -> list[int]:
    """Return the sending processes of a process that are alive."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes()
            state, ppid = (path / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if b"_sending" in command and state != "Z" and int(ppid) == (parent or os.getpid()):
            found.append(int(path.name))
    return found


def notice(title: str = "SPOT5_HRG1_XS_0001", *, key: str = "key-1", site: str = "Litchfield") -> Notice:
    product = Product(
        "SPOT5", "1", title, Level("L2A"), None, "1", link="https://catalogue.example.org/products/1?a=b&c=d"
    )
    return compose([Told(Event.NEW, site, product, "take5")], key=key, footer="watcher unsubscribe 3")


def send(*urls: str, channel: Kind | None = None, stop: threading.Event | None = None) -> dict[int, Sent]:
    channel = channel or Kind()
    return {sent.index: sent for sent in channel.send([(url, notice()) for url in urls], stop=stop)}


def elements(html: str) -> list[str]:
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.append(tag)  # type: ignore[method-assign]
    parser.feed(html)
    parser.close()
    return found


def test_it_is_a_channel():
    channel: Channel = build("channels", "apprise", {"timeout": 5.0, "width": 2}, place="channels.apprise")
    assert channel == Kind(timeout=5.0, width=2)


def test_a_mail_arrives_once_with_one_subject_one_recipient_a_text_and_a_page(mailman: Mailman):
    sent = send(mailman.url("jane@example.org"))[0]
    assert (sent.outcome, sent.problem, sent.answer) == (Outcome.SENT, None, "250 2.0.0 queued as 4711")
    assert sent.seconds is not None
    [mail] = mailman.mails
    assert mail.get_all("Subject") == ["watcher: 1 new L2A at Litchfield"]
    assert mail.get_all("To") == ["jane@example.org"]
    assert mail.get_all("Auto-Submitted") == ["auto-generated"]
    assert mail.get_all("X-Watcher-Notice") == ["key-1"]
    assert len(mail.get_all("Message-ID")) == 1
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text, page = (part.get_content() for part in mail.iter_parts())
    for content in (text, page.replace("&amp;", "&")):
        assert "SPOT5_HRG1_XS_0001" in content
        assert "https://catalogue.example.org/products/1?a=b&c=d" in content
        assert "watcher unsubscribe 3" in content


HOSTILE = {
    "tag@example.org": "<img src=x onerror=alert(1)>",
    "script@example.org": "</td></tr></table><script>alert(1)</script>",
    "header@example.org": "x\r\nBcc: victim@example.org\r\nX-Evil: 1\r\n\r\nhello",
    "direction@example.org": "\u202egnp.exe \u2066\x00\x1b[2J\x07",
    "long@example.org": "x" * 300,
    "template@example.org": "{{ 7 * 7 }}",
}


def test_a_hostile_title_is_harmless_in_a_mail(mailman: Mailman):
    posts = [(mailman.url(to), notice(title, site=title, key=title)) for to, title in HOSTILE.items()]
    posts.append((mailman.url("john@example.org"), notice()))
    assert {sent.outcome for sent in Kind().send(posts)} == {Outcome.SENT}
    mails = {str(mail["To"]): mail for mail in mailman.mails}
    assert set(mails) == {*HOSTILE, "john@example.org"}
    assert sorted(mailman.asked) == sorted(mails)
    good = mails.pop("john@example.org")
    for to, bad in mails.items():
        assert sorted(bad.keys()) == sorted(good.keys()), to
        assert len(bad["Subject"]) <= 200, to
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", bad["Subject"]), to
        pages = [mail.get_body(("html",)).get_content() for mail in (bad, good)]
        assert elements(pages[0]) == elements(pages[1]), to


def test_a_webhook_gets_json(hook: Hook):
    assert send(hook.url("s3cret"))[0].outcome is Outcome.SENT
    [(path, headers, body)] = hook.posts
    assert path == "/s3cret"
    assert headers["content-type"] == "application/json"
    assert headers["idempotency-key"] == "key-1"
    assert body["title"] == "watcher: 1 new L2A at Litchfield"
    assert body["message"].strip() == notice().text.strip()


def test_nobody_is_called_to_a_chat_by_a_title(hook: Hook):
    [sent] = Kind().send([(hook.url("chat"), notice("@everyone <!channel> @here", site="@channel"))])
    assert sent.outcome is Outcome.SENT
    [(_, _, body)] = hook.posts
    for call in ("@everyone", "@here", "@channel", "<!channel"):
        assert call not in body["message"]
        assert call not in body["title"]


def test_a_mail_that_is_refused_fails_with_the_reason_of_the_server(mailman: Mailman):
    sent = send(mailman.url("refused@example.org"), mailman.url("later@example.org"))
    assert [sent[n].outcome for n in (0, 1)] == [Outcome.FAILED] * 2
    assert re.search("answered: 550 .*no such person here", str(sent[0].problem))
    assert re.search("451 .*come back later", str(sent[1].problem))


def test_a_server_that_is_not_there_is_a_failure_that_says_so():
    with socket.socket() as bound:  # but it does not listen
        bound.bind(("127.0.0.1", 0))
        sent = send(f"mailto://127.0.0.1:{bound.getsockname()[1]}/?from=watcher@example.org")[0]
    assert sent.outcome is Outcome.FAILED
    assert "Connection refused" in str(sent.problem)


@pytest.mark.parametrize(
    ("cause", "why"),
    [
        (
            (
                "NameResolutionError(\"HTTPSConnection(host='chat.lab', port=443): Failed to resolve 'chat.lab'"
                ' ([Errno -2] Name or service not known)")'
            ),
            "Failed to resolve 'chat.lab' (Name or service not known)",
        ),
        (
            (
                "NewConnectionError(\"HTTPSConnection(host='chat.lab', port=443): Failed to establish a new connection:"
                ' [Errno 111] Connection refused")'
            ),
            "Connection refused",
        ),
        (
            (
                "SSLError(SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed"
                " certificate (_ssl.c:1006)'))"
            ),
            "certificate verify failed: self-signed certificate",
        ),
    ],
)
def test_why_a_connection_failed_is_said_without_classes_and_paths(cause: str, why: str):
    pool = "HTTPSConnectionPool(host='chat.lab', port=443)"
    said = plainly(f"Socket Exception: {pool}: Max retries exceeded with url: /se/cr/et (Caused by {cause})")
    assert said == f"chat.lab, port 443: {why}"
    assert plainly(f"{pool}: Read timed out.") == "chat.lab, port 443: Read timed out."
    assert plainly("A Connection error occurred.") == "A Connection error occurred."


def test_a_web_server_that_is_not_there_is_named():
    with socket.socket() as bound:  # but it does not listen
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        sent = send(f"json://127.0.0.1:{port}/hook")[0]
    assert sent.outcome is Outcome.FAILED
    assert str(sent.problem).endswith(f"127.0.0.1, port {port}: Connection refused")


def test_one_bad_address_keeps_no_other_from_its_notice(mailman: Mailman, hook: Hook):
    good = [mailman.url(f"jane{n}@example.org") for n in range(10)] + [hook.url(f"ok{n}") for n in range(10)]
    bad = [mailman.url("refused@example.org"), hook.url("broken"), "slakc://nobody", "nonsense", ""]
    began = time.monotonic()
    sent = send(*bad, *good)
    assert time.monotonic() - began < 25
    assert [sent[n].outcome for n in range(25)] == [Outcome.FAILED] * 5 + [Outcome.SENT] * 20
    assert sorted(str(mail["To"]) for mail in mailman.mails) == sorted(f"jane{n}@example.org" for n in range(10))
    assert len(hook.posts) == 10


def test_mails_of_one_account_do_not_wait_for_each_other(mailman: Mailman):
    """Apprise lets a used mail object sleep for 5.5 s: four mails would take a quarter of a minute."""
    began = time.monotonic()
    sent = send(*[mailman.url("jane@example.org")] * 4, channel=Kind(width=1))
    assert time.monotonic() - began < 15
    assert {one.outcome for one in sent.values()} == {Outcome.SENT}


def test_a_hung_address_is_given_up_on_and_its_outcome_is_unknown(mailman: Mailman):
    began = time.monotonic()
    sent = send(mailman.url("hung@example.org"), channel=Kind(timeout=1.5))[0]
    assert 1.5 <= time.monotonic() - began < 25
    assert sent.outcome is Outcome.UNKNOWN
    assert "no answer in 1.5 s" in str(sent.problem)


def test_a_web_server_that_is_slow_to_answer_may_have_got_the_notice(hook: Hook):
    # Apprise by itself would call it failed after four seconds.
    sent = send(hook.url("hung"), channel=Kind(timeout=4.5))[0]
    assert sent.outcome is Outcome.UNKNOWN
    assert "no answer in 4.5 s" in str(sent.problem)
    assert hook.asked == ["/hung"]


def test_ten_hung_addresses_delay_no_other(mailman: Mailman, hook: Hook):
    hung = [mailman.url(f"hung{n}@example.org") for n in range(10)]
    good = [hook.url(f"ok{n}") for n in range(10)]
    posts = [(url, notice()) for url in [*hung, *good]]
    ended = [(sent.index, sent.outcome) for sent in Kind(timeout=9).send(posts)]
    # Every other one has ended before the first that hangs is given up on.
    assert sorted(ended[:10]) == [(n, Outcome.SENT) for n in range(10, 20)]
    assert sorted(ended[10:]) == [(n, Outcome.UNKNOWN) for n in range(10)]


def test_a_process_full_of_hung_sends_is_replaced(hook: Hook):
    hung = [hook.url(f"hung{n}?rto=60") for n in range(9)]
    sent = send(*hung, hook.url("ok"), channel=Kind(timeout=2.0, width=1))
    assert [sent[n].outcome for n in range(10)] == [Outcome.UNKNOWN] * 9 + [Outcome.SENT]


def test_stop_ends_it_and_says_what_was_under_way(mailman: Mailman):
    stop = threading.Event()
    posts = [(mailman.url(f"hung{n}@example.org"), notice()) for n in range(4)]
    found: list[Sent] = []
    thread = threading.Thread(target=lambda: found.extend(Kind(width=2).send(posts, stop=stop)))
    thread.start()
    until(lambda: len(mailman.asked) >= 2)
    [child] = children()
    began = time.monotonic()
    stop.set()
    thread.join(60)
    assert time.monotonic() - began < 15  # of the 30 that a send may take
    assert not Path(f"/proc/{child}").exists()
    assert {sent.outcome for sent in found} == {Outcome.UNKNOWN}
    assert "may have arrived" in str(found[0].problem)


def test_a_stop_before_the_start_sends_nothing(mailman: Mailman):
    stop = threading.Event()
    stop.set()
    assert send(mailman.url("jane@example.org"), stop=stop) == {}
    assert mailman.asked == []


def test_a_caller_that_looks_away_leaves_no_process_behind(mailman: Mailman):
    posts = [(mailman.url("jane@example.org"), notice()), (mailman.url("hung@example.org"), notice())]
    results = Kind().send(posts)
    assert next(results).outcome is Outcome.SENT
    assert len(children()) == 1
    results.close()  # type: ignore[attr-defined]
    assert children() == []


def test_the_process_dies_with_its_parent(mailman: Mailman):
    program = (
        "import sys\nfrom watcher.channels.apprise import Kind\nfrom watcher.model import Notice\n"
        "list(Kind().send([(sys.stdin.read(), Notice('k', 's', 't', '<p>h</p>'))]))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as parent:
        assert parent.stdin is not None
        parent.stdin.write(mailman.url("hung@example.org").encode())
        parent.stdin.close()
        until(lambda: mailman.asked)
        [child] = children(parent.pid)
        parent.kill()
    until(lambda: not Path(f"/proc/{child}/cmdline").exists() or not alive(child))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_process_that_dies_takes_only_what_was_under_way_with_it(mailman: Mailman, hook: Hook):
    posts = [(mailman.url("hung@example.org"), notice())] + [(hook.url(f"ok{n}"), notice()) for n in range(3)]
    results = Kind(width=1).send(posts)
    killed = threading.Thread(target=lambda: (until(lambda: mailman.asked), os.kill(*children(), signal.SIGKILL)))
    killed.start()
    sent = {one.index: one for one in results}
    killed.join()
    assert sent[0].outcome is Outcome.UNKNOWN
    assert "the sending process ended" in str(sent[0].problem)
    assert [sent[n].outcome for n in (1, 2, 3)] == [Outcome.SENT] * 3


def test_a_process_that_cannot_start_fails_every_post_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    program = tmp_path / "_sending"
    program.write_text(f"raise ImportError('no module named apprise, {CANARY}')")
    monkeypatch.setattr(_child, "_PROGRAM", program)
    sent = send("json://127.0.0.1:9/a", f"json://127.0.0.1:9/{CANARY}")
    assert {one.outcome for one in sent.values()} == {Outcome.FAILED}
    assert "no module named apprise, ***" in str(sent[0].problem)
    assert "exit status 1" in str(sent[1].problem)
    with pytest.raises(ChannelError, match=r"cannot be asked about json://127\.0\.0\.1"):
        Kind().check("json://127.0.0.1:9/a")


def test_a_machine_that_takes_no_further_process_fails_every_post(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    sent = send("json://127.0.0.1:9/a", "json://127.0.0.1:9/b")
    assert {one.outcome for one in sent.values()} == {Outcome.FAILED}
    assert sent[1].problem == "no process can be started to send with: No such file or directory"
    with pytest.raises(ChannelError, match="cannot be asked about .*: No such file or directory"):
        Kind().check("json://127.0.0.1:9/a")


def test_a_machine_that_takes_no_further_thread_fails_the_posts_beyond(hook: Hook, monkeypatch: pytest.MonkeyPatch):
    begin = _child.Child.give

    def give(child: _child.Child, post: _child.Post) -> None:
        # Of the address space that a thread's stack takes, as little as there is already.
        resource.prlimit(child.pid, resource.RLIMIT_AS, (64 << 20, resource.RLIM_INFINITY))
        begin(child, post)

    monkeypatch.setattr(_child.Child, "give", give)
    sent = send(hook.url("a"), hook.url("b"))
    assert {one.outcome for one in sent.values()} == {Outcome.FAILED}
    assert "it cannot be sent now: can't start new thread" in str(sent[0].problem)


def test_a_process_that_never_gets_ready_is_given_up_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "_sending"
    program.write_text("import sys\nsys.stdin.read()")
    monkeypatch.setattr(_child, "_PROGRAM", program)
    monkeypatch.setattr(apprise, "START", 0.5)
    sent = send("json://127.0.0.1:9/a")[0]
    assert sent.outcome is Outcome.FAILED
    assert "the sending process ended" in str(sent.problem)


def test_no_secret_is_in_a_problem_or_a_log(mailman: Mailman, hook: Hook, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    urls = [
        hook.url(f"broken-{CANARY}1/x?+X-Token={CANARY}2&:field={CANARY}3", user=f"{CANARY}4:{CANARY}%2F5@"),
        mailman.url("refused@example.org", user=f"{CANARY}6:{CANARY}7@"),
        mailman.url("jane@example.org", user=f"{CANARY}8:{CANARY}9@") + "&mode=starttls",
        f"slakc://{CANARY}a/{CANARY}b?c={CANARY}c",
        f"slack://{CANARY}d/{CANARY}e",
        f"tgram://123456789:{CANARY}f-abcdefghijklmnopqrstuvwxyz/x",
        f"json://127.0.0.1:99999/{CANARY}g",
        f"mailto://{CANARY}h:{CANARY}i@mail.example.org?to=jane@example.org",
        f"{CANARY}j",
        f"json://[{CANARY}k",
    ]
    sent = send(*urls)
    assert {one.outcome for one in sent.values()} == {Outcome.FAILED}
    for one in sent.values():
        assert one.problem
        assert CANARY not in one.problem
    assert "500" in str(sent[0].problem)
    for url in urls:
        if url.startswith(("slakc", "mailto://c4n4ryh", "json://[")):
            with pytest.raises(UsageError) as caught:
                Kind().check(url)
            assert CANARY not in f"{caught.value} {caught.value.hint}"
    assert CANARY not in caplog.text


def test_no_secret_is_seen_in_the_process_table_or_the_environment(mailman: Mailman):
    stop = threading.Event()
    posts = [(mailman.url(f"hung{CANARY}@example.org"), notice())]
    thread = threading.Thread(target=lambda: list(Kind().send(posts, stop=stop)))
    thread.start()
    until(lambda: mailman.asked)
    [child] = children()
    seen = Path(f"/proc/{child}/cmdline").read_bytes() + Path(f"/proc/{child}/environ").read_bytes()
    stop.set()
    thread.join()
    assert CANARY.encode() not in seen


def test_a_password_never_crosses_the_network_unencrypted(mailman: Mailman):
    url = "mailto://jane:secret@mail.example.org?to=jane@example.org"
    sent = send(url)[0]
    assert sent.outcome is Outcome.FAILED
    assert "unencrypted: write mailtos://" in str(sent.problem)
    with pytest.raises(UsageError, match="unencrypted"):
        Kind().check(url)
    with pytest.raises(UsageError, match="unencrypted"):
        Kind().check("mailtos://jane:secret@mail.example.org?mode=insecure")


def test_a_password_may_go_to_this_machine_without_tls(mailman_with: Callable[..., Mailman]):
    mailman = mailman_with(auth_require_tls=False)
    sent = send(mailman.url("jane@example.org", user="watcher:right%2Fpass%20word@"))
    assert sent[0].outcome is Outcome.SENT
    assert {login.password for login in mailman.logins} == {b"right/pass word"}


def test_mail_over_tls_reaches_a_server_we_trust_and_no_other(
    mailman_with: Callable[..., Mailman], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    mailman = mailman_with(ssl_context=context, auth_require_tls=False)  # it only counts STARTTLS as TLS
    url = mailman.url("jane@example.org", scheme="mailtos", user="watcher:right%2Fpass%20word@") + "&mode=ssl"
    sent = send(url)[0]
    assert sent.outcome is Outcome.FAILED
    assert "certificate verify failed" in str(sent.problem)
    assert mailman.logins == []
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert send(url)[0].outcome is Outcome.SENT
    assert mailman.logins[0].password == b"right/pass word"


def test_a_redirect_does_not_carry_a_notice_elsewhere(hook: Hook):
    assert send(hook.url("redirect"))[0].outcome is Outcome.FAILED
    assert hook.asked == ["/redirect"]


def test_an_optional_address_that_fails_has_failed(hook: Hook):
    assert send(hook.url("broken?optional=yes"))[0].outcome is Outcome.FAILED


def test_a_thousand_lines_pass_through_the_pipe(hook: Hook):
    long = msgspec.structs.replace(notice(), text="a line of text\n" * 40_000)
    posts = [(hook.url(f"ok{n}"), long) for n in range(3)]
    assert {sent.outcome for sent in Kind().send(posts)} == {Outcome.SENT}
    assert all(len(json.dumps(body)) > 500_000 for _, _, body in hook.posts)


def test_no_posts_need_no_process():
    assert list(Kind().send([])) == []


def test_a_good_address_passes_the_check_and_nothing_is_sent(mailman: Mailman, hook: Hook):
    Kind().check(mailman.url("jane@example.org"))
    Kind().check(hook.url("s3cret"))
    assert mailman.asked == []
    assert hook.asked == []


def test_a_misspelt_service_is_answered_with_the_nearest_names():
    with pytest.raises(UsageError, match=r"slakc://… is no address") as caught:
        Kind().check("slakc://A/B/C")
    assert "slack://" in str(caught.value.hint)


def test_an_address_that_lacks_something_is_refused():
    with pytest.raises(UsageError, match="tgram") as caught:
        Kind().check("tgram://")
    assert "tgram://" in str(caught.value.hint)


def test_an_address_with_two_recipients_is_refused_for_one_would_hear_twice(mailman: Mailman):
    with pytest.raises(UsageError, match="names 2 recipients"):
        Kind().check(mailman.url("jane@example.org,john@example.org"))


@pytest.mark.parametrize("recipient", ["jane", "x@y.z"])
def test_a_recipient_that_apprise_leaves_out_is_refused_before_nobody_hears(mailman: Mailman, recipient: str):
    with pytest.raises(UsageError, match=rf"Dropped invalid To email \({re.escape(recipient)}\)"):
        Kind().check(mailman.url(recipient))


@pytest.mark.parametrize(
    "recipients",
    [
        "jane@example.org,john@@",
        "jane@example.org;john",
        "jane@example.org&to=john@example.org",
        "jane@example.org&TO=j",
    ],
)
def test_what_is_no_recipient_beside_one_is_refused_too(mailman: Mailman, recipients: str):
    with pytest.raises(UsageError, match="names 2 recipients"):
        Kind().check(mailman.url(recipients))


@pytest.mark.parametrize("copies", ["cc", "bcc", "Cc"])
def test_a_copy_that_apprise_leaves_out_is_refused_too(mailman: Mailman, copies: str):
    Kind().check(mailman.url(f"jane@example.org&{copies}=john@example.org,mary@example.org"))
    with pytest.raises(UsageError, match=f"its {copies.lower()} names what is no recipient"):
        Kind().check(mailman.url(f"jane@example.org&{copies}=john@example.org,mary"))


def test_a_recipient_whose_name_has_a_comma_is_one(mailman: Mailman):
    Kind().check(mailman.url("%22Doe,%20Jane%22%20%3Cjane@example.org%3E"))


@pytest.mark.parametrize("settings", [{"timeout": 0}, {"width": 0}, {"width": 100}])
def test_settings_out_of_range_are_refused(settings: dict[str, float]):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(settings, Kind)
