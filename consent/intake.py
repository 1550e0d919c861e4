"""What of a description may enter a data set version, and why the rest may not.

Pure: everything about files, people and consent is looked up before and passed in.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import orjson

from consent.decision import Outcome
from consent.formats.described import DescribedItem, Digest, Licence
from consent.formats.doubts import SENTENCES as DOUBTS
from consent.formats.doubts import Doubt, DoubtCode
from consent.formats.statements import BASES, find_spdx
from consent.members import Member
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
_LICENCE = frozenset(
    {
        DoubtCode.LICENCE_MISSING,
        DoubtCode.LICENCE_PLACEHOLDER,
        DoubtCode.LICENCE_UNKNOWN,
        DoubtCode.LICENCE_AMBIGUOUS,
    }
)
_BASIS = frozenset({DoubtCode.BASIS_MISSING, DoubtCode.BASIS_UNKNOWN})
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
    if found is not None or not is_plain(item):
        reasons = tuple(dict.fromkeys(_reasons(item, known, found, accepted)))
        if reasons:
            return Refused(item, reasons)
    return Admitted(item, _member(item, known, found))


def _pairs(observed: Weighing, accepted: Collection[str]) -> tuple[tuple[str, str], ...]:
    is_unclear = observed.outcome is Outcome.NEEDS_REVIEW
    is_answered = is_unclear and Fault.SIGNAL_UNCLEAR.value in accepted
    return observed.accepted_pairs if is_answered else observed.pairs


def is_plain(item: DescribedItem) -> bool:
    """Return whether nothing can stand against an item: most of a large table, seen at a glance."""
    return (
        not (item.doubts or item.depicts or item.signals)
        and item.digest is not None
        and item.licence.spdx != ""
        and item.legal_basis in BASES
    )


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
    if not item.licence.spdx and not _is_among(item, _LICENCE):
        yield DoubtCode.LICENCE_MISSING.value
    if item.legal_basis not in BASES and not _is_among(item, _BASIS):
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
    # In the order of the fields: by their names it takes twice as long, a million times.
    return Member(
        found.digest if isinstance(found, Found) else _stated_digest(item),
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


def _stated_digest(item: DescribedItem) -> str:
    if item.digest is None:
        return ""
    algorithm, value = item.digest.algorithm, item.digest.value
    return value if algorithm == "sha256" else f"{algorithm}:{value}"


@dataclass(frozen=True)
class Repair:
    """What somebody says of quarantined items: a licence (SPDX), a legal basis, who is meant by a
    name (None: nobody), and which reasons they answer for."""

    licence: str = ""
    legal_basis: str = ""
    people: Mapping[str, UUID | None] | None = None
    accepted: frozenset[str] = frozenset()


def mend(item: DescribedItem, repair: Repair) -> DescribedItem:
    """Return ``item`` with what was said about it, and without the doubts that this settles."""
    settled: set[DoubtCode] = set()
    if repair.licence:
        item = item._replace(licence=Licence(repair.licence, find_spdx(repair.licence)))
        settled |= _LICENCE
    if repair.legal_basis:
        item = item._replace(legal_basis=repair.legal_basis)
        settled |= _BASIS
    if repair.people:
        named = [(name, repair.people.get(name, name)) for name in item.depicts]
        item = item._replace(depicts=tuple(str(who) for _, who in named if who is not None))
        if "?" not in item.depicts:
            settled.add(DoubtCode.PEOPLE_UNREADABLE)
    left = tuple(
        one
        for one in item.doubts
        if one.code not in settled and one.code.value not in repair.accepted
    )
    return item._replace(doubts=left)


def dump(item: DescribedItem, accepted: Iterable[str] = ()) -> bytes:
    """Return an item as JSON, with what somebody answered for; ``load`` reads it.

    Its caption, and what the format does not know, are left out: nobody needs them for a repair.
    """
    return orjson.dumps(
        {
            "ordinal": item.ordinal,
            # A file's name need not be text.
            "location": item.location.encode("utf-8", "replace").decode(),
            "digest": [item.digest.algorithm, item.digest.value] if item.digest else None,
            "perceptual_hash": item.perceptual_hash,
            "size": item.size,
            "width": item.width,
            "height": item.height,
            "media_type": item.media_type,
            "licence": [item.licence.stated, item.licence.spdx],
            "legal_basis": item.legal_basis,
            "depicts": item.depicts,
            "creators": item.creators,
            "signals": item.signals,
            "flags": item.flags,
            "accepted": sorted(accepted),
            "doubts": [(one.code.value, one.place, one.met) for one in item.doubts],
        },
        default=str,
    )


def load(data: bytes) -> tuple[DescribedItem, frozenset[str]]:
    """Read what ``dump`` wrote."""
    said = orjson.loads(data)
    accepted = frozenset(said.pop("accepted"))
    item = DescribedItem(
        **said
        | {
            "digest": Digest(*said["digest"]) if said["digest"] else None,
            "licence": Licence(*said["licence"]),
            "depicts": tuple(said["depicts"]),
            "creators": tuple(said["creators"]),
            "signals": tuple((name, value) for name, value in said["signals"]),
            "flags": tuple((name, value) for name, value in said["flags"]),
            "doubts": tuple(
                Doubt(DoubtCode(code), place, met) for code, place, met in said["doubts"]
            ),
        }
    )
    return item, accepted
