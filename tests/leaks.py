"""Finds known values wherever they lie and however they are written: plain, encoded or hashed.

``python -m tests.leaks`` tells, as JSON, what the service of MUNIMENT_HOME can open with its own
keys: names, addresses, prompts, and digests of images.
"""

import base64
import hashlib
import io
import json
import struct
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import UUID

import psycopg
from PIL import Image
from psycopg import sql

# Needles are looked up by their first bytes; chance would find shorter ones.
WINDOW = 8
HASHES = (hashlib.sha256, hashlib.sha1, hashlib.md5)
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
IMAGE_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")
# Columns of the log's own numbering: a record's uuid stands beside the record itself.
POINTERS = frozenset({"record"})
# A page of commitments names the frozen version that it belongs to, whose row stays as it does.
PARENTS = frozenset({("consent_versionpage", "version_id")})


@dataclass(frozen=True)
class Value:
    """One thing that may stand nowhere: what it is, and the bytes it is known by."""

    what: str
    forms: tuple[bytes, ...]

    @classmethod
    def text(cls, what: str, text: str) -> "Value":
        cases = {text, text.lower(), text.upper()}
        return cls(what, tuple(each.encode(name) for each in cases for name in ENCODINGS))

    @classmethod
    def uuid(cls, what: str, value: UUID) -> "Value":
        return cls(what, (str(value).encode(), value.hex.encode(), value.bytes))

    @classmethod
    def digest(cls, what: str, digest: bytes) -> "Value":
        return cls(what, (digest,))

    @classmethod
    def image(cls, what: str, content: bytes) -> Iterator["Value"]:
        for hash_of in HASHES:
            yield cls.digest(f"{hash_of().name} of {what}", hash_of(content).digest())


class Finder:
    """Looks for many values at once, in time that depends on the content only."""

    def __init__(self, values: Iterable[Value]) -> None:
        self._exact: dict[bytes, dict[bytes, str]] = defaultdict(dict)
        self._folded: dict[bytes, dict[bytes, str]] = defaultdict(dict)
        self.count = 0
        for value in values:
            self.count += 1
            self._add(value)

    def find(self, content: bytes) -> set[str]:
        """Return what stands in ``content``; text and hex in any case."""
        return {
            *_hits(self._exact, content),
            *_hits(self._folded, content.lower()),
        }

    def _add(self, value: Value) -> None:
        for form in value.forms:
            if len(form) < WINDOW:
                raise ValueError(f"{value.what} has {len(form)} bytes, chance would find it")
            self._add_form(value.what, form)
            for hash_of in HASHES:
                digest = hash_of(form)
                self._add_form(f"{digest.name} of {value.what}", digest.digest())

    def _add_form(self, what: str, form: bytes) -> None:
        for needle in {form, form.hex().encode(), *_percent(form)}:
            folded = needle.lower()
            self._folded[folded[:WINDOW]][folded] = what
        for needle in _base64(form):
            self._exact[needle[:WINDOW]][needle] = what


def _hits(needles: dict[bytes, dict[bytes, str]], content: bytes) -> Iterator[str]:
    for place in range(len(content) - WINDOW + 1):
        for needle, what in needles.get(content[place : place + WINDOW], {}).items():
            if content.startswith(needle, place):
                yield what


def _base64(form: bytes) -> set[bytes]:
    """Return what base64 makes of ``form`` wherever it begins among other bytes, both alphabets."""
    found = set()
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + form)
        # Only the characters that no neighbour has a bit in.
        whole = text[-(-offset * 8 // 6) : (offset + len(form)) * 8 // 6]
        found |= {whole, whole.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def _percent(form: bytes) -> set[bytes]:
    return {quote(form).encode(), quote(form, safe="").encode(), quote_plus(form).encode()}


# The database -----------------------------------------------------------------------------------


def insert_only_tables(connection: psycopg.Connection) -> list[str]:
    """Return every table that refuses change, as its trigger says."""
    found = connection.execute(
        "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger"
        " WHERE tgname LIKE '%append\\_only' ORDER BY 1"
    )
    return [name for (name,) in found]


def cells(connection: psycopg.Connection, table: str) -> Iterator[tuple[str, bytes]]:
    """Yield every value of a table with its place, ``table.column in row n``; not of PARENTS."""
    query = sql.SQL("SELECT * FROM {} ORDER BY 1").format(sql.Identifier(table))
    with connection.execute(query) as rows:
        names = [column.name for column in rows.description or ()]
        for number, row in enumerate(rows):
            for name, value in zip(names, row, strict=True):
                for written in () if (table, name) in PARENTS else _written(value):
                    yield f"{table}.{name} in row {number}", written


def ids(connection: psycopg.Connection) -> Iterator[Value]:
    """Yield every id of a row, person, key scope, file or client outside the log itself."""
    kept = set(insert_only_tables(connection))
    columns = connection.execute(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND udt_name IN ('uuid', '_uuid') ORDER BY 1, 2"
    )
    for table, column in columns.fetchall():
        if table in kept or column in POINTERS:
            continue
        query = sql.SQL("SELECT {} FROM {}").format(sql.Identifier(column), sql.Identifier(table))
        for (value,) in connection.execute(query):
            for each in value if isinstance(value, list) else [value]:
                if each is not None:
                    yield Value.uuid(f"{table}.{column} {each}", each)


def texts(connection: psycopg.Connection) -> Iterator[Value]:
    """Yield random texts that stand for somebody: handles, clients, their idempotency keys."""
    columns = (
        ("consent_subject", "handle"),
        ("ledger_requestkey", "key"),
        ("oauth2_provider_application", "client_id"),
    )
    for table, column in columns:
        query = sql.SQL("SELECT {} FROM {}").format(sql.Identifier(column), sql.Identifier(table))
        for (value,) in connection.execute(query):
            yield Value.text(f"{table}.{column} {value}", value)


def blind_indexes(connection: psycopg.Connection) -> Iterator[Value]:
    """Yield every blind index: it means nothing without its key, and joins rows all the same."""
    columns = connection.execute(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND udt_name = 'bytea'"
        " AND (column_name LIKE '%\\_index' OR column_name IN ('fingerprint', 'source', 'mac'))"
    )
    for table, column in columns.fetchall():
        query = sql.SQL("SELECT {} FROM {}").format(sql.Identifier(column), sql.Identifier(table))
        for (value,) in connection.execute(query):
            if value is not None:
                yield Value.digest(f"{table}.{column}", bytes(value))


def _written(value: Any) -> Iterator[bytes]:
    """Yield a value of a column in each form in which it could be read."""
    if isinstance(value, list):
        for each in value:
            yield from _written(each)
    elif isinstance(value, UUID):
        yield from (str(value).encode(), value.bytes)
    elif isinstance(value, bytes | memoryview):
        yield bytes(value)
    elif value is not None:
        yield str(value).encode()


# Images -----------------------------------------------------------------------------------------


def stages(marked: bytes) -> dict[str, bytes]:
    """Return a marked PNG file as it was at each stage before: handed in, then with its XMP.

    For images of erased people, of which the service itself keeps nothing.
    """
    handed_in = io.BytesIO()
    with Image.open(io.BytesIO(marked)) as picture:
        Image.frombytes(picture.mode, picture.size, picture.tobytes()).save(handed_in, "PNG")
    chunks = list(_chunks(marked))
    with_xmp = marked[:8] + b"".join(raw for kind, raw in chunks if kind != b"caBX")
    return {"marked": marked, "with XMP": with_xmp, "handed in": handed_in.getvalue()}


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks of a PNG file: type, and all bytes (PNG, section 5.3)."""
    place = 8
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        end = place + 12 + length
        yield png[place + 4 : place + 8], png[place:end]
        place = end


# What the service itself can open ---------------------------------------------------------------

_TEXTS = (
    ("consent.Account", ("name", "email")),
    ("consent.Identifier", ("value",)),
    ("generation.Run", ("prompt",)),
)
_DIGESTS = ("presigned_digest", "pixel_digest", "delivered_digest")


def _open_everything() -> dict[str, list[Any]]:
    from django.apps import apps

    from generation.models import Output
    from ledger import vault
    from ledger.models import SealedFile
    from ledger.services import open_file

    opened: dict[str, list[Any]] = {"texts": [], "digests": [], "images": [], "presigned": []}
    for label, columns in _TEXTS:
        for row in apps.get_model(label).objects.all():
            keys = vault.keys(row.scope_ids())
            for column in filter(lambda name: getattr(row, name), columns):
                text = keys.open(row, column).decode()
                opened["texts"].append([f"{label}.{column}", text])
    for output in Output.objects.select_related("run"):
        keys = vault.keys(output.scope_ids())
        for column in filter(lambda name: getattr(output, name), _DIGESTS):
            opened["digests"].append([f"Output.{column}", keys.open(output, column).hex()])
    for file in SealedFile.objects.all():
        content = open_file(file)
        if content.startswith(IMAGE_MAGIC):
            digests = [hash_of(content).hexdigest() for hash_of in HASHES]
            opened["images"].append([f"sealed file {file.pk}", digests])
    return opened


if __name__ == "__main__":
    import django

    django.setup()
    json.dump(_open_everything(), sys.stdout)
