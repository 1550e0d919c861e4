"""Consent receipts of others: Kantara Initiative, Consent Receipt Specification 1.1.0.

Read as a claim: what it says, and one doubt for each thing that is not simply trusted. The JSON
form is signed by nobody; the JWT form (RFC 7519) is checked where the issuer's key is given.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

from consent.errors import DescriptionRefused, ReceiptRefused
from consent.formats.doubts import Doubt, DoubtCode, Doubts
from consent.formats.strict_json import parse_object
from consent.uses import Method

MAX_BYTES = 64 << 10
VERSIONS = frozenset({"KI-CR-v1.1.0", "v1.1.0", "1.1.0", "1.1"})
# Public keys only: with a shared secret whoever checks could have signed.
ALGORITHMS = ("EdDSA", "ES256", "ES384", "ES512", "PS256", "RS256")
MOST = 100
_JWT = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\Z")
_METHODS = {
    "email": Method.EMAIL,
    "e-mail": Method.EMAIL,
    "letter": Method.LETTER,
    "paper form": Method.FORM,
    "web form": Method.FORM,
    "web": Method.FORM,
    "in person": Method.IN_PERSON,
}
_FOUNDATIONS = (
    ("jurisdiction", str),
    ("consentTimestamp", int),
    ("collectionMethod", str),
    ("consentReceiptID", str),
    ("piiPrincipalId", str),
    ("policyUrl", str),
    ("sensitive", bool),
)


@dataclass(frozen=True)
class Purpose:
    """One purpose of one service, in the issuer's words; ``ends_at`` where it says a time."""

    words: str
    is_explicit: bool
    ends_at: datetime | None


@dataclass(frozen=True)
class Claim:
    """What a receipt claims. ``is_signed``: its signature holds by a key that was given.

    Texts are cut from outside bytes and may be personal: seal them, and never log them.
    """

    receipt_id: str
    said_at: datetime | None
    method: Method
    purposes: tuple[Purpose, ...]
    is_signed: bool
    doubts: tuple[Doubt, ...]

    @property
    def ends_at(self) -> datetime | None:
        """Return when the first of its purposes ends, or None when none says so."""
        return min((one.ends_at for one in self.purposes if one.ends_at), default=None)

    @property
    def is_plain(self) -> bool:
        """Return whether nothing stands against it but what is only worth knowing."""
        return all(doubt.is_note for doubt in self.doubts)


def read_kantara(data: bytes, *, key: str | None = None) -> Claim:
    """Read a receipt as JSON or JWT; ``key`` is the issuer's public key in PEM.

    Raises ReceiptRefused for what is neither, for a signature that does not hold, and for a key
    given with a receipt that nobody signed.
    """
    if len(data) > MAX_BYTES:
        raise ReceiptRefused(f"receipt has {len(data)} bytes, at most {MAX_BYTES}")
    doubts = Doubts()
    is_jwt = _JWT.match(data.strip()) is not None
    said = _open_jwt(data.strip(), key, doubts) if is_jwt else _open_json(data, key, doubts)
    _check_foundations(said, doubts)
    return Claim(
        receipt_id=_text(said.get("consentReceiptID")),
        said_at=_moment(said.get("consentTimestamp"), doubts),
        method=_method(said.get("collectionMethod"), doubts),
        purposes=_purposes(said.get("services"), doubts),
        is_signed=is_jwt and key is not None,
        doubts=doubts.freeze(),
    )


def _open_json(data: bytes, key: str | None, doubts: Doubts) -> dict[str, Any]:
    if key is not None:
        raise ReceiptRefused("a key was given, but the receipt carries no signature")
    doubts.add(DoubtCode.SIGNATURE_MISSING)
    return _parse(data)


def _open_jwt(data: bytes, key: str | None, doubts: Doubts) -> dict[str, Any]:
    signed = jwt.PyJWS(algorithms=list(ALGORITHMS))
    try:
        if key is None:
            doubts.add(DoubtCode.SIGNATURE_UNCHECKED)
            opened = signed.decode_complete(data, options={"verify_signature": False})
        else:
            opened = signed.decode_complete(data, key, algorithms=list(ALGORITHMS))
    except jwt.InvalidSignatureError as error:
        raise ReceiptRefused("signature does not hold by the key given") from error
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise ReceiptRefused("receipt is no JWT that the key given could check") from error
    return _parse(opened["payload"])


def _parse(data: bytes) -> dict[str, Any]:
    try:
        return parse_object(data, longest=MAX_BYTES)
    except DescriptionRefused as error:
        raise ReceiptRefused(str(error).replace("description", "receipt", 1)) from error


def _check_foundations(said: Mapping[str, Any], doubts: Doubts) -> None:
    version = said.get("version")
    if version is None:
        doubts.add(DoubtCode.VERSION_MISSING, "version", "1.1.0")
    elif version not in VERSIONS if isinstance(version, str) else True:
        doubts.add(DoubtCode.VERSION_UNKNOWN, "version", version)
    for name, kind in _FOUNDATIONS:
        if type(said.get(name)) is not kind:
            doubts.add(DoubtCode.MALFORMED, name, said.get(name))
    if not (isinstance(said.get("piiControllers"), list) and said["piiControllers"]):
        doubts.add(DoubtCode.CREATOR_MISSING, "piiControllers")
    if said.get("sensitive") or said.get("spiCat"):
        doubts.add(DoubtCode.SENSITIVE, "spiCat", _joined(said.get("spiCat")))


def _moment(value: object, doubts: Doubts) -> datetime | None:
    """Read seconds since 1970; some write milliseconds, which would lie far in the future."""
    if type(value) is not int:
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        doubts.add(DoubtCode.TIME_UNREADABLE, "consentTimestamp", value)
        return None


def _method(value: object, doubts: Doubts) -> Method:
    found = _METHODS.get(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        doubts.add(DoubtCode.METHOD_UNKNOWN, "collectionMethod", value)
    return found or Method.FORM


def _purposes(services: object, doubts: Doubts) -> tuple[Purpose, ...]:
    found: list[Purpose] = []
    for number, service in enumerate(_objects(services, "services", doubts)):
        place = f"services[{number}].purposes"
        for purpose in _objects(service.get("purposes"), place, doubts):
            found.append(_purpose(purpose, place, doubts))
    if not found:
        doubts.add(DoubtCode.PURPOSE_MISSING, "services")
    return tuple(found)


def _purpose(said: Mapping[str, Any], place: str, doubts: Doubts) -> Purpose:
    words, consent = _text(said.get("purpose")), said.get("consentType")
    doubts.add(DoubtCode.PURPOSE_IN_WORDS, place, words or _joined(said.get("purposeCategory")))
    is_explicit = isinstance(consent, str) and consent.strip().upper() == "EXPLICIT"
    if not is_explicit:
        doubts.add(DoubtCode.CONSENT_NOT_EXPLICIT, f"{place}.consentType", consent)
    if said.get("thirdPartyDisclosure") is not False:
        doubts.add(DoubtCode.THIRD_PARTY, place, said.get("thirdPartyName"))
    return Purpose(words, is_explicit, _end(said.get("termination"), place, doubts))


def _end(value: object, place: str, doubts: Doubts) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        doubts.add(DoubtCode.TERM_UNREADABLE, f"{place}.termination", value)
    elif moment.tzinfo is None:
        doubts.add(DoubtCode.TIME_WITHOUT_ZONE, f"{place}.termination", value)
        # The earliest that it can mean: it ends while it may still stand, never the other way.
        return moment.replace(tzinfo=UTC)
    return moment


def _objects(value: object, place: str, doubts: Doubts) -> list[Mapping[str, Any]]:
    items = value if isinstance(value, list) else []
    if len(items) > MOST:
        doubts.add(DoubtCode.TOO_MANY, place, str(MOST))
    found: list[Mapping[str, Any]] = [item for item in items[:MOST] if isinstance(item, dict)]
    if len(found) < len(items[:MOST]) or not isinstance(value, list):
        doubts.add(DoubtCode.MALFORMED, place, value)
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _joined(value: object) -> str:
    return ", ".join(map(_text, value)) if isinstance(value, list) else _text(value)
