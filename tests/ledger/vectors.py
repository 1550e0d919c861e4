"""Known answers, read from fixtures/vectors."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "fixtures" / "vectors"


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text("utf-8"))


def fixed(tag: str) -> bytes:
    """Return the 32 "random" bytes that the worked example has under ``tag``."""
    return sha256(b"fixed-for-the-example/" + tag.encode()).digest()
