"""Single statements, as all formats make them: texts, digests, licences, times, places, parties.

Each function returns what can be used of a statement and notes what stands against it.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from consent.formats.described import Digest, Licence, Party
from consent.formats.doubts import DoubtCode, Doubts
from consent.licences import KNOWN, is_known
from consent.uses import LegalBasis

LONGEST_TEXT, LONGEST_LOCATION = 20_000, 4_000
LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64, "sha384": 96, "sha512": 128}
WEAK = frozenset({"md5", "sha1"})
FILLERS = frozenset(
    {
        *("-", "--", "?", "…", "x", "xx", "xxx", "xxxx", "n/a", "na", "nan", "nil", "none", "null"),
        *("tba", "tbd", "todo", "fixme", "unknown", "undefined", "other", "placeholder", "pending"),
        *("missing", "unspecified", "empty", "example", "string", "license", "licence"),
    }
)
_DAMAGE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd\ud800-\udfff]")
_HEX = re.compile(r"[0-9a-fA-F]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PLAIN_LOCATION = re.compile(
    r"(?:https?://)?[A-Za-z0-9_][A-Za-z0-9_/?=&%+,;@~-]*(?:\.[A-Za-z0-9_/?=&%+,;@~-]+)*"
)
_OF_NOTHING = frozenset(hashlib.new(name, usedforsecurity=False).hexdigest() for name in LENGTHS)
_PREFIXED = re.compile(r"(md5|sha-?1|sha-?256|sha-?384|sha-?512)[:=\-]\s*(.*)", re.I | re.S)
_SPDX_URL = re.compile(r"https?://spdx\.org/licenses/([A-Za-z0-9.+-]+?)(?:\.html|\.json)?/?")
_CC_URL = re.compile(
    r"https?://(?:www\.)?creativecommons\.org/"
    r"(licenses/(?P<terms>by(?:-nc)?(?:-sa|-nd)?)/(?P<version>\d\.\d)"
    r"|publicdomain/(?P<public>zero|mark)/1\.0)(?:/.*)?",
    re.I,
)
_CC_WORDS = re.compile(r"cc[ _-]*(by(?:[ _-]nc)?(?:[ _-](?:sa|nd))?)[ _-]*v?(\d\.\d)", re.I)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_FETCHABLE = frozenset({"http", "https", "s3", "gs", "ftp", "ipfs", "hf"})


def text(value: Any, place: str, doubts: Doubts, *, longest: int = LONGEST_TEXT) -> str:
    """Return a text, blanks around it gone; numbers as written, of a reference its target."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        keys = ("@value", "@id", "url", "en", "name")
        value = next((value[key] for key in keys if isinstance(value.get(key), str)), value)
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(value, place, doubts, longest=longest)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_text(value)
    doubts.add(DoubtCode.MALFORMED, place, value)
    return ""


def number_text(value: int | float) -> str:
    """Return a number as text, however long it is."""
    if isinstance(value, int) and value.bit_length() > 256:
        return hex(value)
    return str(value)


def clean(value: str, place: str, doubts: Doubts, *, longest: int = LONGEST_TEXT) -> str:
    """Return ``value`` without blanks around it, damage shown as U+FFFD, cut if too long."""
    if _DAMAGE.search(value):
        doubts.add(DoubtCode.TEXT_DAMAGED, place, value)
        value = _DAMAGE.sub("\ufffd", value)
    value = value.strip()
    if len(value) > longest:
        doubts.add(DoubtCode.TEXT_TOO_LONG, place, value)
        value = value[:longest].rstrip()
    return value


def is_filler(value: str) -> bool:
    """Return whether somebody wrote this to fill a form."""
    return value.strip(" <>[](){}'\"").casefold() in FILLERS or not value.strip(" <>[](){}'\"?.-_")


def digest(stated: str, place: str, doubts: Doubts, *, algorithm: str = "") -> Digest | None:
    """Return a digest that may be one. Without ``algorithm`` its length, or a prefix, tells.

    None, with a doubt, for what is missing, a filler, or of the wrong form: nobody can then
    take it for a proof of content.
    """
    stated = stated.strip()
    if prefixed := _PREFIXED.fullmatch(stated):
        algorithm, stated = prefixed[1].lower().replace("-", ""), prefixed[2].strip()
    if not stated:
        doubts.add(DoubtCode.DIGEST_MISSING, place)
    elif is_placeholder(stated):
        doubts.add(DoubtCode.DIGEST_PLACEHOLDER, place, stated)
    elif not (name := _algorithm(stated, algorithm)):
        doubts.add(DoubtCode.DIGEST_MALFORMED, place, stated)
    else:
        if name in WEAK:
            doubts.add(DoubtCode.DIGEST_WEAK, place, name)
        return Digest(name, stated.lower())
    return None


def is_placeholder(stated: str) -> bool:
    """Return whether it fills a digest's place: with a word, a pattern, the digest of nothing."""
    return is_filler(stated) or _is_of_nothing(stated.lower())


def _is_of_nothing(stated: str) -> bool:
    # An empty file is no picture: its digest says that somebody hashed nothing. And a text that
    # stands in its own double is a shorter one repeated.
    return stated in _OF_NOTHING or stated in (stated + stated)[1:-1]


def is_sha256(stated: str) -> bool:
    """Return whether this is a SHA-256 in lower-case hex, and no placeholder."""
    # No word that fills a place is of this form; a repetition in 64 digits is one of two halves.
    return (
        _SHA256.fullmatch(stated) is not None
        and stated[:32] != stated[32:]
        and stated not in _OF_NOTHING
    )


def are_sha256(stated: Sequence[str]) -> bool:
    """Return whether ``is_sha256`` is true of all of them, asked at once."""
    digits = "".join(stated)
    try:
        is_hex = bytes.fromhex(digits).hex() == digits
    except ValueError:
        return False
    return (
        is_hex
        and set(map(len, stated)) == {64}
        and _OF_NOTHING.isdisjoint(stated)
        and all(one[:32] != one[32:] for one in stated)
    )


def _algorithm(stated: str, algorithm: str) -> str:
    if not _HEX.fullmatch(stated):
        return ""
    if algorithm:
        return algorithm if LENGTHS.get(algorithm) == len(stated) else ""
    return next((name for name, length in LENGTHS.items() if length == len(stated)), "")


def licence(value: Any, place: str, doubts: Doubts) -> Licence:
    """Return a licence, as stated and as SPDX; a list of several is stated joined by *and*."""
    if isinstance(value, list) and len(value) > 1:
        parts = [text(one, place, doubts) for one in value[:10]]
        stated = " and ".join(filter(None, parts))
        doubts.add(DoubtCode.LICENCE_AMBIGUOUS, place, stated)
        return Licence(stated)
    stated = text(value, place, doubts)
    found, code = _licence(stated)
    if code:
        doubts.add(code, place, stated)
    return found


def known_licence(stated: str) -> Licence | None:
    """Return the licence if nothing stands against it."""
    found, code = _licence(stated)
    return None if code else found


# Manifests state the same few licences a million times.
@lru_cache(4_096)
def _licence(stated: str) -> tuple[Licence, DoubtCode | None]:
    if not stated:
        return Licence(), DoubtCode.LICENCE_MISSING
    if is_filler(stated):
        return Licence(stated), DoubtCode.LICENCE_PLACEHOLDER
    spdx = find_spdx(stated)
    return Licence(stated, spdx), None if spdx else DoubtCode.LICENCE_UNKNOWN


def find_spdx(stated: str) -> str:
    """Return the SPDX identifier of a licence that we know and that is stated here, else ``""``."""
    candidate = stated.strip()
    if len(candidate) > 200:
        return ""
    if address := _SPDX_URL.fullmatch(candidate):
        candidate = address[1]
    elif address := _CC_URL.fullmatch(candidate):
        candidate = _creative_commons(address)
    elif words := _CC_WORDS.fullmatch(candidate):
        candidate = f"CC-{re.sub('[ _]', '-', words[1])}-{words[2]}"
    elif re.fullmatch(r"cc[ _-]?0(?:[ _-]*v?1\.0)?", candidate, re.I):
        candidate = "CC0-1.0"
    return _canonical_spdx(candidate)


def _creative_commons(address: re.Match[str]) -> str:
    if address["public"]:
        # The public domain mark is no licence: it only says what somebody believes.
        return "CC0-1.0" if address["public"].lower() == "zero" else ""
    return f"CC-{address['terms']}-{address['version']}"


def _canonical_spdx(candidate: str) -> str:
    return candidate if is_known(candidate) else _FOLDED.get(candidate.casefold(), "")


def time(value: Any, place: str, doubts: Doubts) -> str:
    """Return a date or time as stated; one of day precision needs no zone."""
    stated = text(value, place, doubts, longest=64)
    if not stated:
        return ""
    if re.fullmatch(r"\d{4}(-\d{2})?", stated) or _parses(date.fromisoformat, stated):
        return stated
    moment = _parses(datetime.fromisoformat, stated)
    if moment is None:
        doubts.add(DoubtCode.TIME_UNREADABLE, place, stated)
    elif moment.tzinfo is None:
        doubts.add(DoubtCode.TIME_WITHOUT_ZONE, place, stated)
    return stated


def _parses(parse: Any, stated: str) -> Any:
    try:
        return parse(stated)
    except ValueError:
        return None


def whole_number(value: Any, place: str, doubts: Doubts) -> int | None:
    """Return a count from 0 to 2^53 − 1."""
    if value is None or value == "":
        return None
    number: Any = value
    if isinstance(value, str):
        found = re.fullmatch(r"\s*(\d{1,16})(?:\.0+)?\s*", value)
        number = int(found[1]) if found else None
    elif isinstance(value, float):
        number = int(value) if value.is_integer() else None
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**53:
        return number
    doubts.add(DoubtCode.NUMBER_UNREADABLE, place, value)
    return None


def location(value: Any, place: str, doubts: Doubts) -> str:
    """Return where a file is, as stated: a path below the data set, or an address."""
    # Kept as it is even where damaged, so that nobody opens another file than was named.
    stated = value.strip() if isinstance(value, str) else text(value, place, doubts)
    if len(stated) > LONGEST_LOCATION:
        doubts.add(DoubtCode.TEXT_TOO_LONG, place, stated)
        return ""
    if not stated:
        doubts.add(DoubtCode.LOCATION_MISSING, place)
    elif not _is_safe(stated):
        doubts.add(DoubtCode.LOCATION_UNSAFE, place, stated)
    return stated


def is_plain_location(stated: str) -> bool:
    """Return whether this is an address or path in which nothing can be doubtful."""
    return len(stated) < LONGEST_LOCATION and _PLAIN_LOCATION.fullmatch(stated) is not None


def are_plain_locations(stated: Sequence[str]) -> bool:
    """Return whether ``is_plain_location`` is true of all of them, asked at once."""
    return max(map(len, stated)) < LONGEST_LOCATION and all(map(_PLAIN_LOCATION.fullmatch, stated))


def _is_safe(stated: str) -> bool:
    if _DAMAGE.search(stated) or "\n" in stated:
        return False
    if scheme := _SCHEME.match(stated):
        return scheme[1].lower() in _FETCHABLE and stated[scheme.end() :].startswith("//")
    return not stated.startswith("/") and "\\" not in stated and ".." not in stated.split("/")


def legal_basis(stated: str, place: str, doubts: Doubts) -> str:
    """Return a legal basis as stated; one that we know, or a doubt."""
    if not stated:
        doubts.add(DoubtCode.BASIS_MISSING, place)
    elif stated not in BASES:
        doubts.add(DoubtCode.BASIS_UNKNOWN, place, stated)
    return stated


def people(value: Any, place: str, doubts: Doubts) -> tuple[str, ...]:
    """Return what people are called; what cannot be read becomes ``"?"``, which is nobody known."""
    stated = [] if value is None else value if isinstance(value, list | tuple) else [value]
    names = []
    for one in stated:
        name = one.get("@id", "") if isinstance(one, dict) else one
        if isinstance(name, str) and name.strip():
            names.append(clean(name, place, doubts, longest=200))
        else:
            doubts.add(DoubtCode.PEOPLE_UNREADABLE, place, one)
            names.append("?")
    return tuple(names)


def pairs(value: Any, place: str, doubts: Doubts) -> tuple[tuple[str, str], ...]:
    """Return the names and texts of an object; absent ones are left out."""
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        doubts.add(DoubtCode.MALFORMED, place, value)
        return ()
    named = ((name, said) for name, said in value.items() if said is not None)
    return tuple((name, text(said, place, doubts)) for name, said in named)


def parties(value: Any, place: str, doubts: Doubts) -> tuple[Party, ...]:
    """Return who is named: by a text, an object with a name, or a list of such."""
    found = []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping):
            name = text(one.get("name", one.get("sc:name")), place, doubts, longest=500)
            known_by = one.get("@id", one.get("url", one.get("identifier", one.get("sameAs"))))
            kind = text(one.get("@type", one.get("type")), place, doubts, longest=100)
            identifier = text(known_by, place, doubts, longest=2000)
            party = Party(name or identifier, identifier, kind.rpartition(":")[2])
        else:
            party = Party(text(one, place, doubts, longest=500))
        if party.name and not is_filler(party.name):
            found.append(party)
    if not found:
        doubts.add(DoubtCode.CREATOR_MISSING, place)
    return tuple(found)


BASES = frozenset(basis.value for basis in LegalBasis)
_FOLDED = {identifier.casefold(): identifier for identifier in KNOWN}
