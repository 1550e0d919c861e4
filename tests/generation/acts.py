"""What generation tests arrange with: people, a project, a client, a model, rules, runs."""

from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from consent.models import Account, Grant, Notice, Project, Subject
from consent.roles import RoleCode
from consent.services import Answer, give, publish_notice, register_subject
from consent.services.people import Newcomer, approve_account, open_service, propose_account
from consent.services.projects import (
    approve_membership,
    open_project,
    propose_membership,
)
from consent.uses import Assurance, Medium, Method, Mode, Use
from generation import services
from generation.models import ModelVersion, Policy, Run
from generation.services import Caller, ModelRequest, RunRequest
from ledger.leaf import Body, parse_body
from ledger.models import Record, Recorded
from tests.generation.images import encoded

EFFECTIVE = f"sha256:{'ab' * 32}"
DETAILS: dict[str, Any] = {"effective_digest": EFFECTIVE, "seeds": ["7"], "steps": 20}
RULES: dict[str, Any] = {
    "v": 1,
    "rules": [
        {
            "code": "prompt.weapon",
            "on": "prompt",
            "pattern": r"\bweapon",
            "verdict": "refuse",
            "severity": 6,
        },
        {
            "code": "prompt.politician",
            "on": "prompt",
            "pattern": r"\bpolitician",
            "verdict": "review",
            "severity": 2,
        },
        {
            "code": "image.faces",
            "on": "image",
            "signal": "face.count",
            "at_least": 1,
            "verdict": "review",
            "severity": 4,
        },
    ],
}


@dataclass
class House:
    """An opened service with one project; everybody in it is made when first asked for."""

    founders: tuple[Account, Account]
    project: Project

    @cached_property
    def officer(self) -> Account:
        return self.person(RoleCode.OFFICER)

    @cached_property
    def moderator(self) -> Account:
        return self.person(RoleCode.MODERATOR)

    @cached_property
    def client(self) -> Account:
        return self.account(Newcomer("A generator"), RoleCode.GENERATOR, self.project)

    @cached_property
    def policy(self) -> Policy:
        return services.publish_policy(actor=self.officer, rules=RULES)

    @cached_property
    def model(self) -> ModelVersion:
        return services.register_model(caller=self.caller(), request=model_request())

    @cached_property
    def notice(self) -> Notice:
        return publish_notice(
            actor=self.officer, code="likeness", language="en", title="Likeness", text="We ask."
        )

    def person(self, role: RoleCode, project: Project | None = None) -> Account:
        newcomer = Newcomer(f"Invented {role}", f"{uuid4().hex}@example.org")
        return self.account(newcomer, role, project)

    def account(
        self, newcomer: Newcomer, role: RoleCode, project: Project | None = None
    ) -> Account:
        one, other = self.founders
        account = propose_account(actor=one, newcomer=newcomer)
        approve_account(actor=other, account_id=account.pk)
        membership = propose_membership(
            actor=one, account_id=account.pk, role=role, project_id=project.pk if project else None
        )
        approve_membership(actor=other, membership_id=membership.pk)
        return Account.objects.get(pk=account.pk)

    def subject(self, name: str = "Ada Invented") -> Subject:
        return register_subject(actor=self.officer, name=name)

    def grant(
        self, subject: Subject, *uses: Use, assurance: Assurance = Assurance.SIGNED_RELEASE
    ) -> Grant:
        answer = Answer(
            mode=Mode.OPT_IN,
            assurance=assurance,
            method=Method.FORM,
            uses=frozenset(uses or {Use.DEPICT}),
            media=frozenset(Medium),
            territories=frozenset({"WORLD"}),
        )
        return give(
            actor=self.officer, subject_id=subject.pk, notice_id=self.notice.pk, answer=answer
        )

    def caller(self, key: str | None = None) -> Caller:
        return Caller(self.client, key or uuid4().hex)

    def request(self, prompt: str = "a red circle", *depicts: Subject, **other: Any) -> RunRequest:
        asked: dict[str, Any] = {
            "project": self.project.pk,
            "model": self.model.pk,
            "prompt": prompt,
            "parameters": {"guidance_scale": "7.5"},
            "depicts": tuple(subject.pk for subject in depicts),
            "instance": INSTANCE,
            "sequence": next(SEQUENCE),
        }
        return RunRequest(**(asked | other))

    def run(self, prompt: str = "a red circle", *depicts: Subject, **other: Any) -> Run:
        assert self.policy
        request = self.request(prompt, *depicts, **other)
        return services.authorise_run(caller=self.caller(), request=request)

    def completed(self, run: Run | None = None, *images: bytes) -> Run:
        run = run or self.run()
        return services.complete_run(
            caller=self.caller(), run_id=run.pk, images=images or (encoded(),), details=DETAILS
        )


SEQUENCE = count(1)
INSTANCE = UUID("11111111-1111-4111-8111-111111111111")


def model_request(**other: Any) -> ModelRequest:
    asked: dict[str, Any] = {
        "name": "shapes",
        "version": "1",
        "weights": (("unet/weights.safetensors", f"sha256:{'cd' * 32}"),),
        "effective_digest": EFFECTIVE,
        "config_digest": f"sha256:{'ef' * 32}",
    }
    return ModelRequest(**(asked | other))


def open_house() -> House:
    ada, bo = open_service(
        [Newcomer("Ada Invented", "ada@example.org"), Newcomer("Bo Invented", "bo@example.org")]
    )
    project = open_project(actor=ada.account, code="teamwork")
    return House((ada.account, bo.account), project)


def body_of(row: Recorded) -> Body:
    """Return what the newest record of ``row`` says in the open."""
    assert row.record is not None
    return parse_body(bytes(Record.objects.get(uuid=row.record).body))
