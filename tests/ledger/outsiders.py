"""Outsiders on loopback: a witness that keeps the C2SP rules, and breaks them on demand."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Event, Lock, Thread

from ledger import strict_base64
from ledger.errors import NoteError, ProofError
from ledger.merkle import verify_consistency
from ledger.models import Incarnation, Offer
from ledger.note import Checkpoint, Note, SignatureType, Signer, Verifier
from ledger.offers import make_offer
from ledger.signing import read_signers
from ledger.witness import SIZE_TYPE
from tests.conftest import ActingAs

ORIGIN = "log.example/default"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

Answer = tuple[int, str, bytes]
_numbers = count(1)


def offer_newest(acting_as: ActingAs, minute: datetime = NOON) -> Offer | None:
    """Play the sequencer as a minute turns."""
    with acting_as("sequencer"):
        incarnation = Incarnation.objects.get(origin=ORIGIN)
        return make_offer(incarnation, read_signers(ORIGIN), minute)


@contextmanager
def serving(answer: Callable[[str, bytes], Answer], *, drip: Event | None = None) -> Iterator[str]:
    """Serve ``answer(path, body)`` to each POST; yield the address. ``drip``: byte by byte."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, content_type, reply = answer(self.path, body)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(reply)))
            if 300 <= status < 400:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self._send(reply)

        def _send(self, reply: bytes) -> None:
            try:
                if drip is None:
                    self.wfile.write(reply)
                    return
                for byte in reply:
                    self.wfile.write(bytes([byte]))
                    if drip.wait(0.05):
                        return
            except OSError:
                # Whoever asked has hung up.
                return

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        if drip is not None:
            drip.set()
        server.shutdown()
        thread.join()
        server.server_close()


class PlayedWitness:
    """A tlog-witness (tlog-witness.md); ``lie`` takes the place of its answer when set."""

    def __init__(
        self, logs: Sequence[Verifier], kind: SignatureType = SignatureType.COSIGNATURE
    ) -> None:
        number = next(_numbers)
        self.signer = Signer.from_seed(f"witness.example/{number}", kind, bytes([number]) * 32)
        self.known: dict[str, tuple[int, bytes]] = {}
        self.requests: list[bytes] = []
        self.lie: Callable[[Note], Answer] | None = None
        self._logs = list(logs)
        self._lock = Lock()

    @property
    def vkey(self) -> str:
        return self.signer.verifier.vkey

    def answer(self, path: str, body: bytes) -> Answer:
        """Answer one ``add-checkpoint``."""
        with self._lock:
            self.requests.append(body)
            if path != "/prefix/add-checkpoint":
                return 404, "text/plain", b"no such path"
            head, _, text = body.decode().partition("\n\n")
            note = Note.parse(text)
            return self.lie(note) if self.lie else self._judge(head.split("\n"), note)

    def _judge(self, lines: list[str], note: Note) -> Answer:
        checkpoint = Checkpoint.parse(note.text)
        if checkpoint.origin not in {verifier.name for verifier in self._logs}:
            return 404, "text/plain", b"unknown origin"
        try:
            note.verify(self._logs)
        except NoteError:
            return 403, "text/plain", b"not signed by a key that is trusted here"
        old = int(lines[0].removeprefix("old "))
        if old > checkpoint.size:
            return 400, "text/plain", b"old size is larger"
        known, root = self.known.get(checkpoint.origin, (0, b""))
        if old != known:
            return 409, SIZE_TYPE, f"{known}\n".encode()
        if not self._goes_on(known, root, [_hash(line) for line in lines[1:]], checkpoint):
            return 422, "text/plain", b"the proof does not hold"
        self.known[checkpoint.origin] = (checkpoint.size, checkpoint.root)
        return 200, "text/plain", self.sign(note.text)

    def _goes_on(self, known: int, root: bytes, path: list[bytes], checkpoint: Checkpoint) -> bool:
        if known in (0, checkpoint.size):
            return not path and (not known or root == checkpoint.root)
        try:
            verify_consistency(known, checkpoint.size, path, root, checkpoint.root)
        except ProofError:
            return False
        return True

    def sign(self, text: str, at: int | None = None) -> bytes:
        """Return the line of its cosignature over ``text``."""
        signature = self.signer.sign(text, time=int(time.time()) if at is None else at)
        return f"{signature.line}\n".encode()


@contextmanager
def witnessing(witness: PlayedWitness, *, drip: Event | None = None) -> Iterator[str]:
    """Serve a witness; yield its submission prefix."""
    with serving(witness.answer, drip=drip) as address:
        yield f"{address}/prefix"


def _hash(line: str) -> bytes:
    value = strict_base64.decode(line)
    assert value is not None
    assert len(value) == 32
    return value
