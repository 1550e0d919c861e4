"""Processes that outlive their supervisor: each is on record, and the next start ends it.

``python -m config.processes FOLDER NAME SIGNAL COMMAND…`` puts itself on record and then becomes
the command. A process is known by its id together with its start, since ids are used again.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

_PATIENCE_SECONDS = 15


@dataclass(frozen=True)
class Process:
    """One process on record: ``started`` in clock ticks after the boot named by ``boot``."""

    pid: int
    started: int
    boot: str
    stop_signal: int

    def is_alive(self) -> bool:
        return self.boot == _boot() and _started(self.pid) == self.started


def enrol(folder: Path, name: str, stop_signal: int) -> None:
    """Put this process on record under ``name``; a later ``exec`` changes nothing about it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    started = _started(os.getpid())
    assert started is not None
    record = Process(os.getpid(), started, _boot(), stop_signal)
    aside = folder / f".{name}.{os.getpid()}"
    aside.write_text(json.dumps(asdict(record)))
    aside.rename(folder / f"{name}.json")


def find(folder: Path, name: str) -> Process | None:
    """Return the live process on record under ``name``."""
    try:
        process = Process(**json.loads((folder / f"{name}.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return process if process.is_alive() else None


def end_orphans(folder: Path, names: Iterable[str]) -> list[str]:
    """End what is still alive of ``names``, one after the other; returns the names of those.

    The caller has made sure that their supervisor is gone.
    """
    ended = []
    for name in names:
        if process := find(folder, name):
            _end(process)
            ended.append(name)
    return ended


def _end(process: Process) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with suppress(ProcessLookupError):
        os.kill(process.pid, process.stop_signal)
        while process.is_alive():
            if time.monotonic() > deadline:
                os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.05)


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _started(pid: int) -> int | None:
    """Return the start of a running process; None for one that is gone or only waits to be read.

    proc_pid_stat(5): field 3 is the state, field 22 the start. Field 2 may hold anything, so
    fields are counted from the last parenthesis.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


if __name__ == "__main__":
    enrol(Path(sys.argv[1]), sys.argv[2], signal.Signals[f"SIG{sys.argv[3]}"])
    os.execvp(sys.argv[4], sys.argv[4:])  # noqa: S606
