"""Typed readers of the environment: a bad value stops the start and says what to do."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_FLAGS = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


class SettingError(ImproperlyConfigured):
    """A setting is missing or has a value that the service cannot start with."""


def text(name: str, default: str | None = None) -> str:
    """Read a text; without ``default`` the setting is required. Raises SettingError."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise SettingError(f"{name} is not set: set it in the environment of this process")
    return default


def choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    """Read one of ``allowed``. Raises SettingError."""
    value = text(name, default)
    if value not in allowed:
        _refuse(name, value, f"one of {', '.join(allowed)}")
    return value


def flag(name: str, *, default: bool) -> bool:
    """Read a switch: ``on`` or ``off``. Raises SettingError."""
    value = text(name, "on" if default else "off").lower()
    if value not in _FLAGS:
        _refuse(name, value, "on or off")
    return _FLAGS[value]


def integer(name: str, default: int, *, least: int, most: int) -> int:
    """Read a whole number from ``least`` to ``most``. Raises SettingError."""
    value = text(name, str(default))
    if not value.isascii() or not value.isdigit() or not least <= int(value[:20]) <= most:
        _refuse(name, value, f"a whole number from {least} to {most}")
    return int(value)


def words(name: str, default: str) -> list[str]:
    """Read a list separated by commas; empty parts are dropped."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def folder(name: str, default: Path) -> Path:
    """Read a folder as an absolute path; it need not exist yet. Raises SettingError."""
    path = Path(text(name, str(default))).absolute()
    if path.exists() and not path.is_dir():
        _refuse(name, str(path), "a folder")
    return path


def storage(name: str, default: Path) -> dict[str, object]:
    """Read where files lie: a folder, or ``s3://bucket/prefix`` (extra ``s3``).

    Raises SettingError. Credentials, region and endpoint come from the AWS_… variables, as every
    tool for S3 reads them.
    """
    value = text(name, str(default))
    if not value.startswith("s3:"):
        place = folder(name, default)
        options: dict[str, object] = {"location": place, "file_permissions_mode": 0o600}
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    parts = urlsplit(value)
    if not parts.netloc or parts.query or parts.fragment:
        _refuse(name, value, "a folder, or s3://bucket/prefix")
    options = {
        "bucket_name": parts.netloc,
        "location": parts.path.strip("/"),
        "default_acl": None,
        # What is there already is compared, and never written over.
        "file_overwrite": False,
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


@dataclass(frozen=True)
class Post:
    """How letters leave: by a mail server, or into a folder when none is named."""

    backend: str
    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    starts_tls: bool = False
    is_tls: bool = False


def post(name: str) -> Post:
    """Read ``smtp://user:password@host:port``; nothing means files in a folder.

    ``smtp`` insists on STARTTLS, ``smtps`` speaks TLS from the start, ``smtp+plain`` neither: for
    a relay on the same machine. Raises SettingError, without the value in its message: the
    password stands in it.
    """
    value = text(name, "")
    if not value:
        return Post("config.mail.FolderBackend")
    url = urlsplit(value)
    try:
        port = url.port or {"smtp": 587, "smtps": 465, "smtp+plain": 25}[url.scheme]
    except (KeyError, ValueError) as exc:
        wanted = "smtp, smtps or smtp+plain://user:password@host:port"
        raise SettingError(f"{name} names no mail server: write it as {wanted}") from exc
    return Post(
        "django.core.mail.backends.smtp.EmailBackend",
        host=url.hostname or "localhost",
        port=port,
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        starts_tls=url.scheme == "smtp",
        is_tls=url.scheme == "smtps",
    )


def database(name: str) -> dict[str, object]:
    """Read ``postgresql://role:password@host:port/name?option=value`` as Django's settings.

    A percent-encoded folder as the host is a Unix socket. Raises SettingError, without the
    value in its message: the password stands in it.
    """
    url = urlsplit(text(name))
    wanted = "postgresql://role:password@host:port/database"
    if url.scheme not in ("postgres", "postgresql") or not url.hostname or len(url.path) < 2:
        raise SettingError(f"{name} is no PostgreSQL address: write it as {wanted}")
    try:
        port = url.port
    except ValueError as exc:
        raise SettingError(f"{name} has a bad port: write it as {wanted}") from exc
    return {
        "NAME": unquote(url.path[1:]),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": unquote(_host(url.netloc)),
        "PORT": str(port or ""),
        "OPTIONS": dict(parse_qsl(url.query)),
    }


def _host(netloc: str) -> str:
    """Return the host as written: ``urlsplit().hostname`` lowers the case of a socket's folder."""
    host = netloc.rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _refuse(name: str, value: str, wanted: str) -> NoReturn:
    raise SettingError(f"{name} is {value!r}: set it to {wanted}")
