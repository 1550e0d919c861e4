"""Signals: what a program sees in an image, as integers that policy rules weigh.

A signal is a pointer for a person, never a decision by itself, and says nothing of who is in an
image: there is no recognition here. A classifier is anything with the shape of `Classifier`;
further ones are named in the setting ``MUNIMENT_CLASSIFIERS`` as dotted paths.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Protocol

import cv2
import numpy as np
from django.conf import settings
from django.utils.module_loading import import_string
from PIL import Image

DEFAULT_CLASSIFIERS = ("generation.classifiers.FrontalFaces",)


class Classifier(Protocol):
    """One program that looks at an image."""

    name: str
    version: str

    def signals(self, image: Image.Image) -> Mapping[str, int]:
        """Return the signals of ``image``, each an integer called ``<noun>.<measure>``."""
        ...


class FrontalFaces:
    """Counts frontal faces by OpenCV's Haar cascade ``alt2``; misses profiles and small faces."""

    name = "opencv.haar.frontalface_alt2"
    version = cv2.__version__
    max_side_pixels = 640

    def __init__(self) -> None:
        path = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_alt2.xml"
        self._cascade = cv2.CascadeClassifier(str(path))
        # One cascade holds the state of one detection; workers are threads.
        self._lock = Lock()

    def signals(self, image: Image.Image) -> Mapping[str, int]:
        """Return ``face.count``."""
        grey = image.convert("L")
        # The cascade's cost grows with the area, and a face of 24 pixels is found anyway.
        grey.thumbnail((self.max_side_pixels, self.max_side_pixels))
        levels = cv2.equalizeHist(np.asarray(grey))
        with self._lock:
            faces = self._cascade.detectMultiScale(
                levels, scaleFactor=1.1, minNeighbors=4, minSize=(24, 24)
            )
        return {"face.count": len(faces)}


@lru_cache(maxsize=1)
def active_classifiers() -> Sequence[Classifier]:
    """Return the classifiers named in the settings, each made once per process."""
    names = getattr(settings, "MUNIMENT_CLASSIFIERS", DEFAULT_CLASSIFIERS)
    return tuple(import_string(name)() for name in names)


def look(image: Image.Image) -> dict[str, int]:
    """Return the signals of all active classifiers together."""
    found: dict[str, int] = {}
    for classifier in active_classifiers():
        found.update(classifier.signals(image))
    return found
