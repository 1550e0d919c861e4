"""What proves a leaf in binary: tile paths, entry bundles, receipts, time-stamp tokens."""

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from fixtures.vectors.cast import ED
from fuzz.target import Target, expect, require
from fuzz.vectors import binaries, cases, texts
from ledger.errors import PeerFailed, PeerMalformed, ProofError, UnknownTile
from ledger.merkle import TILE_WIDTH
from ledger.receipt import Receipt, SignedRoot, verify_receipt
from ledger.timestamps import Stamp, parse_roots, sort_certificates, verify_response
from ledger.tlogtiles import TilePath, pack_entries, unpack_entries

# Made once by ``openssl ts``, as tests/ledger/authority.py has it; tokens outlive certificates.
SEEDS = Path(__file__).parent / "seeds"
TOKEN = SEEDS / "token.tsr"
STAMPED = "log.example/default\n7\n" + "A" * 43 + "=\n"


def read_tile_path(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    expect(str(TilePath.parse(text)), text, "tile path")


def read_entries(data: bytes) -> None:
    entries = unpack_entries(data)
    require(len(entries) <= TILE_WIDTH, "room in a tile")
    expect(pack_entries(entries), data, "entry bundle")


def read_receipt(data: bytes) -> None:
    with suppress(ProofError):
        expect(bytes(SignedRoot.parse(data)), data, "signed root")
    receipt = Receipt.parse(data)
    expect(bytes(receipt), data, "receipt")
    for leaf in _leaves():
        with suppress(ProofError):
            verify_receipt(data, leaf, [ED.verifier])
            require(data in _good_receipts(), "receipt that somebody made")


def read_token(data: bytes) -> None:
    with suppress(ValueError):
        ordered = sort_certificates(data)
        expect(sort_certificates(ordered), ordered, "certificates in order")
    stamp = verify_response(data, STAMPED, _roots())
    expect(stamp, _true_stamp(), "time that the authority stated")


def read_roots(data: bytes) -> None:
    roots = parse_roots(data)
    again = b"".join(root.public_bytes(Encoding.PEM) for root in roots)
    expect(parse_roots(again), roots, "roots")


@cache
def _leaves() -> list[bytes]:
    return list(dict.fromkeys(texts("receipts", "leaf")))


@cache
def _good_receipts() -> set[bytes]:
    return {bytes.fromhex(case["receipt"]) for case in cases("receipts") if case["valid"]}


@cache
def _roots() -> tuple[x509.Certificate, ...]:
    return parse_roots((SEEDS / "root.pem").read_bytes())


@cache
def _true_stamp() -> Stamp:
    return verify_response(TOKEN.read_bytes(), STAMPED, _roots())


def _receipts() -> Iterator[bytes]:
    yield from binaries("receipts", "receipt")
    for data in _good_receipts():
        yield bytes(Receipt.parse(data).signed)


TARGETS = (
    Target("tile-path", read_tile_path, (UnknownTile,), lambda: texts("tile-paths", "path")),
    Target("entries", read_entries, (ProofError,), lambda: binaries("entry-bundles", "bundle")),
    Target("receipt", read_receipt, (ProofError,), _receipts),
    Target("token", read_token, (PeerFailed,), lambda: [TOKEN.read_bytes(), b"", b"\x30\x00"]),
    Target("roots", read_roots, (PeerMalformed,), lambda: [(SEEDS / "root.pem").read_bytes()]),
)
