"""Threads that need a type for the first time together: msgspec 0.22 crashes unless decoders are made one by one."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MADE_HERE = ROOT / "watcher" / "decoding.py"


def unsafe(code: str, place: str) -> Iterator[str]:
    """Say where code has msgspec look at a type without the lock of `watcher.decoding`, and what to write."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "msgspec":
            named = {"decode", "Decoder", "convert"} & {one.name for one in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("msgspec."):
            called = ast.unparse(node.func).rpartition(".")[2]
            typed = called != "decode" or any(key.arg in ("type", None) for key in node.keywords)
            named = {"decode", "Decoder", "convert"} & {called} if typed else set()
        else:
            continue
        for name in sorted(named):
            better = "convert(…, T)" if name == "convert" else "`_decode = decoder(T).decode` at module level"
            yield (
                f"{place}:{node.lineno}: {name} of msgspec crashes in threads: write {better}, from watcher.decoding"
            )


def test_nothing_decodes_into_a_type_but_by_what_is_made_one_at_a_time() -> None:
    files = [path for path in sorted((ROOT / "watcher").rglob("*.py")) if path != MADE_HERE]
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
    found = [one for path in files for one in unsafe(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))]
    found += [one for code in examples for one in unsafe(code, f"CONTRIBUTING.md, {code.splitlines()[0]}")]
    assert not found, "\n".join(found)
    assert len(files) > 100
    assert len(examples) > 2


@pytest.mark.parametrize(
    "line",
    [
        "msgspec.json.decode(body, type=Page)",
        "msgspec.json.decode(body, **asked)",
        "msgspec.json.Decoder(Page).decode(body)",
        "msgspec.msgpack.Decoder(Page)",
        "msgspec.toml.decode(text, type=Page)",
        "msgspec.convert(value, Page)",
        "from msgspec import convert",
        "from msgspec.json import Decoder as D",
    ],
)
def test_that_notices(line: str) -> None:
    assert [one.partition(": ")[0] for one in unsafe(f"def read():\n    {line}\n", "here.py")] == ["here.py:2"]


@pytest.mark.parametrize(
    "line",
    [
        "decoder(Page).decode(body)",
        "msgspec.json.decode(body)",
        "msgspec.json.encode(value)",
        "def made() -> msgspec.json.Decoder[Page]: ...",
        "from msgspec.structs import replace",
    ],
)
def test_that_leaves_alone(line: str) -> None:
    assert not list(unsafe(line, "here.py"))


TOGETHER = """
import sys, threading
sys.setswitchinterval(1e-6)

def together(*calls):
    start, failed = threading.Barrier(len(calls)), []
    def run(call):
        start.wait()
        try:
            call()
        except BaseException as error:
            failed.append(error)
            raise
    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert not failed, failed
"""

PARTS = """
from typing import Generic, TypeVar
import types
import msgspec
from watcher.decoding import convert, decoder

code = '''
from __future__ import annotations
from typing import Generic, TypeVar
import msgspec
T = TypeVar("T")
class Leaf(msgspec.Struct):
    number: int
    words: list[str] = []
    leaves: list[Leaf] | None = None
class Of(msgspec.Struct, Generic[T]):
    one: T
    tree: Node | None = None
class Node(msgspec.Struct):
    left: Node | None = None
    right: Of[Leaf] | None = None
class First(msgspec.Struct):
    of: list[Of[Leaf]]
class Second(msgspec.Struct):
    leaf: Leaf
    node: Node
'''
first = {"of": [{"one": {"number": 1, "leaves": [{"number": 2}]}, "tree": {"left": {}}}]}
second = {"leaf": {"number": 1}, "node": {"right": {"one": {"number": 1}}}}
for number in range(150):
    made = sys.modules["made"] = types.ModuleType("made")
    exec(code, made.__dict__)
    together(
        lambda: decoder(made.First).decode(msgspec.json.encode(first)),
        lambda: decoder(made.Second).decode(msgspec.json.encode(second)),
        lambda: decoder(list[made.Of[made.Node]]).decode(b'[{"one":{"left":{}}}]'),
        lambda: convert(first, made.First),
        lambda: convert(second, made.Second),
    )
"""

ADAPTERS = """
import base64, importlib
import msgspec
from watcher.net.answers import Answer

class Http:
    # Answers from memory: over a connection threads do not decode at the same moment.
    def get(self, url, **_):
        return Answer(200, {"content-type": "application/json"}, ANSWERS[url.rpartition("/")[2]], url)

ANSWERS = {
    "collections.json": b'{"collections":[{"name":"things"}]}',
    "collections": b'{"collections":[{"id":"things","extent":{"temporal":{"interval":[[null,null]]}}}],"links":[]}',
}
PAGE = b'''{"properties":{"totalResults":1,"links":[]},"features":[{"id":"a","properties":{"title":"A",
    "services":{"download":{"url":"https://example.org/a","size":1}}}}]}'''
TOKEN = "a." + base64.urlsafe_b64encode(b'{"exp":1,"iat":0}').decode().rstrip("=") + ".c"
FRESH = ("watcher.catalogues", "watcher.net.logins", "watcher.core.health")

def named(name):
    return importlib.import_module(f"watcher.{name}")

for _ in range(40):
    for name in [name for name in sys.modules if name.startswith(FRESH)]:
        del sys.modules[name]
    resto, answers = named("catalogues.resto.questions"), named("catalogues.resto.answers")
    stac, holdings = named("catalogues.stac"), named("catalogues.stac.holdings")
    logins, health = named("net.logins"), named("core.health")
    kind = stac.Kind(url="https://example.org", collections={"things": "L2A"})
    together(
        *[lambda: answers.read(PAGE, site_filter="site", place="here")] * 3,
        lambda: answers.read(PAGE, site_filter="other", place="here"),
        *[lambda: resto.offered(Http(), "https://example.org")] * 3,
        *[lambda: list(holdings.holdings(kind, Http()))] * 3,
        *[lambda: logins.claims(TOKEN)] * 2,
        *[lambda: health.expiry(TOKEN)] * 2,
    )
"""


@pytest.mark.parametrize("script", [PARTS, ADAPTERS], ids=["types with parts in common", "adapters"])
def test_threads_may_decode_together_what_none_decoded_before(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", TOGETHER + script],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-3000:]
