"""A dask scheduler is reached: its address, a client of it, and what is said when it does not answer."""

from __future__ import annotations

import logging
import os
import warnings
from typing import TYPE_CHECKING

import msgspec

from watcher.errors import ClusterError, ConfigError

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 5.0
"""Seconds for one answer of the scheduler."""

OTHERWISE = 'or set download.engine = "threads" to fetch here'
INSTALL = "pip install 'eo-watcher[dask]'"


class Where(msgspec.Struct, frozen=True):
    """A scheduler's address, ``tcp://`` or ``tls://``, and for that the certificates: paths of PEM files."""

    scheduler: str
    ca: str | None = None
    cert: str | None = None
    key: str | None = None


def connected(where: Where) -> Client:
    """Return a client of a scheduler; raises `ClusterError` and `ConfigError` as `Link` does."""
    try:
        import distributed
        from distributed.security import Security
        from distributed.versions import VersionMismatchWarning
    except ImportError as error:
        raise ConfigError('download.engine is "dask", which is not installed', hint=INSTALL) from error
    # It would write of each reconnection to standard error; what matters is said by us.
    for name in [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore", VersionMismatchWarning)
    security = None
    if where.scheduler.startswith("tls://"):
        for name, path in (("ca", where.ca), ("cert", where.cert), ("key", where.key)):
            if path is None or not os.access(path, os.R_OK):
                raise ConfigError(f'download.tls.{name} = "{path}" cannot be read', hint="it is a PEM file")
        security = Security(
            tls_ca_file=where.ca, tls_client_cert=where.cert, tls_client_key=where.key, require_encryption=True
        )
    try:
        return distributed.Client(
            where.scheduler, timeout=PATIENCE, security=security, set_as_default=False, name="eo-watcher"
        )
    except (OSError, TimeoutError, ValueError, RuntimeError, TypeError) as error:
        raise silent(where, error) from error


def silent(where: Where, error: Exception | None) -> ClusterError:
    """Return what is wrong with a scheduler that gives no answer, or that one."""
    told = "" if error is None or isinstance(error, TimeoutError) or "Timed out" in str(error) else f": {error}"
    return ClusterError(
        f"the dask scheduler {where.scheduler} does not answer{told}",
        hint=f"does it run, and is download.scheduler right? start it, {OTHERWISE}",
    )
