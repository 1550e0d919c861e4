"""All writes to the ledger, one function per thing the product does."""

from ledger.services.append import Unsealed, append
from ledger.services.bulk import Draft, append_many
from ledger.services.disclose import Disclosure, disclose
from ledger.services.files import (
    discard,
    forget_file,
    open_file,
    open_stream,
    store_file,
    store_stream,
    sweep_files,
    write_stream,
)
from ledger.services.large import append_large, lock_scopes
from ledger.services.opening import open_log, open_scope, open_scopes
from ledger.services.shred import Destruction, close_epoch, destroy_scopes, sweep_orphan_keys

__all__ = [
    "Destruction",
    "Disclosure",
    "Draft",
    "Unsealed",
    "append",
    "append_large",
    "append_many",
    "close_epoch",
    "destroy_scopes",
    "discard",
    "disclose",
    "forget_file",
    "lock_scopes",
    "open_file",
    "open_log",
    "open_scope",
    "open_scopes",
    "open_stream",
    "store_file",
    "store_stream",
    "sweep_files",
    "sweep_orphan_keys",
    "write_stream",
]
