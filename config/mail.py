"""Letters as files: the post of the embedded default, where a link is read instead of mailed.

A letter holds a way in, so its file is its owner's only and goes with its link.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class FolderBackend(BaseEmailBackend):
    """Write each message to a file of its own, named by the first half of its Message-ID."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            path = folder / f"{_name(message)}.eml"
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
                file.write(message.message().as_bytes())
        return len(email_messages)


def _name(message: EmailMessage) -> UUID:
    said = message.extra_headers.get("Message-ID", "").strip("<>").partition("@")[0]
    try:
        return UUID(said)
    except ValueError:
        return uuid4()
