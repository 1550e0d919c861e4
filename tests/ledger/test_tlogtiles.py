import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ProofError, UnknownTile
from ledger.tlogtiles import TilePath, pack_entries, unpack_entries


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("0/000", TilePath(0, 0)),
        ("63/x001/x234/067", TilePath(63, 1_234_067)),
        ("entries/x001/000.p/255", TilePath(None, 1000, 255)),
        ("1/999.p/1", TilePath(1, 999, 1)),
    ],
)
def test_path_survives_its_text(text: str, path: TilePath) -> None:
    assert (TilePath.parse(text), str(path)) == (path, text)


@given(st.one_of(st.none(), st.integers(0, 63)), st.integers(0, 10**18), st.integers(1, 256))
def test_every_path_survives_its_text(level: int | None, index: int, width: int) -> None:
    path = TilePath(level, index, width)
    assert TilePath.parse(str(path)) == path


@given(st.text(alphabet="0123456789x/.pentris", max_size=40))
def test_no_other_text_is_a_path(text: str) -> None:
    try:
        path = TilePath.parse(text)
    except UnknownTile:
        return
    assert str(path) == text


@pytest.mark.parametrize(
    "text",
    ["", "0/00", "0/1000", "0/x000/001", "64/000", "0/000.p/0", "0/000.p/256", "0/000\n", "00/000"],
)
def test_malformed_path_is_refused(text: str) -> None:
    with pytest.raises(UnknownTile, match="no tile has such a path"):
        TilePath.parse(text)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_entries_survive_their_bundle(entries: list[bytes]) -> None:
    assert unpack_entries(pack_entries(entries)) == entries


@given(st.binary(max_size=600))
def test_a_bundle_is_refused_or_is_exactly_its_entries(data: bytes) -> None:
    try:
        entries = unpack_entries(data)
    except ProofError:
        return
    assert pack_entries(entries) == data


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "bundle holds no entry"),
        (b"\0\0" * 257, "bundle holds more than 256 entries"),
        (b"\0\0" * (4 << 20), "bundle holds more than 256 entries"),
        (b"\0", "ends within an entry"),
        (b"\0\2a", "ends within an entry"),
        (b"\0\1a\0", "ends within an entry"),
    ],
)
def test_malformed_bundle_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(ProofError, match=complaint):
        unpack_entries(data)


def test_entry_too_long_for_its_length_field_is_refused() -> None:
    assert unpack_entries(pack_entries([bytes(65_535)])) == [bytes(65_535)]
    with pytest.raises(ProofError, match="entry has 65536 bytes"):
        pack_entries([bytes(65_536)])
