"""What a server complains of, in the forms that ground segments and stores have for it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_XML = re.compile(rb"\s*(<\?xml[^>]*\?>\s*)?<(\w+:)?(error|serviceexceptionreport)\b", re.IGNORECASE)
_CODE = re.compile(rb"<(?:\w+:)?code>\s*([\w.]{1,80})\s*<|<ServiceException[^>]*\bcode=\"(\w{1,80})\"", re.IGNORECASE)
_MESSAGE = re.compile(rb"<(?:\w+:)?(?:message|serviceexception)\b[^>]*>\s*([^<]{1,400})", re.IGNORECASE)
_LONGEST = 200


class Complaint(msgspec.Struct, frozen=True):
    """What was said: a code and words, both perhaps empty, and where a licence is to be accepted."""

    code: str = ""
    words: str = ""
    licence: str = ""
    xml: bool = False

    def __bool__(self) -> bool:
        return bool(self.code or self.words or self.licence)


def complaint(first: bytes) -> Complaint:
    """Read the beginning of an answer. One that complains of nothing, or in another form, says nothing here.

    resto says `ErrorCode`, `ErrorMessage` and `license`; GEODES, CDSE and others `detail`, `message`, `title` or
    `error`, which may be texts, lists or objects with texts in them; Earthdata `resolution_url`; S3, Azure and OGC
    services an XML of `Error`, with `Code` and `Message`, or a `ServiceException`.
    """
    first = first.removeprefix(b"\xef\xbb\xbf")
    if _XML.match(first):
        code, message = _CODE.search(first), _MESSAGE.search(first)
        words = message[1].decode("utf-8", "replace") if message else ""
        return Complaint((code[1] or code[2]).decode() if code else "error", _plain(words), xml=True)
    if first.lstrip()[:1] == b"{":
        try:
            said = msgspec.json.decode(first)
        except (msgspec.DecodeError, RecursionError):
            return Complaint()
        return _json(said) if isinstance(said, dict) else Complaint()
    return Complaint()


def _json(said: dict[str, Any]) -> Complaint:
    error = said.get("error")
    inner = error if isinstance(error, dict) else {}
    code = next((str(one) for one in (said.get("ErrorCode"), inner.get("code"), said.get("code")) if _said(one)), "")
    keys = ["ErrorMessage", "error_description", "message", "detail", "error"]
    if "status" in said:  # RFC 9457
        keys.append("title")
    words = next((text for key in keys if (text := _words(said.get(key)))), "")
    if not code and not words:
        return Complaint()
    licence = next((said[key] for key in ("license", "resolution_url") if isinstance(said.get(key), str)), "")
    return Complaint(_plain(code), _plain(words), _plain(licence, 2000))


def _said(value: object) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _words(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_words, value[:3])))
    if isinstance(value, dict):
        keys = ("message", "msg", "detail", "value", "text")
        return next((text for key in keys if (text := _words(value.get(key)))), "")
    return ""


def _plain(words: str, longest: int = _LONGEST) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in words[:longest]).strip()
