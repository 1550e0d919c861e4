"""Little EPUB and PDF files, as the tests and the fuzzer need them."""

import zlib
from collections.abc import Iterable
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles>
<rootfile full-path="OPS/package.opf" media-type="application/oebps-package+xml"/>
</rootfiles>
</container>"""
EPUB_3 = (
    '<meta property="tdm:reservation">1</meta>'
    '<meta property="tdm:policy">https://provider.example/policy.json</meta>'
)
EPUB_2 = '<meta name="tdm:reservation" content="1"/><meta name="tdm:policy" content="/policy"/>'
TDM = 'xmlns:tdm="http://www.w3.org/ns/tdmrep/"'


def package(metadata: str, attributes: str = 'prefix="tdm: http://www.w3.org/ns/tdmrep#"') -> str:
    return (
        f'<package xmlns="http://www.idpf.org/2007/opf" {attributes}>'
        f"<metadata>{metadata}</metadata></package>"
    )


def epub(opf: str | bytes, container: str = CONTAINER, name: str = "OPS/package.opf") -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for path, content in (
            ("mimetype", "application/epub+zip"),
            ("META-INF/container.xml", container),
            (name, opf),
        ):
            entry = ZipInfo(path)
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def xmp(properties: str = "", attributes: str = "", declared: str = TDM) -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {declared} {attributes}>{properties}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def stream(packet: bytes, number: int = 9, filters: str = "") -> bytes:
    body = zlib.compress(packet) if "Flate" in filters else packet
    entries = f"<< /Type /Metadata /Subtype /XML {filters} /Length {len(body)} >>"
    return f"{number} 0 obj\n{entries}\nstream\n".encode() + body + b"\nendstream\nendobj\n"


def pdf(streams: Iterable[bytes]) -> bytes:
    """Return a PDF as far as metadata goes: nobody asks for its cross-references."""
    head = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Metadata 9 0 R >>\nendobj\n"
    return head + b"".join(streams) + b"trailer\n<< /Root 1 0 R >>\n%%EOF\n"
