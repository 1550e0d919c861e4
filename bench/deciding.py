"""What it takes to decide whether a run may begin."""

from collections.abc import Iterator
from functools import partial
from uuid import UUID

from bench.lines import Line, in_turn, line, rate
from consent import services
from consent.decision import Context, Outcome
from consent.decisions import decide_uses
from consent.models import Account, Grant
from consent.roles import RoleCode
from consent.services import Answer, Newcomer
from consent.uses import WORLD, Assurance, Medium, Method, Mode, Use

_PEOPLE, _ANSWERS = 5, 3
_SHOWN = Context(medium=Medium.ONLINE, territory="DE")
_OF = "reading the same answers through the ORM"


def decide_hot() -> Iterator[Line]:
    """Decide a run with five people, each with three answers, against reading those answers."""
    officer = _open()
    people = [_person(officer, number) for number in range(_PEOPLE)]

    def decide() -> None:
        decision = decide_uses(people, [Use.DEPICT, Use.REFERENCE_INPUT], context=_SHOWN)
        assert decision.outcome is Outcome.ALLOWED

    def read() -> None:
        assert len(Grant.objects.filter(subject__in=people)) == _PEOPLE * _ANSWERS

    decide()
    read()
    made, bare = in_turn(partial(rate, decide, 100), partial(rate, read, 100), rounds=15)
    yield line("decide_hot", "decisions/s", made, bare, of=_OF, must=">= 0.5")


def _open() -> Account:
    one, other = (Newcomer(name, f"{name}@bench.example") for name in ("ada", "ben"))
    founders = [sign_in.account for sign_in in services.open_service([one, other])]
    proposed = services.propose_account(
        actor=founders[0], newcomer=Newcomer("olga", "olga@bench.example")
    )
    services.approve_account(actor=founders[1], account_id=proposed.pk)
    membership = services.propose_membership(
        actor=founders[0], account_id=proposed.pk, role=RoleCode.OFFICER
    )
    services.approve_membership(actor=founders[1], membership_id=membership.pk)
    return Account.objects.get(pk=proposed.pk)


def _person(officer: Account, number: int) -> UUID:
    subject = services.register_subject(actor=officer, name=f"Invented {number}")
    notice = services.publish_notice(
        actor=officer, code="release", language="en", title="A release", text="You may…"
    )
    answer = Answer(
        mode=Mode.OPT_IN,
        assurance=Assurance.SIGNED_RELEASE,
        method=Method.FORM,
        uses=frozenset(Use),
        media=frozenset(Medium),
        territories=frozenset({WORLD}),
    )
    for _ in range(_ANSWERS):
        services.give(actor=officer, subject_id=subject.pk, notice_id=notice.pk, answer=answer)
    return subject.pk
