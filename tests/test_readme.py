"""Every command and example of the README does what it says there."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import supervise
from tests.told import BIN, ROOT, Told, run

README = (ROOT / "README.md").read_text()


def blocks(*languages: str) -> list[str]:
    """Return the fenced blocks of the README that are written in one of ``languages``."""
    fenced = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [content for language, content in fenced if language in languages]


def commands() -> list[str]:
    """Return every command of the README: of ``console`` blocks the lines behind a prompt."""
    found = [line for block in blocks("sh", "bash", "shell") for line in block.splitlines()]
    prompted = [line for block in blocks("console") for line in block.splitlines()]
    found += [line[2:] for line in prompted if line.startswith("$ ")]
    return [line.strip() for line in found if line.strip() and not line.startswith("#")]


# How each command is held to its word -------------------------------------------------------------

Check = Callable[[Told, str], None]


def runs(*programs: str) -> Check:
    """A make target starts the programs that tests start: no test installs the project anew."""

    def check(told: Told, command: str) -> None:
        recipe = dry_run(command)
        for program in programs:
            assert program in recipe, f"{command} no longer runs {program}: {recipe}"

    return check


def dry_run(command: str) -> str:
    """Return what a make target would run, with everything installed already."""
    # Without the variables by which an outer make would speak to this one.
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    planned = subprocess.run(
        [*shlex.split(command), "--dry-run", "--old-file=.venv/installed"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return planned.stdout


def succeeds(told: Told, command: str) -> None:
    ended = on_the_demo(told, command)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def verifies(told: Told, command: str) -> None:
    succeeds(told, command)
    authenticated = on_the_demo(told, command).stdout.startswith("AUTHENTICATED ")
    assert authenticated == ("--policy" in command)


def on_the_demo(told: Told, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command with this environment's programs on what the demo left."""
    places = {".venv/bin/": f"{BIN}/", "var/demo/": f"{told.out}/"}
    words = shlex.split(command)
    for written, real in places.items():
        words = [word.replace(written, real) for word in words]
    return run(*words, home=told.home)


VERIFY = ".venv/bin/muniment-verify var/demo/report.zip"
TABLE: dict[str, Check] = {
    # tests/told.py runs the demo, tests/config/test_supervise.py the service.
    "make demo": runs("-m config.demo"),
    "make run": runs("-m config.supervise --story"),
    "make test": runs("ruff format --check", "ruff check", "mypy", "pytest"),
    "make bench": runs("bench"),
    VERIFY: verifies,
    f"{VERIFY} --policy var/demo/policy": verifies,
    ".venv/bin/python manage.py verify_log": succeeds,
    ".venv/bin/python manage.py doctor": succeeds,
}


@pytest.mark.parametrize("command", commands())
def test_every_command_of_the_readme_is_in_the_table(command: str) -> None:
    assert command in TABLE, (
        f"the README says `{command}`, and no test runs it: say in TABLE of tests/test_readme.py "
        "how it is run"
    )


@pytest.mark.slow
@pytest.mark.parametrize("command", [command for command in commands() if command in TABLE])
def test_every_command_of_the_readme_does_what_it_says(command: str, told: Told) -> None:
    TABLE[command](told, command)


def test_the_two_commands_come_first() -> None:
    assert commands()[:2] == ["make demo", "make test"]


def test_every_make_target_of_the_readme_is_explained_by_make_itself() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    targets = [command for command in commands() if command.startswith("make ")]
    assert targets
    assert all(f"{target} " in listed.stdout for target in targets)


def test_every_link_and_picture_of_the_readme_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert not missing


# The example --------------------------------------------------------------------------------------

CREDENTIALS = """\
import django
django.setup()
from consent.models import Account, Project
from consent.services import issue_credentials
from consent.roles import AccountKind
client = Account.objects.get(kind=AccountKind.CLIENT)
administrator = Account.objects.find_by_email("ada@people.example")
issued = issue_credentials(actor=administrator, account_id=client.pk)
print(issued.client_id, issued.client_secret, Project.objects.get().pk)
"""


@pytest.fixture(scope="module")
def address(told: Told) -> Iterator[str]:
    """A service that knows the demo's story."""
    with supervise.running(told.spare) as address:
        yield address


@pytest.fixture(scope="module")
def names(told: Told, address: str) -> dict[str, str]:
    """What the reader has asked a user administrator for."""
    ended = run(
        *(sys.executable, "-c", CREDENTIALS),
        home=told.spare,
        DJANGO_SETTINGS_MODULE="config.settings",
    )
    assert ended.returncode == 0, ended.stderr
    return dict(zip(("client_id", "client_secret", "project"), ended.stdout.split(), strict=True))


def test_the_example_has_at_most_ten_lines() -> None:
    (example,) = blocks("python")
    assert len([line for line in example.splitlines() if line.strip()]) <= 10


@pytest.mark.slow
def test_the_example_records_a_run_and_saves_a_marked_image(
    address: str, names: dict[str, str], tmp_path: Path
) -> None:
    (example,) = blocks("python")
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    program = given + example.replace("http://127.0.0.1:8000", address)
    ended = run(sys.executable, "-c", program, cwd=tmp_path, HF_HUB_OFFLINE="1")
    assert ended.returncode == 0, ended.stderr
    saved = [path for path in tmp_path.iterdir() if path.suffix == ".png"]
    assert len(saved) == 1
    assert b"trainedAlgorithmicMedia" in saved[0].read_bytes()
    assert b"caBX" in saved[0].read_bytes()
