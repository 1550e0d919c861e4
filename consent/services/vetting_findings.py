"""What a vetting found, written down; what somebody accepted of just the same before, kept so."""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from uuid import UUID

import orjson
from django.db.models import Q

from consent.models import DatasetVersion, FindingState, Vetting, VettingFinding, VettingState
from consent.services.gate import LISTED, licences_of, quick
from consent.services.groups import declared
from consent.vetting.gate import Code, Finding
from consent.vetting.hashes import HASH_BYTES
from consent.vetting.representativeness import shares
from ledger import binary, vault
from ledger.models import HOUSE_SCOPE

_MARKS = (
    "SELECT code, count(*), bit_xor(uuid_hash_extended(item_id, 0)) FROM consent_flagged "
    "WHERE vetting_id = %s AND (code <> 'near_duplicates' OR place > 0) GROUP BY code"
)


@dataclass
class Tally:
    """What was seen so far: counts, and the hashes with the places of their items.

    ``questions`` is a sum over what is unclear, item by item.
    """

    members: int = 0
    looked: int = 0
    not_held: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    questions: int = 0
    hashes: bytearray = field(default_factory=bytearray)
    places: "array[int]" = field(default_factory=lambda: array("q"))

    @property
    def compared(self) -> int:
        """Return how many items have a hash that tells something."""
        return len(self.hashes) // HASH_BYTES

    def ask(self, item: UUID, question: str) -> None:
        """Note what is unclear of an item, so that nothing else is taken for the same."""
        asked = blake2b(item.bytes + question.encode(), digest_size=16).digest()
        self.questions ^= int.from_bytes(asked, "big")


def write_findings(
    vetting: Vetting, tally: Tally, found: Sequence[Finding]
) -> list[VettingFinding]:
    """Insert a row for each finding of a vetting that is done."""
    every = [*found, *_listed(vetting, tally), *quick(vetting.version), *_groups(vetting.version)]
    rows = list(_rows(vetting, tally, every))
    VettingFinding.objects.bulk_create(rows)
    return rows


def _listed(vetting: Vetting, tally: Tally) -> Iterator[Finding]:
    for code, count, _ in binary.fetch(_MARKS, [vetting.pk]):
        detail = dict(tally.flags) if code == Code.LABEL_FLAGGED else {}
        yield Finding(Code(code), count, detail)


def _groups(version: DatasetVersion) -> Iterator[Finding]:
    groups = declared(version)
    if not groups:
        yield Finding(Code.GROUPS_NOT_DECLARED, 0)
    if short := [one for one in shares(groups) if one.is_short]:
        names = {f"{one.group.aspect}: {one.group.name}": one.share for one in short}
        yield Finding(Code.GROUP_SHORT, len(short), names)


def _rows(vetting: Vetting, tally: Tally, found: Sequence[Finding]) -> Iterator[VettingFinding]:
    """Yield the row of each finding; what was accepted of the same before stays accepted."""
    keys = vault.keys([HOUSE_SCOPE])
    marks = {code: mark for code, _, mark in binary.fetch(_MARKS, [vetting.pk])}
    by_licence = {name: mark for name, (_, mark) in licences_of(vetting.version).items()}
    before = _accepted_before(vetting)
    for one in found:
        row = VettingFinding(
            vetting=vetting, code=one.code.value, severity=one.code.severity.value, count=one.count
        )
        row.detail = keys.seal(row, "detail", orjson.dumps(one.detail))
        listed = one.code in LISTED
        about: list[object] = (
            [marks.get(one.code)] if listed else [by_licence.get(name) for name in one.detail]
        )
        if one.code == Code.SIGNAL_UNCLEAR:
            about.append(f"{tally.questions:032x}")
        text = orjson.dumps([one.code, one.count, one.detail, about], option=orjson.OPT_SORT_KEYS)
        row.mark = vault.blind_index("vetting.finding", text.decode())
        if old := before.get(row.mark):
            row.state, row.decided_by, row.decided_at = old.state, old.decided_by, old.decided_at
            row.reason = keys.seal(row, "reason", keys.open(old, "reason"))
        yield row


def _accepted_before(vetting: Vetting) -> Mapping[bytes, VettingFinding]:
    last = Vetting.objects.filter(version=vetting.version_id, state=VettingState.DONE).first()
    accepted = VettingFinding.objects.filter(
        Q(state=FindingState.ACCEPTED), vetting=last
    ).select_related("decided_by")
    return {one.mark: one for one in accepted}
