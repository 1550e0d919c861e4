import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from generation.errors import ImageRefused
from generation.lookup import Conclusion, look_up
from generation.marking.prepare import prepare
from generation.marking.strip import strip_png
from generation.models import Output
from ledger.services import open_file
from tests.generation.acts import House
from tests.generation.images import drawn, encoded, flipped
from tests.generation.test_c2pa import signed
from tests.generation.test_outputs import released

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def output(house: House, sequence: Callable[[], int]) -> Output:
    return released(house, sequence)


def delivered(output: Output) -> bytes:
    assert output.marked is not None
    return open_file(output.marked)


def test_exact_bytes_are_the_first_rung(output: Output) -> None:
    answer = look_up(delivered(output))
    assert (answer.conclusion, answer.rung) == (Conclusion.MADE_HERE, "delivered")
    assert (answer.output, answer.mark) == (output, "trusted")


def test_without_its_manifest_an_image_is_known_by_what_was_signed(output: Output) -> None:
    stripped = strip_png(delivered(output))
    assert stripped is not None
    answer = look_up(stripped)
    assert (answer.rung, answer.output, answer.mark) == ("presigned", output, None)


def test_damaged_manifest_does_not_hide_what_was_signed(output: Output) -> None:
    content = delivered(output)
    answer = look_up(content.replace(b"Muniment", b"Minument"))
    assert answer.rung == "presigned"
    assert answer.mark is not None
    assert "reads as Invalid" in answer.mark


def test_altered_pixels_are_known_by_the_manifest_id(output: Output) -> None:
    other = prepare(encoded(drawn(size=(64, 48)).rotate(180))).content
    moved = graft(delivered(output), other)
    answer = look_up(moved)
    assert (answer.rung, answer.output) == ("manifest", output)
    assert answer.mark is not None
    assert "Invalid" in answer.mark


def test_our_mark_without_a_row_is_said_to_be_only_that(output: Output) -> None:
    content, _ = signed(image=drawn("L"))
    answer = look_up(content)
    assert (answer.conclusion, answer.rung) == (Conclusion.MARK_ONLY, None)


def test_any_other_image_leads_to_no_conclusion(output: Output) -> None:
    answer = look_up(encoded(drawn("L")))
    assert (answer.conclusion, answer.output, answer.mark) == (Conclusion.NONE, None, None)


def test_what_is_no_image_is_refused(output: Output) -> None:
    with pytest.raises(ImageRefused):
        look_up(b"no image")
    with pytest.raises(ImageRefused, match="truncated or damaged"):
        look_up(flipped(encoded(drawn("L")), 900))


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", encoded(), encoded()[:-9]])
def test_stripping_leaves_alone_what_has_no_manifest(content: bytes) -> None:
    assert strip_png(content) is None


def test_command_prints_one_object_per_image(
    output: Output, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, other = tmp_path / "ours.png", tmp_path / "other.png"
    ours.write_bytes(delivered(output))
    other.write_bytes(encoded())
    call_command("lookup", str(ours), str(other), "--json")
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["answer"], first["rung"]) == ("made here", "exact bytes")
    assert first["run"] == str(output.run_id)
    assert (second["answer"], second["rung"]) == ("no conclusion", None)


def test_command_goes_on_behind_what_it_cannot_read(output: Output, tmp_path: Path) -> None:
    bad, ours = tmp_path / "bad.png", tmp_path / "ours.png"
    bad.write_bytes(flipped(encoded(), 3))
    ours.write_bytes(delivered(output))
    said = io.StringIO()
    with pytest.raises(CommandError, match="1 of 3 files could not be read"):
        call_command("lookup", str(bad), str(ours), str(ours), stdout=said)
    assert said.getvalue().count("made here") == 2
    assert "unreadable" in said.getvalue()


def graft(source: bytes, target: bytes) -> bytes:
    """Move the manifest chunk of one PNG behind the header of another."""
    start = source.index(b"caBX") - 4
    length = int.from_bytes(source[start : start + 4], "big")
    manifest = source[start : start + 12 + length]
    return target[:33] + manifest + target[33:]
