"""The ledger's own kinds: about itself, never about a person."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ledger.kinds import KINDS, Count, Cut, Digest, Facts, Kind

Origin = Annotated[str, Field(pattern=r"^[a-z0-9.-]+(/[a-z0-9._-]+)+$", max_length=200)]
VerifierKey = Annotated[str, Field(pattern=r"^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$")]


class LogOpened(Facts):
    """Leaf 0 of every incarnation: what it is, who signs it, what it goes on from."""

    format: Annotated[str, Field(pattern=r"^muniment/v1$")]
    origin: Origin
    keys: tuple[VerifierKey, ...]


class LogAnnounced(Facts):
    """A further log exists; said in the default log, so that none can be added unseen."""

    origin: Origin


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


class ValuesDisclosed(Facts):
    """Sealed values were read by a person; who and whose lies in the segments."""

    reason: DisclosureReason
    count: Count


LOG_OPENED = KINDS.register(Kind("log.opened", LogOpened))
LOG_ANNOUNCED = KINDS.register(Kind("log.announced", LogAnnounced))
SEGMENTS_DESTROYED = KINDS.register(Kind("segments.destroyed", SegmentsDestroyed, Cut.HOUR))
ROWS_RELINKED = KINDS.register(Kind("rows.relinked", RowsRelinked, Cut.HOUR))
REPORT_ORDERED = KINDS.register(Kind("report.ordered", ReportOrdered))
REPORT_ISSUED = KINDS.register(Kind("report.issued", ReportIssued))
VALUES_DISCLOSED = KINDS.register(Kind("values.disclosed", ValuesDisclosed))
