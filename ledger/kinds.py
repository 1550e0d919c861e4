"""The kinds of records there are, and the typed schema of each kind's facts.

A kind is declared once, by the app that writes it, and is never renamed or reused once
released. Facts hold nothing personal and nothing that ties two events to one person: outcome
codes, counts and digests of public things. The field types below are all there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ledger.commitment import KIND_PATTERN
from ledger.errors import FactsRefused, UnknownKind

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
# The first of an event's records is part 1, and needs no number.
Part = Annotated[int, Field(ge=2, le=2**53 - 1)]


class Facts(BaseModel):
    """What a record says in the open: codes, counts and digests of public things."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class NoFacts(Facts):
    """For kinds whose bare occurrence is all that is said in the open."""


class Divisible(Facts):
    """Facts of a kind whose events may concern more people than one record has segments for.

    ``parts`` is how many records tell of the event, of which this is the first; absent when this
    is the only one. ``append_large`` sets it.
    """

    parts: Part | None = None


class Continued(Facts):
    """A further record of an event that one record does not hold: ``part``, from 2, of ``parts``.

    ``header`` is the digest of the first one's body, so that the parts of two events that lie
    between each other can be told apart.
    """

    header: Digest
    part: Part
    parts: Part


class Cut(Enum):
    """How finely a record's time is shown in the chain; the exact time lies in the segments."""

    MINUTE = "minute"
    HOUR = "hour"


@dataclass(frozen=True)
class Kind:
    """One kind of record: ``noun.past_participle``, its facts, and how its time is cut.

    ``is_open`` says that a program may append such records by itself, on nobody's word but its
    own. No kind is open that a service writes: a program could forge what the service decides.
    """

    name: str
    facts: type[Facts] = NoFacts
    cut: Cut = Cut.MINUTE
    is_open: bool = False

    @property
    def noun(self) -> str:
        """Return what the event is about, the first half of the name."""
        return self.name.partition(".")[0]

    @property
    def is_divisible(self) -> bool:
        """Return whether several records may tell of one event of this kind."""
        return issubclass(self.facts, Divisible)

    @property
    def is_further(self) -> bool:
        """Return whether this tells of an event that another record began."""
        return self.name.endswith(".continued")

    @property
    def continued(self) -> "Kind":
        """Return the kind of an event's further records; those of one noun share it."""
        return Kind(f"{self.noun}.continued", Continued, self.cut)

    def check(self, facts: Facts) -> dict[str, Any]:
        """Return ``facts`` as plain JSON values. Raises FactsRefused when the type is not ours."""
        if type(facts) is not self.facts:
            raise FactsRefused(
                f"facts of {self.name} are {type(facts).__name__}, wanted {self.facts.__name__}"
            )
        return facts.model_dump(mode="json", exclude_none=True)

    def parse_facts(self, values: dict[str, Any]) -> Facts:
        """Read facts from plain values. Raises FactsRefused naming each field that is off."""
        try:
            return self.facts.model_validate(values, strict=False)
        except ValidationError as error:
            # Only the field and the rule: the value met may be personal.
            faults = "; ".join(
                f"{'.'.join(map(str, fault['loc'])) or 'facts'}: {fault['type']}"
                for fault in error.errors(include_input=False, include_url=False)
            )
            raise FactsRefused(f"facts of {self.name} are refused: {faults}") from None


class KindRegistry:
    """All kinds that the installed apps declare, by name."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}

    def register(self, kind: Kind) -> Kind:
        """Declare ``kind``, and what continues it, and return it.

        Raises ValueError for a bad or a second declaration.
        """
        if not KIND_PATTERN.match(kind.name):
            raise ValueError(f"kind is {kind.name!r}, wanted noun.past_participle")
        if kind.name in self._kinds:
            raise ValueError(f"kind {kind.name} is declared twice")
        # Whoever reads a log without this registry knows the first record of an event by it.
        if "parts" in kind.facts.model_fields and not (kind.is_divisible or kind.is_further):
            raise ValueError(f"kind {kind.name} cannot be divided, but has a fact called parts")
        if kind.is_divisible:
            if kind.is_open:
                raise ValueError(f"kind {kind.name} is open: a program could claim parts")
            further = kind.continued
            if self._kinds.setdefault(further.name, further) != further:
                raise ValueError(f"kind {further.name} is declared otherwise than for {kind.name}")
        self._kinds[kind.name] = kind
        return kind

    def get(self, name: str) -> Kind:
        """Return the kind called ``name``. Raises UnknownKind."""
        try:
            return self._kinds[name]
        except KeyError:
            raise UnknownKind(f"no kind is called {name!r}") from None

    def __iter__(self) -> Iterator[Kind]:
        return iter(sorted(self._kinds.values(), key=lambda kind: kind.name))

    def json_schemas(self) -> dict[str, dict[str, Any]]:
        """Return the JSON Schema of every kind's facts, by kind."""
        return {kind.name: kind.facts.model_json_schema() for kind in self}


KINDS = KindRegistry()
