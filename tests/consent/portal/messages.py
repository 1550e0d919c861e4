"""What the portal says, read from its source, and the German it is said in.

``python -m tests.consent.portal.messages`` brings the German catalogue up to the source and
compiles it; what is new then waits there for its translation.
"""

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "consent" / "portal"
TEMPLATES = ROOT / "consent" / "templates" / "consent" / "portal"
CATALOGUE = ROOT / "consent" / "locale" / "de" / "LC_MESSAGES" / "django.po"
KEYWORDS = dict.fromkeys(("gettext", "gettext_lazy", "_", "ngettext", "ngettext_lazy"))

Message = str | tuple[str, str]


def messages() -> Iterator[Message]:
    """Yield every message of the portal, plural forms as pairs."""
    sources = [path.read_text() for path in sorted(SOURCES.rglob("*.py"))]
    sources += [templatize(path.read_text()) for path in sorted(TEMPLATES.rglob("*.*"))]
    for source in sources:
        for _, _, said, _ in extract_python(
            io.BytesIO(source.encode()), KEYWORDS, [], {"encoding": "utf-8"}
        ):
            yield said if isinstance(said, str) else (said[0], said[1])


def catalogue() -> Catalog:
    """Return the German catalogue as it is written."""
    return read_po(io.BytesIO(CATALOGUE.read_bytes()), locale="de")


def compiled(translated: Catalog) -> bytes:
    """Return a catalogue in the form that gettext reads."""
    written = io.BytesIO()
    write_mo(written, translated)
    return written.getvalue()


def update() -> None:
    """Bring the catalogue up to the source, without guessing, and compile it."""
    template = Catalog(charset="utf-8")
    for message in messages():
        template.add(message, flags=["python-format"] if "%(" in str(message) else [])
    translated = catalogue() if CATALOGUE.exists() else Catalog(locale="de", charset="utf-8")
    translated.update(template, no_fuzzy_matching=True)
    translated.obsolete.clear()
    written = io.BytesIO()
    write_po(written, translated, omit_header=True, no_location=True, sort_output=True, width=99)
    head = 'msgid ""\nmsgstr ""\n"Language: de\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
    plural = '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
    CATALOGUE.write_bytes((head + plural).encode() + written.getvalue())
    CATALOGUE.with_suffix(".mo").write_bytes(compiled(catalogue()))


if __name__ == "__main__":
    update()
