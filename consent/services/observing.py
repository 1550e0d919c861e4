"""What was seen at a source: taken from whoever saw it, stored raw, and asked about.

Nothing is fetched here. What is just as it was seen there before is not stored again, but when it
was seen last: that holds until something else is seen, also where what was seen in between comes
late.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import orjson
from django.db import connection, transaction

from consent import kinds, profiles
from consent.credentials import read_store
from consent.errors import SignalUnreadable, TermsRefused
from consent.kinds import SourceObserved
from consent.models import Account, Source, SourceObservation
from consent.moment import database_now
from consent.observed import INDEX, Placed, address_of, as_seen, weigh_placed
from consent.services.authority import Actor, by, get, lock, require
from consent.signals.captures import LONGEST_LINE, Answer, Capture, check, find_captures, read_line
from consent.signals.finding import Finding, Item, Observation
from consent.signals.places import about, check_url, key_of, normal, resolve
from consent.signals.reading import SPEAKS, read
from consent.signals.weighing import Weighing
from consent.uses import Use
from ledger import vault
from ledger.models import HOUSE_SCOPE
from ledger.record_kinds import DisclosureReason
from ledger.services import Disclosure, Unsealed, append_large, disclose, store_file

# Things that are stored in one transaction, their bytes (the last may go beyond), and complaints
# that are told.
AT_ONCE = 100
BYTES_AT_ONCE = 2**24
MOST_REFUSED = 100
# A crawler's clock may be ahead of ours by so much.
AHEAD = timedelta(minutes=5)
# An advisory lock: shared by whoever stores, for as long as that takes.
_STORING = 0x6F627376


@dataclass
class Observed:
    """How many things were stored, how many were as seen before, and what could not be taken:
    place among what was brought, and why."""

    observations: int = 0
    unchanged: int = 0
    refused: int = 0
    reasons: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, place: int, why: str) -> None:
        """Count something that could not be taken; the first of them are told."""
        self.refused += 1
        if len(self.reasons) < MOST_REFUSED:
            self.reasons.append((place, why))


def observe_lines(*, actor: Actor, source_id: UUID, lines: Iterable[bytes]) -> Observed:
    """Store what was seen at a source, an answer of a server a line (``captures``).

    A line that cannot be taken is told and passed over. Some hundred are one transaction, and what
    is sent again changes nothing. No transaction may be open. Raises NotPermitted, Unknown.
    """
    source = get(Source.objects.select_related("project"), source_id)
    require(actor, "consent.observe_source", source.project)
    told = Observed()
    for some in _batches(_captures(lines, told)):
        _store(actor, source, some, told)
    return told


def observe_answer(*, actor: Actor, source_id: UUID, answer: Answer) -> Observed:
    """Store what one answer of a server says. Raises NotPermitted, Unknown, TermsRefused."""
    source = get(Source.objects.select_related("project"), source_id)
    require(actor, "consent.observe_source", source.project)
    try:
        captures = list(find_captures(_timely(check(answer)), read_store))
    except SignalUnreadable as error:
        raise TermsRefused(str(error)) from error
    told = Observed()
    _store(actor, source, captures, told)
    return told


@transaction.atomic
def after_all_observed() -> datetime:
    """Return a time up to which all that is stored here can be read: wait for who is storing.

    What is stored later has a later ``recorded_at``.
    """
    _take("pg_advisory_xact_lock")
    return database_now()


def read_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a stream of pieces; one that is too long comes cut, to be refused."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        for number, part in enumerate(piece.split(b"\n")):
            if number:
                yield b"".join(held)
                held, size = [], 0
            if size <= LONGEST_LINE:
                held.append(part[: LONGEST_LINE + 1])
            size += len(part)
    yield b"".join(held)


def weigh_address(
    *,
    actor: Actor,
    source_id: UUID,
    location: str,
    uses: Sequence[Use] = (Use.TRAIN,),
    profile: str = profiles.DEFAULT,
    fetched_at: datetime | None = None,
    at: datetime | None = None,
) -> Weighing | None:
    """Return what was seen comes to for an item at ``location``; None when nothing was seen.

    ``location`` is a web address or a place within the source. Raises NotPermitted, Unknown,
    TermsRefused, ProfileRefused.
    """
    source = get(Source.objects.select_related("project"), source_id)
    require(actor, "consent.view_source", source.project)
    if not uses:
        raise TermsRefused("uses are empty, wanted at least one")
    url = resolve(location, address_of(source))
    try:
        check_url(url)
    except SignalUnreadable as error:
        raise TermsRefused(str(error)) from error
    at = at or database_now()
    placed = Placed("it", url, fetched_at or at)
    return weigh_placed([placed], uses, profile, at=at).get("it")


@dataclass(frozen=True)
class Read:
    """An observation that was opened: what it is, and what it says of the address ``read_for``."""

    row: SourceObservation
    observation: Observation
    covers: str
    read_for: str
    findings: tuple[Finding, ...]


def read_observations(*, reader: Account, rows: Sequence[SourceObservation]) -> list[Read]:
    """Open some observations of one source for a person to read, on the record.

    No transaction may be open. Raises NotPermitted.
    """
    for row in rows:
        require(reader, "consent.view_source", row.origin.project)
    origins = {row.origin_id: row.origin for row in rows}
    wanted = [
        *(Disclosure(row, ("said",), ("file",)) for row in rows),
        *(Disclosure(origin, ("address",)) for origin in origins.values()),
    ]
    reason = DisclosureReason.CASEWORK
    opened = disclose(reader=reader.scope_id, reason=reason, wanted=wanted)
    addresses = {pk: opened.get(pk, {}).get("address", b"").decode() for pk in origins}
    there = [row for row in rows if row.pk in opened]
    return [_read(row, opened[row.pk], addresses[row.origin_id]) for row in there]


def _read(row: SourceObservation, values: dict[str, bytes], address: str) -> Read:
    said = orjson.loads(values["said"])
    seen = as_seen(row, said, values.get("file", b""))
    url = said["covers"] or about(seen.source, seen.place, address)
    return Read(row, seen, said["covers"], url, read(seen, Item(url)))


def _captures(lines: Iterable[bytes], told: Observed) -> Iterator[Capture]:
    for place, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield from list(find_captures(_timely(read_line(line)), read_store))
        except SignalUnreadable as error:
            told.refuse(place, str(error))


def _batches(captures: Iterable[Capture]) -> Iterator[list[Capture]]:
    held: list[Capture] = []
    size = 0
    for one in captures:
        held.append(one)
        size += len(one.raw)
        if len(held) >= AT_ONCE or size >= BYTES_AT_ONCE:
            yield held
            held, size = [], 0
    if held:
        yield held


def _timely(answer: Answer) -> Answer:
    if answer.seen_at > database_now() + AHEAD:
        raise SignalUnreadable("seen_at lies in the future")
    return answer


def _take(lock_function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lock_function}(%s)", [_STORING])


@transaction.atomic
def _store(actor: Actor, source: Source, captures: Sequence[Capture], told: Observed) -> None:
    source = lock(Source.objects.all(), source.pk)
    keys, index = vault.keys([HOUSE_SCOPE]), vault.blind_indexer(INDEX)
    # Before the clock is read, for ``after_all_observed``.
    _take("pg_advisory_xact_lock_shared")
    now = database_now()
    rows: list[SourceObservation] = []
    confirmed: dict[UUID, SourceObservation] = {}
    unchanged = 0
    for one in captures:
        row = SourceObservation(
            origin=source,
            source=one.source.value,
            reach=one.reach.value,
            index=index(key_of(one.source, one.place, one.covers)),
            place=index(_place_of(one)),
            content=index(_content_of(one)),
            # A clock that is ahead of ours has seen nothing that is yet to come.
            seen_at=min(one.seen_at, now),
            recorded_at=now,
        )
        before = _before(row, [*rows, *confirmed.values()])
        if before is not None:
            unchanged += 1
            if before.last_seen_at < row.seen_at:
                before.confirmed_at = row.seen_at
                confirmed[before.pk] = before
            continue
        row.said = keys.seal(row, "said", orjson.dumps(_said(one)))
        row.file = store_file([HOUSE_SCOPE], one.raw) if one.raw else None
        rows.append(row)
    again = [one for one in confirmed.values() if one not in rows]
    SourceObservation.objects.bulk_create(rows)
    SourceObservation.objects.bulk_update(again, ["confirmed_at"])
    told.observations += len(rows)
    told.unchanged += unchanged
    append_large(
        kind=kinds.SOURCE_OBSERVED,
        facts=SourceObserved(observations=len(rows), unchanged=unchanged),
        segments=[
            Unsealed("source", (HOUSE_SCOPE,), {"source": str(source.pk)}, (*rows, *again)),
            by(actor),
        ],
    )


def _before(
    row: SourceObservation, others: Sequence[SourceObservation]
) -> SourceObservation | None:
    """Return what was seen last in the same place by then, if it was just so; else None.

    ``others`` are about to be stored, and newer than what is.
    """
    here = SourceObservation.objects.filter(origin=row.origin, place=row.place)
    near = here.filter(seen_at__lte=row.seen_at)
    stored = [
        *here.filter(seen_at=row.seen_at, content=row.content),
        # Two bodies may have been seen at one moment.
        *near.order_by("-seen_at")[:2],
        *near.filter(confirmed_at__lte=row.seen_at).order_by("-confirmed_at")[:2],
    ]
    known = {one.pk: one for one in (*stored, *others) if one.place == row.place}
    sightings = [
        (moment, one.content == row.content, one)
        for one in known.values()
        for moment in (one.seen_at, one.last_seen_at)
        if moment <= row.seen_at
    ]
    *_, is_same, last = max(sightings, key=lambda one: one[:2], default=(None, False, None))
    return last if is_same else None


def _place_of(one: Capture) -> str:
    covers = normal(one.covers) if one.covers else ""
    return f"place\n{one.source}\n{normal(one.place)}\n{covers}"


def _content_of(one: Capture) -> str:
    return f"content\n{one.reach}\n{one.media_type}\n{sha256(one.raw).hexdigest()}"


def _said(one: Capture) -> dict[str, str]:
    specified = sorted({signal.specification for signal in SPEAKS[one.source]})
    return {
        "place": one.place,
        "covers": one.covers,
        "media_type": one.media_type,
        "version": "; ".join(specified),
    }
