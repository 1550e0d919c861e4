"""What keeps the ledger from answering: one sentence for each reason (``/readyz``)."""

from collections.abc import Iterator

from django.db import DatabaseError

from ledger.errors import JournalBroken
from ledger.services import replay


def unreplayed_destructions() -> Iterator[str]:
    """Say so while a restored backup holds what was destroyed since it was made."""
    try:
        count = replay.count_survivors()
    except JournalBroken as error:
        yield str(error)
    except DatabaseError:
        # That a database does not answer is said by another check.
        return
    else:
        if count:
            yield f"replaying {count} destructions that a restored backup has undone"
