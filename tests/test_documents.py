"""What the documents show is run."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from watcher import config, plugins
from watcher.wiring import Parts

ROOT = Path(__file__).parents[1]
EXAMPLES = {
    Path(name): code
    for name, code in re.findall(
        r"```python\n# (watcher/\S+\.py)\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL
    )
}
PROTOCOLS = {"catalogues": plugins.Catalogue, "channels": plugins.Channel, "auth": plugins.Auth}


def test_contributing_shows_one_file_of_each_family() -> None:
    assert {path.parts[1] for path in EXAMPLES} == set(PROTOCOLS)


def test_each_example_fulfils_the_protocol_of_its_family(tmp_path: Path) -> None:
    required = {"catalogues": 'url="https://example.org"', "auth": 'key=Secret(env="KEY")', "channels": ""}
    for path, code in EXAMPLES.items():
        family = path.parts[1]
        protocol = PROTOCOLS[family].__name__
        held = f"\n\nfrom watcher.plugins import {protocol}\n\nheld: {protocol} = Kind({required[family]})\n"
        (tmp_path / f"{family}_example.py").write_text(code + held)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *map(str, tmp_path.glob("*.py"))],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", [p for p in EXAMPLES if p.parts[1] == "channels"], ids=str)
def test_the_example_of_a_channel_sends(path: Path, tmp_path: Path) -> None:
    from watcher.model import Notice, Outcome

    namespace: dict[str, object] = {"__name__": "example"}
    exec(compile(EXAMPLES[path], str(path), "exec"), namespace)
    kind = namespace["Kind"]
    assert inspect.isclass(kind)
    posts = [(f"lines://{tmp_path}/out", Notice("k", "subject", "text", "<p>html</p>"))]
    assert [sent.outcome for sent in kind().send(posts)] == [Outcome.SENT]
    assert (tmp_path / "out").read_text() == "subject\n"


def uncommented() -> str:
    """The example configuration with every setting set that it shows."""
    text = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    return re.sub(r'^# (\[|"?[\w-]+"? = )', r"\1", text, flags=re.MULTILINE)


def test_the_example_shows_the_defaults() -> None:
    given, default = config.load(ROOT / "config.example.toml"), config.load(None)
    for table in ("poll", "notify", "download", "log"):
        assert getattr(given, table) == getattr(default, table)
    assert given.poll.bounds() == (5 * 60, 6 * 3600)


@pytest.fixture
def shown(tmp_path: Path) -> config.Config:
    """The example configuration with every setting set that it shows."""
    path = tmp_path / "config.toml"
    path.write_text(uncommented(), encoding="utf-8")
    return config.load(path)


def test_every_setting_of_the_example_can_be_uncommented_as_it_stands(shown: config.Config, tmp_path: Path) -> None:
    parts = Parts(shown, tmp_path)
    assert len(shown.catalogues) > 8
    for name, table in shown.catalogues.items():
        assert parts.catalogue(name).collections_of(None)
        if table.auth is not None:
            settings = {"url": "https://example.org"} | table.auth
            plugins.build("auth", settings.pop("kind"), settings, place=f"catalogues.{name}.auth")


@pytest.mark.parametrize(
    "table", [config.PollTable, config.NotifyTable, config.DownloadTable, config.LogTable, config.CatalogueTable]
)
def test_the_example_shows_every_key_of_every_table(table: type[msgspec.Struct]) -> None:
    document = tomllib.loads(uncommented())
    name = table.__name__.removesuffix("Table").lower()
    keys = (
        set(document[name]) if name in document else {key for each in document["catalogues"].values() for key in each}
    )
    inner = {"name", "settings", "needs"}  # its own name, what its kind has, and what a preset leaves open
    assert {field.name for field in msgspec.structs.fields(table)} - inner <= keys


@pytest.mark.parametrize("kind", plugins.kinds("catalogues"))
def test_the_example_shows_every_setting_of_every_kind(shown: config.Config, kind: str) -> None:
    tables = tomllib.loads(uncommented())["catalogues"]
    keys = {key for name, table in tables.items() if shown.catalogues[name].kind == kind for key in table}
    keys |= {"provider"} if kind == "eodag" else set()  # behind the colon
    assert set(plugins.settings_of("catalogues", kind)) <= keys


@pytest.mark.parametrize("kind", plugins.kinds("auth"))
def test_the_example_shows_every_setting_of_every_account(shown: config.Config, kind: str) -> None:
    keys = {key for table in shown.catalogues.values() for key in table.auth or ()}
    assert set(plugins.settings_of("auth", kind)) - {"url"} <= keys
    assert f'"{kind}"' in (ROOT / "config.example.toml").read_text(encoding="utf-8")


def test_the_documents_name_only_files_that_exist() -> None:
    for document in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / target).exists(), f"{document} links to {target}"


def test_no_document_or_source_names_a_path_of_one_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    for name in tracked:
        path = ROOT / name
        if path.is_file() and path.suffix in (".md", ".py", ".toml", ".txt", ".service", ""):
            found = re.search(r"(?<![a-z])/(?:work|root)/[a-z]", path.read_text(encoding="utf-8", errors="replace"))
            assert not found, f"{name}: {found and found.group(0)}"
