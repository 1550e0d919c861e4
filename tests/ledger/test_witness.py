"""The words between us and a witness, and the line they go over: hostile until checked."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import posting
from ledger.errors import (
    AddressRefused,
    LedgerError,
    NoteError,
    PeerFalse,
    PeerMalformed,
    PeerSlow,
    PeerUnreachable,
    ProofError,
)
from ledger.note import Checkpoint, SignatureType, Signer, sign_note
from ledger.posting import post
from ledger.witness import (
    CLOCK_SKEW_SECONDS,
    MAX_ANSWER,
    format_request,
    parse_cosignatures,
    parse_known_size,
    parse_witness_key,
)
from tests.ledger.outsiders import serving

TEXT = Checkpoint("log.example/default", 7, bytes(32)).text
NOW = 1_800_000_000
LOG = Signer.from_seed("log.example/default", SignatureType.ED25519, bytes(32))
KINDS = [SignatureType.COSIGNATURE, SignatureType.MLDSA44]


def signer(kind: SignatureType = SignatureType.COSIGNATURE, seed: int = 1) -> Signer:
    return Signer.from_seed("witness.example/w", kind, bytes([seed]) * 32)


def line(by: Signer, text: str = TEXT, at: int = NOW) -> bytes:
    return f"{by.sign(text, time=at).line}\n".encode()


# The words --------------------------------------------------------------------------------------


def test_request_is_old_size_proof_empty_line_and_note() -> None:
    note = sign_note(TEXT, [LOG])
    body = format_request(5, [bytes(32), b"\1" * 32], note).decode()
    old, first, second, empty, *rest = body.split("\n")
    assert (old, len(first), len(second), empty) == ("old 5", 44, 44, "")
    assert "\n".join(rest) == str(note)


def test_request_without_a_proof_keeps_its_empty_line() -> None:
    assert format_request(0, [], sign_note(TEXT, [LOG])).startswith(b"old 0\n\nlog.example")


@pytest.mark.parametrize(("old", "hashes"), [(-1, 0), (2**63, 0), (1, 64)])
def test_request_that_no_witness_takes_is_not_written(old: int, hashes: int) -> None:
    with pytest.raises(ProofError, match="cannot be sent"):
        format_request(old, [bytes(32)] * hashes, sign_note(TEXT, [LOG]))


@pytest.mark.parametrize("kind", KINDS)
def test_cosignature_by_the_witness_asked_is_taken(kind: SignatureType) -> None:
    witness = signer(kind)
    found = parse_cosignatures(line(witness), TEXT, witness.verifier, NOW)
    assert (found.time, found.signature.name) == (NOW, "witness.example/w")


def test_newest_of_several_cosignatures_is_taken_and_strangers_are_ignored() -> None:
    witness, stranger = signer(), signer(seed=2)
    body = line(stranger) + line(witness, at=NOW - 5) + line(witness, at=NOW)
    assert parse_cosignatures(body, TEXT, witness.verifier, NOW).time == NOW


OTHER = Checkpoint("log.example/default", 7, b"\1" * 32).text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("text", "at", "seed", "complaint"),
    [
        (OTHER, NOW, 1, "does not hold over the checkpoint sent"),
        (TEXT, NOW, 2, "no cosignature by the witness asked"),
        (TEXT, 0, 1, "states no time"),
        (TEXT, NOW + CLOCK_SKEW_SECONDS + 1, 1, "lies ahead"),
    ],
    ids=["other root", "other key", "no time", "future"],
)
def test_lie_is_refused(kind: SignatureType, text: str, at: int, seed: int, complaint: str) -> None:
    body = line(signer(kind, seed), text, at)
    with pytest.raises(PeerFalse, match=complaint):
        parse_cosignatures(body, TEXT, signer(kind).verifier, NOW)


def test_one_false_cosignature_beside_a_good_one_is_a_lie() -> None:
    witness = signer()
    with pytest.raises(PeerFalse, match="does not hold"):
        parse_cosignatures(line(witness) + line(witness, OTHER), TEXT, witness.verifier, NOW)


GOOD = line(signer())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"no signature\n",
        GOOD[:-1],
        b"\n" + GOOD,
        GOOD + b"\n" + GOOD,
        GOOD * 17,
        GOOD.replace(b"\n", b"\r\n"),
        b"\xff\n",
        b"x" * (MAX_ANSWER + 1),
    ],
)
def test_answer_that_is_no_list_of_signatures_is_refused(body: bytes) -> None:
    with pytest.raises(PeerMalformed):
        parse_cosignatures(body, TEXT, signer().verifier, NOW)


@given(st.integers(0, 8 * len(GOOD) - 1))
def test_every_bit_of_a_cosignature_counts(bit: int) -> None:
    changed = bytearray(GOOD)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises((PeerFalse, PeerMalformed)):
        parse_cosignatures(bytes(changed), TEXT, signer().verifier, NOW)


@given(st.binary(max_size=300))
def test_no_answer_raises_anything_else(body: bytes) -> None:
    with pytest.raises(LedgerError):
        parse_cosignatures(body, TEXT, signer().verifier, NOW)


def test_known_size_is_one_line() -> None:
    assert parse_known_size(b"0\n") == 0
    assert parse_known_size(f"{2**63 - 1}\n".encode()) == 2**63 - 1


@pytest.mark.parametrize(
    "body", [b"", b"7", b"07\n", b"-1\n", b"7\n\n", b"9223372036854775808\n", b"\xff\n", b"7 \n"]
)
def test_answer_409_without_a_size_is_refused(body: bytes) -> None:
    with pytest.raises(PeerMalformed, match="not one line with a size"):
        parse_known_size(body)


def test_key_that_signs_logs_is_no_witness() -> None:
    assert parse_witness_key(signer().verifier.vkey) == signer().verifier
    with pytest.raises(NoteError, match="0x01 is a log's own"):
        parse_witness_key(LOG.verifier.vkey)


# The line ---------------------------------------------------------------------------------------


def ask(url: str, *, seconds: float = 5, most: int = 100) -> posting.Answer:
    return post(url, b"hello", content_type="text/plain", seconds=seconds, most=most)


def test_answer_comes_with_status_type_and_body() -> None:
    with serving(lambda path, body: (409, "text/x; a=b", body + path.encode())) as address:
        assert ask(f"{address}/p?q=1") == posting.Answer(409, "text/x", b"hello/p?q=1")


def test_answer_is_cut_one_byte_behind_its_bound() -> None:
    with serving(lambda _path, _body: (200, "text/plain", b"x" * 500_000)) as address:
        assert len(ask(address).body) == 101


def test_no_redirect_is_followed() -> None:
    asked: list[str] = []

    def answer(path: str, _body: bytes) -> tuple[int, str, bytes]:
        asked.append(path)
        return 302, "text/plain", b""

    with serving(answer) as address:
        assert ask(f"{address}/first").status == 302
    assert asked == ["/first"]


@pytest.mark.parametrize("part", ["headers", "body"])
def test_peer_that_drips_is_cut_at_the_deadline(part: str) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" if part == "body" else b""
    with dripping(reply) as address:
        began = time.monotonic()
        with pytest.raises(PeerSlow, match="within 0.4 s"):
            ask(address, seconds=0.4)
        assert time.monotonic() - began < 3


def test_peer_that_says_nothing_is_slow() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(PeerSlow):
        ask(f"http://127.0.0.1:{server.getsockname()[1]}", seconds=0.3)


def test_peer_that_is_away_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(PeerUnreachable, match="ConnectionRefusedError"):
        ask(f"http://127.0.0.1:{port}")


def test_peer_that_speaks_no_http_is_unreachable() -> None:
    with dripping(b"SSH-2.0-something\r\n") as address, pytest.raises(PeerUnreachable):
        ask(address)


def test_peer_without_tls_is_unreachable_by_https() -> None:
    with (
        serving(lambda _path, _body: (200, "text/plain", b"")) as address,
        pytest.raises(PeerUnreachable, match="SSL"),
    ):
        ask(address.replace("http:", "https:"))


@pytest.mark.parametrize(
    "url",
    ["", "ftp://a.example", "http://", "http://[::1", "file:///etc/passwd", "http://u:p@a.example"],
)
def test_address_that_cannot_be_asked_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        ask(url)


@contextmanager
def dripping(reply: bytes) -> Iterator[str]:
    """Answer with ``reply`` at once, and then one byte now and again for ever."""
    stop = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def work() -> None:
            line, _ = server.accept()
            with line:
                line.recv(4096)
                line.sendall(reply)
                while not stop.wait(0.05):
                    try:
                        line.send(b"x")
                    except OSError:
                        return

        thread = Thread(target=work)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()
