"""The export package of a person (GDPR Arts. 15 and 20): everything held of them, in one ZIP.

What concerns other people as well is left out and counted (Art. 15(4)); the picture of two
people is the other one's as much.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.conf import settings
from django.template.loader import render_to_string

from consent import lineage
from consent.exporters.archive import Entry, write_zip
from consent.exporters.records import OwnSegment, open_segments
from consent.models import Grant, Notice, PrivacyRequest, Subject
from consent.uses import Use
from ledger import vault
from ledger.holdings import HOLDINGS, Holding
from ledger.models import SealedFile
from ledger.record_kinds import VALUES_DISCLOSED
from ledger.services import open_file
from ledger.services.report import log_policy

SCHEMA = "urn:muniment:export:1"
JSON, CSV, HTML = "application/json", "text/csv", "text/html"
_MAGIC = (
    (b"\x89PNG", "png", "image/png"),
    (b"\xff\xd8\xff", "jpg", "image/jpeg"),
    (b"%PDF", "pdf", "application/pdf"),
    (b"RIFF", "webp", "image/webp"),
    (b"PK\x03\x04", "zip", "application/zip"),
)


@dataclass
class Collection:
    """A package while it is being written: what went in so far."""

    request: PrivacyRequest
    subject: Subject
    keys: vault.Keys
    at: datetime
    counts: dict[str, int] = field(default_factory=dict)
    excluded: dict[str, int] = field(default_factory=dict)
    lines: list[dict[str, str | int]] = field(default_factory=list)

    @cached_property
    def scopes(self) -> tuple[UUID, ...]:
        """Return the key scopes of the person: several, where they were registered twice."""
        return self.subject.person_scopes()

    @cached_property
    def selves(self) -> list[Subject]:
        """Return all who are this person."""
        return list(Subject.objects.selves(self.subject.pk))

    @cached_property
    def impact(self) -> lineage.Impact:
        """Return what was made with the person, and to whom it was given."""
        return lineage.find_impact(lineage.Node("subject", self.subject.pk))


def write_package(
    request: PrivacyRequest, *, at: datetime, keep: Callable[[], None]
) -> tuple[bytes, dict[str, int]]:
    """Return the ZIP, and how many rows of each holding went in; ``keep`` is called in between."""
    assert request.subject is not None
    keys = vault.keys(request.subject.person_scopes())
    collection = Collection(request, request.subject, keys, at)
    content = b"".join(write_zip(_listed(collection, keep), at=at))
    return content, collection.counts


def _listed(collection: Collection, keep: Callable[[], None]) -> Iterator[Entry]:
    """Yield all entries, the manifest last: it lists every one before it."""
    for entry in _entries(collection):
        keep()
        collection.lines.append(entry.line())
        yield entry
    manifest = {
        "schema": SCHEMA,
        "request": str(collection.request.pk),
        "written_at": collection.at.isoformat(),
        "files": collection.lines,
    }
    yield Entry("manifest.json", JSON, "index", _json(manifest))


def _entries(collection: Collection) -> Iterator[Entry]:
    for holding in HOLDINGS:
        yield from _holding(collection, holding)
    yield from _notices(collection.selves)
    yield Entry("lineage/subject-impact.json", JSON, "lineage", _json(collection.impact.as_json()))
    segments = list(open_segments(collection.scopes, collection.keys))
    yield from _records(segments)
    yield _disclosures(segments)
    yield _exclusions(collection)
    yield _page("README.html", "consent/package/readme.html", collection)
    yield _page("summary.html", "consent/package/summary.html", collection)


def _holding(collection: Collection, holding: Holding) -> Iterator[Entry]:
    """Yield a holding's rows twice, for programs and for people, and its files."""
    rows = [row for row in holding.find(collection.scopes) if _is_own(collection, holding, row)]
    collection.counts[holding.name] = len(rows)
    if not rows:
        return
    told = [{"id": str(row.pk), **holding.export(row, collection.keys)} for row in rows]
    stem = f"data/{holding.name.replace('.', '/')}"
    lines = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in told)
    yield Entry(f"{stem}.jsonl", JSON, "data", lines)
    yield Entry(f"{stem}.csv", CSV, "data", _csv(told))
    found = holding.find(collection.scopes).filter(pk__in=[row.pk for row in rows])
    for file in holding.files(found):
        yield _file(collection, file)


def _is_own(collection: Collection, holding: Holding, row: Any) -> bool:
    scopes = set(row.scope_ids())
    is_shared = not scopes.isdisjoint(collection.scopes) and not scopes <= {*collection.scopes}
    if is_shared:
        collection.excluded[holding.name] = collection.excluded.get(holding.name, 0) + 1
    return not is_shared


def _file(collection: Collection, file: SealedFile) -> Entry:
    content = open_file(file, collection.keys)
    kinds = (
        (ending, media_type) for magic, ending, media_type in _MAGIC if content.startswith(magic)
    )
    ending, media_type = next(kinds, ("bin", "application/octet-stream"))
    return Entry(f"files/{file.pk}.{ending}", media_type, "file", content)


def _notices(selves: Sequence[Subject]) -> Iterator[Entry]:
    for notice in Notice.objects.filter(grants__subject__in=selves).distinct():
        page = render_to_string("consent/package/notice.html", {"notice": notice})
        path = f"consents/notices/{notice.digest.hex()}.html"
        yield Entry(path, HTML, "notice", page.encode())


def _records(segments: Sequence[OwnSegment]) -> Iterator[Entry]:
    placed = [segment for segment in segments if segment.proof is not None]
    lines = b"".join(json.dumps(segment.line()).encode() + b"\n" for segment in placed)
    yield Entry("ledger/entries.jsonl", JSON, "ledger", lines)
    for index, proof in {s.proof.index: s.proof.proof for s in placed if s.proof}.items():
        path = f"ledger/proofs/{index}.tlog-proof"
        yield Entry(path, "text/plain", "ledger", str(proof).encode())
    for origin in sorted({segment.proof.origin for segment in placed if segment.proof}):
        policy = str(log_policy(origin)).encode()
        yield Entry(f"ledger/{origin.rpartition('/')[2]}.policy", "text/plain", "ledger", policy)
    waiting = {"waiting_for_their_place": len(segments) - len(placed)}
    yield Entry("ledger/state.json", JSON, "ledger", _json(waiting))


def _disclosures(segments: Sequence[OwnSegment]) -> Entry:
    rows = [
        {"at": segment.opening.payload["at"], "table": read["table"], "columns": columns}
        for segment in segments
        if segment.opening.kind == VALUES_DISCLOSED.name
        for read in _list(segment.opening.payload.get("read"))
        for columns in [" ".join(read["columns"])]
    ]
    return Entry("disclosures.csv", CSV, "disclosures", _csv(rows))


def _exclusions(collection: Collection) -> Entry:
    rows = [
        {"class": name, "count": count, "ground": "concerns other people too, GDPR Art. 15(4)"}
        for name, count in sorted(collection.excluded.items())
    ]
    return Entry("exclusions.csv", CSV, "exclusions", _csv(rows))


def _page(path: str, template: str, collection: Collection) -> Entry:
    grants = Grant.objects.filter(subject__in=collection.selves).select_related("notice")
    impact = collection.impact
    context = {
        "recipients": [impact.labels[one] for one in impact.trunk if one.kind == "recipient"],
        "request": collection.request,
        "organisation": settings.MUNIMENT_ORGANISATION,
        "at": collection.at,
        "counts": collection.counts,
        "excluded": collection.excluded,
        "purposes": sorted({Use(use).words for grant in grants for use in grant.uses}),
        "grants": grants,
    }
    return Entry(path, HTML, "explanation", render_to_string(template, context).encode())


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """Return ``rows`` with a heading; lists are joined by blanks."""
    if not rows:
        return b""
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]))
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return written.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    elif isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False)
    # A spreadsheet would take such text for a formula, and carry it out.
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else []
