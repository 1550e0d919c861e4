"""Witnesses are asked, believed only for what holds, and never stop a log that may go on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from io import StringIO
from threading import Event

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from consent.roles import RoleCode
from ledger import publication, tasks
from ledger.errors import LogTampered, NotYetPublished, WitnessRefused
from ledger.models import (
    AnswerCode,
    Checkpoint,
    Cosignature,
    Incarnation,
    LastAnswer,
    Log,
    Offer,
    Witness,
)
from ledger.note import Checkpoint as TreeHead
from ledger.note import Note, SignatureType, Signer
from ledger.offers import IDLE, MinuteHand, make_offer
from ledger.outside import FAILURES_UNTIL_CURE, examine_witnesses
from ledger.publication import prove_outside, shown_checkpoint
from ledger.services import witnesses
from ledger.services.witnesses import add_witness, ask_witnesses, change_policy, pause_witness
from ledger.signing import read_signers, read_verifiers
from ledger.verification import verify_log
from ledger.witness import SIZE_TYPE
from tests.conftest import ActingAs
from tests.consent.factories import open_house
from tests.ledger.acts import record
from tests.ledger.outsiders import NOON, ORIGIN, Answer, PlayedWitness, offer_newest, witnessing

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)
LATER = NOON + timedelta(days=1)


@pytest.fixture
def offered(log: Log, sequence: Callable[[], int], acting_as: ActingAs) -> Incarnation:
    """A log of size 2 that is offered as the minute turns to noon."""
    record()
    sequence()
    offer_newest(acting_as)
    return Incarnation.objects.get(origin=ORIGIN)


Hire = Callable[..., PlayedWitness]


@pytest.fixture
def hire() -> Iterator[Hire]:
    """``hire("w")`` sets up a witness and asks it from now on."""
    with ExitStack() as stack:

        def one(
            name: str,
            kind: SignatureType = SignatureType.COSIGNATURE,
            drip: Event | None = None,
        ) -> PlayedWitness:
            witness = PlayedWitness(read_verifiers(ORIGIN), kind)
            address = stack.enter_context(witnessing(witness, drip=drip))
            add_witness(name=name, vkey=witness.vkey, url=address)
            return witness

        yield one


def _grow(sequence: Callable[[], int], acting_as: ActingAs, minutes: int) -> Offer | None:
    record()
    sequence()
    return offer_newest(acting_as, NOON + minutes * MINUTE)


def _size(note: Note) -> int:
    return TreeHead.parse(note.text).size


# What is offered ---------------------------------------------------------------------------------


def test_offer_is_the_same_text_signed_with_the_whole_minute(offered: Incarnation) -> None:
    offer = offered.offers.get()
    note, kept = Note.parse(offer.note), Note.parse(offer.checkpoint.note)
    times = [signed.time for signed in note.verify(read_verifiers(ORIGIN))]
    assert note.text == kept.text
    assert times == [None, int(NOON.timestamp())]
    assert [signed.time for signed in kept.verify(read_verifiers(ORIGIN))] == [None, 0]


def test_log_that_has_not_grown_is_offered_again_after_an_hour_only(
    offered: Incarnation, acting_as: ActingAs
) -> None:
    assert offer_newest(acting_as, NOON + IDLE - MINUTE) is None
    again = offer_newest(acting_as, NOON + IDLE)
    assert again is not None
    assert (again.minute, offered.offers.count()) == (NOON + IDLE, 2)


def test_two_sequencers_make_one_offer_a_minute(
    offered: Incarnation, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    assert _grow(sequence, acting_as, 0) == offered.offers.get()
    assert offered.offers.get().checkpoint.size == 2


def test_clock_that_was_set_back_does_not_silence_the_log(
    offered: Incarnation, acting_as: ActingAs
) -> None:
    assert offer_newest(acting_as, NOON - timedelta(days=300)) is not None


def test_database_behind_what_was_offered_is_refused(
    offered: Incarnation, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    _grow(sequence, acting_as, 1)
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_anchored DISABLE TRIGGER ALL")
        cursor.execute(
            "DELETE FROM ledger_anchored USING ledger_checkpoint c "
            "WHERE c.id = checkpoint_id AND c.size = 3"
        )
    with pytest.raises(LogTampered, match="size 3 was offered, but 2 is the newest"):
        offer_newest(acting_as, NOON + 2 * MINUTE)


def test_minute_hand_tells_each_turn_once() -> None:
    now = NOON.timestamp() + 30
    hand = MinuteHand(lambda: now)
    assert hand.turned() is None
    now += 31
    assert hand.turned() == NOON + MINUTE
    assert hand.turned() is None


def test_sequencer_offers_as_the_minute_turns(
    log: Log, acting_as: ActingAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ledger.sequencer import Sequencer

    with acting_as("sequencer"):
        sequencer = Sequencer(log)
        sequencer.step()
        assert not Offer.objects.exists()
        monkeypatch.setattr(MinuteHand, "turned", lambda _: NOON)
        sequencer.step()
    assert Offer.objects.get().minute == NOON


@pytest.mark.parametrize("role", ["app", "eraser", "auditor"])
def test_only_a_sequencer_makes_offers(
    offered: Incarnation, acting_as: ActingAs, role: str
) -> None:
    with acting_as(role), pytest.raises(DatabaseError, match="permission denied"):
        make_offer(offered, read_signers(ORIGIN), LATER)


# What a witness answers --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [SignatureType.COSIGNATURE, SignatureType.MLDSA44])
def test_cosignature_is_kept_and_shown(
    offered: Incarnation, hire: Hire, kind: SignatureType
) -> None:
    witness = hire("w", kind)
    (answer,) = ask_witnesses(offered)
    assert (answer.code, answer.known_size, answer.failures) == (AnswerCode.GIVEN, 2, 0)
    shown = shown_checkpoint(offered)
    names = [signature.name for signature in shown.note.signatures]
    assert names == [ORIGIN, ORIGIN, witness.signer.name]
    shown.note.verify([*read_verifiers(ORIGIN), witness.signer.verifier])


def test_witness_that_has_signed_is_not_asked_again(offered: Incarnation, hire: Hire) -> None:
    witness = hire("w")
    ask_witnesses(offered)
    assert ask_witnesses(offered) == []
    assert len(witness.requests) == 1


def test_growing_log_is_proved_to_go_on(
    offered: Incarnation, hire: Hire, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    witness = hire("w")
    ask_witnesses(offered)
    for minutes in (1, 2, 3):
        _grow(sequence, acting_as, minutes)
        (answer,) = ask_witnesses(offered)
        assert answer.code == AnswerCode.GIVEN
    sizes = offered.offers.order_by("id").values_list("checkpoint__size", flat=True)
    said = [int(body.split(b"\n", 1)[0].removeprefix(b"old ")) for body in witness.requests]
    assert said == [0, *sizes[:3]]


def test_idle_log_is_cosigned_again(offered: Incarnation, hire: Hire, acting_as: ActingAs) -> None:
    witness = hire("w")
    ask_witnesses(offered)
    offer_newest(acting_as, NOON + IDLE)
    (answer,) = ask_witnesses(offered)
    assert answer.code == AnswerCode.GIVEN
    assert [body[:6] for body in witness.requests] == [b"old 0\n", b"old 2\n"]


@pytest.mark.parametrize("known", [1, 0])
def test_witness_that_knows_another_size_is_asked_again_at_once(
    offered: Incarnation,
    hire: Hire,
    sequence: Callable[[], int],
    acting_as: ActingAs,
    known: int,
) -> None:
    witness = hire("w")
    ask_witnesses(offered)
    offer = _grow(sequence, acting_as, 1)
    assert offer is not None
    if known:
        head = Checkpoint.objects.filter(size=2).get()
        witness.known[ORIGIN] = (2, TreeHead.parse(Note.parse(head.note).text).root)
        LastAnswer.objects.update(known_size=0)
    else:
        witness.known.clear()
    (answer,) = ask_witnesses(offered)
    assert (answer.code, answer.known_size) == (AnswerCode.GIVEN, offer.checkpoint.size)
    assert len(witness.requests) == 3


def _text(status: int) -> Answer:
    return status, "text/plain", b"no"


def _conflict(size: int) -> Answer:
    return 409, SIZE_TYPE, f"{size}\n".encode()


def _other_root(witness: PlayedWitness, note: Note) -> bytes:
    return witness.sign(TreeHead(ORIGIN, _size(note), b"\7" * 32).text)


def _other_key(_witness: PlayedWitness, note: Note) -> bytes:
    stranger = Signer.from_seed("witness.example/x", SignatureType.COSIGNATURE, b"x" * 32)
    return f"{stranger.sign(note.text, time=1).line}\n".encode()


LIES: list[tuple[str, Callable[[PlayedWitness, Note], Answer], AnswerCode]] = [
    ("404", lambda _w, _n: _text(404), AnswerCode.UNKNOWN_LOG),
    ("403", lambda _w, _n: _text(403), AnswerCode.NOT_TRUSTED),
    ("400", lambda _w, _n: _text(400), AnswerCode.REFUSED),
    ("422", lambda _w, _n: _text(422), AnswerCode.INCONSISTENT),
    ("429", lambda _w, _n: _text(429), AnswerCode.REFUSED),
    ("500", lambda _w, _n: _text(500), AnswerCode.FAILING),
    ("503", lambda _w, _n: _text(503), AnswerCode.FAILING),
    ("redirect", lambda _w, _n: _text(307), AnswerCode.REFUSED),
    ("other root", lambda w, n: (200, "text/plain", _other_root(w, n)), AnswerCode.FALSE),
    ("other key", lambda w, n: (200, "text/plain", _other_key(w, n)), AnswerCode.FALSE),
    ("no time", lambda w, n: (200, "text/plain", w.sign(n.text, 0)), AnswerCode.FALSE),
    ("garbage", lambda _w, _n: (200, "text/plain", b"\0\xff" * 99), AnswerCode.MALFORMED),
    ("endless", lambda _w, _n: (200, "text/plain", b"x" * 10**6), AnswerCode.MALFORMED),
    ("empty", lambda _w, _n: (200, "text/plain", b""), AnswerCode.MALFORMED),
    ("409 in html", lambda _w, _n: (409, "text/html", b"2\n"), AnswerCode.MALFORMED),
    ("409 as sent", lambda _w, _n: _conflict(0), AnswerCode.MALFORMED),
    ("409 ahead", lambda _w, _n: _conflict(9), AnswerCode.AHEAD),
    ("409 fork", lambda _w, _n: _conflict(2), AnswerCode.INCONSISTENT),
]


@pytest.mark.parametrize(("lie", "code"), [case[1:] for case in LIES], ids=[c[0] for c in LIES])
def test_bad_answer_is_kept_as_words_and_nothing_else(
    offered: Incarnation,
    hire: Hire,
    lie: Callable[[PlayedWitness, Note], Answer],
    code: AnswerCode,
) -> None:
    witness, honest = hire("w"), hire("v")
    witness.lie = lambda note: lie(witness, note)
    answers = {str(answer.witness): answer for answer in ask_witnesses(offered)}
    assert (answers["w"].code, answers["w"].failures) == (code, 1)
    assert answers["v"].code == AnswerCode.GIVEN
    assert Cosignature.objects.get().witness.name == "v"
    witness.lie = None
    (answer,) = ask_witnesses(offered)
    assert (answer.code, answer.failures) == (AnswerCode.GIVEN, 0)
    assert honest.requests[1:] == []


def test_witness_that_never_settles_on_a_size_is_left(offered: Incarnation, hire: Hire) -> None:
    witness = hire("w")
    sizes = iter([1, 2, 1, 2])
    witness.lie = lambda _: _conflict(next(sizes))
    (answer,) = ask_witnesses(offered)
    assert (answer.code, len(witness.requests)) == (AnswerCode.REPEATED, witnesses.ROUNDS)


def test_witness_that_is_away_or_slow_holds_up_nobody(
    offered: Incarnation, hire: Hire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnesses, "ROUND_SECONDS", 0.5)
    stop = Event()
    slow = hire("slow", drip=stop)
    honest = hire("honest")
    away = PlayedWitness(read_verifiers(ORIGIN))
    with witnessing(away) as address:
        pass
    add_witness(name="away", vkey=away.vkey, url=address)
    codes = {str(answer.witness): answer.code for answer in ask_witnesses(offered)}
    stop.set()
    assert codes == {
        "away": AnswerCode.UNREACHABLE,
        "honest": AnswerCode.GIVEN,
        "slow": AnswerCode.SLOW,
    }
    assert len(slow.requests) == len(honest.requests) == 1


def test_witness_that_a_newer_offer_has_overtaken_is_not_ahead(
    offered: Incarnation,
    hire: Hire,
    sequence: Callable[[], int],
    acting_as: ActingAs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    witness = hire("w")

    witness.lie = lambda _: _conflict(3)
    real = witnesses._post_all

    def overtaken(bodies: object) -> object:
        answers = real(bodies)  # type: ignore[arg-type]
        _grow(sequence, acting_as, 1)
        return answers

    monkeypatch.setattr(witnesses, "_post_all", overtaken)
    assert ask_witnesses(offered) == []
    assert not LastAnswer.objects.exists()


def test_task_asks_for_every_log(
    offered: Incarnation, hire: Hire, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire("w")
    sent: list[tuple[tuple[int], dict[str, int]]] = []
    monkeypatch.setattr(
        tasks.ask_witnesses, "apply_async", lambda args, **options: sent.append((args, options))
    )
    tasks.ask_outsiders()
    assert sent == [((offered.pk,), {"countdown": 2, "expires": 50})]
    assert tasks.ask_witnesses(*sent[0][0]) == 1
    assert Cosignature.objects.count() == 1


# The policy --------------------------------------------------------------------------------------


def test_nothing_is_shown_before_the_first_whole_minute(
    log: Log, sequence: Callable[[], int]
) -> None:
    sequence()
    with pytest.raises(NotYetPublished, match="shows no checkpoint yet"):
        shown_checkpoint(Incarnation.objects.get())


def test_policy_that_blocks_shows_only_what_the_quorum_has_signed(
    offered: Incarnation, hire: Hire, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    first, second = hire("first"), hire("second")
    change_policy(quorum=2, is_blocking=True)
    ask_witnesses(offered)
    offer = _grow(sequence, acting_as, 1)
    assert offer is not None
    second.lie = lambda _: _text(500)
    ask_witnesses(offered)
    assert shown_checkpoint(offered, LATER).checkpoint.size == 2
    written = record()
    sequence()
    with pytest.raises(NotYetPublished, match="waits for 2 witnesses"):
        prove_outside(written.uuid)
    second.lie = None
    ask_witnesses(offered)
    shown = shown_checkpoint(offered, NOON)
    assert (shown.checkpoint, len(shown.note.signatures)) == (offer.checkpoint, 4)
    assert len(first.requests) == 2


def test_policy_that_does_not_block_waits_a_minute(
    offered: Incarnation, hire: Hire, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    witness = hire("w")
    change_policy(quorum=1, is_blocking=False)
    ask_witnesses(offered)
    witness.lie = lambda _: _text(500)
    offer = _grow(sequence, acting_as, 1)
    assert offer is not None
    ask_witnesses(offered)
    patience = publication.PATIENCE
    assert shown_checkpoint(offered, offer.minute + patience / 2).checkpoint.size == 2
    shown = shown_checkpoint(offered, offer.minute + patience)
    assert (shown.checkpoint, len(shown.note.signatures)) == (offer.checkpoint, 2)


def test_proof_for_strangers_ends_in_what_they_see_or_in_the_newest(
    offered: Incarnation, hire: Hire, sequence: Callable[[], int]
) -> None:
    witness = hire("w")
    ask_witnesses(offered)
    seen = offered.leaves.get(index=1).record
    proved = prove_outside(seen.uuid)
    proved.proof.note.verify([witness.signer.verifier])
    written = record()
    sequence()
    newer = prove_outside(written.uuid)
    assert newer.checkpoint.size > proved.checkpoint.size
    assert len(newer.proof.note.signatures) == 2


def test_paused_witness_counts_no_more_and_is_not_asked(
    offered: Incarnation, hire: Hire, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    witness = hire("w")
    ask_witnesses(offered)
    pause_witness("w")
    _grow(sequence, acting_as, 1)
    assert ask_witnesses(offered) == []
    assert len(shown_checkpoint(offered).note.signatures) == 2
    assert len(witness.requests) == 1


def test_every_change_is_on_record_with_its_rows(
    log: Log, offered: Incarnation, hire: Hire, sequence: Callable[[], int]
) -> None:
    hire("w")
    change_policy(quorum=1, is_blocking=True)
    change_policy(quorum=0, is_blocking=False)
    pause_witness("w")
    assert sequence() == 4
    assert verify_log(log).findings == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda _: change_policy(quorum=2, is_blocking=False), "1 witnesses are active"),
        (lambda _: change_policy(quorum=-1, is_blocking=False), "quorum is -1"),
        (lambda _: change_policy(quorum=0, is_blocking=True), "nothing to wait for"),
        (lambda _: pause_witness("nobody"), "no active witness is called nobody"),
        (lambda _: add_witness(name="w", vkey=_key(9), url="http://a.example"), "another key"),
        (lambda w: add_witness(name="x", vkey=w.vkey, url="http://a.example"), "see vkey"),
        (lambda _: add_witness(name="x y", vkey=_key(9), url="http://a.example"), "see name"),
        (lambda _: add_witness(name="x", vkey="x", url="http://a.example"), "cannot be asked"),
        (lambda _: add_witness(name="x", vkey=_key(9), url="ftp://a.example"), "cannot be asked"),
        (lambda _: add_witness(name="x", vkey=_key(9), url="http://a.example?q"), "has a query"),
    ],
)
def test_change_that_makes_no_sense_is_refused(
    log: Log, hire: Hire, change: Callable[[PlayedWitness], object], complaint: str
) -> None:
    witness = hire("w")
    with pytest.raises(WitnessRefused, match=complaint):
        change(witness)
    assert Witness.objects.count() == 1


def test_quorum_cannot_be_paused_away(log: Log, hire: Hire) -> None:
    hire("w")
    change_policy(quorum=1, is_blocking=False)
    with pytest.raises(WitnessRefused, match="the policy wants 1 witnesses"):
        pause_witness("w")


def _key(seed: int) -> str:
    kind = SignatureType.COSIGNATURE
    return Signer.from_seed("witness.example/k", kind, bytes([100 + seed]) * 32).verifier.vkey


# What people see ---------------------------------------------------------------------------------


def test_command_sets_witnesses_and_policy(offered: Incarnation, hire: Hire) -> None:
    witness = PlayedWitness(read_verifiers(ORIGIN))
    with witnessing(witness) as address:
        out = StringIO()
        call_command("witnesses", "add", "w", witness.vkey, address, stdout=out)
        assert "w, log.example/default: was not asked yet" in out.getvalue()
        ask_witnesses(offered)
        out = StringIO()
        call_command("witnesses", "policy", "any", "--blocking", stdout=out)
    first, second = out.getvalue().splitlines()
    assert first == "checkpoints are shown only once 1 of 1 witnesses have signed"
    assert second == f"w, {ORIGIN}: signed the checkpoint of 2026-11-20 12:00 UTC"
    with pytest.raises(CommandError, match="the policy wants 1 witnesses"):
        call_command("witnesses", "pause", "w", stdout=StringIO())


def test_doctor_says_in_words_what_a_witness_answered(offered: Incarnation, hire: Hire) -> None:
    assert list(examine_witnesses()) == [
        ("no witness is asked: completeness rests on the operator's word", "")
    ]
    witness = hire("w")
    witness.lie = lambda _: _text(422)
    ask_witnesses(offered)
    _, (said, cure) = examine_witnesses()
    assert said == f"w, {ORIGIN}: says that our log is not the one it knows"
    assert cure.startswith("a fork or a lie")


def test_fault_that_may_pass_is_to_be_mended_only_after_a_while(
    offered: Incarnation, hire: Hire
) -> None:
    witness = hire("w")
    witness.lie = lambda _: _text(500)
    cures = []
    for _ in range(FAILURES_UNTIL_CURE):
        ask_witnesses(offered)
        cures.append(list(examine_witnesses())[1])
    assert [bool(cure) for _, cure in cures] == [False] * (FAILURES_UNTIL_CURE - 1) + [True]
    assert cures[-1][0].endswith(f"has a fault of its own, {FAILURES_UNTIL_CURE} times in a row")


def test_kept_words_tell_when_it_last_signed(
    offered: Incarnation, hire: Hire, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    witness = hire("w")
    ask_witnesses(offered)
    witness.lie = lambda _: _text(404)
    _grow(sequence, acting_as, 1)
    ask_witnesses(offered)
    _, (said, _) = examine_witnesses()
    assert f"last signed {timezone.now():%Y-%m-%d}" in said


SCREENS = ["witness", "lastanswer", "publicationpolicy", "cosignature", "timestamp"]


def test_officers_see_what_outsiders_answered(
    offered: Incarnation, hire: Hire, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = Client()
    client.force_login(open_house().account("Una", RoleCode.AUDITOR))
    hire("good")
    hire("bad").lie = lambda _: _text(422)
    change_policy(quorum=1, is_blocking=True)
    ask_witnesses(offered)
    pages = {}
    for screen in SCREENS:
        with django_assert_max_num_queries(10):
            answer = client.get(reverse(f"admin:ledger_{screen}_changelist"))
        assert answer.status_code == 200
        pages[screen] = answer.content.decode()
    assert "says that our log is not the one it knows" in pages["lastanswer"]
    assert "a fork or a lie" in pages["lastanswer"]
    assert "shown only once 1 of 2 witnesses have signed" in pages["publicationpolicy"]
    witness = Witness.objects.get(name="good")
    page = client.get(reverse("admin:ledger_witness_change", args=[witness.pk])).content.decode()
    assert "signed the checkpoint of 2026-11-20 12:00 UTC" in page


@pytest.mark.parametrize("table", ["offer", "cosignature", "timestamp"])
def test_what_outsiders_said_is_never_changed(log: Log, acting_as: ActingAs, table: str) -> None:
    column = "offer_id" if table == "timestamp" else "id"
    for role in ("app", "eraser", "sequencer"):
        with acting_as(role), connection.cursor() as cursor:
            for statement in ("UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"):
                with pytest.raises(DatabaseError, match="permission denied|append-only"):
                    cursor.execute(statement.format(f"ledger_{table}", column, column))


# What verification makes of it --------------------------------------------------------------------


def test_verdict_says_what_it_rests_on(log: Log, offered: Incarnation, hire: Hire) -> None:
    assert verify_log(log).rests_on == "operator's word only"
    hire("one")
    hire("other")
    ask_witnesses(offered)
    assert verify_log(log).rests_on == "witnessed by 2 to 2"
    change_policy(quorum=1, is_blocking=False)
    pause_witness("one")
    assert verify_log(log).rests_on == "witnessed by 1 to 2"


@pytest.mark.superuser
@pytest.mark.parametrize(
    ("table", "change", "complaint"),
    [
        ("cosignature", "time = time + 1", "the cosignature by w does not hold"),
        ("cosignature", "line = left(line, -4) || 'AAA='", "the cosignature by w does not hold"),
        ("offer", "note = replace(note, E'\n2\n', E'\n3\n')", "another text was offered"),
    ],
)
def test_word_of_an_outsider_that_was_changed_is_found(
    log: Log,
    offered: Incarnation,
    hire: Hire,
    acting_as: ActingAs,
    table: str,
    change: str,
    complaint: str,
) -> None:
    hire("w")
    ask_witnesses(offered)
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE ledger_{table} DISABLE TRIGGER ALL")
        cursor.execute(f"UPDATE ledger_{table} SET {change}")
    (finding,) = verify_log(log).findings
    assert finding.message.startswith("checkpoint of size 2: ")
    assert complaint in finding.message
