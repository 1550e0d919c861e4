"""The consent app's tables; what guards them stands in migration 0002."""

from consent.models.askings import AskingErrand
from consent.models.consents import OPEN, Grant, GrantState, Notice
from consent.models.datasets import (
    Dataset,
    DatasetVersion,
    Depiction,
    Derivation,
    Item,
    MediaType,
    VersionPage,
    VersionState,
)
from consent.models.evidence import Evidence
from consent.models.impact import (
    Affected,
    ImpactCase,
    ImpactDecision,
    ImpactState,
    LineState,
)
from consent.models.intakes import (
    Entity,
    Intake,
    IntakeState,
    Quarantined,
    Reading,
    Source,
    Tie,
)
from consent.models.merges import Merge
from consent.models.papers import AnswerPaper, AnswerPaperKind
from consent.models.parties import GivenBy, Representation, Title
from consent.models.people import Account, AccountState, Membership, MembershipState, Project
from consent.models.portal import Language, LinkErrand, PortalLink, PortalVisit
from consent.models.requests import (
    CLOSED,
    Action,
    Errand,
    Package,
    Paper,
    Plan,
    PlanState,
    PrivacyRequest,
    RequestKind,
    RequestState,
    Step,
    StepState,
)
from consent.models.scans import Scan, ScanErrand, ScanMatch, ScanState
from consent.models.servings import Serving
from consent.models.signals import Observation, SignalFinding
from consent.models.subjects import Identifier, SearchKey, Subject, search_keys
from consent.models.vetting import (
    Anonymisation,
    FindingState,
    Flagged,
    GroupDeclaration,
    Vetting,
    VettingErrand,
    VettingFinding,
    VettingState,
)

__all__ = [
    "CLOSED",
    "OPEN",
    "Account",
    "AccountState",
    "Action",
    "Affected",
    "Anonymisation",
    "AnswerPaper",
    "AnswerPaperKind",
    "AskingErrand",
    "Dataset",
    "DatasetVersion",
    "Depiction",
    "Derivation",
    "Entity",
    "Errand",
    "Evidence",
    "FindingState",
    "Flagged",
    "GivenBy",
    "Grant",
    "GrantState",
    "GroupDeclaration",
    "Identifier",
    "ImpactCase",
    "ImpactDecision",
    "ImpactState",
    "Intake",
    "IntakeState",
    "Item",
    "Language",
    "LineState",
    "LinkErrand",
    "MediaType",
    "Membership",
    "MembershipState",
    "Merge",
    "Notice",
    "Observation",
    "Package",
    "Paper",
    "Plan",
    "PlanState",
    "PortalLink",
    "PortalVisit",
    "PrivacyRequest",
    "Project",
    "Quarantined",
    "Reading",
    "Representation",
    "RequestKind",
    "RequestState",
    "Scan",
    "ScanErrand",
    "ScanMatch",
    "ScanState",
    "SearchKey",
    "Serving",
    "SignalFinding",
    "Source",
    "Step",
    "StepState",
    "Subject",
    "Tie",
    "Title",
    "VersionPage",
    "VersionState",
    "Vetting",
    "VettingErrand",
    "VettingFinding",
    "VettingState",
    "search_keys",
]
