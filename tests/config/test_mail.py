"""How letters leave: by which server, or into which folder, and when they go from there."""

import stat
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.mail import EmailMessage, get_connection

from config import environment, tasks
from consent.models import Language, PortalLink, Subject
from consent.portal.letters import post
from consent.roles import RoleCode
from consent.services import ask_for_link, make_links
from tests.consent.factories import open_house, register


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.EMAIL_BACKEND = "config.mail.FolderBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    return tmp_path / "mail"


@pytest.mark.parametrize(
    ("url", "host", "port", "starts", "is_tls"),
    [
        ("smtp://who:p%40ss@mail.example", "mail.example", 587, True, False),
        ("smtps://who:p%40ss@mail.example:4650", "mail.example", 4650, False, True),
        ("smtp+plain://who:p%40ss@localhost", "localhost", 25, False, False),
    ],
)
def test_a_mail_server_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, url: str, host: str, port: int, starts: bool, is_tls: bool
) -> None:
    monkeypatch.setenv("MUNIMENT_MAIL_URL", url)
    found = environment.post("MUNIMENT_MAIL_URL")
    assert (found.host, found.port, found.user, found.password) == (host, port, "who", "p@ss")
    assert (found.starts_tls, found.is_tls) == (starts, is_tls)
    assert found.backend.endswith("smtp.EmailBackend")


@pytest.mark.parametrize("url", ["http://mail.example", "mail.example", "smtp://mail.example:x"])
def test_what_names_no_mail_server_stops_the_start_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("MUNIMENT_MAIL_URL", url)
    with pytest.raises(environment.SettingError, match="names no mail server") as refused:
        environment.post("MUNIMENT_MAIL_URL")
    assert url not in str(refused.value)


def test_without_a_server_letters_are_private_files(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.delenv("MUNIMENT_MAIL_URL", raising=False)
    assert environment.post("MUNIMENT_MAIL_URL").backend == "config.mail.FolderBackend"
    name = uuid4()
    for said in (f"<{name}@house.example>", "<../../escape@house.example>"):
        message = EmailMessage("A subject", "Hällo", headers={"Message-ID": said})
        assert get_connection("config.mail.FolderBackend").send_messages([message]) == 1
    written = sorted(folder.iterdir())
    assert len(written) == 2
    assert folder / f"{name}.eml" in written
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_letter_goes_with_its_link(db: None, log: Any, folder: Path) -> None:
    officer = open_house().account("Olga", RoleCode.OFFICER)
    subject: Subject = register(officer)
    errand = ask_for_link(address="cleo@people.example", language=Language.ENGLISH)
    for letter in make_links(errand):
        post(letter)
    (link,) = PortalLink.objects.filter(subject=subject)
    (written,) = folder.iterdir()
    assert written.name == f"{link.pk}.eml"
    assert tasks.empty_mail() == 0
    link.delete()
    assert tasks.empty_mail() == 1
    assert list(folder.iterdir()) == []
