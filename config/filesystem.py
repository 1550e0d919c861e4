"""Kombu's filesystem transport, with messages that appear whole.

Kombu opens a message under its final name and writes it then. A worker that polls in between
takes the empty file away, ends with JSONDecodeError, and the message is lost.
"""

import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """Writes aside and renames, which the kernel does at once."""

    def _put(self, queue: str, payload: Any, **_: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{round(time.monotonic() * 1000)}_{uuid4()}.{queue}.msg"
        # Readers know a queue's messages by what follows the first dot: this is nobody's.
        draft = folder / f".{name}"
        draft.write_bytes(dumps(payload).encode())
        draft.rename(folder / name)


class Transport(filesystem.Transport):
    """The transport of the embedded default."""

    Channel = Channel

    @property
    def default_connection_params(self) -> dict[str, Any]:
        # Without a host: kombu warns whenever it falls back to one.
        return {}
