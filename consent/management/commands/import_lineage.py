"""Import data sets: one answer for each path, whatever lies there."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.text import slugify
from rich.console import Console
from rich.progress import track

from consent import services
from consent.errors import ConsentError, DescriptionRefused, NothingToFreeze, PictureRefused
from consent.formats import folder as croissant
from consent.importers.folder import Folder
from consent.intake import Refused
from consent.models import Account, Dataset, Project
from consent.services.authority import OPERATOR, Actor
from consent.services.projects import MAX_CODE
from ledger.errors import LedgerError

IMPORTS = "imports"


class Command(BaseCommand):
    """Exit status 0 when each path got an answer, also where that is *unreadable*.

    Without ``--actor`` the record says that the operator of this machine imported; without
    ``--dataset`` each path becomes a data set of the project *imports*, named after it.
    """

    help = "Freeze versions of data sets from folders of pictures with a Croissant description."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--format", choices=("croissant", "folder"), required=True)
        parser.add_argument("--dataset", metavar="PROJECT/DATASET", help="which data set grows")
        parser.add_argument("--actor", metavar="ADDRESS", help="the account that imports")
        parser.add_argument("--json", action="store_true", help="one JSON object for each path")

    def handle(
        self, *, paths: list[Path], dataset: str | None, actor: str | None, **options: Any
    ) -> None:
        try:
            account = _find_account(actor)
            console = Console(stderr=True)
            shown = track(paths, "Importing", console=console, disable=not console.is_terminal)
            for path in shown:
                answer = {"path": str(path), **_import(account, dataset, path)}
                self.stdout.write(json.dumps(answer) if options["json"] else _sentence(answer))
        except (ConsentError, LedgerError) as error:
            raise CommandError(str(error)) from error


def _find_account(address: str | None) -> Actor:
    if address is None:
        return OPERATOR
    account = Account.objects.find_by_email(address)
    if account is None:
        raise CommandError("no account has that e-mail address")
    return account


def _import(actor: Actor, dataset: str | None, path: Path) -> dict[str, Any]:
    """Return what became of one path: a folder, or the description that lies in one."""
    source = Folder(path) if path.is_dir() else Folder(path.parent, path.name)
    try:
        # Read before anything is opened for it: what is no description leaves no trace.
        croissant.read(source.description())
        where = _find_dataset(dataset) if dataset else _own_dataset(actor, source.path)
        frozen = services.freeze_folder(actor=actor, dataset_id=where.pk, source=source)
    except NothingToFreeze as error:
        return _answer("quarantined", 0, error.refused)
    except (DescriptionRefused, PictureRefused) as error:
        return _answer("unreadable", 0, (), str(error))
    return _answer("imported", frozen.version.items.count(), frozen.refused)


def _find_dataset(name: str) -> Dataset:
    project, _, code = name.partition("/")
    found = Dataset.objects.filter(project__code=project, code=code).first()
    if found is None:
        raise CommandError(f"there is no data set {name}, wanted PROJECT/DATASET")
    return found


def _own_dataset(actor: Actor, folder: Path) -> Dataset:
    """Return the data set of the project *imports* that is named after the folder."""
    words = slugify(folder.resolve().name).replace("_", "-").split("-")
    code = "-".join(filter(None, words))[:MAX_CODE].strip("-") or "folder"
    known = Dataset.objects.filter(project__code=IMPORTS, code=code).first()
    if known is not None:
        return known
    project = Project.objects.filter(code=IMPORTS).first()
    project = project or services.open_project(actor=actor, code=IMPORTS)
    return services.open_dataset(actor=actor, project_id=project.pk, code=code)


def _answer(status: str, items: int, refused: Sequence[Refused], *reasons: str) -> dict[str, Any]:
    return {
        "status": status,
        "items": items,
        "quarantined": len(refused),
        "reasons": [*reasons, *(f"{one.path}: {one.fault}" for one in refused)],
    }


def _sentence(answer: dict[str, Any]) -> str:
    counts = f"{answer['items']} items, {answer['quarantined']} quarantined"
    return "\n  ".join([f"{answer['path']}: {answer['status']}, {counts}", *answer["reasons"]])
