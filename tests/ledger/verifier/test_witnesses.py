"""What completeness rests on: whom the auditor trusts besides the log, and what those signed."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ledger.canonical import canonical
from ledger.note import Checkpoint
from ledger.verifier.cli import main
from ledger.verifier.findings import Code
from ledger.verifier.signatures import Trust
from ledger.verifier.verify import OPERATORS_WORD, Requirement, Verdict, verify_bundle
from tests.ledger.authority import certify
from tests.ledger.bundles import MAY_WITNESS, WITNESS, WITNESSED, case, cosigned, good


def codes(verdict: Verdict) -> list[tuple[Code, str | None]]:
    return [(finding.code, finding.path) for finding in verdict.findings]


# Witnesses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ((2,), "witnessed by 1 to 2"),
        ((2, 9), "witnessed by 1 to 9"),
        ((2, 9, 12), "witnessed by 1 to 12"),
        ((), OPERATORS_WORD),
    ],
)
def test_completeness_rests_on_the_largest_witnessed_checkpoint(
    sizes: tuple[int, ...], said: str
) -> None:
    verdict = verify_bundle(cosigned(case(), *sizes).build(), policy=MAY_WITNESS)
    assert (verdict.is_authenticated, verdict.rests_on) == (True, said)


def test_earlier_witnessed_checkpoint_meets_the_demand_for_a_witness() -> None:
    bundle = cosigned(case(), 9).build()
    demanded = {"policy": MAY_WITNESS, "require": [Requirement.WITNESS]}
    assert verify_bundle(bundle, **demanded).is_consistent  # type: ignore[arg-type]
    verdict = verify_bundle(good(), **demanded)  # type: ignore[arg-type]
    assert [finding.code for finding in verdict.findings] == [Code.REQUIRE_WITNESS]


def test_quorum_of_the_policy_is_wanted_on_the_bundles_own_checkpoint() -> None:
    verdict = verify_bundle(cosigned(case(), 9).build(), policy=WITNESSED)
    assert [finding.code for finding in verdict.findings] == [Code.POLICY_QUORUM]


def test_false_cosignature_on_an_earlier_checkpoint_is_found() -> None:
    def lie(files: dict[str, bytes]) -> None:
        other = WITNESS.sign(Checkpoint("log.example/default", 9, bytes(32)).text, time=1)
        files["checkpoints/9"] += f"{other.line}\n".encode()

    verdict = verify_bundle(case().build(lie), policy=MAY_WITNESS)
    assert [(one.code, one.path) for one in verdict.findings] == [
        (Code.SIGNATURE_FAILED, "checkpoints/9")
    ]


# Whom the auditor trusts ------------------------------------------------------------------------


def test_token_of_no_checkpoint_here_is_named() -> None:
    def lie(files: dict[str, bytes]) -> None:
        files["timestamps/7.tsr"] = b"x"

    assert codes(verify_bundle(case().build(lie))) == [(Code.TIMESTAMP_PLACE, "timestamps/7.tsr")]


@pytest.mark.parametrize("path", ["timestamps/7", "timestamps/7.tlog-proof", "stamps/7.tsr"])
def test_file_that_only_looks_like_a_token_is_unknown(path: str) -> None:
    verdict = verify_bundle(case().build(lambda files: files.update({path: b"x"})))
    assert codes(verdict) == [(Code.FILE_UNKNOWN, path)]


def test_file_of_roots_that_is_no_pem_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.zip").write_bytes(good())
    (tmp_path / "bad.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nx\n")
    assert main([str(tmp_path / "report.zip"), f"--trust={tmp_path / 'bad.pem'}"]) == 2
    assert "roots are not certificates in PEM" in capsys.readouterr().err


def test_authoritys_roots_say_nothing_of_pades_roots() -> None:
    root = certify("root")
    it = case()
    papers = replace(it.papers, pades_roots=["anything"], tsa_roots=[root.pem.decode()])
    bundle = replace(it, papers=papers).build()
    trust = Trust.of_authority([root.certificate])
    assert verify_bundle(bundle, trust=trust).findings == []
    other = Trust.of_authority([certify("other").certificate])
    assert codes(verify_bundle(bundle, trust=other)) == [(Code.TRUST_OUTSIDE, "trust.json")]


def test_trust_is_read_strictly() -> None:
    root = certify("root").certificate.public_bytes(Encoding.PEM).decode()
    trust = Trust.parse(canonical({"pades": ["a"], "tsa": [root], "v": 1}))
    assert trust == Trust(frozenset({"a"}), frozenset({root}))
