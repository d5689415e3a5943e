"""Secrets by reference: where one lies is configuration, what it is never leaves this process.

`secret` is the reference, `files`, `netrc` and `keyring` are where one may lie beside the environment, and
`redaction` is what keeps one that was read out of logs, errors, listings and the database.
"""

from watcher.credentials.redaction import redact as redact
from watcher.credentials.redaction import remembered as remembered
from watcher.credentials.redaction import remembered_for_now as remembered_for_now
from watcher.credentials.secret import Secret as Secret
from watcher.credentials.secret import account as account
from watcher.credentials.secret import named as named
from watcher.credentials.secret import owner as owner
from watcher.credentials.secret import revealed as revealed
