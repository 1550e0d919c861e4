"""Import data sets and lineages: one answer for each path, whatever lies there."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.text import slugify
from rich.console import Console
from rich.progress import Progress

from consent import services
from consent.errors import ConsentError
from consent.importers.paths import Importing
from consent.management.actors import find_actor
from consent.models import Dataset, Project
from consent.services.authority import Actor
from consent.services.projects import MAX_CODE
from consent.uses import Form
from ledger.errors import LedgerError

IMPORTS = "imports"
FORMATS = [form.value for form in Form if form not in {Form.VERSION, Form.ANONYMISED}]


class Command(BaseCommand):
    """Exit status 0 when each path got an answer, also where that is *unreadable*.

    What is read is vetted, and frozen unless that found something: then it stays a draft, and the
    reasons say so. With ``--unvetted`` nobody looks, and the record and every export say that.

    Without ``--actor`` the record says that the operator of this machine imported; without
    ``--dataset`` each path becomes a data set of the project *imports*, named after it.
    """

    help = (
        "Take in folders of pictures, tables and descriptions of data sets, and lineages; items "
        "are frozen as the next version of a data set."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--format", choices=FORMATS, required=True)
        parser.add_argument("--dataset", metavar="PROJECT/DATASET", help="which data set grows")
        parser.add_argument("--actor", metavar="ADDRESS", help="the account that imports")
        parser.add_argument(
            "--unvetted", metavar="REASON", default="", help="freeze without vetting, because …"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object for each path")

    def handle(
        self, *, paths: list[Path], dataset: str | None, actor: str | None, **options: Any
    ) -> None:
        try:
            who = find_actor(actor)
            console = Console(stderr=True)
            with Progress(console=console, disable=not console.is_terminal) as progress:
                files = progress.add_task("Files", total=len(paths))
                items = progress.add_task("Items", total=None)
                importing = Importing(
                    who,
                    lambda path: _find_dataset(dataset) if dataset else _own_dataset(who, path),
                    lambda count: progress.update(items, completed=count),
                    options["unvetted"],
                )
                for path in paths:
                    progress.advance(files)
                    answer = asdict(importing.read(Form(options["format"]), path))
                    said = {"path": str(path), **answer}
                    self.stdout.write(json.dumps(said) if options["json"] else _sentence(said))
        except (ConsentError, LedgerError) as error:
            raise CommandError(str(error)) from error


def _find_dataset(name: str) -> Dataset:
    project, _, code = name.partition("/")
    found = Dataset.objects.filter(project__code=project, code=code).first()
    if found is None:
        raise CommandError(f"there is no data set {name}, wanted PROJECT/DATASET")
    return found


def _own_dataset(actor: Actor, path: Path) -> Dataset:
    """Return the data set of the project *imports* that is named after the folder or file."""
    words = (
        slugify(path.resolve().stem if path.is_file() else path.resolve().name)
        .replace("_", "-")
        .split("-")
    )
    code = "-".join(filter(None, words))[:MAX_CODE].strip("-") or "folder"
    known = Dataset.objects.filter(project__code=IMPORTS, code=code).first()
    if known is not None:
        return known
    project = Project.objects.filter(code=IMPORTS).first()
    project = project or services.open_project(actor=actor, code=IMPORTS)
    return services.open_dataset(actor=actor, project_id=project.pk, code=code)


def _sentence(answer: dict[str, Any]) -> str:
    counts = f"{answer['items']} items, {answer['quarantined']} quarantined"
    return "\n  ".join([f"{answer['path']}: {answer['status']}, {counts}", *answer["reasons"]])
