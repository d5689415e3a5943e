"""What the documents show is run."""

from __future__ import annotations

import importlib
import inspect
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import msgspec
import pytest

from tests.conftest import Watcher
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
    for table in ("poll", "notify", "download", "feeds", "health", "log"):
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
        assert parts.catalogues.catalogue(name).collections_of(None)
        assert table.auth is None or parts.catalogues.secrets(name)


@pytest.mark.parametrize(
    "table",
    [
        config.PollTable,
        config.NotifyTable,
        config.DownloadTable,
        config.FeedsTable,
        config.HealthTable,
        config.LogTable,
        config.CatalogueTable,
    ],
)
def test_the_example_shows_every_key_of_every_table(table: type[msgspec.Struct]) -> None:
    document = tomllib.loads(uncommented())
    name = table.__name__.removesuffix("Table").lower()
    tables = document["catalogues"].values() if table is config.CatalogueTable else [document[name]]
    keys = {key for each in tables for key in each}
    # Its own name, what its kind has, and what a preset leaves open or knows of accounts.
    inner = {"name", "settings", "needs", "logins"}
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


def documents() -> list[str]:
    """Return every page, by its path from the root."""
    pages = [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        ROOT / "systemd" / "README.md",
        ROOT / "bench" / "README.md",
    ]
    return sorted(str(page.relative_to(ROOT)) for page in pages)


def anchors(page: Path) -> set[str]:
    """Return what a link may name behind a `#` in this page, as GitHub makes it of the headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_to_a_file_and_a_heading_that_exist() -> None:
    followed = 0
    for document in documents():
        text = (ROOT / document).read_text(encoding="utf-8")
        for target, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)", text):
            page = (ROOT / document).parent / target if target else ROOT / document
            assert page.exists(), f"{document} links to {target}"
            assert not anchor or anchor in anchors(page), f"{document} links to {target}#{anchor}"
            followed += 1
    assert followed > 50


def test_the_readme_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert linked >= set(documents()) - {"README.md"}


def commands() -> list[tuple[str, str]]:
    """Return every `watcher …` that a document shows, without what stands behind it in a shell, with its document."""
    found = []
    for document in (*documents(), "config.example.toml"):
        text = (ROOT / document).read_text(encoding="utf-8")
        shown = re.findall(r"^\$ watcher (.*)$|`watcher\s([a-z][^`]*)`|^watcher ([a-z-]+ .*)$", text, re.MULTILINE)
        found += [(document, re.split(r" [|>#]|  +", " ".join("".join(each).split()))[0]) for each in shown]
    return list(dict.fromkeys(found))


def test_the_documents_show_only_commands_and_options_that_exist() -> None:
    cli = importlib.import_module("watcher.cli").cli
    context = click.Context(cli)
    names = set()
    for document, line in commands():
        name, *words = shlex.split(line)
        command = cli.get_command(context, name)
        assert command is not None, f"{document}: watcher {line}"
        options = {option for parameter in (*command.params, *cli.params) for option in parameter.opts}
        options |= {option for parameter in command.params for option in parameter.secondary_opts} | {"--help"}
        for word in words:
            if word.startswith("--"):
                assert word.partition("=")[0] in options, f"{document}: watcher {line}"
        names.add(name)
    assert {"add-site", "where", "find", "plan", "race", "audit", "check", "run"} <= names


def test_the_page_of_catalogues_lists_every_one_that_ships_with_watcher() -> None:
    rows = re.findall(r"^\| (`[^|]*`) \|", (ROOT / "docs" / "catalogues.md").read_text(encoding="utf-8"), re.MULTILINE)
    listed = {name.partition(":")[0] for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert listed == set(config.presets())


def test_the_page_of_places_shows_what_watcher_where_prints(watcher: Watcher) -> None:
    text = (ROOT / "docs" / "places.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\$ watcher where (.*)\n((?:[^$`].*\n)+)", text, re.MULTILINE)
    assert len(shown) >= 2
    for place, printed in shown:
        said = watcher("where", *shlex.split(place))
        assert printed == said.out + said.err


def test_the_architecture_says_what_every_part_is_for() -> None:
    words = set(re.findall(r"`(\w+(?:\.py|/)?)`", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")))
    package = ROOT / "watcher"
    parts = {path.name for path in package.glob("*.py")} | {f"{path.parent.name}/" for path in package.glob("*/*.py")}
    parts |= {path.stem for folder in ("core", "places") for path in (package / folder).glob("*.py")}
    lacking = parts - {"__init__", "__init__.py", "__main__.py"} - words
    assert not lacking, f"ARCHITECTURE.md does not say what {', '.join(sorted(lacking))} is for"


def test_the_architecture_names_only_parts_that_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    package = ROOT / "watcher"
    layers, thoughts = (table.split("\n\n")[0].splitlines() for table in text.split("\n|---|---|\n")[1:])
    named = [word for row in layers for word in re.findall(r"`([\w.]+/?)`", row.split("|")[1])]
    for row in thoughts:
        part = re.match(r"`(\w+/)`", row.split("|")[1].strip())
        named += [f"core/{part[1] if part else ''}{word}" for word in re.findall(r"`(\w+/?)`", row.split("|")[2])]
    named += re.findall(r"\b((?:tasks|core|transfer)/\w+(?:\.py)?)\b", text)
    assert len(named) > 50
    for name in named:
        assert (package / name).exists() or (package / f"{name}.py").exists(), name


def test_no_document_or_source_names_a_path_of_one_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    for name in tracked:
        path = ROOT / name
        if path.is_file() and path.suffix in (".md", ".py", ".toml", ".txt", ".service", ""):
            found = re.search(r"(?<![a-z])/(?:work|root)/[a-z]", path.read_text(encoding="utf-8", errors="replace"))
            assert not found, f"{name}: {found and found.group(0)}"
