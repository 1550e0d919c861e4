"""What the doctor examines: keys, clocks, roles, triggers, safe copies, queues, disk.

Each examination yields what it saw, one ``Diagnosis`` a thing, with what to do where something
is wrong. It may raise anything: the doctor then says that it could not look. Apps add theirs:

    EXAMINATIONS.register("certificates", examine_certificates)
"""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates
from django.conf import settings
from django.db import connections

from ledger import journal, privileges
from ledger.anchor import Anchor
from ledger.circumstances import oldest_transaction, read_conditions
from ledger.conditions import Name, Queue, tell
from ledger.errors import AnchorRefused, JournalBroken, LedgerError
from ledger.models import Checkpoint, Incarnation
from ledger.note import Checkpoint as TreeHead
from ledger.note import Note
from ledger.outside import examine_authority, examine_witnesses
from ledger.routers import KEYSTORE
from ledger.services.replay import count_survivors
from ledger.signing import read_verifiers
from ledger.soundness import LogStatus, read_statuses

# Files below the keys' folder that everybody may read.
PUBLIC_FILES = frozenset({"vkeys", "standby", "multikeys", "chain.pem", "root.pem"})
NEEDED_KEYS = ("passphrase", "index.key")
CERTIFICATE_WARNING = timedelta(days=21)
MESSAGE_AGE = timedelta(minutes=10)
# Time to make room, long before a disk counts as full.
ENOUGH_FREE_BYTES = 2 << 30


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at; ``cure`` says what to do and is empty when all is well."""

    topic: str
    said: str
    cure: str = ""

    @property
    def is_well(self) -> bool:
        return not self.cure


Seen = Iterable[tuple[str, str]]


class Examinations:
    """All examinations of the installed apps: functions that yield (what was seen, cure or "")."""

    def __init__(self) -> None:
        self._examinations: dict[str, Callable[[], Seen]] = {}

    def register(self, topic: str, examine: Callable[[], Seen]) -> None:
        """Add one. Raises ValueError for a topic that is taken."""
        if topic in self._examinations:
            raise ValueError(f"examination {topic} is registered twice")
        self._examinations[topic] = examine

    def run(self) -> Iterator[Diagnosis]:
        """Run all; one that fails to look is a finding, and the others go on."""
        for topic, examine in self._examinations.items():
            try:
                for said, cure in examine():
                    yield Diagnosis(topic, said, cure)
            # The doctor must answer when anything at all is broken.
            except Exception as error:
                said = f"could not be examined: {type(error).__name__}: {error}".strip()
                yield Diagnosis(topic, said, "mend what is named here first, and run doctor again")


def examine_keys() -> Seen:
    """Look for key files, and for those that others may read. Opens none of them."""
    folder: Path = settings.MUNIMENT_KEYS
    missing = [name for name in NEEDED_KEYS if not (folder / name).exists()]
    if not list((folder / "encryption").glob("*.key")):
        missing.append("encryption/*.key")
    for name in missing:
        yield (
            f"key file {name} is missing",
            "restore it from its copy; for a new service run manage.py open_log",
        )
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in PUBLIC_FILES]
    loose = [path for path in files if path.stat().st_mode & 0o077]
    for path in loose:
        yield f"{path} may be read by others", f"chmod 600 {path}"
    if not missing and not loose:
        yield f"{len(files)} key files, each for its owner only", ""
    yield from _examine_signers()


def _examine_signers() -> Seen:
    for incarnation in Incarnation.objects.order_by("pk"):
        try:
            count = len(read_verifiers(incarnation.origin))
        except LedgerError as error:
            yield str(error), "restore the folder of this log's keys from its copy"
        else:
            yield f"log {incarnation.origin} is signed by {count} keys", ""


def examine_certificates() -> Seen:
    """Say when each certificate ends that lies with the keys."""
    for path in sorted(settings.MUNIMENT_KEYS.rglob("chain.pem")):
        leaf = load_pem_x509_certificates(path.read_bytes())[0]
        left = leaf.not_valid_after_utc - datetime.now(UTC)
        said = f"{path.parent.name}: valid until {leaf.not_valid_after_utc:%Y-%m-%d}"
        yield said, f"put a new chain into {path.parent}" if left < CERTIFICATE_WARNING else ""


def examine_clocks() -> Seen:
    """Compare this machine's clock with each database's; whether that is too far is a state."""
    for alias in settings.DATABASES:
        before = time.time()
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            (there,) = cursor.fetchone()
        here = datetime.fromtimestamp((before + time.time()) / 2, UTC)
        apart = abs(here - there)
        yield f"database {alias} is {apart.total_seconds():.1f} s from this machine", ""


def examine_privileges() -> Seen:
    """Compare roles, owners and privileges in each database with what the migrations gave."""
    for alias in settings.DATABASES:
        faults = list(privileges.find_faults(alias))
        for fault in faults:
            yield fault, "run manage.py migrate_all, or take back by hand what was given by hand"
        if not faults:
            yield f"database {alias}: roles and privileges are as the migrations gave them", ""


def examine_triggers() -> Seen:
    """Look for each trigger that a migration made: is it there, and always enabled?"""
    for alias in settings.DATABASES:
        expected = privileges.expected_triggers(alias)
        faults = list(privileges.find_trigger_faults(alias, expected))
        for fault in faults:
            yield fault, "somebody with the owner's rights changed this: find out who, then restore"
        if not faults:
            yield f"database {alias}: {len(expected)} triggers, all enabled always", ""


def examine_safe_copies() -> Seen:
    """Compare each log's safe copy with the database: it may be behind by a moment, never ahead."""
    for incarnation in Incarnation.objects.order_by("pk"):
        yield _examine_anchor(incarnation)


def _examine_anchor(incarnation: Incarnation) -> tuple[str, str]:
    restore = (
        "restore the database or the safe copy that belongs to the other; do not delete either. "
        "If the newest backup is older: manage.py continue_log"
    )
    try:
        anchor = Anchor(settings.MUNIMENT_ANCHOR, incarnation.origin)
        held, successor = anchor.checkpoint(), anchor.successor()
    except AnchorRefused as error:
        return str(error), "restore the folder of the safe copies"
    if successor:
        is_known = Incarnation.objects.filter(origin=successor).exists()
        said = f"{incarnation.origin}: continued as {successor}"
        return (said, "") if is_known else (f"{said}, which the database does not hold", restore)
    if held is None:
        return f"{incarnation.origin}: opened, nothing copied yet", ""
    stored = Checkpoint.objects.filter(incarnation=incarnation, size=held.size).first()
    if stored is None:
        newest = Checkpoint.objects.filter(incarnation=incarnation).order_by("-size").first()
        ends = newest.size if newest else 0
        return f"{incarnation.origin}: copy of size {held.size}, database ends at {ends}", restore
    if TreeHead.parse(Note.parse(stored.note).text).root != held.root:
        return f"{incarnation.origin}: copy and database differ at size {held.size}", restore
    return f"{incarnation.origin}: safe copy of size {held.size} agrees", ""


def examine_journal() -> Seen:
    """Read the shred journal: do its lines link up, and is what they tell of gone?"""
    path = settings.MUNIMENT_JOURNAL / journal.NAME
    try:
        yield f"shred journal of {len(journal.read(path))} lines", ""
        if KEYSTORE in settings.DATABASES and (count := count_survivors()):
            said = f"a restored backup has undone {count} destructions"
            yield said, "run manage.py replay_journal"
    except JournalBroken as error:
        yield str(error), f"restore {path} from its copy"


def examine_queues() -> Seen:
    """Look at what waits: records for a place, checks that are due, messages in the folder."""
    for status in read_statuses():
        yield _examine_status(status)
    folder: Path = settings.CELERY_FOLDER / "queue"
    if settings.CELERY_BROKER_URL.startswith("filesystem:") and folder.exists():
        ages = [time.time() - path.stat().st_mtime for path in folder.glob("*.msg")]
        oldest = timedelta(seconds=max(ages, default=0))
        cure = "start the worker" if oldest > MESSAGE_AGE else ""
        yield f"{len(ages)} messages wait for a worker, the oldest {tell(oldest)}", cure


def _examine_status(status: LogStatus) -> tuple[str, str]:
    name = status.log.name
    if status.check is None:
        return f"log {name} was never checked", "start worker and beat, or run manage.py verify_log"
    if not status.check.is_sound:
        return f"log {name} is not sound", "run manage.py verify_log and follow what it names"
    age = tell(status.now - status.check.ended_at)
    said = f"log {name}: {_describe(status.queue)}; sound, checked {age} ago"
    return said, "start worker and beat" if status.is_stale else ""


def examine_disk() -> Seen:
    """Look at the room that is left where the service writes."""
    folders = {settings.MUNIMENT_HOME, settings.MUNIMENT_FILES, settings.MUNIMENT_JOURNAL}
    devices = {folder.stat().st_dev: folder for folder in folders if folder.exists()}
    for folder in devices.values():
        free = shutil.disk_usage(folder).free
        cure = "make room: a full disk stops the log" if free < ENOUGH_FREE_BYTES else ""
        yield f"{free / 2**30:.1f} GiB free at {folder}", cure


def _describe(queue: Queue) -> str:
    if queue.count is None or queue.age is None:
        return "what waits cannot be counted"
    more = "or more " if queue.count == Queue.COUNTED else ""
    return f"{queue.count} {more}records wait, the first for {tell(queue.age)}"


def examine_states() -> Seen:
    """Say of each named state whether it holds, as readiness, metrics and start page do."""
    # Asked for its error: without its function a state could never be seen.
    oldest_transaction()
    holding = {condition.name: condition for condition in read_conditions()}
    for name in Name:
        condition = holding.get(name)
        if condition is None:
            yield f"{name}: no", ""
        else:
            yield f"{name}: {condition.seen}. {condition.state.meaning}", condition.state.cure


EXAMINATIONS = Examinations()
EXAMINATIONS.register("states", examine_states)
EXAMINATIONS.register("keys", examine_keys)
EXAMINATIONS.register("certificates", examine_certificates)
EXAMINATIONS.register("clocks", examine_clocks)
EXAMINATIONS.register("privileges", examine_privileges)
EXAMINATIONS.register("triggers", examine_triggers)
EXAMINATIONS.register("safe copies", examine_safe_copies)
EXAMINATIONS.register("shred journal", examine_journal)
EXAMINATIONS.register("queues", examine_queues)
EXAMINATIONS.register("disk", examine_disk)
EXAMINATIONS.register("witnesses", examine_witnesses)
EXAMINATIONS.register("time stamps", examine_authority)
