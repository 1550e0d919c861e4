"""The story, step by step, through the services that admin and API call, and through the SDK."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.demo import cast
from config.demo.cast import Person, Wish
from config.demo.house import House
from consent import lineage
from consent.impact_report import draw_case
from consent.importers.folder import Folder
from consent.kinds import CloseOutcome
from consent.models import (
    Grant,
    ImpactCase,
    ImpactState,
    PrivacyRequest,
    RequestKind,
    RequestState,
    Subject,
)
from consent.services import (
    Answer,
    approve_plan,
    close_request,
    decide_impact,
    execute_plan,
    freeze_version,
    give,
    open_dataset,
    open_request,
    plan_request,
    publish_notice,
    register_subject,
    take_folder,
    vet_here,
    withdraw,
)
from consent.tasks import carry_out_request
from consent.uses import WORLD, Assurance, Medium, Method, Mode, Use
from consent.vetting.gate import Verdict
from generation.models import Case
from generation.sdk import Recorder
from generation.sdk.errors import RunRefused
from generation.services import claim_case, decide_case, publish_policy
from generation.states import CaseOutcome, CaseState, DecisionReason
from ledger.models import IssuedReport
from ledger.services.files import open_file
from ledger.services.report import find_bundle, log_policy, order_report, read_bundle
from ledger.tasks import issue_report

ROOT = Path(__file__).parents[2]
GENERATOR = ROOT / "fixtures" / "generator" / "weights"
WAIT_SECONDS = 90
STEPS = 12
GUIDANCE = 2.0  # what the small generator draws best with


class StoryBroken(RuntimeError):
    """The story did not go as it is told; the message says where."""


@dataclass
class Told:
    """What has happened so far, for the table at the end and for ``story.json``."""

    subjects: dict[str, Subject] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    images: list[dict[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    reviewed: list[str] = field(default_factory=list)
    impact: dict[str, list[str]] = field(default_factory=dict)
    proved: list[tuple[str, str]] = field(default_factory=list)


class Story:
    """Tells the story into ``out``, against the service at ``address``."""

    def __init__(self, address: str, out: Path) -> None:
        self.address = address
        self.out = out
        self.house = House()
        self.told = Told()

    def chapters(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield what happens, and how to make it happen."""
        yield "Two administrators open the service and let the staff in", self.house.open
        yield "A notice is published", self.publish
        yield "Two people consent, one of them only to training", self.consent
        yield "A dataset version is vetted and frozen", self.freeze
        yield "The model is registered, the policy published", self.register
        yield "Six runs are asked for", self.run_all
        yield "One person withdraws", self.withdraw
        yield "What was made of that person is found, drawn and decided", self.decide_impact
        yield "That person gets a copy of everything, then is erased", self.serve_requests
        yield "The report is issued", self.report

    def actor(self, key: str) -> Any:
        return self.house.accounts[key]

    def publish(self) -> None:
        self.notice = publish_notice(
            actor=self.actor("officer"),
            code="portraits",
            language="en",
            title=cast.NOTICE_TITLE,
            text=cast.NOTICE_TEXT,
        )

    def consent(self) -> None:
        for person in cast.PEOPLE:
            portrait = (self.out / "portraits" / f"{person.key}.png").read_bytes()
            subject = register_subject(
                actor=self.actor("officer"),
                name=person.name,
                email=person.email,
                portrait=portrait,
            )
            self.told.subjects[person.key] = subject
            self.told.grants[person.key] = give(
                actor=self.actor("officer"),
                subject_id=subject.pk,
                notice_id=self.notice.pk,
                answer=_answer(person),
            )

    def freeze(self) -> None:
        from fixtures.demo.dataset import write_dataset

        depicts = {key: str(subject.pk) for key, subject in self.told.subjects.items()}
        folder = write_dataset(self.out / "dataset", self.out / "portraits", depicts)
        assert self.house.project is not None
        dataset = open_dataset(
            actor=self.actor("officer"), project_id=self.house.project.pk, code=cast.DATASET
        )
        scientist = self.actor("scientist")
        taken = take_folder(actor=scientist, dataset_id=dataset.pk, source=Folder(folder))
        vetted = vet_here(actor=scientist, version_id=taken.version.pk)
        if vetted.verdict != Verdict.MAY:
            raise StoryBroken(f"vetting the data set came to {vetted.verdict}, wanted may")
        self.version = freeze_version(actor=scientist, version_id=taken.version.pk)
        count = self.version.items.count()
        self.told.proved.append(("dataset", f"{count} pictures under one digest"))

    def register(self) -> None:
        publish_policy(actor=self.actor("officer"), rules=cast.POLICY)
        credentials = self.house.credentials
        assert credentials is not None
        self.recorder = Recorder(
            self.address,
            credentials.client_id,
            credentials.client_secret,
            review_seconds=WAIT_SECONDS,
        )
        pipeline = _load_pipeline()
        model = self.recorder.register_model(
            pipeline,
            name="shapes",
            version="1",
            dataset_version=self.version.pk,
            folder=GENERATOR,
        )
        assert self.house.project is not None
        self.pipeline = self.recorder.wrap(pipeline, model=model, project=self.house.project.pk)

    def run_all(self) -> None:
        for wish in cast.WISHES:
            self._run(wish)
        if len(self.told.refused) != 1 or len(self.told.reviewed) != 1:
            raise StoryBroken(
                f"{len(self.told.refused)} runs were refused and {len(self.told.reviewed)} "
                "reviewed, wanted one of each"
            )

    def withdraw(self) -> None:
        withdraw(actor=self.actor("officer"), grant_id=self.told.grants["mara"].pk)
        self._run(cast.AFTER_WITHDRAWAL)
        if len(self.told.refused) != 2:
            raise StoryBroken("a run after the withdrawal was not refused")
        person = lineage.Node("subject", self.told.subjects["mara"].pk)
        made = lineage.find_impact(person)
        self.told.impact = {
            kind: [str(pk) for pk in made.of(kind) or lineage.find_every(made, kind)]
            for kind in made.counts
        }
        found = ", ".join(f"{count} {kind}" for kind, count in made.counts.items())
        self.told.proved.append(("impact list", found))

    def decide_impact(self) -> None:
        """Wait for the case that the withdrawal opened, draw it, and say what becomes of each."""
        case = ImpactCase.objects.get(subject=self.told.subjects["mara"])
        _wait(lambda: _is_assessed(case), "nobody found out what the withdrawal concerns")
        (self.out / "impact.svg").write_text(draw_case(case))
        for line in case.lines.order_by("kind"):
            measure, reason = cast.MEASURES[line.kind]
            decide_impact(
                actor=self.actor("officer"), line_id=line.pk, decision=measure, reason=reason
            )
        lines = case.lines.count()
        self.told.proved.append(("impact", f"{lines} of {lines} decided, drawn in impact.svg"))

    def serve_requests(self) -> None:
        package = self._serve(RequestKind.ACCESS)
        (self.out / "requests" / "export.zip").write_bytes(package)
        certificate = self._serve(RequestKind.ERASURE)
        (self.out / "requests" / "certificate.json").write_bytes(certificate)
        _manage("close_epoch", role="eraser")

    def report(self) -> None:
        report = order_report(officer=self.actor("officer").scope_ids()[0])
        issue_report.delay(str(report.pk))
        _wait(lambda: find_bundle(report) is not None, "the report was not issued")
        (self.out / "report.zip").write_bytes(read_bundle(IssuedReport.objects.get(pk=report.pk)))
        self.policy = log_policy(f"{_origin()}/default")
        (self.out / "policy").write_text(str(self.policy))

    def _run(self, wish: Wish) -> None:
        import torch

        depicts = [str(self.told.subjects[key].pk) for key in wish.depicts]
        seed = torch.Generator().manual_seed(wish.seed)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(
                self.pipeline,
                wish.prompt,
                depicts=depicts,
                generator=seed,
                num_inference_steps=STEPS,
                guidance_scale=GUIDANCE,
            )
            while not asked.done():
                self._decide_open_cases(wish)
                time.sleep(0.2)
        try:
            result = asked.result()
        except RunRefused:
            self.told.refused.append(wish.prompt)
            return
        for output in result.outputs:
            path = output.save(self.out / "images" / f"{output.id}.png")
            self.told.images.append(
                {"path": str(path.relative_to(self.out)), "run": result.run, "output": output.id}
            )

    def _decide_open_cases(self, wish: Wish) -> None:
        for case in Case.objects.filter(state=CaseState.OPEN):
            moderator = self.actor("moderator")
            claim_case(actor=moderator, case_id=case.pk)
            decide_case(
                actor=moderator,
                case_id=case.pk,
                outcome=CaseOutcome.APPROVED,
                reason=DecisionReason.WITHIN_POLICY,
            )
            self.told.reviewed.append(wish.prompt)

    def _serve(self, kind: RequestKind) -> bytes:
        """Take one request from receipt to closure and return its paper."""
        officer = self.actor("officer")
        request = open_request(
            actor=officer,
            subject_id=self.told.subjects["mara"].pk,
            kind=kind,
            channel=Method.FORM,
            identity=Assurance.IN_PERSON,
        )
        plan = plan_request(actor=officer, request_id=request.pk)
        approve_plan(actor=self.actor("approver"), plan_id=plan.pk)
        execute_plan(actor=officer, request_id=request.pk)
        carry_out_request.delay(str(request.pk))
        _wait(lambda: _state(request) == RequestState.VERIFYING, f"{kind} was not carried out")
        request = close_request(
            actor=officer, request_id=request.pk, outcome=CloseOutcome.FULFILLED
        )
        return open_file(request.packages.get().file)


def _is_assessed(case: ImpactCase) -> bool:
    case.refresh_from_db()
    return case.state == ImpactState.ASSESSED


def _answer(person: Person) -> Answer:
    uses = frozenset(Use(use) for use in person.uses)
    return Answer(
        mode=Mode.GRANULAR,
        assurance=Assurance.IN_PERSON,
        method=Method.FORM,
        uses=uses,
        refused=frozenset(Use) - uses - {Use.MODERATION},
        media=frozenset(Medium),
        territories=frozenset({WORLD}),
    )


def _load_pipeline() -> Any:
    import diffusers
    import transformers

    # The story has a progress of its own, and needs nothing of torchvision.
    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity(logging.ERROR)
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(
        GENERATOR, local_files_only=True, safety_checker=None
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _state(request: PrivacyRequest) -> str:
    return PrivacyRequest.objects.values_list("state", flat=True).get(pk=request.pk)


def _wait(is_done: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_done():
        if time.monotonic() > deadline:
            raise StoryBroken(f"{complaint} within {WAIT_SECONDS} seconds")
        time.sleep(0.1)


def _manage(*arguments: str, role: str = "app") -> subprocess.CompletedProcess[str]:
    """Run a management command in a process of its own, under another database role."""
    return subprocess.run(  # noqa: S603
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=os.environ | {"MUNIMENT_ROLE": role},
        check=True,
        text=True,
        capture_output=True,
    )


def _origin() -> str:
    from django.conf import settings

    return str(settings.MUNIMENT_ORIGIN)
