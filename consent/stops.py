"""Reader: what was stopped by an impact decision, and whose consent no longer stands.

PostgreSQL asks the same of itself before a training or a run is authorised (0002).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from consent.decision import Outcome
from consent.decisions import decide_uses
from consent.models import ImpactDecision
from consent.uses import Measure, Use

_AT_ONCE = 500


@dataclass(frozen=True)
class Standing:
    """What stands against the use of some versions: people whose consent ended, their items,
    versions that an open or unkept line of an impact case concerns, and codes of decisions."""

    people: int = 0
    items: int = 0
    concerned: int = 0
    codes: tuple[str, ...] = ()

    @property
    def is_clear(self) -> bool:
        """Return whether nothing stands against it."""
        return not (self.people or self.items or self.concerned or self.codes)


def find_stopped(nodes: Iterable[UUID]) -> set[UUID]:
    """Return those of ``nodes`` (ids of versions or models) whose use was stopped."""
    stopped = ImpactDecision.objects.filter(node__in=list(nodes), decision=Measure.STOP_USE.value)
    return set(stopped.values_list("node", flat=True))


def find_standing(versions: Sequence[UUID]) -> Standing:
    """Count what stands against the use of ``versions`` now, in sets, not item by item."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH gone AS MATERIALIZED (SELECT subject_id FROM consent_not_standing(%s))
            SELECT (SELECT count(*) FROM gone),
                (SELECT count(DISTINCT d.item_id) FROM gone
                    JOIN consent_depiction d ON d.subject_id = gone.subject_id
                    JOIN consent_item i ON i.id = d.item_id
                    WHERE i.aside = '' AND i.version_id = ANY(%s)),
                (SELECT count(DISTINCT node) FROM consent_impactdecision
                    WHERE node = ANY(%s) AND decision IS DISTINCT FROM 'keep')""",
            [list(versions)] * 3,
        )
        people, items, concerned = cursor.fetchone()
    return Standing(people, items, concerned)


def decide_people(versions: Sequence[UUID], use: Use) -> tuple[str, ...]:
    """Ask ``decide()`` for everybody in ``versions``, some hundred at a time.

    Return the codes of what speaks against ``use``, each once; none when all allow it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT d.subject_id FROM consent_item i"
            " JOIN consent_depiction d ON d.item_id = i.id WHERE i.aside = ''"
            " AND i.version_id = ANY(%s)",
            [list(versions)],
        )
        people = [person for (person,) in cursor.fetchall()]
    codes: dict[str, None] = {}
    for begin in range(0, len(people), _AT_ONCE):
        decision = decide_uses(people[begin : begin + _AT_ONCE], [use])
        if decision.outcome is not Outcome.ALLOWED:
            against = (r.code.value for r in decision.reasons if r.outcome is not Outcome.ALLOWED)
            codes |= dict.fromkeys(against)
    return tuple(codes)
