"""All writes of the consent app, one function per thing the product does."""

from consent.services.consents import (
    Answer,
    expire,
    give,
    publish_notice,
    register_subject,
    withdraw,
)
from consent.services.datasets import Frozen, freeze_version, open_dataset
from consent.services.denials import record_denial
from consent.services.execution import block, carry_out, lease_errand
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
from consent.services.viewing import Sealed, view_files

__all__ = [
    "Answer",
    "Credentials",
    "Frozen",
    "Newcomer",
    "Sealed",
    "SignIn",
    "approve_account",
    "approve_membership",
    "approve_plan",
    "block",
    "carry_out",
    "close_request",
    "end_account",
    "end_membership",
    "execute_plan",
    "expire",
    "extend",
    "find_sign_in",
    "freeze_version",
    "give",
    "identify",
    "issue_credentials",
    "lease_errand",
    "open_dataset",
    "open_project",
    "open_request",
    "open_service",
    "plan_request",
    "propose_account",
    "propose_membership",
    "publish_notice",
    "record_denial",
    "register_subject",
    "renew_sign_in",
    "set_password",
    "view_files",
    "withdraw",
]
