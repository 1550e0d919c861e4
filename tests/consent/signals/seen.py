"""Observations to try the parsers on, and what they come to, in short."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from consent.signals.finding import Finding, Item, Observation, Reach, Source
from consent.signals.reading import read
from consent.uses import Use

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
URL = "https://pictures.example/a/b.jpg"
ITEM = Item(URL, ("GPTBot", "CCBot"))
MINING = {Use.TRAIN, Use.FINE_TUNE, Use.EVALUATE}


def seen(
    source: Source,
    raw: bytes | str = b"",
    *,
    place: str = URL,
    at: datetime = NOON,
    reach: Reach = Reach.FOUND,
    media_type: str = "",
    id: UUID | None = None,  # noqa: A002
) -> Observation:
    data = raw.encode() if isinstance(raw, str) else raw
    return Observation(id or uuid4(), source, place, at, data, reach, media_type)


def told(source: Source, raw: bytes | str, item: Item = ITEM, **changes: str) -> list[str]:
    """Return ``signal standing code`` of each finding."""
    return [brief(found) for found in read(seen(source, raw, **changes), item)]  # type: ignore[arg-type]


def brief(found: Finding) -> str:
    return f"{found.signal} {found.standing} {found.code}"
