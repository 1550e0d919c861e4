"""Uploads stay in memory: nothing that people send lies on a disk before it is sealed."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import MemoryFileUploadHandler


class MemoryOnly(MemoryFileUploadHandler):
    """Keep every file of a request in memory, up to MUNIMENT_UPLOAD_BYTES for all together."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        self.activated = True
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Take one chunk. Raises RequestDataTooBig."""
        self.received += len(raw_data)
        if self.received > settings.MUNIMENT_UPLOAD_BYTES:
            raise RequestDataTooBig(f"the files exceed {settings.MUNIMENT_UPLOAD_BYTES} bytes")
        super().receive_data_chunk(raw_data, start)
