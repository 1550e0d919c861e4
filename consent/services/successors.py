"""The next version of a data set: what still stands of a frozen one, committed to afresh.

```
 derive_version ──▶ a draft, its Derivation, an Intake of form *version* ──▶ read_version, some
                     pages of the origin in each transaction: opened, consent asked for again,
                     sealed with fresh salts; the file itself is shared ──▶ Intake (read)
```

Where reading was cut off it goes on: ``read_to`` counts the commitments of the origin, which
stay whatever is erased meanwhile.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from consent import kinds
from consent.decision import Outcome
from consent.decisions import find_consenting
from consent.errors import TermsRefused, Unknown
from consent.formats.described import DescribedItem
from consent.intake import Admitted, AdmittedItems
from consent.members import PAGE, Member, read_opening, split
from consent.models import DatasetVersion, Intake, IntakeState, Item, Subject
from consent.models import Reading as Errand
from consent.moment import database_now
from consent.services.admission import admit
from consent.services.arrivals import (
    Arrival,
    Remarks,
    begin,
    facts_of,
    fingerprint,
    lock_draft,
    remark,
    remarks,
)
from consent.services.authority import Actor, by, get, lock
from consent.services.batches import record_batch
from consent.services.datasets import open_version
from consent.services.intakes import LEASE, close, start
from consent.services.weighing import accepted_questions, reason_against, weigh_members
from consent.signals.finding import Standing
from consent.signals.stated import weigh
from consent.signals.weighing import (
    IMPORT,
    Weighing,
    accepted_question,
    came_by,
    known_standing,
    without_import,
    without_observed,
)
from consent.uses import Descent, Form, Use
from ledger import vault
from ledger.services import Unsealed, append

# Pages of one transaction: each looks for its items in the whole origin.
PAGES = 8
# A record holds 256 segments, one for each person.
MOST_PEOPLE = 200


@dataclass(frozen=True)
class Without:
    """Whose items, and which, do not go into the next version."""

    people: Collection[UUID] = ()
    items: Collection[UUID] = ()


@transaction.atomic
def derive_version(
    *,
    actor: Actor,
    origin_id: UUID,
    without: Without | None = None,
    uses: Sequence[Use] = (),
    profile: str = "",
    descent: Descent = Descent.SUCCESSOR,
) -> Intake:
    """Begin the next version of a frozen one, with all that still stands; a worker fills it.

    Left out is what ``without`` names, and whoever's consent does not cover its uses now. Returns
    the intake that fills the draft. Raises NotPermitted, Unknown, WrongState for an origin that
    is not frozen, TermsRefused, ProfileRefused.
    """
    without = without or Without()
    origin = get(DatasetVersion.objects.select_related("dataset"), origin_id)
    version = open_version(
        actor=actor,
        dataset_id=origin.dataset_id,
        uses=uses or [Use(use) for use in origin.uses],
        profile=profile or origin.profile,
        origins=[origin_id],
        descent=descent,
    )
    people = _find_people(without.people)
    assert origin.digest is not None
    arrival = Arrival(Form.VERSION, version_id=version.pk)
    intake = begin(actor, arrival)
    intake.fingerprint = fingerprint(arrival, origin.digest.hex())
    left_out = " ".join(sorted(map(str, _find_items(origin, people, without.items))))
    remark(intake, Remarks(mapping={"origin": str(origin.pk), "without": left_out}))
    intake.save(force_insert=True)
    Errand.objects.create(intake=intake, due_at=database_now())
    told = {"left_out_of": str(version.pk)}
    append(
        kind=kinds.INTAKE_RECEIVED,
        facts=facts_of(intake),
        segments=[
            Unsealed("intake", intake.scope_ids(), {}, (intake,)),
            *(Unsealed("subject", (person.scope_id,), told) for person in people),
            by(actor),
        ],
    )
    return intake


def read_version(intake_id: UUID) -> Intake:
    """Fill a draft from its origin, to the end; no transaction may be open."""
    while _take(intake_id):
        pass
    return _finish(intake_id)


@transaction.atomic
def _take(intake_id: UUID) -> bool:
    """Take over the items of the next pages; return whether there were any."""
    intake = start(intake_id)
    if intake.state != IntakeState.READING:
        return False
    assert intake.version_id is not None
    version = lock_draft(get(DatasetVersion.objects.all(), intake.version_id))
    said = remarks(intake).mapping
    origin = get(DatasetVersion.objects.all(), UUID(said["origin"]))
    first = intake.read_to // PAGE
    pages = origin.pages.filter(ordinal__gte=first, ordinal__lt=first + PAGES).order_by("ordinal")
    commitments = [one for page in pages for one in split(page.commitments)]
    if not commitments or intake.read_to >= origin.member_count:
        return False
    Errand.objects.renew(intake_id, LEASE)
    items = _between(origin, commitments[0], commitments[-1])
    places = {one: first * PAGE + at for at, one in enumerate(commitments, 1)}
    left_out = set(map(UUID, said["without"].split()))
    admitted, files = _judge(
        version, origin, [one for one in items if one.pk not in left_out], places
    )
    batch = admit(version, intake, AdmittedItems.of(admitted), files=files)
    intake.read_to = first * PAGE + len(commitments)
    intake.dropped_count += len(items) - batch.items
    intake.save(update_fields=["dropped_count"])
    record_batch(intake, batch, 0)
    return True


def _between(origin: DatasetVersion, first: bytes, last: bytes) -> list[Item]:
    rows = origin.items.filter(aside="", commitment__gte=first, commitment__lte=last)
    return list(rows.order_by("commitment"))


def _judge(
    version: DatasetVersion,
    origin: DatasetVersion,
    items: Sequence[Item],
    places: dict[bytes, int],
) -> tuple[list[Admitted], dict[int, UUID]]:
    """Return what may go on, at its place in the origin, and the files that are held of it."""
    keys = vault.keys_there({scope for item in items for scope in item.scopes})
    there = [item for item in items if item.scope_ids() in keys]
    members = [read_opening(keys.open(item, "opening"))[0] for item in there]
    consenting = _consenting(version, members)
    imports = [item.intake_id for item in there]
    observed = weigh_members(
        version, zip((item.pk for item in there), members, imports, strict=True)
    )
    accepted = accepted_questions(origin, observed)
    admitted, files = [], {}
    for item, stated in zip(there, members, strict=True):
        renewed = _renew(stated, observed.get(item.pk), accepted.get(item.pk, ""))
        if renewed is None:
            continue
        member = _keep_import(renewed, came_by(stated.signals) or item.intake_id)
        if not consenting.issuperset(member.depicts):
            continue
        if _is_stated_against(version, origin, member):
            continue
        ordinal = places[item.commitment]
        described = DescribedItem(ordinal, member.location, signals=member.signals)
        admitted.append(Admitted(described, member))
        if item.file_id:
            files[ordinal] = item.file_id
    return admitted, files


def _is_stated_against(version: DatasetVersion, origin: DatasetVersion, member: Member) -> bool:
    """Return whether what its offerer stated keeps an item out of these uses.

    What is as unclear for the uses of the origin was decided when it was let in there.
    """
    now = weigh(member.signals, tuple(map(Use, version.uses)))
    before = weigh(member.signals, tuple(map(Use, origin.uses)))
    if now in {Standing.CONDITIONS, Standing.MALFORMED}:
        return now is not before
    return Standing.RESERVED in {now, known_standing(member.signals)}


def _renew(member: Member, observed: Weighing | None, accepted: str) -> Member | None:
    """Return a member with what was seen of it by now in the place of what had been then.

    None where that reserves it, or leaves it unclear and nobody has decided just that.
    """
    if observed is None:
        return member
    if reason_against(observed, accepted_question(member.signals), accepted):
        return None
    is_unclear = observed.outcome is Outcome.NEEDS_REVIEW
    pairs = observed.accepted_pairs if is_unclear else observed.pairs
    return member._replace(signals=(*without_observed(member.signals), *pairs))


def _keep_import(member: Member, intake_id: UUID) -> Member:
    """Return a member that says by which import it first came: its place is asked about later.

    The place may be relative to the address of that import's source, and what counts for good
    was in force when it came in, not when it is taken over.
    """
    if not member.location:
        return member
    pair = (IMPORT, str(intake_id))
    return member._replace(signals=(*without_import(member.signals), pair))


def _consenting(version: DatasetVersion, members: Sequence[Member]) -> set[UUID]:
    people = {person for member in members for person in member.depicts}
    uses = [Use(use) for use in version.uses]
    return find_consenting(people, uses, profile=version.profile)


@transaction.atomic
def _finish(intake_id: UUID) -> Intake:
    intake = lock(Intake.objects.all(), intake_id)
    if intake.state != IntakeState.READING:
        return intake
    # What was left out is not kept: the record says to each person that it was.
    remark(intake, Remarks(mapping={"origin": remarks(intake).mapping["origin"]}))
    return close(intake, IntakeState.READ, kinds.INTAKE_READ, None)


def _find_people(ids: Collection[UUID]) -> list[Subject]:
    """Return everybody who is one of these people. Raises Unknown, TermsRefused for too many."""
    if Subject.objects.filter(pk__in=ids).count() != len(set(ids)):
        raise Unknown("somebody who is to be left out is not known")
    people = list(Subject.objects.selves(*ids).order_by("pk")) if ids else []
    if len(people) > MOST_PEOPLE:
        raise TermsRefused(f"{len(people)} people are to be left out, wanted {MOST_PEOPLE} at most")
    return people


def _find_items(
    origin: DatasetVersion, people: Sequence[Subject], items: Collection[UUID]
) -> set[UUID]:
    """Return the items that are left out. Raises Unknown for one that is not in the origin."""
    rows: QuerySet[Item] = origin.items.filter(aside="")
    named = set(rows.filter(pk__in=items).values_list("pk", flat=True))
    if named != set(items):
        raise Unknown("an item that is to be left out is not in the version")
    theirs = rows.filter(people__gt=0, depictions__subject__in=people)
    return named | set(theirs.values_list("pk", flat=True))
