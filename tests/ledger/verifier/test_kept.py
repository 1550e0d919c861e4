"""A bundle that is kept, with tokens whose certificates end and an event that goes on outside."""

import json
from pathlib import Path

import pytest

from ledger.verifier.cli import main

KEPT = Path(__file__).parents[3] / "fixtures" / "bundles" / "2026-11-timed.zip"


def test_kept_bundle_with_tokens_and_a_part_of_an_event_verifies(
    capsys: pytest.CaptureFixture[str],
) -> None:
    policy, root = KEPT.with_suffix(".policy"), KEPT.with_suffix(".pem")
    demands = [f"--policy={policy}", f"--trust={root}", "--require=timestamp", "--json"]
    assert main([str(KEPT), *demands]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["findings"], said["authenticated"]) == ([], True)
    assert said["rests_on"] == (
        "time-stamped to index 4 at 2026-11-21T16:56:49Z; witnessed by 1 to 7"
    )
    assert said["times"] == {"leaves": 4, "merge_delay_seconds": 60, "tokens": 2}
    (event,) = said["events"]
    assert (event["here"], event["missing"], event["outside"]) == ([[1, 2]], [], [[3, 3]])
