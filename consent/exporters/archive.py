"""A ZIP file written as it is collected, so that no more than one entry is held at a time."""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Entry:
    """One file of a package: where it stands, its media type, what it is, its content."""

    path: str
    media_type: str
    category: str
    content: bytes

    def line(self) -> dict[str, str | int]:
        """Return what the manifest says of it."""
        return {
            "path": self.path,
            "media_type": self.media_type,
            "category": self.category,
            "size": len(self.content),
            "sha256": hashlib.sha256(self.content).hexdigest(),
        }


def write_zip(entries: Iterable[Entry], *, at: datetime) -> Iterator[bytes]:
    """Yield the bytes of a ZIP file with ``entries``, each as soon as it is there."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in entries:
            info = zipfile.ZipInfo(entry.path, at.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entry.content)
            yield sink.drain()
    yield sink.drain()


class _Sink(io.RawIOBase):
    """A file that is only written to, and emptied after each entry."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        return len(data)

    def drain(self) -> bytes:
        """Return what was written since the last call."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
