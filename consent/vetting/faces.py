"""Where faces are in a picture: boxes, and nothing of whose. There is no recognition here."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from threading import Lock

from PIL import Image

MAX_SIDE = 640


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels, from the top left."""

    left: int
    top: int
    width: int
    height: int


class FrontalFaces:
    """Finds frontal faces by OpenCV's Haar cascade ``alt2``; misses profiles and small faces."""

    name = "opencv.haar.frontalface_alt2"
    version = version("opencv-python-headless")

    def __init__(self) -> None:
        # Not before it is needed: it takes 40 MiB of each process that has it.
        import cv2
        import cv2.data

        self._equalize = cv2.equalizeHist
        path = f"{cv2.data.haarcascades}haarcascade_frontalface_alt2.xml"
        self._cascade = cv2.CascadeClassifier(path)
        # One cascade holds the state of one detection; workers are threads.
        self._lock = Lock()

    def find(self, image: Image.Image) -> list[Box]:
        """Return the boxes of faces in ``image``, in its own pixels, from left to right."""
        import numpy as np

        grey = image.convert("L")
        # The cascade's cost grows with the area, and a face of 24 pixels is found anyway.
        grey.thumbnail((MAX_SIDE, MAX_SIDE))
        levels = self._equalize(np.asarray(grey))
        with self._lock:
            found = self._cascade.detectMultiScale(
                levels, scaleFactor=1.1, minNeighbors=4, minSize=(24, 24)
            )
        across, down = image.width / grey.width, image.height / grey.height
        return sorted(
            (
                Box(int(x * across), int(y * down), int(w * across), int(h * down))
                for x, y, w, h in found
            ),
            key=lambda box: (box.left, box.top),
        )


@lru_cache(maxsize=1)
def detector() -> FrontalFaces:
    """Return the detector, made once per process."""
    return FrontalFaces()
