import hashlib
import struct
import zlib

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation.errors import ImageRefused, ImageTooLarge
from generation.marking.intake import ImageFormat, Limits, Picture, decode, sniff
from generation.marking.manifest import (
    DisclosedModel,
    Maker,
    Receipt,
    build_manifest,
    receipt_label,
)
from generation.marking.pixels import pixel_digest
from generation.marking.prepare import prepare
from generation.marking.xmp import TRAINED_ALGORITHMIC_MEDIA, encode_with_xmp
from tests.generation.images import drawn, encoded, flipped

PNG_ONLY = frozenset({ImageFormat.PNG})


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_that_claims(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def animated() -> bytes:
    frames = [drawn("L"), drawn("L").transpose(Image.Transpose.ROTATE_180)]
    return encoded(frames[0], save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("content", "error", "complaint"),
    [
        (b"", ImageRefused, "0 bytes are no image, wanted PNG"),
        (b"no image at all", ImageRefused, "15 bytes are no image, wanted PNG"),
        (b"\x89PNG\r\n\x1a\n", ImageRefused, "wanted"),
        (encoded()[:-200], ImageRefused, "truncated or damaged, wanted a whole PNG"),
        (encoded()[:-5], ImageRefused, "truncated or damaged"),
        (flipped(encoded(), 500), ImageRefused, "truncated or damaged"),
        (encoded()[:60], ImageRefused, "truncated or damaged"),
        (encoded(form="JPEG"), ImageRefused, "no image, wanted PNG"),
        (encoded(form="GIF"), ImageRefused, "no image, wanted PNG"),
        (animated(), ImageRefused, "animated, wanted a single frame"),
        (encoded(drawn(size=(101, 100))), ImageTooLarge, "101 x 100 pixels, at most 10000"),
        (png_that_claims(60_000, 60_000), ImageTooLarge, "far more than the 10000 pixels"),
        (png_that_claims(100, 100), ImageRefused, "truncated or damaged"),
        (png_that_claims(0, 7), ImageRefused, "wanted"),
        (b"x" * 100_001, ImageTooLarge, "100001 bytes, at most 100000"),
    ],
)
def test_hostile_upload_is_refused_in_words(
    content: bytes, error: type[Exception], complaint: str
) -> None:
    limits = Limits(max_bytes=100_000, max_pixels=10_000)
    with pytest.raises(error, match=complaint):
        decode(content, limits=limits, accepted=PNG_ONLY)


@pytest.mark.parametrize("cut", range(0, len(encoded()), 371))
def test_no_truncation_escapes_as_a_foreign_error(cut: int) -> None:
    with pytest.raises(ImageRefused):
        decode(encoded()[:cut])


@pytest.mark.parametrize("mode", ["1", "P", "LA", "I;16", "L", "RGB", "RGBA"])
def test_odd_modes_become_plain_ones(mode: str) -> None:
    source = drawn("L").convert(mode) if mode == "I;16" else drawn().convert(mode)
    assert decode(encoded(source)).image.mode in ("L", "RGB", "RGBA")


@pytest.mark.parametrize("form", list(ImageFormat))
def test_first_bytes_tell_the_format(form: ImageFormat) -> None:
    assert sniff(encoded(form=form)) is form
    with pytest.raises(ImageRefused, match="4 bytes are no image, wanted PNG, JPEG, WEBP"):
        sniff(b"RIFF")


def test_pixel_digest_is_the_hash_of_domain_size_and_samples() -> None:
    image = Image.new("RGB", (2, 1))
    image.putdata([(1, 2, 3), (4, 5, 6)])
    spelled_out = b"muniment/pixels/v1\0" + bytes([0, 0, 0, 2, 0, 0, 0, 1])
    spelled_out += bytes([1, 2, 3, 255, 4, 5, 6, 255])
    assert pixel_digest(image) == hashlib.sha256(spelled_out).digest()


def test_pixel_digest_sees_the_shape() -> None:
    image = Image.new("RGB", (4, 2))
    assert pixel_digest(image) != pixel_digest(image.resize((2, 4)))


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_preparing_keeps_every_sample(form: str, mode: str) -> None:
    options = {"lossless": True, "exact": True} if form == "WEBP" else {}
    image = drawn(mode)
    prepared = prepare(encoded(image, form, **options))
    assert prepared.pixel_digest == pixel_digest(image)
    assert prepared.media_type == f"image/{form.lower()}"
    assert prepared.presigned_digest == hashlib.sha256(prepared.content).digest()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_prepared_files_say_where_they_come_from(form: str) -> None:
    prepared = prepare(encoded(form=form))
    assert TRAINED_ALGORITHMIC_MEDIA.encode() in prepared.content
    assert prepare(prepared.content).media_type == prepared.media_type


def test_preparing_twice_gives_the_same_bytes() -> None:
    assert prepare(encoded()).content == prepare(encoded()).content


def test_nothing_but_pixels_survives_preparation() -> None:
    info = PngInfo()
    info.add_text("prompt", "a portrait of Ada Invented")
    exif = Image.Exif()
    exif[0x010E] = "a portrait of Ada Invented"
    content = encoded(pnginfo=info, exif=exif)
    assert b"Ada Invented" in content
    assert b"Ada Invented" not in prepare(content).content


def test_jpeg_of_an_image_with_alpha_is_opaque() -> None:
    content = encode_with_xmp(Picture(image=drawn("RGBA"), format=ImageFormat.JPEG))
    assert decode(content).image.mode == "RGB"


@pytest.mark.parametrize(
    ("origin", "label"),
    [
        ("log.example", "example.log.ledger-receipt"),
        ("log.example/default", "example.log.ledger-receipt"),
        ("localhost:8000/x", "localhost.ledger-receipt"),
    ],
)
def test_receipt_label_stands_in_the_operators_own_name_space(origin: str, label: str) -> None:
    assert receipt_label(origin) == label


def a_manifest() -> dict:
    return build_manifest(
        media_type="image/png",
        maker=Maker("Muniment", "1"),
        model=DisclosedModel("shapes", "1", bytes(32)),
        label="example.log.ledger-receipt",
        receipt=Receipt("leaf", 7, (b"\1" * 32,), "checkpoint", {"r": "x"}),
    )


def test_every_assertion_is_a_created_one() -> None:
    assertions = a_manifest()["assertions"]
    assert [each["label"] for each in assertions] == [
        "c2pa.actions.v2",
        "c2pa.ai-disclosure",
        "cawg.training-mining",
        "example.log.ledger-receipt",
    ]
    assert all(each["created"] for each in assertions)


def test_manifest_names_specification_and_all_actions() -> None:
    manifest = a_manifest()
    assert manifest["claim_generator_info"][0]["specVersion"] == "2.4.0"
    actions = manifest["assertions"][0]["data"]
    assert actions["allActionsIncluded"] is True
    assert actions["actions"][0]["digitalSourceType"] == TRAINED_ALGORITHMIC_MEDIA
