"""What a paper is, told by its first bytes: what a sender calls it is never believed."""

OTHER = "application/octet-stream"
# Signatures at their offsets, as the formats' specifications give them.
_SIGNATURES = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (4, b"ftyp", "video/mp4"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
)
MEDIA_TYPES = frozenset({OTHER, *(media_type for _, _, media_type in _SIGNATURES)})


def media_type_of(content: bytes) -> str:
    """Return the media type of ``content``; that of unknown bytes where nothing fits."""
    for offset, signature, media_type in _SIGNATURES:
        if content[offset : offset + len(signature)] == signature:
            return media_type
    return OTHER
