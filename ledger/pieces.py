"""Bytes that hold values of one length, side by side."""


def pieces(data: bytes, size: int) -> list[bytes]:
    """Return ``data`` cut into pieces of ``size`` bytes; the last may be shorter."""
    return [data[at : at + size] for at in range(0, len(data), size)]
