"""Witnesses: who is asked, what the policy wants of them, and the asking itself."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256

from django.core.exceptions import ValidationError
from django.db import transaction

from ledger import turns
from ledger.errors import AddressRefused, LedgerError, NoteError, PeerMalformed, WitnessRefused
from ledger.models import (
    MAX_WITNESSES,
    PUBLICATION_POLICY,
    AnswerCode,
    Cosignature,
    Incarnation,
    LastAnswer,
    Offer,
    PublicationPolicy,
    Recorded,
    Witness,
)
from ledger.note import Note
from ledger.posting import Answer, parse_address, post
from ledger.publication import RESERVED_NAMES, active_witnesses, read_policy
from ledger.record_kinds import PUBLICATION_POLICY_CHANGED, PublicationPolicyChanged
from ledger.services.answers import code_of, keep_answer, newest_answer
from ledger.services.append import Unsealed, append
from ledger.tree import StoredTree
from ledger.witness import (
    MAX_ANSWER,
    PATH,
    REQUEST_TYPE,
    SIZE_TYPE,
    Cosigned,
    format_request,
    parse_cosignatures,
    parse_known_size,
    parse_witness_key,
)

# A witness that is told another old size is asked again at once, so often in all.
ROUNDS = 3
ROUND_SECONDS = 10

_STATUSES = {
    403: AnswerCode.NOT_TRUSTED,
    404: AnswerCode.UNKNOWN_LOG,
    422: AnswerCode.INCONSISTENT,
}


@dataclass(frozen=True)
class _Outcome:
    """How the question to one witness ended; ``old_size`` is the size to go on from."""

    code: AnswerCode
    old_size: int
    cosigned: Cosigned | None = None


def add_witness(*, name: str, vkey: str, url: str) -> Witness:
    """Ask a witness from now on; one that is known by name and key gets a new address.

    Raises WitnessRefused for a name, key or address that cannot be used.
    """
    _check_settings(name, vkey, url)
    with turns.alone(turns.PUBLICATION_POLICY):
        witness = Witness.objects.filter(name=name).first() or Witness(name=name, vkey=vkey)
        if witness.vkey != vkey:
            raise WitnessRefused(f"witness {name} has another key: add it under a new name")
        witness.url, witness.is_active = url, True
        try:
            witness.full_clean(exclude=["record"])
        except ValidationError as error:
            fields = ", ".join(sorted(error.message_dict))
            raise WitnessRefused(f"witness cannot be kept: see {fields}") from error
        witness.save()
        if active_witnesses().count() > MAX_WITNESSES:
            raise WitnessRefused(f"at most {MAX_WITNESSES} witnesses are asked")
        _record(witness)
    return witness


def pause_witness(name: str) -> Witness:
    """Ask a witness no more; what it has signed is shown no more. Raises WitnessRefused."""
    with turns.alone(turns.PUBLICATION_POLICY):
        witness = Witness.objects.filter(name=name, is_active=True).first()
        if witness is None:
            raise WitnessRefused(f"no active witness is called {name}")
        if active_witnesses().count() <= (quorum := read_policy().quorum):
            raise WitnessRefused(f"the policy wants {quorum} witnesses: change it first")
        witness.is_active = False
        witness.save(update_fields=["is_active"])
        _record(witness)
    return witness


def change_policy(*, quorum: int, is_blocking: bool) -> PublicationPolicy:
    """Let strangers see checkpoints that ``quorum`` witnesses have signed; 0 asks for none.

    Raises WitnessRefused when there are fewer active witnesses.
    """
    with turns.alone(turns.PUBLICATION_POLICY):
        count = active_witnesses().count()
        if not 0 <= quorum <= count:
            raise WitnessRefused(f"quorum is {quorum}, and {count} witnesses are active")
        if is_blocking and not quorum:
            raise WitnessRefused("a policy without witnesses has nothing to wait for")
        policy, _ = PublicationPolicy.objects.update_or_create(
            id=PUBLICATION_POLICY, defaults={"quorum": quorum, "is_blocking": is_blocking}
        )
        _record(policy)
    return policy


def ask_witnesses(incarnation: Incarnation) -> list[LastAnswer]:
    """Offer the newest offered checkpoint to every active witness that has not signed it yet.

    All are asked at once, so that the slow hold up nobody; no transaction may be open. Safe to
    repeat: a witness signs what it knows already once more. Returns how each question ended.
    """
    offer = _newest_offer(incarnation)
    if offer is None:
        return []
    questions: dict[Witness, int] = {}
    for witness in active_witnesses():
        last = newest_answer(offer, witness)
        if last is None or last.offer_id != offer.pk or last.code != AnswerCode.GIVEN:
            questions[witness] = last.known_size if last else 0
    return [
        _keep(offer, witness, outcome)
        for witness, outcome in _ask(offer, questions).items()
        if not _is_overtaken(offer, outcome)
    ]


def _ask(offer: Offer, questions: Mapping[Witness, int]) -> dict[Witness, _Outcome]:
    """Put the questions (witness → old size), and again to those who know another size."""
    tree, ended = StoredTree(offer.incarnation), dict[Witness, _Outcome]()
    asked = dict(questions)
    for _ in range(ROUNDS):
        bodies = {witness: _request(offer, tree, old) for witness, old in asked.items()}
        for witness, answer in _post_all(bodies).items():
            outcome = _read(offer, witness, asked[witness], answer)
            ended[witness] = outcome
        asked = {
            witness: outcome.old_size
            for witness, outcome in ended.items()
            if outcome.code is AnswerCode.REPEATED
        }
        if not asked:
            break
    return ended


def _request(offer: Offer, tree: StoredTree, old: int) -> bytes:
    size = offer.checkpoint.size
    path = tree.consistency_path(old, size) if 0 < old < size else []
    return format_request(old, path, Note.parse(offer.note))


def _post_all(bodies: Mapping[Witness, bytes]) -> dict[Witness, Answer | LedgerError]:
    """Send all at once. Threads open no database connection: they know bytes and addresses."""
    if not bodies:
        return {}
    with ThreadPoolExecutor(max_workers=len(bodies)) as pool:
        answers = pool.map(_post, [witness.url for witness in bodies], bodies.values())
        return dict(zip(bodies, answers, strict=True))


def _post(url: str, body: bytes) -> Answer | LedgerError:
    address = f"{url.rstrip('/')}/{PATH}"
    try:
        return post(
            address, body, content_type=REQUEST_TYPE, seconds=ROUND_SECONDS, most=MAX_ANSWER
        )
    except LedgerError as failure:
        return failure


def _read(offer: Offer, witness: Witness, old: int, answer: Answer | LedgerError) -> _Outcome:
    if isinstance(answer, LedgerError):
        return _Outcome(code_of(answer), old)
    try:
        if answer.status == 409:
            return _read_conflict(offer, old, answer)
        if answer.status == 200:
            verifier = parse_witness_key(witness.vkey)
            text = Note.parse(offer.note).text
            cosigned = parse_cosignatures(answer.body, text, verifier, int(time.time()))
            return _Outcome(AnswerCode.GIVEN, offer.checkpoint.size, cosigned)
    except LedgerError as failure:
        return _Outcome(code_of(failure), old)
    fallback = AnswerCode.FAILING if answer.status >= 500 else AnswerCode.REFUSED
    return _Outcome(_STATUSES.get(answer.status, fallback), old)


def _read_conflict(offer: Offer, old: int, answer: Answer) -> _Outcome:
    if answer.content_type != SIZE_TYPE:
        raise PeerMalformed("answer 409 has another media type")
    known, size = parse_known_size(answer.body), offer.checkpoint.size
    if known > size:
        return _Outcome(AnswerCode.AHEAD, known)
    if known == old:
        # Version 1.0.0 says so for another root of the same size; else it contradicts itself.
        is_fork = known == size
        return _Outcome(AnswerCode.INCONSISTENT if is_fork else AnswerCode.MALFORMED, 0)
    return _Outcome(AnswerCode.REPEATED, known)


def _is_overtaken(offer: Offer, outcome: _Outcome) -> bool:
    """Return whether a witness is ahead only because somebody offered it more meanwhile."""
    newest = _newest_offer(offer.incarnation) or offer
    return outcome.code is AnswerCode.AHEAD and outcome.old_size <= newest.checkpoint.size


def _keep(offer: Offer, witness: Witness, outcome: _Outcome) -> LastAnswer:
    known = outcome.old_size if outcome.code is not AnswerCode.AHEAD else 0
    with transaction.atomic():
        if outcome.cosigned is not None:
            Cosignature.objects.get_or_create(
                checkpoint=offer.checkpoint,
                witness=witness,
                time=outcome.cosigned.time,
                defaults={"line": outcome.cosigned.signature.line},
            )
        return keep_answer(offer, witness, outcome.code, known)


def _newest_offer(incarnation: Incarnation) -> Offer | None:
    return incarnation.offers.select_related("checkpoint", "incarnation").order_by("-id").first()


def _check_settings(name: str, vkey: str, url: str) -> None:
    try:
        parse_witness_key(vkey)
        address = parse_address(url)
    except (NoteError, AddressRefused) as error:
        raise WitnessRefused(f"witness {name} cannot be asked: {error}") from error
    if name in RESERVED_NAMES:
        raise WitnessRefused(f"no witness can be called {name}")
    if address.query:
        raise WitnessRefused(f"witness {name} cannot be asked: its address has a query")


def _record(changed: Recorded) -> None:
    policy = read_policy()
    keys = active_witnesses().values_list("vkey", flat=True)
    append(
        kind=PUBLICATION_POLICY_CHANGED,
        facts=PublicationPolicyChanged(
            quorum=policy.quorum,
            blocking=policy.is_blocking,
            witnesses=tuple(sorted(f"sha256:{sha256(key.encode()).hexdigest()}" for key in keys)),
        ),
        segments=[Unsealed("house", rows=(changed,))],
    )
