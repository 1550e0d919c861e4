"""What every reader gives: one form for what other people's files say of data sets.

A *statement* is kept as it was made; what it is worth is said by doubts beside it. Nothing here
is trusted: a digest says what somebody claims, a licence what somebody writes.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol, overload, runtime_checkable

from consent.columnar import Columns
from consent.formats.doubts import Doubt

# JSON as it came.
Raw = Any
_JOINED = 8


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence as stated, and the SPDX identifier that we read in it, else empty."""

    stated: str = ""
    spdx: str = ""


UNLICENSED = Licence()


class Digest(NamedTuple):
    """A digest of content as stated: algorithm as in ``sha256``, value in lower-case hex."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who made or answers for something; ``kind`` as the format has it."""

    name: str
    identifier: str = ""
    kind: str = ""


class UsageKind(StrEnum):
    """In what language terms of use are stated."""

    ODRL = "odrl"
    DUO = "duo"
    TERM = "term"
    TEXT = "text"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Usage:
    """Terms of use: their language, and what stands there, unchanged."""

    kind: UsageKind
    raw: Raw


class NodeKind(StrEnum):
    """What a node of a lineage is."""

    DATASET = "dataset"
    MODEL = "model"
    FILE = "file"
    ENTITY = "entity"
    JOB = "job"
    RUN = "run"
    ACTIVITY = "activity"
    AGENT = "agent"


class Ref(NamedTuple):
    """A node by what the format calls it, and the version that is named; both may be empty.

    The empty reference is the data set that the description is of. ``kind`` is given where things
    of two kinds may have the same name in a format.
    """

    identifier: str = ""
    version: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Node:
    """A thing in a lineage. Times are as stated; ``attributes`` is what else is said of it."""

    kind: NodeKind
    ref: Ref
    name: str = ""
    state: str = ""
    started: str = ""
    ended: str = ""
    digest: Digest | None = None
    attributes: Mapping[str, Raw] = field(default_factory=dict)


class Relation(StrEnum):
    """How two nodes are tied, in the words of PROV-DM; the last two are ours."""

    USED = "used"
    GENERATED_BY = "wasGeneratedBy"
    DERIVED_FROM = "wasDerivedFrom"
    ATTRIBUTED_TO = "wasAttributedTo"
    ASSOCIATED_WITH = "wasAssociatedWith"
    ACTED_FOR = "actedOnBehalfOf"
    INFORMED_BY = "wasInformedBy"
    STARTED_BY = "wasStartedBy"
    ENDED_BY = "wasEndedBy"
    INVALIDATED_BY = "wasInvalidatedBy"
    INFLUENCED_BY = "wasInfluencedBy"
    SPECIALISES = "specializationOf"
    ALTERNATE_OF = "alternateOf"
    HAD_MEMBER = "hadMember"
    PART_OF = "partOf"
    RENAMED_FROM = "renamedFrom"


@dataclass(frozen=True)
class Link:
    """``source`` *relation* ``target``, as in: a version *wasDerivedFrom* another."""

    relation: Relation
    source: Ref
    target: Ref
    at: str = ""
    attributes: Mapping[str, Raw] = field(default_factory=dict)


@dataclass(frozen=True)
class Description:
    """What is said of a data set as a whole; what is absent is empty.

    ``rai`` has the properties of Croissant RAI 1.0 by their bare names, ``further`` what the
    format knows beyond this form, ``unknown`` what it does not know; both by the names met.
    """

    name: str = ""
    version: str = ""
    identifier: str = ""
    about: str = ""
    url: str = ""
    published: str = ""
    metadata_version: str = ""
    licence: Licence = UNLICENSED
    creators: tuple[Party, ...] = ()
    usage: tuple[Usage, ...] = ()
    rai: Mapping[str, Raw] = field(default_factory=dict)
    nodes: tuple[Node, ...] = ()
    links: tuple[Link, ...] = ()
    further: Mapping[str, Raw] = field(default_factory=dict)
    unknown: Mapping[str, Raw] = field(default_factory=dict)


# Made by the million: a frozen dataclass takes four times as long.
class DescribedItem(NamedTuple):
    """What is said of one item; ``ordinal`` counts from 1 in the order of the description.

    ``size`` is in bytes, ``width`` and ``height`` in pixels. ``signals`` and ``flags`` (quality,
    labels) are pairs of a name and what was stated; ``unknown`` likewise.
    """

    ordinal: int
    location: str = ""
    digest: Digest | None = None
    perceptual_hash: str = ""
    size: int | None = None
    width: int | None = None
    height: int | None = None
    media_type: str = ""
    text: str = ""
    licence: Licence = UNLICENSED
    legal_basis: str = ""
    depicts: tuple[str, ...] = ()
    creators: tuple[str, ...] = ()
    signals: tuple[tuple[str, str], ...] = ()
    flags: tuple[tuple[str, str], ...] = ()
    unknown: tuple[tuple[str, Raw], ...] = ()
    doubts: tuple[Doubt, ...] = ()


class DescribedItems(Columns, Sequence[DescribedItem]):
    """Items in their order, held column by column.

    A table comes in columns and goes out in columns: of a million items in which nothing is
    doubtful none has to be made.
    """

    fields = DescribedItem._fields

    @classmethod
    def join(cls, blocks: Sequence["DescribedItems"]) -> "DescribedItems":
        """Return the items of several, one behind the other."""
        if len(blocks) == 1:
            return blocks[0]
        columns = zip(*(block.columns for block in blocks), strict=True)
        return cls([list(chain.from_iterable(parts)) for parts in columns])

    def behind(self, ordinal: int) -> "DescribedItems":
        """Return those whose ordinal is greater."""
        at = bisect_right(self.column("ordinal"), ordinal)
        return self.part(slice(at, None)) if at else self

    def __iter__(self) -> Iterator[DescribedItem]:
        return map(DescribedItem._make, zip(*self.columns, strict=True))

    @overload
    def __getitem__(self, at: int) -> DescribedItem: ...
    @overload
    def __getitem__(self, at: slice) -> "DescribedItems": ...
    def __getitem__(self, at: int | slice) -> "DescribedItem | DescribedItems":
        if isinstance(at, slice):
            return self.part(at)
        return DescribedItem._make(column[at] for column in self.columns)


@runtime_checkable
class InColumns(Protocol):
    """Items that are read column by column, some at a time."""

    def blocks(self) -> Iterator[DescribedItems]: ...


@dataclass(frozen=True)
class Reading:
    """What a reader gives. ``items`` may be walked more than once, and may be a stream.

    Walking it can raise DescriptionRefused where the bytes break off. ``digest`` is the SHA-256
    in hex by which the same statement is known again, ``columns`` what those of a table mean.
    """

    form: str
    form_version: str
    digest: str
    description: Description
    items: Iterable[DescribedItem] = ()
    doubts: tuple[Doubt, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)

    def blocks(self, size: int) -> Iterator[DescribedItems]:
        """Yield the items some at a time, at most ``size`` of them."""
        for some in self._blocks(size):
            for at in range(0, len(some), size):
                yield some[at : at + size]

    def _blocks(self, size: int) -> Iterator[DescribedItems]:
        if not isinstance(self.items, InColumns):
            rest = iter(self.items)
            while some := list(islice(rest, size)):
                yield DescribedItems.of(some)
            return
        # What is read a few at a time is put together, since each block costs a transaction; but
        # few may be so because they are large.
        waiting: list[DescribedItems] = []
        for block in self.items.blocks():
            waiting.append(block)
            if sum(map(len, waiting)) > size // 2 or len(waiting) == _JOINED:
                yield DescribedItems.join(waiting)
                waiting = []
        if waiting:
            yield DescribedItems.join(waiting)
