"""The catalogues that products come from, as a pass of downloads knows them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from watcher.model import Product
from watcher.net import Http
from watcher.tasks.download.choosing import Choose
from watcher.tasks.download.queue import How

AtHand = Callable[[str, Product], bool | None]
"""Says whether a catalogue has the files of a product at hand; `None` if it does not tell."""


class Sources(msgspec.Struct, frozen=True):
    """Each by its name: `http` gives its client, `how` the terms on which its products are fetched.

    What was ordered from tape is fetched once `at_hand` does not deny that it is back. Where its sites have a choice of
    a product's files, `choose` gives it those.
    """

    http: Callable[[str], Http]
    how: Callable[[str], How] = lambda catalogue: How()  # noqa: ARG005
    at_hand: AtHand = lambda catalogue, product: None  # noqa: ARG005
    choose: Choose = lambda catalogue, product, choices: product  # noqa: ARG005
