"""The ledger's tables; what each may do stands in its docstring, who may, in migration 0002."""

from ledger.models.checks import VerificationRun
from ledger.models.log import (
    Anchored,
    Checkpoint,
    Incarnation,
    Leaf,
    Log,
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

__all__ = [
    "HOUSE_SCOPE",
    "Anchored",
    "Checkpoint",
    "Epoch",
    "Incarnation",
    "IssuedReport",
    "Leaf",
    "Log",
    "Pending",
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
    "Tombstone",
    "VerificationRun",
    "recorded_models",
]
