"""Read the strict ZIP profile: walk from byte 0, and compare each header with the only one it
may be. The profile, and why, is in ``ledger.reports.archive``.
"""

import zlib

from ledger.errors import ArchiveError, NotAnArchive
from ledger.reports.archive import (
    END,
    END_MAGIC,
    LOCAL,
    LOCAL_MAGIC,
    MAX_ARCHIVE_SIZE,
    MAX_ENTRIES,
    Entry,
    check_names,
    check_values,
    directory,
    local_header,
)

from .findings import Code, Findings

# As far back as the end record of any ZIP file can stand: its comment has a 16-bit length.
TAIL = END.size + 65_535


def read_archive(data: bytes, findings: Findings) -> dict[str, bytes] | None:
    """Return the files by name, or None when the archive leaves the profile.

    A wrong CRC is a finding, but the file is read all the same, so that what was changed in it
    is found as well. Raises NotAnArchive when ``data`` is no ZIP file at all.
    """
    if not data.startswith(LOCAL_MAGIC) and END_MAGIC not in data[-TAIL:]:
        raise NotAnArchive("file is no ZIP file")
    try:
        entries, end = _walk(data)
        check_names([entry.name for entry in entries])
        if data[end:] != directory(entries, end):
            raise ArchiveError(f"what follows the last file, at byte {end}, is not its directory")
        files = {entry.name: _content(data, entry) for entry in entries}
        check_values(files)
    except ArchiveError as exc:
        findings.add(Code.ARCHIVE_PROFILE, exc)
        return None
    for entry in entries:
        if zlib.crc32(files[entry.name]) != entry.crc:
            detail = "bytes do not have the CRC of their header"
            findings.add(Code.ARCHIVE_CRC, detail, entry.name)
    return files


def _walk(data: bytes) -> tuple[list[Entry], int]:
    if len(data) > MAX_ARCHIVE_SIZE:
        raise ArchiveError(f"archive is larger than {MAX_ARCHIVE_SIZE} bytes")
    entries: list[Entry] = []
    offset = 0
    while data[offset : offset + 4] == LOCAL_MAGIC and len(entries) <= MAX_ENTRIES:
        entry = _entry(data, offset)
        entries.append(entry)
        offset = _begin(entry) + entry.size
    return entries, offset


def _entry(data: bytes, offset: int) -> Entry:
    header = data[offset : offset + LOCAL.size]
    if len(header) < LOCAL.size:
        raise ArchiveError(f"header at byte {offset} is cut off")
    *_, crc, size, _, name_size, _ = LOCAL.unpack(header)
    begin = offset + LOCAL.size + name_size
    # Latin-1 never fails; the comparison below and the check of names take ASCII only.
    name = data[offset + LOCAL.size : begin].decode("latin-1")
    entry = Entry(name, crc, size, offset)
    if not name.isascii() or data[offset:begin] != local_header(entry):
        raise ArchiveError(f"header at byte {offset} is not that of the profile")
    if begin + size > len(data):
        raise ArchiveError(f"file at byte {begin} is cut off")
    return entry


def _begin(entry: Entry) -> int:
    return entry.offset + LOCAL.size + len(entry.name)


def _content(data: bytes, entry: Entry) -> bytes:
    return data[_begin(entry) : _begin(entry) + entry.size]
