"""What a data set version commits to: one salted commitment per item, and the root over them.

An item's commitment says nothing without its 32 random bytes, which are sealed with the item: an
erased item leaves nothing that a guess could be checked against, and the version's digest still
follows from the commitments that stay. Design, section 8.
"""

import hmac
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from uuid import UUID

from consent.uses import LegalBasis
from ledger.canonical import JSON, canonical, parse_object
from ledger.commitment import RANDOMNESS_SIZE
from ledger.merkle import leaf_hash, tree_root

ITEM_LABEL = b"muniment/item/v1\0"


@dataclass(frozen=True)
class Member:
    """One item of a version, as committed to: ``digest`` is the SHA-256 of the file in hex."""

    digest: str
    licence: str
    legal_basis: LegalBasis
    depicts: tuple[UUID, ...]

    def canonical(self) -> bytes:
        """Return the canonical JSON that the commitment covers; people in a fixed order."""
        depicts: list[JSON] = [*sorted(str(person) for person in self.depicts)]
        return canonical(
            {**asdict(self), "legal_basis": self.legal_basis.value, "depicts": depicts}
        )


def commit(member: Member, salt: bytes) -> bytes:
    """Return HMAC-SHA-256(salt, label ‖ canonical member). ``salt`` is 32 fresh random bytes."""
    if len(salt) != RANDOMNESS_SIZE:
        # HMAC gives the same tag for a key and for the key with zero bytes behind it.
        raise ValueError(f"salt has {len(salt)} bytes, wanted {RANDOMNESS_SIZE}")
    return hmac.digest(salt, ITEM_LABEL + member.canonical(), "sha256")


def version_digest(commitments: Iterable[bytes]) -> bytes:
    """Return the RFC 9162 root over the commitments, sorted by their raw bytes."""
    return tree_root([leaf_hash(commitment) for commitment in sorted(commitments)])


def seal_opening(member: Member, salt: bytes) -> bytes:
    """Return the bytes from which ``read_opening`` gives ``member`` and ``salt`` again."""
    return salt + member.canonical()


def read_opening(data: bytes) -> tuple[Member, bytes]:
    """Split an item's opening into its member and salt. Raises CanonicalError when malformed."""
    salt, body = data[:RANDOMNESS_SIZE], parse_object(data[RANDOMNESS_SIZE:])
    depicts = body["depicts"]
    assert isinstance(depicts, list)
    member = Member(
        digest=str(body["digest"]),
        licence=str(body["licence"]),
        legal_basis=LegalBasis(str(body["legal_basis"])),
        depicts=tuple(UUID(str(person)) for person in depicts),
    )
    return member, salt
