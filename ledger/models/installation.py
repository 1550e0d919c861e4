"""What the installation itself was like when it was last put on record."""

from django.db import models

from ledger.models.recorded import Recorded


class Observation(Recorded):
    """One thing about the installation, as it was last recorded; compared by its digest.

    ``name`` is ``deployment``, ``controls``, ``migration:<app>.<name>``, ``setting:<NAME>`` or
    ``verification:<log>``.
    """

    name = models.CharField(max_length=200, unique=True)
    digest = models.CharField(max_length=71, help_text="sha256:…; of a setting, keyed.")
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
