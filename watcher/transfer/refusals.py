"""Answers that are no product, told by what they say, and what is to be done about each.

Ground segments say "sign the licence first", "your session is over", "your quota is used up" and "still on tape" with
any status, 200 included: in JSON (resto: ErrorCode 3002 and 3006; THEIA: 403 "User profile has not been validated" for
a token that ran out; Earthdata: a `resolution_url`), in XML (S3, Azure, OGC), in HTML, as a line of text, or as a
picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx

from watcher.errors import FileRefused, Staged, TransferError, WatcherError
from watcher.model import Asset
from watcher.net.manners import retry_after
from watcher.net.reach import shown
from watcher.transfer import ranges
from watcher.transfer.archives import GZIP, ZIP, is_archive, is_tar
from watcher.transfer.complaints import complaint

OPENING = 512
"""Bytes of an answer by which a product is told from what is none: the header of a tar is as long."""

LOOK = 16 * 1024
"""Bytes of an answer that are read to learn what it says."""

_LOGIN = re.compile(rb"type\s*=\s*[\"']?password|<form|log[ -]?in|sign[ -]?in|authenti", re.IGNORECASE)
_PAGE = re.compile(rb"\s*(<!doctype html|<html|<head|<body)", re.IGNORECASE)
_BINARY = ("tif", "tiff", "jp2", "jpeg", "jpg", "png", "hdf", "hdf5", "x-hdf5", "x-hdf", "netcdf", "x-netcdf", "webp")
_ENDINGS = (".tif", ".tiff", ".jp2", ".j2k", ".jpg", ".jpeg", ".png", ".h5", ".he5", ".hdf", ".nc", ".webp")

_DENIED = (
    "accessdenied",
    "authenticationfailed",
    "authorizationfailure",
    "expiredtoken",
    "invalidaccesskeyid",
    "invalidtoken",
    "publicaccessnotpermitted",
    "requesttimetooskewed",
    "signaturedoesnotmatch",
)
"""What S3 and Azure call it when an account or a signed link is not, or no longer, good."""

_ON_TAPE = ("invalidobjectstate", "blobarchived", "blobbeingrehydrated")
_TAPE = re.compile(
    r"\b(on tape|from tape|staging|being staged|not online|offline|long.term archive|being restored|being retrieved)\b",
    re.IGNORECASE,
)
_SESSIONS = re.compile(
    r"\bmax(imum)?( number of)?( concurrent)? (session|connection|download)s?\b"
    r"|\btoo many (concurrent )?(session|connection)s?\b",
    re.IGNORECASE,
)
_QUOTA = re.compile(r"\bquota\b|\blimit (is |has been |was )?(exceeded|reached)|too many requests", re.IGNORECASE)


def beginning(coming: Iterator[bytes | memoryview], least: int) -> bytes:
    """Read on until there are `least` bytes, or the end."""
    first = b""
    for piece in coming:
        first += piece
        if len(first) >= least:
            break
    return first


def is_product(response: httpx.Response, asset: Asset, name: str, first: bytes) -> bool:
    """Say whether an answer of status 200 or 206 from byte 0 begins like the asset that was asked for.

    Whatever type it claims, that is: some servers call all files text/html.
    """
    if not first:
        return False
    if is_archive(asset, name):
        return first.startswith((ZIP, GZIP)) or is_tar(first)
    if asset.size is not None and asset.size == ranges.total(response):
        return True
    wanted = _kind(asset.type)
    binary = wanted.partition("/")[2].partition("+")[0].removeprefix("vnd.stac.geo") in _BINARY
    if binary or name.lower().endswith(_ENDINGS):
        return not _text(first)
    if _PAGE.match(first):
        return "html" in wanted
    said = complaint(first)
    if said.code and said.xml:
        return False
    if first.lstrip()[:1] in (b"{", b"[") and _kind(response.headers.get("content-type")).endswith("json"):
        return wanted.endswith("json") if wanted else name.lower().endswith("json") or not said
    return True


def refusal(response: httpx.Response, first: bytes) -> WatcherError:
    """Make an error of an answer that is not the product; `first` is the beginning of what it says."""
    status, host = response.status_code, response.request.url.host
    said = complaint(first)
    code = said.code.lower()
    told = f': "{said.words}"' if said.words else f": {said.code}" if said.code and not said.code.isdigit() else ""
    later = retry_after(response.headers.get("retry-after"))
    if said.licence or code == "3002":
        return TransferError(
            f"{host} asks for its licence to be signed first{told}",
            hint=f"sign in and accept the licence at {said.licence or f'https://{host}'}, then: watcher retry",
            permanent=True,
        )
    if code in _ON_TAPE or (status < 500 and _TAPE.search(said.words)):
        return Staged(f"{host} has the file on tape, and it is not back yet ({status}){told}", retry_after=later)
    if _SESSIONS.search(said.words):
        return TransferError(
            f"{host} gives the account no more connections now ({status}){told}",
            hint="if that stays so, lower `concurrency` and `streams` of this catalogue",
            retry_after=later,
        )
    if _QUOTA.search(said.words):
        return TransferError(
            f"{host} gives no more for now ({status}){told}",
            hint=f"the account's quota and use are shown at https://{host}; the download is tried again later",
            retry_after=later,
        )
    if status in (401, 403) or code in _DENIED or b"User profile has not been validated" in first:
        return FileRefused(
            f"{host} refuses the download ({status}){told}",
            hint="check the auth of this catalogue, and that the account may download this collection",
        )
    if code == "3006":
        return TransferError(f"{host} refuses the download{told}", permanent=True)
    if status in (404, 410) or code in ("nosuchkey", "blobnotfound"):
        return TransferError(
            f"{host} does not have the file ({status}): catalogued, but not on its disk",
            permanent=status == 410,
        )
    if status in (202, 204) or (status in (200, 206) and not first):
        return Staged(f"{host} is still preparing the file ({status}){told}", retry_after=later)
    if status == 429 or status >= 500:
        return TransferError(f"{host} cannot send the file now ({status}){told}", retry_after=later)
    return _misfit(response, first, told)


def _misfit(response: httpx.Response, first: bytes, told: str) -> WatcherError:
    host, page = response.request.url.host, shown(response.request.url)
    kind = _kind(response.headers.get("content-type")) or "something unnamed"
    if "html" in kind or _PAGE.match(first):
        if _LOGIN.search(first):
            return FileRefused(
                f"{host} answered with the page of a login instead of the file",
                hint=f"check the auth of this catalogue; {page} in a browser shows what is asked of the account",
            )
        return TransferError(
            f"{host} answered with a web page instead of the file", hint=f"{page} in a browser shows what it says"
        )
    return TransferError(
        f"{host} answered {response.status_code} with {kind} instead of the file{told}",
        hint=f"{page} in a browser shows what it says",
    )


def _text(first: bytes) -> bool:
    """Say whether this is a text: every picture and cube begins with bytes that no text has."""
    return all(byte >= 32 or byte in b"\t\r\n" for byte in first[:64])


def _kind(text: str | None) -> str:
    return (text or "").split(";")[0].strip().lower()
