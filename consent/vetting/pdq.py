"""PDQ: 256 bits of what a picture looks like, close for pictures that look alike.

Meta's ThreatExchange, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm"
(2019), from the luma on; its reference programs shrink large pictures beforehand, we do not.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from consent.vetting.hashes import Hash

_SIDE, _KEPT = 64, 16
_LUMA = (0.299, 0.587, 0.114)
_Floats = NDArray[np.float32]


def hash_picture(image: Image.Image) -> Hash:
    """Return the PDQ hash of a picture of any mode, transparent parts as they are stored."""
    small = _shrink(_luma(image))
    terms = _DCT @ small @ _DCT.T
    # The lower median, so that exactly half of the bits are set when no two terms are equal.
    median = np.partition(terms, 127, axis=None)[127]
    bits = np.packbits((terms > median).ravel(), bitorder="little")
    return Hash(bits[::-1].tobytes(), _quality(small))


def _luma(image: Image.Image) -> _Floats:
    channels = np.asarray(image.convert("RGB"), dtype=np.float32)
    luma: _Floats = channels @ np.array(_LUMA, dtype=np.float32)
    return luma


def _shrink(luma: _Floats) -> _Floats:
    """Return 64 × 64 samples of ``luma``, smoothed by two box filters each way (Jarosz)."""
    for _ in range(2):
        luma = _box(luma, axis=1)
        luma = _box(luma, axis=0)
    rows, columns = (
        ((np.arange(_SIDE) + 0.5) * size / _SIDE).astype(np.intp) for size in luma.shape
    )
    return luma[np.ix_(rows, columns)]


def _box(luma: _Floats, axis: int) -> _Floats:
    """Average over a window along ``axis``, over what of it lies inside the picture."""
    size = luma.shape[axis]
    window = (size + 2 * _SIDE - 1) // (2 * _SIDE)
    right = (window + 2) // 2
    sums = np.insert(np.cumsum(luma, axis=axis, dtype=np.float64), 0, 0.0, axis=axis)
    places = np.arange(size)
    ends = np.minimum(places + right, size)
    begins = np.maximum(places + right - window, 0)
    shape = (-1, 1) if axis == 0 else (1, -1)
    totals = sums.take(ends, axis=axis) - sums.take(begins, axis=axis)
    averages: _Floats = (totals / (ends - begins).reshape(shape)).astype(np.float32)
    return averages


def _quality(small: _Floats) -> int:
    steps = sum(
        int(np.abs(np.trunc(np.diff(small, axis=axis) * 100 / 255)).sum()) for axis in (0, 1)
    )
    return min(steps // 90, 100)


def _dct() -> _Floats:
    rows, columns = np.arange(1, _KEPT + 1)[:, None], np.arange(_SIDE)[None, :]
    cosines = np.cos(np.pi / 2 / _SIDE * rows * (2 * columns + 1))
    matrix: _Floats = (np.sqrt(2 / _SIDE) * cosines).astype(np.float32)
    return matrix


_DCT = _dct()
