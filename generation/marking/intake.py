"""Take in bytes that claim to be an image, and trust nothing about them.

Limits are checked before anything is inflated: bytes first, then the size that the header
names, then the pixels themselves, decoded whole so that a truncated file is refused here.
"""

import io
import warnings
from dataclasses import dataclass
from enum import StrEnum

from PIL import Image, UnidentifiedImageError

from generation.errors import ImageRefused, ImageTooLarge


class ImageFormat(StrEnum):
    """The formats that can carry our marks, by Pillow's names."""

    PNG = "PNG"
    JPEG = "JPEG"
    WEBP = "WEBP"

    @property
    def media_type(self) -> str:
        """Return the media type, as HTTP and C2PA write it."""
        return f"image/{self.value.lower()}"


@dataclass(frozen=True)
class Limits:
    """What is taken at most: bytes as uploaded, and pixels once decoded."""

    max_bytes: int = 32 * 1024 * 1024
    max_pixels: int = 4096 * 4096


@dataclass(frozen=True)
class Picture:
    """A decoded still image: RGB, RGBA or grey pixels, in memory, and the format it came in."""

    image: Image.Image
    format: ImageFormat

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height in pixels."""
        return self.image.size


def sniff(content: bytes) -> ImageFormat:
    """Return the format that the first bytes announce. Raises ImageRefused for any other."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return ImageFormat.PNG
    if content.startswith(b"\xff\xd8\xff"):
        return ImageFormat.JPEG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ImageFormat.WEBP
    raise ImageRefused(f"{len(content)} bytes are no image, wanted {', '.join(ImageFormat)}")


def decode(
    content: bytes,
    *,
    limits: Limits = Limits(),
    accepted: frozenset[ImageFormat] = frozenset(ImageFormat),
) -> Picture:
    """Decode one still image completely.

    Raises ImageTooLarge past ``limits`` (before inflating), and ImageRefused for bytes that are
    no image of an ``accepted`` format, are cut short or damaged, or hold more than one frame.
    """
    wanted = ", ".join(sorted(accepted))
    if len(content) > limits.max_bytes:
        raise ImageTooLarge(f"image has {len(content)} bytes, at most {limits.max_bytes} are taken")
    try:
        # Pillow warns of large images by itself; our own limit below is the one that counts.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _decode(content, limits, accepted)
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(
            f"image claims far more than the {limits.max_pixels} pixels that are taken"
        ) from error
    except UnidentifiedImageError as error:
        raise ImageRefused(f"{len(content)} bytes are no image, wanted {wanted}") from error
    except (OSError, ValueError, SyntaxError, MemoryError) as error:
        raise ImageRefused(f"image is truncated or damaged, wanted a whole {wanted}") from error


def _decode(content: bytes, limits: Limits, accepted: frozenset[ImageFormat]) -> Picture:
    with Image.open(io.BytesIO(content), formats=sorted(accepted)) as image:
        width, height = image.size
        if width * height > limits.max_pixels:
            raise ImageTooLarge(
                f"image has {width} x {height} pixels, at most {limits.max_pixels} are taken"
            )
        if getattr(image, "n_frames", 1) != 1:
            raise ImageRefused("image is animated, wanted a single frame")
        image.verify()
    # Verifying checks every chunk to the last and uses the image up; only then are pixels read.
    with Image.open(io.BytesIO(content), formats=sorted(accepted)) as image:
        image.load()
        assert image.format is not None
        return Picture(image=_plain(image), format=ImageFormat(image.format))


def _plain(image: Image.Image) -> Image.Image:
    """Copy the pixels alone: what Pillow keeps in ``info`` (text, EXIF, profiles) stays behind."""
    if image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    return bare
