"""The ledger's own kinds: about itself, never about a person."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ledger import keyhistory
from ledger.kinds import KINDS, Count, Cut, Digest, Facts, Kind

Origin = Annotated[str, Field(pattern=r"^[a-z0-9.-]+(/[a-z0-9._-]+)+$", max_length=200)]
VerifierKey = Annotated[str, Field(pattern=r"^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$")]


class Predecessor(Facts):
    """An earlier origin of a continued log: what is kept of it, and its last anchored checkpoint.

    ``size`` and ``root`` are of the signed tree that the database still holds; ``anchored_size``
    and ``anchored_root`` are the anchored checkpoint's. A tree of size 0 has no root. Receipts
    for the leaves from ``size`` to ``anchored_size`` - 1 are orphaned.
    """

    origin: Origin
    size: Count
    root: Digest | None = None
    anchored_size: Count
    anchored_root: Digest | None = None


class LogOpened(Facts):
    """Leaf 0 of every incarnation: what it is, who signs it, what it goes on from.

    ``predecessors`` are all earlier origins, first to last; the first incarnation has none.
    """

    format: Annotated[str, Field(pattern=r"^muniment/v1$")]
    origin: Origin
    keys: tuple[VerifierKey, ...]
    predecessors: tuple[Predecessor, ...] | None = None


class LogAnnounced(Facts):
    """A further log exists; said in the default log, so that none can be added unseen."""

    origin: Origin


class LogKeyRotated(Facts):
    """Other keys sign from here on; the first checkpoint over this is signed by both."""

    origin: Origin
    keys: tuple[VerifierKey, ...]
    replaces: tuple[VerifierKey, ...]


class LogKeyRetired(Facts):
    """The private half of a key that was replaced is destroyed."""

    origin: Origin
    key: VerifierKey


class LogKeyCompromised(Facts):
    """Somebody else may sign with this key since then.

    Without a time-stamp token of before then, nothing that it alone has signed is trusted.
    """

    origin: Origin
    key: VerifierKey
    since: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:00Z$")]


KeyId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]


class EncryptionKeyFacts(Facts):
    """Which key-encryption key it is about: a name, no key."""

    key: KeyId


class SegmentsDestroyed(Facts):
    """The close of an epoch: how many segments it destroyed, under which root."""

    epoch: Count
    count: Count
    root: Digest


class RowsRelinked(Facts):
    """Rows that had to stay now point at anonymous stubs."""

    epoch: Count
    count: Count


class ReportOrdered(Facts):
    """A report over so many records was asked for."""

    records: Count


class ReportIssued(Facts):
    """A report left the house; its manifest can be compared to this digest."""

    manifest: Digest


class DisclosureReason(StrEnum):
    """Why somebody opened sealed values."""

    CASEWORK = "casework"
    CONSENT_CHANGE = "consent_change"
    PRIVACY_REQUEST = "privacy_request"
    MODERATION = "moderation"
    REPORT = "report"
    SIGN_IN_SUPPORT = "sign_in_support"
    OWN_MATTERS = "own_matters"


class ValuesDisclosed(Facts):
    """Sealed values were read by a person; who and whose lies in the segments."""

    reason: DisclosureReason
    count: Count


class SystemDeployed(Facts):
    """Another code or another set of packages runs than before."""

    release: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+-]+$", max_length=40)]
    build: Digest
    lock: Digest


class MigrationApplied(Facts):
    """The tables were changed by these migrations, ``<app>.<name>``."""

    migrations: tuple[Annotated[str, Field(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$")], ...]


class SettingChanged(Facts):
    """These settings have other values than before; the values are nobody's business."""

    settings: tuple[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")], ...]


class ControlChecked(Facts):
    """What guards the ledger, as digests, and how much of it is not as the migrations made it."""

    triggers: Digest
    grants: Digest
    roles: Digest
    certificates: Digest
    faults: Count


class LogVerified(Facts):
    """A log was verified from end to end by the service itself."""

    log: Annotated[str, Field(pattern=r"^[-a-zA-Z0-9_]+$", max_length=64)]
    size: Count
    is_sound: bool
    is_openness_checked: bool
    findings: Count


class PublicationPolicyChanged(Facts):
    """How many of which witnesses must sign before strangers see a checkpoint.

    ``witnesses`` are the digests of their verifier keys, sorted; ``quorum`` 0 waits for none.
    """

    quorum: Count
    blocking: bool
    witnesses: tuple[Digest, ...]


class PartitionMoved(Facts):
    """Records with ids from ``first`` up to ``end`` were copied, or left the database.

    ``manifest`` is the digest of what the archive holds of them.
    """

    first: Count
    end: Count
    records: Count
    manifest: Digest


class Topic(StrEnum):
    """What an event was about that a program tells of."""

    TRAINING = "training"
    EVALUATION = "evaluation"
    GENERATION = "generation"
    DELIVERY = "delivery"
    ACCESS = "access"
    OTHER = "other"


class EventReported(Facts):
    """A program tells of something that happened outside of this service; nothing checks it."""

    topic: Topic
    count: Count | None = None


LOG_OPENED = KINDS.register(Kind("log.opened", LogOpened))
LOG_ANNOUNCED = KINDS.register(Kind("log.announced", LogAnnounced))
LOG_KEY_ROTATED = KINDS.register(Kind(keyhistory.LOG_KEY_ROTATED, LogKeyRotated))
LOG_KEY_RETIRED = KINDS.register(Kind("log_key.retired", LogKeyRetired))
LOG_KEY_COMPROMISED = KINDS.register(Kind(keyhistory.LOG_KEY_COMPROMISED, LogKeyCompromised))
ENCRYPTION_KEY_ROTATED = KINDS.register(Kind("encryption_key.rotated", EncryptionKeyFacts))
ENCRYPTION_KEY_RETIRED = KINDS.register(Kind("encryption_key.retired", EncryptionKeyFacts))
SEGMENTS_DESTROYED = KINDS.register(Kind("segments.destroyed", SegmentsDestroyed, Cut.HOUR))
ROWS_RELINKED = KINDS.register(Kind("rows.relinked", RowsRelinked, Cut.HOUR))
REPORT_ORDERED = KINDS.register(Kind("report.ordered", ReportOrdered))
REPORT_ISSUED = KINDS.register(Kind("report.issued", ReportIssued))
VALUES_DISCLOSED = KINDS.register(Kind("values.disclosed", ValuesDisclosed))
SYSTEM_DEPLOYED = KINDS.register(Kind("system.deployed", SystemDeployed))
MIGRATION_APPLIED = KINDS.register(Kind("migration.applied", MigrationApplied))
SETTING_CHANGED = KINDS.register(Kind("setting.changed", SettingChanged))
CONTROL_CHECKED = KINDS.register(Kind("control.checked", ControlChecked))
LOG_VERIFIED = KINDS.register(Kind("log.verified", LogVerified))
PUBLICATION_POLICY_CHANGED = KINDS.register(
    Kind("publication_policy.changed", PublicationPolicyChanged)
)
PARTITION_ARCHIVED = KINDS.register(Kind("partition.archived", PartitionMoved))
PARTITION_DETACHED = KINDS.register(Kind("partition.detached", PartitionMoved))
PARTITION_DROPPED = KINDS.register(Kind("partition.dropped", PartitionMoved))
EVENT_REPORTED = KINDS.register(Kind("event.reported", EventReported, is_open=True))
