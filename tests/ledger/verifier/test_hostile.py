"""Bundles made to cost much: what they may make a verifier do has a bound."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ledger.keyhistory import LOG_KEY_ROTATED
from ledger.leaf import Body, Leaf
from ledger.note import SignatureType
from ledger.verifier.findings import Findings
from ledger.verifier.keys import check_keys
from ledger.verifier.signatures import Keys
from tests.ledger.bundles import ORIGIN, POLICY, SIGNERS, case

READ: Counter[str] = Counter()


class Facts(dict[str, Any]):
    """Facts that count how often they are read."""

    def get(self, key: str, default: Any = None) -> Any:
        READ[key] += 1
        return super().get(key, default)


def rotations(count: int) -> Mapping[int, Leaf]:
    facts = Facts(origin=ORIGIN, replaces=["nobody's key"])
    body = Body("2026-11-20T15:00:00Z", (), facts, LOG_KEY_ROTATED)
    return {index: Leaf(index, bytes(32), body, bytes(32)) for index in range(count)}


def test_each_record_about_keys_is_read_once_for_all_checkpoints() -> None:
    assert {signer.type for signer in SIGNERS} == {SignatureType.ED25519, SignatureType.MLDSA44}
    note, keys = str(case().log.note(12)).encode(), Keys(ORIGIN, POLICY, outside=False)
    files = {f"checkpoints/{size}": note for size in range(50)}
    READ.clear()
    check_keys(files, rotations(200), keys, findings := Findings())
    assert findings == []
    assert READ["origin"] == READ["replaces"] == 200
