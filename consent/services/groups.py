"""Whom a version shows, as somebody declares it. Nothing is inferred."""

from collections.abc import Sequence
from uuid import UUID

import orjson
from django.db import transaction

from consent import kinds
from consent.models import DatasetVersion, GroupDeclaration
from consent.moment import database_now
from consent.services.arrivals import get_draft
from consent.services.authority import Actor, Operator, by
from consent.vetting.representativeness import Group, check_groups
from ledger import vault
from ledger.kinds import NoFacts
from ledger.models import HOUSE_SCOPE
from ledger.services import Unsealed, append


@transaction.atomic
def declare_groups(*, actor: Actor, version_id: UUID, groups: Sequence[Group]) -> GroupDeclaration:
    """Say of a draft how many pictures it has of which groups; the newest declaration counts.

    Raises NotPermitted, Unknown, WrongState when it is no draft, TermsRefused.
    """
    version = get_draft(actor, version_id)
    check_groups(groups)
    row = GroupDeclaration(
        version=version,
        declared_by=None if isinstance(actor, Operator) else actor,
        declared_at=database_now(),
    )
    said = [[one.aspect, one.name, one.count, one.target] for one in groups]
    row.groups = vault.keys([HOUSE_SCOPE]).seal(row, "groups", orjson.dumps(said))
    row.save(force_insert=True)
    append(
        kind=kinds.GROUPS_DECLARED,
        facts=NoFacts(),
        segments=[Unsealed("version", (HOUSE_SCOPE,), {}, (row,)), by(actor)],
    )
    return row


def declared(version: DatasetVersion) -> list[Group]:
    """Return what was declared of a version last; nothing when nobody did."""
    row = GroupDeclaration.objects.filter(version=version).first()
    if row is None:
        return []
    return [Group(*one) for one in orjson.loads(vault.keys([HOUSE_SCOPE]).open(row, "groups"))]
