"""The anchor: the newest checkpoint of each log, kept outside the database.

A restored backup cannot take it back, so that a signed log never forks: what contradicts the
anchor is refused. Standbys share the folder; a lock file makes each step compare-and-swap.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import AnchorRefused, NoteError
from ledger.note import Checkpoint, Note


@dataclass(frozen=True)
class Anchor:
    """The anchor of one origin in ``folder``."""

    folder: Path
    origin: str

    @property
    def path(self) -> Path:
        return self.folder / f"{self.origin.replace('/', '_')}.checkpoint"

    def open(self, key_ids: tuple[str, ...]) -> None:
        """Announce a new incarnation, before its first leaf commits.

        Without it a missing anchor could mean a new log; with it, it is always a loss.
        """
        with self._locked():
            if not self.path.exists():
                lines = [self.origin, "0", *key_ids]
                self._write("".join(f"{line}\n" for line in lines))

    def size(self) -> int:
        """Return the size of the anchored tree, 0 when only opened. Raises AnchorRefused."""
        checkpoint = self.checkpoint()
        return checkpoint.size if checkpoint else 0

    def checkpoint(self) -> Checkpoint | None:
        """Return the anchored checkpoint, None when only opened. Raises AnchorRefused."""
        try:
            text = self.path.read_text()
        except UnicodeError as error:
            raise AnchorRefused(f"the anchor of {self.origin} is no text: restore it") from error
        except OSError as error:
            raise AnchorRefused(
                f"the anchor of {self.origin} is missing: restore {self.path.name} from its copy; "
                "a log without its anchor could fork"
            ) from error
        if text.startswith(f"{self.origin}\n0\n"):
            return None
        try:
            checkpoint = Checkpoint.parse(Note.parse(text).text)
        except NoteError as error:
            raise AnchorRefused(
                f"the anchor of {self.origin} cannot be read: {error}; restore it from its copy"
            ) from error
        if checkpoint.origin != self.origin:
            raise AnchorRefused(f"the anchor names {checkpoint.origin}, wanted {self.origin}")
        return checkpoint

    def advance(self, note: str) -> None:
        """Store a checkpoint that the caller found to continue the anchored one.

        One that is older than what is anchored is left out: a leader that was frozen may come
        late. Raises AnchorRefused when the anchor holds another root of the same size.
        """
        offered = Checkpoint.parse(Note.parse(note).text)
        with self._locked():
            held = self.checkpoint()
            if held and held.size == offered.size and held.root != offered.root:
                raise AnchorRefused(
                    f"the anchor of {self.origin} holds another root of size {held.size}"
                )
            if held is None or held.size < offered.size:
                self._write(note)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, text: str) -> None:
        draft = self.path.with_suffix(".new")
        with draft.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        # The rename itself is durable only once the folder is.
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
