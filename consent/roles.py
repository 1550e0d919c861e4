"""Roles as data: who may do what, where a role is held, and which two no person may hold.

Permissions are ``app.verb_noun``; ``*`` stands for any noun. Faces and services ask for them by
name through ``Account.has_perm``; nothing else decides.
"""

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


class Level(StrEnum):
    """Where a membership reaches."""

    ORGANISATION = "organisation"
    PROJECT = "project"


class AccountKind(StrEnum):
    """Who stands behind an account."""

    PERSON = "person"
    CLIENT = "client"


class RoleCode(StrEnum):
    """The roles there are. Stable: stored, and said in records."""

    USER_ADMINISTRATOR = "user_administrator"
    MANAGER = "manager"
    OFFICER = "officer"
    APPROVER = "approver"
    KEY_HOLDER = "key_holder"
    MODERATOR = "moderator"
    DATA_SCIENTIST = "data_scientist"
    DEVELOPER = "developer"
    EXTERNAL_REVIEWER = "external_reviewer"
    AUDITOR = "auditor"
    GENERATOR = "generator"


@dataclass(frozen=True)
class Role:
    """What holding a role means."""

    about: str
    levels: frozenset[Level]
    permissions: tuple[str, ...]
    kinds: frozenset[AccountKind] = frozenset({AccountKind.PERSON})

    def allows(self, permission: str) -> bool:
        """Return whether the role carries ``permission``."""
        return any(fnmatchcase(permission, pattern) for pattern in self.permissions)


_ORGANISATION = frozenset({Level.ORGANISATION})
_PROJECT = frozenset({Level.PROJECT})
_EITHER = _ORGANISATION | _PROJECT
_CLIENTS = frozenset({AccountKind.CLIENT})

ROLES: dict[RoleCode, Role] = {
    RoleCode.USER_ADMINISTRATOR: Role(
        "Lets people and programs in, and gives them roles; decides nothing about content.",
        _ORGANISATION,
        (
            "consent.view_account",
            "consent.propose_account",
            "consent.approve_account",
            "consent.end_account",
            "consent.issue_credentials",
            "consent.view_project",
            "consent.open_project",
            "consent.view_membership",
            "consent.propose_membership",
            "consent.approve_membership",
            "consent.end_membership",
            "consent.disclose_account",
        ),
    ),
    RoleCode.MANAGER: Role(
        "Runs a project: sees all of it, proposes its members.",
        _EITHER,
        (
            "consent.view_project",
            "consent.view_membership",
            "consent.propose_membership",
            "consent.view_dataset*",
            "consent.open_dataset",
            "generation.view_*",
        ),
    ),
    RoleCode.OFFICER: Role(
        "Records and withdraws consent, runs privacy requests, decides cases, issues reports.",
        _ORGANISATION,
        (
            "consent.view_subject",
            "consent.view_identifier",
            "consent.register_subject",
            "consent.merge_subject",
            "consent.scan_subject",
            "consent.view_scan",
            "consent.serve_notice",
            "consent.view_serving",
            "consent.view_merge",
            "consent.disclose_subject",
            "consent.view_representation",
            "consent.view_title",
            "consent.view_notice",
            "consent.publish_notice",
            "consent.view_campaign",
            "consent.run_campaign",
            "consent.view_askingerrand",
            "consent.view_grant",
            "consent.give_grant",
            "consent.view_releaseimport",
            "consent.bring_release",
            "consent.withdraw_grant",
            "consent.issue_receipt",
            "consent.observe_signal",
            "consent.view_observation",
            "consent.decide",
            "consent.view_lineage",
            "consent.view_impactcase",
            "consent.decide_impact",
            "consent.view_recipient",
            "consent.view_delivery",
            "consent.record_delivery",
            "consent.correct_recipient",
            "consent.view_project",
            "consent.view_dataset*",
            "consent.view_item",
            "consent.view_source",
            "consent.observe_source",
            "consent.open_dataset",
            "consent.freeze_version",
            "consent.waive_vetting",
            "consent.view_privacyrequest",
            "consent.open_request",
            "consent.plan_request",
            "consent.execute_plan",
            "consent.close_request",
            "consent.download_package",
            "generation.view_*",
            "generation.decide_case",
            "generation.publish_policy",
            "generation.retire_model",
            "generation.propose_override",
            "ledger.view_*",
            "ledger.issue_report",
        ),
    ),
    RoleCode.APPROVER: Role(
        "Is the second pair of eyes on what cannot be undone.",
        _ORGANISATION,
        (
            "consent.view_subject",
            "consent.view_identifier",
            "consent.view_merge",
            "consent.view_representation",
            "consent.view_title",
            "consent.view_grant",
            "consent.view_notice",
            "consent.view_lineage",
            "consent.view_impactcase",
            "consent.view_recipient",
            "consent.view_delivery",
            "consent.view_privacyrequest",
            "consent.approve_plan",
            "generation.approve_override",
            "generation.view_*",
            "ledger.view_*",
        ),
    ),
    RoleCode.KEY_HOLDER: Role(
        "Keeps the keys: closes epochs, continues a log after a restore.",
        _ORGANISATION,
        ("ledger.view_*", "ledger.close_epoch", "ledger.continue_log"),
    ),
    RoleCode.MODERATOR: Role(
        "Looks at what waits for a human and decides it.",
        _EITHER,
        ("consent.decide", "generation.view_*", "generation.decide_case"),
    ),
    RoleCode.DATA_SCIENTIST: Role(
        "Brings in data sets, freezes versions, registers models.",
        _EITHER,
        (
            "consent.view_project",
            "consent.view_dataset*",
            "consent.view_source",
            "consent.observe_source",
            "consent.open_dataset",
            "consent.freeze_version",
            "consent.view_recipient",
            "consent.view_delivery",
            "consent.record_delivery",
            "consent.tell_lineage",
            "consent.decide",
            "generation.view_modelversion",
            "generation.view_run",
            "generation.view_output",
            "generation.view_trainingrun",
            "generation.register_model",
            "generation.authorise_training",
            "generation.propose_override",
        ),
        frozenset(AccountKind),
    ),
    RoleCode.DEVELOPER: Role(
        "Connects generators to the service and looks after their runs.",
        _EITHER,
        (
            "consent.view_project",
            "consent.decide",
            "generation.view_modelversion",
            "generation.view_run",
            "generation.view_output",
            "generation.register_model",
        ),
    ),
    RoleCode.EXTERNAL_REVIEWER: Role(
        "Comes from outside and sees one project without its people.",
        _PROJECT,
        (
            "consent.view_project",
            "consent.view_dataset",
            "consent.view_datasetversion",
            "generation.view_modelversion",
            "generation.view_run",
        ),
    ),
    RoleCode.AUDITOR: Role(
        "Reads everything that is not sealed, and changes nothing.",
        _ORGANISATION,
        ("consent.view_*", "generation.view_*", "ledger.view_*", "ledger.read_log"),
    ),
    RoleCode.GENERATOR: Role(
        "Is a program: asks before each run and records what came of it.",
        _EITHER,
        (
            "consent.decide",
            "consent.observe_signal",
            "consent.tell_lineage",
            "generation.register_model",
            "generation.authorise_run",
            "generation.complete_run",
            "generation.fail_run",
            "generation.view_modelversion",
            "generation.view_run",
            "generation.view_output",
            "ledger.report_event",
        ),
        _CLIENTS,
    ),
}

# No person may hold both, at whatever level: the one checks, lets in or undoes the other.
EXCLUSIVE: frozenset[frozenset[RoleCode]] = frozenset(
    frozenset(pair)
    for pair in (
        (RoleCode.OFFICER, RoleCode.APPROVER),
        (RoleCode.USER_ADMINISTRATOR, RoleCode.OFFICER),
        (RoleCode.USER_ADMINISTRATOR, RoleCode.APPROVER),
        (RoleCode.USER_ADMINISTRATOR, RoleCode.KEY_HOLDER),
        (RoleCode.KEY_HOLDER, RoleCode.APPROVER),
        (RoleCode.AUDITOR, RoleCode.USER_ADMINISTRATOR),
        (RoleCode.AUDITOR, RoleCode.OFFICER),
        (RoleCode.AUDITOR, RoleCode.APPROVER),
        (RoleCode.AUDITOR, RoleCode.KEY_HOLDER),
        (RoleCode.AUDITOR, RoleCode.MODERATOR),
        (RoleCode.AUDITOR, RoleCode.DATA_SCIENTIST),
        (RoleCode.EXTERNAL_REVIEWER, RoleCode.DATA_SCIENTIST),
        (RoleCode.EXTERNAL_REVIEWER, RoleCode.DEVELOPER),
        (RoleCode.EXTERNAL_REVIEWER, RoleCode.MANAGER),
    )
)


def excluded_by(role: RoleCode, held: frozenset[RoleCode]) -> frozenset[RoleCode]:
    """Return those of ``held`` that forbid taking on ``role``."""
    return frozenset(other for other in held if frozenset({role, other}) in EXCLUSIVE)
