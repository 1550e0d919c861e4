"""Reader: did this service make that image? The first rung that holds answers, and is named.

No rung proves that an image was *not* made here, and no answer ever says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from generation import c2pa
from generation.digests import sha256
from generation.errors import MarkRefused
from generation.lookup_index import Rung, index_of
from generation.marking.intake import Limits, decode, sniff
from generation.marking.strip import strip_png
from generation.models import Output

LIMITS = Limits()
_COLUMNS: dict[Rung, str] = {
    "delivered": "delivered_index",
    "presigned": "presigned_index",
    "manifest": "manifest_index",
}
RUNG_WORDS: dict[Rung, str] = {
    "delivered": "exact bytes",
    "presigned": "pre-signature bytes",
    "manifest": "manifest id",
}


class Conclusion(StrEnum):
    """The three answers there are."""

    MADE_HERE = "made here"
    MARK_ONLY = "carries our mark, no further record"
    NONE = "no conclusion"


@dataclass(frozen=True)
class Answer:
    """What is known of one image. ``mark`` tells how its manifest reads, where it has one."""

    conclusion: Conclusion
    rung: Rung | None = None
    output: Output | None = None
    mark: str | None = None


def look_up(content: bytes) -> Answer:
    """Return what is known of an image file, a damaged one too.

    Raises ImageRefused for what is no image, and for one that is damaged and unknown.
    """
    media_type = sniff(content).media_type
    mark = _read_mark(content, media_type)
    for rung, text in _keys(content, media_type):
        # Several outputs may share pixels and encoding: the newest one stands for them.
        found = Output.objects.filter(**{_COLUMNS[rung]: index_of(rung, text)})
        output = found.select_related("run__model__dataset_version", "run__project").first()
        if output is not None:
            return Answer(Conclusion.MADE_HERE, rung, output, mark)
    decode(content, limits=LIMITS)
    return Answer(Conclusion.MARK_ONLY if mark == "trusted" else Conclusion.NONE, mark=mark)


def _keys(content: bytes, media_type: str) -> Iterator[tuple[Rung, str]]:
    yield "delivered", sha256(content).hex()
    yield "presigned", sha256(content).hex()
    stripped = strip_png(content)
    if stripped is not None:
        yield "presigned", sha256(stripped).hex()
    manifest_id = _find_manifest_id(content, media_type)
    if manifest_id is not None:
        yield "manifest", manifest_id


def _find_manifest_id(content: bytes, media_type: str) -> str | None:
    try:
        return c2pa.find_manifest_id(content, media_type)
    except MarkRefused:
        return None


def _read_mark(content: bytes, media_type: str) -> str | None:
    """Say how the image's own manifest reads, in words; None when it has none."""
    try:
        if not c2pa.carries_manifest(content, media_type):
            return None
        c2pa.read_back(content, media_type)
    except MarkRefused as refusal:
        return str(refusal)
    return "trusted"
