"""Nothing that lasts holds a person: not plain, not encoded, not hashed (design, section 4)."""

import base64
import hashlib
import json
import re
import sys
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from PIL import Image

from generation.marking.pixels import pixel_digest
from ledger.verifier.archive import read_archive
from ledger.verifier.findings import Findings
from tests import leaks
from tests.leaks import HASHES, Finder, Value
from tests.told import Told, is_uuid, run

NAME, ADDRESS = "Nobody Invented", "nobody@people.example"
SOME_ID = UUID("12345678-9abc-4def-8123-456789abcdef")
SOME_DIGEST = hashlib.sha256(b"an image").digest()


# The finder itself ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def planted() -> Finder:
    values = [Value.text("name", NAME), Value.text("address", ADDRESS)]
    values += [Value.uuid("id", SOME_ID), Value.digest("digest", SOME_DIGEST)]
    return Finder(values)


def url_safe(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content)


HIDINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "hex": lambda content: content.hex().encode(),
    "hex in capitals": lambda content: content.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64 behind one byte": lambda content: base64.b64encode(b"\xff" + content + b"\xff"),
    "base64 behind two bytes": lambda content: base64.b64encode(b"\xff\xfe" + content + b"\xff"),
    "base64 for URLs": url_safe,
    "base64 for URLs behind one byte": lambda content: url_safe(b"\xff" + content),
    "percent": lambda content: urllib.parse.quote(content, safe="").encode(),
    "plus": lambda content: urllib.parse.quote_plus(content).encode(),
}
TEXTS = {
    "as it is": NAME.encode(),
    "in capitals": NAME.upper().encode(),
    "in small letters": NAME.lower().encode(),
    "in UTF-16, little end first": NAME.encode("utf-16-le"),
    "in UTF-16, big end first": NAME.encode("utf-16-be"),
    "an address": ADDRESS.encode(),
    "an id": str(SOME_ID).encode(),
    "an id in hex": SOME_ID.hex.encode(),
    "an id in binary": SOME_ID.bytes,
    "a digest": SOME_DIGEST,
}


@pytest.mark.parametrize("hiding", HIDINGS)
def test_a_planted_value_is_found_however_it_is_written(planted: Finder, hiding: str) -> None:
    written = {text: HIDINGS[hiding](content) for text, content in TEXTS.items()}
    assert not [text for text, hidden in written.items() if not planted.find(b"<" + hidden + b">")]


@pytest.mark.parametrize("hash_of", HASHES)
@pytest.mark.parametrize("hiding", HIDINGS)
def test_the_hash_of_a_planted_value_is_found_however_it_is_written(
    planted: Finder, hiding: str, hash_of: Callable[[bytes], Any]
) -> None:
    hashed = {text: hash_of(content).digest() for text, content in TEXTS.items()}
    written = {text: HIDINGS[hiding](digest) for text, digest in hashed.items()}
    assert not [text for text, hidden in written.items() if not planted.find(b"<" + hidden + b">")]


def test_mixed_case_does_not_hide_a_text(planted: Finder) -> None:
    assert planted.find(b"xxNoBoDy iNvEnTeDxx") == {"name"}


def test_what_was_not_planted_is_not_found(planted: Finder) -> None:
    assert planted.find(b"Somebody Invented, someone@people.example" * 100) == set()


def test_a_value_that_chance_would_find_is_refused() -> None:
    with pytest.raises(ValueError, match="age has 2 bytes"):
        Finder([Value.digest("age", b"42")])


def test_a_marked_image_is_taken_back_to_what_was_handed_in() -> None:
    from generation.marking.prepare import prepare
    from tests.generation.images import encoded

    handed_in = encoded(None, "PNG")
    with_xmp = prepare(handed_in).content
    credentials = b"\0\0\0\x04caBXjumb" + zlib.crc32(b"caBXjumb").to_bytes(4, "big")
    marked = with_xmp[:33] + credentials + with_xmp[33:]
    assert leaks.stages(marked) == {
        "marked": marked,
        "with XMP": with_xmp,
        "handed in": handed_in,
    }


# What is looked for -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database(told: Told) -> Iterator[psycopg.Connection]:
    with told.database() as connection:
        yield connection


@pytest.fixture(scope="module")
def opened(told: Told) -> dict[str, Any]:
    """What the service itself can open: the living, in plain."""
    ended = run(
        *(sys.executable, "-m", "tests.leaks"),
        home=told.home,
        DJANGO_SETTINGS_MODULE="config.settings",
    )
    assert ended.returncode == 0, ended.stderr
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


@pytest.fixture(scope="module")
def texts(told: Told, opened: dict[str, Any]) -> dict[str, str]:
    """Names, addresses, prompts and ids: of the story, and of all that the database holds."""
    found = dict.fromkeys(told.story["prompts"], "prompt")
    for key, person in told.people.items():
        found |= dict.fromkeys(person["values"], f"value of {key}")
    return found | {text: what for what, text in opened["texts"]}


@pytest.fixture(scope="module")
def plain(texts: dict[str, str]) -> list[Value]:
    return [Value.text(f"{what} {text!r}", text) for text, what in texts.items()]


@pytest.fixture(scope="module")
def images(told: Told, opened: dict[str, Any]) -> list[Value]:
    """Digests of every image at every stage, the erased person's too."""
    values: list[Value] = []
    for what, digests in opened["images"]:
        values += [Value.digest(f"digest of {what}", bytes.fromhex(digest)) for digest in digests]
    values += [Value.digest(what, bytes.fromhex(digest)) for what, digest in opened["digests"]]
    for path in told.images:
        for stage, content in leaks.stages(path.read_bytes()).items():
            values += Value.image(f"{path.name} {stage}", content)
        values.append(Value.digest(f"pixels of {path.name}", pixels_of(path)))
    for folder in ("portraits", "dataset"):
        for path in (told.out / folder).rglob("*"):
            if path.suffix in {".png", ".jpg", ".jpeg", ".webp"}:
                values += Value.image(path.name, path.read_bytes())
    return values


def pixels_of(path: Path) -> bytes:
    with Image.open(path) as picture:
        return pixel_digest(picture)


@pytest.fixture(scope="module")
def everything(
    told: Told, database: psycopg.Connection, plain: list[Value], images: list[Value]
) -> Finder:
    values = [*plain, *images, *leaks.ids(database), *leaks.texts(database)]
    values += leaks.blind_indexes(database)
    for kind, members in told.story["impact"].items():
        values += [Value.uuid(f"{kind} {member}", UUID(member)) for member in members]
    for person in told.people.values():
        values += [
            Value.uuid(f"id {value}", UUID(value)) for value in person["values"] if is_uuid(value)
        ]
    return Finder(values)


@pytest.fixture(scope="module")
def finder_of_text(plain: list[Value]) -> Finder:
    return Finder(plain)


@pytest.mark.slow
def test_there_is_much_to_look_for(
    everything: Finder, plain: list[Value], images: list[Value], database: psycopg.Connection
) -> None:
    ids = {value.what for value in leaks.ids(database)}
    for wanted in (
        "consent_subject.id",
        "consent_account.id",
        "consent_grant.id",
        "generation_run",
    ):
        assert any(what.startswith(wanted) for what in ids), wanted
    assert len(plain) > 30
    assert len(images) > 60
    assert everything.count > 500


@pytest.mark.slow
def test_the_stages_of_a_living_image_are_those_that_the_service_keeps(
    told: Told, opened: dict[str, Any]
) -> None:
    kept = {digest for _, digests in opened["images"] for digest in digests}
    found = 0
    for path in told.images:
        stages = leaks.stages(path.read_bytes())
        if sha256(stages["marked"]) in kept:
            found += 1
            assert sha256(stages["handed in"]) in kept
            assert ["Output.presigned_digest", sha256(stages["with XMP"])] in opened["digests"]
    assert found == 3


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.slow
def test_the_same_search_finds_the_person_where_the_person_may_be(
    told: Told, everything: Finder
) -> None:
    with zipfile.ZipFile(told.out / "requests" / "export.zip") as archive:
        found = everything.find(archive.read("data/consent/subject.jsonl"))
        found |= everything.find(archive.read("data/consent/identifier.jsonl"))
        found |= everything.find(archive.read("ledger/entries.jsonl"))
    assert any("Mara Invented" in what for what in found)
    assert len(found) > 5


# Where it is looked for -------------------------------------------------------------------------


@pytest.mark.slow
def test_no_column_of_an_insert_only_table_holds_any_of_it(
    database: psycopg.Connection, everything: Finder
) -> None:
    tables = leaks.insert_only_tables(database)
    assert {"ledger_record", "ledger_leaf", "ledger_checkpoint", "ledger_tombstone"} <= set(tables)
    found, looked = [], 0
    for table in tables:
        for place, content in leaks.cells(database, table):
            looked += 1
            found += [f"{place}: {what}" for what in everything.find(content)]
    assert not found
    assert looked > 500


@pytest.mark.slow
def test_no_leaf_holds_any_of_it(
    told: Told, database: psycopg.Connection, everything: Finder
) -> None:
    bodies = database.execute(
        "SELECT leaf.index, record.body FROM ledger_leaf leaf"
        " JOIN ledger_record record ON record.id = leaf.record_id ORDER BY 1"
    ).fetchall()
    assert len(bodies) > 80
    assert not {index: hits for index, body in bodies if (hits := everything.find(bytes(body)))}


@pytest.mark.slow
def test_the_anchor_holds_none_of_it_and_the_shred_journal_only_which_key_is_gone(
    told: Told, everything: Finder
) -> None:
    assert look(everything, [*(told.home / "anchor").rglob("*")]) == []
    # After a restore the journal says whose keys must go again: by the scope, and by no more.
    found = look(everything, [*(told.home / "journal").rglob("*")])
    assert len(found) == 1
    assert found[0].startswith("shred.journal: ledger_scope.id ")


@pytest.mark.slow
def test_the_report_holds_no_text_of_anybody_once_disclosed_is_taken_out(
    told: Told, finder_of_text: Finder
) -> None:
    files = read_archive((told.out / "report.zip").read_bytes(), Findings())
    assert files
    found = {
        name: hits
        for name, content in files.items()
        if not name.startswith("disclosed/") and (hits := finder_of_text.find(unpacked(content)))
    }
    assert found == {}


def unpacked(content: bytes) -> bytes:
    """Return a file with the streams of a PDF unpacked behind it."""
    streams = re.finditer(rb"stream\r?\n(.*?)endstream", content, re.DOTALL)
    return content + b"\0".join(_inflated(stream[1]) for stream in streams)


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data)
    except zlib.error:
        return b""


@pytest.mark.slow
def test_no_log_and_no_queue_of_the_service_holds_a_text_of_anybody(
    told: Told, finder_of_text: Finder
) -> None:
    places = [*(told.home / "logs").iterdir(), *(told.home / "celery").rglob("*")]
    places += [told.home / "postgres" / "postgres.log", told.home / "supervise.log"]
    assert look(finder_of_text, places) == []
    assert any(path.name == "web.log" for path in places)
    assert any(path.suffix == ".msg" for path in places)


def look(finder: Finder, places: list[Path]) -> list[str]:
    files = [path for path in places if path.is_file()]
    assert files
    return [f"{path.name}: {what}" for path in files for what in finder.find(path.read_bytes())]


@pytest.mark.slow
def test_no_file_of_the_service_holds_a_name_or_an_address_or_a_prompt_in_plain(
    told: Told, texts: dict[str, str]
) -> None:
    # Tables, indexes, write-ahead log and sealed files, as whoever takes the disk would look.
    needles = [text.lower().encode() for text in texts if not is_uuid(text)]
    found = []
    for path in sorted(each for each in told.home.rglob("*") if each.is_file()):
        content = path.read_bytes().lower()
        place = path.relative_to(told.home)
        found += [f"{place}: {needle.decode()}" for needle in needles if needle in content]
    assert len(needles) > 20
    assert found == []
