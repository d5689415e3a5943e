"""Presets that need nothing are catalogues without a line of configuration."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.catalogues.loopback import Reply, answering
from watcher import config
from watcher.errors import ConfigError, UsageError
from watcher.wiring import Parts


@pytest.fixture
def presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of presets instead of the package's."""
    folder = tmp_path / "presets"
    folder.mkdir()
    (folder / "cdse.toml").write_text('kind = "stac"\nurl = "https://c.example/v1"\ncollections = {a = "L2A"}\n')
    (folder / "open.toml").write_text('kind = "stac"\nurl = "https://o.example/v1"\ncollections = {b = "L1C"}\n')
    (folder / "mine.toml").write_text('kind = "resto"\nneeds = ["url"]\ncollections = ["S"]\n')
    (folder / "many.toml").write_text('kind = "many"\nneeds = ["provider"]\n')
    monkeypatch.setattr("watcher.config.shipped.folder", lambda: folder)
    return folder


def written(tmp_path: Path, text: str) -> config.Config:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return config.load(path)


def test_a_preset_that_needs_nothing_is_known_without_being_configured(presets: Path) -> None:
    known = config.load(None)
    assert list(known.catalogues) == ["cdse"]
    assert known.known() == ["cdse", "open"]
    table = known.table("open")
    assert table is not None
    assert table.settings["url"] == "https://o.example/v1"


def test_what_the_administrator_writes_comes_before_the_preset_of_that_name(presets: Path, tmp_path: Path) -> None:
    given = written(tmp_path, '[catalogues.open]\npreset = "open"\nurl = "https://copy.example/v1"\n')
    table = given.table("open")
    assert table is not None
    assert table.settings["url"] == "https://copy.example/v1"
    assert given.known() == ["open", "cdse"]


def test_a_table_named_like_a_preset_is_one(presets: Path, tmp_path: Path) -> None:
    table = written(tmp_path, '[catalogues.open]\ninterval = "1h"\n').table("open")
    assert table is not None
    assert (table.kind, table.interval) == ("stac", 3600)


def test_a_preset_that_needs_a_setting_is_none_until_it_is_given(presets: Path, tmp_path: Path) -> None:
    assert config.preset("mine").needs == ("url",)
    assert config.load(None).table("mine") is None
    given = written(tmp_path, '[catalogues.mine]\nurl = "https://m.example/resto"\n').table("mine")
    assert given is not None
    assert given.needs == ()


def test_the_one_setting_that_a_preset_needs_may_stand_behind_a_colon(presets: Path, tmp_path: Path) -> None:
    table = config.load(None).table("many:creodias")
    assert table is not None
    assert (table.name, table.kind, table.settings) == ("many:creodias", "many", {"provider": "creodias"})
    configured = written(tmp_path, '[catalogues."many:peps"]\ninterval = "1h"\n').catalogues["many:peps"]
    assert (configured.settings, configured.interval) == ({"provider": "peps"}, 3600)


@pytest.mark.parametrize("name", ["many", "many:", "many:a/b", "mine:https", "open:x", "nothing", "nothing:x", "../x"])
def test_no_other_name_is_a_catalogue(presets: Path, name: str) -> None:
    assert config.load(None).table(name) is None


@pytest.mark.parametrize(
    ("name", "hint"),
    [("many", "name it as many:PROVIDER"), ("mine", 'preset = "mine" and url = "…"'), ("opn", "cdse, open")],
)
def test_a_catalogue_that_is_none_is_answered_with_the_way_out(
    presets: Path, tmp_path: Path, name: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=name) as refused:
        Parts(config.load(None), tmp_path).catalogues.table(name)
    assert hint in str(refused.value.hint)


def test_a_file_that_cannot_be_read_says_why_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    with pytest.raises(ConfigError, match=f"cannot read {tmp_path}: Is a directory$"):
        config.load(tmp_path)
    path.write_bytes(b"[poll]\n# \xe9t\xe9\n")
    with pytest.raises(ConfigError, match="is not UTF-8: line 2 has a byte that is none") as raised:
        config.load(path)
    assert raised.value.hint == "save the file as UTF-8"
    path.write_text("[poll]\ninterval = 5m\n")
    with pytest.raises(ConfigError, match=r"is not TOML: .*line 2") as raised:
        config.load(path)
    assert raised.value.hint is not None
    assert "stands in quotes" in raised.value.hint


def test_the_default_catalogue_may_be_a_preset(presets: Path, tmp_path: Path) -> None:
    assert written(tmp_path, 'catalogue = "open"\n').default_catalogue() == "open"
    with pytest.raises(ConfigError, match="mine") as refused:
        written(tmp_path, 'catalogue = "mine"\n')
    assert "cdse, open" in str(refused.value.hint)


def test_searches_are_signed_where_they_need_an_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_TEST_KEY", "k3y")
    for needs, sent in (('["search", "download"]', "k3y"), ('["download"]', None)):
        with answering(lambda asked: Reply(200, b'{"collections":[]}')) as (url, asked):
            text = (
                f'[catalogues.a]\nkind = "stac"\nurl = "{url}"\ncollections = {{x = "L2A"}}\nneeds_account = {needs}\n'
            )
            text += '[catalogues.a.auth]\nkind = "header"\nkey = { env = "WATCHER_TEST_KEY" }\n'
            parts = Parts(written(tmp_path, text), tmp_path)
            list(parts.catalogues.catalogue("a").discover(parts.catalogues.http("a")))
            parts.close()
        assert {question.headers.get("x-api-key") for question in asked} == {sent}


def test_what_needs_an_account_is_searching_or_downloading(tmp_path: Path) -> None:
    written(tmp_path, '[catalogues.a]\npreset = "cdse"\nneeds_account = ["search", "download"]\n')
    with pytest.raises(ConfigError, match="needs_account"):
        written(tmp_path, '[catalogues.a]\npreset = "cdse"\nneeds_account = ["looking"]\n')


def test_feeds_are_written_where_the_configuration_says(tmp_path: Path) -> None:
    table = written(tmp_path, '[feeds]\ndirectory = "~/out"\ncount = 20\npublic_url = "https://a.example/out"\n').feeds
    assert (table.place(), table.count) == (Path.home() / "out", 20)
    assert config.load(None).feeds.place() is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('directory = ""', 'feeds.directory is ""'),
        ("count = 0", "feeds.count is 0"),
        ('public_url = "ftp://a.example/"', 'feeds.public_url = "ftp://a.example/"'),
        ('public_url = "https://me:secret@a.example/"', "feeds.public_url"),
        ('public_url = "https://a.example/?key=1"', "feeds.public_url"),
        ('public_url = "https://a.example/ x"', "feeds.public_url"),
        ('dir = "/x"', 'has no key "dir"'),
    ],
)
def test_feeds_that_cannot_be_written_so_are_refused_by_name(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)) as raised:
        written(tmp_path, f"[feeds]\n{line}\n")
    assert raised.value.hint


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        ('[poll]\nintervall = "5s"', "did you mean interval?"),
        ('[download.bucket]\nregoin = "eu"', "did you mean region?"),
        ('[download]\nendpoint = "https://x"', "it belongs in [download.bucket]"),
        ("[download]\npart_size = 5", "it belongs in [download.bucket]"),
        ('[download]\ncert = "/x"', "it belongs in [download.tls]"),
        ('secret_access_key = { env = "X" }', "it belongs in [download.bucket]"),
        ("[download]\ngap = 5", "it belongs in [catalogues.NAME]"),
        ('[notify]\nfeeds = "/x"', "[feeds] is a table of its own"),
        ('levels = ["L2A"]', "it belongs in [download] or [hooks.NAME]"),
        ("[poll]\nfrequency = 5", "config.example.toml shows every key"),
    ],
)
def test_a_key_that_a_table_does_not_have_is_answered_with_where_it_belongs(
    tmp_path: Path, lines: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match="has no key") as refused:
        written(tmp_path, f"{lines}\n")
    assert refused.value.hint == hint


DASK = 'engine = "dask"\nscheduler = '
TLS = 'tls = {{ ca = "{0}", cert = "{0}", key = "{0}" }}'


@pytest.mark.parametrize(
    ("lines", "said", "hint"),
    [
        ('engine = "spark"', "download.engine", None),
        ('engine = "dask"', 'download.engine = "dask" without download.scheduler', "tcp://HOST:8786"),
        ('scheduler = "tcp://a:8786"', "download.engine is not", 'add engine = "dask"'),
        (DASK + '"a:8786"', 'download.scheduler = "a:8786" is no address', "tcp://HOST:8786"),
        (DASK + '"tcp://a"', 'download.scheduler = "tcp://a" is no address', None),
        (DASK + '"http://a:8786"', "is no address of one", None),
        (DASK + '"tls://a:8786"', "needs download.tls", "ca ="),
        (DASK + '"tcp://a:8786"\n' + TLS.format("/etc/passwd"), "has no use for download.tls", None),
        (DASK + '"tls://a:8786"\ntls = { ca = "/etc/passwd" }', "download.tls", None),
        (DASK + '"tcp://a:8786"\nconcurrency = 1025', "download.concurrency is 1025", "1024 the most"),
        ("concurrency = 65", "download.concurrency is 65", "64 the most"),
    ],
)
def test_a_cluster_that_is_half_described_is_refused_by_name(
    tmp_path: Path, lines: str, said: str, hint: str | None
) -> None:
    with pytest.raises(ConfigError) as refused:
        written(tmp_path, f"[download]\n{lines}\n")
    assert said in str(refused.value)
    assert hint is None or hint in (refused.value.hint or "")


def test_a_cluster_is_an_address_and_perhaps_certificates(tmp_path: Path) -> None:
    table = written(tmp_path, f'[download]\n{DASK}"tcp://dask.example:8786"\nconcurrency = 200\n').download
    assert (table.engine, table.scheduler, table.concurrency) == ("dask", "tcp://dask.example:8786", 200)
    table = written(tmp_path, f'[download]\n{DASK}"tls://[::1]:8786"\n{TLS.format("/x.pem")}\n').download
    assert table.tls is not None
    assert table.tls.key == "/x.pem"


def test_a_cluster_without_its_library_is_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="is not installed") as refused:
        written(tmp_path, f'[download]\n{DASK}"tcp://dask.example:8786"\n')
    assert refused.value.hint == "pip install 'eo-watcher[dask]'"


def test_threads_may_build_parts_of_a_kind_that_none_was_built_of_before() -> None:
    script = """
import sys, threading, types
from watcher import plugins

sys.setswitchinterval(1e-6)
kind = '''
from __future__ import annotations
from typing import Literal
import msgspec
class Inner(msgspec.Struct, frozen=True):
    words: tuple[Literal["x", "y"], ...] = ()
class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str
    inner: dict[str, Inner] | None = None
'''
for number in range(1000):
    name = f"made_up_{number}"
    module = sys.modules[f"watcher.auth.{name}"] = types.ModuleType(f"watcher.auth.{name}")
    exec(kind, module.__dict__)
    plugins.kinds = lambda family, name=name: [name]
    start = threading.Barrier(4)
    def build():
        start.wait()
        plugins.build("auth", name, {"url": "x", "inner": {"a": {"words": ["x"]}}}, place="there")
    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=100)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[download]\nconcurrency = "2"\n', "download.concurrency: must be a number, and is a text"),
        ('[download]\nlevels = "L2A"\n', "download.levels: must be a list, and is a text"),
        ('[download]\nsidecar = "yes"\n', "download.sidecar: must be true or false, and is a text"),
        ('[download]\norder = "new"\n', 'download.order: "new" is none of its choices: newest, oldest, clearest'),
        ("[catalogues.cdse]\nstreams = 0\n", "catalogues.cdse.streams: must be at least 1"),
        ("[hooks.x]\ncommand = []\n", "hooks.NAME.command: must have at least 1"),
        (
            '[catalogues.cdse]\nneeds_account = ["all"]\n',
            '"all" is none of its choices: search, download',
        ),
        ('[hooks.x]\ncommand = "wc"\n', "hooks.NAME.command: must be a list, and is a text"),
    ],
)
def test_a_value_of_the_wrong_type_is_told_in_words_of_the_file(
    presets: Path, tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        written(tmp_path, text)


def test_who_asks_is_what_a_header_can_carry(tmp_path: Path) -> None:
    given = "gis@example.org, https://example.org/lab?x=1"
    assert written(tmp_path, f'[poll]\ncontact = "{given}"\n').poll.contact == given
    for contact in ("Zoé", "a) b", "x\\ny", "x\\\\", "x" * 101):
        with pytest.raises(ConfigError, match=r"poll\.contact = .* cannot stand in the header"):
            written(tmp_path, f'[poll]\ncontact = "{contact}"\n')
