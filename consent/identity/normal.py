"""Normal forms by kind: how an identifier is stored, and the texts by which it is found."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date

import phonenumbers

from consent.errors import TermsRefused
from consent.identity.addresses import read_address
from consent.identity.folding import email_form, fold, fold_name, phonetic
from consent.identity.kinds import Form, IdentifierKind

EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
MAX_LENGTH: Mapping[IdentifierKind, int] = {
    IdentifierKind.NAME: 200,
    IdentifierKind.ALIAS: 200,
    IdentifierKind.EMAIL: 254,  # RFC 5321, section 4.5.3.1.3
    IdentifierKind.PHONE: 40,
    IdentifierKind.BIRTH_DATE: 10,
    IdentifierKind.ADDRESS: 500,
    IdentifierKind.ACCOUNT_NAME: 200,
}
# Control characters, halves of surrogate pairs, and what no version of Unicode will define.
_NO_TEXT = frozenset({"Cc", "Cs"})


def is_email(address: str) -> bool:
    """Return whether ``address`` has the outer shape of an e-mail address."""
    fits = len(address) <= MAX_LENGTH[IdentifierKind.EMAIL] and _is_text(address)
    return fits and EMAIL.fullmatch(address) is not None


def is_name(name: str) -> bool:
    """Return whether ``name`` holds something, is not too long, and has no control characters."""
    return 0 < len(name.strip()) <= len(name) <= MAX_LENGTH[IdentifierKind.NAME] and _is_text(name)


def tidy(kind: IdentifierKind, value: str, region: str | None = None) -> str:
    """Return ``value`` as it is stored: trimmed; numbers as E.164, dates as ISO 8601.

    ``region`` is the country (ISO 3166, two letters) whose phone numbers need no prefix. Raises
    TermsRefused, in words without the value.
    """
    if not 0 < len(value.strip()) <= len(value) <= MAX_LENGTH[kind]:
        raise TermsRefused(f"{kind.words} is empty or has more than {MAX_LENGTH[kind]} characters")
    lines = value.replace("\r\n", "\n")
    plain = lines.replace("\n", " ") if kind is IdentifierKind.ADDRESS else lines
    if not _is_text(plain):
        raise TermsRefused(f"{kind.words} has control characters")
    trimmed = unicodedata.normalize("NFC", lines.strip())
    if kind is IdentifierKind.EMAIL and not is_email(trimmed):
        raise TermsRefused("e-mail address is malformed")
    if kind is IdentifierKind.PHONE:
        return _phone(trimmed, region)
    return _day(trimmed) if kind is IdentifierKind.BIRTH_DATE else trimmed


def normal_forms(kind: IdentifierKind, value: str) -> dict[Form, str]:
    """Return the texts by which an identifier is found; ``value`` is as ``tidy`` returns it.

    Forms of which nothing is left, such as the sound of a name without letters, are left out.
    """
    forms = {Form.EXACT: unicodedata.normalize("NFC", value)}
    match kind:
        case IdentifierKind.NAME | IdentifierKind.ALIAS:
            forms |= {Form.FOLDED: fold_name(value), Form.PHONETIC: phonetic(value)}
        case IdentifierKind.EMAIL:
            forms |= {Form.FOLDED: email_form(value)}
        case IdentifierKind.PHONE:
            forms = {Form.E164: value}
        case IdentifierKind.BIRTH_DATE:
            forms = {Form.DATE: value}
        case IdentifierKind.ADDRESS:
            forms |= {Form.FOLDED: fold(value), **_address(value)}
        case IdentifierKind.ACCOUNT_NAME:
            forms |= {Form.FOLDED: fold(value)}
    return {form: text for form, text in forms.items() if text}


def readings(term: str, region: str | None = None) -> dict[IdentifierKind, str]:
    """Return every kind of identifier that ``term`` may be, each as ``tidy`` returns it."""
    found = {}
    for kind in IdentifierKind:
        try:
            found[kind] = tidy(kind, term, region)
        except TermsRefused:
            continue
    return found


def _address(value: str) -> dict[Form, str]:
    read = read_address(value)
    is_placed = read.postcode and read.number
    place = f"{read.postcode} {read.number}" if is_placed else ""
    return {Form.PLACE: place, Form.STREET: read.street, Form.CITY: read.city}


def _phone(value: str, region: str | None) -> str:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException as error:
        raise TermsRefused("phone number is malformed, or lacks its country code") from error
    if not phonenumbers.is_possible_number(number):
        raise TermsRefused("phone number is too long or too short for its country")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _day(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise TermsRefused("birth date is malformed, wanted year-month-day") from error


def _is_text(value: str) -> bool:
    return all(unicodedata.category(character) not in _NO_TEXT for character in value)
