"""What our C2PA manifests say: made by which model, in one log, and nothing about anybody.

The content follows C2PA 2.4 where the SDK does not enforce it: actions stand among the created
assertions and say that they are all there are; the model is disclosed, not listed as an
ingredient (that would read as *media of unknown provenance*); no thumbnail, no title.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from generation.marking.xmp import TRAINED_ALGORITHMIC_MEDIA

MANIFEST_VERSION = 1
SPEC_VERSION = "2.4.0"
RECEIPT_VERSION = 1
RECEIPT_NAME = "ledger-receipt"
NOT_ALLOWED = {"use": "notAllowed"}


@dataclass(frozen=True)
class Maker:
    """The product that writes the claim."""

    name: str
    version: str


@dataclass(frozen=True)
class DisclosedModel:
    """What an image says of its model: public name and version, digest of the effective weights."""

    name: str
    version: str
    weights_digest: bytes


@dataclass(frozen=True)
class Receipt:
    """The proof that one record is a leaf of the log: everything public, or opened on purpose.

    ``leaf`` is the exact leaf text, ``path`` the inclusion path to the root that ``checkpoint``
    (a C2SP signed note) states, ``opening`` the opening of the one segment that holds the
    digests of the image.
    """

    leaf: str
    index: int
    path: Sequence[bytes]
    checkpoint: str
    opening: dict[str, Any]

    def as_assertion(self) -> dict[str, Any]:
        """Return the receipt as JSON for the manifest, hashes in padded base64."""
        return {
            "v": RECEIPT_VERSION,
            "leaf": self.leaf,
            "index": self.index,
            "proof": [b64encode(node).decode() for node in self.path],
            "checkpoint": self.checkpoint,
            "opening": self.opening,
        }


def receipt_label(origin: str) -> str:
    """Return the assertion label in the operator's own name space: its origin's host, reversed.

    ``log.example/default`` gives ``example.log.ledger-receipt``; C2PA asks that labels which are
    not its own start with a reversed domain name.
    """
    host = origin.split("/", 1)[0].split(":", 1)[0]
    return ".".join([*reversed(host.split(".")), RECEIPT_NAME])


def build_manifest(
    *, media_type: str, maker: Maker, model: DisclosedModel, label: str, receipt: Receipt
) -> dict[str, Any]:
    """Return the manifest definition of a text-to-image output, as the C2PA builder reads it."""
    return {
        "claim_generator_info": [
            {"name": maker.name, "version": maker.version, "specVersion": SPEC_VERSION}
        ],
        "format": media_type,
        "assertions": [
            _created("c2pa.actions.v2", _actions(model)),
            _created("c2pa.ai-disclosure", _disclosure(model)),
            _created("cawg.training-mining", _training_and_mining()),
            _created(label, receipt.as_assertion()),
        ],
    }


def _created(label: str, data: dict[str, Any]) -> dict[str, Any]:
    # Without this mark an assertion lands among the gathered ones, which C2PA 2.4 forbids for
    # actions although the SDK calls the result trusted.
    return {"label": label, "data": data, "created": True}


def _actions(model: DisclosedModel) -> dict[str, Any]:
    creation = {
        "action": "c2pa.created",
        "digitalSourceType": TRAINED_ALGORITHMIC_MEDIA,
        "softwareAgent": {"name": model.name, "version": model.version},
    }
    return {"actions": [creation], "allActionsIncluded": True}


def _disclosure(model: DisclosedModel) -> dict[str, Any]:
    return {
        "modelType": "c2pa.types.model.pytorch",
        "modelName": model.name,
        "modelIdentifier": f"sha256:{model.weights_digest.hex()}",
        # Whether a person also looked at the image is a matter of the ledger: an image that
        # says so would single out those that once were suspected.
        "contentProfile": {"humanOversightLevel": "prompt_guided"},
    }


def _training_and_mining() -> dict[str, Any]:
    uses = ("ai_generative_training", "ai_training", "ai_inference", "data_mining")
    return {"entries": {f"cawg.{use}": dict(NOT_ALLOWED) for use in uses}}
