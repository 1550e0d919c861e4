"""Preference signals: whatever a site, a file or a browser may have said."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import re2

from consent.errors import SignalUnreadable
from consent.signals.captures import Capture, find_captures, read_line
from consent.signals.combining import combine
from consent.signals.dictionary import Member, parse_dictionary
from consent.signals.finding import Finding, Item, Observation, Reach, Source
from consent.signals.paths import Pattern, path_of
from consent.signals.places import WELL_KNOWN, host_of, is_covered, key_of
from consent.signals.reading import SPEAKS, read
from fuzz.target import Target, expect, require
from tests.consent.signals import files

ITEM = Item("https://pictures.example/a/b.jpg?c", ("GPTBot", "CCBot"))
SEEN_AT = datetime(2026, 11, 1, tzinfo=UTC)
# What must stand somewhere in the bytes of a place that permits anything, in whatever case.
_YES = {"tdmrep": b"0", "aipref": b"y", "ai_txt": b"allow", "c2pa": b"trusted", "cawg": b"trusted"}
_PACKED = (Source.EPUB, Source.PDF)


def read_source(source: Source, data: bytes) -> tuple[Finding, ...]:
    return read(Observation(UUID(int=1), source, ITEM.url, SEEN_AT, data), ITEM)


def check_findings(source: Source, found: tuple[Finding, ...], data: bytes) -> None:
    expect({one.signal for one in found}, set(SPEAKS[source]), "signals of a source")
    expect(read_source(source, data), found, "second reading")
    for one in found:
        if one.standing == "permitted" and source not in _PACKED:
            require(_YES[one.signal] in data.lower().replace(b"\0", b""), "word that permits")
    for use, answer in combine(found).items():
        said = {one for one in found if use in one.uses}
        require(answer.standing != "permitted" or said, "permission out of nothing")
        require(set(answer.findings) <= said, "answer that rests on what was found")


def read_pattern(data: bytes) -> tuple[Pattern, bytes]:
    pattern, _, path = data.partition(b"\n")
    return Pattern.parse(pattern), path_of("https://a.example/" + path.decode("latin-1"))


def check_pattern(found: tuple[Pattern, bytes], _: bytes) -> None:
    pattern, path = found
    pieces = (re2.escape(piece.decode()) for piece in pattern.pieces)
    expression = "(?s)" + ".*".join(pieces) + (r"\z" if pattern.is_anchored else "")
    if len(pattern.pieces) <= 100:
        matches = re2.match(expression, path.decode()) is not None
        expect(pattern.matches(path), matches, "match")


def read_dictionary(data: bytes) -> dict[str, Member]:
    return parse_dictionary(data.decode("latin-1"))


def check_dictionary(members: dict[str, Member], data: bytes) -> None:
    text = data.decode("latin-1")
    for key, member in members.items():
        require(key in text, "key out of the text")
        require(member.token is None or f"{key}=" in text, "value out of the text")
    words = ", ".join(
        key if member.token is None else f"{key}={member.token}" for key, member in members.items()
    )
    expect(parse_dictionary(words), members, "dictionary written anew")


def _lines() -> Iterator[bytes]:
    yield b"Sec-GPC: 1\r\nSec-GPC: 0"
    yield b"tdm-reservation: 1\r\ntdm-policy: https://p.example/\r\nX-Robots-Tag: gptbot: noai"
    yield b"HTTP/1.1 200 OK\r\nContent-Usage: train-ai=y, ai-use=n;x\r\nX-Robots-Tag: noimageai"


def _robots() -> Iterator[bytes]:
    yield b"User-Agent: *\nDisallow: *.gif$\nAllow: /a/\nContent-Usage: /a train-ai=n\n"
    yield b"user-agent: GPTBot/1.0 # c\nuser-agent: *\r\nallow: /a*b$\rcontent-usage: train-ai=y"


def _rules() -> Iterator[bytes]:
    yield b'[{"location": "/a/*.jpg", "tdm-reservation": 1, "tdm-policy": "/p"}]'
    yield b'[{"location": "/", "tdm-reservation": 0}, {"location": "/a", "tdm-reservation": 1}]'


def _pages() -> Iterator[bytes]:
    page = '<!DOCTYPE html><title>x</title><meta name="tdm-reservation" content="0"><!-- x -->'
    yield f"{page}<script>1<2</script><body><meta name='GPTBot' content=noai>".encode()
    yield page.encode("utf-16")


def _publications() -> Iterator[bytes]:
    yield files.epub(files.package(files.EPUB_3))
    yield files.epub(files.package(files.EPUB_2))


def _documents() -> Iterator[bytes]:
    packet = files.xmp("<tdm:reservation>1</tdm:reservation>")
    yield files.pdf([files.stream(packet), files.stream(packet, 8, "/Filter /FlateDecode")])


def _policies() -> Iterator[bytes]:
    yield json.dumps(
        {
            "@context": [
                "http://www.w3.org/ns/odrl.jsonld",
                {"tdm": "http://www.w3.org/ns/tdmrep#"},
            ],
            "@type": "Offer",
            "profile": "http://www.w3.org/ns/tdmrep",
            "uid": "urn:x",
            "assigner": {"vcard:fn": "Provider"},
            "permission": [
                {
                    "action": "tdm:mine",
                    "duty": [{"action": "compensate"}],
                    "constraint": {"leftOperand": "purpose", "operator": "eq", "rightOperand": "x"},
                }
            ],
            "prohibition": {"action": "distribute"},
        }
    ).encode()


def _manifests() -> Iterator[bytes]:
    for label in ("c2pa", "cawg"):
        entries = {
            f"{label}.ai_training": {"use": "notAllowed"},
            f"{label}.ai_inference": {"use": "allowed"},
            f"{label}.data_mining": {"use": "constrained", "constraint_info": "terms"},
        }
        assertion = {"label": f"{label}.training-mining", "data": {"entries": entries}}
        manifests = {"a": {"assertions": [assertion]}, "b": {"assertions": [assertion]}}
        store = {"active_manifest": "a", "manifests": manifests, "validation_state": "Trusted"}
        yield json.dumps(store).encode()


def read_capture(data: bytes) -> list[Capture]:
    """Read a crawler's line, and what of it would be stored."""
    return list(find_captures(read_line(data), lambda content, _: content or None))


def check_capture(captures: list[Capture], _data: bytes) -> None:
    for one in captures:
        place = one.place if one.source in WELL_KNOWN.values() else one.covers or one.place
        require(key_of(one.source, one.place, one.covers), "key by which it is found")
        require(host_of(place), "host that items could lie on")
        require(is_covered(one.source, one.place, one.covers, place), "word for where it was seen")
        require(one.reach is Reach.FOUND or not one.raw, "bytes of what was there only")


def _captures() -> Iterator[bytes]:
    said = {"url": "https://a.example/robots.txt", "seen_at": "2026-11-20T10:00:00Z"}
    yield json.dumps(said | {"body": "User-agent: *", "status": 200}).encode()
    headers = {"Content-Type": "text/html", "X-Robots-Tag": ["noai", "a: b"]}
    page = said | {"url": "http://a.example:80/p?q#f", "headers": headers, "body": "<p>"}
    yield json.dumps(page | {"covers": "https://a.example/p/"}).encode()
    signed = {"headers": [["Content-Type", "image/png"]], "body_base64": "AAAA"}
    yield json.dumps(page | signed | {"status": 503}).encode()
    yield json.dumps(said | {"kind": "tdm_policy", "manifest_store": {}}).encode()


_SEEDS: dict[Source, Callable[[], Iterator[bytes]]] = {
    Source.REQUEST_HEADERS: _lines,
    Source.GPC_FILE: lambda: iter([b'{"gpc": true, "lastUpdate": "2026-11-01"}']),
    Source.ROBOTS_TXT: _robots,
    Source.AI_TXT: _robots,
    Source.TDMREP_FILE: _rules,
    Source.RESPONSE_HEADERS: _lines,
    Source.HTML: _pages,
    Source.EPUB: _publications,
    Source.PDF: _documents,
    Source.TDM_POLICY: _policies,
    Source.C2PA_MANIFEST: _manifests,
}

TARGETS = (
    *(
        # Nothing is refused here: what cannot be read is a finding.
        Target(
            f"seen-{source.replace('_', '-')}",
            partial(read_source, source),
            partial(check_findings, source),
            (),
            seeds,
        )
        for source, seeds in _SEEDS.items()
    ),
    Target("crawled-line", read_capture, check_capture, (SignalUnreadable,), _captures),
    Target(
        "path-pattern",
        read_pattern,
        check_pattern,
        (SignalUnreadable,),
        lambda: [b"/a*b%2A$\na/b-*", b"/%7e\n~x", b"*.jpg$\na.jpg"],
    ),
    Target(
        "dictionary",
        read_dictionary,
        check_dictionary,
        (SignalUnreadable,),
        lambda: [b'train-ai=y, b;x=?1, c=("d" 1.5 @7 %"%c3%a9" :aGk=:);e', b"a=y,a=n"],
    ),
)
