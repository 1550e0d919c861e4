"""The digest of a domain row's columns, as PostgreSQL computes it when a record is appended.

Whoever holds the columns can so compare them with what a segment says of them, without our
database: ``ledger_row_digest`` in ``migrations/functions.sql`` is the same in SQL.
"""

import json
from collections.abc import Mapping
from hashlib import sha256

from .canonical import JSON


def row_digest(columns: Mapping[str, JSON]) -> str:
    """Return ``sha256:`` and the hexadecimal digest over the text of ``columns`` as jsonb.

    The values are as ``to_jsonb`` gives them. Columns without a value, and the pointer to the
    record, do not count.
    """
    counted: dict[str, JSON] = {
        name: value for name, value in columns.items() if value is not None and name != "record"
    }
    return f"sha256:{sha256(_jsonb_text(counted).encode()).hexdigest()}"


def _jsonb_text(value: JSON) -> str:
    """Write ``value`` as PostgreSQL writes jsonb: shorter keys first, a blank behind , and :."""
    if isinstance(value, dict):
        ordered = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        members = (f"{_jsonb_text(key)}: {_jsonb_text(value[key])}" for key in ordered)
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_jsonb_text, value))}]"
    return json.dumps(value, ensure_ascii=False)
