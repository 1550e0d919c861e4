"""Answer *may I?*: policy and consent, before anything runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction

from consent.errors import Unknown
from consent.models import Project, Subject
from consent.moment import database_now
from consent.services.authority import by, get, require
from generation.errors import NoActivePolicy, RequestRefused, SequenceReused
from generation.kinds import RUN_AUTHORISED, RunAuthorised
from generation.models import Case, Policy, Run, RunDepiction
from generation.policy import Outcome, Verdict, screen_prompt
from generation.services.callers import Caller
from generation.services.catalogue import get_runnable_model
from generation.services.consents import ConsentAnswer, ask_consent
from generation.states import RunOutcome
from ledger import vault
from ledger.canonical import JSON, canonical
from ledger.services import Unsealed, append

MAX_PROMPT_CHARS = 10_000
MAX_PARAMETER_BYTES = 32_768
# A record holds 256 segments; each person depicted has one.
MAX_DEPICTED = 100
MAX_SEQUENCE = 2**53 - 1
AUTHORISED_FOR = timedelta(minutes=10)
# Consent that a person has to look at weighs as much as a policy rule of this severity.
UNCLEAR_CONSENT_SEVERITY = 4


@dataclass(frozen=True)
class RunRequest:
    """What a generator wants to run. Raises RequestRefused for what is past a limit."""

    project: UUID
    model: UUID
    prompt: str
    parameters: Mapping[str, JSON]
    depicts: tuple[UUID, ...]
    instance: UUID
    sequence: int

    def __post_init__(self) -> None:
        if len(self.prompt) > MAX_PROMPT_CHARS:
            raise RequestRefused(
                f"prompt has {len(self.prompt)} characters, at most {MAX_PROMPT_CHARS}"
            )
        if (size := len(canonical(dict(self.parameters)))) > MAX_PARAMETER_BYTES:
            raise RequestRefused(f"parameters have {size} bytes, at most {MAX_PARAMETER_BYTES}")
        if len(self.depicts) > MAX_DEPICTED:
            raise RequestRefused(f"run depicts {len(self.depicts)}, at most {MAX_DEPICTED} people")
        if len(set(self.depicts)) != len(self.depicts):
            raise RequestRefused("run depicts a person twice")
        if not 1 <= self.sequence <= MAX_SEQUENCE:
            raise RequestRefused(f"sequence is {self.sequence}, wanted 1 to {MAX_SEQUENCE}")

    def asked(self) -> dict[str, JSON]:
        """Return what must be equal in a repetition of the request."""
        return {
            "do": "authorise_run",
            "project": str(self.project),
            "model": str(self.model),
            "prompt": self.prompt,
            "parameters": dict(self.parameters),
            "depicts": [str(subject) for subject in sorted(self.depicts)],
            "instance": str(self.instance),
            "sequence": self.sequence,
        }

    def screened_text(self) -> str:
        """Return all that the prompt rules read: the prompt, and texts among the parameters.

        Texts under a name that begins with ``negative`` are left out: they say what not to draw.
        """
        wanted = (
            value for name, value in self.parameters.items() if not name.startswith("negative")
        )
        return "\n".join([self.prompt, *(text for value in wanted for text in _texts(value))])


@dataclass(frozen=True)
class Answer:
    """Policy and consent together, and what follows."""

    verdict: Verdict
    consent: ConsentAnswer

    @property
    def outcome(self) -> RunOutcome:
        """Return the strictest of both."""
        if self.verdict.outcome is Outcome.REFUSE or self.consent.is_refused:
            return RunOutcome.REFUSED
        if self.verdict.outcome is Outcome.REVIEW or self.consent.is_unclear:
            return RunOutcome.HELD
        return RunOutcome.ALLOWED

    @property
    def severity(self) -> int:
        return max(self.verdict.severity, UNCLEAR_CONSENT_SEVERITY * self.consent.is_unclear)

    def codes(self) -> list[str]:
        """Return the codes of all reasons."""
        return [*(f"policy.{code}" for code in self.verdict.rules), *self.consent.codes()]

    def reasons(self) -> list[JSON]:
        """Return all reasons with their sentences, for the client and for officers."""
        rules = [
            (f"policy.{code}", f"the policy's rule {code} matches") for code in self.verdict.rules
        ]
        return [
            {"code": code, "detail": detail} for code, detail in [*rules, *self.consent.details()]
        ]


def authorise_run(*, caller: Caller, request: RunRequest) -> Run:
    """Decide whether a run may start, and record the answer, whichever it is.

    The same key with the same content answers with the first run. Raises, and records nothing:
    Unknown (project, model or person), NotPermitted, ModelConflict, NoActivePolicy, SequenceReused,
    IdempotencyConflict, CanonicalError, ScopeGone.
    """
    with transaction.atomic():
        claim = caller.claim(request.asked())
        if claim.is_replay:
            return claim.answer(Run)
        project = get(Project.objects.all(), request.project)
        require(caller.account, "generation.authorise_run", project)
        subjects = _get_subjects(request.depicts)
        policy = get_active_policy()
        answer = Answer(
            verdict=screen_prompt(policy.rules(), request.screened_text()),
            consent=ask_consent([subject.pk for subject in subjects]),
        )
        run = _write_run(caller, request, project, policy, subjects, answer)
        _record(caller, run, subjects, answer)
        claim.settle(run)
    return run


def get_active_policy() -> Policy:
    """Return the policy in force. Raises NoActivePolicy: without rules nothing runs."""
    policy = Policy.objects.find_active()
    if policy is None:
        raise NoActivePolicy("no policy is active; publish one first")
    return policy


def authorisation_ends(now: datetime) -> datetime:
    """Return until when a run that is allowed now may start."""
    return now + AUTHORISED_FOR


def _texts(value: JSON) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for inner in value.values() for text in _texts(inner))
    elif isinstance(value, list | tuple):
        yield from (text for inner in value for text in _texts(inner))


def _get_subjects(ids: Sequence[UUID]) -> list[Subject]:
    found = Subject.objects.in_bulk(ids)
    if len(found) != len(ids):
        raise Unknown(f"{len(ids) - len(found)} of {len(ids)} people are not known here")
    return [found[pk] for pk in sorted(found)]


def _write_run(
    caller: Caller,
    request: RunRequest,
    project: Project,
    policy: Policy,
    subjects: Sequence[Subject],
    answer: Answer,
) -> Run:
    now = database_now()
    allowed = answer.outcome is RunOutcome.ALLOWED
    run = Run(
        id=uuid4(),
        project=project,
        model=get_runnable_model(request.model),
        policy=policy,
        client=caller.account,
        instance=request.instance,
        sequence=request.sequence,
        scopes=sorted(s.scope_id for s in subjects) or [caller.account.scope_id],
        codes=answer.codes(),
        state=answer.outcome.value,
        requested_at=now,
        authorised_until=authorisation_ends(now) if allowed else None,
    )
    keys = vault.keys(run.scopes)
    run.prompt = keys.seal(run, "prompt", request.prompt.encode())
    run.parameters = keys.seal(run, "parameters", canonical(dict(request.parameters)))
    run.reasons = keys.seal(run, "reasons", canonical(answer.reasons()))
    _insert(run)
    return run


def _insert(run: Run) -> None:
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError as error:
        if "run_sequence_once" not in str(error):
            raise
        raise SequenceReused(
            f"sequence {run.sequence} of this instance belongs to another run"
        ) from error


def _record(caller: Caller, run: Run, subjects: Sequence[Subject], answer: Answer) -> None:
    depictions = [RunDepiction(run=run, subject=subject) for subject in subjects]
    RunDepiction.objects.bulk_create(depictions)
    cases = [_open_case(run, answer)] if answer.outcome is RunOutcome.HELD else []
    people = [
        Unsealed(
            "subject",
            depiction.scope_ids(),
            {"use": "depict", "consent": answer.consent.codes_of(depiction.subject_id)},
            rows=(depiction,),
        )
        for depiction in depictions
    ]
    append(
        kind=RUN_AUTHORISED,
        facts=RunAuthorised(outcome=answer.outcome, policy=run.policy.digest_text()),
        segments=[
            Unsealed("run", run.scope_ids(), {"reasons": answer.codes()}, rows=(run, *cases)),
            *people,
            by(caller.account),
        ],
    )


def _open_case(run: Run, answer: Answer) -> Case:
    case = Case(
        run=run,
        policy=run.policy,
        codes=answer.codes(),
        severity=answer.severity,
        opened_at=database_now(),
    )
    case.save(force_insert=True)
    return case
