"""The sequencer's name plate: what it tells of itself to every session of the database.

``application_name`` is what any login may read of another's session. It needs no room on a disk
and no right to write, it reaches every machine, and it ends with whoever said it.
"""

from contextlib import suppress
from typing import Any

from django.db import Error, connection

from ledger.conditions import Name

_TITLE = "muniment sequencer"


class NamePlate:
    """Shows the state that holds up a sequencer on the connection that it polls with."""

    def __init__(self) -> None:
        self._shown: tuple[Any, Name | None] = (None, None)

    def show(self, name: Name | None) -> None:
        """Show ``name``, None while all is well. No transaction may be open; never raises."""
        if self._shown == (connection.connection, name) and connection.connection is not None:
            return
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('application_name', %s, false)",
                [f"{_TITLE}: {name}" if name else _TITLE],
            )
            self._shown = (connection.connection, name)


def read_plates() -> list[Name | None]:
    """Return what each connected sequencer shows. Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT application_name FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE %s",
            [f"{_TITLE}%"],
        )
        shown = [name.removeprefix(_TITLE).removeprefix(": ") for (name,) in cursor.fetchall()]
    known: dict[str, Name] = {str(name): name for name in Name}
    return [known.get(name) for name in shown]
