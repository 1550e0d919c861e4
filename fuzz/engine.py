"""Run one target under libFuzzer (atheris), in a process of its own with a ceiling on its memory.

Whoever calls has imported the target's modules inside ``instrumented``.
"""

import os
import re
import resource
import shutil
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import atheris

from fuzz.target import Target

MEGABYTE = 1 << 20
# One input may take so many seconds on a busy machine, and the process so much memory.
INPUT_SECONDS = 10
MEMORY_MEGABYTES = 1024
_PAGE = resource.getpagesize()


@dataclass(frozen=True)
class Outcome:
    """What a run of one target came to; ``find`` is the input that broke it, if any."""

    target: str
    runs: int
    per_second: int
    coverage: int
    peak_megabytes: int
    find: Path | None
    log: Path


def instrumented() -> AbstractContextManager[None]:
    """Return a context in which everything of ours that is imported reports its coverage."""
    atheris.enabled_hooks.add("str")
    made: AbstractContextManager[None] = atheris.instrument_imports(
        include=["consent.formats", "consent.signals", "ledger", "config.parsers"],
        enable_loader_override=False,
    )
    return made


def run(target: Target, folder: Path, *, seconds: int, runs: int = -1) -> Outcome:
    """Fuzz ``target`` for so many seconds or runs; corpus, log and finds stay in ``folder``."""
    seeds, corpus, finds = (folder / part / target.name for part in ("seeds", "corpus", "finds"))
    shutil.rmtree(seeds, ignore_errors=True)
    for part in (seeds, corpus, finds):
        part.mkdir(parents=True, exist_ok=True)
    for seed in [*target.seeds, *(path.read_bytes() for path in target.finds)]:
        (seeds / sha256(seed).hexdigest()[:16]).write_bytes(seed)
    log, before = folder / f"{target.name}.log", set(finds.iterdir())
    arguments = [
        sys.argv[0],
        str(corpus),
        str(seeds),
        f"-artifact_prefix={finds}/",
        f"-max_len={target.longest}",
        f"-max_total_time={seconds}",
        f"-runs={runs}",
        f"-rss_limit_mb={MEMORY_MEGABYTES}",
        f"-timeout={INPUT_SECONDS}",
        "-print_final_stats=1",
    ]
    status = _fork(target, arguments, log)
    new = sorted(set(finds.iterdir()) - before)
    return _outcome(target, status, log, new[0] if new else None)


def _fork(target: Target, arguments: list[str], log: Path) -> int:
    """Run libFuzzer, which ends its process itself, in a child; return how that ended."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with log.open("wb") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    # At once, where libFuzzer looks each second only.
    ceiling = _address_space() + MEMORY_MEGABYTES * MEGABYTE
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    atheris.Setup(arguments, target.examine)
    atheris.Fuzz()
    # It ends the process by itself, and writes the input that broke something at its exit.
    sys.exit("the fuzzer came back")


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE


def _outcome(target: Target, status: int, log: Path, find: Path | None) -> Outcome:
    said = log.read_text("utf-8", "replace")
    if status and find is None:
        raise RuntimeError(f"{target.name} ended with {status} and left no input: read {log}")
    return Outcome(
        target.name,
        _last(r"executed_units: (\d+)", said),
        _last(r"average_exec_per_sec: +(\d+)", said),
        _last(r" cov: (\d+)", said),
        _last(r"peak_rss_mb: +(\d+)", said),
        find,
        log,
    )


def _last(pattern: str, said: str) -> int:
    found = re.findall(pattern, said)
    return int(found[-1]) if found else 0
