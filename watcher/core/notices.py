"""What a person reads: many arrivals become one notice, the same as text and as HTML.

The words come cleaned (`watcher.core.wording`); here markup is escaped, and nobody is called to a chat by the
title of a product.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

from watcher.core.wording import Lines, Told, Warned, level_word, lines
from watcher.model import Event, Notice
from watcher.names import fold, plain

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["FULL", "NEWEST", "Told", "compose"]

FULL = 200
"""As many arrivals are told of one by one."""

NEWEST = 50
"""So many are told of when there are more than `FULL`."""


def compose(arrivals: Sequence[Told], alerts: Sequence[Warned] = (), *, key: str, footer: str = "") -> Notice:
    """Compose one notice about these arrivals and alerts; alerts come first.

    `key` tells it from every other, `footer` says how to stop them. Sites stand in alphabetical order, their
    newest acquisitions first. Raises `ValueError` when there is nothing to tell.
    """
    if not arrivals and not alerts:
        raise ValueError("there is nothing to tell: a notice needs an arrival or an alert")
    newest = sorted(arrivals, key=_age)
    told, rest = (newest, []) if len(newest) <= FULL else (newest[:NEWEST], newest[NEWEST:])
    # The sort is stable: within a site they stay newest first.
    told.sort(key=lambda arrival: (fold(arrival.site), arrival.site))
    sites = [
        (plain(site, limit=100), [lines(arrival) for arrival in group])
        for site, group in groupby(told, key=lambda arrival: arrival.site)
    ]
    warnings = [_warning(alert) for alert in alerts]
    subject = _subject(arrivals) if arrivals else plain(_neutral(f"watcher: {warnings[0][0]}", ""))
    more = _more(rest)
    last = [line for line in (*map(plain, footer.splitlines()), f"notice {plain(key, limit=100)}") if line]
    text = _neutral(_text(warnings, sites, more, last), "\\g<0>\u200b")
    page = _template().render(subject=subject, warnings=warnings, sites=sites, more=more, last=last)
    return Notice(key, subject, text, page)


def _warning(alert: Warned) -> tuple[str, list[str]]:
    lines = [*alert.body.splitlines(), *([f"→ {alert.hint}"] if alert.hint else [])]
    return plain(alert.title), [plain(line, limit=1000) for line in lines]


def _age(arrival: Told) -> tuple[float, str]:
    acquired = arrival.product.acquired
    return (-acquired.timestamp() if acquired else float("inf"), arrival.product.title)


def _subject(arrivals: Sequence[Told]) -> str:
    """Say what arrived where: `watcher: 7 new (5 L2A, 2 L1C) at Litchfield, Pornic and 1 more`."""
    events = Counter(arrival.event for arrival in arrivals)
    what = ", ".join(f"{events[event]} {event.value}" for event in Event if events[event])
    levels = Counter(map(level_word, arrivals))
    if len(levels) == 1:
        what += f" {next(iter(levels))}"
    else:
        what += f" ({_counts(levels)})"
    sites = sorted({arrival.site for arrival in arrivals}, key=fold)
    names = [plain(site, limit=50) for site in sites[:2]]
    where = f"{', '.join(names)} and {len(sites) - 2} more" if len(sites) > 2 else " and ".join(names)
    return plain(_neutral(f"watcher: {what} at {where}", ""))


def _counts(levels: Counter[str]) -> str:
    most = levels.most_common()
    shown = [f"{count} {level}" for level, count in most[:4]]
    if len(most) > 4:
        shown.append(f"{sum(count for _, count in most[4:])} other")
    return ", ".join(shown)


def _more(rest: Sequence[Told]) -> list[str]:
    """Count what is not told one by one, and say where to read it."""
    if not rest:
        return []
    sites: dict[str, Counter[str]] = {}
    for arrival in rest:
        sites.setdefault(plain(arrival.site, limit=100), Counter())[level_word(arrival)] += 1
    lines = [f"and {len(rest)} more:"]
    lines += [
        f"{site}: {_counts(sites[site])} (watcher products --site {shlex.quote(site)})"
        for site in sorted(sites, key=fold)[:NEWEST]
    ]
    if len(sites) > NEWEST:
        lines.append(f"and {len(sites) - NEWEST} more sites (watcher products)")
    return lines


_MENTION = re.compile(r"[<@]+(?=everyone|here|channel|all|room|team|online)|<+(?=[@!#&])", re.IGNORECASE)


def _neutral(text: str, replacement: str) -> str:
    """Take the power from what chat services read as a call to people (`@everyone`, `<!channel>`)."""
    return _MENTION.sub(replacement, text)


def _text(
    warnings: Sequence[tuple[str, Sequence[str]]],
    sites: Sequence[tuple[str, Sequence[Lines]]],
    more: Sequence[str],
    last: Sequence[str],
) -> str:
    lines: list[str] = []
    for title, body in warnings:
        lines += [title, *(f"  {line}" for line in body), ""]
    for site, arrivals in sites:
        lines += [site, ""]
        for arrival in arrivals:
            lines.append(f"  {arrival.what}: {arrival.title}")
            lines += [f"    {line}" for line in (arrival.facts, arrival.link, arrival.where) if line]
            lines.append("")
    lines += [*more, ""] if more else []
    return "\n".join([*lines, "-- ", *last, ""])


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(_HTML)


# A mail program shows this, so: no style sheet, script or remote image, two narrow columns, and no colour of
# its own, so that it can be read on a dark ground too. The address of a link is its text: the plain-text part
# of a mail is made from this page and keeps only what can be seen.
_HTML = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{{ subject }}</title></head>
<body style="font-family:sans-serif;line-height:1.4">
{% for title, body in warnings %}
<h2 style="font-size:1.1em">{{ title }}</h2>
<p>{% for line in body %}{{ line }}<br>{% endfor %}</p>
{% endfor %}
{% for site, arrivals in sites %}
<h2 style="font-size:1.1em">{{ site }}</h2>
<table style="border-collapse:collapse;width:100%">
{% for arrival in arrivals %}
<tr style="border-top:1px solid #888888">
<td style="padding:6px 12px 6px 0;vertical-align:top">{{ arrival.what }}</td>
<td style="padding:6px 0;word-break:break-word"><strong>{{ arrival.title }}</strong><br>
{{- arrival.facts }}<br>
{%- if arrival.link %}
<a href="{{ arrival.link }}">{{ arrival.link }}</a><br>
{%- endif %}
{{- arrival.where }}</td>
</tr>
{% endfor %}
</table>
{% endfor %}
{% for line in more %}
<p>{{ line }}</p>
{% endfor %}
<p style="border-top:1px solid #888888;padding-top:6px;font-size:0.9em">
{%- for line in last %}{{ line }}<br>{% endfor %}
</p>
</body>
</html>
"""
