"""Files sealed under key scopes: the bytes lie in storage, encrypted, under a random name.

A file is sealed in pieces of one size, so that a large one passes through memory piece by piece
and can be read from any place. Each piece is bound to its file, its number, and whether it is the
last: pieces cannot be left out, moved, or cut off.
"""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import IO, BinaryIO
from uuid import UUID, uuid4

from django.core.files.base import File
from django.core.files.storage import Storage, storages
from django.db import transaction
from django.utils.timezone import now

from ledger import vault
from ledger.models import SealedFile
from ledger.sealing import SEAL_BYTES

STORAGE = "sealed"
_ID = re.compile("[0-9a-f]{32}")
PIECE = 1 << 20
_STORED = PIECE + SEAL_BYTES


def store_file(scopes: Sequence[UUID], content: bytes, file_id: UUID | None = None) -> SealedFile:
    """Seal ``content`` under ``scopes`` and store it; as ``store_stream``."""
    return store_stream(scopes, io.BytesIO(content), file_id)


def store_stream(
    scopes: Sequence[UUID], content: IO[bytes], file_id: UUID | None = None
) -> SealedFile:
    """Seal what ``content`` gives until its end, under ``scopes``, and store it. Raises ScopeGone.

    The bytes are written before the row commits: a rolled-back row leaves unreadable bytes,
    never a row without its file. A sweep removes them. ``file_id`` is for a file that belongs to
    one row and takes its id.
    """
    file = write_stream(scopes, content, file_id)
    file.save(force_insert=True)
    return file


def write_stream(
    scopes: Sequence[UUID], content: IO[bytes], file_id: UUID | None = None
) -> SealedFile:
    """As ``store_stream``, but leave the row to be saved: a slow sender holds no transaction open.

    A piece is in memory at once. ``discard`` takes back what is not wanted after all.
    """
    file = SealedFile(id=file_id or uuid4(), scopes=sorted(set(scopes)))
    sealing = _Sealing(file, vault.keys(file.scopes), content)
    try:
        storages[STORAGE].save(name_of(file), File(io.BufferedReader(sealing, _STORED)))
    except BaseException:
        # Of a sender that breaks off nothing is left.
        discard(file)
        raise
    file.size = sealing.size
    return file


def discard(file: SealedFile) -> None:
    """Delete the bytes of a file whose row was never saved."""
    storages[STORAGE].delete(name_of(file))


def open_file(file: SealedFile, keys: vault.Keys | None = None) -> bytes:
    """Return the plain content. Raises ScopeGone, SealBroken, or FileNotFoundError."""
    with open_stream(file, keys) as content:
        return content.read()


def open_stream(
    file: SealedFile,
    keys: vault.Keys | None = None,
    *,
    on_piece: Callable[[], None] = lambda: None,
) -> BinaryIO:
    """Open the plain content as a seekable stream that holds a piece or two in memory.

    ``on_piece`` is called at each piece: a long reading shows that it goes on. Raises ScopeGone or
    FileNotFoundError; reading from it raises SealBroken.
    """
    keys = keys or vault.keys(file.scopes)
    stored = storages[STORAGE].open(name_of(file))
    return io.BufferedReader(_Opening(file, keys, stored, on_piece), PIECE)


def delete_files(files: Sequence[SealedFile]) -> int:
    """Delete files and their rows; return how many. Safe to repeat."""
    for file in files:
        storages[STORAGE].delete(name_of(file))
    deleted, _ = SealedFile.objects.filter(pk__in=[file.pk for file in files]).delete()
    return deleted


def forget_file(file: SealedFile) -> None:
    """Delete a file that nothing points at any more: its row now, its bytes behind the commit.

    Cut off between the two, the bytes are left without a row, and ``sweep_files`` finds them.
    """
    SealedFile.objects.filter(pk=file.pk).delete()

    def discard_bytes() -> None:
        discard(file)

    # Robust: what was committed stands, and the sweep takes bytes that cannot be deleted now.
    transaction.on_commit(discard_bytes, robust=True)


def sweep_files(*, older_than: timedelta = timedelta(hours=1)) -> int:
    """Delete stored bytes that have no row: of what was rolled back or cut off; return how many.

    A row is committed within seconds of its bytes, so that nothing younger is touched.
    """
    storage = storages[STORAGE]
    before = now() - older_than
    swept = 0
    for folder in _folders(storage):
        _, names = storage.listdir(folder)
        stored = {name: f"{folder}/{name}" for name in names if _ID.fullmatch(name)}
        known = SealedFile.objects.filter(pk__in=[UUID(name) for name in stored])
        for name in stored.keys() - {pk.hex for pk in known.values_list("pk", flat=True)}:
            if storage.get_modified_time(stored[name]) < before:
                storage.delete(stored[name])
                swept += 1
    return swept


def _folders(storage: Storage) -> Iterator[str]:
    try:
        first, _ = storage.listdir("")
    except FileNotFoundError:
        return
    for one in first:
        second, _ = storage.listdir(one)
        yield from (f"{one}/{other}" for other in second)


def name_of(file: SealedFile) -> str:
    """Return the storage name: two folder levels, so that no folder grows without bound."""
    text = file.pk.hex
    return f"{text[:2]}/{text[2:4]}/{text}"


class _Sealing(io.RawIOBase):
    """The sealed pieces of a content, made as they are read; ``size`` counts its plain bytes."""

    def __init__(self, file: SealedFile, keys: vault.Keys, content: IO[bytes]) -> None:
        self._file, self._keys, self._content = file, keys, content
        self._following = _read_piece(content)
        self._sealed = memoryview(b"")
        self._number = self.size = 0
        self._is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        if not self._sealed and not self._is_over:
            self._sealed = memoryview(self._seal_next())
        count = min(len(buffer), len(self._sealed))
        buffer[:count] = self._sealed[:count]
        self._sealed = self._sealed[count:]
        return count

    def _seal_next(self) -> bytes:
        piece, self._following = self._following, _read_piece(self._content)
        self._is_over = not self._following
        place = _place(self._file, self._number, is_last=self._is_over)
        self._number += 1
        self.size += len(piece)
        return self._keys.seal_bytes(self._file.scopes, place, piece)


class _Opening(io.RawIOBase):
    """The plain content of a stored file, opened piece by piece."""

    def __init__(
        self,
        file: SealedFile,
        keys: vault.Keys,
        stored: IO[bytes],
        on_piece: Callable[[], None],
    ) -> None:
        self._file, self._keys, self._stored = file, keys, stored
        self._on_piece = on_piece
        self._last = max(file.size - 1, 0) // PIECE
        self._at = 0
        self._number, self._piece = -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        if self._at >= self._file.size and self._number >= 0:
            return 0
        # An empty file has one piece too: that it is whole is checked like any other's.
        piece = self._open(min(self._at // PIECE, self._last))
        begin = self._at - self._number * PIECE
        part = piece[begin : begin + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        self._stored.close()
        super().close()

    def _open(self, number: int) -> bytes:
        if number != self._number:
            self._on_piece()
            self._stored.seek(number * _STORED)
            sealed = self._stored.read(_STORED)
            place = _place(self._file, number, is_last=number == self._last)
            self._piece = self._keys.open_bytes(self._file.scopes, place, sealed)
            self._number = number
        return self._piece


def _read_piece(content: IO[bytes]) -> bytes:
    """Read a whole piece, or what is left; a stream may give less at a time."""
    parts, wanted = [], PIECE
    while wanted and (part := content.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _place(file: SealedFile, number: int, *, is_last: bool) -> bytes:
    return b"file\0" + file.pk.bytes + number.to_bytes(4, "big") + bytes([is_last])
