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


def read_tile_path(data: bytes) -> TilePath:
    return TilePath.parse(data.decode("utf-8", "surrogateescape"))


def check_tile_path(path: TilePath, data: bytes) -> None:
    expect(str(path).encode(), data, "tile path")


def check_entries(entries: list[bytes], data: bytes) -> None:
    require(1 <= len(entries) <= TILE_WIDTH, "as many entries as a tile has")
    expect(pack_entries(entries), data, "entry bundle")


def read_receipt(data: bytes) -> Receipt:
    with suppress(ProofError):
        expect(bytes(SignedRoot.parse(data)), data, "signed root")
    return Receipt.parse(data)


def check_receipt(receipt: Receipt, data: bytes) -> None:
    expect(bytes(receipt), data, "receipt")
    for leaf in _leaves():
        with suppress(ProofError):
            verify_receipt(data, leaf, [ED.verifier])
            require(data in _good_receipts(), "receipt that somebody made")


def read_token(data: bytes) -> Stamp:
    with suppress(ValueError):
        ordered = sort_certificates(data)
        expect(sort_certificates(ordered), ordered, "certificates in order")
    return verify_response(data, STAMPED, _roots())


def check_token(stamp: Stamp, _: bytes) -> None:
    expect(stamp, _true_stamp(), "time that the authority stated")


def check_roots(roots: tuple[x509.Certificate, ...], _: bytes) -> None:
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


def _tokens() -> Iterator[bytes]:
    yield from (TOKEN.read_bytes(), (SEEDS / "refusal.tsr").read_bytes(), b"", b"\x30\x00")


def _receipts() -> Iterator[bytes]:
    yield from binaries("receipts", "receipt")
    for data in _good_receipts():
        yield bytes(Receipt.parse(data).signed)


TARGETS = (
    Target(
        "tile-path",
        read_tile_path,
        check_tile_path,
        (UnknownTile,),
        lambda: texts("tile-paths", "path"),
    ),
    Target(
        "entries",
        unpack_entries,
        check_entries,
        (ProofError,),
        lambda: binaries("entry-bundles", "bundle"),
    ),
    Target("receipt", read_receipt, check_receipt, (ProofError,), _receipts),
    Target("token", read_token, check_token, (PeerFailed,), _tokens),
    Target(
        "roots",
        parse_roots,
        check_roots,
        (PeerMalformed,),
        lambda: [(SEEDS / "root.pem").read_bytes()],
    ),
)
