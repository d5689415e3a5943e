"""What the documents show is run."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from watcher import plugins

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
