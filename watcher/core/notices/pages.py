"""A notice as a page of HTML for mail: no script, no remote picture, no colour that a dark ground would swallow.

Mail programs know little CSS, and some throw the style sheet away: what must hold is written into the elements, and the
style sheet only makes a telephone's narrow window better. Columns wrap rather than run out of the window.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from watcher.core.notices.drafts import LATE, Draft, Place
from watcher.core.notices.strips import Frame
from watcher.core.wording import Lines

if TYPE_CHECKING:
    from jinja2 import Template

_COLUMNS = {
    "acquired": ("Acquired (UTC)", ""),
    "level": ("Level", ""),
    "platform": ("Platform", ""),
    "cloud": ("Cloud", "cloud"),
    "coverage": ("Coverage", "covers"),
    "size": ("Size", ""),
    "change": ("Change", ""),
}
"""The fields that make a table: what stands above the column, and before the value where there is no column."""


_UNIT = re.compile(r"(?<=\d) (?=%|[kMGT]?B\b)")


def page(draft: Draft, strips: Sequence[Sequence[tuple[Frame, str]]], last: Sequence[str]) -> str:
    """Lay a draft out as HTML; `strips` are the frames of each place with the names of their pictures (RFC 2392)."""
    return _template().render(
        subject=draft.subject,
        late=LATE if draft.late else "",
        warnings=draft.warnings,
        flood=draft.flood,
        places=[
            (place.name, _columns(place), place.arrivals, strip, _share(len(strip)))
            for place, strip in zip(draft.places, strips, strict=True)
        ],
        last=last,
        unsubscribe=draft.unsubscribe,
    )


def _columns(place: Place) -> list[tuple[str, str, str]]:
    """Return the columns of a place's table: field, heading, word. One that would be empty is left out."""
    first: Lines = place.arrivals[0]
    filled = [field for field in first.cells if any(arrival.cells[field] for arrival in place.arrivals)]
    return [(field, *_COLUMNS[field]) for field in filled if field in _COLUMNS]


def _share(frames: int) -> int:
    """Return how many percent of the width each of so many pictures has."""
    return 49 if frames < 3 else 32


def _kept(words: str) -> str:
    """Keep numbers with their units."""
    return _UNIT.sub("\u00a0", words)


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["kept"] = _kept
    return environment.from_string(_HTML)


_HTML = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{{ subject }}</title>
<style>
:root { color-scheme: light dark; }
@media (max-width: 500px) {
  .w { padding: 8px !important; }
  .h, .f td.h { display: none !important; }
  .f td { display: inline-block !important; padding: 4px 10px 0 0 !important; }
  .t td { padding: 0 0 8px !important; }
  .l { display: inline !important; }
}
</style>
</head>
<body style="margin:0;padding:0;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;
font-size:15px;line-height:1.45">
<div class="w" style="max-width:680px;margin:0 auto;padding:16px">
{% if late %}
<p style="border-left:4px solid #c77700;padding-left:10px">{{ late }}</p>
{% endif %}
{% for title, body in warnings %}
<h2 style="font-size:18px;margin:18px 0 4px">{{ title }}</h2>
<p style="margin:0">{% for line in body %}{{ line }}<br>{% endfor %}</p>
{% endfor %}
{% if flood %}
{% for sentence in flood.sentences %}
<p style="margin:0 0 6px{{ ';font-weight:bold' if loop.first }}">{{ sentence }}</p>
{% endfor %}
<table cellpadding="4" cellspacing="0" width="100%" style="border-collapse:collapse;margin-top:10px;font-size:14px">
<tr class="h" align="left" style="font-size:12px">
{%- for name in ("Site", "What", "Acquired", "Volume") %}<th>{{ name }}</th>{% endfor %}</tr>
{% for row in flood.sites %}
<tr class="f" valign="top" style="border-top:1px solid #888">
{%- for cell in row %}<td>{% if loop.first %}<strong>{{ cell }}</strong>{% else %}{{ cell }}{% endif %}</td>
{%- endfor %}</tr>
{% endfor %}
</table>
<p style="margin:12px 0 0">{% for line in flood.advice %}{{ line }}<br>{% endfor %}</p>
{% endif %}
{% for name, columns, arrivals, strip, share in places %}
<h2 style="font-size:18px;margin:22px 0 8px">{{ name }}</h2>
{% if strip %}
<div style="font-size:0;margin-bottom:8px">
{% for frame, picture in strip %}
<div style="display:inline-block;vertical-align:top;width:{{ share }}%;max-width:300px;margin:0 1% 6px 0;
font-size:12px">
<img src="cid:{{ picture }}" alt="{{ frame.words }}" width="300"
style="display:block;width:100%;height:auto;border-radius:4px">
<span style="opacity:0.75">{{ frame.words|kept }}</span></div>
{% endfor %}
</div>
{% endif %}
<table cellpadding="4" cellspacing="0" width="100%" style="border-collapse:collapse;font-size:14px;
word-break:break-word">
{% if columns %}
<tr class="h" align="left" style="font-size:12px">
{%- for field, heading, word in columns %}<th>{{ heading }}</th>{% endfor %}</tr>
{% endif %}
{% for arrival in arrivals %}
{% if columns %}
<tr class="f" valign="top" style="border-top:1px solid #888">
{%- for field, heading, word in columns %}
{%- if arrival.cells[field] %}<td>
{%- if word %}<span class="l" style="display:none">{{ word }} </span>{% endif -%}
{{ arrival.cells[field]|kept }}</td>
{%- else %}<td class="h"></td>{% endif %}{% endfor %}</tr>
{% endif %}
<tr class="t"><td colspan="{{ columns|length or 1 }}" style="padding-top:0">
{%- if not columns or "change" not in arrival.cells %}{{ arrival.what }}: {% endif -%}
{% if arrival.link %}<a href="{{ arrival.link }}" style="color:inherit">{{ arrival.title }}</a>
{%- else %}{{ arrival.title }}{% endif %}
{%- if arrival.where or arrival.catalogue %}<br><small>{{ arrival.catalogue }}
{%- if arrival.where and arrival.catalogue %} · {% endif %}{{ arrival.where }}</small>{% endif %}</td></tr>
{% endfor %}
</table>
{% endfor %}
<p style="border-top:1px solid #888888;margin-top:24px;padding-top:8px;font-size:13px;opacity:0.85">
{%- for line in last %}{{ line }}<br>{% endfor %}
{%- if unsubscribe %}<a href="{{ unsubscribe }}" style="color:inherit">Unsubscribe</a>{% endif %}
</p>
</div>
</body>
</html>
"""
