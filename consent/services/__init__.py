"""All writes of the consent app, one function per thing the product does."""

from consent.services.answers import Answer
from consent.services.datasets import Frozen, freeze_version, open_dataset
from consent.services.denials import record_denial
from consent.services.endings import (
    end_representation,
    expire,
    invalidate,
    renew,
    resume,
    revoke,
    suspend,
    withdraw,
)
from consent.services.execution import block, carry_out, lease_errand
from consent.services.grants import (
    answer_request,
    defer_request,
    draft,
    give,
    let_lapse,
    refuse_request,
    request,
    send,
)
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
from consent.services.projects import (
    approve_membership,
    end_membership,
    open_project,
    propose_membership,
)
from consent.services.requests import (
    approve_plan,
    close_request,
    execute_plan,
    extend,
    identify,
    open_request,
    plan_request,
)
from consent.services.signals import observe_request
from consent.services.subjects import (
    Span,
    end_title,
    pass_title,
    register_subject,
    represent,
)
from consent.services.viewing import Sealed, view_files

__all__ = [
    "Answer",
    "Credentials",
    "Frozen",
    "Newcomer",
    "Sealed",
    "SignIn",
    "Span",
    "answer_request",
    "approve_account",
    "approve_membership",
    "approve_plan",
    "block",
    "carry_out",
    "close_request",
    "defer_request",
    "draft",
    "end_account",
    "end_membership",
    "end_representation",
    "end_title",
    "execute_plan",
    "expire",
    "extend",
    "find_sign_in",
    "freeze_version",
    "give",
    "identify",
    "invalidate",
    "issue_credentials",
    "lease_errand",
    "let_lapse",
    "observe_request",
    "open_dataset",
    "open_project",
    "open_request",
    "open_service",
    "pass_title",
    "plan_request",
    "propose_account",
    "propose_membership",
    "publish_notice",
    "record_denial",
    "refuse_request",
    "register_subject",
    "renew",
    "renew_sign_in",
    "represent",
    "request",
    "resume",
    "revoke",
    "send",
    "set_password",
    "suspend",
    "view_files",
    "withdraw",
]
