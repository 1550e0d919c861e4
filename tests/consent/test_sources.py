"""What was seen at a source: stored raw, weighed when items come in, and again before freezing.
All hosts are invented."""

import io
import json
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from consent import services
from consent.admin.acts import row_url
from consent.errors import NothingToFreeze, NotPermitted, TermsRefused, WrongState
from consent.members import Member, read_opening
from consent.models import (
    Account,
    Dataset,
    DatasetVersion,
    Intake,
    Item,
    Quarantined,
    Source,
    SourceObservation,
)
from consent.moment import database_now
from consent.observed import open_observation
from consent.repair import Repair
from consent.roles import RoleCode
from consent.services import Arrival, anonymising, observing, weighing
from consent.uses import Form, Provenance, Use
from ledger import vault
from ledger.leaf import parse_body
from ledger.models import HOUSE_SCOPE, Log, Record, Segment
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.consent.factories import House, body_of, freeze_unvetted
from tests.consent.test_admin import browser
from tests.consent.test_api import Api, of_person, of_program, problem
from tests.consent.test_datasets import dataset as dataset
from tests.consent.test_datasets import scientist as scientist

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)
SITE = "https://pictures.example"
AT = "2026-11-20T10:00:00Z"
TRAINING = b"User-agent: GPTBot\nDisallow: /private\n"
See = Callable[..., services.Observed]


@pytest.fixture
def source(scientist: Account, dataset: Dataset) -> Source:
    return services.open_source(
        actor=scientist,
        project_id=dataset.project_id,
        code="pictures",
        provenance=Provenance.WEB,
        address=f"{SITE}/album/",
    )


@pytest.fixture
def see(scientist: Account, source: Source) -> See:
    """Bring what was seen at a path; some hours ago, or just now."""

    def run(path: str, body: str = "", *, ago: float = 0, **said: Any) -> services.Observed:
        seen_at = (database_now() - ago * HOUR).isoformat()
        line = {"url": path if "://" in path else f"{SITE}{path}", "seen_at": seen_at}
        lines = [json.dumps(line | {"body": body} | said).encode()]
        return services.observe_lines(actor=scientist, source_id=source.pk, lines=lines)

    return run


@pytest.fixture
def draft(scientist: Account, dataset: Dataset) -> DatasetVersion:
    return services.open_version(actor=scientist, dataset_id=dataset.pk)


@pytest.fixture
def bring(scientist: Account, draft: DatasetVersion) -> Callable[..., Intake]:
    def run(*places: str, source: Source | None = None, **columns: str) -> Intake:
        """Bring a table of these places into the draft."""
        names = ["url", "sha256", "license", "legal_basis", *columns]
        rows = [
            [place, f"{number:064x}", "CC0-1.0", "public_domain", *columns.values()]
            for number, place in enumerate(places, Item.objects.count() + 1)
        ]
        table = "\n".join(",".join(row) for row in [names, *rows])
        arrival = Arrival(Form.MANIFEST, draft.pk, source_id=source.pk if source else None)
        content = io.BytesIO(table.encode())
        return services.take_in(actor=scientist, arrival=arrival, content=content)

    return run


def member_of(item: Item) -> Member:
    return read_opening(vault.keys([HOUSE_SCOPE]).open(item, "opening"))[0]


def reasons(intake: Intake) -> dict[int, list[str]]:
    return {one.ordinal: one.reasons for one in Quarantined.objects.filter(intake=intake)}


def told_of() -> list[list[dict[str, Any]]]:
    """Return what each record of items says of signals, the records in their order."""
    found: list[Any] = []
    for record in Record.objects.order_by("pk"):
        kind = parse_body(record.body).kind
        if kind not in {"items.admitted", "items.set_aside"}:
            continue
        for one in Segment.objects.filter(record_id=record.pk):
            opening = vault.keys(one.scopes).open_segment(
                one.scopes, record.uuid, one.position, kind, bytes(one.ciphertext)
            )
            found += [opening.payload["weighed"]] if opening.role == "signals" else []
    return found


def test_what_was_seen_is_kept_raw_under_the_houses_key(see: See, source: Source) -> None:
    assert see("/robots.txt", TRAINING.decode(), headers={"Content-Type": "text/plain"})
    row = SourceObservation.objects.get()
    seen = open_observation(row, vault.keys([HOUSE_SCOPE]))
    assert (seen.observation.raw, seen.observation.place) == (TRAINING, f"{SITE}/robots.txt")
    assert (seen.observation.media_type, seen.covers) == ("text/plain", "")
    assert "RFC 9309" in seen.observation.version
    assert (row.origin, row.source, row.reach) == (source, "robots_txt", "found")
    assert body_of(row).facts == {"observations": 1, "unchanged": 0}


def test_the_same_seen_again_is_counted_and_not_stored(see: See) -> None:
    see("/robots.txt", "one", ago=3)
    again = see("/robots.txt", "one", ago=2)
    assert (again.observations, again.unchanged) == (0, 1)
    assert see("/robots.txt", "two", ago=1).observations == 1
    assert see("/robots.txt", "one").observations == 1
    # What comes late is told apart from what was seen in between.
    assert see("/robots.txt", "two", ago=2.5).observations == 1
    assert SourceObservation.objects.count() == 4


def test_what_comes_late_takes_nothing_from_what_was_seen_after_it(see: See, bring: Any) -> None:
    see("/ai.txt", "User-agent: *\nDisallow: /\n", ago=30)
    see("/ai.txt", "User-agent: *\nDisallow: /\n", ago=10)
    assert see("/ai.txt", "User-agent: *\nAllow: /\n", ago=20).observations == 1
    assert reasons(bring(f"{SITE}/1.jpg")) == {1: ["signal_reserved"]}
    assert see("/ai.txt", "User-agent: *\nDisallow: /\n", ago=5).unchanged == 1
    first = SourceObservation.objects.order_by("seen_at")[0]
    assert first.last_seen_at - first.seen_at > 24 * HOUR


def test_a_place_is_one_however_its_address_is_written(see: See) -> None:
    see("/robots.txt", "one", ago=2)
    assert see("http://PICTURES.example:80/robots.txt", "one", ago=1).unchanged == 1


def test_two_bodies_of_one_moment_are_kept_and_may_be_sent_again(
    scientist: Account, source: Source
) -> None:
    line = {"url": f"{SITE}/ai.txt", "seen_at": "2026-11-20T10:00:00Z"}
    lines = [json.dumps(line | {"body": body}).encode() for body in ("one", "two")]
    for stored, unchanged in ((2, 0), (0, 2)):
        done = services.observe_lines(actor=scientist, source_id=source.pk, lines=lines)
        assert (done.observations, done.unchanged) == (stored, unchanged)


def test_a_clock_that_is_ahead_has_seen_nothing_yet_to_come(see: See, bring: Any) -> None:
    see("/ai.txt", "User-agent: *\nDisallow: /\n", ago=-1 / 20)
    assert SourceObservation.objects.get().seen_at < database_now()
    assert reasons(bring(f"{SITE}/1.jpg")) == {1: ["signal_reserved"]}


def test_many_large_things_are_stored_some_at_a_time(
    scientist: Account, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "BYTES_AT_ONCE", 10)
    line = {"seen_at": "2026-11-20T10:00:00Z", "body": "123456"}
    lines = [
        json.dumps(line | {"url": f"https://h{host}.example/ai.txt"}).encode() for host in range(5)
    ]
    before = Record.objects.count()
    services.observe_lines(actor=scientist, source_id=source.pk, lines=lines)
    assert Record.objects.count() == before + 3


def test_what_is_being_stored_while_items_are_weighed_is_waited_for(
    see: See, bring: Any, scientist: Account, source: Source, draft: DatasetVersion
) -> None:
    bring(f"{SITE}/1.jpg", "https://elsewhere.example/2.jpg")
    frozen: list[DatasetVersion] = []

    def freeze() -> None:
        try:
            frozen.append(freeze_unvetted(scientist, draft))
        finally:
            connections.close_all()

    other = threading.Thread(target=freeze)
    see("/robots.txt", "")
    with transaction.atomic():
        see("/ai.txt", "User-agent: *\nDisallow: /\n")
        other.start()
        time.sleep(0.5)
    other.join(30)
    assert [one.member_count for one in frozen] == [1]


@pytest.mark.parametrize("address", ["the archive in the cellar", "ftp://pictures.example/"])
def test_a_source_lies_at_a_web_address_or_at_none(
    scientist: Account, dataset: Dataset, address: str
) -> None:
    with pytest.raises(TermsRefused, match="address is no web address"):
        services.open_source(
            actor=scientist,
            project_id=dataset.project_id,
            code="cellar",
            provenance=Provenance.WEB,
            address=address,
        )


def test_items_that_lie_there_are_weighed_when_they_come_in(
    see: See, bring: Any, log: Log, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    see("/robots.txt", TRAINING.decode(), ago=1)
    intake = bring(f"{SITE}/private/1.jpg", f"{SITE}/open/2.jpg", "https://elsewhere.example/3.jpg")
    assert reasons(intake) == {1: ["signal_reserved"]}
    two, three = Item.objects.order_by("ordinal")
    seen = SourceObservation.objects.get()
    assert dict(member_of(two).signals) == {
        "observed": "silent",
        "observed:robots_txt": f"silent crawling_allowed {seen.seen_at.isoformat()} {seen.pk}",
        "observed:aipref": dict(member_of(two).signals)["observed:aipref"],
    }
    assert member_of(three).signals == ()
    sequence()
    with acting_as("eraser"):
        assert verify_log(log).findings == []


def test_the_conflict_and_who_won_stand_on_the_record(see: See, bring: Any) -> None:
    see("/.well-known/tdmrep.json", '[{"location": "/", "tdm-reservation": 0}]', ago=2)
    see("/ai.txt", "User-agent: *\nDisallow: /\n", ago=1)
    intake = bring(f"{SITE}/1.jpg", f"{SITE}/2.jpg")
    intake.refresh_from_db()
    assert reasons(intake) == {1: ["signal_reserved"], 2: ["signal_reserved"]}
    ((conflict,),) = told_of()
    assert (conflict["items"], conflict["outcome"]) == (2, "refused")
    assert conflict["rule"] == "strictest-since-fetched/1"
    assert [one["signal"] for one in conflict["won"]] == ["ai_txt"]
    assert [(one["signal"], one["said"]) for one in conflict["outweighed"]] == [
        ("tdmrep", "permitted")
    ]


def test_a_place_within_the_source_is_found_by_the_sources_address(
    see: See, bring: Any, source: Source
) -> None:
    see("/robots.txt", "User-agent: *\nDisallow: /album/private\n", ago=1)
    assert reasons(bring("private/1.jpg", "open/2.jpg", source=source)) == {1: ["signal_reserved"]}


def test_what_was_in_force_when_it_was_fetched_counts_whatever_was_said_since(
    see: See, bring: Any
) -> None:
    see("/ai.txt", "User-agent: *\nDisallow: /\n", ago=48)
    see("/ai.txt", "User-agent: *\nAllow: /\n", ago=2)
    then = (database_now() - 24 * HOUR).isoformat()
    assert reasons(bring(f"{SITE}/1.jpg", fetched_at=then)) == {1: ["signal_reserved"]}
    assert reasons(bring(f"{SITE}/2.jpg")) == {}


def test_a_page_speaks_for_what_whoever_saw_it_says(see: See, bring: Any) -> None:
    page = '<html><head><meta name="robots" content="noimageai"></head></html>'
    html = {"headers": [["Content-Type", "text/html"]], "covers": f"{SITE}/gallery/"}
    see("/gallery/", page, ago=1, **html)
    see("/one.jpg", headers={"X-Robots-Tag": "noai"}, ago=1)
    intake = bring(f"{SITE}/gallery/1.jpg", f"{SITE}/one.jpg", f"{SITE}/two.jpg")
    assert reasons(intake) == {1: ["signal_reserved"], 2: ["signal_reserved"]}


def test_conditions_wait_for_somebody_and_stay_decided(
    see: See, bring: Any, scientist: Account, draft: DatasetVersion
) -> None:
    policy = "https://rights.example/policy"
    rules = [{"location": "/", "tdm-reservation": 1, "tdm-policy": policy}]
    see("/.well-known/tdmrep.json", json.dumps(rules), ago=2)
    page = {"headers": {"Content-Type": "text/html"}, "kind": "tdm_policy"}
    see(policy, "<p>Ask us.</p>", ago=2, **page)
    intake = bring(f"{SITE}/1.jpg")
    assert reasons(intake) == {1: ["signal_unclear"]}
    done = services.repair(
        actor=scientist,
        intake_id=intake.pk,
        reason="signal_unclear",
        said=Repair(accepted=frozenset({"signal_unclear"})),
    )
    assert done.items == 1
    see("/robots.txt", "User-agent: x\nDisallow: /\n")
    assert freeze_unvetted(scientist, draft).member_count == 1


def test_what_is_seen_later_takes_out_what_is_reserved_and_asks_of_what_is_unclear(
    see: See, bring: Any, scientist: Account, draft: DatasetVersion
) -> None:
    bring(f"{SITE}/1.jpg", f"{SITE}/2.jpg", "https://elsewhere.example/3.jpg")
    see("/2.jpg", headers={"tdm-reservation": "perhaps", "X-Robots-Tag": "noai"})
    see("/1.jpg", headers={"Content-Usage": "train-ai=("})
    with pytest.raises(WrongState, match="leaves 1 picture unclear: vet the version again"):
        freeze_unvetted(scientist, draft)
    asides = dict(Item.objects.order_by("ordinal").values_list("ordinal", "aside"))
    assert asides == {1: "", 2: "signal_reserved", 3: ""}
    assert {one["outcome"] for some in told_of() for one in some} == {"refused"}
    done = services.vet_here(actor=scientist, version_id=draft.pk)
    unclear = done.findings.get(code="signal_unclear")
    assert services.set_aside_items(actor=scientist, finding_id=unclear.pk) == 1
    frozen = services.freeze_version(actor=scientist, version_id=draft.pk)
    assert (frozen.member_count, frozen.weighed_at is not None) == (1, True)


def test_who_may_not_freeze_sets_nothing_aside(
    see: See, bring: Any, scientist: Account, draft: DatasetVersion
) -> None:
    bring(f"{SITE}/1.jpg", f"{SITE}/2.jpg")
    see("/2.jpg", headers={"X-Robots-Tag": "noai"})
    with pytest.raises(WrongState, match="nobody has vetted"):
        services.freeze_version(actor=scientist, version_id=draft.pk)
    assert Item.objects.filter(aside="").count() == 2
    assert freeze_unvetted(scientist, draft).member_count == 1


def test_whoever_accepts_one_thing_has_not_accepted_another(
    see: See, bring: Any, scientist: Account, draft: DatasetVersion
) -> None:
    bring(f"{SITE}/1.jpg", f"{SITE}/2.jpg")
    see("/1.jpg", headers={"Content-Usage": "train-ai=("})
    vet: dict[str, Any] = {"actor": scientist, "version_id": draft.pk}
    unclear = services.vet_here(**vet).findings.get(code="signal_unclear")
    accept: dict[str, Any] = {"actor": scientist, "reason": "They wrote to us."}
    services.accept_finding(**accept, finding_id=unclear.pk)
    again = services.vet_here(**vet).findings.get(code="signal_unclear")
    assert again.state == "accepted"
    policy = "https://rights.example/policy"
    see(policy, "<p>Ask us.</p>", headers={"Content-Type": "text/html"}, kind="tdm_policy")
    rules = [{"location": "/1.jpg", "tdm-reservation": 1, "tdm-policy": policy}]
    see("/.well-known/tdmrep.json", json.dumps(rules))
    with pytest.raises(WrongState, match="1 picture unclear"):
        services.freeze_version(**vet)
    other = services.vet_here(**vet).findings.get(code="signal_unclear")
    assert (other.state, other.count) == ("open", 1)
    services.accept_finding(**accept, finding_id=other.pk)
    assert services.freeze_version(**vet).member_count == 2


def next_of(scientist: Account, origin: DatasetVersion) -> DatasetVersion:
    intake = services.derive_version(actor=scientist, origin_id=origin.pk)
    services.read_version(intake.pk)
    intake.refresh_from_db()
    assert intake.version
    return intake.version


def test_what_was_taken_over_is_weighed_again_where_it_lay_at_first(
    see: See, bring: Any, scientist: Account, draft: DatasetVersion, source: Source
) -> None:
    first = bring("1.jpg", "2.jpg", source=source)
    origin = freeze_unvetted(scientist, draft)
    # Twice taken over: neither draft has an import with an address of its own.
    for place, left in (("2.jpg", 1), ("1.jpg", 0)):
        version = next_of(scientist, origin)
        imports = [dict(member_of(item).signals)["observed:import"] for item in version.items.all()]
        assert set(imports) == {str(first.pk)}
        see(f"/album/{place}", headers={"X-Robots-Tag": "noai"})
        if not left:
            with pytest.raises(NothingToFreeze):
                freeze_unvetted(scientist, version)
            break
        origin = freeze_unvetted(scientist, version)
        assert origin.member_count == left
        assert {one.aside for one in origin.items.all()} == {"", "signal_reserved"}


def test_what_was_taken_over_is_weighed_since_it_first_came(
    see: See, bring: Any, scientist: Account, draft: DatasetVersion
) -> None:
    bring(f"{SITE}/1.jpg")
    origin = freeze_unvetted(scientist, draft)
    # Bars whoever would fetch now, and nothing that was had before.
    see("/robots.txt", status=503)
    version = next_of(scientist, origin)
    see("https://elsewhere.example/robots.txt", "User-agent: *\nDisallow: /\n")
    assert freeze_unvetted(scientist, version).member_count == 1


def test_the_next_version_takes_only_what_somebody_decided_for_decided(
    see: See, bring: Any, scientist: Account, draft: DatasetVersion
) -> None:
    bring(f"{SITE}/1.jpg", f"{SITE}/2.jpg")
    see("/1.jpg", headers={"Content-Usage": "train-ai=("})
    done = services.vet_here(actor=scientist, version_id=draft.pk)
    unclear = done.findings.get(code="signal_unclear")
    services.accept_finding(actor=scientist, finding_id=unclear.pk, reason="They wrote to us.")
    frozen = services.freeze_version(actor=scientist, version_id=draft.pk)
    see("/2.jpg", headers={"Content-Usage": "train-ai=("})

    first = next_of(scientist, frozen)
    names = [dict(member_of(item).signals) for item in first.items.all()]
    assert len(names) == 1
    assert names[0]["observed:accepted"]
    second = next_of(scientist, freeze_unvetted(scientist, first))
    assert second.items.count() == 1


def test_vetting_shows_what_freezing_would_leave_out_and_lets_somebody_decide(
    see: See, bring: Any, scientist: Account, draft: DatasetVersion
) -> None:
    bring(f"{SITE}/1.jpg", f"{SITE}/2.jpg", f"{SITE}/3.jpg")
    see("/2.jpg", headers={"X-Robots-Tag": "noai"})
    see("/1.jpg", headers={"Content-Usage": "train-ai=("})
    done = services.vet_here(actor=scientist, version_id=draft.pk)
    counts = {one.code: one.count for one in done.findings.all()}
    assert (counts["signal_reserved"], counts["signal_unclear"]) == (1, 1)
    assert done.verdict == "after_decisions"
    unclear = done.findings.get(code="signal_unclear")
    services.accept_finding(
        actor=scientist, finding_id=unclear.pk, reason="A slip of the pen; they wrote to us."
    )
    frozen = services.freeze_version(actor=scientist, version_id=draft.pk)
    assert (frozen.member_count, frozen.vetted) == (2, True)


def test_what_is_reserved_since_is_not_to_be_made_unrecognisable(see: See, bring: Any) -> None:
    bring(f"{SITE}/1.jpg", f"{SITE}/2.jpg", f"{SITE}/3.jpg")
    see("/2.jpg", headers={"X-Robots-Tag": "noai"})
    see("/3.jpg", headers={"Content-Usage": "train-ai=("})
    items = list(Item.objects.order_by("ordinal"))
    assert anonymising.find_reserved(items) == [items[1].pk]


def test_the_next_version_leaves_out_what_is_reserved_since(
    see: See, bring: Any, scientist: Account, draft: DatasetVersion
) -> None:
    bring(f"{SITE}/1.jpg", f"{SITE}/2.jpg")
    frozen = freeze_unvetted(scientist, draft)
    see("/2.jpg", headers={"X-Robots-Tag": "noai"})
    intake = services.derive_version(actor=scientist, origin_id=frozen.pk)
    services.read_version(intake.pk)
    intake.refresh_from_db()
    assert (intake.item_count, intake.dropped_count) == (1, 1)


def test_a_table_cannot_claim_what_was_observed(see: See, bring: Any) -> None:
    see("/robots.txt", "", ago=1)
    bring(f"{SITE}/1.jpg", **{"robots": "all", "observed:import": "0"})
    names = [name for name, _ in member_of(Item.objects.get()).signals]
    assert names[0] == "robots"
    assert names.count("observed") == 1
    assert "observed:import" not in names


def test_a_server_that_does_not_answer_reserves_all(see: See, bring: Any) -> None:
    see("/robots.txt", status=503, ago=1)
    assert reasons(bring(f"{SITE}/1.jpg")) == {1: ["signal_reserved"]}
    see("/robots.txt", status=404)
    assert SourceObservation.objects.filter(reach="absent", file=None).count() == 1


def test_nothing_seen_costs_one_question_a_chunk(
    bring: Any, source: Source, see: See, monkeypatch: pytest.MonkeyPatch
) -> None:
    def queries(*places: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as ran:
            bring(*places)
        return sum("consent_sourceobservation" in one["sql"] for one in ran.captured_queries)

    assert queries(f"{SITE}/1.jpg", f"{SITE}/2.jpg") == 1
    see("https://other.example/robots.txt", "")
    assert queries(f"{SITE}/3.jpg", f"{SITE}/4.jpg", f"{SITE}/5.jpg") <= 3


def test_what_cannot_be_taken_is_told_line_by_line(scientist: Account, source: Source) -> None:
    good = {"url": f"{SITE}/robots.txt", "seen_at": "2026-11-20T10:00:00Z", "body": ""}
    lines = [
        b"nonsense",
        json.dumps(good | {"seen_at": "2026-11-20T10:00:00"}).encode(),
        json.dumps(good | {"url": "ftp://x"}).encode(),
        json.dumps(good | {"status": 301}).encode(),
        json.dumps(good | {"seen_at": "2999-01-01T00:00:00Z"}).encode(),
        b"",
        json.dumps(good).encode(),
    ]
    done = services.observe_lines(actor=scientist, source_id=source.pk, lines=lines)
    assert (done.observations, done.refused) == (1, 5)
    assert [line for line, _ in done.reasons] == [1, 2, 3, 4, 5]
    assert "leads on to another address" in done.reasons[3][1]


def test_only_who_may_brings_and_asks(house: House, source: Source) -> None:
    dev = house.account("Dev", RoleCode.DEVELOPER)
    with pytest.raises(NotPermitted, match=r"consent\.observe_source"):
        services.observe_lines(actor=dev, source_id=source.pk, lines=[])
    with pytest.raises(NotPermitted, match=r"consent\.view_source"):
        services.weigh_address(actor=dev, source_id=source.pk, location="x")
    with pytest.raises(NotPermitted, match=r"consent\.view_source"):
        services.read_observations(
            reader=dev, rows=[SourceObservation(origin=source, source="html")]
        )


def test_what_was_seen_is_fixed(see: See) -> None:
    see("/robots.txt", "")
    for column in ("said", "index", "content", "seen_at"):
        with (
            pytest.raises(DatabaseError, match=f"column {column} of consent_sourceobs"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            value = "now()" if column == "seen_at" else "'\\x00'"
            cursor.execute(f'UPDATE consent_sourceobservation SET "{column}" = {value}')


def test_what_holds_for_a_place_can_be_asked(see: See, scientist: Account, source: Source) -> None:
    said: dict[str, Any] = {"actor": scientist, "source_id": source.pk}
    assert services.weigh_address(**said, location="1.jpg") is None
    see("/ai.txt", "User-agent: *\nDisallow: /album/\n", ago=1)
    found = services.weigh_address(**said, location="1.jpg")
    assert found is not None
    assert (found.outcome.value, found.winning[0].signal) == ("refused", "ai_txt")
    before: datetime = database_now() - 2 * HOUR
    # Brought only now, so that nobody knew of it then.
    assert services.weigh_address(**said, location="1.jpg", at=before) is None
    other = services.weigh_address(**said, location=f"{SITE}/x.jpg", uses=[Use.COMMERCIAL])
    assert other is not None
    assert other.outcome.value == "allowed"
    with pytest.raises(TermsRefused, match="no web address"):
        services.weigh_address(**said, location="file:///etc/passwd")


def send(api: Api, path: str, body: bytes) -> Any:
    return api.client.post(
        f"/api/v1/{path}", body, content_type="application/x-ndjson", headers=api.headers
    )


def test_a_crawler_brings_what_it_saw_by_the_api(house: House, source: Source) -> None:
    crawler = house.client("crawler", RoleCode.DATA_SCIENTIST)
    api = of_program(house, crawler, "datasets:write datasets:read")
    place = f"sources/{source.pk}/observations"
    line = {"url": f"{SITE}/ai.txt", "seen_at": "2026-11-20T10:00:00Z"}
    body = json.dumps(line | {"body": "User-agent: *\nDisallow: /"}) + "\nnonsense\n"
    sent = send(api, place, body.encode())
    assert sent.status_code == 200, sent.content
    assert sent.json() == {
        "observations": 1,
        "unchanged": 0,
        "refused": 1,
        "reasons": [{"line": 2, "why": "it is no JSON"}],
    }
    (row,) = api.get(place).json()["results"]
    assert (row["seen_in"], row["reach"]) == ("ai_txt", "found")
    assert problem(send(api, place, b"x")) == (422, "TermsRefused")
    asked = api.post(f"sources/{source.pk}/ask", {"location": "1.jpg"})
    assert asked.json()["outcome"] == "refused"
    assert asked.json()["heard"][0]["detail"] == "ai.txt keeps it from training"
    dev = of_person(house.account("Dev", RoleCode.DEVELOPER))
    assert problem(dev.get(place)) == (403, "NotPermitted")


def test_a_source_is_named_by_the_api(scientist: Account, dataset: Dataset) -> None:
    api = of_person(scientist)
    said = {"project": str(dataset.project_id), "code": "web", "provenance": "web"}
    made = api.post("sources", said)
    assert made.status_code == 201
    assert [one["code"] for one in api.get("sources").json()["results"]] == ["web"]
    again = api.post("sources", said, key="key-2")
    assert problem(again) == (409, "AlreadyKnown")


def test_a_crawlers_file_is_taken_in_by_command(source: Source, tmp_path: Any, capsys: Any) -> None:
    line = {"url": f"{SITE}/robots.txt", "seen_at": "2026-11-20T10:00:00Z", "body": ""}
    path = tmp_path / "seen.jsonl"
    path.write_text(json.dumps(line) + "\n{}\n")
    out = io.StringIO()
    call_command("observe_source", f"portraits/{source.code}", str(path), "--json", stdout=out)
    said = json.loads(out.getvalue())
    assert (said["observations"], said["refused"]) == (1, 1)
    assert said["reasons"] == ["line 2: it is no object with url and seen_at"]
    with pytest.raises(CommandError, match="there is no source"):
        call_command("observe_source", "portraits/other", str(path))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("observe_source", f"portraits/{source.code}", str(tmp_path / "none"))


def test_many_hosts_are_weighed_page_by_page(
    see: See, bring: Any, scientist: Account, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weighing, "PAGE", 3)
    monkeypatch.setattr(observing, "AT_ONCE", 2)
    bring(*(f"https://h{number % 5}.example/{number}.jpg" for number in range(20)))
    for host in range(4):
        see(f"https://h{host}.example/ai.txt", "User-agent: *\nDisallow: /\n")
    assert freeze_unvetted(scientist, draft).member_count == 4


def test_the_page_of_a_source_tells_what_was_seen_in_plain_words(
    see: See, scientist: Account, source: Source
) -> None:
    see("/ai.txt", "User-agent: *\nDisallow: /\n", ago=2)
    client, page = browser(scientist), row_url(source)
    closed = client.get(page).content.decode()
    assert "ai.txt" in closed
    assert "Disallow" not in closed
    shown = client.get(f"{page}?seen=1").content.decode()
    assert "Ai.txt keeps it from training." in shown
    assert "Disallow: /" in shown
    act = page.replace("change/", "do/{}/")

    def do(name: str, **said: Any) -> str:
        return client.post(act.format(name), said, follow=True).content.decode()

    when = {"seen_at": "2026-11-20 10:00", "status": "200"}
    body = io.BytesIO(b"User-agent: *\n")
    body.name = "robots.txt"
    said = {"url": f"{SITE}/robots.txt", "headers": "", "covers": "", "body": body}
    assert "1 things stored" in do("observe", **when, **said)
    assert "no web address" in do("observe", **when, url="nowhere")
    lines = io.BytesIO(json.dumps({"url": f"{SITE}/ai.txt", "seen_at": AT}).encode() + b"\n{}")
    lines.name = "seen.jsonl"
    assert "1 lines could not be taken; line 2: it is no object" in do("bring", file=lines)
    asked = do("ask", location=f"{SITE}/1.jpg", profile="strict/1")
    assert "These uses are reserved" in asked
    assert "decides" in asked
    nothing = do("ask", location="https://elsewhere.example/", profile="strict/1")
    assert "Nothing was seen that speaks for this place." in nothing
