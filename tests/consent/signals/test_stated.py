"""What tables state of their items' signals, and what comes of it at the door."""

import pytest

from consent.formats.described import DescribedItem, Digest, Licence
from consent.intake import Admitted, Known, Refused, judge
from consent.signals.finding import Standing
from consent.signals.stated import weigh
from consent.uses import Use


@pytest.mark.parametrize(
    ("name", "value", "standing"),
    [
        ("X-Robots-Tag", "noindex, noai", Standing.RESERVED),
        ("gpc", "1", Standing.SILENT),
        ("noai", "maybe", Standing.MALFORMED),
        ("noai", "true", Standing.RESERVED),
        ("noai", "0", Standing.SILENT),
        ("quality", "noai", Standing.SILENT),
        ("robots", "index\r\ntdm-reservation: 1", Standing.SILENT),
        ("tdm-reservation", "0", Standing.PERMITTED),
        ("tdm_reservation", "1", Standing.RESERVED),
    ],
)
def test_a_pair_is_read_as_the_header_that_it_stands_for(
    name: str, value: str, standing: Standing
) -> None:
    assert weigh(((name, value),), (Use.TRAIN,)) is standing


def test_only_the_uses_that_are_asked_about_count() -> None:
    assert weigh((("gpc", "1"),), (Use.COMMERCIAL,)) is Standing.RESERVED
    assert weigh((("noai", "1"),), (Use.DEPICT,)) is Standing.SILENT
    assert weigh((("noai", "?"),), (Use.DEPICT,)) is Standing.SILENT


def item(*signals: tuple[str, str]) -> DescribedItem:
    digest, licence = Digest("sha256", "ab" * 32), Licence("CC0-1.0", "CC0-1.0")
    return DescribedItem(
        1, "a.png", digest, licence=licence, legal_basis="licence", signals=signals
    )


def test_what_is_reserved_stays_out_and_what_is_unclear_somebody_may_accept() -> None:
    known = Known({}, (), uses=(Use.TRAIN,))
    reserved = judge(item(("noai", "1")), known)
    assert isinstance(reserved, Refused)
    assert reserved.reasons == ("signal_reserved",)
    unclear = judge(item(("noai", "perhaps")), known)
    assert isinstance(unclear, Refused)
    assert unclear.reasons == ("signal_unclear",)
    accepted = frozenset({"signal_unclear"})
    assert isinstance(judge(item(("noai", "perhaps")), known, accepted=accepted), Admitted)
    assert isinstance(judge(item(("noai", "0")), known), Admitted)


def test_nobody_claims_what_was_observed_though_nothing_was() -> None:
    claimed = item(("robots", "all"), ("observed", "conditions"), ("observed:tdmrep", "x"))
    let_in = judge(claimed, Known({}, (), (Use.TRAIN,)))
    assert isinstance(let_in, Admitted)
    assert let_in.member.signals == let_in.item.signals == (("robots", "all"),)
