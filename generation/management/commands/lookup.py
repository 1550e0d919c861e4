"""``manage.py lookup IMAGE…``: did this service make these images, and how is it known?"""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation.errors import ImageRefused
from generation.lookup import RUNG_WORDS, Answer, look_up


class Command(BaseCommand):
    """Print one answer per image; ends with an error only when an image cannot be read."""

    help = "Say of images whether this service made them, and which rung of the ladder answers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
        parser.add_argument("--json", action="store_true", help="one JSON object per image")

    def handle(self, *, images: list[Path], json: bool, **_: Any) -> None:
        unreadable = 0
        for path in images:
            try:
                answer = _describe(path, look_up(path.read_bytes()))
            except (ImageRefused, OSError) as error:
                answer = {"path": str(path), "answer": "unreadable", "reason": str(error)}
                unreadable += 1
            self.stdout.write(_as_json(answer) if json else _as_words(answer))
        if unreadable:
            raise CommandError(f"{unreadable} of {len(images)} files could not be read as images")


def _describe(path: Path, answer: Answer) -> dict[str, Any]:
    said: dict[str, Any] = {
        "path": str(path),
        "answer": answer.conclusion.value,
        "rung": RUNG_WORDS[answer.rung] if answer.rung else None,
        "mark": answer.mark,
    }
    if answer.output is not None:
        run = answer.output.run
        said |= {
            "output": str(answer.output.pk),
            "state": answer.output.state,
            "run": str(run.pk),
            "project": str(run.project),
            "model": str(run.model),
            "dataset_version": str(run.model.dataset_version or "") or None,
            "record": str(answer.output.record),
        }
    return said


def _as_json(said: dict[str, Any]) -> str:
    return json.dumps(said, sort_keys=True)


def _as_words(said: dict[str, Any]) -> str:
    lines = [f"{said['path']}: {said['answer']}"]
    lines += [
        f"  {name.replace('_', ' ')}: {value}"
        for name, value in said.items()
        if name not in ("path", "answer") and value is not None
    ]
    return "\n".join(lines)
