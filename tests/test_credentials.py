"""Secrets by reference: where they may lie, and that they are told nowhere."""

from __future__ import annotations

import base64
import json
import sys
import threading
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from watcher.credentials import Secret, account, keyring, named, owner, redact, remembered, remembered_for_now
from watcher.errors import CredentialError, UsageError

NETRC = """\
# a comment
machine ftp.example.org login ftp password nobody
machine urs.earthdata.nasa.gov
    login jane
    password "s3 cret#1"
machine keys.example.org password k3y
machine empty.example.org login jane
default login anonymous password me@example.org
"""


def private(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return str(path)


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "netrc"
    private(path, NETRC)
    monkeypatch.setenv("NETRC", str(path))
    return path


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    """A keyring in memory: the library is real, its backend is ours."""
    import keyring as library
    from keyring.backend import KeyringBackend

    kept: dict[tuple[str, str], str] = {}

    class InMemory(KeyringBackend):
        priority = 1  # type: ignore[assignment]

        def get_password(self, service: str, username: str) -> str | None:
            return kept.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            kept[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del kept[service, username]

    monkeypatch.setattr("keyring.core._keyring_backend", InMemory())
    assert library.get_keyring().__class__ is InMemory
    return kept


@pytest.mark.parametrize(
    "places",
    [
        {},
        {"env": "A", "file": "B"},
        {"netrc": "a", "env": "B"},
        {"keyring": "a"},
        {"user": "a"},
        {"env": "A", "user": "b"},
        {"keyring": "a", "user": "b", "credential": "c"},
    ],
)
def test_a_secret_lies_in_exactly_one_place(places: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a secret is one of"):
        Secret(**places)


def test_the_password_and_the_name_of_a_machine_are_read_from_netrc(netrc: Path) -> None:
    secret = Secret(netrc="urs.earthdata.nasa.gov")
    assert secret.reveal() == "s3 cret#1"
    assert account("", secret) == account("jane", secret) == ("jane", "s3 cret#1")
    assert str(secret) == f"entry urs.earthdata.nasa.gov of {netrc}"
    assert owner("", secret) == f"the {secret}"


def test_a_netrc_may_be_named_with_the_machine(tmp_path: Path) -> None:
    file = private(tmp_path / "other", "machine a.example login x password y\n")
    assert account("", Secret(netrc="a.example", file=file)) == ("x", "y")


def test_the_netrc_of_the_user_is_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    private(tmp_path / ".netrc", "machine a.example login x password y\n")
    assert Secret(netrc="a.example").reveal() == "y"


@pytest.mark.parametrize(
    ("machine", "said"), [("nowhere.example.org", "has no password of"), ("empty.example.org", "has no password of")]
)
def test_a_machine_that_netrc_does_not_name_has_no_password_not_even_the_default(
    netrc: Path, machine: str, said: str
) -> None:
    with pytest.raises(CredentialError, match=said) as refused:
        Secret(netrc=machine).reveal()
    assert f"machine {machine} login USER password SECRET" in str(refused.value.hint)


def test_the_password_of_somebody_else_is_not_used(netrc: Path) -> None:
    with pytest.raises(CredentialError, match="is of jane, not of john"):
        account("john", Secret(netrc="urs.earthdata.nasa.gov"))


def test_a_password_without_a_name_wants_one(netrc: Path) -> None:
    with pytest.raises(CredentialError, match="does not say whose it is"):
        account("", Secret(netrc="keys.example.org"))
    assert account("jane", Secret(netrc="keys.example.org")) == ("jane", "k3y")


def test_a_netrc_that_others_can_read_is_not_used(netrc: Path) -> None:
    netrc.chmod(0o640)
    with pytest.raises(CredentialError, match="can be read by others"):
        Secret(netrc="urs.earthdata.nasa.gov").reveal()


def test_a_netrc_that_is_none_is_refused_without_quoting_it(netrc: Path) -> None:
    netrc.write_text("machine a login b password c\npa55word x\n")
    with pytest.raises(CredentialError, match="is no netrc file: see line") as refused:
        Secret(netrc="a").reveal()
    assert "pa55word" not in str(refused.value)
    assert refused.value.__cause__ is None
    netrc.write_bytes(b"\xff\xfe")
    with pytest.raises(CredentialError):
        Secret(netrc="a").reveal()
    netrc.unlink()
    with pytest.raises(CredentialError, match="cannot read"):
        Secret(netrc="a").reveal()


def test_a_secret_is_read_from_the_keyring_and_put_there(rings: dict[tuple[str, str], str]) -> None:
    secret = Secret(keyring="watcher-cdse", user="jane")
    with pytest.raises(CredentialError, match="no secret of jane for watcher-cdse") as refused:
        secret.reveal()
    assert refused.value.hint == "keyring set watcher-cdse jane"
    secret.keep("pä55")
    assert rings == {("watcher-cdse", "jane"): "pä55"}
    assert account("", secret) == ("jane", "pä55")
    assert account("jane@example.org", secret) == ("jane@example.org", "pä55")
    assert (str(secret), owner("", secret)) == ("keyring's entry watcher-cdse of jane", "jane")


def test_without_a_keyring_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring.backends.fail import Keyring

    monkeypatch.setattr("keyring.core._keyring_backend", Keyring())
    with pytest.raises(CredentialError, match="there is no keyring here") as refused:
        Secret(keyring="a", user="b").reveal()
    assert "systemd credential" in str(refused.value.hint)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(CredentialError, match="not installed") as refused:
        Secret(keyring="a", user="b").reveal()
    assert "eo-watcher[keyring]" in str(refused.value.hint)


def test_a_keyring_that_is_locked_is_not_waited_for_for_ever(
    rings: dict[tuple[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()
    monkeypatch.setattr("keyring.core._keyring_backend.get_password", lambda *_: free.wait(20))
    monkeypatch.setattr(keyring, "PATIENCE", 0.01)
    with pytest.raises(CredentialError, match="did not answer"):
        Secret(keyring="a", user="b").reveal()
    free.set()


def test_a_keyring_that_breaks_is_a_sentence(
    rings: dict[tuple[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("dbus")

    monkeypatch.setattr("keyring.core._keyring_backend.get_password", broken)
    with pytest.raises(CredentialError, match="the keyring cannot be used: RuntimeError"):
        Secret(keyring="a", user="b").reveal()


def test_a_secret_is_put_into_a_file_that_nobody_else_can_read(tmp_path: Path) -> None:
    place = tmp_path / "new" / "cdse-password"
    Secret(file=str(place)).keep("pä55")
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o077 == 0
    assert Secret(file=str(place)).reveal() == "pä55"
    place.chmod(0o644)
    Secret(file=str(place)).keep("other")
    assert (place.stat().st_mode & 0o777, place.read_text()) == (0o600, "other\n")
    assert list(place.parent.iterdir()) == [place]


def test_a_link_that_somebody_laid_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".secret.new").symlink_to(victim)
    Secret(file=str(tmp_path / "secret")).keep("5ecret")
    assert (victim.read_text(), (tmp_path / "secret").read_text()) == ("mine", "5ecret\n")


def test_of_a_secret_that_cannot_be_written_whole_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CredentialError, match="No space left on device"):
        Secret(file=str(tmp_path / "secret")).keep("5ecret")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CredentialError, match="cannot write the secret"):
        Secret(file=str(tmp_path / "file" / "below")).keep("x")
    for place in (Secret(env="A"), Secret(netrc="a"), Secret(credential="a")):
        with pytest.raises(UsageError, match="is not written by watcher"):
            place.keep("x")


def test_an_account_must_say_whose_it_is_where_its_place_does_not() -> None:
    named("jane", Secret(env="A"))
    named("", Secret(netrc="a"))
    named("", Secret(keyring="a", user="b"))
    with pytest.raises(ValueError, match="username is missing"):
        named("", Secret(env="A"))


def test_a_secret_is_told_in_none_of_its_forms() -> None:
    secret = remembered('pä55"word\\ &=')
    encoded = base64.b64encode(secret.encode()).decode()
    for form in (secret, quote_plus(secret), json.dumps(secret), json.dumps({"a": secret}), repr(secret), encoded):
        assert "55" not in redact(f"it said {form}!")
    assert redact("no secret") == "no secret"


def test_tokens_are_forgotten_in_time_and_passwords_are_not() -> None:
    remembered("a-lasting-5ecret")
    remembered_for_now("an-early-t0ken")
    for number in range(600):
        remembered_for_now(f"a-later-t0ken-{number}")
    assert redact("a-lasting-5ecret a-later-t0ken-599") == "*** ***"
    assert redact("an-early-t0ken") == "an-early-t0ken"
    assert redact("it is") == "it is"
