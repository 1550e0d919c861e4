"""What of a described folder may enter a data set version, and why the rest may not.

Pure: everything about files and people is looked up before and passed in.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from consent.formats.folder import SHA256, DescribedFile
from consent.licences import is_known
from consent.members import Member
from consent.pictures import Picture
from consent.uses import LegalBasis


class Fault(StrEnum):
    """Why a file is quarantined. Stable: stored, and matched on by outsiders."""

    FILE_MISSING = "file_missing"
    PATH_REFUSED = "path_refused"
    UNDESCRIBED = "undescribed"
    DIGEST_MISSING = "digest_missing"
    DIGEST_DIFFERS = "digest_differs"
    PICTURE_REFUSED = "picture_refused"
    REPEATED = "repeated"
    LICENCE_MISSING = "licence_missing"
    LICENCE_UNKNOWN = "licence_unknown"
    BASIS_MISSING = "basis_missing"
    BASIS_UNKNOWN = "basis_unknown"
    PERSON_UNKNOWN = "person_unknown"
    CONSENT_MISSING = "consent_missing"


@dataclass(frozen=True)
class Found:
    """What lies under a described path: the file's SHA-256 in hex and what it decodes to."""

    digest: str
    picture: Picture


@dataclass(frozen=True)
class Admitted:
    """A file that may enter, with what will be committed to."""

    ordinal: int
    path: str
    member: Member
    picture: Picture


@dataclass(frozen=True)
class Refused:
    """A file that may not, with its place in the description (or behind it) and the reason."""

    ordinal: int
    path: str
    fault: Fault


def judge(
    *,
    ordinal: int,
    described: DescribedFile,
    found: Found | Fault,
    people: Mapping[str, UUID],
    consenting: Collection[UUID],
    seen: Collection[str],
) -> Admitted | Refused:
    """Admit one described file, or say what stands against it; the first fault found counts.

    ``people`` maps what descriptions call people to their ids, ``consenting`` holds those whose
    consent covers the use, ``seen`` the digests admitted before.
    """
    fault = found if isinstance(found, Fault) else _fault(described, found, people, seen)
    if fault is None and not all(people[name] in consenting for name in described.depicts):
        fault = Fault.CONSENT_MISSING
    if fault is not None:
        return Refused(ordinal, described.path, fault)
    assert isinstance(found, Found)
    member = Member(
        digest=found.digest,
        licence=described.licence,
        legal_basis=LegalBasis(described.legal_basis),
        depicts=tuple(dict.fromkeys(people[name] for name in described.depicts)),
    )
    return Admitted(ordinal, described.path, member, found.picture)


def _fault(
    described: DescribedFile, found: Found, people: Mapping[str, UUID], seen: Collection[str]
) -> Fault | None:
    checks = (
        (not SHA256.fullmatch(described.sha256), Fault.DIGEST_MISSING),
        (described.sha256 != found.digest, Fault.DIGEST_DIFFERS),
        (found.digest in seen, Fault.REPEATED),
        (not described.licence, Fault.LICENCE_MISSING),
        (not is_known(described.licence), Fault.LICENCE_UNKNOWN),
        (not described.legal_basis, Fault.BASIS_MISSING),
        (described.legal_basis not in set(LegalBasis), Fault.BASIS_UNKNOWN),
        (not all(name in people for name in described.depicts), Fault.PERSON_UNKNOWN),
    )
    return next((fault for is_faulty, fault in checks if is_faulty), None)
