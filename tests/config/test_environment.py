import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import environment, secret
from tests.databases import ROOT


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("MUNIMENT_X", raising=False)
    return monkeypatch


def test_a_default_stands_in_for_what_is_not_set(given: pytest.MonkeyPatch) -> None:
    assert environment.text("MUNIMENT_X", "default") == "default"
    assert environment.flag("MUNIMENT_X", default=True) is True
    assert environment.integer("MUNIMENT_X", 7, least=1, most=9) == 7
    assert environment.words("MUNIMENT_X", "a, b,,c ") == ["a", "b", "c"]


def test_a_required_setting_is_asked_for_by_name(given: pytest.MonkeyPatch) -> None:
    with pytest.raises(environment.SettingError, match="MUNIMENT_X is not set: set it"):
        environment.text("MUNIMENT_X")


@pytest.mark.parametrize("value", ["yes", "2", "ON!"])
def test_a_switch_is_on_or_off(given: pytest.MonkeyPatch, value: str) -> None:
    given.setenv("MUNIMENT_X", value)
    with pytest.raises(
        environment.SettingError, match=f"MUNIMENT_X is '{value.lower()}'.*on or off"
    ):
        environment.flag("MUNIMENT_X", default=False)


@pytest.mark.parametrize("value", ["0", "10", "-1", "1.5", "٣", "9" * 5000])
def test_a_number_outside_its_bounds_is_refused(given: pytest.MonkeyPatch, value: str) -> None:
    given.setenv("MUNIMENT_X", value)
    with pytest.raises(environment.SettingError, match="a whole number from 1 to 9"):
        environment.integer("MUNIMENT_X", 5, least=1, most=9)


def test_a_choice_outside_the_list_is_refused(given: pytest.MonkeyPatch) -> None:
    given.setenv("MUNIMENT_X", "root")
    with pytest.raises(environment.SettingError, match="set it to one of app, auditor"):
        environment.choice("MUNIMENT_X", ("app", "auditor"), "app")


def test_a_file_is_no_folder(given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    given.setenv("MUNIMENT_X", str(tmp_path / "file"))
    with pytest.raises(environment.SettingError, match="set it to a folder"):
        environment.folder("MUNIMENT_X", tmp_path)


def test_the_session_secret_is_made_once(tmp_path: Path) -> None:
    made = secret.session_secret(tmp_path / "new", embedded=True)
    assert len(made) >= 50
    assert secret.session_secret(tmp_path / "new", embedded=True) == made
    assert (tmp_path / "new" / "session-secret").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("value", "complaint"), [("", "is not set"), ("short", "has 5 characters: give it 50")]
)
def test_production_needs_a_long_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str, complaint: str
) -> None:
    monkeypatch.setenv("MUNIMENT_SECRET_KEY", value)
    with pytest.raises(environment.SettingError, match=complaint):
        secret.session_secret(tmp_path, embedded=False)


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("MUNIMENT_ROLE", "root", "MUNIMENT_ROLE is 'root': set it to one of app"),
        ("DATABASE_URL", "sqlite:///x", "DATABASE_URL is no PostgreSQL address"),
        ("MUNIMENT_UPLOAD_BYTES", "much", "MUNIMENT_UPLOAD_BYTES is 'much'"),
    ],
)
def test_a_bad_setting_stops_a_command_with_one_sentence(
    tmp_path: Path, variable: str, value: str, complaint: str
) -> None:
    stopped = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "check"],
        env=os.environ | {"MUNIMENT_HOME": str(tmp_path), variable: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert stopped.returncode == 1
    assert complaint in stopped.stderr
    assert "Traceback" not in stopped.stderr


def test_storage_is_a_folder_or_a_bucket(given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plain = environment.storage("MUNIMENT_X", tmp_path)
    assert plain["OPTIONS"] == {"location": tmp_path, "file_permissions_mode": 0o600}
    given.setenv("MUNIMENT_X", "s3://some-bucket/here/below/")
    found = environment.storage("MUNIMENT_X", tmp_path)["OPTIONS"]
    assert isinstance(found, dict)
    assert (found["bucket_name"], found["location"]) == ("some-bucket", "here/below")


@pytest.mark.parametrize("value", ["s3://", "s3:bucket", "s3:///prefix", "s3://bucket/a?b=c"])
def test_no_bucket_by_another_name(given: pytest.MonkeyPatch, tmp_path: Path, value: str) -> None:
    given.setenv("MUNIMENT_X", value)
    with pytest.raises(environment.SettingError, match="s3://bucket/prefix"):
        environment.storage("MUNIMENT_X", tmp_path)
