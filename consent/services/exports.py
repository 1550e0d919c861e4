"""Telling outsiders of a frozen version, in formats that other people's tools read.

Items are sealed: whoever asks for them one by one needs the permission to view items, and each
chunk is on the record before it is opened.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db.models import BinaryField, F, Func

from consent.errors import TermsRefused, WrongState
from consent.exporters import version as told
from consent.formats import croissant_writer, prov_writer
from consent.formats.described import DescribedItem
from consent.lineage import Lineage
from consent.members import PAGE, Member, Membership, Page, membership_path, read_opening, split
from consent.models import DatasetVersion, Delivery, Item, Project, Subject, VersionState
from consent.services.authority import Actor, Operator, get, require
from consent.services.deliveries import record_export, refuse_stopped
from consent.services.viewing import open_sealed
from ledger.record_kinds import DisclosureReason

# One record tells of what is opened at once: it holds 256 segments, one for each group of people.
_OPENED, _GROUPS = 5_000, 200


class ExportForm(StrEnum):
    """The formats in which versions are told of."""

    CROISSANT = "croissant"
    PROV = "prov"
    PROV_N = "prov-n"
    OPENLINEAGE = "openlineage"


@dataclass(frozen=True)
class Kind:
    """How a format is sent: its media type and the ending of its files."""

    media_type: str
    ending: str


FORMS = {
    ExportForm.CROISSANT: Kind("application/ld+json", "croissant.json"),
    ExportForm.PROV: Kind("application/json", "prov.json"),
    ExportForm.PROV_N: Kind("text/provenance-notation; charset=utf-8", "provn"),
    ExportForm.OPENLINEAGE: Kind("application/x-ndjson", "openlineage.ndjson"),
}


@dataclass(frozen=True)
class Wanted:
    """Which version is wanted in which format: with its items, and people named by handles."""

    version_id: UUID
    form: ExportForm
    with_items: bool = False
    with_people: bool = False


def export_version(
    *,
    actor: Actor,
    version_id: UUID,
    form: ExportForm,
    with_items: bool = False,
    with_people: bool = False,
) -> Iterator[bytes]:
    """Yield a frozen version in ``form`` for our own use, piece by piece; no transaction may be
    open.

    That it is exported is recorded first. With items, each is told of with its digest and
    location, on the record; with people, those shown are named by their handles. Raises at once
    NotPermitted, Unknown, WrongState for a version that is not frozen, TermsRefused for items
    that the format has no words for.
    """
    wanted = Wanted(version_id, form, with_items, with_people)
    version = _check(actor, wanted)
    record_export(actor=actor, version=version, recipient_id=None)
    return _write(actor, version, wanted)


def hand_over(*, actor: Actor, wanted: Wanted, recipient_id: UUID) -> Delivery:
    """Record that a frozen version is exported for somebody; ``export_delivered`` then yields it.

    Raises as ``export_version``, and UseStopped for what is given to nobody.
    """
    version = _check(actor, wanted)
    return record_export(actor=actor, version=version, recipient_id=recipient_id)


def export_delivered(*, actor: Actor, wanted: Wanted) -> Iterator[bytes]:
    """Yield what ``hand_over`` recorded, again too when it was lost on its way.

    No transaction may be open. Raises as ``hand_over``.
    """
    version = _check(actor, wanted)
    refuse_stopped(version)
    return _write(actor, version, wanted)


def _check(actor: Actor, wanted: Wanted) -> DatasetVersion:
    """Return the version that is wanted, if it may be told of in this way to this actor."""
    versions = DatasetVersion.objects.select_related("dataset__project")
    version = get(versions, wanted.version_id)
    require(actor, "consent.view_datasetversion", version)
    if version.state != VersionState.FROZEN:
        raise WrongState(f"the version is {version.get_state_display()}, wanted a frozen one")
    if wanted.with_items and wanted.form is not ExportForm.CROISSANT:
        raise TermsRefused("only Croissant tells of single items")
    if wanted.with_people and not wanted.with_items:
        raise TermsRefused("people are told of item by item only: ask for items too")
    if wanted.with_items:
        require(actor, "consent.view_item", version)
    if wanted.with_people:
        require(actor, "consent.view_subject")
    return version


def _write(actor: Actor, version: DatasetVersion, wanted: Wanted) -> Iterator[bytes]:
    traced = told.trace(version, _projects(actor))
    if wanted.form is ExportForm.CROISSANT:
        return _write_croissant(actor, version, traced, wanted)
    if wanted.form is ExportForm.OPENLINEAGE:
        return told.write_events(version, traced)
    write = prov_writer.write_json if wanted.form is ExportForm.PROV else prov_writer.write_n
    return iter([write(traced.nodes, traced.links)])


def prove_item(
    *, actor: Actor, version_id: UUID, item_id: UUID, with_opening: bool = False
) -> Membership:
    """Prove that one item is in a frozen version, without telling of any other.

    With its opening the proof says of what: that is on the record before it is opened. Raises
    NotPermitted, Unknown, WrongState for a version that is not frozen.
    """
    version = get(DatasetVersion.objects.select_related("dataset__project"), version_id)
    require(actor, "consent.view_datasetversion", version)
    if version.digest is None:
        raise WrongState(f"the version is {version.get_state_display()}, wanted a frozen one")
    item = get(version.items.filter(aside=""), item_id)
    opening = b""
    if with_opening:
        require(actor, "consent.view_item", version)
        reason = DisclosureReason.REPORT
        for _, said in open_sealed(reader=actor, reason=reason, column="opening", rows=[item]):
            opening = said
    first = Func(F("commitments"), 1, 32, function="substring", output_field=BinaryField())
    pages = version.pages.annotate(first=first).filter(first__lte=item.commitment)
    page = pages.order_by("-ordinal")[0]
    index = page.ordinal * PAGE + split(page.commitments).index(item.commitment)
    roots = list(version.pages.order_by("ordinal").values_list("root", flat=True))
    path = membership_path(Page(page.commitments, page.root), roots, index, version.member_count)
    size, digest = version.member_count, version.digest
    return Membership(item.commitment, index, size, tuple(path), digest, opening)


def _write_croissant(
    actor: Actor, version: DatasetVersion, traced: Lineage, wanted: Wanted
) -> Iterator[bytes]:
    described = told.describe(version, traced)
    if not wanted.with_items:
        return croissant_writer.stream(described, sets=told.item_sets(version))
    return croissant_writer.stream(
        described, _describe_items(actor, version, with_people=wanted.with_people)
    )


def _describe_items(
    actor: Actor, version: DatasetVersion, *, with_people: bool
) -> Iterator[DescribedItem]:
    """Yield the items in the order of their commitments, which tells nothing of them."""
    ordinal = 0
    items = version.items.filter(aside="").order_by("commitment").iterator(chunk_size=2_000)
    for some in _batches(items):
        opened = _open(actor, some)
        people = {person for member in opened for person in member.depicts} if with_people else ()
        handles = dict(Subject.objects.filter(pk__in=people).values_list("pk", "handle"))
        for member in opened:
            ordinal += 1
            yield told.describe_item(ordinal, member, handles)


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield as many items at once as one record can tell of."""
    batch: list[Item] = []
    groups: set[tuple[UUID, ...]] = set()
    for item in items:
        batch.append(item)
        groups.add(item.scope_ids())
        if len(batch) == _OPENED or len(groups) == _GROUPS:
            yield batch
            batch, groups = [], set()
    if batch:
        yield batch


def _open(actor: Actor, items: list[Item]) -> list[Member]:
    reason = DisclosureReason.REPORT
    rows = open_sealed(reader=actor, reason=reason, column="opening", rows=items)
    return [read_opening(opening)[0] for _, opening in rows]


def _projects(actor: Actor) -> set[UUID]:
    if isinstance(actor, Operator):
        return set(Project.objects.values_list("pk", flat=True))
    allowed = actor.projects_with("consent.view_datasetversion")
    return set(allowed.values_list("pk", flat=True))
