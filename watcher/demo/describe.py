"""The OpenSearch descriptions (OpenSearch 1.1 draft 6, Parameter extension): what a client may ask, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape, quoteattr

from watcher.demo.answers import statistics
from watcher.demo.filters import MODEL_ONLY, NAMES
from watcher.demo.products import Product
from watcher.demo.search import CAP

_SPACES = {
    "": "http://a9.com/-/spec/opensearch/1.1/",
    ":atom": "http://www.w3.org/2005/Atom",
    ":time": "http://a9.com/-/opensearch/extensions/time/1.0/",
    ":geo": "http://a9.com/-/opensearch/extensions/geo/1.0/",
    ":eo": "http://a9.com/-/opensearch/extensions/eo/1.0/",
    ":parameters": "http://a9.com/-/spec/opensearch/extensions/parameters/1.0/",
    ":dc": "http://purl.org/dc/elements/1.1/",
    ":rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    ":resto": "http://mapshup.info/-/resto/2.0/",
}
_RFC3339 = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[\+\-][0-9]{2}:[0-9]{2})$"
_LIMITS = {
    "maxRecords": {"maxInclusive": str(CAP), "minInclusive": "1"},
    "index": {"minInclusive": "1"},
    "page": {"minInclusive": "1"},
    "startDate": {"pattern": _RFC3339},
    "completionDate": {"pattern": _RFC3339},
    "updated": {"pattern": _RFC3339},
    "orbitNumber": {"minInclusive": "1"},
}
_FACETS = ("productType", "processingLevel", "platform", "instrument", "sensorMode")


def describe(texts: Mapping[str, str], products: Iterable[Product], *, origin: str, collection: str | None) -> str:
    """The description of a collection, or of all (`None`), in the words of `texts`, its osDescription."""
    known = statistics(products)
    names = [name for name in NAMES if collection or name != MODEL_ONLY]
    folder = f"{origin}/resto/api/collections/{collection + '/' if collection else ''}"
    asked = "&".join(f"{name}={{{NAMES[name]}?}}" for name in names)
    parameters = "".join(_parameter(name, known) for name in names)
    urls = "".join(
        f' <Url type="{kind}" rel="results" template={quoteattr(f"{folder}search.{suffix}?{asked}")}>\n'
        f"{parameters} </Url>\n"
        for kind, suffix in (("application/json", "json"),)
    )
    spaces = " ".join(f'xmlns{prefix}="{uri}"' for prefix, uri in _SPACES.items())
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<OpenSearchDescription xml:lang="en" {spaces}>\n'
        f"{_elements(texts, 'ShortName', 'Description', 'Tags', 'Contact')}{urls}"
        f"{_elements(texts, 'LongName')}"
        f' <Query role="example" searchTerms={quoteattr(texts["Query"])}/>\n'
        f"{_elements(texts, 'Developper', 'Attribution')}"
        " <SyndicationRight>open</SyndicationRight>\n <AdultContent>false</AdultContent>\n"
        " <Language>en</Language>\n <Language>fr</Language>\n"
        " <OutputEncoding>UTF-8</OutputEncoding>\n <InputEncoding>UTF-8</InputEncoding>\n</OpenSearchDescription>\n"
    )


def _elements(texts: Mapping[str, str], *names: str) -> str:
    return "".join(f" <{name}>{escape(texts[name])}</{name}>\n" for name in names)


def _parameter(name: str, known: Mapping[str, object]) -> str:
    limits = "".join(f" {key}={quoteattr(value)}" for key, value in _LIMITS.get(name, {}).items())
    opening = f'  <parameters:Parameter name="{name}" value="{{{NAMES[name]}}}"{limits}'
    facet = known.get(name) if name in _FACETS else None
    if not isinstance(facet, dict):
        return f"{opening}/>\n"
    options = "".join(f"   <parameters:Options value={quoteattr(word)}/>\n" for word in facet)
    return f"{opening}>\n{options}  </parameters:Parameter>\n"
