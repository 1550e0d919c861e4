import hashlib
import hmac
import json
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consent.members import (
    PAGE,
    Member,
    Members,
    commit,
    digest_of,
    is_member,
    membership_path,
    paginate,
    read_opening,
    seal_opening,
    seal_openings,
    version_digest,
)
from consent.uses import LegalBasis
from ledger.canonical import canonical

SALT = bytes(range(32))
MEMBER = Member("ab" * 32, "CC0-1.0", LegalBasis.PUBLIC_DOMAIN, (UUID(int=2), UUID(int=1)), "a.png",
                signals=(("noai", "1"),))  # fmt: skip


def test_the_commitment_is_the_documented_bytes() -> None:
    said = (
        b'{"depicts":["00000000-0000-0000-0000-000000000001",'
        b'"00000000-0000-0000-0000-000000000002"],"digest":"' + b"ab" * 32 + b'","flags":[],'
        b'"height":0,"legal_basis":"public_domain","licence":"CC0-1.0","location":"a.png",'
        b'"media_type":"","perceptual_hash":"","signals":[["noai","1"]],"width":0}'
    )
    assert commit(MEMBER, SALT) == hmac.digest(SALT, b"muniment/item/v1\0" + said, "sha256")


_SIZES = st.integers(0, 2**53 - 1)


@given(st.builds(Member, st.text(), st.text(), depicts=st.just(()), width=_SIZES, height=_SIZES))
def test_what_is_committed_to_is_canonical_json(member: Member) -> None:
    said = json.loads(member.canonical())
    assert member.canonical() == canonical(said)


_TEXT = st.text(max_size=6) | st.text('",\\ \n[]x\u2028é', max_size=6)
_PAIRS = st.lists(st.tuples(_TEXT, _TEXT), max_size=2).map(tuple)
_MEMBERS = st.builds(
    Member,
    *(_TEXT, _TEXT, st.sampled_from(LegalBasis)),
    depicts=st.lists(st.sampled_from([UUID(int=2), UUID(int=1)]), unique=True).map(tuple),
    **dict.fromkeys(("location", "media_type", "perceptual_hash"), _TEXT),
    **dict.fromkeys(("width", "height"), _SIZES),
    **dict.fromkeys(("signals", "flags"), _PAIRS),
)


@given(st.lists(_MEMBERS, max_size=5))
def test_many_are_spelt_as_each_by_itself(members: list[Member]) -> None:
    assert list(Members.of(members).canonical()) == [one.canonical() for one in members]


@given(st.lists(_TEXT, max_size=4))
@example(['b",', "a", "c"])
@example(['","', '"\n  "', "\\", ""])
def test_no_text_breaks_out_of_its_row(texts: list[str]) -> None:
    members = [MEMBER._replace(location=text, licence="x") for text in texts]
    openings = seal_openings(Members.of(members))
    assert [read_opening(one)[0].location for one in openings] == texts


@given(st.lists(_MEMBERS, max_size=3), st.integers(1, 4))
def test_what_columns_repeat_is_spelt_alike(members: list[Member], times: int) -> None:
    repeated = [one for one in members for _ in range(times)]
    openings = seal_openings(Members.of(repeated))
    assert [read_opening(one)[0].canonical() for one in openings] == [
        one.canonical() for one in repeated
    ]
    assert len({one[:32] for one in openings}) == len(repeated)


def test_people_are_a_set() -> None:
    reordered = MEMBER._replace(depicts=tuple(reversed(MEMBER.depicts)))
    assert commit(reordered, SALT) == commit(MEMBER, SALT)


@pytest.mark.parametrize(
    "twin",
    [
        MEMBER._replace(digest="ac" * 32),
        MEMBER._replace(licence="CC-BY-4.0"),
        MEMBER._replace(legal_basis=LegalBasis.CONSENT),
        MEMBER._replace(depicts=MEMBER.depicts[:1]),
        MEMBER._replace(signals=()),
        MEMBER._replace(location="b.png"),
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


@pytest.mark.parametrize("count", [1, 2, PAGE, PAGE + 1, 3 * PAGE, 3 * PAGE + 5])
def test_pages_give_the_digest_and_prove_each_member(count: int) -> None:
    ordered = [number.to_bytes(32, "big") for number in range(count)]
    pages = list(paginate(ordered))
    roots = [page.root for page in pages]
    assert digest_of(roots) == version_digest(ordered)
    for at in sorted({0, count // 2, count - 1}):
        path = membership_path(pages[at // PAGE], roots, at, count)
        assert is_member(ordered[at], at, count, path, digest_of(roots))
        assert not is_member(bytes(32), at, count, path, digest_of(roots)) or at == 0
