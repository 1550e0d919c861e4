import json
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.merkle import inclusion_path
from ledger.note import Checkpoint
from ledger.reports.bundle import Earlier, Evidence
from ledger.tlogproof import TlogProof
from ledger.verifier.bundle import Place, PlacedOpening, Tombstone
from ledger.verifier.positions import Status
from ledger.verifier.report import NO_PERIOD, Period
from ledger.verifier.verify import OPERATORS_WORD, Requirement, verify_bundle
from tests.ledger.bundles import (
    ORIGIN,
    POLICY,
    SIGNERS,
    WITNESS,
    WITNESSED,
    Log,
    case,
    good,
    tampered,
    unpack,
)
from tests.ledger.edits import drop
from tests.ledger.vectors import load

VKEY = SIGNERS[0].verifier.vkey


def test_good_bundle_is_consistent_but_its_signer_is_not_authenticated() -> None:
    verdict = verify_bundle(good())
    assert verdict.findings == []
    assert verdict.headline == f"CONSISTENT, SIGNER NOT AUTHENTICATED {ORIGIN} {VKEY}"
    assert verdict.rests_on == OPERATORS_WORD


def test_policy_from_outside_authenticates_the_signer() -> None:
    verdict = verify_bundle(good(), policy=POLICY)
    assert verdict.headline == f"AUTHENTICATED {ORIGIN} {VKEY}"
    assert verdict.rests_on == OPERATORS_WORD


def test_path_of_a_file_does_as_well_as_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "report.zip").write_bytes(good())
    assert verify_bundle(tmp_path / "report.zip").is_consistent


def test_each_position_has_one_status_and_they_are_counted() -> None:
    verdict = verify_bundle(good())
    statuses = [
        verdict.status(index, position)
        for index, leaf in verdict.leaves.items()
        for position in range(len(leaf.body.commitments))
    ]
    assert sorted(statuses) == sorted(
        ["destroyed (epoch 1)"] * 2 + ["opened"] * 5 + ["padding"] + ["withheld"] * 2
    )
    counts = {"opened": 5, "withheld": 2, "destroyed": 2, "padding": 1, "missing": 0}
    assert verdict.positions.count() == counts


def test_openings_may_be_taken_out_wholly_and_figures_still_hold() -> None:
    bundle = tampered(drop("disclosed/names.json", "disclosed/openings.ndjson"))
    verdict = verify_bundle(bundle, policy=POLICY)
    assert verdict.is_authenticated
    assert verdict.openings_withheld
    assert verdict.figures == len(case().figures)
    assert verdict.positions.count()[Status.WITHHELD] == 7
    assert b"Ada Invented" not in bundle


def test_bundle_may_disclose_nothing_from_the_first() -> None:
    it = case()
    nothing = replace(it.evidence, openings=[])
    verdict = verify_bundle(
        replace(it, evidence=nothing, papers=replace(it.papers, names={})).build()
    )
    assert verdict.is_consistent
    assert not verdict.openings_withheld


@pytest.mark.parametrize("size", [2, 3, 5, 8, 9, 10, 12])
def test_log_goes_on_from_a_checkpoint_that_the_auditor_kept(size: int) -> None:
    assert verify_bundle(good(), since=case().log.note(size)).is_consistent


def test_checkpoint_that_proves_the_manifest_may_be_the_one_kept() -> None:
    issued = TlogProof.parse(unpack(good())["manifest.tlog-proof"]).note
    assert Checkpoint.parse(issued.text).size == 14
    assert verify_bundle(good(), since=issued).is_consistent


def test_witnesses_of_a_policy_from_outside_are_what_completeness_rests_on() -> None:
    it = case()
    note = it.log.note(12, [*SIGNERS, WITNESS], time=1_800_000_000)
    bundle = replace(it, evidence=replace(it.evidence, checkpoint=note)).build()
    verdict = verify_bundle(bundle, policy=WITNESSED, require=[Requirement.WITNESS])
    assert verdict.is_authenticated
    assert verdict.rests_on == "witnessed by 1 to 12"
    assert verify_bundle(bundle).rests_on == OPERATORS_WORD


def test_witnesses_that_only_the_bundle_names_prove_nothing() -> None:
    it = case()
    note = it.log.note(12, [*SIGNERS, WITNESS], time=1_800_000_000)
    papers = replace(it.papers, policy=WITNESSED)
    evidence = replace(it.evidence, checkpoint=note)
    verdict = verify_bundle(replace(it, evidence=evidence, papers=papers).build())
    assert verdict.rests_on == OPERATORS_WORD


def test_report_may_speak_of_single_leaves_each_with_its_proof() -> None:
    it = case()
    evidence = Evidence(
        checkpoint=it.evidence.checkpoint,
        leaves={index: it.log.leaves[index] for index in (0, 4, 10)},
        paths={index: it.log.path(index, 12) for index in (0, 4, 10)},
        period=NO_PERIOD,
        tombstones=[stone for stone in it.evidence.tombstones if stone.place.index == 4],
    )
    verdict = verify_bundle(replace(it, evidence=evidence).build())
    assert verdict.findings == []
    assert verdict.period.is_empty


def test_period_from_leaf_0_needs_no_checkpoint_before_it() -> None:
    it = case()
    evidence = replace(
        it.evidence,
        leaves=dict(enumerate(it.log.leaves)),
        paths={index: it.log.path(index, 12) for index in (0, 11)},
        period=Period(first=0, end=12, opened_by=0, closed_by=12),
        earlier=(),
    )
    assert verify_bundle(replace(it, evidence=evidence).build()).findings == []


def test_worked_example_comes_out_as_a_bundle() -> None:
    example = load("worked-example.json")
    log = Log([stated["leaf"].encode() for stated in example["leaves"]])
    evidence = Evidence(
        checkpoint=log.note(4),
        leaves={index: log.leaves[index] for index in (1, 2, 3)},
        paths={index: inclusion_path(log.hashes, index) for index in (1, 2, 3)},
        period=Period(first=1, end=3, opened_by=1, closed_by=4),
        earlier=[Earlier(log.note(1), log.way(1, 4))],
        openings=[PlacedOpening.parse(json.loads(line)) for line in example["disclosed"]],
        padding=[PlacedOpening.parse(json.loads(line)) for line in example["padding"]],
        tombstones=[Tombstone.parse(json.loads(line)) for line in example["tombstones"]],
    )
    files = unpack(built := replace(case(), log=log, evidence=evidence, figures=[]).build())
    for path, name in [
        ("disclosed/openings.ndjson", "disclosed"),
        ("padding.ndjson", "padding"),
        ("tombstones.ndjson", "tombstones"),
    ]:
        assert files[path].decode().splitlines() == example[name]
    verdict = verify_bundle(built)
    assert verdict.findings == []
    for index, position, status in example["verdicts"]:
        said = f"{status} (epoch 1)" if status == "destroyed" else status
        assert verdict.status(index, position) == said


def test_place_that_nothing_is_shown_of_is_withheld() -> None:
    verdict = verify_bundle(good())
    assert Place(7, 0) not in verdict.positions.shown
    assert verdict.status(7, 0) == "withheld"
