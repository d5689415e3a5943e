import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Watcher
from watcher import config


def test_init_writes_the_example_which_is_valid(watcher: Watcher, tmp_path: Path) -> None:
    target = tmp_path / "fresh" / "config.toml"
    assert watcher("--config", str(target), "init").code == 0
    assert target.stat().st_mode & 0o777 == 0o644, "a service of another user reads it; it holds no secret"
    assert list(config.load(target).catalogues) == ["cdse"]
    again = watcher("--config", str(target), "init")
    assert again.code == 2
    assert "--force" in again.err


def test_the_example_shows_every_key() -> None:
    text = (Path(__file__).parents[2] / "config.example.toml").read_text(encoding="utf-8")
    import msgspec

    from watcher.catalogues import resto, stac

    tables = (config.PollTable, config.NotifyTable, config.DownloadTable, config.BucketTable, config.LogTable)
    for table in (*tables, config.CatalogueTable, resto.Kind, stac.Kind):
        for field in msgspec.structs.fields(table):
            if field.name not in ("name", "settings", "auth", "needs", "logins", "bucket"):
                assert f"{field.name} = " in text, f"{table.__name__}.{field.name} is not in config.example.toml"


def test_check_looks_at_everything_and_names_what_is_wrong(watcher: Watcher, home: Path) -> None:
    well = watcher("check")
    assert well.code == 0, well
    assert well.out.endswith("All is well.\n")
    (home / "password").chmod(0o644)
    wrong = watcher("check")
    assert wrong.code == 1
    assert f"chmod 600 {home}/password" in wrong.out
    findings = json.loads(watcher("check", "--json").out)
    assert {finding["well"] for finding in findings} == {True, False}


def test_check_names_sites_of_the_configuration_that_nobody_watches(watcher: Watcher, home: Path) -> None:
    watcher("add-site", "Pornic")
    path = home / "config.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[download]\n", '[download]\nsites = ["pornic", "Pornik"]\n'), encoding="utf-8")
    said = watcher("check")
    assert said.code == 1
    assert "WRONG  download.sites: names no watched site: Pornik\n         → the sites are: Pornic\n" in said.out


def test_check_goes_on_where_the_database_cannot_be_read(watcher: Watcher, home: Path) -> None:
    (home / "state").mkdir(exist_ok=True)
    (home / "state" / "watcher.db").write_bytes(b"no database, but long enough to be taken for one" * 99)
    said = watcher("check")
    assert (said.code, said.err) == (1, "")
    assert "WRONG  database: " in said.out
    assert said.out.count("file is not a database") == 1
    assert "ok     take5: SPOT5" in said.out
    assert re.search(r"\n1 of \d+ is not well: [^\n]+\.\n$", said.out)


@pytest.mark.parametrize(
    ("text", "named", "way_out"),
    [
        ("[pol]\ninterval = 3", "pol", "poll"),
        ("[poll]\nintervall = 3", "intervall", "interval"),
        ('[poll]\ninterval = "soon"', "soon", "15m"),
        ('[poll]\nmin_interval = "1h"', "poll.min_interval", "15m the most"),
        ('[poll]\ninterval = "7h"\nmax_interval = "6h"', "poll.max_interval", "7h is the least"),
        ("[download]\nconcurrency = 0", "download.concurrency", "1 is the least"),
        ('[download]\nkeep = "0d"', "download.keep is 0s", "1h is the least, 36600d the most"),
        ('[download]\narchive = "products"', 'download.archive = "products"', "begin it with / or ~/"),
        ('[download]\narchive = "~nobody-x/p"', "depends on where", "begin it with / or ~/"),
        ('[feeds]\ndirectory = "feeds"', 'feeds.directory = "feeds"', "begin it with / or ~"),
        (
            "[catalogues.cdse]\nauth = { kind = 'basic', username = 'me', password = 'x' }",
            "password: must be a table",
            "file =",
        ),
        (
            "[catalogues.cdse]\nauth = { kind = 'basic', username = 'me', password = { file = 'x' } }",
            'file = "x" depends on where watcher is started',
            "",
        ),
        ('[download]\nkeep = "100000d"', "download.keep is 100000d", "1h is the least, 36600d the most"),
        ('[poll]\njitter = "8785h"', "poll.jitter is 8785h", "0s is the least, 366d the most"),
        ("[catalogues.cdse]\ngap = 3600.5", "catalogues.cdse.gap is 3600.5s", "0s is the least, 1h the most"),
        (
            '[download]\narchive = "s3://bucket"\n[download.bucket]\npart_size = "4 MiB"',
            "download.bucket.part_size is 4 MiB",
            "5 MiB to 1 GiB",
        ),
        ("[download]\nmax_size = 0", "download.max_size is 0", "leave the key out"),
        ('[catalogues.cdse]\ndaily = "0 GB"', "catalogues.cdse.daily is 0", "leave the key out"),
        ("[catalogues.cdse]\ninterval = 0", "catalogues.cdse.interval is 0s", "1s is the least, 366d the most"),
        ('[catalogues.cdse]\nmembers = [""]', "catalogues.cdse.members", "whole products"),
        ('[download]\nlayout = "{acquired:%Y/../..}/{id}"', "download.layout", "relative path"),
        ('catalogue = "x"', '"x"', "cdse"),
        ('[catalogues.a]\npreset = "cdsee"', "cdsee", "cdse"),
        ('[catalogues.a]\nurl = "https://example.org"', "neither preset nor kind", "preset"),
        (
            '[catalogues.a]\nkind = "resto"\nurl = "https://e.org"\ncollections = []\npagesize = 3',
            "pagesize",
            "page_size",
        ),
        ("[poll\n", "not TOML", ""),
    ],
)
def test_a_bad_configuration_names_the_key_and_the_way_out(
    watcher: Watcher, tmp_path: Path, text: str, named: str, way_out: str
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    said = watcher("--config", str(path), "check")
    assert said.code in (1, 78)
    assert named in said.err + said.out
    assert way_out in said.err + said.out


def test_a_password_in_a_file_that_others_can_read_is_refused(watcher: Watcher, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[mail]\nurl = "mailtos://me:s3cr3t@smtp.example.org?from=me@example.org"\n')
    path.chmod(0o644)
    said = watcher("--config", str(path), "sites")
    assert said.code == 78
    assert "mail.url" in said.err
    assert "s3cr3t" not in said.err
    path.chmod(0o600)
    assert watcher("--config", str(path), "sites").code == 0


def test_without_a_configuration_the_default_catalogue_is_cdse(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("WATCHER_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.setattr("watcher.config.find", lambda: None)
    rows = json.loads(watcher("catalogues", "--json").out)
    assert [row["name"] for row in rows if row["configured"]] == ["cdse"]
    assert {"take5", "cdse", "earth-search"} <= {row["name"] for row in rows}


def test_on_stac_a_name_is_looked_up_in_the_take5_table(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "stac.toml").write_text('[catalogues.cdse]\npreset = "cdse"\n')
    known = watcher("--config", str(tmp_path / "stac.toml"), "add-site", "litchfield")
    assert known.code == 0
    assert "approximate" in known.out
    assert "60 km" in known.out
    unknown = watcher("--config", str(tmp_path / "stac.toml"), "add-site", "Qwghlm")
    assert unknown.code == 2
    assert "--bbox" in unknown.err
    nowhere = watcher("--config", str(tmp_path / "stac.toml"), "add-site", "Burkina")
    assert nowhere.code == 2
    assert "coordinates are not known" in nowhere.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(watcher: Watcher, shell: str) -> None:
    assert "_WATCHER_COMPLETE" in watcher("completion", shell).out


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("watcher remove-site po", "plain,Pornic\n"),
        ("watcher unsubscribe ", "plain,1\nplain,2\n"),
        ("watcher subscriptions --export 2", "plain,2\n"),
    ],
)
def test_the_shell_completes_sites_and_subscriptions(watcher: Watcher, home: Path, words: str, offered: str) -> None:
    watcher("add-site", "Pornic")
    watcher("subscribe", "terminal://")
    watcher("subscribe", "mbox:///tmp/x", "--name", "the lab")
    environment = os.environ | {
        "_WATCHER_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    command = [str(Path(sys.executable).with_name("watcher"))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == offered, done.stderr


@pytest.mark.parametrize("begun", ["my", "My", "MYC"])
def test_the_shell_completes_a_catalogue_in_any_case(tmp_path: Path, begun: str) -> None:
    config = tmp_path / "own.toml"
    config.write_text('[catalogues.MyCopy]\npreset = "cdse"\n')
    environment = os.environ | {
        "WATCHER_CONFIG": str(config),
        "_WATCHER_COMPLETE": "bash_complete",
        "COMP_WORDS": f"watcher poll --catalogue {begun}",
        "COMP_CWORD": "3",
    }
    command = [str(Path(sys.executable).with_name("watcher"))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "plain,MyCopy\n", done.stderr


def test_every_command_explains_itself_with_an_example(watcher: Watcher) -> None:
    from watcher.cli.commands import COMMANDS

    for name in COMMANDS:
        said = watcher(name, "--help")
        assert said.code == 0
        assert "Example" in said.out, name


@pytest.mark.parametrize(
    ("typed", "said", "way"),
    [
        ("stats", 'there is no command "stats"; did you mean status?', "`watcher --help` has examples"),
        ("why", "PRODUCT is missing", "watcher why PRODUCT; `watcher why --help` has examples"),
        (
            "products 'Top End'",
            "got unexpected extra argument (Top End)",
            "watcher products --site 'Top End'; `watcher products --help` has examples",
        ),
        (
            "progress --site Pornic",
            "there is no option --site: the SITE stands by itself",
            "watcher progress SITE; `watcher progress --help` has examples",
        ),
        ("notify --all", "there is no option --all", "`watcher notify --help` has examples"),
        ("find x --limt 3", "there is no option --limt; did you mean --limit?", "`watcher find --help` has examples"),
        ("download P1 --to", "--to wants a value", "`watcher download --help` has examples"),
        ("mute x", 'ID: "x" is not a valid integer', "`watcher mute --help` has examples"),
        ("upcoming --days 400", "--days: 400 is not from 1 to 366", "`watcher upcoming --help` has examples"),
        ("find x --limit 0", "--limit: 0 is less than 1", "`watcher find --help` has examples"),
        (
            "add-site X --max-cloud 120",
            '--max-cloud: "120" is no percentage; write a number from 0 to 100',
            "`watcher add-site --help` has examples",
        ),
        ("audit --nwo", "there is no option --nwo; did you mean --now?", "`watcher audit --help` has examples"),
    ],
)
def test_what_is_typed_wrong_is_said_like_any_other_error(watcher: Watcher, typed: str, said: str, way: str) -> None:
    told = watcher(*shlex.split(typed))
    assert (told.code, told.out) == (2, "")
    assert told.err == f"watcher: {said}\n  → {way}\n"


def test_a_command_that_is_not_named_is_no_error_to_be_mended(watcher: Watcher) -> None:
    said = watcher()
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Usage: watcher [OPTIONS] COMMAND")
    assert "→" not in said.err


def test_a_defect_is_one_sentence_unless_debug_asks_for_more(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("watcher.store.watching.watches", broken)
    said = watcher("sites")
    assert said.code == 70
    assert "a defect in watcher: ZeroDivisionError: on purpose" in said.err
    debugged = watcher("--debug", "sites", traceback=True)
    assert debugged.code == 70
    assert "Traceback" in debugged.err
