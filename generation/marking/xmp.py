"""The XMP packet that says *made by a trained algorithm*, and the bytes that carry it."""

import io

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation.marking.intake import ImageFormat, Picture

# IPTC NewsCodes, digitalsourcetype; the value that C2PA and the IPTC photo metadata share.
TRAINED_ALGORITHMIC_MEDIA = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"

_PACKET = f"""\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    Iptc4xmpExt:DigitalSourceType="{TRAINED_ALGORITHMIC_MEDIA}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>""".encode()


def encode_with_xmp(picture: Picture) -> bytes:
    """Encode ``picture`` in its own format with the XMP packet and no other metadata.

    PNG and lossless WebP keep every sample; JPEG is written at quality 95 without subsampling.
    The same picture gives the same bytes on the same pinned Pillow.
    """
    target = io.BytesIO()
    _WRITERS[picture.format](picture.image, target)
    return target.getvalue()


def _write_png(image: Image.Image, target: io.BytesIO) -> None:
    chunks = PngInfo()
    # XMP specification part 3, section 1.1.5: an uncompressed iTXt chunk of this keyword.
    chunks.add_itxt("XML:com.adobe.xmp", _PACKET.decode())
    image.save(target, "PNG", pnginfo=chunks)


def _write_jpeg(image: Image.Image, target: io.BytesIO) -> None:
    opaque = image.convert("RGB") if image.mode == "RGBA" else image
    opaque.save(target, "JPEG", quality=95, subsampling=0, xmp=_PACKET)


def _write_webp(image: Image.Image, target: io.BytesIO) -> None:
    image.save(target, "WEBP", lossless=True, exact=True, xmp=_PACKET)


_WRITERS = {
    ImageFormat.PNG: _write_png,
    ImageFormat.JPEG: _write_jpeg,
    ImageFormat.WEBP: _write_webp,
}
