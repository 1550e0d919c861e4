"""The strict ZIP profile of a bundle: one byte string for one set of files.

A ZIP file says most things twice and has room for what nobody reads, so that bits can be turned
in it unseen. Here every header field but names, sizes, CRCs and offsets is a constant, nothing is
compressed, entries stand sorted by name from byte 0 without a gap, and the reader in
``ledger.verifier.archive`` compares each header with the one that is written here. Field names
are those of APPNOTE.TXT, section 4.3.
"""

import re
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ledger.errors import ArchiveError

MAX_ARCHIVE_SIZE = 256 << 20
MAX_ENTRIES = 20_000
MAX_NAME = 120
# A JSON value of two bytes takes a hundred in memory. Honest texts have some twenty bytes for each.
MAX_VALUES = 1 << 24
JSON_SUFFIXES = (".json", ".ndjson")

LOCAL_MAGIC = b"PK\x03\x04"
CENTRAL_MAGIC = b"PK\x01\x02"
END_MAGIC = b"PK\x05\x06"
LOCAL = struct.Struct("<4sHHHHHIIIHH")
CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
END = struct.Struct("<4sHHHHIIH")

# Version 2.0; made on Unix, a regular file, mode 0644; 1980-01-01 00:00:00, the format's zero.
VERSION = 20
MADE_BY = 3 << 8 | VERSION
ATTRIBUTES = 0o100644 << 16
FLAGS = METHOD_STORED = TIME = 0
DATE = 1 << 5 | 1

NAME_PATTERN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\Z")


@dataclass(frozen=True)
class Entry:
    """One file's place in the archive: what both of its headers say of it."""

    name: str
    crc: int
    size: int
    offset: int


def write_archive(files: Mapping[str, bytes]) -> bytes:
    """Write ``files``, contents by name, as the one archive that the profile has for them.

    Raises ArchiveError for a name outside the profile, two names that differ in case only, and
    for more or larger files, or more JSON in them, than a reader takes.
    """
    check_names(names := sorted(files))
    check_values(files)
    parts, entries, offset = [], [], 0
    for name in names:
        content = files[name]
        entry = Entry(name, zlib.crc32(content), len(content), offset)
        header = local_header(entry)
        parts += [header, content]
        entries.append(entry)
        offset += len(header) + len(content)
    archive = b"".join([*parts, directory(entries, offset)])
    if len(archive) > MAX_ARCHIVE_SIZE:
        raise ArchiveError(f"archive has {len(archive)} bytes, at most {MAX_ARCHIVE_SIZE}")
    return archive


def local_header(entry: Entry) -> bytes:
    """Return the header that stands before the file's bytes (4.3.7)."""
    fixed = LOCAL.pack(
        LOCAL_MAGIC,
        VERSION,
        FLAGS,
        METHOD_STORED,
        TIME,
        DATE,
        entry.crc,
        entry.size,
        entry.size,
        len(entry.name),
        0,
    )
    return fixed + entry.name.encode("ascii")


def directory(entries: Sequence[Entry], offset: int) -> bytes:
    """Return the central directory and its end record; it begins at ``offset`` (4.3.12, 4.3.16)."""
    headers = b"".join(_central_header(entry) for entry in entries)
    count = len(entries)
    return headers + END.pack(END_MAGIC, 0, 0, count, count, len(headers), offset, 0)


def check_names(names: Iterable[str]) -> None:
    """Check the names of a whole archive, in its order. Raises ArchiveError."""
    before, folded = "", set[str]()
    for name in names:
        if len(name) > MAX_NAME or not NAME_PATTERN.match(name):
            raise ArchiveError(f"entry {len(folded)} has a name outside the profile")
        if name <= before:
            raise ArchiveError(f"entry {name} stands twice, or not in its place")
        if name.lower() in folded:
            raise ArchiveError(f"entry {name} differs from another in case only")
        folded.add(name.lower())
        before = name
        if len(folded) > MAX_ENTRIES:
            raise ArchiveError(f"archive has more than {MAX_ENTRIES} entries")


def check_values(files: Mapping[str, bytes]) -> None:
    """Check that the JSON, strings counted in, has room in memory. Raises ArchiveError."""
    texts = [content for name, content in files.items() if name.endswith(JSON_SUFFIXES)]
    count = sum(text.count(mark) for text in texts for mark in (b",", b"[", b"{"))
    if count > MAX_VALUES:
        raise ArchiveError(f"JSON holds {count} commas and brackets, at most {MAX_VALUES}")


def _central_header(entry: Entry) -> bytes:
    fixed = CENTRAL.pack(
        CENTRAL_MAGIC,
        MADE_BY,
        VERSION,
        FLAGS,
        METHOD_STORED,
        TIME,
        DATE,
        entry.crc,
        entry.size,
        entry.size,
        len(entry.name),
        0,
        0,
        0,
        0,
        ATTRIBUTES,
        entry.offset,
    )
    return fixed + entry.name.encode("ascii")
