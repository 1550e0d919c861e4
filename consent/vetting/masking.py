"""Making people in a picture unrecognisable, and looking whether they are."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageFilter, ImageOps

from consent.errors import PictureRefused
from consent.pictures import FORMATS, inspect
from consent.uses import Masking
from consent.vetting.faces import Box, FrontalFaces

# Part of the record: whoever changes what is done to a picture changes it.
NAME, VERSION = "muniment.masking", "1"
# How far a region reaches beyond its box on each side, in percent: hair, ears and chin.
MARGIN = 35
# Squares across a region that is pixelated: too few to tell who it was.
SQUARES = 6
_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 92},
    "WEBP": {"lossless": True},
}


@dataclass(frozen=True)
class Masked:
    """The new file, its size, how many regions were changed and how many faces had been there."""

    content: bytes
    media_type: str
    width: int
    height: int
    regions: int
    faces: int


def read_picture(content: bytes) -> Image.Image:
    """Return a picture as people see it: turned as its metadata says. Raises PictureRefused."""
    inspect(content)
    with Image.open(io.BytesIO(content), formats=tuple(FORMATS)) as image:
        return ImageOps.exif_transpose(image)


def mask_picture(
    content: bytes,
    method: Masking,
    detector: FrontalFaces,
    more: Sequence[Box] = (),
    least: int = 0,
) -> Masked:
    """Change every face that is found, and ``more`` regions, and write the picture anew.

    Metadata are left behind. Raises PictureRefused when there are fewer regions than ``least``,
    or none, and when a face is still found afterwards.
    """
    form = inspect(content).media_type
    image = _plain(read_picture(content))
    faces = detector.find(image)
    regions = [_widened(box, image.size) for box in faces] + [_clipped(b, image.size) for b in more]
    if len(regions) < max(least, 1):
        raise PictureRefused(
            f"{len(regions)} faces are found and {max(least, 1)} wanted: mark the regions by hand"
        )
    for region in regions:
        _change(image, region, method)
    name = next(name for name, media_type in FORMATS.items() if media_type == form)
    target = io.BytesIO()
    image.save(target, name, **_OPTIONS[name])
    written = target.getvalue()
    if left := detector.find(read_picture(written)):
        raise PictureRefused(f"{len(left)} faces are still found afterwards: mask more of it")
    return Masked(written, form, image.width, image.height, len(regions), len(faces))


def _plain(image: Image.Image) -> Image.Image:
    """Return only the pixels: no metadata, no profile, no palette."""
    kept = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return Image.frombytes(kept.mode, kept.size, kept.tobytes())


def _widened(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    across, down = box.width * MARGIN // 100, box.height * MARGIN // 100
    return _clipped(
        Box(box.left - across, box.top - down, box.width + 2 * across, box.height + 2 * down), size
    )


def _clipped(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    left, top = max(box.left, 0), max(box.top, 0)
    right, bottom = min(box.left + box.width, size[0]), min(box.top + box.height, size[1])
    if right <= left or bottom <= top:
        raise PictureRefused("a region lies outside of the picture")
    return left, top, right, bottom


def _change(image: Image.Image, region: tuple[int, int, int, int], method: Masking) -> None:
    part = image.crop(region)
    if method is Masking.MASK:
        part = Image.new(image.mode, part.size, (0, 0, 0, 255)[: len(image.getbands())])
    else:
        # Squares first, also for a blur: a blur alone can be undone in part.
        small = part.resize((SQUARES, SQUARES), Image.Resampling.BOX)
        part = small.resize(part.size, Image.Resampling.NEAREST)
        if method is Masking.BLUR:
            part = part.filter(ImageFilter.GaussianBlur(max(part.size) / SQUARES))
    image.paste(part, region[:2])
