"""A folder of pictures with a Croissant description, on this machine's disk."""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from consent.errors import DescriptionRefused, PictureRefused
from consent.formats import folder as croissant
from consent.pictures import MAX_BYTES

DESCRIPTION = "croissant.json"
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp"})


@dataclass(frozen=True)
class Folder:
    """A folder as a source of a data set version. Nothing outside of it is read."""

    path: Path
    described_in: str = DESCRIPTION

    def description(self) -> bytes:
        """Return the bytes of the description. Raises DescriptionRefused."""
        try:
            return self._read(self.described_in, croissant.MAX_BYTES)
        except (OSError, ValueError) as error:
            raise DescriptionRefused(f"folder has no readable {self.described_in}") from error
        except PictureRefused as error:
            raise DescriptionRefused(f"{self.described_in} is too large") from error

    def read(self, name: str) -> bytes:
        """Return the bytes of one file.

        Raises FileNotFoundError, PermissionError for a name that leads out of the folder or to
        something that is no plain file, and PictureRefused for a file too large for a picture.
        """
        return self._read(name, MAX_BYTES)

    def pictures(self) -> Iterator[str]:
        """Yield the names of all files that look like pictures, in order."""
        for folder, folders, files in os.walk(self.path):
            folders.sort()
            for name in sorted(files):
                if Path(name).suffix.lower() in PICTURES:
                    yield Path(folder, name).relative_to(self.path).as_posix()

    def _read(self, name: str, limit: int) -> bytes:
        parts = PurePosixPath(name).parts
        if not parts or "\0" in name or parts[0] == "/" or ".." in parts or "\\" in name:
            raise PermissionError(errno.EACCES, "name leads out of the folder")
        # Step by step, so that no symbolic link on the way leads out either.
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in parts[:-1]:
                descriptor = _step(descriptor, part, os.O_RDONLY | os.O_DIRECTORY)
            descriptor = _step(descriptor, parts[-1], os.O_RDONLY | os.O_NONBLOCK)
            return _content(descriptor, limit)
        finally:
            os.close(descriptor)


def _step(folder: int, name: str, flags: int) -> int:
    try:
        opened = os.open(name, flags | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise PermissionError(errno.EACCES, "name leads over a link") from error
        raise
    os.close(folder)
    return opened


def _content(descriptor: int, limit: int) -> bytes:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise PermissionError(errno.EACCES, "name is no plain file's")
    with os.fdopen(os.dup(descriptor), "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise PictureRefused(f"file has more than {limit} bytes")
    return content
