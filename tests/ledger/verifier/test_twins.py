import pytest

from ledger.verifier.findings import Code
from ledger.verifier.verify import verify_bundle
from tests.ledger.twins import TWINS, Twin, identity


def is_readable(text: str) -> bool:
    """Return whether a finding names code, place and difference in one plain line."""
    code, _, rest = text.partition(": ")
    return bool(code and rest) and text.isprintable() and not text.endswith(".")


# The archive's own codes have tests beside their reader, those of time stamps and of times that
# tokens contradict beside an authority.
ELSEWHERE = {
    Code.ARCHIVE_CRC,
    Code.ARCHIVE_PROFILE,
    Code.TIME_AHEAD,
    Code.TIME_BEHIND,
    Code.TIMESTAMP_FAILED,
    Code.TIMESTAMP_MALFORMED,
}


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_bad_twin_gives_its_findings_and_no_others(twin: Twin) -> None:
    verdict = verify_bundle(twin.build(), **twin.demands)
    assert [identity(finding) for finding in verdict.findings] == twin.expected
    assert verdict.headline == f"REFUSED, FINDINGS: {len(twin.expected)}"
    assert not [str(finding) for finding in verdict.findings if not is_readable(str(finding))]


def test_every_code_has_a_twin() -> None:
    given = {code for twin in TWINS for code, *_ in twin.expected}
    assert given | ELSEWHERE == set(Code)
