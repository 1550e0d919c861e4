"""The ledger in the browser: read-only, in plain words; what is technical has its own group.

Other apps take from here ``ReadOnlyAdmin``, ``record_link`` and ``RecordedAdmin``.
"""

from ledger.admin import logs, records, technical, witnesses  # noqa: F401
from ledger.admin.links import RecordedAdmin, record_link, record_url
from ledger.admin.readonly import ReadOnlyAdmin

__all__ = ["ReadOnlyAdmin", "RecordedAdmin", "record_link", "record_url"]
