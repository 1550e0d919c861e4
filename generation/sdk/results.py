"""What a recorded call gives back: the marked images, exactly as they were signed."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class RecordedOutput:
    """One image of a run: its id and state, and its marked bytes once it is released."""

    id: str
    state: str
    codes: tuple[str, ...] = ()
    digest: str | None = None
    manifest: str | None = None
    content: bytes | None = field(default=None, repr=False)

    @cached_property
    def image(self) -> "Image.Image":
        """Return the pixels. Saving them anew loses the marks: use ``save``."""
        from PIL import Image

        if self.content is None:
            raise ValueError(f"output {self.id} is {self.state}, there is no image")
        return Image.open(io.BytesIO(self.content))

    def save(self, path: str | Path) -> Path:
        """Write the exact bytes that were signed, and return where."""
        if self.content is None:
            raise ValueError(f"output {self.id} is {self.state}, there is no image")
        target = Path(path)
        target.write_bytes(self.content)
        return target


@dataclass(frozen=True)
class RecordedResult:
    """All images of one run, in the pipeline's order."""

    run: str
    outputs: Sequence[RecordedOutput]
    seeds: tuple[str, ...] = ()

    @property
    def images(self) -> "list[Image.Image]":
        """Return the released images, as the pipeline itself would."""
        return [output.image for output in self.outputs if output.content is not None]

    @property
    def withheld(self) -> list[RecordedOutput]:
        """Return the outputs that are held or blocked."""
        return [output for output in self.outputs if output.content is None]
