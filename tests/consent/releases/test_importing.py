import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest

from consent import services
from consent.clock import of_age_at
from consent.decision import Code, Context
from consent.decisions import decide_uses
from consent.errors import DescriptionRefused, NotPermitted, TermsRefused, Unknown, WrongState
from consent.identity import IdentifierKind
from consent.majority import find_all_outgrown
from consent.models import (
    BroughtScan,
    Evidence,
    Grant,
    Identifier,
    LineStanding,
    OldRelease,
    ReleaseErrand,
    ReleaseImport,
    ReleaseLine,
    ReleaseState,
    Representation,
    ScanArchive,
    Subject,
)
from consent.moment import database_now
from consent.releases.snags import Snag
from consent.releases.stating import Said
from consent.roles import RoleCode
from consent.services import Bringing, Known, release_scans, release_taking
from consent.uses import Assurance, Capacity, Medium, Method, Mode, Use
from ledger import vault
from ledger.keystore.models import DataKey
from ledger.models import Log, Record, Scope, ScopeState, SealedFile
from ledger.services import destroy_scopes
from ledger.verification import verify_log
from tests.consent.factories import House, answer, consent_of, register
from tests.consent.releases.material import CLEO, IDA, Drawer, only_line, paper, reasons, table

pytestmark = pytest.mark.django_db(transaction=True)
PRINTED = Context(medium=Medium.PRINT, territory="DE")


def test_a_table_is_looked_at_before_anything_is_made(drawer: Drawer) -> None:
    importing = drawer.bring(CLEO, IDA | {"signed": ""}, scans=["1.pdf", "2.pdf"])
    assert reasons(importing) == [[], [Snag.SIGNED_MISSING]]
    assert [line.state for line in importing.lines.all()] == ["ready", "waiting"]
    assert not Subject.objects.exists()
    assert not Grant.objects.exists()
    assert not ReleaseErrand.objects.exists()
    assert not ScanArchive.objects.exists()


def test_a_good_line_becomes_a_person_with_an_answer_and_its_paper(drawer: Drawer) -> None:
    importing = drawer.take(drawer.bring(CLEO, scans=["scans/1.pdf"]))
    grant = Grant.objects.get()
    assert (grant.state, grant.assurance, grant.method) == ("given", "signed_release", "form")
    assert (grant.uses, grant.media, grant.territories) == (
        ["commercial", "depict"],
        ["print"],
        ["DE"],
    )
    assert (grant.signed_on, grant.valid_until) == (date(2019, 4, 3), None)
    assert grant.valid_from == datetime(2019, 4, 3, tzinfo=UTC)
    assert grant.given_at
    assert grant.given_at > database_now() - timedelta(minutes=1)
    piece = Evidence.objects.get()
    assert services.read_evidence(reader=drawer.officer, piece=piece) == paper("scans/1.pdf")
    assert {one.kind for one in Identifier.objects.all()} == {"name", "email"}
    assert (importing.taken_count, importing.lines.count(), importing.scans.count()) == (1, 0, 0)


def test_what_was_signed_counts_from_when_it_is_recorded(drawer: Drawer) -> None:
    before = database_now()
    drawer.take(drawer.bring(CLEO, scans=["1.pdf"]))
    cleo = Subject.objects.get()
    now = decide_uses([cleo.pk], [Use.DEPICT], context=PRINTED)
    then = decide_uses([cleo.pk], [Use.DEPICT], context=PRINTED, at=before)
    assert (now.outcome, then.outcome) == ("allowed", "refused")
    assert [one.code for one in then.reasons] == [Code.NEVER_GIVEN]


def test_an_old_paper_is_as_old_as_it_is(drawer: Drawer) -> None:
    drawer.take(drawer.bring(CLEO, scans=["1.pdf"]))
    cleo = Subject.objects.get()
    decision = decide_uses([cleo.pk], [Use.DEPICT], context=PRINTED, profile="illinois/1")
    assert [one.code for one in decision.reasons] == [Code.TOO_OLD]


def test_the_log_explains_every_row_that_came_of_it(
    drawer: Drawer, sequence: object, log: Log
) -> None:
    child = CLEO | {"birth date": _born(10), "guardian": "Gus Invented", "signed": _ago(30)}
    drawer.take(drawer.bring(child, IDA, scans=["1.pdf", "2.pdf"]))
    sequence()  # type: ignore[operator]
    assert list(verify_log(log).findings) == []


def test_the_same_table_twice_makes_nothing_twice(drawer: Drawer) -> None:
    first = drawer.take(drawer.bring(CLEO, scans=["1.pdf"]))
    again = drawer.take(drawer.bring(CLEO, scans=["1.pdf"]))
    assert first == again
    assert (Subject.objects.count(), Grant.objects.count()) == (1, 1)


def test_a_release_that_was_taken_in_is_known_in_another_table(drawer: Drawer) -> None:
    drawer.take(drawer.bring(CLEO, scans=["1.pdf"]))
    other = drawer.bring(CLEO, IDA, CLEO | {"term": "20 years"}, scans=["1.pdf", "2.pdf"])
    told = [Snag.TAKEN_ALREADY in some for some in reasons(other)]
    assert told == [True, False, True]


def test_a_line_that_stands_twice_in_a_table_waits_once(drawer: Drawer) -> None:
    importing = drawer.bring(CLEO, CLEO, scans=["1.pdf"])
    assert Snag.LINE_REPEATED in reasons(importing)[1]
    services.drop_lines(
        actor=drawer.officer, import_id=importing.pk, reason=Snag.LINE_REPEATED.value
    )
    assert drawer.take(drawer.work(importing)).taken_count == 1


def test_with_a_line_that_is_turned_away_its_scan_goes(drawer: Drawer) -> None:
    importing = drawer.bring(CLEO | {"signed": ""}, IDA, scans=["1.pdf", "2.pdf"])
    assert services.drop_lines(actor=drawer.officer, import_id=importing.pk) == 1
    assert drawer.work(importing).dropped_count == 1
    assert (importing.scans.count(), SealedFile.objects.count()) == (1, 1)


def test_somebody_who_is_known_is_not_registered_again(drawer: Drawer, cleo: Subject) -> None:
    drawer.take(drawer.bring(CLEO | {"phone": "+49 30 1234567"}, scans=["1.pdf"]))
    assert Grant.objects.get().subject == cleo
    # What the paper says beyond that is kept in its line, and is none of the person's data yet.
    assert not Identifier.objects.filter(kind="phone").exists()


@pytest.mark.parametrize(
    "said",
    [
        {"name": "Somebody Else"},
        {"email": ""},
        {"email": "other@people.example"},
    ],
)
def test_who_may_be_somebody_else_is_for_a_person_to_say(
    drawer: Drawer, cleo: Subject, said: dict[str, str]
) -> None:
    importing = drawer.bring(CLEO | said, scans=["1.pdf"])
    assert reasons(importing) == [[Snag.PERSON_UNCLEAR]]
    assert drawer.take(importing).taken_count == 0
    line = only_line(importing)
    services.decide_line(actor=drawer.officer, line_id=line.pk, subject_id=cleo.pk)
    drawer.take(importing)
    assert Grant.objects.get().subject == cleo


def test_a_namesake_is_somebody_new_when_a_person_says_so(drawer: Drawer, cleo: Subject) -> None:
    importing = drawer.bring(CLEO | {"email": ""}, scans=["1.pdf"])
    services.decide_line(actor=drawer.officer, line_id=only_line(importing).pk)
    drawer.take(importing)
    assert Grant.objects.get().subject != cleo


def test_two_lines_of_one_person_make_one_person(drawer: Drawer) -> None:
    importing = drawer.bring(
        CLEO, CLEO | {"scan": "2.pdf", "signed": "2020-01-01"}, scans=["1.pdf", "2.pdf"]
    )
    assert drawer.take(importing).taken_count == 2
    assert Subject.objects.count() == 1


def test_siblings_with_one_mailbox_are_not_taken_for_one(drawer: Drawer) -> None:
    sister = CLEO | {"name": "Clara Invented", "scan": "2.pdf"}
    importing = drawer.take(drawer.bring(CLEO, sister, scans=["1.pdf", "2.pdf"]))
    assert (importing.taken_count, reasons(importing)) == (1, [[Snag.PERSON_UNCLEAR]])


def test_an_old_paper_brings_nothing_back_that_was_taken_away(
    drawer: Drawer, cleo: Subject
) -> None:
    grant = consent_of(drawer.officer, cleo, answer(Use.DEPICT))
    services.withdraw(actor=drawer.officer, grant_id=grant.pk)
    assert reasons(drawer.bring(CLEO, scans=["1.pdf"])) == [[Snag.TAKEN_BACK_SINCE]]


def test_a_no_said_since_stands_against_an_old_paper(drawer: Drawer, cleo: Subject) -> None:
    refusal = answer(mode=Mode.OPT_OUT, uses=frozenset(), refused=frozenset({Use.COMMERCIAL}))
    consent_of(drawer.officer, cleo, refusal)
    assert reasons(drawer.bring(CLEO, scans=["1.pdf"])) == [[Snag.TAKEN_BACK_SINCE]]


def test_what_was_taken_back_of_something_else_does_not(drawer: Drawer, cleo: Subject) -> None:
    grant = consent_of(drawer.officer, cleo, answer(Use.TRAIN, Use.DEPICT))
    services.withdraw(actor=drawer.officer, grant_id=grant.pk, uses=frozenset({Use.TRAIN}))
    assert reasons(drawer.bring(CLEO, scans=["1.pdf"])) == [[]]


def test_a_use_that_was_taken_back_alone_stays_taken_back(drawer: Drawer, cleo: Subject) -> None:
    grant = consent_of(drawer.officer, cleo, answer(Use.TRAIN, Use.DEPICT))
    services.withdraw(actor=drawer.officer, grant_id=grant.pk, uses=frozenset({Use.DEPICT}))
    assert reasons(drawer.bring(CLEO, scans=["1.pdf"])) == [[Snag.TAKEN_BACK_SINCE]]


def test_what_was_given_up_by_us_stays_given_up(drawer: Drawer, cleo: Subject) -> None:
    grant = consent_of(drawer.officer, cleo, answer(Use.DEPICT))
    services.revoke(actor=drawer.officer, grant_id=grant.pk)
    assert reasons(drawer.bring(CLEO, scans=["1.pdf"])) == [[Snag.TAKEN_BACK_SINCE]]


def test_what_was_said_of_a_line_is_not_of_one_that_says_something_else(
    drawer: Drawer, cleo: Subject
) -> None:
    importing = drawer.bring(CLEO | {"email": "", "guardian": "Gus Invented"}, scans=["1.pdf"])
    line = only_line(importing)
    for is_guardian in (False, True):
        services.decide_line(
            actor=drawer.officer, line_id=line.pk, subject_id=cleo.pk, is_guardian=is_guardian
        )
    said = Said(mapping={"name": "ignored", "witness": "name"})
    services.explain(actor=drawer.officer, import_id=importing.pk, said=said)
    line = only_line(drawer.work(importing))
    assert (line.subject, line.guardian, line.is_new, line.is_guardian_new) == (
        *(None, None, False, False),
    )


def test_a_child_is_known_by_the_birth_date_that_we_have(drawer: Drawer) -> None:
    known = [Known(IdentifierKind.BIRTH_DATE, "2001-06-01")]
    register(drawer.officer, others=known)
    importing = drawer.bring(CLEO | {"signed": "2015-04-03"}, scans=["1.pdf"])
    assert reasons(importing) == [[Snag.GUARDIAN_MISSING]]
    other = drawer.bring(CLEO | {"signed": "2019-06-01"}, scans=["1.pdf"])
    assert reasons(other) == [[]]


def test_a_childs_paper_that_is_recorded_later_is_a_childs_word(drawer: Drawer) -> None:
    known = [Known(IdentifierKind.BIRTH_DATE, "2001-06-01")]
    cleo = register(drawer.officer, others=known)
    grant = consent_of(drawer.officer, cleo, answer(signed_on=date(2015, 4, 3)), drawer.notice)
    assert find_all_outgrown(database_now()) == {grant.pk}


def test_a_number_out_of_one_drawer_says_nothing_of_another(drawer: Drawer) -> None:
    first = CLEO | {"email": "", "person number": "7"}
    drawer.take(drawer.bring(first, scans=["1.pdf"]))
    again = drawer.bring(first | {"scan": "2.pdf", "signed": "2020-01-01"}, scans=["2.pdf"])
    assert reasons(again) == [[Snag.PERSON_UNCLEAR]]


def test_a_term_to_the_end_of_time_has_no_end(drawer: Drawer) -> None:
    drawer.take(drawer.bring(CLEO | {"term": "31.12.9999"}, scans=["1.pdf"]))
    assert Grant.objects.get().valid_until is None


def test_a_line_that_nobody_can_write_is_set_aside_alone(
    drawer: Drawer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = release_taking._write

    def fail(actor: Any, importing: Any, judged: Any, kept: Any) -> Any:
        if judged.line.ordinal == 1:
            raise OverflowError("date value out of range")
        return write(actor, importing, judged, kept)

    monkeypatch.setattr(release_taking, "_write", fail)
    importing = drawer.take(drawer.bring(CLEO, IDA, scans=["1.pdf", "2.pdf"]))
    assert (importing.taken_count, reasons(importing)) == (1, [[Snag.REFUSED]])


def test_scans_that_lie_with_their_answers_are_not_kept_again(drawer: Drawer) -> None:
    importing = drawer.take(drawer.bring(CLEO, scans=["1.pdf"]))
    drawer.bring_scans(importing, "1.pdf")
    assert drawer.work(importing).scans.count() == 0


def test_two_workers_at_one_archive_keep_each_scan_once(drawer: Drawer) -> None:
    importing = drawer.bring(CLEO)
    drawer.bring_scans(importing, "1.pdf", "2.pdf")
    stale = ScanArchive.objects.get()
    drawer.work(importing)
    assert not release_scans._keep_some(stale.pk, 0, [("3.pdf", b"", None)])
    assert importing.scans.count() == 2


def test_who_said_something_of_a_line_is_on_record(drawer: Drawer) -> None:
    importing = drawer.bring(CLEO, CLEO | {"signed": "2020-01-01"}, scans=["1.pdf"])
    before = set(Record.objects.values_list("pk", flat=True))
    line = importing.lines.order_by("ordinal")[0]
    services.decide_line(actor=drawer.officer, line_id=line.pk)
    reason = Snag.SCAN_SHARED.value
    services.accept_lines(actor=drawer.officer, import_id=importing.pk, reason=reason)
    told = [bytes(one.body) for one in Record.objects.exclude(pk__in=before).order_by("pk")]
    assert [b'"settling":"decided"' in told[0], b'"settling":"accepted"' in told[1]] == [True, True]


def test_a_line_of_data_does_not_pass_for_a_header(drawer: Drawer) -> None:
    content = io.BytesIO(b"Cleo Invented,yes,berlin\nIda Invented,no,bonn\n")
    with pytest.raises(DescriptionRefused, match="is the first line a header"):
        services.bring_releases(
            actor=drawer.officer, bringing=Bringing(drawer.notice.pk), content=content
        )


def _ago(days: int) -> str:
    return (database_now().date() - timedelta(days)).isoformat()


def _born(years: int) -> str:
    return (
        database_now()
        .date()
        .replace(month=6, day=1)
        .replace(year=database_now().year - years)
        .isoformat()
    )


def test_a_guardian_speaks_for_a_child(drawer: Drawer) -> None:
    child = CLEO | {"birth date": _born(10), "guardian": "Gus Invented", "signed": _ago(30)}
    drawer.take(drawer.bring(child, scans=["1.pdf"]))
    row, grant = Representation.objects.get(), Grant.objects.get()
    assert (grant.capacity, grant.power_until) == (Capacity.GUARDIAN, row.ends_at)
    assert grant.given_by.representation == row
    assert Subject.objects.count() == 2
    assert set(OldRelease.objects.get().scopes) == set(row.scope_ids())
    assert set(Evidence.objects.get().file.scopes) == set(row.scope_ids())


def test_a_guardian_who_may_be_known_is_for_a_person_to_say(drawer: Drawer) -> None:
    gus = register(drawer.officer, "Gus Invented", email="gus@people.example")
    child = CLEO | {"birth date": _born(10), "guardian": "Gus Invented", "signed": _ago(30)}
    importing = drawer.bring(child, scans=["1.pdf"])
    assert reasons(importing) == [[Snag.GUARDIAN_UNCLEAR]]
    services.decide_line(
        actor=drawer.officer,
        line_id=only_line(importing).pk,
        subject_id=gus.pk,
        is_guardian=True,
    )
    drawer.take(drawer.work(importing))
    assert Representation.objects.get().representative == gus


def test_who_has_come_of_age_is_to_be_asked_themself(drawer: Drawer) -> None:
    signed = {"birth date": "2001-06-01", "guardian": "Gus Invented", "signed": "2015-04-03"}
    drawer.take(drawer.bring(CLEO | signed, scans=["1.pdf"]))
    grant = Grant.objects.get()
    birthday = of_age_at(date(2001, 6, 1), 18, "Europe/Berlin")
    assert (grant.capacity, grant.power_until) == ("guardian", birthday)
    assert not Representation.objects.exists()
    decision = decide_uses([grant.subject_id], [Use.DEPICT], context=PRINTED)
    assert (decision.outcome, decision.reasons[0].code) == ("needs_review", Code.POWER_ENDED)
    assert list(Grant.objects.outgrown(database_now())) == [grant]


def test_scans_are_found_or_it_is_said_why_not(drawer: Drawer) -> None:
    lines = [
        CLEO | {"scan": "absent.pdf"},
        IDA | {"scan": "twin.pdf"},
        CLEO | {"name": "Eve Invented", "email": "eve@people.example", "scan": "b/twin.pdf"},
        CLEO | {"name": "Pia Invented", "email": "pia@people.example", "scan": "p1.pdf; p2.pdf"},
        CLEO | {"name": "Una Invented", "email": "una@people.example", "scan": "P1.PDF"},
    ]
    scans = ["a/twin.pdf", "b/twin.pdf", "p1.pdf", "p2.pdf", "nobodys.pdf"]
    importing = drawer.bring(*lines, scans=scans)
    shared = [Snag.SCAN_SHARED]
    assert reasons(importing) == [[Snag.SCAN_ABSENT], [Snag.SCAN_UNCLEAR], [], shared, shared]
    services.accept_lines(
        actor=drawer.officer, import_id=importing.pk, reason=Snag.SCAN_SHARED.value
    )
    assert drawer.take(drawer.work(importing)).taken_count == 3
    assert Evidence.objects.count() == 4


def test_scans_may_come_later_and_better(drawer: Drawer) -> None:
    importing = drawer.bring(CLEO, IDA)
    assert reasons(importing) == [[Snag.SCAN_ABSENT], [Snag.SCAN_ABSENT]]
    for name, content in (("1.pdf", b""), ("2.pdf", b"%PDF-1.4 cut off")):
        services.bring_scan(
            actor=drawer.officer, import_id=importing.pk, name=name, content=content
        )
    assert reasons(drawer.work(importing)) == [[Snag.SCAN_EMPTY], [Snag.SCAN_UNREADABLE]]
    drawer.bring_scans(importing, "1.pdf", "2.pdf")
    assert reasons(drawer.work(importing)) == [[], []]
    assert importing.scans.count() == 2


def test_what_is_said_of_the_whole_is_read_into_each_line(drawer: Drawer) -> None:
    line = CLEO | {
        "uses": "all purposes",
        "signed": "03/04/2019",
        "term": "",
        "phone": "030 1234567",
    }
    importing = drawer.bring(line, scans=["1.pdf"])
    assert set(only_line(importing).reasons) == {
        *(Snag.USES_UNKNOWN, Snag.DATE_AMBIGUOUS, Snag.TERM_MISSING, Snag.PHONE_MALFORMED),
    }
    said = Said(
        day_first=True,
        region="DE",
        term="unlimited",
        words={"uses:all purposes": ("depict",)},
    )
    services.explain(actor=drawer.officer, import_id=importing.pk, said=said)
    drawer.take(importing)
    assert Grant.objects.get().signed_on == date(2019, 4, 3)
    assert Grant.objects.get().uses == ["depict"]


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"uses": ["fly"]}, "1 uses are none that we know"),
        ({"words": {"uses:x": ["fly"]}}, "mean what we do not know"),
        ({"words": {"names:x": []}}, "mean what we do not know"),
        ({"basis": "mood"}, "none that we know"),
        ({"basis": "legitimate_interest"}, "stands for consent or a contract"),
        ({"term": "a while"}, "term is none"),
        ({"region": "XX"}, "country of phone numbers is none"),
    ],
)
def test_what_cannot_be_meant_of_a_table_is_refused(
    drawer: Drawer, said: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(TermsRefused, match=complaint):
        drawer.bring(CLEO, **said)


def test_only_who_may_brings_releases(drawer: Drawer, house: House) -> None:
    moderator = house.account("Mo", RoleCode.MODERATOR)
    importing = drawer.bring(CLEO)
    for act in (
        lambda: Drawer(moderator, drawer.notice, drawer.acting_as).bring(CLEO),
        lambda: services.take_releases(actor=moderator, import_id=importing.pk),
        lambda: services.close_releases(actor=moderator, import_id=importing.pk),
        lambda: services.decide_line(actor=moderator, line_id=only_line(importing).pk),
    ):
        with pytest.raises(NotPermitted):
            act()


def test_who_ordered_it_and_may_no_longer_takes_nothing_in(drawer: Drawer, house: House) -> None:
    importing = drawer.bring(CLEO, scans=["1.pdf"])
    services.take_releases(actor=drawer.officer, import_id=importing.pk)
    services.end_account(actor=house.ada, account_id=drawer.officer.pk)
    assert drawer.work(importing).taken_count == 0
    assert only_line(importing).state == LineStanding.READY


def test_what_was_cut_off_goes_on_where_it_stood(
    drawer: Drawer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_taking, "AT_ONCE", 1)
    lines = [
        CLEO
        | {"name": f"{name} Invented", "email": f"{name}@people.example", "scan": f"{name}.pdf"}
        for name in ("Ann", "Bea", "Cat", "Dot")
    ]
    importing = drawer.bring(*lines, scans=[line["scan"] for line in lines])
    services.take_releases(actor=drawer.officer, import_id=importing.pk)
    with drawer.acting_as("eraser"):
        release_taking.take_some(importing.pk, drawer.officer)
        with pytest.raises(RuntimeError, match="cut off"):
            _cut_off_in(importing, drawer, monkeypatch)
    importing.refresh_from_db()
    assert (importing.taken_count, Grant.objects.count(), importing.lines.count()) == (1, 1, 3)
    assert drawer.work(importing).taken_count == 4
    assert (Subject.objects.count(), Evidence.objects.count()) == (4, 4)


def _cut_off_in(importing: ReleaseImport, drawer: Drawer, patch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("cut off")

    with patch.context() as patched:
        patched.setattr(release_taking, "_record", fail)
        release_taking.take_some(importing.pk, drawer.officer)


def test_what_contradicts_itself_waits_and_the_others_go_on(
    drawer: Drawer, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = "; ".join(f"{n}.pdf" for n in range(21))
    importing = drawer.bring(CLEO | {"scan": many}, IDA | {"scan": "ida.pdf"},
                             scans=[*(f"{n}.pdf" for n in range(21)), "ida.pdf"])  # fmt: skip
    assert drawer.take(importing).taken_count == 1
    assert reasons(importing) == [[Snag.REFUSED]]


def test_what_still_waits_is_destroyed_when_the_import_is_closed(drawer: Drawer) -> None:
    importing = drawer.take(
        drawer.bring(CLEO, IDA | {"signed": ""}, scans=["1.pdf", "2.pdf", "3.pdf"])
    )
    closed = drawer.close(importing)
    assert (closed.state, closed.dropped_count) == (ReleaseState.CLOSED, 1)
    assert not ReleaseLine.objects.exists()
    assert not BroughtScan.objects.exists()
    assert SealedFile.objects.count() == Evidence.objects.count() == 1
    assert not DataKey.objects.filter(pk=importing.scope_id).exists()
    assert Scope.objects.get(pk=importing.scope_id).state == ScopeState.DESTROYED
    with pytest.raises(WrongState, match="bring what is left as a new table"):
        services.take_releases(actor=drawer.officer, import_id=importing.pk)


def test_what_was_closed_may_be_brought_again(drawer: Drawer) -> None:
    lines = (CLEO, IDA | {"signed": ""})
    first = drawer.close(drawer.take(drawer.bring(*lines, scans=["1.pdf"])))
    again = drawer.bring(*lines, scans=["1.pdf", "2.pdf"])
    assert again != first
    assert reasons(again) == [[Snag.TAKEN_ALREADY], [Snag.SIGNED_MISSING]]


def test_an_import_that_nobody_settles_closes_by_itself(
    drawer: Drawer, monkeypatch: pytest.MonkeyPatch
) -> None:
    importing = drawer.bring(CLEO)
    assert services.sweep_releases() == 0
    monkeypatch.setattr("consent.services.releases.KEPT_FOR", timedelta(0))
    assert services.sweep_releases() == 1
    assert drawer.work(importing).state == ReleaseState.CLOSED
    assert not importing.lines.exists()


def test_of_somebody_who_is_erased_nothing_is_left_in_the_import(
    drawer: Drawer, sequence: object, log: Log, tmp_path: object
) -> None:
    waiting = CLEO | {"signed": "", "scan": "3.pdf"}
    importing = drawer.take(drawer.bring(CLEO, IDA, waiting, scans=["1.pdf", "2.pdf", "3.pdf"]))
    drawer.bring_scans(importing, "more/3.pdf")
    assert importing.lines.count() == 1
    cleo = Grant.objects.get(old_release__ordinal=1).subject
    with drawer.acting_as("eraser"):
        destroy_scopes([cleo.scope_id])
    assert not importing.lines.exists()
    assert not importing.scans.exists()
    assert not importing.archives.exists()
    assert [row.ordinal for row in importing.taken.all()] == [2]
    assert SealedFile.objects.count() == 1
    sequence()  # type: ignore[operator]
    assert list(verify_log(log).findings) == []


def test_the_table_can_be_put_together_from_its_lines(drawer: Drawer) -> None:
    importing = drawer.take(drawer.bring(CLEO, IDA, scans=["1.pdf", "2.pdf"]))
    rows = OldRelease.objects.order_by("ordinal")
    stored = [orjson.loads(vault.keys(row.scopes).open(row, "stated"))["raw"] for row in rows]
    kept = orjson.loads(vault.keys(importing.scope_ids()).open(importing, "said"))["header"]
    from base64 import b64decode

    assert b"".join(map(b64decode, [kept, *stored])) == table(CLEO, IDA)


def test_an_archive_that_is_refused_leaves_nothing(drawer: Drawer) -> None:
    importing = drawer.bring(CLEO)
    before = SealedFile.objects.count()
    with pytest.raises(DescriptionRefused, match="no ZIP archive"):
        services.bring_scans(
            actor=drawer.officer, import_id=importing.pk, content=io.BytesIO(b"no archive")
        )
    assert (ScanArchive.objects.count(), SealedFile.objects.count()) == (0, before)


def test_a_table_to_no_notice_is_refused(drawer: Drawer, cleo: Subject) -> None:
    with pytest.raises(Unknown):
        services.bring_releases(
            actor=drawer.officer, bringing=Bringing(cleo.pk), content=io.BytesIO(table(CLEO))
        )


def test_nobody_takes_as_it_is_what_must_be_set_right(drawer: Drawer) -> None:
    importing = drawer.bring(CLEO)
    with pytest.raises(TermsRefused, match="set it right, or turn it away"):
        services.accept_lines(actor=drawer.officer, import_id=importing.pk, reason="scan_absent")


def test_a_paper_is_never_worth_more_than_a_signed_release(drawer: Drawer) -> None:
    drawer.take(drawer.bring(CLEO, scans=["1.pdf"]))
    grant = Grant.objects.get()
    assert (Assurance(grant.assurance), Method(grant.method)) == (
        Assurance.SIGNED_RELEASE,
        Method.FORM,
    )
