"""The program that draws quicklooks anew, small: its own process, because what is called a picture may be a bomb.

Pictures come on standard input, each after its length (4 bytes, big-endian); for each an answer leaves on standard
output: a `+` and a JPEG, or a `-` and the reason, after its length. It is run as a file and knows nothing of watcher;
`watcher.tasks.pictures.painter` is its other side.
"""

from __future__ import annotations

import importlib
import io
import resource
import sys
import warnings
from typing import Any

SIDE = 320
"""Pixels of the longer side: what a mail shows at half that size is sharp on a fine screen."""

PIXELS = 25_000_000
"""A picture of more is not decoded."""

MEMORY = 384 * 2**20
"""Bytes of address space, after which the process fails instead of the machine."""

FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
"""Nothing that draws (SVG, PostScript), and nothing that is read by another program."""

GROUND = (128, 128, 128)
"""What shows through a picture: it is looked at on white and on black."""


def drawn(raw: bytes, largest: int) -> bytes:
    """Return a picture as a JPEG of `largest` bytes at most, without anything that came along with it."""
    from PIL import Image

    with Image.open(io.BytesIO(raw), formats=FORMATS) as opened:
        opened.draft("RGB", (2 * SIDE, 2 * SIDE))
        opened.load()
        picture: Image.Image = opened
        if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
            layer = picture.convert("RGBA")
            picture = Image.new("RGB", layer.size, GROUND)
            picture.paste(layer, mask=layer.getchannel("A"))
        picture = picture.convert("RGB")
    picture.info = {}  # a comment would be written, too
    side = SIDE
    while side >= 8:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        for quality in (80, 70, 55, 40):
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=quality, optimize=True)
            if out.tell() <= largest:
                return out.getvalue()
        side = side * 3 // 4
    raise ValueError("it cannot be made small")


def confine() -> None:
    """Give up what a decoder that went astray could do harm with: memory, time, files, processes."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = PIXELS
    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
    importlib.import_module("PIL.MpoImagePlugin")
    # Each format once, so that all that Pillow loads late is there: later no file can be opened.
    for kind, mode in (("JPEG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("GIF", "P"), ("WEBP", "RGBA")):
        pixel = io.BytesIO()
        Image.new(mode, (1, 1)).save(pixel, kind)
        drawn(pixel.getvalue(), 1000)
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, 30),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limit, (value, value))


def main() -> None:
    """Draw what comes until the input ends."""
    given, answers, largest = sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[1])
    confine()

    def answer(sign: bytes, content: bytes) -> None:
        answers.write(sign + len(content).to_bytes(4, "big") + content)
        answers.flush()

    while header := given.read(4):
        raw: Any = given.read(int.from_bytes(header, "big"))
        try:
            jpeg = drawn(raw, largest)
        except Exception as error:  # noqa: BLE001  a decoder's code begins here
            answer(b"-", f"{type(error).__name__}: {error}"[:200].encode(errors="replace"))
        else:
            answer(b"+", jpeg)


if __name__ == "__main__":
    main()
