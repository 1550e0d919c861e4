import hashlib
import hmac
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.members import Member, commit, read_opening, seal_opening, version_digest
from consent.uses import LegalBasis

SALT = bytes(range(32))
MEMBER = Member("ab" * 32, "CC0-1.0", LegalBasis.PUBLIC_DOMAIN, (UUID(int=2), UUID(int=1)))


def test_the_commitment_is_the_documented_bytes() -> None:
    said = (
        b'{"depicts":["00000000-0000-0000-0000-000000000001",'
        b'"00000000-0000-0000-0000-000000000002"],'
        b'"digest":"' + b"ab" * 32 + b'","legal_basis":"public_domain","licence":"CC0-1.0"}'
    )
    assert commit(MEMBER, SALT) == hmac.digest(SALT, b"muniment/item/v1\0" + said, "sha256")


def test_people_are_a_set() -> None:
    reordered = replace(MEMBER, depicts=tuple(reversed(MEMBER.depicts)))
    assert commit(reordered, SALT) == commit(MEMBER, SALT)


@pytest.mark.parametrize(
    "twin",
    [
        replace(MEMBER, digest="ac" * 32),
        replace(MEMBER, licence="CC-BY-4.0"),
        replace(MEMBER, legal_basis=LegalBasis.CONSENT),
        replace(MEMBER, depicts=MEMBER.depicts[:1]),
    ],
)
def test_every_field_counts(twin: Member) -> None:
    assert commit(twin, SALT) != commit(MEMBER, SALT)


def test_a_short_salt_is_refused() -> None:
    with pytest.raises(ValueError, match="31 bytes, wanted 32"):
        commit(MEMBER, SALT[:31])


def test_an_opening_reads_back_and_gives_the_commitment_again() -> None:
    member, salt = read_opening(seal_opening(MEMBER, SALT))
    assert commit(member, salt) == commit(MEMBER, SALT)


def test_the_digest_of_a_single_member_is_its_leaf_hash() -> None:
    commitment = commit(MEMBER, SALT)
    assert version_digest([commitment]) == hashlib.sha256(b"\0" + commitment).digest()


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=9, unique=True))
def test_the_digest_does_not_depend_on_the_order(commitments: list[bytes]) -> None:
    assert version_digest(commitments) == version_digest(list(reversed(commitments)))
