"""RFC 3161 time-stamp tokens over the text of a checkpoint: ask for one, and verify one.

The authority's roots are pinned. A token may carry the certificates between its signer and such
a root, and no other: unsigned as they are, further ones would let anybody hide bytes in it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from .errors import PeerFalse, PeerMalformed, PeerRefused

REQUEST_TYPE = "application/timestamp-query"
MAX_RESPONSE = 64 << 10
MAX_ACCURACY_SECONDS = 86_400
_MAX_CERTIFICATES = 8
_SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_CERTIFICATES_TAG = 0xA0
# What cryptography raises for certificates that it cannot read or compare.
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)


@dataclass(frozen=True)
class Query:
    """A request for a token, DER, and the nonce that its answer must repeat."""

    data: bytes
    nonce: int


@dataclass(frozen=True)
class Stamp:
    """What a token states: its time, and by how much that may be off."""

    time: datetime
    accuracy: timedelta


def build_query(text: str) -> Query:
    """Return a fresh request for a token over ``text``, certificates included (RFC 3161, 2.4.1)."""
    builder = TimestampRequestBuilder().data(text.encode()).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    assert request.nonce is not None
    return Query(request.as_bytes(), request.nonce)


def parse_roots(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Read the pinned roots: PEM, one or more. Raises PeerMalformed."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except _UNREADABLE as exc:
        raise PeerMalformed("roots are not certificates in PEM") from exc


def verify_response(
    response: bytes, text: str, roots: Sequence[x509.Certificate], *, nonce: int | None = None
) -> Stamp:
    """Verify a TimeStampResp over ``text`` under pinned ``roots``; return what it states.

    Certificates count as of the token's own time. Raises PeerMalformed for what is no such
    answer, PeerRefused for a refusal, PeerFalse for a token that does not hold: other text, other
    ``nonce`` where one is given, other roots, a certificate beside the path, a time that may be
    off by more than a day.
    """
    if not roots:
        raise PeerFalse("no root of a time-stamp authority is pinned")
    answer = _parse(response)
    try:
        _verify_signature(answer, text, roots, nonce)
        (signer,) = answer.signed_data.signer_infos
        identity = (signer.issuer, signer.serial_number)
        verify_path(answer.signed_data.certificates, identity, roots)
        info = answer.tst_info
        accuracy = _read_accuracy(info.accuracy.seconds or 0) if info.accuracy else timedelta()
    except VerificationError as exc:
        raise PeerFalse(f"token does not hold: {exc}"[:200]) from exc
    except (*_UNREADABLE, x509.DuplicateExtension) as exc:
        raise PeerMalformed("token holds what nobody can read") from exc
    return Stamp(info.gen_time, accuracy)


def verify_path(
    certificates: Collection[bytes],
    signer: tuple[x509.Name, int],
    roots: Collection[x509.Certificate],
) -> None:
    """Check that ``certificates``, DER, are the signer's path to a root, and nothing else.

    ``signer`` is known by issuer and serial number. Raises PeerFalse, and what cryptography
    raises for unreadable certificates.
    """
    if len(certificates) > _MAX_CERTIFICATES:
        raise PeerFalse(f"token carries more than {_MAX_CERTIFICATES} certificates")
    beside = [x509.load_der_x509_certificate(each) for each in certificates]
    current = _take_signer(beside, signer)
    while not any(_is_issued_by(current, root) for root in roots):
        above = next((each for each in beside if _is_issued_by(current, each)), None)
        if above is None:
            raise PeerFalse("no path leads from the token's signer to a pinned root")
        beside.remove(above)
        current = above
    if any(each not in roots for each in beside):
        raise PeerFalse("token carries a certificate that is not on its signer's path")


def _read_accuracy(seconds: int) -> timedelta:
    # Before anything is made of it: the number in a token may have any size.
    if seconds > MAX_ACCURACY_SECONDS:
        raise PeerFalse("token's time may be off by more than a day")
    return timedelta(seconds=seconds)


def _take_signer(
    certificates: list[x509.Certificate], signer: tuple[x509.Name, int]
) -> x509.Certificate:
    found = [each for each in certificates if (each.issuer, each.serial_number) == signer]
    if len(found) != 1:
        raise PeerFalse("token does not carry its signer's certificate, once")
    usage = found[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    # RFC 3161, section 2.3: this one purpose, critical. A key for other things could sign any.
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise PeerFalse("the signer's key is not for time stamps only")
    certificates.remove(found[0])
    return found[0]


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*_UNREADABLE, InvalidSignature):
        return False
    return True


def _verify_signature(
    answer: TimeStampResponse, text: str, roots: Sequence[x509.Certificate], nonce: int | None
) -> None:
    imprint = answer.tst_info.message_imprint
    if imprint.hash_algorithm != _SHA256:
        raise PeerFalse("token is over another digest than SHA-256")
    # Twice the same root would be refused by the builder's methods, not by its constructor.
    unique = list({root.public_bytes(Encoding.DER): root for root in roots}.values())
    verifier = VerifierBuilder(roots=unique, nonce=nonce).build()
    verifier.verify(answer, sha256(text.encode()).digest())


def _parse(response: bytes) -> TimeStampResponse:
    if len(response) > MAX_RESPONSE:
        raise PeerMalformed(f"answer has more than {MAX_RESPONSE} bytes")
    try:
        answer = decode_timestamp_response(sort_certificates(response))
    except ValueError as exc:
        raise PeerMalformed("answer is no RFC 3161 response") from exc
    if answer.status != PKIStatus.GRANTED:
        raise PeerRefused(f"authority refused with status {answer.status}")
    return answer


def sort_certificates(response: bytes) -> bytes:
    """Return ``response`` with the token's certificates in the order of DER sets.

    OpenSSL and many authorities write them in the order of the path, which a strict parser
    refuses. No signature covers this set, so that its order means nothing. Raises ValueError.
    """
    parts = list(_elements(response, *_inside(response, 0, len(response))))
    if len(parts) < 2:
        return response
    # TimeStampResp → timeStampToken → content [0] → SignedData → certificates [0]
    content = list(_elements(response, *parts[1].body))
    if len(content) != 2:
        raise ValueError("token is no ContentInfo")
    for part in _elements(response, *_inside(response, *content[1].body)):
        if part.tag == _CERTIFICATES_TAG:
            begin, end = part.body
            found = sorted(response[e.begin : e.end] for e in _elements(response, begin, end))
            return response[:begin] + b"".join(found) + response[end:]
    return response


@dataclass(frozen=True)
class _Element:
    """One DER element: its tag, where it stands, and where its content does."""

    tag: int
    begin: int
    content: int
    end: int

    @property
    def body(self) -> tuple[int, int]:
        return self.content, self.end


def _inside(data: bytes, begin: int, end: int) -> tuple[int, int]:
    """Return where the content of the element at ``begin`` stands."""
    first = next(_elements(data, begin, end), None)
    if first is None:
        raise ValueError("an element is empty")
    return first.body


def _elements(data: bytes, begin: int, end: int) -> Iterator[_Element]:
    """Yield the DER elements between two places. Raises ValueError (X.690, 8.1.3)."""
    while begin < end:
        if begin + 2 > end:
            raise ValueError("element is cut off")
        size, content = data[begin + 1], begin + 2
        if size & 0x80:
            content += size & 0x7F
            if not 1 <= size & 0x7F <= 4:
                raise ValueError("element has no length of one to four bytes")
            size = int.from_bytes(data[begin + 2 : content], "big")
        if content + size > end:
            raise ValueError("element is cut off")
        yield _Element(data[begin], begin, content, content + size)
        begin = content + size
