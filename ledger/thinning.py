"""Thinning: checkpoints that nobody needs leave, or five a second would stay for ever.

PostgreSQL itself refuses to delete one that somebody needs (``ledger_is_needed``).
"""

from django.db import connection, transaction

from ledger.models import Incarnation

# At most so many in one transaction.
BATCH = 1_000


class Thinning:
    """Goes over each log's checkpoints once, and then on from where it was."""

    def __init__(self) -> None:
        self._done: dict[int, int] = {}

    def thin(self, incarnation: Incarnation) -> int:
        """Delete what is not needed up to the last offer but one; return how many went.

        Needs the role sequencer. Those above are young: somebody may be reading them.
        """
        sizes = incarnation.offers.order_by("-id").values_list("checkpoint__size", flat=True)
        end = max(sizes[1:2], default=0)
        begin = self._done.get(incarnation.pk, 0)
        gone = 0
        while begin < end:
            begin, removed = self._thin(incarnation, begin, end)
            gone += removed
        self._done[incarnation.pk] = begin
        return gone

    @staticmethod
    def _thin(incarnation: Incarnation, begin: int, end: int) -> tuple[int, int]:
        """Thin one batch of the sizes (begin, end); return where it ended and how many went."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, size, ledger_is_needed(id) FROM ledger_checkpoint "
                "WHERE incarnation_id = %s AND size > %s AND size < %s ORDER BY size LIMIT %s",
                [incarnation.pk, begin, end, BATCH],
            )
            rows = cursor.fetchall()
            ids = [pk for pk, _, is_needed in rows if not is_needed]
            cursor.execute("DELETE FROM ledger_anchored WHERE checkpoint_id = ANY(%s)", [ids])
            cursor.execute("DELETE FROM ledger_checkpoint WHERE id = ANY(%s)", [ids])
        return rows[-1][1] if len(rows) == BATCH else end, len(ids)
