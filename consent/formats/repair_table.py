"""The table of what waits for repair: written for spreadsheets, and read again as it was.

Of CSV, RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe in front,
and so does one that has an apostrophe there already: what is read loses exactly one.
"""

import csv
import io
import json
from collections.abc import Collection, Sequence

from consent.formats.described import DescribedItem

# What tells whoever repairs; the rest is what the item says. A table with these columns is ours.
OWN = ("place", "reasons", "what_to_do")
HEADER = (
    *OWN,
    *("url", "digest", "licence", "legal_basis", "depicts", "creators", "size", "width", "height"),
    *("media_type", "perceptual_hash", "signals", "flags"),
)
_GUARDED = ("=", "+", "-", "@", "\t", "\r", "'")


def is_own(names: Collection[str]) -> bool:
    """Return whether a table with these columns was written here."""
    return set(OWN) <= set(names)


def write_header() -> bytes:
    """Return the first line."""
    return write_line(HEADER)


def write_item(item: DescribedItem, reasons: Sequence[str], words: Sequence[str]) -> bytes:
    """Return the line of an item: why it waits, in codes and in ``words``, and what it says."""
    digest = item.digest
    return write_line(
        (
            item.ordinal,
            " ".join(reasons),
            " ".join(words),
            item.location,
            f"{digest.algorithm}:{digest.value}" if digest else "",
            item.licence.stated or item.licence.spdx,
            item.legal_basis,
            _names(item.depicts),
            _names(item.creators),
            _number(item.size),
            _number(item.width),
            _number(item.height),
            item.media_type,
            item.perceptual_hash,
            _pairs(item.signals),
            _pairs(item.flags),
        )
    )


def unguard(cell: str) -> str:
    """Return what a cell of our table held before it was guarded."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_GUARDED) else cell


def write_line(cells: Sequence[object]) -> bytes:
    """Return a line of CSV whose cells no spreadsheet takes for formulas."""
    written = io.StringIO()
    csv.writer(written).writerow([_guard(str(cell)) for cell in cells])
    return written.getvalue().encode()


def _guard(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_GUARDED) else cell


def _number(number: int | None) -> object:
    return "" if number is None else number


def _names(names: Sequence[str]) -> str:
    """Join names by semicolons, as tables do; as JSON where a name holds one, or looks like it."""
    joined = ";".join(names)
    if joined.count(";") >= len(names) or joined.startswith("["):
        return json.dumps(names, ensure_ascii=False) if names else ""
    return joined


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return json.dumps(dict(pairs), ensure_ascii=False) if pairs else ""
