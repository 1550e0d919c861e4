"""All measurements, in the order in which they run."""

from collections.abc import Callable, Iterator

from bench.bulk import append_bulk, bytes_per_record
from bench.deciding import decide_hot
from bench.delay import publish_delay
from bench.impact import impact_million
from bench.importing import import_memory, import_parquet, vet_million
from bench.large import million_leaves
from bench.lines import Line
from bench.single import append_concurrent, append_interactive, sequence_under_kills
from bench.verifying import verify, verify_people

Measure = Callable[[], Iterator[Line]]

MEASURES: tuple[Measure, ...] = (
    sequence_under_kills,
    append_interactive,
    append_concurrent,
    publish_delay,
    bytes_per_record,
    append_bulk,
    decide_hot,
    import_parquet,
    verify,
    verify_people,
)
FULL: tuple[Measure, ...] = (million_leaves, impact_million, import_memory, vet_million)
