"""What it takes to import a table of a million items: how many a second, in how much memory."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from django.db import transaction

from bench.installation import HOME, ROOT
from bench.large import high_water
from bench.lines import Line, in_turn, line, seconds
from consent import services
from consent.models import Dataset, DatasetVersion, IntakeState
from consent.services import Arrival
from consent.services.authority import OPERATOR
from consent.uses import Form
from ledger import binary

UNVETTED = "A measurement of importing and freezing alone."
SMALL, LARGE = 100_000, 1_000_000
_TIMED = 50_000
_ROUNDS = 5
_ROW_GROUP = 20_000
_LICENCES = ("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0")
_COLUMNS = {"url": "text", "sha256": "text", "license": "text", "legal_basis": "text"}
_COLUMNS |= {"width": "int4", "height": "int4"}
_OF = "pyarrow reading and COPY of the same columns into a bare table"


def import_parquet() -> Iterator[Line]:
    """Read a Parquet manifest into a draft and freeze it, against reading and copying its columns.

    Each round imports into a version of its own.
    """
    path = write_manifest(_TIMED)
    dataset = _open_dataset()
    _import(path, dataset)
    made, bare = in_turn(
        lambda: _TIMED / seconds(partial(_import, path, dataset)),
        lambda: _TIMED / seconds(partial(_copy, path)),
        rounds=_ROUNDS,
    )
    yield line("import_parquet", "items/s", made, bare, of=_OF, must=">= 0.25")


def import_memory() -> Iterator[Line]:
    """Peak memory of importing and freezing, by the command, at two sizes."""
    _open_dataset()
    small, large = (_memory(write_manifest(size)) for size in (SMALL, LARGE))
    of = f"the same of {SMALL:,} items"
    yield line("import_memory", "MiB", [large], [small], of=of, must="<= 1.1")


def vet_million() -> Iterator[Line]:
    """Vet items whose files nobody holds: items a second, and peak memory, each at two sizes."""
    dataset = _open_dataset()
    speeds = []
    for size in (SMALL, LARGE):
        version = _draft(write_manifest(size), dataset, size)
        vet = partial(services.vet_here, actor=OPERATOR, version_id=version.pk)
        speeds.append(size / seconds(vet))
    of = f"the same of {SMALL:,} items"
    yield line("vet_speed", "items/s", speeds[1:], speeds[:1], of=of, must=">= 0.8")
    small, large = (_memory(write_manifest(size), vetted=True) for size in (SMALL, LARGE))
    yield line("vet_memory", "MiB", [large], [small], of=of, must="<= 1.25")


def write_manifest(size: int) -> Path:
    """Write a Parquet table of ``size`` items with no two alike; return where it lies."""
    path = HOME / f"manifest-{size}.parquet"
    writer = None
    for begin in range(0, size, _ROW_GROUP):
        numbers = range(begin, min(begin + _ROW_GROUP, size))
        table = pa.table(
            {
                "url": [f"https://pictures.example/{number:08}.jpg" for number in numbers],
                "sha256": [hashlib.sha256(b"%d" % number).hexdigest() for number in numbers],
                "license": [_LICENCES[number % 3] for number in numbers],
                "legal_basis": ["licence"] * len(numbers),
                "width": pa.array([512 + number % 512 for number in numbers], pa.int32()),
                "height": pa.array([512 + number % 300 for number in numbers], pa.int32()),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=_ROW_GROUP)
    assert writer is not None
    writer.close()
    return path


def _open_dataset() -> Dataset:
    if known := Dataset.objects.filter(code="bench").first():
        return known
    project = services.open_project(actor=OPERATOR, code="bench")
    return services.open_dataset(actor=OPERATOR, project_id=project.pk, code="bench")


def _import(path: Path, dataset: Dataset) -> None:
    version = _draft(path, dataset, _TIMED)
    services.waive_vetting(actor=OPERATOR, version_id=version.pk, reason=UNVETTED)
    services.freeze_version(actor=OPERATOR, version_id=version.pk)


def _draft(path: Path, dataset: Dataset, size: int) -> DatasetVersion:
    version = services.open_version(actor=OPERATOR, dataset_id=dataset.pk)
    with path.open("rb") as content:
        arrival = Arrival(Form.MANIFEST, version_id=version.pk)
        intake = services.take_in(actor=OPERATOR, arrival=arrival, content=content)
    assert (intake.state, intake.item_count) == (IntakeState.READ, size), intake.item_count
    return version


def _copy(path: Path) -> None:
    file = pq.ParquetFile(path)
    with transaction.atomic():
        for batch in file.iter_batches(batch_size=_ROW_GROUP):
            columns = [column.to_pylist() for column in batch.columns]
            binary.copy_in("bench_listed", _COLUMNS, zip(*columns, strict=True))


def _memory(path: Path, *, vetted: bool = False) -> float:
    """Return the peak MiB of importing ``path`` by the command, with or without vetting it."""
    command = [sys.executable, str(ROOT / "manage.py"), "import_lineage"]
    command += ["--format", "manifest", "--dataset", "bench/bench", "--json", str(path)]
    command += [] if vetted else ["--unvetted", UNVETTED]
    importing = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603
    peak = 0
    while importing.poll() is None and psutil.pid_exists(importing.pid):
        peak = max(peak, high_water(importing.pid))
        time.sleep(0.02)
    assert importing.stdout is not None
    answer = json.loads(importing.stdout.read())
    assert answer["status"] == "imported", answer
    return peak / 1024
