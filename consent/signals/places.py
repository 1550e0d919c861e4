"""Where something was seen, and which locations it speaks for.

What lies at a well-known place speaks for its whole host; what is sent with a file, or stands in
it, for that file, unless whoever saw it says for which address and all below it.
"""

from functools import lru_cache
from urllib.parse import urljoin

import idna

from consent.errors import SignalUnreadable
from consent.signals.finding import Source
from consent.signals.paths import path_of

# RFC 9309, section 2.3; TDMRep, section 6.1; Spawning's ai.txt; GPC, section 4.
WELL_KNOWN = {
    "/robots.txt": Source.ROBOTS_TXT,
    "/ai.txt": Source.AI_TXT,
    "/.well-known/tdmrep.json": Source.TDMREP_FILE,
    "/.well-known/gpc.json": Source.GPC_FILE,
}
_OF_HOST = frozenset(WELL_KNOWN.values())
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_DIGITS = "0123456789"


@lru_cache(maxsize=4096)
def host_of(url: str) -> str:
    """Return the host of a URL in lower case, with its port where that is not the scheme's own.

    Empty for what is no URL. With or without encryption it is one host: whoever reserves on one
    means both. Other scripts than Latin stand as in the DNS: RFC 5891, by UTS 46 as browsers do;
    what is no name there stands as it is written.
    """
    scheme, is_url, rest = url.partition("://")
    if not is_url:
        return ""
    authority = rest.replace("\\", "/").partition("/")[0].partition("?")[0].partition("#")[0]
    host = authority.rpartition("@")[2].lower()
    name, colon, port = host.rpartition(":")
    if colon and not port.strip(_DIGITS):
        host, number = name, port.lstrip("0")
        port = "" if number in ("", _DEFAULT_PORTS.get(scheme.lower())) else f":{number}"
    else:
        port = ""
    name = _in_dns(host.rstrip("."))
    return f"{name}{port}" if name else ""


def _in_dns(name: str) -> str:
    if name.isascii():
        return name
    try:
        return idna.encode(name, uts46=True).decode().rstrip(".")
    except (idna.IDNAError, UnicodeError):
        return name.encode("ascii", "backslashreplace").decode()


@lru_cache(maxsize=4096)
def normal(url: str) -> str:
    """Return the one form of a URL by which addresses are compared: host, path and query.

    Raises SignalUnreadable for one that is too long.
    """
    return f"{host_of(url)}{path_of(url).decode('latin-1')}"


def is_same(url: str, other: str) -> bool:
    """Return whether two addresses are one."""
    try:
        return normal(url) == normal(other)
    except SignalUnreadable:
        return url == other


def resolve(location: str, base: str) -> str:
    """Return the URL of an item: its location, or that within ``base``, where the source is.

    Empty where neither is a URL, or what is meant cannot be told.
    """
    if "://" in location[:16]:
        return location
    if not host_of(base) or not location:
        return ""
    try:
        return urljoin(base if base.endswith("/") else f"{base}/", location.replace("\\", "/"))
    except ValueError:
        return ""


def key_of_host(host: str) -> str:
    """Return what is looked up for all that speaks for more than one file of a host."""
    return f"host\n{host}"


def key_of_file(url: str) -> str:
    """Return what is looked up for what speaks of one address only.

    Raises SignalUnreadable for one that is too long.
    """
    return f"file\n{normal(url)}"


def key_of(source: Source, place: str, covers: str) -> str:
    """Return under which key something seen at ``place`` is found; ``covers`` as ``is_covered``.

    Raises SignalUnreadable for an address that is too long.
    """
    if source in _OF_HOST:
        return key_of_host(host_of(place))
    if source is Source.TDM_POLICY or not covers:
        return key_of_file(place)
    return key_of_host(host_of(covers))


def is_covered(source: Source, place: str, covers: str, url: str) -> bool:
    """Return whether something seen at ``place`` speaks for ``url``.

    ``covers`` is an address that it speaks for with all below it; empty: what is seen in a file
    speaks for that file. Raises SignalUnreadable for an address that is too long.
    """
    if source in _OF_HOST:
        return host_of(place) == host_of(url)
    if not covers:
        return normal(place) == normal(url)
    whole, asked = normal(covers), normal(url)
    return asked == whole or asked.startswith(whole if whole.endswith("/") else f"{whole}/")


def about(source: Source, place: str, address: str) -> str:
    """Return the address that something seen at ``place`` is read for when no item is asked about:
    the file itself; of what speaks for a host ``address``, if that is there, or its first page."""
    if source not in _OF_HOST:
        return place
    return address if host_of(address) == host_of(place) else urljoin(place, "/")


def check_url(url: str) -> None:
    """Raise SignalUnreadable unless ``url`` is a web address that can be matched."""
    scheme = url.partition("://")[0].lower()
    is_text = not any(one <= " " or "\ud800" <= one <= "\udfff" for one in url)
    if scheme not in _DEFAULT_PORTS or not is_text or not host_of(url):
        raise SignalUnreadable("url is no web address: write it as https://host/path")
    path_of(url)
