"""The package document of an EPUB: EPUB 3.3, section 4.2, read out of a ZIP that may be hostile."""

import struct
import zlib
from io import BytesIO
from xml.etree.ElementTree import Element
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from consent.errors import SignalUnreadable
from consent.signals.documents import LONGEST_XML, read_xml

CONTAINER = "META-INF/container.xml"
MEDIA_TYPE = "application/oebps-package+xml"
LONGEST_DIRECTORY = 2**20
_ROOTFILE = "{urn:oasis:names:tc:opendocument:xmlns:container}rootfile"
_END, _END_SIZE, _ZIP64_LOCATOR, _ZIP64_SIZE = b"PK\x05\x06", 22, b"PK\x06\x07", 20
_IS_ENCRYPTED = 0x1


def package_document(data: bytes) -> bytes:
    """Return the first package document that the container names. Raises SignalUnreadable."""
    _check_directory(data)
    try:
        with ZipFile(BytesIO(data)) as archive:
            container = read_xml(_member(archive, CONTAINER))
            return _member(archive, _path(container))
    except (BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise SignalUnreadable("it is no EPUB that can be read") from error
    except (ValueError, LookupError, zlib.error, struct.error) as error:
        raise SignalUnreadable("it is no EPUB that can be read") from error


def _check_directory(data: bytes) -> None:
    """Refuse a directory whose entries alone would fill the memory, before anybody reads it.

    Finds the end record as ``zipfile`` does: at the very end, else the last one before a comment.
    """
    at = len(data) - _END_SIZE
    if at < 0 or data[at : at + 4] != _END or data[-2:] != b"\0\0":
        at = data.rfind(_END, max(0, len(data) - _END_SIZE - 0xFFFF))
    record = data[at : at + _END_SIZE]
    if at < 0 or len(record) < _END_SIZE:
        raise SignalUnreadable("it is no ZIP archive")
    (size,) = struct.unpack_from("<I", record, 12)
    is_zip64 = at >= _ZIP64_SIZE and data.startswith(_ZIP64_LOCATOR, at - _ZIP64_SIZE)
    if size > LONGEST_DIRECTORY or is_zip64:
        raise SignalUnreadable(f"its directory is larger than {LONGEST_DIRECTORY} bytes")


def _member(archive: ZipFile, name: str) -> bytes:
    """Return what is in ``name``, and never more of it than is read as XML."""
    entry = archive.getinfo(name)
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED) or entry.flag_bits & _IS_ENCRYPTED:
        raise SignalUnreadable(f"{CONTAINER} or the package is encrypted, or packed in a rare way")
    with archive.open(entry) as file:
        return file.read(LONGEST_XML + 1)


def _path(container: Element) -> str:
    for rootfile in container.iter(_ROOTFILE):
        if rootfile.get("media-type") == MEDIA_TYPE:
            return rootfile.get("full-path", "")
    raise SignalUnreadable("its container names no package document")
