"""Fuzz every reader of outside bytes, one after the other, and print a table.

Ends with 1 when an input was found that breaks a reader, and leaves that input.
"""

import argparse
import os
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuzz.engine import Outcome
    from fuzz.target import Target

FOLDER = Path(__file__).parents[1] / "var" / "fuzz"
_ROW = "{:<14} {:>11} {:>9} {:>9} {:>9}  {}"


def main() -> int:
    """Return 0, 1 when something was found, 2 where the fuzzer is not installed."""
    asked = _parser().parse_args()
    os.environ |= {
        "MUNIMENT_HOME": str(asked.folder / "home"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    if asked.repeat:
        return _repeat(asked.targets, asked.repeat)
    try:
        from fuzz import engine
    except ImportError:
        sys.stderr.write("atheris is not installed: pip install -c constraints.txt -e '.[fuzz]'\n")
        return 2
    with engine.instrumented():
        targets = _targets(asked.targets)
    outcomes = []
    _say(_ROW.format("target", "runs", "a second", "coverage", "peak MiB", "outcome"))
    for target in targets:
        outcome = engine.run(target, asked.folder, seconds=asked.seconds, runs=asked.runs)
        outcomes.append(outcome)
        _say(_line(outcome))
    found = [outcome for outcome in outcomes if outcome.find]
    for outcome in found:
        _say(_advice(outcome))
    return 1 if found else 0


def _targets(names: Iterable[str]) -> list["Target"]:
    """Import all readers, and return the targets of these names, else all."""
    import_module("django").setup()
    known: dict[str, Target] = import_module("fuzz.targets").TARGETS
    if unknown := set(names) - known.keys():
        sys.exit(f"no target is called {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names] or list(known.values())


def _repeat(names: list[str], path: Path) -> int:
    """Let the one target read the input in ``path`` once, with the whole traceback."""
    if len(names) != 1:
        sys.exit("name the one target that is to read it")
    (target,) = _targets(names)
    target.examine(path.read_bytes())
    _say(f"{target.name} reads {path} as it should")
    return 0


def _line(outcome: "Outcome") -> str:
    counts = (outcome.runs, outcome.per_second, outcome.coverage, outcome.peak_megabytes)
    shown = [f"{count:,}" for count in counts]
    return _ROW.format(outcome.target, *shown, "found something" if outcome.find else "nothing")


def _advice(outcome: "Outcome") -> str:
    return (
        f"\n{outcome.target} broke on {outcome.find} ({outcome.log} tells how). Repeat it with\n"
        f"  {sys.executable} -m fuzz {outcome.target} --repeat {outcome.find}\n"
        f"and once it is mended keep the input in fuzz/finds/{outcome.target}/."
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="only these; else all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--runs", type=int, default=-1, help="end sooner, after so many inputs")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="what stays (var/fuzz)")
    parser.add_argument("--repeat", type=Path, metavar="FILE", help="read this one input")
    return parser


if __name__ == "__main__":
    sys.exit(main())
