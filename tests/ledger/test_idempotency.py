import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from signal import SIGCONT, SIGKILL
from uuid import UUID, uuid4

import pytest
from django.db import connections, transaction
from django.utils import timezone

from consent.models import Subject
from ledger.errors import IdempotencyConflict, OffTheRecord
from ledger.idempotency import claim, sweep_expired
from ledger.models import Log, Record, RequestKey, Retention
from ledger.services import destroy_scopes, open_scope
from tests.conftest import ActingAs
from tests.ledger.acts import record
from tests.ledger.dying import COMMIT, frozen
from tests.ledger.waiting import until_blocked

pytestmark = pytest.mark.django_db(transaction=True)

CLIENT = UUID(int=1)


class Answer:
    """Stands for the row that answers: its id and the record that tells of it."""

    def __init__(self, pk: UUID, told_by: UUID) -> None:
        self.pk, self.record = pk, told_by


def ask(key: str = "k", request: bytes = b"{}", client: UUID = CLIENT) -> UUID:
    """Serve one request as a service does; return the id of the row that answers."""
    with transaction.atomic():
        claimed = claim(client=client, key=key, request=request)
        if claimed.row is not None:
            return claimed.row
        answer = Answer(uuid4(), record().uuid)
        claimed.settle(answer)  # type: ignore[arg-type]
        return answer.pk


def test_second_use_of_a_key_answers_with_the_first_row(log: Log) -> None:
    assert ask() == ask()
    assert Record.objects.count() == 2


def test_key_belongs_to_its_client(log: Log) -> None:
    assert ask() != ask(client=UUID(int=2))


def test_other_content_under_a_used_key_is_refused(log: Log) -> None:
    ask()
    with pytest.raises(IdempotencyConflict, match="was used before with other content"):
        ask(request=b"[]")
    assert Record.objects.count() == 2


def test_many_at_once_with_one_key_get_one_record_and_one_answer(log: Log) -> None:
    def serve(_: int) -> UUID:
        try:
            return ask()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(serve, range(16)))
    assert (len(answers), Record.objects.count()) == (1, 2)


def test_second_waits_for_the_first_and_repeats_its_answer(log: Log) -> None:
    with frozen(ask, at=COMMIT) as first, ThreadPoolExecutor(1) as pool:
        second = pool.submit(_closing, ask)
        until_blocked()
        os.kill(first, SIGCONT)
        assert second.result() == RequestKey.objects.get().row
    assert Record.objects.count() == 2


def test_second_takes_the_key_of_a_first_that_died(log: Log) -> None:
    with frozen(ask, at=COMMIT) as first, ThreadPoolExecutor(1) as pool:
        second = pool.submit(_closing, ask)
        until_blocked()
        os.kill(first, SIGKILL)
        assert second.result() == RequestKey.objects.get().row
    assert Record.objects.count() == 2


def test_rollback_frees_the_key(log: Log) -> None:
    with pytest.raises(RuntimeError, match="no"), transaction.atomic():
        claim(client=CLIENT, key="k", request=b"{}")
        raise RuntimeError("no")
    ask(request=b"other content")
    assert RequestKey.objects.count() == 1


def test_claim_outside_a_transaction_is_refused(log: Log) -> None:
    with pytest.raises(OffTheRecord, match="was claimed outside a transaction"):
        claim(client=CLIENT, key="k", request=b"{}")


def test_key_whose_request_left_no_answer_is_never_served_twice(log: Log) -> None:
    with transaction.atomic():
        claim(client=CLIENT, key="k", request=b"{}")
    with pytest.raises(IdempotencyConflict, match="left no answer"):
        ask()


def test_answer_is_settled_once(log: Log) -> None:
    ask()
    with pytest.raises(Exception, match="is set once"):
        RequestKey.objects.update(row=uuid4())


def test_only_expired_keys_are_forgotten(log: Log, acting_as) -> None:  # type: ignore[no-untyped-def]
    first = ask()
    ask("other")
    with acting_as("superuser"):
        RequestKey.objects.filter(key="k").update(expires_at=timezone.now() - timedelta(hours=1))
    assert sweep_expired() == 1
    assert ask() != first


def test_stored_key_holds_no_plain_digest_of_the_request(log: Log) -> None:
    ask(request=b"secret")
    mac = RequestKey.objects.get().mac
    assert mac not in {
        hashlib.sha256(b"secret").digest(),
        hashlib.sha256(b"request\0secret").digest(),
    }


def _closing(action):  # type: ignore[no-untyped-def]
    try:
        return action()
    finally:
        connections.close_all()


def test_keys_go_with_the_rows_that_answered_when_a_person_is_erased(
    log: Log, acting_as: ActingAs
) -> None:
    with transaction.atomic():
        scope = open_scope(Retention.PERSON)
        subject = Subject(scope=scope, registered_at=timezone.now())
        subject.save(force_insert=True)
        claim(client=CLIENT, key="theirs", request=b"{}").settle(subject)
    ask(key="another")
    with acting_as("eraser"):
        destroy_scopes([scope.pk])
    assert [held.key for held in RequestKey.objects.all()] == ["another"]
