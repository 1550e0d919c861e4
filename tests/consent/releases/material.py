"""Invented tables and scans of old releases, and what brings them in."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from consent import services
from consent.models import Account, Notice, ReleaseImport, ReleaseLine
from consent.releases.stating import Said
from consent.services import Bringing
from tests.conftest import ActingAs
from tests.consent.releases.test_scans import PDF, packed

NAMES = (
    *(
        "name",
        "email",
        "phone",
        "birth date",
        "person number",
        "uses",
        "media",
        "territory",
        "term",
    ),
    *("signed", "witness", "scan", "guardian", "guardian email"),
)
CLEO = {
    "name": "Cleo Invented",
    "email": "cleo@people.example",
    "uses": "depiction; advertising",
    "media": "print",
    "territory": "DE",
    "term": "unlimited",
    "signed": "2019-04-03",
    "witness": "Wim Invented",
    "scan": "1.pdf",
}
IDA = CLEO | {"name": "Ida Invented", "email": "ida@people.example", "scan": "2.pdf"}


def paper(name: str) -> bytes:
    """Return an invented scan, another one for each name."""
    return PDF.replace(b"form", name.encode())


def table(*lines: dict[str, str], names: Sequence[str] = NAMES) -> bytes:
    written = io.StringIO()
    writer = csv.DictWriter(written, names)
    writer.writeheader()
    writer.writerows(lines)
    return written.getvalue().encode()


@dataclass
class Drawer:
    """What a test brings in: as the officer, worked on as a worker."""

    officer: Account
    notice: Notice
    acting_as: ActingAs

    def bring(
        self, *lines: dict[str, str], scans: Sequence[str] = (), **said: Any
    ) -> ReleaseImport:
        """Bring a table and scans of these names, and let a worker look at them."""
        content = table(*lines)
        importing, _ = services.bring_releases(
            actor=self.officer,
            bringing=Bringing(self.notice.pk, said=Said.parse(said)),
            content=io.BytesIO(content),
        )
        if scans:
            self.bring_scans(importing, *scans)
        return self.work(importing)

    def bring_scans(self, importing: ReleaseImport, *names: str) -> None:
        zipped = packed(*((name, paper(name)) for name in names))
        services.bring_scans(actor=self.officer, import_id=importing.pk, content=io.BytesIO(zipped))

    def take(self, importing: ReleaseImport) -> ReleaseImport:
        services.take_releases(actor=self.officer, import_id=importing.pk)
        return self.work(importing)

    def close(self, importing: ReleaseImport) -> ReleaseImport:
        services.close_releases(actor=self.officer, import_id=importing.pk)
        return self.work(importing)

    def work(self, importing: ReleaseImport) -> ReleaseImport:
        with self.acting_as("eraser"):
            errand = services.lease_releases(importing.pk)
            assert errand is not None
            services.carry_out_releases(errand)
        importing.refresh_from_db()
        return importing


def reasons(importing: ReleaseImport) -> list[list[str]]:
    """Return what stands against each line that is not taken in, in the table's order."""
    return [line.reasons for line in importing.lines.order_by("ordinal")]


def only_line(importing: ReleaseImport) -> ReleaseLine:
    return importing.lines.get()


Spoil = Callable[[bytes], bytes]
