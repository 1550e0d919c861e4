"""The fault table: every step from a request to what outsiders sign, struck by failure.

Each step fails before and after it takes effect: by an exception in a process that lives on, and by
SIGKILL. What is left then differs by that effect and nothing else. Whoever would do so repeats what
failed, and another turn follows. Then the log verifies, whatever was acknowledged has its one
place, and nothing is there twice.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from ledger.anchor import Anchor
from ledger.errors import PeerUnreachable, SigningKeyRefused
from ledger.models import (
    Checkpoint,
    Cosignature,
    Incarnation,
    Leaf,
    Log,
    Offer,
    Pending,
    Record,
    TimeStamp,
    Witness,
)
from ledger.note import Checkpoint as TreeHead
from ledger.note import Note
from ledger.offers import MinuteHand
from ledger.record_kinds import EVENT_REPORTED
from ledger.sequencer import Sequencer
from ledger.services.reporting import Event, report_events
from ledger.services.timestamps import stamp_newest
from ledger.services.witnesses import add_witness, ask_witnesses
from ledger.signing import read_verifiers
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.ledger.authority import Authority, needs_openssl
from tests.ledger.dying import COMMIT, die, failing
from tests.ledger.outsiders import NOON, ORIGIN, PlayedWitness, offer_newest, witnessing
from tests.ledger.served import Served

pytestmark = pytest.mark.django_db(transaction=True)

LOST = OperationalError("server closed the connection unexpectedly")
AWAY = PeerUnreachable("exchange failed: ConnectionResetError")
GET_OR_CREATE = "django.db.models.query:QuerySet.get_or_create"


@dataclass(frozen=True)
class Step:
    """One step of design 5: in whose act it happens, at which call, and with which exception.

    ``effect`` is the member of ``Seen`` that changes when it has taken effect, if any does.
    """

    name: str
    act: str
    at: str
    error: Exception
    effect: str | None

    def effects(self, when: str) -> set[str]:
        """Return what has changed where this step failed: by it, and by those of the act before."""
        mine = [one for one in STEPS if one.act == self.act]
        done = mine[: mine.index(self) + (when == "after")]
        return {one.effect for one in done if one.effect}


STEPS = [
    Step("stage", "report", COMMIT, LOST, "records"),
    # What a batch writes and signs is nobody's to see until it commits.
    Step("sequence", "sequence", "ledger.sequencer:Sequencer._write", LOST, None),
    Step("sign", "sequence", "ledger.sequencer:sign_note", SigningKeyRefused("no key"), None),
    Step("commit", "sequence", COMMIT, LOST, "leaves"),
    Step("anchor", "sequence", "ledger.anchor:Anchor.advance", OSError(28, "full"), "anchored"),
    Step("publish", "sequence", GET_OR_CREATE, LOST, "published"),
    Step("offer", "offer", GET_OR_CREATE, LOST, "offers"),
    Step("witness", "witness", "ledger.services.witnesses:post", AWAY, "witnessed"),
    Step("keep the cosignature", "witness", COMMIT, LOST, "cosignatures"),
    Step("time stamp", "stamp", "ledger.services.timestamps:post", AWAY, "asked"),
    Step("keep the time stamp", "stamp", COMMIT, LOST, "time_stamps"),
]
CASES = [
    pytest.param(step, id=step.name, marks=needs_openssl if step.act == "stamp" else ())
    for step in STEPS
]


@dataclass(frozen=True)
class Seen:
    """What there is, in numbers and sizes; ``asked`` counts what the authority has answered."""

    records: int
    leaves: int
    anchored: int
    published: int
    offers: int
    witnessed: int
    cosignatures: int
    asked: int
    time_stamps: int


@dataclass
class House:
    """A log, a program that reports events, a witness, and an authority where one is asked for."""

    log: Log
    acting_as: ActingAs
    anchor: Anchor
    witness: PlayedWitness
    authority: Authority | None
    # Any recorded row can stand for the program: it is told of by its id.
    program: Witness = field(default_factory=lambda: Witness(id=uuid4()))
    turn: int = 0
    acknowledged: list[UUID] = field(default_factory=list)

    def __post_init__(self) -> None:
        # One that fails goes on with what it has in memory.
        self.sequencer = Sequencer(self.log)
        self.served = Served()
        self.acts: dict[str, tuple[str, Callable[[], Any]]] = {
            "report": ("app", self._report),
            "sequence": ("sequencer", lambda: self.sequencer.step()),
            "offer": ("app", self._offer),
            "witness": ("eraser", lambda: ask_witnesses(Incarnation.objects.get())),
            "stamp": ("eraser", lambda: stamp_newest(Incarnation.objects.get())),
        }

    def do(self, act: str) -> None:
        role, action = self.acts[act]
        with self.acting_as(role):
            action()

    def take_turn(self) -> None:
        self.turn += 1
        for act in self.acts:
            self.do(act)

    def look(self) -> dict[str, int]:
        known = self.witness.known.get(ORIGIN)
        seen = Seen(
            records=Record.objects.count(),
            leaves=Leaf.objects.count(),
            anchored=self.anchor.size(),
            published=self.served.look(),
            offers=Offer.objects.count(),
            witnessed=known[0] if known else 0,
            cosignatures=Cosignature.objects.count(),
            asked=self.authority.asked if self.authority else 0,
            time_stamps=TimeStamp.objects.count(),
        )
        return asdict(seen)

    def _report(self) -> None:
        """Tell of two events, under one idempotency key a turn, as a client repeats a request."""
        key = f"turn {self.turn}"
        facts: list[dict[str, Any]] = [
            {"topic": "other", "count": 2 * self.turn + n} for n in range(2)
        ]
        self.acknowledged += report_events(
            client=self.program,
            key=key,
            request=key.encode(),
            events=[Event.of(EVENT_REPORTED.name, each, {}) for each in facts],
            count=len(facts),
        )

    def _offer(self) -> None:
        offer_newest(self.acting_as, NOON + timedelta(minutes=self.turn))


@pytest.fixture
def house(
    log: Log,
    sequence: Callable[[], int],
    acting_as: ActingAs,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[House]:
    """A house that has taken one turn."""
    # Minutes turn by ``House.turn`` alone.
    monkeypatch.setattr(MinuteHand, "turned", lambda _: None)
    sequence()
    witness = PlayedWitness(read_verifiers(ORIGIN))
    anchor = Anchor(settings.MUNIMENT_ANCHOR, ORIGIN)
    with witnessing(witness) as address:
        add_witness(name="w", vkey=witness.vkey, url=address)
        if request.node.get_closest_marker("openssl") is None:
            house = House(log, acting_as, anchor, witness, None)
            house.take_turn()
            yield house
            return
        authority = Authority(tmp_path)
        settings.MUNIMENT_TSA_ROOTS = str(tmp_path / "roots.pem")
        (tmp_path / "roots.pem").write_bytes(authority.root.pem)
        with authority.serving() as settings.MUNIMENT_TSA_URL:
            house = House(log, acting_as, anchor, witness, authority)
            house.take_turn()
            yield house


def _strike(house: House, step: Step, when: str, how: str) -> None:
    role, action = house.acts[step.act]
    with house.acting_as(role):
        if how == "SIGKILL":
            die(action, at=step.at, when=when)
            return
        # Outsiders who cannot be reached are nobody's failure: then nothing is raised.
        with failing(at=step.at, when=when, error=step.error), suppress(type(step.error)):
            action()


@pytest.mark.parametrize("how", ["exception", "SIGKILL"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", CASES)
def test_fault(house: House, step: Step, when: str, how: str) -> None:
    house.turn += 1
    acts = list(house.acts)
    for act in acts[: acts.index(step.act)]:
        house.do(act)
    before = house.look()
    _strike(house, step, when, how)
    changed = {name for name, value in house.look().items() if value != before[name]}
    assert changed == step.effects(when)
    # What lives on repeats at once what it did; until the dead are replaced, others write on.
    if how == "SIGKILL" and step.act != "report":
        house.do("report")
    for act in acts[acts.index(step.act) :]:
        house.do(act)
    house.take_turn()
    _check_nothing_is_missing_or_there_twice(house)


def _check_nothing_is_missing_or_there_twice(house: House) -> None:
    assert verify_log(house.log).findings == []
    leaves = list(Leaf.objects.order_by("index").values_list("index", "record__uuid"))
    size, placed = len(leaves), [uuid for _, uuid in leaves]
    assert [index for index, _ in leaves] == list(range(size))
    # Every request was answered at last, a repeated one with the ids of the first.
    assert len(set(house.acknowledged)) == 2 * house.turn
    assert [placed.count(uuid) for uuid in set(house.acknowledged)] == [1] * 2 * house.turn
    assert Record.objects.count() == size == len(set(placed))
    bodies = [bytes(body) for body in Record.objects.values_list("body", flat=True)]
    assert sum(b"event.reported" in body for body in bodies) == 2 * house.turn
    assert not Pending.objects.exists()
    heads = [TreeHead.parse(Note.parse(row.note).text) for row in Checkpoint.objects.all()]
    assert len({head.size for head in heads}) == len(heads)
    assert max(heads, key=lambda head: head.size) == house.anchor.checkpoint()
    assert list(house.anchor.folder.iterdir()) == [house.anchor.path]
    seen = house.look()
    assert [seen[name] for name in ("anchored", "published", "witnessed")] == [size] * 3
    tables = (Offer, Cosignature, TimeStamp) if house.authority else (Offer, Cosignature)
    for table in tables:
        # A checkpoint a turn, each offered, cosigned and stamped once.
        checkpoints = list(table.objects.values_list("checkpoint", flat=True))
        assert (len(checkpoints), len(set(checkpoints))) == (house.turn, house.turn)
