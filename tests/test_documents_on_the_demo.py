"""What the documents show of the demo's catalogue is what the program prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import Scene, Watcher

ROOT = Path(__file__).parents[1]
SHOWN = re.compile(r"^<!-- demo: ([^\n]*) -->\n```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = [
    pytest.param(world, block, id=f"{path.stem}: {block.splitlines()[0]}")
    for path in sorted((ROOT / "docs").glob("*.md"))
    for world, block in SHOWN.findall(path.read_text(encoding="utf-8"))
]
PEOPLE = {"lab": (), "clear": ("--max-cloud", "20"), "ops": ("--event", "health")}
PASSING = (
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\b20(?:2[6-9]|[3-9]\d)-\d\d-\d\d(?: \d\d:\d\d)?", "DATE"),  # of today; those of the demo are of 2015
    (r"(?<=began at )\d\d:\d\d:\d\d|(?<=seen )\d\d-\d\d \d\d:\d\d", "TIME"),
    (r"\d+ (?:s|min)(?= after it came| ago)", "SOON"),
)
"""What differs from run to run, and what stands for it."""


def begin(watcher: Watcher, home: Path) -> None:
    """Let two sites be watched, and three people be told."""
    channels = "".join(f'[channels.{name}]\nurl = "mbox://{home}/{name}"\n' for name in (*PEOPLE, "team"))
    with (home / "config.toml").open("a") as config:
        config.write(channels)
    for site in ("Litchfield", "Pornic"):
        assert watcher("add-site", site, "--level", "L1C", "--level", "L2A").code == 0
    for name, terms in PEOPLE.items():
        assert watcher("subscribe", name, *terms).code == 0
    assert watcher("poll").code == 0


def enter(world: str, watcher: Watcher, home: Path, scene: Scene) -> None:
    """Bring about what a document says of the demo."""
    if world == "nothing is watched":
        return
    begin(watcher, home)
    if world == "June is over":
        scene.play()
        for task in ("poll", "notify", "download"):
            assert watcher(task).code == 0
    else:
        assert world == "Litchfield and Pornic are watched"


def passing(text: str) -> str:
    for pattern, word in PASSING:
        text = re.sub(pattern, word, text)
    return text


def as_shown(shown: str) -> re.Pattern[str]:
    """Return what the shown text stands for: an ellipsis at the end of a line is the rest of it."""
    lines = [re.escape(line.removesuffix("…")) + (".*" if line.endswith("…") else "") for line in shown.splitlines()]
    return re.compile("".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize(("world", "block"), BLOCKS)
def test_it_prints_what_the_document_shows(
    world: str,
    block: str,
    watcher: Watcher,
    scene: Scene,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    enter(world, watcher, home, scene)
    for line, shown in re.findall(r"^\$ watcher (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
        command, _, file = line.partition(" > ")
        said = watcher(*shlex.split(command))
        out, err = (passing(text.replace(f"{home}/state/archive", "/srv/products")) for text in said[1:])
        printed = (err,) if file else (out + err, err + out)
        assert any(as_shown(passing(shown)).fullmatch(text) for text in printed), printed[0]


def test_there_is_much_to_hold_against_it() -> None:
    assert len(BLOCKS) >= 8
