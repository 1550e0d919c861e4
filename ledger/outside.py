"""Reader: what witnesses and the time-stamp authority last answered, in words for people."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from ledger.models import AnswerCode, Incarnation, LastAnswer, PublicationPolicy
from ledger.proofs import current_incarnations
from ledger.publication import active_witnesses, read_policy

AUTHORITY = "time-stamp authority"
# Whoever is away for a moment comes back by itself.
FAILURES_UNTIL_CURE = 5

# What to do, by how the last question ended; those that pass by themselves wait a while.
_CURES = {
    AnswerCode.AHEAD: "find out who signs with this log's keys; is this database an older copy?",
    AnswerCode.INCONSISTENT: "a fork or a lie: keep everything, and compare both roots by hand",
    AnswerCode.FALSE: "compare the configured key with what it publishes; else trust it no more",
    AnswerCode.UNKNOWN_LOG: "ask its operator to add this log's origin and keys",
    AnswerCode.NOT_TRUSTED: "give its operator this log's keys",
    AnswerCode.UNUSABLE: "mend its address, key or roots",
}
_PASSING = {
    AnswerCode.REPEATED: "ask its operator what size it holds",
    AnswerCode.REFUSED: "ask its operator why",
    AnswerCode.FAILING: "ask its operator to mend it",
    AnswerCode.UNREACHABLE: "look at its address, and at the way there",
    AnswerCode.SLOW: "ask its operator why it is slow",
    AnswerCode.MALFORMED: "ask whether its address is that of such a service",
}


@dataclass(frozen=True)
class Standing:
    """Somebody outside and one log: what was last answered, and what to do, "" for nothing."""

    name: str
    origin: str
    said: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.name}, {self.origin}: {self.said}"


def describe_policy(policy: PublicationPolicy) -> str:
    """Say when strangers see a checkpoint."""
    if not policy.quorum:
        return "checkpoints are shown without waiting for witnesses"
    wanted = f"{policy.quorum} of {active_witnesses().count()} witnesses"
    if policy.is_blocking:
        return f"checkpoints are shown only once {wanted} have signed"
    return f"checkpoints wait up to a minute for {wanted}"


def read_witnesses() -> list[Standing]:
    """Return how each active witness stands to each log."""
    logs = current_incarnations()
    answers = {
        (answer.witness_id, answer.incarnation_id): answer
        for answer in LastAnswer.objects.filter(incarnation__in=logs).select_related("offer")
    }
    return [
        _standing(witness.name, log, answers.get((witness.pk, log.pk)))
        for witness in active_witnesses()
        for log in logs
    ]


def read_authority() -> list[Standing]:
    """Return how the time-stamp authority stands to each log; nothing where none is set."""
    if not settings.MUNIMENT_TSA_URL:
        return []
    rows = LastAnswer.objects.filter(witness=None).select_related("offer")
    answers = {answer.incarnation_id: answer for answer in rows}
    return [_standing(AUTHORITY, log, answers.get(log.pk)) for log in current_incarnations()]


def examine_witnesses() -> Iterator[tuple[str, str]]:
    """Yield for the doctor what each witness last answered, and what to do."""
    standings = read_witnesses()
    if not standings:
        yield "no witness is asked: completeness rests on the operator's word", ""
        return
    yield describe_policy(read_policy()), ""
    for standing in standings:
        yield str(standing), standing.cure


def examine_authority() -> Iterator[tuple[str, str]]:
    """Yield for the doctor what the time-stamp authority last answered, and what to do."""
    standings = read_authority()
    if not standings:
        yield "no time-stamp authority is set: time rests on the operator's word", ""
    for standing in standings:
        yield str(standing), standing.cure


def describe_answer(answer: LastAnswer | None) -> str:
    """Say how the last question ended, in a sentence without its subject."""
    if answer is None:
        return "was not asked yet"
    code = AnswerCode(answer.code)
    if code is AnswerCode.GIVEN:
        return f"signed the checkpoint of {answer.offer.minute:%Y-%m-%d %H:%M} UTC"
    times = "" if answer.failures < 2 else f", {answer.failures} times in a row"
    last = f"; last signed {answer.given_at:%Y-%m-%d %H:%M} UTC" if answer.given_at else ""
    return f"{code.label}{times}{last}"


def find_cure(answer: LastAnswer | None) -> str:
    """Return what a person should do, "" for nothing or for what may pass by itself."""
    if answer is None:
        return ""
    code = AnswerCode(answer.code)
    if answer.failures >= FAILURES_UNTIL_CURE:
        return _CURES.get(code) or _PASSING.get(code, "")
    return _CURES.get(code, "")


def _standing(name: str, log: Incarnation, answer: LastAnswer | None) -> Standing:
    return Standing(name, log.origin, describe_answer(answer), find_cure(answer))
