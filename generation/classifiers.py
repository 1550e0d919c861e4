"""Signals: what a program sees in an image, as integers that policy rules weigh.

A signal is a pointer for a person, never a decision by itself, and says nothing of who is in an
image: there is no recognition here. A classifier is anything with the shape of `Classifier`;
further ones are named in the setting ``MUNIMENT_CLASSIFIERS`` as dotted paths.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string
from PIL import Image

from consent.vetting import faces

DEFAULT_CLASSIFIERS = ("generation.classifiers.FrontalFaces",)


class Classifier(Protocol):
    """One program that looks at an image."""

    name: str
    version: str

    def signals(self, image: Image.Image) -> Mapping[str, int]:
        """Return the signals of ``image``, each an integer called ``<noun>.<measure>``."""
        ...


class FrontalFaces:
    """Counts the faces that the house's one detector finds; see ``consent.vetting.faces``."""

    name = faces.FrontalFaces.name
    version = faces.FrontalFaces.version

    def signals(self, image: Image.Image) -> Mapping[str, int]:
        """Return ``face.count``."""
        return {"face.count": len(faces.detector().find(image))}


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
