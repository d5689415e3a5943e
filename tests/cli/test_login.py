"""`watcher login`: the account is tried, or what to write for one is said; and no secret is told anywhere."""

from __future__ import annotations

import base64
import io
import json
import re
import urllib.request
from pathlib import Path

import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from tests.conftest import Scene, Watcher
from watcher import config
from watcher.wiring import Parts

CANARY = "canary-pässword-7f3a"


def configured(home: Path, auth: str, *, before: str = "") -> None:
    """Put another account into the configuration."""
    path = home / "config.toml"
    text = path.read_text(encoding="utf-8")
    auth = f"[catalogues.take5.auth]\n{auth}\n[poll]"
    text = re.sub(r"\[catalogues\.take5\.auth\].*?\[poll\]", lambda _: auth, text, flags=re.DOTALL)
    path.write_text(text.replace("[catalogues.take5]\n", f"[catalogues.take5]\n{before}"), encoding="utf-8")


def test_the_account_that_is_configured_is_tried(home: Path, watcher: Watcher, scene: Scene) -> None:
    configured(home, f'kind = "resto"\nusername = "take5@example.org"\npassword = {{ file = "{home}/password" }}')
    said = watcher("login", "take5")
    host = scene.catalogue.url.split("/")[2]
    assert said.code == 0
    assert said.out.splitlines() == [
        f"ok     take5: {scene.catalogue.url} accepts the login of take5@example.org",
        f"       for downloads; shown to no host but {host}",
    ]
    (home / "password").write_text("wr0ng-pass\n")
    said = watcher("login", "take5")
    assert said.code == 1
    assert said.out.startswith("WRONG  take5: ")
    assert "refused the login of take5@example.org with the password of the file" in said.out
    assert "wr0ng" not in said.out + said.err


def test_what_came_of_it_is_there_for_programs(home: Path, watcher: Watcher) -> None:
    configured(home, f'kind = "resto"\nusername = "take5@example.org"\npassword = {{ file = "{home}/password" }}')
    told = json.loads(watcher("login", "take5", "--json").out)
    assert (told["well"], told["kind"], told["used_for"]) == (True, "resto", ["downloads"])
    assert told["secrets"] == {"password": f"file {home}/password"}
    told = json.loads(watcher("login", "cdse", "--json").out)
    assert (told["configured"], told["takes"], told["kind"]) == (False, ["oauth", "s3"], "oauth")
    assert told["table"].startswith("[catalogues.cdse.auth]\n")
    assert len(told["kinds"]) == 12


def logins() -> list[tuple[str, str]]:
    return [(name, login["kind"]) for name in config.presets() for login in config.preset(name).logins]


def test_every_preset_that_needs_an_account_says_which() -> None:
    needs = {name for name in config.presets() if config.preset(name).needs_account}
    assert needs - {"eodag"} <= {name for name, _ in logins()}


@pytest.mark.parametrize(("name", "kind"), logins())
def test_what_it_says_to_write_makes_an_account(name: str, kind: str, home: Path, watcher: Watcher) -> None:
    path = home / "config.toml"
    needed = "".join(f'[catalogues.{name}]\nurl = "https://copy.example/resto"\n' for _ in config.preset(name).needs)
    if name != "take5":
        path.write_text(path.read_text() + needed)
    said = watcher("login", name, "--kind", kind)
    assert said.code == 0
    table = "\n".join(line[4:] for line in said.out.splitlines() if line.startswith("    ["))
    pasted = re.search(r"\n\n((?:    .*\n)+)\n", said.out)
    assert pasted is not None
    table = "".join(line.removeprefix("    ") for line in pasted[1].splitlines(keepends=True))
    assert table.startswith(f'[catalogues.{name}.auth]\nkind = "{kind}"\n')
    if name == "take5":
        configured(home, table.partition("\n")[2])
    else:
        path.write_text(f"{path.read_text()}\n{table}")
    parts = Parts(config.load(path), home / "state")
    assert {str(secret) for secret in parts.catalogues.secrets(name).values()} == {
        f"file {home}/{place}" for place in re.findall(rf"{home}/([\w-]+)\"", table)
    }
    parts.catalogues.http(name).close()


def test_the_usual_kind_need_not_be_named_and_what_is_written_comes_first(home: Path) -> None:
    path = home / "config.toml"
    path.write_text('[catalogues.cdse.auth]\nusername = "me"\npassword = { env = "P" }\nclient_id = "mine"\n')
    auth = config.load(path).catalogues["cdse"].auth
    assert auth is not None
    assert (auth["kind"], auth["client_id"]) == ("oauth", "mine")
    assert auth["token_url"].startswith("https://identity.dataspace.copernicus.eu/")
    path.write_text('[catalogues.cdse.auth]\nkind = "basic"\nusername = "me"\npassword = { env = "P" }\n')
    assert config.load(path).catalogues["cdse"].auth == {"kind": "basic", "username": "me", "password": {"env": "P"}}


def test_without_an_account_it_says_what_to_write_and_fails_where_one_is_needed(watcher: Watcher, home: Path) -> None:
    said = watcher("login", "cdse")
    assert said.code == 1
    assert 'password = { file = "' in said.out
    assert "watcher login cdse --store" in said.out
    assert '{ netrc = "identity.dataspace.copernicus.eu" }' in said.out
    assert "Another account will do, too: watcher login cdse --kind s3" in said.out
    said = watcher("login", "earth-search")
    assert said.code == 0
    assert "    header     A key in a header of each request" in said.out


def test_a_service_of_the_machine_is_given_credentials_of_systemd(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WATCHER_CONFIG")
    monkeypatch.setattr("watcher.config.user_path", lambda: Path("/etc/watcher/config.toml"))
    monkeypatch.setattr("watcher.config.find", lambda: None)
    said = watcher("login", "geodes")
    assert 'key = { credential = "geodes-key" }' in said.out
    assert "LoadCredential=geodes-key:/etc/watcher/credentials/geodes-key" in said.out


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        ('kind = "resto"\npasword = { env = "X" }', "did you mean password?"),
        ('kind = "resto"\nusername = "me"', "watcher login take5 --kind resto says what to write"),
        ('kind = "resto"\npassword = { env = "X" }', "username is missing"),
        ('kind = "resto"\nusername = "me"\npassword = "clear"', "watcher login take5 --kind resto"),
        ('kind = "rest"\nusername = "me"', "did you mean resto?"),
        ('username = "me"', "names no kind"),
    ],
)
def test_settings_that_make_no_account_are_said_once(auth: str, said: str, home: Path, watcher: Watcher) -> None:
    configured(home, auth)
    told = watcher("login", "take5")
    assert (told.code, told.out) == (78, "")
    assert said in told.err
    assert told.err.count("[catalogues.take5.auth]") == 1


def test_an_unknown_kind_is_answered_with_those_that_are(watcher: Watcher) -> None:
    said = watcher("login", "cdse", "--kind", "oauht")
    assert said.code == 2
    assert "oauth" in said.err
    said = watcher("login", "nowhere")
    assert said.code == 2
    assert "cdse" in said.err


def test_a_secret_is_stored_where_the_configuration_says_and_tried(
    home: Path, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(home, f'kind = "resto"\nusername = "take5@example.org"\npassword = {{ file = "{home}/new/secret" }}')
    assert watcher("login", "take5").code == 1
    monkeypatch.setattr("sys.stdin", io.StringIO("take5pass\n"))
    said = watcher("login", "take5", "--store")
    assert said.code == 0, said
    assert f"password: kept in the file {home}/new/secret" in said.out
    assert "accepts the login" in said.out
    assert (home / "new" / "secret").stat().st_mode & 0o777 == 0o600
    assert "take5pass" not in said.out + said.err
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    said = watcher("login", "take5", "--store")
    assert said.code == 2
    assert (home / "new" / "secret").read_text() == "take5pass\n"


def test_what_is_not_watchers_to_write_is_left_alone(
    home: Path, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKE5_PASSWORD", "take5pass")
    configured(home, 'kind = "resto"\nusername = "take5@example.org"\npassword = { env = "TAKE5_PASSWORD" }')
    said = watcher("login", "take5", "--store")
    assert said.code == 0
    assert "the environment variable TAKE5_PASSWORD is not written by watcher" in said.out
    said = watcher("login", "cdse", "--store")
    assert said.code == 2
    assert "no account of cdse is configured" in said.err


def echoing(scene: Scene):
    """The demo catalogue behind a server that repeats, to who wants a file, all that it was sent."""

    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/download"):
            sent = " ".join(f"{name}: {value}" for name, value in asked.headers.items())
            decoded = base64.b64decode(asked.headers.get("authorization", "Basic ").split()[1]).decode()
            return Reply(403, json.dumps({"ErrorMessage": f"No: {decoded} {sent}", "ErrorCode": 403}).encode())
        if asked.path.endswith("/connect"):
            return Reply(403, b"{}")
        query = "&".join(f"{name}={value}" for name, value in asked.query.items())
        base = scene.catalogue.url.removesuffix("/resto")
        with urllib.request.urlopen(f"{base}{asked.path}?{query.replace(' ', '%20')}") as real:
            return Reply(real.status, real.read())

    return answering(answer)


def test_no_secret_is_in_the_database_a_listing_or_a_log_though_the_server_repeats_it(
    home: Path, watcher: Watcher, scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (home / "password").write_text(f"{CANARY}\n", encoding="utf-8")
    with echoing(scene) as (url, asked):
        path = home / "config.toml"
        path.write_text(path.read_text().replace(scene.catalogue.url, f"{url}/resto"))
        told = [watcher("add-site", "Pornic"), watcher("poll")]
        scene.play()
        commands = ("poll", "download", "status", "status --json", "products --json", "login take5 --json")
        told += [watcher(*command.split()) for command in commands]
        told += [watcher("--debug", "download", traceback=True), watcher("retry")]
    sent = base64.b64encode(f"take5@example.org:{CANARY}".encode()).decode()
    assert any(sent in question.headers.get("authorization", "") for question in asked)  # it was there to be told
    printed = "".join(said.out + said.err for said in told)
    assert "refuses the download" in printed
    stored = b"".join(file.read_bytes() for file in (home / "state").iterdir() if file.is_file())
    assert b"refuses the download" in stored
    for form in (CANARY, CANARY[-12:], sent):
        assert form not in printed
        assert form.encode() not in stored
        assert form not in caplog.text
