"""Reader: the receipt that travels inside an image, from its ``output.marked`` record."""

from uuid import UUID

from generation.errors import OutputNotReady
from generation.marking.manifest import Receipt
from generation.models import Output
from ledger import strict_base64, vault
from ledger.commitment import Opening
from ledger.models import Segment
from ledger.proofs import PublishedRecord, wait_for_record

WAIT_SECONDS = 10.0


def wait_for_receipt(output: Output) -> Receipt:
    """Wait for the proof of the output's newest record, and open its one segment for the image.

    No transaction may be open meanwhile. Raises NotYetPublished after ``WAIT_SECONDS``,
    OutputNotReady when the newest record is no marking, ScopeGone.
    """
    assert output.record is not None
    published = wait_for_record(output.record, WAIT_SECONDS)
    position, opening = _open_image_segment(output, output.record)
    return Receipt(
        leaf=published.leaf.decode(),
        index=published.index,
        path=published.proof.path,
        checkpoint=str(published.checkpoint.note),
        opening=_as_json(published, position, opening),
    )


def _open_image_segment(output: Output, record: UUID) -> tuple[int, Opening]:
    scopes = sorted(output.scope_ids())
    keys = vault.keys(scopes)
    for segment in Segment.objects.filter(record__uuid=record, scopes=scopes):
        opening = keys.open_segment(
            scopes, record, segment.position, "output.marked", bytes(segment.ciphertext)
        )
        if opening.role == "image":
            return segment.position, opening
    raise OutputNotReady("the newest record of this output is no marking")


def _as_json(
    published: PublishedRecord, position: int, opening: Opening
) -> dict[str, str | int | dict[str, object]]:
    return {
        "index": published.index,
        "position": position,
        "r": strict_base64.encode(opening.r),
        "kind": opening.kind,
        "role": opening.role,
        "payload": dict(opening.payload),
    }
