"""What must not grow with the log: the memory of a verification, the time of a proof."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
from django.conf import settings
from django.db import transaction

from bench.acts import drafts
from bench.installation import ROOT
from bench.lines import Line, in_turn, line, quantile, seconds
from bench.storm import SequencerProcess
from ledger.models import Leaf, Log
from ledger.proofs import prove_record
from ledger.services import append_many, open_log
from ledger.signing import create_log_keys

SMALL, MIDDLE, LARGE = 10_000, 100_000, 1_000_000
_AT_ONCE = 100_000
_PROOFS = 500
_LOOK_SECONDS = 0.02


def million_leaves() -> Iterator[Line]:
    """Memory of a verification and time of a proof, each at two sizes of log."""
    sequencer = SequencerProcess({})
    sequencer.start()
    try:
        logs = {size: _fill(size, sequencer) for size in (SMALL, MIDDLE, LARGE)}
    finally:
        sequencer.kill()
    large, middle = in_turn(partial(_memory, logs[LARGE]), partial(_memory, logs[MIDDLE]), rounds=3)
    of = f"the same at {MIDDLE} leaves"
    yield line("verify_memory", "MiB", large, middle, of=of, must="<= 1.1", aim="<= 1.0")
    slow, quick = in_turn(
        partial(_proof_p99, logs[LARGE]), partial(_proof_p99, logs[SMALL]), rounds=5
    )
    of = f"the same at {SMALL} leaves"
    yield line("proof_latency", "s", slow, quick, of=of, must="<= 2.0", aim="<= 1.2")


def _fill(size: int, sequencer: SequencerProcess) -> Log:
    """Open a log and fill it up to ``size`` leaves."""
    name = f"of-{size}"
    create_log_keys(f"{settings.MUNIMENT_ORIGIN}/{name}")
    log = open_log(name)
    leaves = Leaf.objects.filter(incarnation__log=log)
    for begin in range(0, size, _AT_ONCE):
        number = min(_AT_ONCE, size - begin)
        with transaction.atomic():
            append_many(drafts(number), log=name)
        last = leaves.filter(index=begin + number)
        sequencer.wait_until(last.exists)
    return log


def _memory(log: Log) -> float:
    """Return the peak MiB of ``verify_log`` and those of its workers that live at one time."""
    command = [sys.executable, str(ROOT / "manage.py"), "verify_log", "--log", log.name]
    verification = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603
    process = psutil.Process(verification.pid)
    peak = 0
    while verification.poll() is None:
        living = (process, *_children(process))
        peak = max(peak, sum(high_water(one.pid) for one in living))
        time.sleep(_LOOK_SECONDS)
    assert verification.returncode == 0, f"log {log.name} is not sound"
    return peak / 1024


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def high_water(pid: int) -> int:
    """Return the peak KiB that a process held so far; 0 when it is gone."""
    try:
        with Path(f"/proc/{pid}/status").open() as status:
            found = [line.split()[1] for line in status if line.startswith("VmHWM")]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(found[0]) if found else 0


def _proof_p99(log: Log) -> float:
    size = Leaf.objects.filter(incarnation__log=log).count()
    indexes = [random.randrange(size) for _ in range(_PROOFS)]  # noqa: S311
    chosen = Leaf.objects.filter(incarnation__log=log, index__in=indexes)
    uuids = list(chosen.values_list("record__uuid", flat=True))
    return quantile([seconds(partial(prove_record, uuid)) for uuid in uuids], 0.99)
