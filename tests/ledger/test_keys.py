import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from ledger.errors import (
    KeyInUse,
    LogTampered,
    SigningKeyRefused,
)
from ledger.keystore.models import DataKey
from ledger.leaf import parse_leaf
from ledger.logkeys import read_history
from ledger.models import Checkpoint, Incarnation, Leaf, Log
from ledger.note import Note, Verifier
from ledger.proofs import current_incarnation, prove_record
from ledger.record_kinds import LOG_KEY_ROTATED, LogKeyRotated
from ledger.sequencer import Sequencer
from ledger.services import append
from ledger.services.keys import (
    KeyState,
    compromise_log_key,
    create_log_keys,
    list_keys,
    retire_log_key,
    rotate_log_keys,
)
from ledger.services.report import issue_report, log_policy, order_report, read_bundle
from ledger.signing import read_signers, read_standby, read_verifiers
from ledger.tlogpolicy import LogKey, Policy
from ledger.verification import verify_log
from ledger.verifier.verify import verify_bundle
from tests.conftest import ActingAs
from tests.ledger.acts import person, record
from tests.ledger.dying import COMMIT, die
from tests.ledger.forging import forge
from tests.ledger.test_reports import sequencing

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = "log.example/default"
T = datetime(2026, 11, 20, 15, 4, tzinfo=UTC)
Sequence = Callable[[], int]


@pytest.fixture
def rotated(log: Log, sequence: Sequence) -> tuple[tuple[Verifier, ...], tuple[Verifier, ...]]:
    """A log of 2 leaves whose keys were rotated at leaf 2; return the old and the new pair."""
    record()
    sequence()
    old, new = read_verifiers(ORIGIN), rotate_log_keys("default")
    sequence()
    return old, new


def test_first_checkpoint_over_a_rotation_is_signed_by_both_and_later_ones_by_the_new_keys(
    rotated: Any, log: Log, sequence: Sequence
) -> None:
    old, new = rotated
    record()
    sequence()
    assert [_signers(size) for size in (2, 3, 4)] == [set(old), {*old, *new}, set(new)]
    assert read_history(current_incarnation("default")).at(2) == old
    assert read_history(current_incarnation("default")).at(3) == new
    verdict = verify_log(log)
    assert (verdict.findings, set(verdict.signers)) == ([], {key.vkey for key in new})


def test_rotation_within_a_batch_is_handed_over_at_its_end(log: Log, sequence: Sequence) -> None:
    sequence()
    old = read_verifiers(ORIGIN)
    record()
    new = rotate_log_keys("default")
    record()
    sequence()
    assert _signers(4) == {*old, *new}
    assert verify_log(log).findings == []


def test_proofs_of_before_and_after_hold_under_their_own_keys(
    rotated: Any, sequence: Sequence
) -> None:
    old, new = rotated
    before = Leaf.objects.get(index=1).record.uuid
    after = record()
    sequence()
    for uuid in (before, after.uuid):
        proved = prove_record(uuid)
        proved.proof.verify(parse_leaf(proved.leaf).hash)
        assert {one.verifier for one in proved.proof.note.verify([*old, *new])} == set(new)


def test_log_is_rotated_again_and_again(rotated: Any, log: Log, sequence: Sequence) -> None:
    for count in (6, 8):
        rotate_log_keys("default")
        record()
        sequence()
        assert len(read_verifiers(ORIGIN)) == count
    assert verify_log(log).findings == []


def test_standby_pair_signs_nothing_until_it_is_rotated_to(log: Log, sequence: Sequence) -> None:
    sequence()
    made = create_log_keys("default")
    assert create_log_keys("default") == made == read_standby(ORIGIN)
    record()
    sequence()
    assert _signers(2) == set(read_verifiers(ORIGIN))
    assert rotate_log_keys("default") == made
    sequence()
    assert made[0] in _signers(3)
    assert read_standby(ORIGIN) == ()


def test_second_rotation_waits_for_the_first(log: Log, sequence: Sequence) -> None:
    sequence()
    new = rotate_log_keys("default")
    with pytest.raises(KeyInUse, match="waits for its place: is it sequenced"):
        rotate_log_keys("default")
    sequence()
    assert read_verifiers(ORIGIN)[-2:] == new


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", ["ledger.services.keys:adopt_standby_keys", COMMIT])
def test_rotation_cut_off_is_done_by_repeating_it(
    log: Log, sequence: Sequence, at: str, when: str
) -> None:
    sequence()
    die(lambda: rotate_log_keys("default"), at=at, when=when)
    if (at, when) != (COMMIT, "after"):
        rotate_log_keys("default")
    record()
    sequence()
    record()
    sequence()
    assert len(read_verifiers(ORIGIN)) == 4
    assert _signers(4) == set(read_verifiers(ORIGIN)[2:])
    assert verify_log(log).findings == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", [COMMIT, "ledger.anchor:Anchor.advance"])
def test_sequencer_killed_at_a_rotation_signs_it_by_both(
    log: Log, sequence: Sequence, acting_as: ActingAs, at: str, when: str
) -> None:
    sequence()
    rotate_log_keys("default")
    with acting_as("sequencer"):
        die(Sequencer(log).step, at=at, when=when)
    sequence()
    assert len(_signers(2)) == 4
    record()
    sequence()
    assert len(_signers(3)) == 2
    assert verify_log(log).findings == []


def test_running_sequencer_follows_a_rotation(log: Log, acting_as: ActingAs) -> None:
    with acting_as("sequencer"):
        running = Sequencer(log)
        running.step()
    new = rotate_log_keys("default")
    with acting_as("sequencer"):
        running.step()
    record()
    with acting_as("sequencer"):
        running.step()
    assert _signers(3) == set(new)


def test_rotation_to_keys_that_are_not_here_is_never_signed(log: Log, sequence: Sequence) -> None:
    sequence()
    strange = tuple(
        type(key)(key.name, key.type, bytes(reversed(key.public))) for key in read_verifiers(ORIGIN)
    )
    facts = LogKeyRotated(
        origin=ORIGIN,
        keys=tuple(key.vkey for key in strange),
        replaces=tuple(key.vkey for key in read_verifiers(ORIGIN)),
    )
    with transaction.atomic():
        append(kind=LOG_KEY_ROTATED, facts=facts)
    with pytest.raises(SigningKeyRefused, match="cannot be read"):
        sequence()
    assert Checkpoint.objects.count() == 1


def test_rotation_that_replaces_other_keys_than_those_in_force_changes_nothing(
    rotated: Any, log: Log, sequence: Sequence
) -> None:
    old, new = rotated
    facts = LogKeyRotated(
        origin=ORIGIN,
        keys=tuple(key.vkey for key in old),
        replaces=tuple(key.vkey for key in old),
    )
    with transaction.atomic():
        append(kind=LOG_KEY_ROTATED, facts=facts)
    sequence()
    assert _signers(4) == set(new)
    assert verify_log(log).findings == []


def test_retired_key_is_gone_and_its_signatures_go_on_to_verify(
    rotated: Any, log: Log, sequence: Sequence, home: Path
) -> None:
    old, new = rotated
    with pytest.raises(KeyInUse, match="signs log.example/default: run manage.py keys rotate"):
        retire_log_key(new[0].key_id.hex())
    for key in old:
        retire_log_key(key.key_id.hex())
        retire_log_key(key.key_id.hex())
    assert len(list(home.rglob("logs/*/*.pem"))) == 2
    with pytest.raises(SigningKeyRefused, match="cannot be read"):
        read_signers(ORIGIN, old)
    record()
    sequence()
    assert Leaf.objects.count() == 6
    assert verify_log(log).findings == []
    assert [one.state for one in list_keys()][:4] == [KeyState.RETIRED] * 2 + [
        KeyState.IN_FORCE
    ] * 2


def test_key_that_both_pairs_have_not_signed_for_yet_is_not_retired(
    log: Log, sequence: Sequence
) -> None:
    sequence()
    old = read_verifiers(ORIGIN)[0].key_id.hex()
    rotate_log_keys("default")
    with pytest.raises(KeyInUse):
        retire_log_key(old)
    sequence()
    retire_log_key(old)


def test_compromised_key_in_force_is_rotated_in_the_same_breath(
    log: Log, sequence: Sequence
) -> None:
    sequence()
    old = read_verifiers(ORIGIN)
    compromise_log_key(old[0].key_id.hex(), T)
    sequence()
    record()
    sequence()
    facts = [parse_leaf(prove_record(leaf.record.uuid).leaf).body for leaf in _leaves()[1:3]]
    assert [body.kind for body in facts] == ["log_key.compromised", "log_key.rotated"]
    assert facts[0].facts == {
        "key": old[0].vkey,
        "origin": ORIGIN,
        "since": "2026-11-20T15:04:00Z",
    }
    assert _signers(4) == set(read_verifiers(ORIGIN)[2:])
    assert verify_log(log).findings == []
    assert list_keys()[0].state is KeyState.COMPROMISED


def test_key_that_signs_on_after_its_compromise_is_a_finding(
    log: Log, sequence: Sequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ledger.services import keys

    sequence()
    monkeypatch.setattr(keys, "_is_rotating", lambda _: True)
    compromise_log_key(read_verifiers(ORIGIN)[1].key_id.hex(), T)
    sequence()
    found = verify_log(log).findings
    assert [(one.code, one.index) for one in found] == [("key_compromised", 1)]


@pytest.mark.superuser
def test_rotation_that_the_old_keys_did_not_sign_is_a_finding(
    rotated: Any, log: Log, acting_as: ActingAs
) -> None:
    _, new = rotated
    note = str(Note.parse(Checkpoint.objects.get(size=3).note).signed_by(new))
    with acting_as("superuser"):
        forge(f"UPDATE ledger_checkpoint SET note = '{note}' WHERE size = 3")
    assert [(one.code, one.index) for one in verify_log(log).findings] == [("rotation_unsigned", 2)]


@pytest.mark.superuser
def test_old_keys_sign_nothing_beyond_the_rotation(
    rotated: Any, log: Log, sequence: Sequence, acting_as: ActingAs
) -> None:
    old, _ = rotated
    note = str(Note.parse(Checkpoint.objects.get(size=3).note).signed_by(old))
    with acting_as("superuser"):
        forge(f"UPDATE ledger_checkpoint SET note = '{note}' WHERE size = 3")
    assert "checkpoint_invalid" in {one.code for one in verify_log(log).findings}
    record()
    with pytest.raises(LogTampered, match="is signed for something else"):
        sequence()


@pytest.mark.superuser
def test_list_of_key_records_that_lacks_one_is_a_finding(
    rotated: Any, log: Log, acting_as: ActingAs
) -> None:
    with acting_as("superuser"):
        forge("DELETE FROM ledger_keyrecord")
    assert "key_record_differs" in {one.code for one in verify_log(log).findings}


def test_bundle_over_a_rotation_verifies_under_a_policy_with_both_pairs(
    rotated: Any, sequence: Sequence, log: Log, acting_as: ActingAs
) -> None:
    record()
    sequence()
    with acting_as("superuser"), sequencing(log):
        bundle = read_bundle(issue_report(order_report(officer=person())))
    verdict = verify_bundle(bundle, policy=log_policy(ORIGIN))
    assert verdict.findings == []
    assert verdict.headline == f"AUTHENTICATED {ORIGIN} {rotated[1][0].vkey}"
    assert verdict.leaves[2].body.kind == "log_key.rotated"
    strange = Policy(tuple(LogKey(key) for key in rotated[0]))
    assert not verify_bundle(bundle, policy=strange).is_consistent


def test_private_keys_lie_encrypted_and_for_their_owner_only(log: Log, home: Path) -> None:
    files = [*home.rglob("*.pem"), *home.rglob("*.key"), home / "keys" / "passphrase"]
    assert len(files) == 5
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    for path in home.rglob("*.pem"):
        assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    (home / "keys" / "passphrase").write_bytes(b"another")
    with pytest.raises(SigningKeyRefused, match="does not open"):
        read_signers(ORIGIN)


@pytest.mark.parametrize("number", [0, 1])
def test_key_file_in_another_key_s_place_is_refused(log: Log, home: Path, number: int) -> None:
    one, other = (home / f"keys/logs/log.example_default/{name}.pem" for name in _ids())
    if number:
        one, other = other, one
    one.write_bytes(other.read_bytes())
    with pytest.raises(SigningKeyRefused, match="holds another"):
        read_signers(ORIGIN)


def test_key_file_that_others_may_read_stops_the_sequencer(
    log: Log, sequence: Sequence, home: Path
) -> None:
    next(iter(home.rglob("*.pem"))).chmod(0o640)
    with pytest.raises(SigningKeyRefused, match="has mode 640, wanted 600"):
        sequence()


def test_commands_tell_what_they_did(
    log: Log, sequence: Sequence, acting_as: ActingAs, databases: Any
) -> None:
    sequence()
    person()
    old = _ids()
    with acting_as("eraser"):
        assert "stands by" in _called("create", "log")
        assert "kek-0002 stands by" in _called("create", "encryption")
        assert "will sign" in _called("rotate", "log")
        assert "kek-0002 wraps" in _called("rotate", "encryption")
        assert _called("rewrap", "--batch=1") == f"{DataKey.objects.count()} data keys re-wrapped\n"
        assert _called("retire", "kek-0001") == "kek-0001 is destroyed\n"
    sequence()
    with acting_as("eraser"):
        assert _called("retire", old[0]) == f"{old[0]} is destroyed\n"
        said = _called("compromise", old[1], "--since", "2026-11-20T16:04+01:00")
        assert said == f"{old[1]} of {ORIGIN} is not trusted since 2026-11-20T15:04Z\n"
    sequence()
    with acting_as("eraser"):
        told = json.loads(_called("list", "--json"))
        assert [one["state"] for one in told] == [
            *("retired", "compromised", "in force", "in force"),
            "in force",
        ]
        assert f"wraps {DataKey.objects.count()} data keys" in _called("list")
    assert verify_log(log).findings == []


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (("retire", "00000000"), "0 log keys have the id 00000000"),
        (("retire", "kek-0009"), "no key-encryption key here is called kek-0009"),
        (("compromise", "00000000", "--since", "2026-11-20"), "0 log keys have the id"),
        (("compromise", "00000000", "--since", "soon"), "--since is 'soon', wanted a time"),
        (("rewrap", "--batch=0"), "batch is 0, at least 1"),
        (("rotate", "log", "--log", "none"), "log none is not open yet"),
    ],
)
def test_commands_refuse_by_name(
    log: Log, sequence: Sequence, acting_as: ActingAs, command: tuple[str, ...], complaint: str
) -> None:
    sequence()
    with acting_as("eraser"), pytest.raises(CommandError, match=complaint):
        _called(*command)


def _signers(size: int) -> set[Verifier]:
    note = Note.parse(Checkpoint.objects.get(size=size).note)
    return {one.verifier for one in note.verify(read_verifiers(ORIGIN))}


def _leaves() -> list[Leaf]:
    incarnation = Incarnation.objects.get()
    return list(Leaf.objects.filter(incarnation=incarnation).order_by("index"))


def _ids() -> list[str]:
    return [key.key_id.hex() for key in read_verifiers(ORIGIN)]


def _called(*command: str) -> str:
    out = StringIO()
    call_command("keys", *command, stdout=out)
    return out.getvalue()
