"""Files sealed under key scopes: the bytes lie in storage, encrypted, under a random name."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from ledger import vault
from ledger.models import SealedFile

STORAGE = "sealed"


def store_file(scopes: Sequence[UUID], content: bytes, file_id: UUID | None = None) -> SealedFile:
    """Seal ``content`` under ``scopes`` and store it. Raises ScopeGone.

    The bytes are written before the row commits: a rolled-back row leaves unreadable bytes,
    never a row without its file. A sweep removes them. ``file_id`` is for a file that belongs to
    one row and takes its id.
    """
    file = SealedFile(id=file_id or uuid4(), scopes=sorted(set(scopes)), size=len(content))
    sealed = vault.keys(file.scopes).seal_bytes(file.scopes, _place(file), content)
    storages[STORAGE].save(name_of(file), ContentFile(sealed))
    file.save(force_insert=True)
    return file


def open_file(file: SealedFile, keys: vault.Keys | None = None) -> bytes:
    """Return the plain content. Raises ScopeGone, SealBroken, or FileNotFoundError."""
    with storages[STORAGE].open(name_of(file)) as stored:
        sealed = stored.read()
    keys = keys or vault.keys(file.scopes)
    return keys.open_bytes(file.scopes, _place(file), sealed)


def delete_files(files: Sequence[SealedFile]) -> int:
    """Delete files and their rows; return how many. Safe to repeat."""
    for file in files:
        storages[STORAGE].delete(name_of(file))
    deleted, _ = SealedFile.objects.filter(pk__in=[file.pk for file in files]).delete()
    return deleted


def name_of(file: SealedFile) -> str:
    """Return the storage name: two folder levels, so that no folder grows without bound."""
    text = file.pk.hex
    return f"{text[:2]}/{text[2:4]}/{text}"


def _place(file: SealedFile) -> bytes:
    return b"file\0" + file.pk.bytes
