"""Hashes, faces and masks of pictures. The astronaut is scikit-image's, a NASA portrait."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

from consent.errors import PictureRefused
from consent.uses import Masking
from consent.vetting.faces import Box, detector
from consent.vetting.hashes import read_stated
from consent.vetting.masking import mask_picture, read_picture
from consent.vetting.pdq import hash_picture


def waves(width: int = 400, height: int = 300) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    bands = [(x * 5 + y) % 256, (y * 3) % 256, (x * y // 97) % 256]
    return Image.fromarray(np.stack(bands, -1).astype(np.uint8))


@pytest.fixture(scope="module")
def astronaut() -> Image.Image:
    data = pytest.importorskip("skimage.data")
    return Image.fromarray(np.asarray(data.astronaut()))


def written(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def apart(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def test_hash_is_that_of_the_reference_program() -> None:
    # As the package pdqhash 0.2.8, which wraps the reference program, gives it.
    wanted = "529595a5292cd369b64accda19aaf156c6b5952572c985997e7381c70a0a7afe"
    found = hash_picture(waves())
    assert (found.value.hex(), found.quality) == (wanted, 100)


@pytest.mark.skipif(shutil.which("c++") is None, reason="pdqhash is built from C++")
@pytest.mark.parametrize("size", [(30, 20), (64, 64), (100, 300), (513, 700)])
def test_hash_agrees_with_pdqhash(size: tuple[int, int]) -> None:
    pdqhash = pytest.importorskip("pdqhash")
    image = waves(*size)
    bits, quality = pdqhash.compute(np.asarray(image))
    found = hash_picture(image)
    assert (found.value, found.quality) == (np.packbits(bits).tobytes(), quality)


def test_what_looks_alike_is_near_and_what_does_not_is_far(astronaut: Image.Image) -> None:
    first = hash_picture(astronaut)
    small = hash_picture(read_picture(written(astronaut.resize((300, 300)), "JPEG", quality=60)))
    assert apart(first.value, small.value) <= 31
    assert apart(first.value, hash_picture(waves()).value) > 90


def test_an_empty_picture_tells_nothing() -> None:
    assert not hash_picture(Image.new("RGB", (200, 200), "grey")).is_telling


def test_only_what_has_256_bits_is_read_as_a_hash() -> None:
    assert read_stated("AB" * 32) == bytes([0xAB]) * 32
    assert [read_stated(text) for text in ("", "ab" * 8, "zz" * 32)] == [None] * 3


@pytest.mark.parametrize("method", sorted(Masking))
def test_no_face_is_found_behind_a_mask(astronaut: Image.Image, method: Masking) -> None:
    (face,) = detector().find(astronaut)
    masked = mask_picture(written(astronaut), method, detector())
    assert (masked.regions, masked.faces, masked.media_type) == (1, 1, "image/png")
    after = read_picture(masked.content)
    assert detector().find(after) == []
    assert after.size == astronaut.size
    # Only the surroundings of the face are other than before.
    changed = np.argwhere(np.asarray(after) != np.asarray(astronaut))
    assert changed.min(axis=0)[0] >= face.top - face.height
    assert changed.max(axis=0)[1] <= face.left + 2 * face.width


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_metadata_stay_behind_and_the_picture_stays_upright(
    astronaut: Image.Image, form: str
) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "Ada Invented"
    lying = astronaut.transpose(Image.Transpose.ROTATE_90)
    masked = mask_picture(written(lying, form, exif=exif), Masking.MASK, detector())
    assert b"Invented" not in masked.content
    with Image.open(io.BytesIO(masked.content)) as image:
        assert (image.format, dict(image.getexif()), image.size) == (form, {}, astronaut.size)


def test_a_picture_in_which_nobody_is_found_needs_a_region() -> None:
    content = written(waves())
    with pytest.raises(PictureRefused, match="0 faces are found and 1 wanted"):
        mask_picture(content, Masking.MASK, detector())
    masked = mask_picture(content, Masking.MASK, detector(), [Box(10, 20, 30, 40)])
    assert not np.asarray(read_picture(masked.content))[20:60, 10:40].any()


def test_more_people_than_faces_are_refused(astronaut: Image.Image) -> None:
    with pytest.raises(PictureRefused, match="1 faces are found and 2 wanted"):
        mask_picture(written(astronaut), Masking.BLUR, detector(), least=2)


def test_a_region_outside_is_refused() -> None:
    with pytest.raises(PictureRefused, match="outside"):
        mask_picture(written(waves()), Masking.MASK, detector(), [Box(500, 0, 10, 10)])


def test_a_face_that_is_left_is_refused(astronaut: Image.Image) -> None:
    class Late(type(detector())):  # type: ignore[misc]
        """A detector that sees a face only at its second look."""

        looks = 0

        def find(self, image: Image.Image) -> list[Box]:
            self.looks += 1
            return super().find(image) if self.looks > 1 else []

    with pytest.raises(PictureRefused, match="1 faces are still found afterwards"):
        mask_picture(written(astronaut), Masking.MASK, Late(), [Box(0, 0, 9, 9)])
