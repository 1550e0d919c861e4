"""The record kinds of the consent app, and what each says in the open.

Facts hold codes, counts and digests of what is public; nothing that ties two events together.
The times of everything about consent and privacy requests are cut to the hour.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from consent.roles import AccountKind, Level, RoleCode
from consent.uses import Aside, Capacity, Form, ImpactCause, Masking, Measure, Mode
from consent.vetting.gate import Code, Verdict
from ledger.kinds import KINDS, Count, Cut, Digest, Divisible, Facts, Kind


class RequestKindFact(StrEnum):
    """What a privacy request asks for."""

    ACCESS = "access"
    ERASURE = "erasure"


class CloseOutcome(StrEnum):
    """How a privacy request ended."""

    FULFILLED = "fulfilled"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Face(StrEnum):
    """How people and programs reach the service."""

    PAGES = "pages"
    API = "api"


class ServiceOpened(Facts):
    """The first accounts exist."""

    administrators: Count


class AccountFacts(Facts):
    """Whether a person or a program."""

    kind: AccountKind


class MembershipFacts(Facts):
    """Which role, and how far it reaches."""

    role: RoleCode
    level: Level


class AccessDenied(Facts):
    """By which face somebody came who was not let through; who and where lies in the segment."""

    face: Face


class NoticePublished(Facts):
    """The notice is public, so its digest may be."""

    digest: Digest
    version: Count
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")]


class ScanDone(Facts):
    """With how many people something was compared."""

    people: Count


class GrantGiven(Facts):
    """The shape of the answer, not its content."""

    mode: Mode


class GrantWithdrawn(Facts):
    """Whether some uses stay allowed under a new answer."""

    partly: bool


class CampaignBegun(Facts):
    """How many people are asked, and about how many answers."""

    people: Count
    answers: Count


class CampaignClosed(Facts):
    """What was said, counted by the answers that people were asked about."""

    yes: Count
    less: Count
    no: Count
    silent: Count


class PaperFact(StrEnum):
    """What was written about an answer."""

    RECEIPT = "receipt"
    BUNDLE = "bundle"


class ReceiptIssued(Facts):
    """Which paper; whose answer it tells of lies in the segment."""

    paper: PaperFact


class VersionFrozen(Facts):
    """The version's digest, published here; how many items it commits to.

    ``vetted`` is no where somebody waived that; why lies in the waiver.
    """

    digest: Digest
    items: Count
    quarantined: Count
    vetted: bool


class SourceObserved(Divisible):
    """How many things were seen at a source, and how many more were as they had been before."""

    observations: Count
    unchanged: Count


class VersionWeighed(Divisible):
    """Of how many items it was asked again what is said of them where they lie, and how many
    were set aside for it."""

    items: Count
    aside: Count


class IntakeReceived(Divisible):
    """In which format something came; the ties that it tells of may take several records."""

    form: Form


class ItemsAdmitted(Divisible):
    """How many items came into a version by one step of reading, and how many were kept out."""

    items: Count
    quarantined: Count


class ItemsSetAside(Divisible):
    """How many items are no members after all, and why."""

    items: Count
    reason: Aside


class VettingRun(Facts):
    """At how many items somebody looked, and what the gate said then."""

    items: Count
    verdict: Verdict


class FindingFact(Facts):
    """What sort of finding was accepted as it is; why lies in the row."""

    code: Code


class FindingSettled(Facts):
    """Of what sort of finding pictures were taken out, and how many."""

    code: Code
    items: Count


class ItemsAnonymised(Divisible):
    """How many pictures were replaced by such in which nobody is recognised, and how."""

    items: Count
    method: Masking


class IntakeRepaired(Divisible):
    """How many items were let in after somebody set them right, or turned away for good."""

    items: Count
    dropped: Count


class ReleasesBrought(Facts):
    """How many lines the table had."""

    lines: Count


class ReleasesTaken(Divisible):
    """How many lines became answers by one step."""

    releases: Count


class Settling(StrEnum):
    """What somebody said of lines of old releases."""

    DECIDED = "decided"
    ACCEPTED = "accepted"
    REPAIRED = "repaired"


class ReleasesSettled(Facts):
    """Of how many lines somebody said who is meant, answered for them, or set them right."""

    settling: Settling
    lines: Count


class ReleasesDropped(Facts):
    """How many lines were turned away for good."""

    lines: Count


class PortalEntered(Facts):
    """In what capacity somebody acts in the portal from now on."""

    capacity: Capacity


class RequestFacts(Facts):
    """What is asked for."""

    kind: RequestKindFact


class RequestPlanned(Facts):
    """How many steps it will take."""

    kind: RequestKindFact
    steps: Count


class RequestClosed(Facts):
    """How it ended."""

    kind: RequestKindFact
    outcome: CloseOutcome


class ImpactOpened(Facts):
    """What kind of end it was; whose, lies in the segments."""

    cause: ImpactCause


class ImpactAssessed(Facts):
    """How many versions and models are concerned."""

    versions: Count
    models: Count


class ImpactDecided(Facts):
    """What is done about one version or model; about which, lies in the segment."""

    decision: Measure


def _about_people(name: str, facts: type[Facts] | None = None) -> Kind:
    kind = Kind(name, cut=Cut.HOUR) if facts is None else Kind(name, facts, Cut.HOUR)
    return KINDS.register(kind)


SERVICE_OPENED = KINDS.register(Kind("service.opened", ServiceOpened))
ACCOUNT_PROPOSED = KINDS.register(Kind("account.proposed", AccountFacts))
ACCOUNT_APPROVED = KINDS.register(Kind("account.approved", AccountFacts))
ACCOUNT_ENDED = KINDS.register(Kind("account.ended", AccountFacts))
PASSWORD_SET = KINDS.register(Kind("password.set"))
SIGN_IN_RENEWED = KINDS.register(Kind("sign_in.renewed", AccountFacts))
CREDENTIALS_ISSUED = KINDS.register(Kind("credentials.issued"))
MEMBERSHIP_PROPOSED = KINDS.register(Kind("membership.proposed", MembershipFacts))
MEMBERSHIP_APPROVED = KINDS.register(Kind("membership.approved", MembershipFacts))
MEMBERSHIP_ENDED = KINDS.register(Kind("membership.ended", MembershipFacts))
ACCESS_DENIED = KINDS.register(Kind("access.denied", AccessDenied))
PROJECT_OPENED = KINDS.register(Kind("project.opened"))

NOTICE_PUBLISHED = _about_people("notice.published", NoticePublished)
SUBJECT_REGISTERED = _about_people("subject.registered")
NOTICE_SERVED = _about_people("notice.served")
SCAN_ORDERED = _about_people("scan.ordered")
SCAN_DONE = _about_people("scan.done", ScanDone)
SUBJECT_MERGED = _about_people("subject.merged")
SUBJECT_PARTED = _about_people("subject.parted")
IDENTIFIER_ADDED = _about_people("identifier.added")
IDENTIFIER_ENDED = _about_people("identifier.ended")
IDENTIFIER_CORRECTED = _about_people("identifier.corrected")
PORTAL_LINK_MADE = _about_people("portal_link.made")
PORTAL_ENTERED = _about_people("portal.entered", PortalEntered)
REPRESENTATION_BEGUN = _about_people("representation.begun")
REPRESENTATION_ENDED = _about_people("representation.ended")
TITLE_PASSED = _about_people("title.passed")
TITLE_ENDED = _about_people("title.ended")
SIGNAL_OBSERVED = _about_people("signal.observed")
GRANT_DRAFTED = _about_people("grant.drafted")
GRANT_REQUESTED = _about_people("grant.requested")
GRANT_DEFERRED = _about_people("grant.deferred")
GRANT_LAPSED = _about_people("grant.lapsed")
GRANT_REFUSED = _about_people("grant.refused")
GRANT_ASKED = _about_people("grant.asked")
GRANT_UNREACHED = _about_people("grant.unreached")
GRANT_EVIDENCED = _about_people("grant.evidenced")
GRANT_GIVEN = _about_people("grant.given", GrantGiven)
GRANT_WITHDRAWN = _about_people("grant.withdrawn", GrantWithdrawn)
GRANT_SUSPENDED = _about_people("grant.suspended")
GRANT_RESUMED = _about_people("grant.resumed")
GRANT_RENEWED = _about_people("grant.renewed")
GRANT_REVOKED = _about_people("grant.revoked")
GRANT_INVALIDATED = _about_people("grant.invalidated")
GRANT_EXPIRED = _about_people("grant.expired")
CAMPAIGN_PREPARED = _about_people("campaign.prepared")
CAMPAIGN_BEGUN = _about_people("campaign.begun", CampaignBegun)
CAMPAIGN_PAUSED = _about_people("campaign.paused")
CAMPAIGN_RESUMED = _about_people("campaign.resumed")
CAMPAIGN_EXTENDED = _about_people("campaign.extended")
CAMPAIGN_ENDED = _about_people("campaign.ended")
CAMPAIGN_CLOSED = _about_people("campaign.closed", CampaignClosed)
CAMPAIGN_DROPPED = _about_people("campaign.dropped")
RECEIPT_ISSUED = _about_people("receipt.issued", ReceiptIssued)

RELEASES_BROUGHT = _about_people("releases.brought", ReleasesBrought)
RELEASES_EXPLAINED = _about_people("releases.explained")
RELEASES_SETTLED = _about_people("releases.settled", ReleasesSettled)
RELEASES_TAKEN = _about_people("releases.taken", ReleasesTaken)
RELEASES_DROPPED = _about_people("releases.dropped", ReleasesDropped)
RELEASES_CLOSED = _about_people("releases.closed", ReleasesDropped)

DATASET_OPENED = KINDS.register(Kind("dataset.opened"))
SOURCE_OPENED = KINDS.register(Kind("source.opened"))
SOURCE_OBSERVED = _about_people("source.observed", SourceObserved)
INTAKE_RECEIVED = _about_people("intake.received", IntakeReceived)
INTAKE_BEGUN = _about_people("intake.begun", IntakeReceived)
INTAKE_READ = _about_people("intake.read", IntakeReceived)
INTAKE_RESEALED = _about_people("intake.resealed", IntakeReceived)
INTAKE_REFUSED = _about_people("intake.refused", IntakeReceived)
INTAKE_REPAIRED = _about_people("intake.repaired", IntakeRepaired)
ITEMS_ADMITTED = _about_people("items.admitted", ItemsAdmitted)
ITEMS_SET_ASIDE = _about_people("items.set_aside", ItemsSetAside)
VERSION_OPENED = _about_people("version.opened")
VERSION_ABANDONED = _about_people("version.abandoned")
VERSION_FROZEN = _about_people("version.frozen", VersionFrozen)
VERSION_WEIGHED = _about_people("version.weighed", VersionWeighed)
VETTING_WAIVED = _about_people("vetting.waived")
VETTING_ORDERED = _about_people("vetting.ordered")
VETTING_RUN = _about_people("vetting.run", VettingRun)
VETTING_FAILED = _about_people("vetting.failed")
VETTING_ACCEPTED = _about_people("vetting.accepted", FindingFact)
VETTING_SETTLED = _about_people("vetting.settled", FindingSettled)
ITEMS_ANONYMISED = _about_people("items.anonymised", ItemsAnonymised)
GROUPS_DECLARED = _about_people("groups.declared")
TOKEN_ISSUED = KINDS.register(Kind("token.issued"))
TOKEN_REVOKED = KINDS.register(Kind("token.revoked"))
LINEAGE_TOLD = _about_people("lineage.told", IntakeReceived)

RECIPIENT_NAMED = KINDS.register(Kind("recipient.named"))
RECIPIENT_CORRECTED = KINDS.register(Kind("recipient.corrected"))
DELIVERY_RECORDED = _about_people("delivery.recorded")

IMPACT_OPENED = _about_people("impact.opened", ImpactOpened)
IMPACT_ASSESSED = _about_people("impact.assessed", ImpactAssessed)
IMPACT_ASSIGNED = _about_people("impact.assigned")
IMPACT_DECIDED = _about_people("impact.decided", ImpactDecided)
IMPACT_COMPLETED = _about_people("impact.completed", ImpactDecided)
IMPACT_CLOSED = _about_people("impact.closed")

REQUEST_RECEIVED = _about_people("request.received", RequestFacts)
REQUEST_IDENTIFIED = _about_people("request.identified", RequestFacts)
REQUEST_EXTENDED = _about_people("request.extended", RequestFacts)
REQUEST_PLANNED = _about_people("request.planned", RequestPlanned)
PLAN_APPROVED = _about_people("plan.approved", RequestPlanned)
PLAN_STARTED = _about_people("plan.started", RequestFacts)
PLAN_BLOCKED = _about_people("plan.blocked", RequestFacts)
PLAN_VOIDED = _about_people("plan.voided", RequestFacts)
PLAN_COMPLETED = _about_people("plan.completed", RequestFacts)
PACKAGE_MADE = _about_people("package.made", RequestFacts)
REQUEST_CLOSED = _about_people("request.closed", RequestClosed)
