"""Scans of papers: is it one that can be read, and which of an archive's files are scans at all."""

import io
import stat
import unicodedata
import zipfile
import zlib
from typing import IO

from PIL import Image, ImageSequence

from consent.errors import DescriptionRefused
from consent.mediatypes import media_type_of
from consent.pictures import DECODER_ERRORS, MAX_PIXELS
from consent.releases.snags import Snag

MAX_SCAN = 10 * 2**20
MAX_PAGES, MAX_ALL_PIXELS = 50, 200_000_000
MAX_ENTRIES = 20_000
MAX_UNPACKED = 20 * 2**30
# Scans are compressed already: what unpacks to far more than it takes is no archive of scans.
MAX_RATIO = 100
_PDF, _END, _END_WITHIN = "application/pdf", b"%%EOF", 1024
_PICTURES = {
    "image/jpeg": "JPEG", "image/png": "PNG", "image/tiff": "TIFF", "image/webp": "WEBP",
}  # fmt: skip
_COMPRESSIONS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# What file managers leave behind, and nobody scanned.
_NO_SCANS = frozenset({"thumbs.db", "desktop.ini", ".ds_store"})
_ZIP_ERRORS = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError),
    *(OSError, EOFError, ValueError, zlib.error),
)


def examine(content: bytes) -> Snag | None:
    """Return what stands against a scan; None for a PDF or picture that is whole.

    A PDF has to end like one; what stands in it is for people to read, not for us.
    """
    if not content:
        return Snag.SCAN_EMPTY
    if len(content) > MAX_SCAN:
        return Snag.SCAN_TOO_LARGE
    media_type = media_type_of(content)
    if media_type == _PDF:
        return None if _END in content[-_END_WITHIN:] else Snag.SCAN_UNREADABLE
    if media_type not in _PICTURES or not _decodes(content, _PICTURES[media_type]):
        return Snag.SCAN_UNREADABLE
    return None


def list_scans(source: IO[bytes], size: int) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """Open an archive and return its files in their order, without what is no scan.

    Nothing is unpacked. Raises DescriptionRefused, in a sentence, for what is no ZIP, for names
    that lead out of it, and for one that would unpack to more than anybody has.
    """
    try:
        archive = zipfile.ZipFile(source)
    except _ZIP_ERRORS as error:
        raise DescriptionRefused("the scans are no ZIP archive that is whole") from error
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise DescriptionRefused(f"the archive has more than {MAX_ENTRIES} files: divide it")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(size, MAX_SCAN):
        raise DescriptionRefused("the archive unpacks to far more than it holds: it is refused")
    if any(_leads_out(entry) for entry in entries):
        raise DescriptionRefused("the archive has a file whose name leads out of it: it is refused")
    return archive, [entry for entry in entries if _is_scan(entry)]


def read_scan(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[bytes, Snag | None]:
    """Return the bytes of a file in an archive, and what stands against it; bounded. No raising."""
    if entry.file_size > MAX_SCAN:
        return b"", Snag.SCAN_TOO_LARGE
    if entry.flag_bits & 1 or entry.compress_type not in _COMPRESSIONS:
        return b"", Snag.SCAN_UNREADABLE
    try:
        with archive.open(entry) as stream:
            content = stream.read(MAX_SCAN + 1)
    except _ZIP_ERRORS:
        return b"", Snag.SCAN_UNREADABLE
    return content, examine(content)


def whole_name(name: str) -> str:
    """Return how a scan is called, folders and all, however it is spelled."""
    parts = unicodedata.normalize("NFC", name.replace("\\", "/")).casefold().split("/")
    return "/".join(part.strip() for part in parts if part.strip() not in {"", "."})


def short_name(name: str) -> str:
    """Return how a scan is called without its folders."""
    return whole_name(name).rpartition("/")[2]


def _leads_out(entry: zipfile.ZipInfo) -> bool:
    name = entry.filename.replace("\\", "/")
    is_link = stat.S_ISLNK(entry.external_attr >> 16)
    return is_link or name.startswith("/") or ":" in name.split("/")[0] or ".." in name.split("/")


def _is_scan(entry: zipfile.ZipInfo) -> bool:
    name = whole_name(entry.filename)
    is_left_over = name.startswith("__macosx/") or short_name(name).startswith("._")
    return not (entry.is_dir() or is_left_over or short_name(name) in _NO_SCANS)


def _decodes(content: bytes, picture_format: str) -> bool:
    try:
        with Image.open(io.BytesIO(content), formats=(picture_format,)) as image:
            pixels = 0
            for number, page in enumerate(ImageSequence.Iterator(image)):
                pixels += page.width * page.height
                is_large = page.width * page.height > MAX_PIXELS or pixels > MAX_ALL_PIXELS
                if number >= MAX_PAGES or is_large:
                    return False
                page.load()
            return True
    except (*DECODER_ERRORS, MemoryError):
        return False
