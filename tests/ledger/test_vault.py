import base64
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from ledger import vault
from ledger.canonical import JSON, canonical
from ledger.commitment import Opening
from ledger.errors import FactsRefused, ScopeGone, SealBroken, SigningKeyRefused
from ledger.keystore.encryption import FileKeyEncryption, create_key_file
from ledger.keystore.models import DataKey
from ledger.leaf import parse_body
from ledger.models import HOUSE_SCOPE, Log, Record, Segment, Tombstone
from ledger.models.log import InsertOnly
from ledger.private_files import read_private
from ledger.services import close_epoch, destroy_scopes, open_log, store_file
from ledger.services.files import open_file
from ledger.signing import create_installation_keys
from tests.conftest import ActingAs
from tests.ledger.acts import about, person, record

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ["Ada Invented", "ada@invented.example", "a red circle beside Ada Invented"]


class Table:
    """What a row says of its table."""

    def __init__(self, name: str) -> None:
        self.db_table = name


class Row:
    """A row with two sealed columns, of one person or of several."""

    def __init__(self, *people: UUID, table: str = "test_row", pk: UUID | None = None) -> None:
        self._meta, self.pk, self.people = Table(table), pk or uuid4(), people
        self.name = self.note = b""

    def scope_ids(self) -> tuple[UUID, ...]:
        return self.people


def test_equal_payloads_give_unequal_commitments_and_share_no_randomness(log: Log) -> None:
    whose = person()
    with transaction.atomic():
        written = [record(about(whose, name=NAMES[0]), about(whose, name=NAMES[0])) for _ in "ab"]
    commitments = [one for each in written for one in parse_body(each.body).commitments]
    assert len(set(commitments)) == 4
    assert len({_open(segment).r for segment in Segment.objects.all()}) == 4
    assert len({segment.ciphertext[1:13] for segment in Segment.objects.all()}) == 4


def test_nothing_that_is_never_deleted_holds_a_trace_of_anybody(
    log: Log, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    one, other = person(), person()
    record(about(one, name=NAMES[0], mail=NAMES[1]), about(one, other, prompt=NAMES[2]))
    sequence()
    with acting_as("eraser"):
        destroy_scopes([one])
        close_epoch()
    sequence()
    assert Tombstone.objects.count() == 2
    stored = _insert_only_content()
    for value in [*NAMES, str(one), str(other)]:
        for trace in _traces(value):
            assert trace.lower() not in stored, f"{value} shows in an insert-only column"


def test_value_opens_only_where_it_was_sealed(log: Log) -> None:
    whose = person()
    row = Row(whose)
    keys = vault.keys([whose, HOUSE_SCOPE])
    row.name = row.note = keys.seal(row, "name", b"Ada Invented")
    assert keys.open(row, "name") == b"Ada Invented"
    moved = [(row, "note"), (Row(whose), "name"), (Row(whose, table="other", pk=row.pk), "name")]
    for place, column in [*moved, (Row(HOUSE_SCOPE, pk=row.pk), "name")]:
        place.name = row.name
        with pytest.raises(SealBroken, match="does not belong where it lies"):
            keys.open(place, column)


@pytest.mark.parametrize("at", [0, 1, 12, 13, -1])
def test_sealed_value_with_one_bit_changed_does_not_open(log: Log, at: int) -> None:
    row = Row(HOUSE_SCOPE)
    keys = vault.keys([HOUSE_SCOPE])
    sealed = bytearray(keys.seal(row, "name", b"Ada Invented"))
    sealed[at] ^= 1
    row.name = bytes(sealed)
    with pytest.raises(SealBroken):
        keys.open(row, "name")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + bytes(12), b"\x01" + bytes(27)])
def test_sealed_value_that_is_cut_off_does_not_open(log: Log, sealed: bytes) -> None:
    row = Row(HOUSE_SCOPE)
    row.name = sealed
    with pytest.raises(SealBroken):
        vault.keys([HOUSE_SCOPE]).open(row, "name")


@pytest.mark.parametrize("said", [7, ["role"], {"role": "subject"}, {"payload": "ab", "role": "a"}])
def test_segment_that_holds_something_else_than_an_opening_does_not_open(
    log: Log, said: JSON
) -> None:
    keys, record_id = vault.keys([HOUSE_SCOPE]), uuid4()
    place = b"segment\0" + record_id.bytes + bytes(2)
    sealed = keys.seal_bytes([HOUSE_SCOPE], place, bytes(32) + canonical(said))
    with pytest.raises(SealBroken, match="opens to something that is no opening"):
        keys.open_segment([HOUSE_SCOPE], record_id, 0, "thing.tested", sealed)


def test_shared_value_needs_the_key_of_each(log: Log) -> None:
    one, other = person(), person()
    row = Row(other, one)
    row.name = vault.keys([one, other]).seal(row, "name", b"together")
    row.people = (one, other)
    assert vault.keys([one, other]).open(row, "name") == b"together"
    for alone in (one, other):
        with pytest.raises(ScopeGone):
            vault.keys([alone]).open(row, "name")


def test_wrapped_key_opens_for_its_own_scope_only(log: Log) -> None:
    one, other = DataKey.objects.get(pk=person()), DataKey.objects.get(pk=person())
    encryption = FileKeyEncryption(_key_folder())
    with pytest.raises(SealBroken, match="does not belong to its scope"):
        encryption.unwrap(one.encryption_key_id, other.scope, one.wrapped)
    with pytest.raises(SealBroken, match="key-encryption key kek-9999 is not here"):
        encryption.unwrap("kek-9999", one.scope, one.wrapped)


def test_running_process_meets_a_new_key_encryption_key(log: Log) -> None:
    old = DataKey.objects.get(pk=person())
    encryption = FileKeyEncryption(_key_folder())
    assert len(encryption.unwrap(old.encryption_key_id, old.scope, old.wrapped)) == 32
    create_key_file(_key_folder(), "kek-0002")
    wrapped = encryption.wrap("kek-0002", old.scope, bytes(32))
    assert encryption.unwrap("kek-0002", old.scope, wrapped) == bytes(32)
    with pytest.raises(SealBroken, match="does not belong to its scope"):
        encryption.unwrap("kek-0001", old.scope, wrapped)


def test_cut_off_key_encryption_key_is_refused(log: Log) -> None:
    (_key_folder() / "kek-0001.key").write_bytes(bytes(31))
    with pytest.raises(SigningKeyRefused, match="kek-0001.key has 31 bytes, wanted 32"):
        FileKeyEncryption(_key_folder()).wrap("kek-0001", HOUSE_SCOPE, bytes(32))


def test_key_file_that_others_may_read_is_refused(log: Log, settings: Settings) -> None:
    path = settings.MUNIMENT_KEYS / "index.key"
    path.chmod(0o640)
    with pytest.raises(SigningKeyRefused, match="has mode 640, wanted 600"):
        read_private(path)


def test_key_file_that_is_there_is_never_replaced(log: Log) -> None:
    path = _key_folder() / "kek-0001.key"
    before = path.read_bytes()
    create_key_file(_key_folder(), "kek-0001")
    assert path.read_bytes() == before


def test_blind_index_tells_fields_apart_and_is_keyed(log: Log, settings: Settings) -> None:
    index = vault.blind_index("email", NAMES[1])
    assert index == vault.blind_index("email", NAMES[1])
    assert index != vault.blind_index("name", NAMES[1])
    (settings.MUNIMENT_KEYS / "index.key").write_bytes(b"another key")
    assert index != vault.blind_index("email", NAMES[1])


def test_file_lies_sealed_and_opens_with_its_own_row_only(log: Log, settings: Settings) -> None:
    whose = person()
    with transaction.atomic():
        one, other = store_file([whose], b"portrait of Ada"), store_file([whose], b"another")
    stored = [path for path in settings.MUNIMENT_FILES.rglob("*") if path.is_file()]
    assert not any(b"Ada" in path.read_bytes() for path in stored)
    assert open_file(one) == b"portrait of Ada"
    (path,) = [path for path in stored if path.name == one.pk.hex]
    (swapped,) = [path for path in stored if path.name == other.pk.hex]
    swapped.write_bytes(path.read_bytes())
    with pytest.raises(SealBroken):
        open_file(other)


def _key_folder() -> Path:
    return Path(django_settings.MUNIMENT_KEYS) / "encryption"


def _open(segment: Segment) -> Opening:
    record = Record.objects.get(pk=segment.record_id)
    return vault.keys(segment.scopes).open_segment(
        segment.scopes, record.uuid, segment.position, "thing.tested", segment.ciphertext
    )


def _insert_only_content() -> str:
    """Return every column of every insert-only table as lower-case text, bytes as hex and text."""
    models = [model for model in apps.get_models() if issubclass(model, InsertOnly)]
    assert Record in models
    content: list[str] = []
    for model in models:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")
            for row in cursor.fetchall():
                content += [part for value in row for part in _shown(value)]
    return "\n".join(content).lower()


def _shown(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _shown(item)
    elif isinstance(value, bytes | memoryview):
        yield bytes(value).hex()
        yield bytes(value).decode("utf-8", "replace")
    else:
        yield str(value)


def _traces(value: str) -> Iterator[str]:
    plain = [value.encode(), value.replace("-", "").encode()]
    if value.count("-") == 4:
        plain.append(UUID(value).bytes)
    else:
        yield value
    for text in plain:
        for algorithm in ("sha256", "sha1", "md5"):
            digest = hashlib.new(algorithm, text, usedforsecurity=False).digest()
            yield from (digest.hex(), base64.b64encode(digest).decode())
        yield from (text.hex(), base64.b64encode(text).decode()[:-4])


def test_keys_that_two_make_at_once_are_made_once(log: Log, settings: Settings) -> None:
    settings.MUNIMENT_KEYS = settings.MUNIMENT_HOME / "fresh"

    def make(_: int) -> bytes:
        create_installation_keys()
        return (_key_folder() / "kek-0001.key").read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make, range(8)))) == 1


@pytest.mark.parametrize("name", ["default.2", "a/b", "a_b", "Upper", "", "a" * 65, "../x", "a\n"])
def test_log_is_not_opened_under_a_name_that_could_be_anothers(log: Log, name: str) -> None:
    with pytest.raises(FactsRefused, match="a log is named by lower-case letters"):
        open_log(name)
