"""The coverage-guided fuzzer itself: it runs every target, and finds what is broken."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed")


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_a_little_fuzzing_finds_nothing_in_any_target(tmp_path: Path) -> None:
    ended = start("fuzz", "--seconds", "1", "--runs", "100", "--folder", str(tmp_path))
    assert ended.returncode == 0, ended.stdout + ended.stderr[-2000:]
    lines = [line.split() for line in ended.stdout.splitlines()[1:]]
    assert [name for name, *_ in lines] == list(TARGETS)
    # At least its seeds were read.
    assert [name for name, runs, *_ in lines if int(runs.replace(",", "")) < 2] == []


@pytest.mark.parametrize("name", ["raises", "remembers", "dawdles"])
def test_reader_that_is_broken_is_found_and_its_input_left(tmp_path: Path, name: str) -> None:
    ended = start("tests.fuzz.broken", str(tmp_path), name)
    has_run, find = ended.stdout.split()
    assert has_run == "True", ended.stderr
    path = Path(find)
    assert path.parent == tmp_path / "finds" / name
    assert path.read_bytes().startswith(b"m")


def test_reader_that_is_sound_leaves_nothing(tmp_path: Path) -> None:
    assert start("tests.fuzz.broken", str(tmp_path), "sound").stdout == "True None\n"


def test_one_input_can_be_repeated_and_an_unknown_target_is_named(tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(TARGETS["tile-path"].seeds[0])
    folder, repeat = ("--folder", str(tmp_path)), ("--repeat", str(tmp_path / "input"))
    assert "reads" in start("fuzz", "tile-path", *folder, *repeat).stdout
    assert "name the one target" in start("fuzz", *folder, *repeat).stderr
    assert "no target is called x; there are note," in start("fuzz", "x", *folder, *repeat).stderr
