"""What a bucket, or the way to it, answers when it does not do what it was asked: in a sentence, with the way out."""

from __future__ import annotations

import re

from watcher.credentials import redact
from watcher.errors import NoArchive, TransferError, WatcherError
from watcher.names import plain

_STATUS = re.compile(r"status code: (\d{3})|\(code: (\d{3})\)")
_CODE = re.compile(r"<Code>\s*([\w.]{1,80})\s*</Code>")
_MESSAGE = re.compile(r"<Message>\s*([^<]{1,300})")
_CAUSE = re.compile(r'(?:message|error): "([^"]{1,200})"')
_HOST = re.compile(r"https?://([^/\s]+)")
_REMOVING = re.compile(r"Bulk delete request failed for key .*?: (.*) \(code: \d{3}\)", re.DOTALL)
_MACHINE = re.compile(r"169\.254\.\d+\.\d+|metadata\.google|/computeMetadata/", re.IGNORECASE)
_ANSWERED = re.compile(r"^Server returned non-2xx status code: \d+ ([A-Za-z ]+: )?")
_RIGHTS = (
    "its key has to be allowed to list the bucket, and to read, write and delete objects there (on S3: s3:ListBucket;"
    " s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload; on Google: Storage Object User; on Azure:"
    " Storage Blob Data Contributor, or a token for rwdl)"
)
_KEYS = "mend the keys of [download.bucket], or those of the environment or the machine's role"
_REGION = "set region in [download.bucket] to the bucket's own, and endpoint to its address if it is not Amazon's"

_HINTS = {
    "NoSuchBucket": "make the bucket, or mend download.archive",
    "ContainerNotFound": "make the container, or mend download.archive",
    "ContainerBeingDeleted": "make the container again, or mend download.archive",
    "AccountIsDisabled": "the storage account is disabled: enable it, or mend account_name",
    "AccessDenied": _RIGHTS,
    "AllAccessDisabled": _RIGHTS,
    "AuthorizationPermissionMismatch": _RIGHTS,
    "InvalidAccessKeyId": _KEYS,
    "SignatureDoesNotMatch": _KEYS,
    "AuthenticationFailed": _KEYS,
    "AuthorizationFailure": f"{_KEYS}; or let the firewall of the storage account take this machine",
    "ExpiredToken": _KEYS,
    "InvalidToken": _KEYS,
    "InvalidCredentials": _KEYS,
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it (timedatectl says what it is)",
    "AuthorizationHeaderMalformed": _REGION,
    "PermanentRedirect": _REGION,
    "TemporaryRedirect": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "QuotaExceeded": "the bucket is full: make room, or raise its quota",
    "InsufficientStorage": "the bucket is full: make room, or raise its quota",
}
_ON_THE_WAY = ("BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "Md5Mismatch")
_BY_STATUS = {
    301: _REGION,
    307: _REGION,
    401: _KEYS,
    403: f"is it the right key? {_RIGHTS}",
    507: "the bucket is full: make room",
}


class NotThere(TransferError):
    """There is no such object."""


class Taken(TransferError):
    """There is an object of that name."""


class NotOffered(TransferError):
    """The store does not have what was asked of it."""


def problem(error: BaseException, url: str, what: str) -> BaseException:
    """Return what to raise for an `error` of obstore's; one that is not its own is returned as it is.

    `url` is the address of the object, `what` was to be done with it: "read", "written".
    """
    kind = type(error)
    if isinstance(error, WatcherError) or (kind.__module__.partition(".")[0] != "obstore" and kind not in _PLAIN):
        return error
    text, _, deeper = str(error).partition("\n\nDebug source:")
    status, code, words = _STATUS.search(text), _CODE.search(text), _MESSAGE.search(text)
    number, name = int(status[1] or status[2]) if status else 0, code[1] if code else ""
    said = ": ".join(filter(None, (name, _worded(words[1]) if words else ""))) or _plainly(text, deeper)
    said = redact(said + (f" (status {number})" if number else ""))
    if name in _ON_THE_WAY:
        return TransferError(f"{url}: what was sent did not arrive as it was: {said}")
    if kind.__name__ == "AlreadyExistsError" and name not in _HINTS:  # Azure has other conflicts, with the same status
        return Taken(f"{url} is there already")
    if isinstance(error, FileNotFoundError) and name not in _HINTS:
        return NotThere(f"{url} is not there")
    if kind.__name__ == "NotSupportedError" or name == "NotImplemented" or number == 501:
        return NotOffered(f"{url} cannot be {what}: its store does not offer that: {said}")
    return NoArchive(f"{url} cannot be {what}: {said}", hint=_hint(text, number, name))


_PLAIN = (FileNotFoundError, PermissionError, NotImplementedError)
"""What obstore also raises. A ValueError is of what it should not have been given: a defect of ours, and stays one."""


def _hint(text: str, number: int, name: str) -> str | None:
    if name in _HINTS:
        return _HINTS[name]
    # Whose role gives no keys may be told so by a status, too.
    if _MACHINE.search(text) or (not number and "credential" in text.lower()):
        return "no credentials were found: name them in [download.bucket], or in the environment"
    if number:
        return _BY_STATUS.get(number)
    return "is the network there, and endpoint in [download.bucket] right?"


def _worded(message: str) -> str:
    """Return a store's own words, without the number and time that Azure writes below them."""
    return plain(message.partition("RequestId:")[0])


def _plainly(text: str, deeper: str) -> str:
    """Return the cause of a failure that no server put into XML: what the system says, and of whom."""
    if removing := _REMOVING.search(text):
        return _worded(removing[1])
    causes, host = _CAUSE.findall(deeper), _HOST.search(text)
    if causes and host:
        return f"{host[1]}: {plain(causes[-1])}"
    if host and "kind: Timeout" in deeper:
        return f"{host[1]} did not answer in time"
    last = text.strip().rpartition(" - ")[2] or text
    return plain(_ANSWERED.sub("", last).rstrip(":"), limit=300)
