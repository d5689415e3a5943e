"""A notice to try addresses with: two products that nobody published, with pictures that are made on the spot."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from watcher.core.filters import Refusal
from watcher.core.notices import LARGEST, Looked, draft, finish, shots
from watcher.core.wording import Told
from watcher.model import Asset, Event, Level, Notice, Product
from watcher.tasks.pictures import Painter

_ACQUIRED = datetime(2015, 6, 29, 1, 34, 46, tzinfo=UTC)


def sample(*, key: str, footer: str, fields: Sequence[str], unsubscribe: str | None) -> Notice:
    """Return the notice, as real as can be: the pictures are drawn anew as those of a catalogue are."""
    earlier = _product("20150609", _ACQUIRED - timedelta(days=20), cloud=2.0)
    product = _product("20150629", _ACQUIRED, cloud=14.0)
    told = Told(Event.NEW, "Litchfield (a test)", product, "test", coverage=97.0, clear=("test", earlier))
    plan = draft([told], key=key, footer=footer, fields=fields, unsubscribe=unsubscribe)
    looked = Looked(_ACQUIRED + timedelta(days=1), polls=12, listed=61, refused=[Refusal("cloud", "cloud 88 %")])
    return finish(plan, pictures=dict(zip(shots(plan), _pictures(), strict=True)), looked=looked)


def _product(day: str, acquired: datetime, *, cloud: float) -> Product:
    return Product(
        collection="SPOT5",
        id=f"test-{day}",
        title=f"SPOT5_HRG1_XS_{day}_N2A_LitchfieldD0000B0000",
        level=Level("L2A"),
        acquired=acquired,
        revision="",
        cloud=cloud,
        platform="SPOT5",
        quicklook=f"https://test.invalid/{day}.jpg",
        assets=(Asset("product", "", size=68_600_000),),
    )


@cache
def _pictures() -> list[bytes]:
    """Draw a landscape under some clouds, and the same under few."""
    from PIL import Image, ImageFilter

    fields = Image.effect_noise((24, 24), 35).resize((400, 400), Image.Resampling.NEAREST)
    ground = Image.merge("RGB", [fields.point([round(v * share) for v in range(256)]) for share in (0.55, 0.7, 0.4)])
    clouds = Image.effect_noise((9, 9), 110).resize((400, 400), Image.Resampling.BICUBIC)
    raws = []
    for threshold in (205, 245):
        sky = clouds.point([255 if v > threshold else 0 for v in range(256)]).filter(ImageFilter.GaussianBlur(8))
        seen = ground.copy()
        seen.paste((242, 242, 246), mask=sky)
        raw = io.BytesIO()
        seen.save(raw, "PNG")
        raws.append(raw.getvalue())
    with Painter(largest=LARGEST) as painter:
        return [painter.draw(raw, seconds=10.0) for raw in raws]
