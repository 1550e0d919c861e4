"""Take a C2PA manifest out of a PNG: what is left are exactly the bytes that were signed."""

import struct

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MANIFEST = b"caBX"
# Length and name before a chunk's content, checksum behind it (PNG, section 5.3).
_AROUND = 12


def strip_png(content: bytes) -> bytes | None:
    """Return ``content`` without its manifest chunks; None when it has none or is no whole PNG."""
    if not content.startswith(_SIGNATURE):
        return None
    kept, place, found = [_SIGNATURE], len(_SIGNATURE), False
    while place + _AROUND <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        end = place + _AROUND + length
        if end > len(content):
            return None
        is_manifest = content[place + 4 : place + 8] == _MANIFEST
        found |= is_manifest
        if not is_manifest:
            kept.append(content[place:end])
        place = end
    return b"".join(kept) + content[place:] if found else None
