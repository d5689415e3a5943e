"""Sentences such as `Toulouse LANDSAT8 2014`, in English and French, become questions.

`words` are the dictionaries; `tokens` parts a text, `dates`, `when`, `clouds`, `names` and `places` each read a part of
it, `parse` puts them together. `echo` says how it was read, `sieve` which products fit.
"""

from watcher.core.sentences.parse import read
from watcher.core.sentences.sentence import Interval, Kind, Reading, Sentence

__all__ = ["Interval", "Kind", "Reading", "Sentence", "read"]
