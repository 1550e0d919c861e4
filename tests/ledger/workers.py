"""Lets a short log be verified by several processes, as a long one is."""

import pytest

from ledger.verification import integrity, openness, spread


def cut_for_workers(
    patch: pytest.MonkeyPatch, *, integrity_span: int = 256, openness_span: int = 256
) -> None:
    """Cut logs into spans of so many leaves, for two processes."""
    patch.setattr(integrity, "SPAN", integrity_span)
    patch.setattr(openness, "SPAN", openness_span)
    patch.setattr(spread, "cores", lambda: 2)
