"""All writes of the consent app, one function per thing the product does."""

from consent.services.anonymising import Anonymised, anonymise_items
from consent.services.answers import Answer
from consent.services.arrivals import Arrival, receive, remarks
from consent.services.authority import Visitor
from consent.services.bundles import issue_bundle
from consent.services.columns import read_columns, reread
from consent.services.datasets import (
    abandon_version,
    freeze_version,
    open_dataset,
    open_source,
    open_version,
)
from consent.services.denials import record_denial
from consent.services.endings import (
    end_representation,
    expire,
    find_alike,
    invalidate,
    renew,
    resume,
    revoke,
    suspend,
    withdraw,
    withdraw_alike,
    withdraw_allowed,
)
from consent.services.errands import put_off
from consent.services.evidence import Piece, read_evidence
from consent.services.execution import block, carry_out, lease_errand
from consent.services.exports import ExportForm, export_version, prove_item
from consent.services.folders import Brought, Frozen, bring_folder, freeze_folder
from consent.services.grants import (
    add_evidence,
    answer_request,
    defer_request,
    draft,
    give,
    let_lapse,
    refuse_request,
    request,
    send,
)
from consent.services.groups import declare_groups
from consent.services.identities import (
    Known,
    add_identifier,
    correct_identifier,
    end_identifier,
)
from consent.services.impact import (
    assess_impact,
    assign_impact,
    close_impact,
    complete_impact,
    decide_impact,
)
from consent.services.intakes import (
    lease_reading,
    read_intake,
    read_leased,
    take_in,
)
from consent.services.merges import merge_subjects, part_subjects
from consent.services.notices import publish_notice
from consent.services.people import (
    Credentials,
    Newcomer,
    SignIn,
    approve_account,
    end_account,
    find_sign_in,
    issue_credentials,
    open_service,
    propose_account,
    renew_sign_in,
    set_password,
)
from consent.services.portal import (
    Letter,
    act_for,
    ask_for_link,
    enter,
    find_link,
    find_visit,
    lease_link_errand,
    leave,
    make_links,
    read_initials,
    sweep_portal,
    visitor_of,
)
from consent.services.projects import (
    approve_membership,
    end_membership,
    open_project,
    propose_membership,
)
from consent.services.receipts import (
    Imported,
    import_receipt,
    issue_receipt,
    read_paper,
    read_record,
)
from consent.services.renewals import (
    AskingLetter,
    ask_to_renew,
    due_askings,
    find_ending,
    lease_asking,
    settle_asking,
    write_letters,
)
from consent.services.repairs import drop, repair, write_errors
from consent.services.requests import (
    approve_plan,
    close_request,
    execute_plan,
    extend,
    identify,
    open_request,
    plan_request,
)
from consent.services.scans import carry_out_scan, lease_scan, scan_subjects
from consent.services.servings import serve_notice
from consent.services.signals import observe_request
from consent.services.subjects import (
    Span,
    end_title,
    pass_title,
    register_subject,
    represent,
)
from consent.services.successors import Without, derive_version, read_version
from consent.services.telling import tell_event
from consent.services.tokens import issue_token, revoke_tokens
from consent.services.vetting import (
    carry_out_vetting,
    lease_vetting,
    vet_version,
)
from consent.services.vetting_acts import accept_finding, set_aside_items
from consent.services.viewing import Sealed, view_files

__all__ = [
    "Anonymised",
    "Answer",
    "Arrival",
    "AskingLetter",
    "Brought",
    "Credentials",
    "ExportForm",
    "Frozen",
    "Imported",
    "Known",
    "Letter",
    "Newcomer",
    "Piece",
    "Sealed",
    "SignIn",
    "Span",
    "Visitor",
    "Without",
    "abandon_version",
    "accept_finding",
    "act_for",
    "add_evidence",
    "add_identifier",
    "anonymise_items",
    "answer_request",
    "approve_account",
    "approve_membership",
    "approve_plan",
    "ask_for_link",
    "ask_to_renew",
    "assess_impact",
    "assign_impact",
    "block",
    "bring_folder",
    "carry_out",
    "carry_out_scan",
    "carry_out_vetting",
    "close_impact",
    "close_request",
    "complete_impact",
    "correct_identifier",
    "decide_impact",
    "declare_groups",
    "defer_request",
    "derive_version",
    "draft",
    "drop",
    "due_askings",
    "end_account",
    "end_identifier",
    "end_membership",
    "end_representation",
    "end_title",
    "enter",
    "execute_plan",
    "expire",
    "export_version",
    "extend",
    "find_alike",
    "find_ending",
    "find_link",
    "find_sign_in",
    "find_visit",
    "freeze_folder",
    "freeze_version",
    "give",
    "identify",
    "import_receipt",
    "invalidate",
    "issue_bundle",
    "issue_credentials",
    "issue_receipt",
    "issue_token",
    "lease_asking",
    "lease_errand",
    "lease_link_errand",
    "lease_reading",
    "lease_scan",
    "lease_vetting",
    "leave",
    "let_lapse",
    "make_links",
    "merge_subjects",
    "observe_request",
    "open_dataset",
    "open_project",
    "open_request",
    "open_service",
    "open_source",
    "open_version",
    "part_subjects",
    "pass_title",
    "plan_request",
    "propose_account",
    "propose_membership",
    "prove_item",
    "publish_notice",
    "put_off",
    "read_columns",
    "read_evidence",
    "read_initials",
    "read_intake",
    "read_leased",
    "read_paper",
    "read_record",
    "read_version",
    "receive",
    "record_denial",
    "refuse_request",
    "register_subject",
    "remarks",
    "renew",
    "renew_sign_in",
    "repair",
    "represent",
    "request",
    "reread",
    "resume",
    "revoke",
    "revoke_tokens",
    "scan_subjects",
    "send",
    "serve_notice",
    "set_aside_items",
    "set_password",
    "settle_asking",
    "suspend",
    "sweep_portal",
    "take_in",
    "tell_event",
    "vet_version",
    "view_files",
    "visitor_of",
    "withdraw",
    "withdraw_alike",
    "withdraw_allowed",
    "write_errors",
    "write_letters",
]
