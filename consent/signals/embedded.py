"""TDMRep inside of files: the package document of an EPUB, and the XMP packets of a PDF."""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from consent.errors import SignalUnreadable
from consent.signals.documents import read_xml
from consent.signals.epub import package_document
from consent.signals.finding import MINING, Code, Finding, Observation, Signal, Standing, say
from consent.signals.pdf import metadata_streams
from consent.signals.tdmrep import POLICY, RESERVATION, Statement, gather, judge

OPF = "http://www.idpf.org/2007/opf"
# The report writes the namespace in these ways: in its part on PDF, on EPUB, and in drafts.
NAMESPACES = (
    "http://www.w3.org/ns/tdmrep/",
    "http://www.w3.org/ns/tdmrep#",
    "http://www.w3.org/ns/tdmrep",
)
_PROPERTIES = {"reservation": RESERVATION, "policy": POLICY}
_XMP = {
    f"{{{namespace}}}{name}": meant
    for namespace in NAMESPACES
    for name, meant in _PROPERTIES.items()
}


def read_epub(seen: Observation) -> Finding:
    """Read the package document of an EPUB. Raises SignalUnreadable."""
    return judge(seen, from_package(package_document(seen.raw)))


def read_pdf(seen: Observation) -> Iterator[Finding]:
    """Read the metadata streams of a PDF: one reservation suffices.

    Some cannot be read? Then what the others release may be reserved: that is said beside it.
    Raises SignalUnreadable.
    """
    streams = metadata_streams(seen.raw)
    statements, unread = [], streams.unread
    for packet in streams.packets:
        try:
            statements.append(from_xmp(packet))
        except SignalUnreadable:
            unread += 1
    yield judge(seen, _strictest(statements))
    if unread:
        detail = "some metadata of the PDF cannot be read"
        yield say(seen, Signal.TDMREP, Standing.MALFORMED, Code.UNREADABLE, MINING, detail)


def from_package(data: bytes) -> Statement:
    """Return what a package document says of the whole publication. Raises SignalUnreadable.

    EPUB 3 gives ``property`` and text, EPUB 2 ``name`` and ``content``.
    """
    package = read_xml(data)
    names = _names(package.get("prefix", ""))
    said = []
    for meta in package.iterfind(f"./{{{OPF}}}metadata//{{{OPF}}}meta"):
        name = names.get((meta.get("property") or meta.get("name") or "").strip())
        if name and not meta.get("refines"):
            text = meta.text if meta.get("property") else meta.get("content")
            said.append((name, (text or "").strip()))
    return gather(said)


def from_xmp(data: bytes) -> Statement:
    """Return what an XMP packet says, by element or by attribute. Raises SignalUnreadable."""
    said = []
    for element in read_xml(data).iter():
        said += [(_XMP[key], value.strip()) for key, value in element.items() if key in _XMP]
        if isinstance(element.tag, str) and element.tag in _XMP:
            said.append((_XMP[element.tag], _content(element)))
    return gather(said)


def _content(element: Element) -> str:
    """Return the text of a property, or the resource that it points to."""
    pointed = element.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}resource")
    return (pointed or element.text or "").strip()


def _names(prefixes: str) -> dict[str, str]:
    """Return the properties by how a package writes them: ``prefix`` is a list of pairs."""
    words = prefixes.split()
    declared = {
        prefix.removesuffix(":")
        for prefix, namespace in zip(words[::2], words[1::2], strict=False)
        if namespace in NAMESPACES
    }
    # EPUB 2 has no prefixes, and the report's first drafts wrote a hyphen.
    spelled = {f"{prefix}:" for prefix in (*declared, "tdm")} | {"tdm-"}
    return {before + name: meant for before in spelled for name, meant in _PROPERTIES.items()}


def _strictest(statements: Sequence[Statement]) -> Statement:
    known = [one.reserves for one in statements if one.reserves is not None]
    reserving = [one for one in statements if one.reserves]
    policies = [one.policy for one in reserving or statements if one.policy]
    return Statement(
        any(known) if known else None,
        policies[0] if policies else "",
        is_wrong=any(one.is_wrong for one in statements),
    )
