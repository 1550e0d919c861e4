"""Judging lines of old releases: who is meant, which scans are theirs, what stands against it.

Nothing is opened for it but the lines themselves: who may be meant is told by keyed indexes.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from django.db.models import Count, Func, Q, QuerySet

from consent.identity import Form, IdentifierKind
from consent.identity.matching import FINDING, Indexes, Verdict, find_match
from consent.models import (
    CLOSED,
    STANDING,
    BroughtScan,
    Grant,
    GrantState,
    LineStanding,
    Merge,
    OldRelease,
    PrivacyRequest,
    ReleaseImport,
    ReleaseLine,
    RequestState,
    SearchKey,
    Subject,
)
from consent.releases.scans import short_name, whole_name
from consent.releases.snags import Snag
from consent.releases.stating import Stated
from consent.services.release_lines import Content, LineReader, finding_keys
from consent.services.release_scans import UNWANTED
from consent.uses import Right
from ledger.fields import DigestField

_BORN = (IdentifierKind.BIRTH_DATE.family, Form.DATE)
# How an answer ends that somebody took back in whole or part, or that was given up.
_ENDED = (GrantState.WITHDRAWN, GrantState.SUPERSEDED, GrantState.RENEWED, GrantState.REVOKED)
_LIFTED = sorted(CLOSED - {RequestState.CLOSED_FULFILLED})


@dataclass
class Judged:
    """A line, all that stands against it, and who and what is meant where that is clear.

    ``subject`` and ``guardian`` are None for somebody new; ``perhaps`` are those to choose from.
    """

    line: ReleaseLine
    content: Content
    stated: Stated
    reasons: list[str]
    subject: UUID | None = None
    guardian: UUID | None = None
    perhaps: tuple[UUID, ...] = ()
    guardian_perhaps: tuple[UUID, ...] = ()
    scans: list[BroughtScan] = field(default_factory=list)

    @property
    def needs_guardian(self) -> bool:
        """Return whether somebody has to speak for the person to this day."""
        return self.stated.of_age is not None and self.is_child

    is_child: bool = False


def judge(importing: ReleaseImport, lines: Sequence[ReleaseLine]) -> list[Judged]:
    """Judge some lines of an import; nothing is written. Must run inside a transaction."""
    reader = LineReader(importing)
    found = []
    for line in lines:
        content = reader.content(line)
        stated = reader.state(content)
        one = Judged(line, content, stated, [snag.value for snag in stated.snags])
        one.is_child = stated.of_age is not None and reader.today < stated.of_age
        found.append(one)
    _find_people(reader, found)
    _find_births(reader, found)
    _find_scans(importing, reader, found)
    _find_repeated(importing, found)
    for one in found:
        if one.subject:
            one.reasons += _against(one.subject, one.stated)
        one.reasons = [r for r in dict.fromkeys(one.reasons) if r not in one.line.accepted]
    return found


def settle(judged: Iterable[Judged]) -> list[ReleaseLine]:
    """Note in each line what was found, and store it."""
    rows = []
    for one in judged:
        one.line.reasons = one.reasons
        one.line.state = LineStanding.WAITING if one.reasons else LineStanding.READY
        rows.append(one.line)
    ReleaseLine.objects.bulk_update(rows, ("state", "reasons"), batch_size=500)
    return rows


def _find_people(reader: LineReader, found: Sequence[Judged]) -> None:
    people = [reader.indexing.person(one.stated.known) for one in found]
    known = find_known(people)
    for one, mine in zip(found, people, strict=True):
        said, verdict = one.line, find_match(mine, known)
        one.subject, one.perhaps = _decide(said.subject_id, verdict, is_new=said.is_new)
        if one.perhaps:
            one.reasons.append(Snag.PERSON_UNCLEAR.value)
        if one.needs_guardian:
            _find_guardian(reader, one)


def _find_guardian(reader: LineReader, one: Judged) -> None:
    stated = reader.indexing.person(one.stated.guardian)
    known = find_known([stated])
    known.pop(one.subject, None)  # type: ignore[arg-type]
    one.guardian, one.guardian_perhaps = _decide(
        one.line.guardian_id, find_match(stated, known), is_new=one.line.is_guardian_new
    )
    if one.guardian_perhaps:
        one.reasons.append(Snag.GUARDIAN_UNCLEAR.value)


def _find_births(reader: LineReader, found: Sequence[Judged]) -> None:
    """Take the birth date of whoever is meant where the line has none: a child's word is one.

    It is found among the days on which somebody was born who was a child then, by its index.
    """
    for one in found:
        signed = one.stated.signed
        if one.stated.born or not signed or not one.subject:
            continue
        keys = SearchKey.objects.filter(
            identifier__subject__in=Subject.objects.selves(one.subject), form=Form.DATE
        )
        held = {key for key in keys.values_list("key", flat=True) if key}
        born = reader.find_child(signed, held) if held else None
        if born:
            one.stated = replace(one.stated, born=born)
            one.is_child = one.stated.of_age is not None and reader.today < one.stated.of_age
            if not one.stated.guardian:
                one.reasons.append(Snag.GUARDIAN_MISSING.value)
            elif one.is_child:
                _find_guardian(reader, one)


def _decide(
    said: UUID | None, verdict: Verdict, *, is_new: bool
) -> tuple[UUID | None, tuple[UUID, ...]]:
    """Return who it is, and who it may be where nobody said: what a person said counts first."""
    if said is not None or is_new:
        return said, ()
    return verdict.sure, verdict.perhaps


def find_known(people: Iterable[Indexes]) -> dict[UUID, dict[tuple[str, Form], frozenset[bytes]]]:
    """Return all whom any of these may be, by the head they count as, with their indexes."""
    sought: set[bytes] = set()
    for indexes in people:
        sought |= finding_keys(indexes) | indexes.get(_BORN, frozenset())
    met = SearchKey.objects.filter(key__in=list(sought), form__in=[*FINDING, Form.DATE])
    ids = set(met.values_list("identifier__subject_id", flat=True))
    if not ids:
        return {}
    selves = set(Subject.objects.selves(*ids).values_list("pk", flat=True))
    merges = Merge.objects.standing().filter(subject__in=selves)
    heads = dict(merges.values_list("subject_id", "into_id"))
    found: dict[UUID, dict[tuple[str, Form], set[bytes]]] = {}
    keys = SearchKey.objects.filter(identifier__subject__in=selves, key__isnull=False)
    for subject, kind, form, key in keys.values_list(
        "identifier__subject_id", "identifier__kind", "form", "key"
    ):
        held = found.setdefault(heads.get(subject, subject), {})
        held.setdefault((IdentifierKind(kind).family, Form(form)), set()).add(key or b"")
    return {
        head: {place: frozenset(some) for place, some in held.items()}
        for head, held in found.items()
    }


def _find_scans(importing: ReleaseImport, reader: LineReader, found: Sequence[Judged]) -> None:
    indexing = reader.indexing
    claims = {claim for one in found for claim in one.line.claims}
    by_short: dict[bytes, list[BroughtScan]] = {}
    scans = importing.scans.filter(short_index__in=list(claims)).exclude(trouble=UNWANTED)
    for scan in scans.select_related("importing"):
        by_short.setdefault(scan.short_index, []).append(scan)
    shared = _claimed_twice(importing, claims)
    for one in found:
        for name in one.stated.scans:
            claim = indexing.scan(short_name(name))
            there = by_short.get(claim, [])
            whole = indexing.scan(whole_name(name))
            exact = [scan for scan in there if scan.index == whole] or there
            if not exact:
                one.reasons.append(Snag.SCAN_ABSENT.value)
            elif len(exact) > 1:
                one.reasons.append(Snag.SCAN_UNCLEAR.value)
            else:
                one.scans.append(exact[0])
                one.reasons += [exact[0].trouble] if exact[0].trouble else []
            # Two files of one name in two folders are told apart by folder, not shared.
            if claim in shared and len(there) <= 1:
                one.reasons.append(Snag.SCAN_SHARED.value)


def _claimed_twice(importing: ReleaseImport, claims: Collection[bytes]) -> set[bytes]:
    lines = (
        importing.lines.filter(claims__overlap=list(claims))
        if claims
        else ReleaseLine.objects.none()
    )
    counted = lines.annotate(
        claim=Func("claims", function="unnest", output_field=DigestField())
    ).order_by()
    counts = counted.values_list("claim").annotate(lines=Count("pk")).filter(lines__gt=1)
    return {claim for claim, _ in counts}


def _find_repeated(importing: ReleaseImport, found: Sequence[Judged]) -> None:
    marks = {one.line.mark for one in found}
    first = dict[bytes, int]()
    for mark, ordinal in importing.lines.filter(mark__in=marks).values_list("mark", "ordinal"):
        first[mark] = min(ordinal, first.get(mark, ordinal))
    taken = set(OldRelease.objects.filter(mark__in=marks).values_list("mark", flat=True))
    for one in found:
        papers = [scan.content for scan in one.scans]
        if one.line.mark in taken or (one.subject and papers and _has(one.subject, papers)):
            one.reasons.append(Snag.TAKEN_ALREADY.value)
        elif first.get(one.line.mark, one.line.ordinal) < one.line.ordinal:
            one.reasons.append(Snag.LINE_REPEATED.value)


def _has(subject: UUID, papers: Sequence[bytes]) -> bool:
    selves = Subject.objects.selves(subject)
    return OldRelease.objects.filter(grant__subject__in=selves, papers__overlap=papers).exists()


def _against(subject: UUID, stated: Stated) -> Iterable[str]:
    """Yield what the person did since: an old paper brings nothing back that was taken away."""
    selves = Subject.objects.selves(subject)
    erasing = PrivacyRequest.objects.filter(
        subject__in=selves, kind="erasure", restricted_at__isnull=False
    )
    if erasing.exclude(state__in=_LIFTED).exists():
        yield Snag.PERSON_RESTRICTED.value
    if stated.signed and _took_back(selves, stated, stated.signed):
        yield Snag.TAKEN_BACK_SINCE.value


def _took_back(selves: QuerySet[Subject], stated: Stated, signed: date) -> bool:
    answers = Grant.objects.filter(subject__in=selves, right=Right.LIKENESS.value)
    uses = [use.value for use in stated.uses]
    said_since = Q(signed_on__gte=signed) | Q(signed_on=None, given_at__date__gte=signed)
    if answers.filter(said_since, state__in=STANDING, refused__overlap=uses).exists():
        return True
    for one in answers.filter(state__in=_ENDED, ended_at__date__gte=signed, uses__overlap=uses):
        # What another answer went on allowing was not taken back.
        after = Grant.objects.filter(
            Q(supersedes=one.pk) | Q(renews=one.pk), given_at__isnull=False
        )
        kept = {use for some in after.values_list("uses", flat=True) for use in some}
        if {*one.uses} & {*uses} - kept:
            return True
    return False
