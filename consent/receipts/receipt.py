"""A consent receipt: what the person keeps of an answer, with proof that it is on the record.

A full copy of the record, the columns that it was written from, and the way from them into the
log: the columns' digest stands in the person's own opened segment, that segment's commitment in a
leaf, and the leaf under a signed checkpoint.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

from consent.errors import ReceiptRefused
from consent.receipts.record import CONTROLLER, Columns, Parts, consent_record
from consent.receipts.signature import canonical_json
from consent.receipts.vocabulary import CONTEXT, RECEIPT_PROFILE
from ledger import strict_base64
from ledger.canonical import JSON
from ledger.commitment import Opening
from ledger.errors import CanonicalError, CommitmentError


@dataclass(frozen=True)
class Logged:
    """Where the log speaks of an answer: exact leaf, its proof, one opened segment of it.

    ``proof`` is a C2SP tlog-proof, ``position`` the segment's place in the leaf.
    """

    leaf: str
    proof: str
    position: int
    opening: Opening

    @classmethod
    def of(cls, receipt: Mapping[str, Any]) -> Self:
        """Read it back out of a receipt. Raises ReceiptRefused."""
        try:
            leaf, proof, told = (
                receipt[f"muniment:{name}"] for name in ("leaf", "tlogProof", "opening")
            )
            r = strict_base64.decode(told["r"])
            if type(leaf) is not str or type(proof) is not str or r is None:
                raise ReceiptRefused("receipt's way into the log is not written as it must be")
            opening = Opening(told["kind"], told["role"], dict(told["payload"]), r)
            # Written out once, so that what cannot be is found here.
            opening.text  # noqa: B018
            return cls(leaf, proof, told["position"], opening)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ReceiptRefused("receipt lacks its way into the log") from error
        except (CommitmentError, CanonicalError) as error:
            raise ReceiptRefused(f"receipt's opening is none: {error}") from error

    def told(self) -> dict[str, JSON]:
        """Return the opening as JSON, by the names of a bundle's openings."""
        return {
            "kind": self.opening.kind,
            "payload": dict(self.opening.payload),
            "position": self.position,
            "r": strict_base64.encode(self.opening.r),
            "role": self.opening.role,
        }


def consent_receipt(
    columns: Columns, parts: Parts, logged: Logged, *, receipt_id: str, issued_at: str
) -> dict[str, Any]:
    """Return the receipt, unsigned; the same parts give the same receipt.

    ``issued_at`` is an XML Schema dateTime. Raises ReceiptRefused as ``consent_record`` does.
    """
    record = consent_record(columns, parts)
    nested = {name: value for name, value in record.items() if name != "@context"}
    return {
        "@context": CONTEXT,
        "@id": f"urn:uuid:{receipt_id}",
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": RECEIPT_PROFILE,
        "dct:created": issued_at,
        "dct:creator": CONTROLLER,
        "dpv:hasIdentifier": receipt_id,
        "muniment:columns": dict(columns),
        "muniment:leaf": logged.leaf,
        "muniment:opening": logged.told(),
        "muniment:record": nested,
        "muniment:recordDigest": digest_of(record),
        "muniment:tlogProof": logged.proof,
    }


def digest_of(record: Mapping[str, Any]) -> str:
    """Return the digest of a record in canonical JSON. Raises ReceiptRefused."""
    return f"sha256:{sha256(canonical_json(dict(record))).hexdigest()}"
