import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", ["verify_log", "doctor"])
def test_command_where_no_service_is_says_so_and_makes_none(tmp_path: Path, command: str) -> None:
    empty = tmp_path / "empty"
    environment = {name: value for name, value in os.environ.items() if "MUNIMENT" not in name}
    ended = subprocess.run(
        [sys.executable, ROOT / "manage.py", command],
        env={**environment, "MUNIMENT_HOME": str(empty)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert f"there is no service in {empty} yet: start one with make run" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not empty.exists()
