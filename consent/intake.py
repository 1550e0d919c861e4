"""What of a description may enter a data set version, and why the rest may not.

Pure: everything about files, people and consent is looked up before and passed in.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from consent.decision import Outcome
from consent.formats.described import DescribedItem, DescribedItems, Digest
from consent.formats.doubts import SENTENCES as DOUBTS
from consent.formats.doubts import DoubtCode
from consent.formats.statements import BASES
from consent.members import Member, Members
from consent.pictures import Picture
from consent.signals.finding import Standing
from consent.signals.stated import weigh
from consent.signals.weighing import Weighing, without_observed
from consent.uses import LegalBasis, Use


class Fault(StrEnum):
    """What stands against an item besides the doubts of its description. Stable: stored, and
    matched on by outsiders."""

    FILE_MISSING = "file_missing"
    PATH_REFUSED = "path_refused"
    PICTURE_REFUSED = "picture_refused"
    DIGEST_DIFFERS = "digest_differs"
    UNDESCRIBED = "undescribed"
    PICTURE_REPEATED = "picture_repeated"
    PERSON_UNKNOWN = "person_unknown"
    CONSENT_MISSING = "consent_missing"
    SIGNAL_RESERVED = "signal_reserved"
    SIGNAL_UNCLEAR = "signal_unclear"


FAULTS = {
    Fault.FILE_MISSING: "The file is not there.",
    Fault.PATH_REFUSED: "The file's place leads out of the folder or to something that is no file.",
    Fault.PICTURE_REFUSED: "The file is no PNG, JPEG or WebP picture that opens whole.",
    Fault.DIGEST_DIFFERS: "The file is another one than its checksum says.",
    Fault.UNDESCRIBED: "The file lies in the folder, and the description does not mention it.",
    Fault.PICTURE_REPEATED: "The same picture is in the version already.",
    Fault.PERSON_UNKNOWN: "Somebody is named whom we do not know: register the person first, or "
    "say who it is.",
    Fault.CONSENT_MISSING: "Not everybody in the picture has allowed this use.",
    Fault.SIGNAL_RESERVED: "Whoever offers it, or the place where it lies, reserves this use.",
    Fault.SIGNAL_UNCLEAR: "What is said of this use, with it or where it lies, cannot be read or "
    "has conditions: somebody has to decide.",
}
# What somebody may take as it is, and answer for; the rest must be set right.
ACCEPTABLE = frozenset(
    {
        DoubtCode.DIGEST_MISSING.value,
        DoubtCode.DIGEST_WEAK.value,
        DoubtCode.DIGEST_PLACEHOLDER.value,
        DoubtCode.DIGEST_MALFORMED.value,
        DoubtCode.TEXT_DAMAGED.value,
        DoubtCode.TEXT_TOO_LONG.value,
        DoubtCode.NUMBER_UNREADABLE.value,
        DoubtCode.TIME_UNREADABLE.value,
        DoubtCode.TIME_WITHOUT_ZONE.value,
        DoubtCode.REPEATED.value,
        DoubtCode.LOCATION_REPEATED.value,
        Fault.SIGNAL_UNCLEAR.value,
    }
)
_OUTCOMES = {
    Outcome.REFUSED: Fault.SIGNAL_RESERVED,
    Outcome.NEEDS_REVIEW: Fault.SIGNAL_UNCLEAR,
}
_FAULTS = {
    Standing.RESERVED: Fault.SIGNAL_RESERVED,
    Standing.CONDITIONS: Fault.SIGNAL_UNCLEAR,
    Standing.MALFORMED: Fault.SIGNAL_UNCLEAR,
}
_DIGEST = frozenset(code for code in ACCEPTABLE if code.startswith("digest_"))
LICENCE_DOUBTS = frozenset(
    {
        DoubtCode.LICENCE_MISSING,
        DoubtCode.LICENCE_PLACEHOLDER,
        DoubtCode.LICENCE_UNKNOWN,
        DoubtCode.LICENCE_AMBIGUOUS,
    }
)
BASIS_DOUBTS = frozenset({DoubtCode.BASIS_MISSING, DoubtCode.BASIS_UNKNOWN})
_LEGAL_BASES = {basis.value: basis for basis in LegalBasis}


def sentence(reason: str) -> str:
    """Return what an officer reads for a reason; the code itself for one we do not know."""
    if reason in set(Fault):
        return FAULTS[Fault(reason)]
    known = DOUBTS.get(DoubtCode(reason)) if reason in set(DoubtCode) else None
    return (
        known.removesuffix(": {met}.").replace(" ({met})", "").replace(" {met}", "").rstrip(".")
        + "."
        if known
        else reason
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What lies under a described place: the file's SHA-256 in hex and what it decodes to."""

    digest: str
    picture: Picture


class Admitted(NamedTuple):
    """An item that may enter, with what will be committed to."""

    item: DescribedItem
    member: Member

    @property
    def ordinal(self) -> int:
        """Return the place in the description."""
        return self.item.ordinal


@dataclass(frozen=True)
class AdmittedItems:
    """Items that may enter, with what will be committed to, as ``Admitted`` has it of one."""

    items: DescribedItems
    members: Members

    @classmethod
    def of(cls, admitted: Sequence[Admitted]) -> "AdmittedItems":
        """Return these, each of which was judged by itself."""
        items, members = zip(*admitted, strict=True) if admitted else ((), ())
        return cls(DescribedItems.of(items), Members.of(members))

    def __len__(self) -> int:
        return len(self.items)

    def among(self, chosen: Sequence[bool]) -> "AdmittedItems":
        """Return those at whose place ``chosen`` is true."""
        return AdmittedItems(self.items.among(chosen), self.members.among(chosen))


class Refused(NamedTuple):
    """An item that may not, with its place in the description (or behind it) and all reasons."""

    item: DescribedItem
    reasons: tuple[str, ...]

    @property
    def ordinal(self) -> int:
        """Return the place in the description."""
        return self.item.ordinal

    @property
    def fault(self) -> str:
        """Return what was found first."""
        return self.reasons[0]

    @property
    def path(self) -> str:
        """Return where the item was said to be."""
        return self.item.location


@dataclass(frozen=True)
class Known:
    """What is known when items are judged.

    ``people`` maps what descriptions call people to their ids; ``consenting`` holds those whose
    consent covers the uses; of ``uses`` the items' own signals are asked. ``observed`` holds by
    ordinal what was seen where items lie comes to.
    """

    people: Mapping[str, UUID]
    consenting: Collection[UUID]
    uses: tuple[Use, ...] = ()
    observed: Mapping[int, Weighing] = field(default_factory=dict)


def judge(
    item: DescribedItem,
    known: Known,
    found: Found | Fault | None = None,
    accepted: frozenset[str] = frozenset(),
) -> Admitted | Refused:
    """Admit one described item, or say all that stands against it.

    ``found`` is what lies in its place; None where nobody looked, and the statement stands alone.
    ``accepted`` are reasons that somebody answers for.
    """
    observed = known.observed.get(item.ordinal)
    if item.signals or observed:
        # With the item, admitted or not: what was heard of it, and what decided. Whatever a
        # description claims that we heard goes: it would count as decided by us.
        pairs = _pairs(observed, accepted) if observed else ()
        item = item._replace(signals=(*without_observed(item.signals), *pairs))
    reasons = tuple(dict.fromkeys(_reasons(item, known, found, accepted)))
    if reasons:
        return Refused(item, reasons)
    return Admitted(item, _member(item, known, found))


def judge_stated(items: DescribedItems, known: Known) -> tuple[AdmittedItems, list[Refused]]:
    """Judge each of ``items`` by what is stated alone, as ``judge``.

    Of most of a large table everything is plain: only the rest is looked at one by one.
    """
    columns, chosen, refused = _plain_members(items), [True] * len(items), []
    if doubtful := list(_to_look_at(items, known)):
        stated = list(items)
        for at in doubtful:
            verdict = judge(stated[at], known)
            if isinstance(verdict, Refused):
                chosen[at] = False
                refused.append(verdict)
                continue
            stated[at] = verdict.item
            for column, value in zip(columns, verdict.member, strict=True):
                column[at] = value
        items = DescribedItems.of(stated)
    admitted = AdmittedItems(items, Members(columns))
    return admitted.among(chosen) if refused else admitted, refused


def _to_look_at(items: DescribedItems, known: Known) -> Iterator[int]:
    """Yield the places of all against which something may stand, or of which something is known."""
    asked = ("ordinal", "digest", "licence", "legal_basis", "depicts", "signals", "doubts")
    rows = zip(*map(items.column, asked), strict=True)
    for at, (ordinal, digest, licence, basis, *further) in enumerate(rows):
        is_plain = digest and licence.spdx and basis in BASES and not any(further)
        if not is_plain or ordinal in known.observed:
            yield at


def _plain_members(items: DescribedItems) -> list[list[Any]]:
    """Return the columns of members, right for those of ``items`` that are plain."""
    nothing: list[Any] = [()] * len(items)
    return [
        list(map(_stated_digest, items.column("digest"))),
        [licence.spdx for licence in items.column("licence")],
        list(map(_LEGAL_BASES.get, items.column("legal_basis"))),
        nothing,
        list(items.column("location")),
        list(items.column("media_type")),
        [width or 0 for width in items.column("width")],
        [height or 0 for height in items.column("height")],
        list(items.column("perceptual_hash")),
        nothing.copy(),
        list(items.column("flags")),
    ]


def _pairs(observed: Weighing, accepted: Collection[str]) -> tuple[tuple[str, str], ...]:
    is_unclear = observed.outcome is Outcome.NEEDS_REVIEW
    is_answered = is_unclear and Fault.SIGNAL_UNCLEAR.value in accepted
    return observed.accepted_pairs if is_answered else observed.pairs


def _reasons(
    item: DescribedItem, known: Known, found: Found | Fault | None, accepted: frozenset[str]
) -> Iterable[str]:
    if isinstance(found, Fault):
        yield found.value
    for doubt in item.doubts:
        if not doubt.is_note and doubt.code.value not in accepted:
            yield doubt.code.value
    yield from _unproved(item, accepted, found)
    if item.signals:
        fault = _FAULTS.get(weigh(item.signals, known.uses))
        if fault and fault.value not in accepted:
            yield fault.value
    if observed := known.observed.get(item.ordinal):
        fault = _OUTCOMES.get(observed.outcome)
        if fault and fault.value not in accepted:
            yield fault.value
    # Whatever a reader made of it: without these nothing is let in.
    if not item.licence.spdx and not _is_among(item, LICENCE_DOUBTS):
        yield DoubtCode.LICENCE_MISSING.value
    if item.legal_basis not in BASES and not _is_among(item, BASIS_DOUBTS):
        yield DoubtCode.BASIS_MISSING.value
    if not item.depicts:
        return
    if not all(name in known.people for name in item.depicts):
        yield Fault.PERSON_UNKNOWN.value
    elif not all(known.people[name] in known.consenting for name in item.depicts):
        yield Fault.CONSENT_MISSING.value


def _unproved(
    item: DescribedItem, accepted: frozenset[str], found: Found | Fault | None
) -> Iterable[str]:
    """Yield what stands against the checksum, alone or beside the file that was found."""
    stated = item.digest
    if isinstance(found, Found) and stated and stated.algorithm == "sha256":
        if stated.value != found.digest:
            yield Fault.DIGEST_DIFFERS.value
    elif (stated is None or isinstance(found, Found)) and not (
        _DIGEST & accepted or _is_among(item, frozenset(map(DoubtCode, _DIGEST)))
    ):
        yield DoubtCode.DIGEST_MISSING.value


def _is_among(item: DescribedItem, codes: Collection[DoubtCode]) -> bool:
    return any(doubt.code in codes for doubt in item.doubts)


def _member(item: DescribedItem, known: Known, found: Found | Fault | None) -> Member:
    picture = found.picture if isinstance(found, Found) else None
    shown = picture or item
    return Member(
        found.digest if isinstance(found, Found) else _stated_digest(item.digest),
        item.licence.spdx,
        _LEGAL_BASES[item.legal_basis],
        tuple(dict.fromkeys(known.people[name] for name in item.depicts)) if item.depicts else (),
        item.location,
        shown.media_type,
        shown.width or 0,
        shown.height or 0,
        item.perceptual_hash,
        item.signals,
        item.flags,
    )


def _stated_digest(digest: Digest | None) -> str:
    if digest is None:
        return ""
    algorithm, value = digest
    return value if algorithm == "sha256" else f"{algorithm}:{value}"
