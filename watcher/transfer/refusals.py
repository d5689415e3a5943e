"""Answers that are no product, told by what they say.

Ground segments say "sign the licence first", "your session is over" and "still on tape" with any status, 200
included, in JSON, in HTML, or as a picture (resto: ErrorCode 3002 and 3006; PEPS: a placeholder; THEIA: 403
"User profile has not been validated" for a token that ran out).
"""

from __future__ import annotations

import re

import httpx
import msgspec

from watcher.errors import CredentialError, TransferError, WatcherError
from watcher.model import Asset
from watcher.net.manners import retry_after
from watcher.transfer.archives import GZIP, ZIP, is_archive

_LOGIN = re.compile(rb"type\s*=\s*[\"']?password|<form|log[ -]?in|sign[ -]?in|authenti", re.IGNORECASE)
_PAGE = re.compile(rb"\s*(<!doctype html|<html|<head|<body)", re.IGNORECASE)
_NOT_VALIDATED = b"User profile has not been validated"


class _Complaint(msgspec.Struct):
    """The JSON of resto's refusals; GEODES and CDSE say `detail` or `message`."""

    ErrorCode: int | str | None = None
    ErrorMessage: str | None = None
    license: str | None = None
    detail: msgspec.Raw = msgspec.Raw(b"null")
    message: str | None = None


def is_product(response: httpx.Response, asset: Asset, name: str, first: bytes) -> bool:
    """Say whether an answer of status 200 or 206 from byte 0 begins like the asset that was asked for."""
    if not first:
        return False
    if is_archive(asset, name):
        return first.startswith((ZIP, GZIP))  # whatever type is claimed: some servers call all files text/html
    wanted = _kind(asset.type)
    if _PAGE.match(first):
        return "html" in wanted
    if _kind(response.headers.get("content-type")).endswith("json") and first.lstrip()[:1] in (b"{", b"["):
        return wanted.endswith("json") if wanted else _complaint(first).ErrorCode is None
    return True


def refusal(response: httpx.Response, first: bytes) -> WatcherError:
    """Make an error of an answer that is not the product; `first` is the beginning of what it says."""
    status, host = response.status_code, response.request.url.host
    said = _complaint(first)
    words = said.ErrorMessage or said.message or _text(said.detail)
    told = f': "{_plain(words)}"' if words else ""
    later = retry_after(response.headers.get("retry-after"))
    if said.license or str(said.ErrorCode) == "3002":
        return TransferError(
            f"{host} asks for its licence to be signed first",
            hint=f"sign in and accept the licence at {said.license or host}, then retry the download",
            permanent=True,
        )
    if status in (401, 403) or _NOT_VALIDATED in first:
        return CredentialError(
            f"{host} refuses the download ({status}){told}",
            hint="check the auth of this catalogue, and that the account may download this collection",
        )
    if str(said.ErrorCode) == "3006":
        return TransferError(f"{host} refuses the download{told}", permanent=True)
    if status in (404, 410):
        return TransferError(
            f"{host} does not have the file ({status}): catalogued, but not on its disk",
            permanent=status == 410,
        )
    if status in (202, 204) or (status in (200, 206) and not first):
        return TransferError(f"{host} is still preparing the file ({status})", retry_after=later)
    if status == 429 or status >= 500:
        return TransferError(f"{host} cannot send the file now ({status}){told}", retry_after=later)
    return _misfit(response, host, first, told)


def _misfit(response: httpx.Response, host: str, first: bytes, told: str) -> WatcherError:
    kind = _kind(response.headers.get("content-type")) or "something unnamed"
    if "html" in kind or _PAGE.match(first):
        if _LOGIN.search(first):
            return CredentialError(
                f"{host} answered with the page of a login instead of the file",
                hint="check the auth of this catalogue: the session may be over, or not be allowed this",
            )
        return TransferError(f"{host} answered with a web page instead of the file")
    return TransferError(f"{host} answered {response.status_code} with {kind} instead of the file{told}")


def _complaint(first: bytes) -> _Complaint:
    try:
        return msgspec.json.decode(first, type=_Complaint, strict=False)
    except (msgspec.DecodeError, RecursionError):
        return _Complaint()


def _text(raw: msgspec.Raw) -> str:
    text = bytes(raw)
    return "" if text == b"null" else text.decode("utf-8", "replace").strip('"')


def _plain(words: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in words[:200])


def _kind(text: str | None) -> str:
    return (text or "").split(";")[0].strip().lower()
