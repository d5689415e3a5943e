"""Atom (RFC 4287)."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from watcher.core.feeds.feed import ATOM, Came, Feed, entry, tags
from watcher.core.moments import written

_SPACE = "http://www.w3.org/2005/Atom"


def atom(feed: Feed) -> bytes:
    """Write a feed as Atom, an entry for each arrival. Names and titles have lost what XML cannot hold before."""
    root = Element("feed", xmlns=_SPACE)
    _text(root, "id", feed.urn)
    _text(root, "title", feed.title)
    _text(root, "updated", written(feed.updated))
    _text(SubElement(root, "author"), "name", "watcher")
    _text(root, "generator", "watcher")
    if (href := feed.href(ATOM)) is not None:
        SubElement(root, "link", rel="self", type="application/atom+xml", href=href)
    for came in feed.came:
        _entry(root, came)
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'.encode()


def _entry(root: Element, came: Came) -> None:
    said, at = entry(came), SubElement(root, "entry")
    _text(at, "id", came.urn)
    _text(at, "title", said.title)
    _text(at, "updated", written(came.arrived))
    if came.product.published is not None:
        _text(at, "published", written(came.product.published))
    if said.link is not None:
        SubElement(at, "link", rel="alternate", href=said.link)
    if said.quicklook is not None:
        SubElement(at, "link", rel="related", title="quicklook", href=said.quicklook)
    for term in tags(came):
        SubElement(at, "category", term=term)
    _text(at, "content", said.summary).set("type", "text")


def _text(parent: Element, name: str, text: str) -> Element:
    child = SubElement(parent, name)
    child.text = text
    return child
