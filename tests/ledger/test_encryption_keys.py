from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction
from pytest_django.fixtures import Settings

from ledger.errors import (
    KeyInUse,
    SealBroken,
    UnknownKey,
)
from ledger.keystore import encryption
from ledger.keystore.models import DataKey
from ledger.models import Log, Retention
from ledger.services import destroy_scopes, open_scope
from ledger.services.keys import (
    KeyState,
    create_encryption_key,
    list_keys,
    retire_encryption_key,
    rewrap,
    rotate_encryption_key,
)
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.ledger.acts import about, person, record

pytestmark = pytest.mark.django_db(transaction=True)

ORPHAN = "00000000-0000-4000-8000-000000000001"
Sequence = Callable[[], int]


def test_data_keys_are_wrapped_anew_in_batches_that_can_be_cut_off(
    log: Log, acting_as: ActingAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [person() for _ in range(5)]
    written = record(*(about(whose) for whose in people))
    count = DataKey.objects.count()
    with acting_as("eraser"):
        assert rotate_encryption_key() == "kek-0002"
        assert rewrap(2) == 2
        with pytest.raises(KeyInUse, match="kek-0001 still wraps data keys"):
            retire_encryption_key("kek-0001")
        assert rewrap(2) == 2
        assert [rewrap(100), rewrap(100)] == [count - 4, 0]
        retire_encryption_key("kek-0001")
        with pytest.raises(UnknownKey, match="is called kek-0001"):
            retire_encryption_key("kek-0001")
    assert set(DataKey.objects.values_list("encryption_key", flat=True)) == {"kek-0002"}
    encryption._from_folder.cache_clear()
    record(*(about(whose) for whose in people))
    assert written.segments.count() == 8


def test_key_of_somebody_erased_during_the_re_wrapping_stays_gone(
    log: Log, sequence: Sequence, acting_as: ActingAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, stays = person(), person()
    record(about(gone), about(stays))
    real = encryption.FileKeyEncryption.unwrap

    def erase_first(self: Any, *arguments: Any) -> bytes:
        monkeypatch.setattr(encryption.FileKeyEncryption, "unwrap", real)
        destroy_scopes([gone])
        return real(self, *arguments)

    with acting_as("eraser"):
        rotate_encryption_key()
        monkeypatch.setattr(encryption.FileKeyEncryption, "unwrap", erase_first)
        rewrap()
    assert not DataKey.objects.filter(scope=gone).exists()
    assert DataKey.objects.get(scope=stays).encryption_key_id == "kek-0002"
    sequence()
    assert verify_log(log).findings == []


def test_slow_writer_cannot_store_what_a_retired_key_wrapped(log: Log, acting_as: ActingAs) -> None:
    wrapped = encryption.key_encryption().wrap("kek-0001", person(), bytes(32))
    with acting_as("eraser"):
        rotate_encryption_key()
        while rewrap():
            pass
        retire_encryption_key("kek-0001")
    late = DataKey(scope=ORPHAN, encryption_key_id="kek-0001", wrapped=wrapped)
    with pytest.raises(DatabaseError, match="foreign key"):
        DataKey.objects.bulk_create([late], ignore_conflicts=True)
    person()


def test_key_that_wraps_is_not_retired(log: Log, acting_as: ActingAs) -> None:
    with acting_as("eraser"):
        with pytest.raises(KeyInUse, match="kek-0001 wraps, or will"):
            retire_encryption_key("kek-0001")
        create_encryption_key()
        with pytest.raises(KeyInUse, match="kek-0002 wraps, or will"):
            retire_encryption_key("kek-0002")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO keystore_encryptionkey (id) VALUES ('kek-0002')",
        "DELETE FROM keystore_encryptionkey",
        "UPDATE keystore_datakey SET wrapped = ''",
        "UPDATE keystore_datakey SET encryption_key_id = 'kek-0001'",
    ],
)
def test_application_can_neither_wrap_anew_nor_retire(log: Log, statement: str) -> None:
    cursor = connections["keystore"].cursor()
    with pytest.raises(DatabaseError, match="permission denied"), cursor:
        cursor.execute(statement)


def test_missing_key_encryption_key_is_listed_and_named(
    log: Log, sequence: Sequence, acting_as: ActingAs, settings: Settings
) -> None:
    sequence()
    person()
    (settings.MUNIMENT_KEYS / "encryption" / "kek-0001.key").unlink()
    encryption._from_folder.cache_clear()
    assert list_keys()[-1].state is KeyState.MISSING
    with acting_as("eraser"):
        rotate_encryption_key()
        with pytest.raises(SealBroken, match="key-encryption key kek-0001 is not here"):
            rewrap()


def test_new_person_is_sealed_under_the_new_key(log: Log, acting_as: ActingAs) -> None:
    with acting_as("eraser"):
        rotate_encryption_key()
    with transaction.atomic():
        scope = open_scope(Retention.PERSON).pk
    assert DataKey.objects.get(pk=scope).encryption_key_id == "kek-0002"
