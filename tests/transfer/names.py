"""Names that catalogues should not give: sixty that were thought of, and as many thousands as are wanted."""

from __future__ import annotations

import random
from collections.abc import Iterator

FIXED = [
    *(
        "..",
        ".",
        "",
        " ",
        "/",
        "//",
        "\\",
        "~",
        "-",
        "--",
        "-rf",
        "--help",
        ".bashrc",
        "..a",
        "a.",
        "a..",
        "...",
        "~root",
    ),
    *("/etc/passwd", "../../etc/passwd", "..\\..\\x", "a/../../b", "a/../b", "a//b", "a/./b", "./a", "a/", "/a"),
    *(
        "C:",
        "C:\\x",
        "\\\\host\\share",
        "file:///etc/passwd",
        "CON",
        "nul.txt",
        "a:b",
        "a?b",
        "a*b",
        'a"b',
        "a|b",
        "a<b",
    ),
    *("$(touch x)", "`x`", "a;b", "a&b", "a\nb", "a\r\nb", "a\tb", "a\0b", "\x1b[2J", "\x7f"),
    *(
        "\u202egnp.exe",
        "a\u200bb",
        "\ufeffa",
        "e\u0301",
        "\u00e9",
        "\u2025/x",
        "\uff0f..\uff0f",
        "\ud800",
        "\U0001f6f0",
    ),
    *("a" * 120, "a" * 121, "a" * 300, "\u00e9" * 300, "x" * 119 + "/..", "%2e%2e%2f", "..%2f..%2f", "%00", "a%0ab"),
    *("p.part", "p.part.json", "p.part.json.new", "p.partial", "p.stac.json", "P.PART", "p.rotten"),
]
"""More than sixty; those that differ only in what a file name cannot have are not one another."""

_PARTS = ["..", ".", "/", "\\", "-rf", "~", "\0", "\n", "\u202e", "e\u0301", "\u00e9", " ", "C:", "$(x)", ".part", "a"]


def hostile(count: int) -> Iterator[str]:
    """Make names of hostile parts, some of them thousands of letters long; the same ones each time."""
    chance = random.Random(1)
    for number in range(count):
        name = "".join(chance.choice(_PARTS) for _ in range(chance.randrange(1, 9)))
        name += str(number) * chance.randrange(2)
        yield name * (100 if number % 50 == 0 else 1)
