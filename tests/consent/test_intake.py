"""What may enter a version and what may not, one item at a time and by columns."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from consent.decision import Decision, Outcome
from consent.formats.described import DescribedItem, DescribedItems, Digest, Licence, Reading
from consent.formats.described import Description as Whole
from consent.formats.doubts import Doubt, DoubtCode
from consent.intake import Admitted, Known, Refused, judge, judge_stated
from consent.signals.finding import Standing
from consent.signals.weighing import Weighing
from consent.uses import Use

CLEO, DAN = UUID(int=1), UUID(int=2)


def seen(outcome: Outcome) -> Weighing:
    """What was seen where an item lies, as somebody decided of it."""
    decision = Decision(outcome, (), (), "strict/1", datetime(2026, 1, 1, tzinfo=UTC))
    return Weighing(Standing.SILENT, (), decision, (Use.TRAIN,))


# By ordinal; the items of a test begin at 3.
SEEN = {4: seen(Outcome.REFUSED), 5: seen(Outcome.NEEDS_REVIEW), 6: seen(Outcome.ALLOWED)}
KNOWN = Known({"cleo": CLEO, "dan": DAN}, {CLEO}, (Use.TRAIN,), SEEN)
_SIZES = st.none() | st.integers(0, 2**31)


@st.composite
def described(draw: Any) -> DescribedItem:
    """An item that is plain as often as not."""
    plain = {
        "digest": Digest("sha256", "ab" * 32),
        "licence": Licence("CC0", "CC0-1.0"),
        "legal_basis": "licence",
    }
    odd = {
        "digest": st.sampled_from([None, Digest("sha512", "ab" * 64), Digest("md5", "ab" * 16)]),
        "licence": st.sampled_from([Licence(), Licence("Beerware?")]),
        "legal_basis": st.sampled_from(["", "because"]),
        "depicts": st.sampled_from([("cleo",), ("dan",), ("cleo", "dan"), ("eve",)]),
        "signals": st.sampled_from([(("noai", "0"),), (("noai", "1"),), (("noai", "?"),)]),
        "doubts": st.sampled_from(
            [(Doubt(DoubtCode.CREATOR_MISSING),), (Doubt(DoubtCode.LOCATION_MISSING, "url"),)]
        ),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(odd)), max_size=2, unique=True))
    return DescribedItem(
        1,
        draw(st.text(max_size=5)),
        width=draw(_SIZES),
        height=draw(_SIZES),
        media_type=draw(st.sampled_from(["", "image/png"])),
        flags=draw(st.sampled_from([(), (("nsfw", "-0.1"),)])),
        **plain | {name: draw(odd[name]) for name in chosen},
    )


@given(st.lists(described(), max_size=6))
def test_columns_are_judged_as_each_of_their_items_is(items: list[DescribedItem]) -> None:
    items = [item._replace(ordinal=place) for place, item in enumerate(items, 3)]
    admitted, refused = judge_stated(DescribedItems.of(items), KNOWN)
    verdicts = [judge(item, KNOWN) for item in items]
    expected = [one for one in verdicts if isinstance(one, Admitted)]
    assert refused == [one for one in verdicts if isinstance(one, Refused)]
    assert list(admitted.items) == [one.item for one in expected]
    members = zip(*admitted.members.columns, strict=True)
    assert list(members) == [tuple(one.member) for one in expected]


class _InBlocks(list[DescribedItem]):
    """Items that are read so many at a time."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(DescribedItem(place) for place in range(1, sum(sizes) + 1))
        self.sizes = sizes

    def blocks(self) -> Any:
        rest = iter(self)
        for size in self.sizes:
            yield DescribedItems.of([next(rest) for _ in range(size)])


@given(st.lists(st.integers(0, 7), max_size=8), st.integers(1, 6), st.booleans())
def test_items_come_in_order_at_most_so_many_at_a_time(
    sizes: list[int], most: int, in_blocks: bool
) -> None:
    items = _InBlocks(sizes)
    reading = Reading("manifest", "csv", "", Whole(), items if in_blocks else list(items))
    blocks = list(reading.blocks(most))
    assert [item for block in blocks for item in block] == items
    assert all(0 < len(block) <= most for block in blocks)
    # Not one transaction for each of many small blocks.
    assert len(blocks) <= 4 * len(items) / most + 1


def test_what_lies_behind_an_ordinal_is_found() -> None:
    items = DescribedItems.of([DescribedItem(place) for place in (2, 3, 7)])
    behind = {place: list(items.behind(place).column("ordinal")) for place in (1, 2, 6, 7)}
    assert behind == {1: [2, 3, 7], 2: [3, 7], 6: [7], 7: []}
    assert items[1] == DescribedItem(3)
