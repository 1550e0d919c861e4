"""The ledger's tables; what each may do stands in its docstring, who may, in migration 0002."""

from ledger.models.archive import Archive, ArchivedTree, ArchiveState
from ledger.models.checks import VerificationRun
from ledger.models.installation import Observation
from ledger.models.log import (
    Anchored,
    Checkpoint,
    Incarnation,
    KeyRecord,
    Leaf,
    Log,
    Partition,
    Pending,
    Record,
    Tile,
)
from ledger.models.recorded import Recorded, recorded_models
from ledger.models.reports import IssuedReport, ReportState
from ledger.models.vault import (
    HOUSE_SCOPE,
    Epoch,
    RequestKey,
    Retention,
    Scope,
    ScopeState,
    SealedFile,
    Segment,
    Tombstone,
)
from ledger.models.witness import (
    MAX_WITNESSES,
    PUBLICATION_POLICY,
    AnswerCode,
    Cosignature,
    LastAnswer,
    Offer,
    PublicationPolicy,
    TimeStamp,
    Witness,
)

__all__ = [
    "HOUSE_SCOPE",
    "MAX_WITNESSES",
    "PUBLICATION_POLICY",
    "Anchored",
    "AnswerCode",
    "Archive",
    "ArchiveState",
    "ArchivedTree",
    "Checkpoint",
    "Cosignature",
    "Epoch",
    "Incarnation",
    "IssuedReport",
    "KeyRecord",
    "LastAnswer",
    "Leaf",
    "Log",
    "Observation",
    "Offer",
    "Partition",
    "Pending",
    "PublicationPolicy",
    "Record",
    "Recorded",
    "ReportState",
    "RequestKey",
    "Retention",
    "Scope",
    "ScopeState",
    "SealedFile",
    "Segment",
    "Tile",
    "TimeStamp",
    "Tombstone",
    "VerificationRun",
    "Witness",
    "recorded_models",
]
