"""One answer for each path that is imported, whatever lies there."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from consent import services
from consent.errors import (
    DescriptionRefused,
    GateClosed,
    NothingToFreeze,
    PictureRefused,
    WrongState,
)
from consent.formats import croissant, openlineage
from consent.formats.doubts import NOTES, DoubtCode
from consent.importers.folder import Folder
from consent.models import Dataset, DatasetVersion, Intake, IntakeState, Project, VersionState
from consent.services import Arrival
from consent.services.authority import Actor
from consent.uses import Form

LISTED = 100
Find = Callable[[Path], Dataset]
Tell = Callable[[int], None]


@dataclass(frozen=True)
class Answer:
    """What became of one path: ``imported``, ``quarantined`` or ``unreadable``; how many items
    are in, how many are kept for repair, and what stands against them."""

    status: str
    items: int = 0
    quarantined: int = 0
    reasons: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Importing:
    """Who imports, and where items go: ``find_dataset`` gives the data set of a path.

    Each version is vetted before it is frozen, unless ``unvetted`` says why not.
    """

    actor: Actor
    find_dataset: Find
    tell: Tell
    unvetted: str = ""

    def read(self, form: Form, path: Path) -> Answer:
        """Import one path. Raises what the services refuse to anybody: NotPermitted and such."""
        try:
            if form is Form.FOLDER or (form is Form.CROISSANT and _has_files(path)):
                return self._folder(path)
            if form in {Form.CROISSANT, Form.MANIFEST}:
                return self._items(form, path)
            if form is Form.OPENLINEAGE:
                return self._events(path)
            return self._lineage(form, path)
        except (DescriptionRefused, PictureRefused) as error:
            return Answer("unreadable", reasons=(str(error),))
        except OSError:
            return Answer("unreadable", reasons=("there is no file that can be read",))

    def _folder(self, path: Path) -> Answer:
        source = Folder(path) if path.is_dir() else Folder(path.parent, path.name)
        # Read before anything is opened for it: what is no description leaves no trace.
        croissant.read(source.description())
        dataset = self.find_dataset(source.path)
        try:
            taken = services.take_folder(actor=self.actor, dataset_id=dataset.pk, source=source)
        except NothingToFreeze as error:
            reasons = [f"{one.path}: {one.fault}" for one in error.refused]
            return Answer("quarantined", 0, len(reasons), tuple(reasons))
        reasons = [f"{one.path}: {one.fault}" for one in taken.refused]
        items = taken.version.items.count()
        open_ones = self._freeze(taken.version)
        return Answer("imported", items, len(reasons), (*reasons, *open_ones))

    def _freeze(self, version: DatasetVersion) -> tuple[str, ...]:
        """Vet a draft and freeze it; where something stands against that it stays a draft, and
        what that is is returned."""
        if version.state == VersionState.FROZEN:
            return ()
        said: dict[str, Any] = {"actor": self.actor, "version_id": version.pk}
        try:
            if self.unvetted:
                services.waive_vetting(**said, reason=self.unvetted)
            else:
                services.vet_here(**said)
            services.freeze_version(**said)
        except (GateClosed, NothingToFreeze, WrongState) as error:
            return (f"not frozen: {error}",)
        return ()

    def _items(self, form: Form, path: Path) -> Answer:
        """Read items into a draft, and freeze it unless nothing came in."""
        with path.open("rb") as content:
            dataset = self.find_dataset(path)
            version = services.open_version(actor=self.actor, dataset_id=dataset.pk)
            arrival = Arrival(form, version_id=version.pk)
            intake = services.take_in(
                actor=self.actor, arrival=arrival, content=content, tell=self.tell
            )
        answer = _answer(intake)
        if not intake.item_count or intake.state != IntakeState.READ:
            services.abandon_version(actor=self.actor, version_id=version.pk)
            return answer
        return replace(answer, reasons=(*answer.reasons, *self._freeze(version)))

    def _lineage(self, form: Form, path: Path) -> Answer:
        with path.open("rb") as content:
            project = self.find_dataset(path).project
            arrival = Arrival(form, project_id=project.pk)
            intake = services.take_in(actor=self.actor, arrival=arrival, content=content)
        return _answer(intake)

    def _events(self, path: Path) -> Answer:
        project: Project = self.find_dataset(path).project
        told, doubted, reasons = 0, 0, list[str]()
        with path.open("rb") as content:
            for place, event in enumerate(openlineage.split(content), 1):
                doubts, is_told = self._event(project, event)
                told += is_told
                doubted += len(doubts)
                reasons += [f"event {place}: {one}" for one in doubts][: LISTED - len(reasons)]
        status = "imported" if told else "quarantined"
        return Answer(status, told, doubted, _shorten(reasons, doubted))

    def _event(self, project: Project, event: bytes) -> tuple[list[str], bool]:
        try:
            intake, _ = services.tell_event(actor=self.actor, project_id=project.pk, content=event)
        except DescriptionRefused as error:
            return [str(error)], False
        return _doubts(intake), True


def _has_files(path: Path) -> bool:
    """Return whether a description lies with the files that it names."""
    if path.is_dir():
        return True
    source = Folder(path.parent, path.name)
    names = [item.location for item in croissant.read(source.description()).items]
    return not names or any((path.parent / name).is_file() for name in names[:LISTED] if name)


def _answer(intake: Intake) -> Answer:
    if intake.state == IntakeState.UNREADABLE:
        return Answer("unreadable", reasons=(services.remarks(intake).trouble,))
    whole = _doubts(intake)
    if intake.version is None:
        told = intake.ties.count()
        return Answer("imported", told, len(whole), _shorten(whole, len(whole)))
    waiting = intake.quarantined.order_by("ordinal")
    count = waiting.count()
    single = [f"item {one.ordinal}: {', '.join(one.reasons)}" for one in waiting[:LISTED]]
    if count > LISTED:
        counts: Counter[str] = Counter()
        for reasons in waiting.values_list("reasons", flat=True).iterator():
            counts.update(reasons)
        single = [f"{reason}: {number} items" for reason, number in counts.most_common()]
    status = "imported" if intake.item_count else "quarantined"
    return Answer(status, intake.item_count, count, (*whole, *single))


def _doubts(intake: Intake) -> list[str]:
    """Return what is doubtful in the whole, without what is only worth knowing."""
    said = services.remarks(intake).doubts
    return [f"{code} {place}".strip() for code, place, _ in said if DoubtCode(code) not in NOTES]


def _shorten(reasons: Sequence[str], count: int) -> tuple[str, ...]:
    if count <= LISTED:
        return tuple(reasons)
    return (*reasons[:LISTED], f"and {count - LISTED} more")
