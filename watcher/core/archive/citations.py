"""How a product is to be cited: as its catalogue says, else as those ask whose images it is made of.

Copernicus' legal notice on Sentinel data (2014) has one sentence for its own products and one for what others made of
them; USGS asks for its on its page of data policies; CNES' is the attribution of the SPOT (Take5) servers.
"""

from __future__ import annotations

import re

from watcher.model import Product

_OWNERS = (
    (re.compile(r"sentinel[ _-]?[1-6]", re.IGNORECASE), "Contains modified Copernicus Sentinel data {year}"),
    (re.compile(r"landsat", re.IGNORECASE), "Landsat images courtesy of the U.S. Geological Survey"),
    (re.compile(r"spot[ _-]?[1-5]\b", re.IGNORECASE), "© CNES {year}, all rights reserved"),
)


def cited(product: Product, citation: str) -> str:
    """Return how to cite a product of a catalogue with that `citation`, in which ``{year}`` is the year of acquisition.

    It is "" where nobody says.
    """
    if not citation and product.platform:
        citation = next((said for name, said in _OWNERS if name.match(product.platform)), "")
    return citation.replace("{year}", str(product.acquired.year) if product.acquired else "n.d.")
