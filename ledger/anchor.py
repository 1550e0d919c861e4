"""The anchor: the newest checkpoint of each log, kept outside the database.

A restored backup cannot take it back, so that a signed log never forks: what contradicts the
anchor is refused. Standbys share the folder; tickets make each step compare-and-swap. Each
origin keeps its anchor for ever; that of a log which was continued takes no further checkpoint.
"""

import os
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from ledger.errors import AnchorRefused, NoteError
from ledger.note import Checkpoint, Note

# No checkpoint is signed at size 0, so that an anchor which says 0 has seen none.
_OPENED = re.compile(r"([^\n]+)\n0\n([0-9a-f]{8}\n)*")
# How long a writer gives way to another before it takes that for dead or frozen, and how often
# it is overtaken itself before it gives up.
PATIENCE_SECONDS = 0.5
_TRIES = 50


@dataclass(frozen=True)
class Anchor:
    """The anchor of one origin in ``folder``."""

    folder: Path
    origin: str

    @property
    def path(self) -> Path:
        return self.folder / f"{self.origin.replace('/', '_')}.checkpoint"

    @property
    def exists(self) -> bool:
        """Return whether this origin was ever opened, as far as this folder knows."""
        return self.path.exists()

    def open(self, key_ids: tuple[str, ...]) -> None:
        """Announce a new incarnation, before its first leaf commits.

        Without it a missing anchor could mean a new log; with it, it is always a loss.
        """
        lines = [self.origin, "0", *key_ids]
        text = "".join(f"{line}\n" for line in lines)
        self._write(self.path, text, lambda: not self.path.exists())

    def close(self, last: Checkpoint | None, successor: str) -> None:
        """Let this origin take no further checkpoint: ``successor`` goes on from ``last``.

        Safe to repeat. Raises AnchorRefused when the anchor holds another checkpoint than
        ``last``, or the log was continued as another origin.
        """

        def is_due() -> bool:
            held, continued = self.checkpoint(), self.successor()
            if held != last:
                raise AnchorRefused(
                    f"the anchor of {self.origin} has moved to size {held.size if held else 0} "
                    "since it was read: run manage.py continue_log again"
                )
            if continued not in (None, successor):
                raise AnchorRefused(f"{self.origin} was continued as {continued} already")
            return continued is None

        self._write(self._successor_path, f"{successor}\n", is_due)

    def successor(self) -> str | None:
        """Return the origin under which this log goes on, None while it is this one."""
        try:
            told = self._successor_path.read_bytes()
        except FileNotFoundError:
            return None
        return _decode(told, self.origin).removesuffix("\n")

    def size(self) -> int:
        """Return the size of the anchored tree, 0 when only opened. Raises AnchorRefused."""
        checkpoint = self.checkpoint()
        return checkpoint.size if checkpoint else 0

    def checkpoint(self) -> Checkpoint | None:
        """Return the anchored checkpoint, None when only opened. Raises AnchorRefused."""
        try:
            held = self.path.read_bytes()
        except OSError as error:
            raise AnchorRefused(
                f"the anchor of {self.origin} is missing: restore {self.path.name} from its copy; "
                "a log without its anchor could fork"
            ) from error
        return parse(held, self.origin)

    def advance(self, note: str) -> None:
        """Store a checkpoint that the caller found to continue the anchored one.

        One that is older than what is anchored is left out: a leader that was frozen may come
        late. Raises AnchorRefused when the anchor holds another root of the same size, or the log
        was continued under another origin.
        """
        offered = Checkpoint.parse(Note.parse(note).text)

        def is_due() -> bool:
            held = self.checkpoint()
            if successor := self.successor():
                raise AnchorRefused(
                    f"{self.origin} was continued as {successor} and takes no further checkpoint"
                )
            if held and held.size == offered.size and held.root != offered.root:
                raise AnchorRefused(
                    f"the anchor of {self.origin} holds another root of size {held.size}"
                )
            return held is None or held.size < offered.size

        self._write(self.path, note, is_due)

    @property
    def _successor_path(self) -> Path:
        return self.path.with_suffix(".continued")

    def _write(self, path: Path, text: str, is_due: Callable[[], bool]) -> None:
        """Put ``text`` at ``path`` if ``is_due``, which looks at what is there, and may refuse.

        A lock would be kept by whoever freezes while holding it. Instead each writer lays out
        what it has to say as a ticket, removes all other tickets, looks, and then renames its own
        into place. Of two that have looked before either renames, the one that came second has
        removed the other's: that one's rename fails, and it looks again.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for _ in range(_TRIES):
            self._give_way()
            ticket = self.path.with_name(f"{self.path.name}.{secrets.token_hex(8)}.ticket")
            try:
                _write_through(ticket, text)
                for other in self._tickets():
                    if other != ticket:
                        other.unlink(missing_ok=True)
                if not is_due() or _is_renamed(ticket, path):
                    return
            finally:
                ticket.unlink(missing_ok=True)
        raise AnchorRefused(f"the anchor of {self.origin} is written by others all the time")

    def _give_way(self) -> None:
        """Wait for whoever is writing: tickets are removed only where somebody is stuck."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._tickets() and time.monotonic() < deadline:
            time.sleep(0.001 + secrets.randbelow(1000) / 100_000)

    def _tickets(self) -> list[Path]:
        return list(self.folder.glob(f"{escape(self.path.name)}.*.ticket"))


def parse(held: bytes, origin: str) -> Checkpoint | None:
    """Read what an anchor file holds: a checkpoint of ``origin``, None when it was only opened.

    Raises AnchorRefused.
    """
    text = _decode(held, origin)
    if (opened := _OPENED.fullmatch(text)) and opened[1] == origin:
        return None
    try:
        checkpoint = Checkpoint.parse(Note.parse(text).text)
    except NoteError as error:
        raise AnchorRefused(
            f"the anchor of {origin} cannot be read: {error}; restore it from its copy"
        ) from error
    if checkpoint.origin != origin:
        raise AnchorRefused(f"the anchor names {checkpoint.origin}, wanted {origin}")
    return checkpoint


def _write_through(path: Path, text: str) -> None:
    with path.open("x") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _is_renamed(ticket: Path, path: Path) -> bool:
    """Rename, and return once that is durable; False when somebody removed the ticket."""
    try:
        ticket.replace(path)
    except FileNotFoundError:
        return False
    # The rename itself is durable only once the folder is.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True


def _decode(data: bytes, origin: str) -> str:
    try:
        return data.decode()
    except UnicodeError as error:
        raise AnchorRefused(f"the anchor of {origin} is no text: restore it") from error
