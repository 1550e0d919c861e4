"""Events that several records tell of, in the bundles that hold all, some or one of them."""

import json
from pathlib import Path

import pytest

from ledger.verifier.cli import MAX_EVENTS_TOLD, main
from ledger.verifier.events import MAX_SPANS_TOLD, tell
from ledger.verifier.verify import verify_bundle
from tests.ledger.gatherings import GATHERINGS, Gathering, told


@pytest.mark.parametrize("gathering", GATHERINGS, ids=lambda gathering: gathering.name)
def test_parts_in_the_span_and_outside_it_are_told_apart(gathering: Gathering) -> None:
    verdict = verify_bundle(gathering.build())
    assert verdict.findings == []
    found = [(event.here, event.missing, event.outside) for event in verdict.events]
    assert found == ([(gathering.here, [], gathering.outside)] if gathering.here else [])


def test_missing_part_is_named_with_the_event_it_is_of() -> None:
    verdict = verify_bundle(told("run", 1, 3, "run")())
    assert [str(finding) for finding in verdict.findings] == [
        "part.missing: leaves.ndjson, leaf 2, crowd.gathered: "
        "of 3 parts 2 must lie among these leaves"
    ]
    (event,) = verdict.events
    assert str(event) == "leaf 2, crowd.gathered: of 3 parts 1, 3 here, 2 missing"


def test_misplaced_part_is_named_with_what_was_wanted() -> None:
    (finding,) = verify_bundle(told(1, 2, 2, 3)()).findings
    assert finding.detail == (
        "part 2 of 3 of a crowd, wanted one behind part 2 of 3 of a crowd, in the event of leaf 1"
    )


def test_command_tells_which_parts_lie_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.zip").write_bytes(told(1, 2, 3, first=2, end=3)())
    assert main([str(tmp_path / "report.zip")]) == 0
    out = capsys.readouterr().out.splitlines()
    assert "events of several records: 1, whole here: 0" in out
    said = "leaf 2, crowd.continued: of 3 parts 2 here, 1, 3 outside this bundle"
    assert f"event in part: {said}" in out
    assert main([str(tmp_path / "report.zip"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["events"] == [
        {
            "index": 2,
            "kind": "crowd.continued",
            "parts": 3,
            "here": [[2, 2]],
            "missing": [],
            "outside": [[1, 1], [3, 3]],
        }
    ]


def test_command_tells_of_so_many_events_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = [{"kind": "crowd.gathered", "parts": 2, "people": n} for n in range(30)]
    (tmp_path / "report.zip").write_bytes(told(*headers)())
    assert main([str(tmp_path / "report.zip")]) == 0
    out = capsys.readouterr().out
    assert out.count(" of 2 parts 1 here, 2 outside this bundle") == MAX_EVENTS_TOLD
    assert "event in part: 10 more, all told by --json" in out


def test_of_many_spans_the_first_ones_are_told() -> None:
    assert tell([(1, 3), (5, 5)]) == "1 to 3, 5"
    spans = [(n, n) for n in range(0, 100, 2)]
    assert tell(spans) == ", ".join(str(n) for n in range(0, MAX_SPANS_TOLD * 2, 2)) + ", more"


def test_part_of_more_parts_than_could_be_written_is_no_work() -> None:
    most = 2**53 - 1
    verdict = verify_bundle(told({"part": 2, "parts": most}, first=1)())
    (event,) = verdict.events
    assert (verdict.findings, event.outside) == ([], [(1, 1), (3, most)])
