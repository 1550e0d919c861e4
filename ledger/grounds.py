"""Reader: what time and completeness of a log rest on, by what outsiders have said of it."""

from ledger.models import Cosignature, Incarnation, TimeStamp
from ledger.publication import witnessed_sizes
from ledger.verifier.signatures import Witnessed
from ledger.verifier.stamps import Stamped
from ledger.verifier.verify import join_grounds


def read_grounds(incarnation: Incarnation, size: int) -> str:
    """Say what the first ``size`` leaves rest on, in the words of line 2 of a verdict.

    Outsiders' words were checked before they were kept; ``verify_log`` checks them again.
    """
    stamps = TimeStamp.objects.filter(
        checkpoint__incarnation=incarnation, checkpoint__size__lte=size
    )
    newest = stamps.order_by("-checkpoint__size", "stamped_at")
    stamp = newest.values_list("checkpoint__size", "stamped_at").first()
    witnessed = [
        Witnessed(frozenset(_names(incarnation, seen)), seen)
        for seen in witnessed_sizes(incarnation, size)
    ]
    return join_grounds(Stamped(*stamp) if stamp else None, *witnessed)


def _names(incarnation: Incarnation, size: int) -> list[str]:
    signed = Cosignature.objects.filter(
        checkpoint__incarnation=incarnation, checkpoint__size=size, witness__is_active=True
    )
    return list(signed.values_list("witness__name", flat=True).distinct())
