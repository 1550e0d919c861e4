"""A long log is verified in spans, by several processes, and from a stated checkpoint on."""

import json
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from consent.models import Subject
from ledger.errors import UnknownCheckpoint, VerificationBroken
from ledger.models import Leaf, Log, Scope, Segment
from ledger.services import Draft, Unsealed, append_many, close_epoch, destroy_scopes
from ledger.spans import pool
from ledger.spans.openings import Sealed
from ledger.tree import StoredTree
from ledger.verification import verify_log
from ledger.verification.stated import Stated, Statement
from tests.conftest import ActingAs
from tests.ledger.acts import THING_TESTED, Tries, about, person
from tests.ledger.forging import forge
from tests.ledger.workers import cut_for_workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.superuser]

ROOT = Path(__file__).parents[2]
LEAVES = 1 + 600 + 300
EDIT = (
    "UPDATE ledger_record SET body = convert_to(replace(convert_from(body, 'UTF8'), "
    "'\"tries\":', '\"tries\":9'), 'UTF8') WHERE id = "
    "(SELECT record_id FROM ledger_leaf WHERE index = {})"
)


@pytest.fixture
def long_log(log: Log, sequence: Callable[[], int]) -> Log:
    """Leaves 0 to 900 under checkpoints of 601 and 901; leaf 700 has a segment."""
    for first, number in ((0, 600), (600, 300)):
        with transaction.atomic():
            append_many(
                Draft(THING_TESTED, Tries(tries=n), [about(person())] if n == 699 else [])
                for n in range(first, first + number)
            )
        sequence()
    return log


@pytest.fixture
def by_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut the log into spans of one tile each, for two processes."""
    cut_for_workers(monkeypatch)


def test_workers_give_the_verdict_that_one_process_gives(
    long_log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = verify_log(long_log)
    cut_for_workers(monkeypatch)
    together = verify_log(long_log)
    assert together == alone
    incarnation = long_log.incarnations.get()
    assert (alone.findings, alone.size) == ([], LEAVES)
    assert alone.root == StoredTree(incarnation).root(LEAVES)


@pytest.mark.usefixtures("by_workers")
@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        (EDIT.format(255), "the record of leaf 255 was changed after it was signed"),
        (EDIT.format(256), "the record of leaf 256 was changed after it was signed"),
        (EDIT.format(600), "the record of leaf 600 was changed after it was signed"),
        (EDIT.format(850), "do not give the root signed at size 901"),
        (
            "UPDATE ledger_tile SET hashes = overlay(hashes placing '\\x0000' from 8161) "
            "WHERE level = 0 AND index = 1",
            "the tile of leaf 511 was changed: the records give the signed root",
        ),
        ("UPDATE ledger_tile SET root = sha256(root) WHERE index = 1", "tile 0/1 differs from"),
        ("DELETE FROM ledger_tile WHERE index = 1", "tile 0/1 is missing"),
        ("DELETE FROM ledger_leaf WHERE index = 300", "leaf 300 is missing"),
        ("DELETE FROM ledger_leaf WHERE index = 900", "holds 900 leaves, its checkpoint counts"),
    ],
)
def test_forgery_in_any_span_is_found_and_named(
    long_log: Log, acting_as: ActingAs, statement: str, complaint: str
) -> None:
    with acting_as("superuser"):
        forge(statement)
    found = [one.message for one in verify_log(long_log).findings]
    assert [message for message in found if complaint in message], found


@pytest.mark.parametrize("spans", [(256, LEAVES), (LEAVES, 256)], ids=["integrity", "openness"])
def test_killed_worker_breaks_the_verification_and_passes_for_no_verdict(
    long_log: Log, monkeypatch: pytest.MonkeyPatch, spans: tuple[int, int]
) -> None:
    cut_for_workers(monkeypatch, integrity_span=spans[0], openness_span=spans[1])
    ask = pool._Worker.ask

    def ask_the_dead(worker: Any, task: bytes) -> Any:
        worker._process.kill()
        worker._process.wait()
        return ask(worker, task)

    monkeypatch.setattr(pool._Worker, "ask", ask_the_dead)
    with pytest.raises(VerificationBroken, match="a worker of the verification ended"):
        verify_log(long_log)


@pytest.fixture
def sealed_log(log: Log, sequence: Callable[[], int], acting_as: ActingAs) -> Log:
    """Leaves 0 to 900, every seventh with segments of one or two of four people, in all spans.

    Of the four, the second is destroyed in a closed epoch, the third is being destroyed. One row
    is told of in the first and in the last span.
    """
    people = [person() for _ in range(4)]
    row = Subject(
        scope=Scope.objects.get(pk=people[0]),
        registered_at=timezone.now(),
    )
    row.save(force_insert=True)

    def segments(n: int) -> list[Unsealed]:
        if n in (10, 890):
            return [Unsealed("house", rows=(row,))]
        one, other = people[n % 4], people[(n + 1) % 4]
        return [] if n % 7 else [about(one, n=str(n)), about(one, other), about(other)][: 1 + n % 3]

    for first in range(0, 900, 300):
        with transaction.atomic():
            append_many(
                Draft(THING_TESTED, Tries(tries=n), segments(n)) for n in range(first, first + 300)
            )
    with acting_as("eraser"):
        destroy_scopes([people[1]])
        close_epoch()
        destroy_scopes([people[2]])
    sequence()
    return log


OF_LEAVES = "record_id IN (SELECT record_id FROM ledger_leaf WHERE index IN (1, 337, 841))"


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT", None),
        (f"DELETE FROM ledger_segment WHERE {OF_LEAVES}", "segment_missing"),
        (f"UPDATE ledger_segment SET position = 9 WHERE {OF_LEAVES}", "segment_stray"),
        (f"UPDATE ledger_segment SET scopes = '{{}}' WHERE {OF_LEAVES}", "key_missing"),
        ("UPDATE ledger_segment SET ciphertext = sha256(ciphertext)", "segment_replaced"),
        ("UPDATE ledger_tombstone SET salt = sha256(salt)", "tombstone_forged"),
        ("UPDATE ledger_tombstone SET epoch = 7", "epoch_incomplete"),
        ("UPDATE consent_subject SET handle = handle || 'X'", "row_changed"),
    ],
)
def test_workers_open_segments_as_one_process_does(
    sealed_log: Log,
    acting_as: ActingAs,
    monkeypatch: pytest.MonkeyPatch,
    statement: str,
    code: str | None,
) -> None:
    with acting_as("superuser"):
        forge(statement)
    alone = verify_log(sealed_log)
    cut_for_workers(monkeypatch)
    together = verify_log(sealed_log)
    assert together == alone
    found = {one.code for one in together.findings}
    assert code in found if code else not found
    assert code or together.segments.keys() == {
        *("open", "padding", "destroying", "destroyed (epoch 1)")
    }


def test_worker_knows_neither_django_nor_the_keystore() -> None:
    looked = "import sys, ledger.spans.__main__; print(*sys.modules)"
    said = subprocess.check_output([sys.executable, "-c", looked], cwd=ROOT, text=True)
    known = {name.split(".")[0] for name in said.split()} | set(said.split())
    assert "ledger.spans.openings" in known
    assert not known & {"django", "ledger.keystore", "ledger.vault"}


def test_worker_is_given_the_keys_of_its_span_and_no_others(
    sealed_log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_for_workers(monkeypatch, integrity_span=LEAVES, openness_span=100)
    ask, tasks = pool._Worker.ask, []

    def overhear(worker: Any, task: bytes) -> Any:
        tasks.append(json.loads(task))
        return ask(worker, task)

    monkeypatch.setattr(pool._Worker, "ask", overhear)
    assert verify_log(sealed_log).findings == []
    assert len(tasks) == 10
    for task in tasks:
        leaves = Leaf.objects.filter(index__gte=task["begin"], index__lt=task["end"])
        segments = Segment.objects.filter(record__in=leaves.values("record"))
        scopes = {str(scope) for one in segments for scope in one.scopes}
        assert task["keys"].keys() <= scopes
        assert not any(key in repr(Sealed(**task)) for key in task["keys"].values())


def test_verification_goes_on_from_a_checkpoint(long_log: Log, acting_as: ActingAs) -> None:
    done: list[int] = []
    verdict = verify_log(long_log, done.append, since=601)
    assert (verdict.findings, verdict.size, verdict.since) == ([], LEAVES, 601)
    assert verdict.segments == {"open": 1}
    # Twice 300 leaves, and those of the tile that the checkpoint ends in.
    assert sum(done) == 300 + (601 - 512) + 300
    with acting_as("superuser"):
        forge(EDIT.format(100))
    assert verify_log(long_log, since=601).findings == []
    with acting_as("superuser"):
        forge(EDIT.format(800))
    broken = verify_log(long_log, since=601).findings[0]
    assert (broken.index, broken.code) == (601, "root_differs")


def test_tile_changed_before_the_checkpoint_is_found_by_its_root(
    long_log: Log, acting_as: ActingAs
) -> None:
    with acting_as("superuser"):
        forge("UPDATE ledger_tile SET root = sha256(root) WHERE index = 0")
    assert verify_log(long_log, since=601).findings


def test_size_without_a_checkpoint_is_refused(long_log: Log) -> None:
    with pytest.raises(UnknownCheckpoint, match="no checkpoint of size 600 to go on from"):
        verify_log(long_log, since=600)


def test_command_goes_on_and_says_so_in_json(long_log: Log) -> None:
    said, shown = StringIO(), StringIO()
    options = {"log": "default", "since": 601, "json": True}
    call_command("verify_log", stdout=said, stderr=shown, **options)
    verdict = json.loads(said.getvalue())
    assert (verdict["sound"], verdict["since"], verdict["size"]) == (True, 601, LEAVES)
    assert shown.getvalue() == ""


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"since": 601}, "--from wants the size of a checkpoint, and --log"),
        ({"since": -1, "log": "default"}, "--from wants the size"),
        ({"since": 5, "log": "default"}, "no checkpoint of size 5"),
    ],
)
def test_command_refuses_what_it_cannot_go_on_from(
    long_log: Log, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(CommandError, match=complaint):
        call_command("verify_log", **options)


def test_newest_statement_about_a_row_counts() -> None:
    stated = Stated()
    stated.note([("t", "b", "sha256:1", 1, "r1"), ("t", "a", "sha256:2", 2, "r2")])
    stated.note([("t", "b", "sha256:3", 3, "r3")])
    assert stated.tables() == ["t"]
    assert list(stated.of("t")) == [
        ("a", Statement("sha256:2", 2, "r2")),
        ("b", Statement("sha256:3", 3, "r3")),
    ]
