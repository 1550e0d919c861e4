"""RFC 3161 tokens in a bundle: what time rests on."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.leaf import format_at
from ledger.note import Checkpoint
from ledger.timestamps import build_query, verify_response
from ledger.verifier.cli import main
from ledger.verifier.findings import Code, Findings
from ledger.verifier.signatures import Trust
from ledger.verifier.stamps import check_stamps
from ledger.verifier.verify import OPERATORS_WORD, Requirement, Verdict, verify_bundle
from tests.ledger.authority import Authority, Party, certify, needs_openssl
from tests.ledger.bundles import MAY_WITNESS, Case, case, cosigned, tampered

pytestmark = needs_openssl


def pem(*parties: Party) -> frozenset[str]:
    return frozenset(party.pem.decode() for party in parties)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(folder)


def stamped(authority: Authority, *sizes: int, at: datetime | None = None) -> Case:
    """Return a case with tokens over the checkpoints of these sizes; its leaves say this minute.

    Or ``at``, where it is given.
    """
    it = case(at or datetime.now(UTC).replace(second=0, microsecond=0))
    texts = {size: it.log.note(size).text for size in sizes}
    stamps = {size: authority.reply(build_query(text).data) for size, text in texts.items()}
    papers = replace(it.papers, tsa_roots=sorted(pem(authority.root)))
    return replace(it, evidence=replace(it.evidence, stamps=stamps), papers=papers)


@pytest.mark.parametrize(("before", "is_held"), [(255, True), (256, False)])
def test_root_behind_many_others_vouches_for_nothing(
    authority: Authority, before: int, is_held: bool
) -> None:
    head = Checkpoint.parse(case().log.note(9).text)
    files = {"timestamps/9.tsr": authority.reply(build_query(head.text).data)}
    roots = certify("other").pem.decode() * before + authority.root.pem.decode()
    held = check_stamps(files, {9: head}, [roots], findings := Findings())
    assert (9 in held, [finding.code for finding in findings]) == (
        is_held,
        [] if is_held else [Code.TIMESTAMP_FAILED],
    )


def codes(verdict: Verdict) -> list[tuple[Code, str | None]]:
    return [(finding.code, finding.path) for finding in verdict.findings]


def test_time_rests_on_the_newest_token_under_roots_from_outside(authority: Authority) -> None:
    it = stamped(authority, 2, 9)
    trust = Trust(tsa=pem(authority.root))
    bundle = it.build()
    verdict = verify_bundle(bundle, trust=trust, require=[Requirement.TIMESTAMP])
    assert verdict.findings == []
    stamp = verify_response(
        it.evidence.stamps[9], it.log.note(9).text, (authority.root.certificate,)
    )
    at = stamp.time.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert verdict.rests_on == f"time-stamped to index 8 at {at}"


def test_authority_that_only_the_bundle_names_is_the_operators_word(authority: Authority) -> None:
    verdict = verify_bundle(stamped(authority, 9).build(), require=[Requirement.TIMESTAMP])
    assert codes(verdict) == [(Code.REQUIRE_TIMESTAMP, None)]
    assert verdict.rests_on == OPERATORS_WORD


def test_token_and_witness_stand_on_one_line(authority: Authority) -> None:
    bundle = cosigned(stamped(authority, 12), 9).build()
    trust = Trust(tsa=pem(authority.root))
    said = verify_bundle(bundle, policy=MAY_WITNESS, trust=trust).rests_on
    assert said.startswith("time-stamped to index 11 at ")
    assert said.endswith("; witnessed by 1 to 9")


def test_token_under_other_roots_than_the_auditors_is_refused(authority: Authority) -> None:
    verdict = verify_bundle(stamped(authority, 9).build(), trust=Trust(tsa=pem(certify("root"))))
    assert codes(verdict) == [
        (Code.TRUST_OUTSIDE, "trust.json"),
        (Code.TIMESTAMP_FAILED, "timestamps/9.tsr"),
    ]


def test_pades_root_vouches_for_no_token(authority: Authority) -> None:
    it = stamped(authority, 9)
    papers = replace(it.papers, tsa_roots=(), pades_roots=sorted(pem(authority.root)))
    verdict = verify_bundle(replace(it, papers=papers).build())
    assert codes(verdict) == [(Code.TIMESTAMP_FAILED, "timestamps/9.tsr")]


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (lambda files: files.update({"timestamps/9.tsr": b"x"}), Code.TIMESTAMP_MALFORMED),
        (
            lambda files: files.update({"timestamps/9.tsr": files["timestamps/2.tsr"]}),
            Code.TIMESTAMP_FAILED,
        ),
    ],
    ids=["garbage", "of another checkpoint"],
)
def test_token_that_does_not_hold_is_named(
    authority: Authority, lie: Callable[[dict[str, bytes]], None], code: Code
) -> None:
    verdict = verify_bundle(stamped(authority, 2, 9).build(lie))
    assert codes(verdict) == [(code, "timestamps/9.tsr")]


def test_token_that_was_swapped_after_issue_is_altered_too(authority: Authority) -> None:
    it = stamped(authority, 9)
    bundle, again = it.build(), authority.reply(build_query(it.log.note(9).text).data)
    verdict = verify_bundle(
        tampered(lambda files: files.update({"timestamps/9.tsr": again}), bundle)
    )
    assert codes(verdict) == [(Code.FILE_ALTERED, "timestamps/9.tsr")]


def test_command_takes_an_authoritys_pem(
    authority: Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.zip").write_bytes(stamped(authority, 9).build())
    (tmp_path / "root.pem").write_bytes(authority.root.pem)
    arguments = [str(tmp_path / "report.zip"), f"--trust={tmp_path / 'root.pem'}"]
    assert main([*arguments, "--require=timestamp", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rests_on"].startswith("time-stamped to index 8 at ")


# Times that tokens contradict.


def behind(authority: Authority, ago: timedelta, content: dict[str, Any] | None = None) -> Case:
    """Return a case whose leaves say a time ``ago``, with a token of now over the first two."""
    at = datetime.now(UTC).replace(second=0, microsecond=0) - ago
    # Not on the full hour, which may be a cut.
    it = stamped(authority, 2, at=at - timedelta(minutes=1) if not at.minute else at)
    return replace(it, content={**it.content, **(content or {})})


def told(verdict: Verdict) -> list[tuple[Code, int | None]]:
    return [(finding.code, finding.index) for finding in verdict.findings]


def test_leaves_that_say_a_later_time_than_their_token_are_named(authority: Authority) -> None:
    at = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(hours=2)
    verdict = verify_bundle(stamped(authority, 9, at=at).build())
    # Leaf 10 lies behind the token's tree.
    assert told(verdict) == [(Code.TIME_AHEAD, index) for index in range(2, 9)]
    said = str(verdict.findings[0])
    assert said.startswith(f"time.ahead: leaves.ndjson, leaf 2, grant.given: says {format_at(at)}")


def test_leaves_that_say_a_time_long_before_a_token_without_them_are_named(
    authority: Authority,
) -> None:
    verdict = verify_bundle(behind(authority, timedelta(minutes=20)).build())
    assert told(verdict) == [(Code.TIME_BEHIND, index) for index in (*range(2, 9), 10)]
    assert "a token saw the log without it at " in verdict.findings[0].detail


def test_report_may_promise_a_longer_merge_delay_and_the_auditor_may_not_believe_it(
    authority: Authority,
) -> None:
    promise = {"maximum_merge_delay_seconds": 7200}
    bundle = behind(authority, timedelta(minutes=20), promise).build()
    verdict = verify_bundle(bundle)
    assert (verdict.findings, str(verdict.timed)) == (
        [],
        "0 leaves are under time-stamp tokens (1), and a record is taken to wait 7200 s at most "
        "for its place",
    )
    refused = verify_bundle(bundle, merge_delay=timedelta(seconds=60))
    assert {code for code, _ in told(refused)} == {Code.TIME_BEHIND}


def test_token_that_does_not_hold_bounds_no_time(authority: Authority) -> None:
    verdict = verify_bundle(
        behind(authority, timedelta(minutes=20)).build(), trust=Trust(tsa=pem(certify("root")))
    )
    assert {code for code, _ in told(verdict)} == {Code.TRUST_OUTSIDE, Code.TIMESTAMP_FAILED}
    assert verdict.timed is None


def test_command_tells_how_many_leaves_are_under_tokens(
    authority: Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.zip").write_bytes(stamped(authority, 2, 9).build())
    assert main([str(tmp_path / "report.zip"), "--merge-delay=90"]) == 0
    said = "7 leaves are under time-stamp tokens (2), and a record is taken to wait 90 s at most"
    assert f"times: {said} for its place" in capsys.readouterr().out
    assert main([str(tmp_path / "report.zip"), "--json"]) == 0
    times = json.loads(capsys.readouterr().out)["times"]
    assert times == {"leaves": 7, "merge_delay_seconds": 60, "tokens": 2}
