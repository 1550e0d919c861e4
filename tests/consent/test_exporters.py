import hashlib
import io
import zipfile
from datetime import UTC, datetime
from uuid import UUID

import pytest

from consent.exporters.archive import Entry, write_zip
from consent.exporters.package import _csv
from consent.identity import is_email, is_name
from consent.licences import is_known
from consent.plan import Draft, PlannedStep

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_zip_comes_piece_by_piece_and_reads_back() -> None:
    entries = [Entry(f"data/{n}.txt", "text/plain", "data", b"x" * n * 1000) for n in range(4)]
    pieces = list(write_zip(iter(entries), at=NOON))
    assert len(pieces) == len(entries) + 1
    archive = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == {
        entry.path: entry.content for entry in entries
    }


def test_a_manifest_line_is_true_of_its_entry() -> None:
    line = Entry("a.txt", "text/plain", "data", b"abc").line()
    assert (line["size"], line["sha256"]) == (3, hashlib.sha256(b"abc").hexdigest())


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_carries_nothing_out(text: str) -> None:
    assert _csv([{"said": text}]).decode().splitlines()[1].lstrip('"').startswith("'")


def test_lists_and_objects_become_cells() -> None:
    rows = _csv([{"uses": ["train", "depict"], "more": {"a": 1}, "none": None}]).decode()
    assert rows == 'uses,more,none\r\ntrain depict,"{""a"": 1}",\r\n'
    assert _csv([]) == b""


@pytest.mark.parametrize("licence", ["CC0-1.0", "CC-BY-NC-SA-4.0", "LicenseRef-model-release"])
def test_licences_that_we_understand(licence: str) -> None:
    assert is_known(licence)


@pytest.mark.parametrize("licence", ["", "CC-BY", "cc0-1.0", "LicenseRef-", "LicenseRef-a b"])
def test_licences_that_nobody_has_decided_about(licence: str) -> None:
    assert not is_known(licence)


def test_names_and_addresses_have_bounds() -> None:
    assert is_name("Zoë O'Invented-Ünal 3rd")
    assert not any(map(is_name, ["", " ", "a\0b", "a\nb", "x" * 201]))
    assert is_email("a@b.example")
    assert not any(
        map(is_email, ["", "a", "a@b", "a b@c.example", "a@b@c.example", "a" * 250 + "@b.ex"])
    )


class TestPlan:
    """The digest that an approver stands for."""

    STEPS = (PlannedStep("delete", "consent.item", 2), PlannedStep("destroy", "segments", 9))
    ROWS = {"consent.item": [UUID(int=1), UUID(int=2)]}

    def draft(self, **changes: object) -> Draft:
        said = {"request": UUID(int=9), "kind": "erasure", "steps": self.STEPS, "rows": self.ROWS}
        return Draft(**{**said, **changes})  # type: ignore[arg-type]

    def test_another_row_kind_or_request_gives_another_digest(self) -> None:
        others = [
            self.draft(rows={"consent.item": [UUID(int=1), UUID(int=3)]}),
            self.draft(kind="access"),
            self.draft(request=UUID(int=8)),
            self.draft(steps=(PlannedStep("collect", "consent.item", 2),)),
        ]
        digests = {draft.digest() for draft in [self.draft(), *others]}
        assert len(digests) == 5

    def test_the_number_of_segments_does_not_count(self) -> None:
        more = (self.STEPS[0], PlannedStep("destroy", "segments", 11))
        assert self.draft(steps=more).digest() == self.draft().digest()
