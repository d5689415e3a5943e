"""Revisions: which processing of one acquisition a catalogue lists.

A reprocessed product often keeps its identifier, so that only what is said about it tells one processing from
the next: when its record changed, when it was produced, its version, its checksum, its size. A token is those
five as one line of text, to be kept; `same` compares two of them, `recognised` one with all that are known.
"""

from __future__ import annotations

from collections.abc import Sequence


def token(
    *, updated: str | None, produced: str | None, version: str | None, checksum: str | None, size: int | None
) -> str:
    """Return what a catalogue says of a product's processing as one text.

    Times are the catalogue's own text (its clock and zone are not ours to judge), `size` is in bytes; an
    empty text counts as absent.
    """
    size_text = "" if size is None else str(size)
    plain = f"{updated or ''}|{produced or ''}|{version or ''}|{checksum or ''}|{size_text}"
    if "%" not in plain and plain.count("|") == 4:
        return plain
    return "|".join(map(_escaped, (updated, produced, version, checksum, size_text)))


def same(known: str, listed: str) -> bool:
    """Say whether two tokens are of one processing.

    What both say decides. A checksum, time of production, version or size that differs is another processing.
    If none does and both name the checksum or the time of production, a later `updated` only means that the
    record was completed; where neither does, a changed `updated` is all there is to go by.
    """
    if known == listed:
        return True
    (was, produced, version, checksum, size), (now, *others) = fields(known), fields(listed)
    pairs = list(zip((produced, version, checksum, size), others, strict=True))
    if any(one and other and one != other for one, other in pairs):
        return False
    if all(pairs[0]) or all(pairs[2]):
        return True
    return not (was and now) or was == now


def recognised(known: Sequence[str], listed: str) -> str | None:
    """Return which of the known tokens (oldest first) is of the processing that is listed, `None` for a new one.

    The newest has the benefit of the doubt. An older one must have something in common with what is listed: it is
    what a server that lags behind the others shows again.
    """
    *older, newest = known
    if same(newest, listed):
        return newest
    for text in reversed(older):
        shared = any(one and one == other for one, other in zip(fields(text), fields(listed), strict=True))
        if shared and same(text, listed):
            return text
    return None


def completes(known: str, listed: str) -> bool:
    """Say whether what is listed says all that is known of a processing, and not less."""
    return all(other or not one for one, other in zip(fields(known), fields(listed), strict=True))


def _escaped(text: str | None) -> str:
    return (text or "").replace("%", "%25").replace("|", "%7C")


def fields(text: str) -> list[str]:
    """Return what a token says: updated, produced, version, checksum, size; an empty text where it says nothing."""
    fields = [field.replace("%7C", "|").replace("%25", "%") for field in text.split("|")]
    return (fields + [""] * 5)[:5]
