"""The plan of a privacy request: what would be done, in a form that can be hashed and approved."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from ledger.canonical import JSON, canonical


@dataclass(frozen=True)
class PlannedStep:
    """One step: what is done, on which holding, and how many are concerned."""

    action: str
    holding: str
    count: int


@dataclass(frozen=True)
class Draft:
    """A plan before it is stored. ``rows`` are the ids found in each holding, sorted."""

    request: UUID
    kind: str
    steps: tuple[PlannedStep, ...]
    rows: Mapping[str, Sequence[UUID]]

    def digest(self) -> bytes:
        """Return SHA-256 of the canonical plan: another row anywhere gives another digest.

        Segments and keys are counted in the steps but not hashed: each step on the way, even the
        approval itself, adds a segment.
        """
        hashed: list[JSON] = [
            {
                "action": step.action,
                "holding": step.holding,
                "rows": [str(row) for row in self.rows[step.holding]],
            }
            for step in self.steps
            if step.holding in self.rows
        ]
        plan: JSON = {"kind": self.kind, "request": str(self.request), "steps": hashed}
        return hashlib.sha256(canonical(plan)).digest()
