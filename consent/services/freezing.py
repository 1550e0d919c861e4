"""Freezing a draft: asked again is what is said where its items lie, then the gate."""

from uuid import UUID

from django.db import transaction

from consent.errors import WrongState
from consent.models import DatasetVersion, Vetting
from consent.services.arrivals import lock_draft
from consent.services.authority import Actor, get, require
from consent.services.datasets import check_read, seal_version, set_aside_unconsented
from consent.services.gate import check_gate
from consent.services.vetting import carry_out_vetting, lease_vetting, vet_version
from consent.services.weighing import is_outdated, weigh_again


def freeze_version(*, actor: Actor, version_id: UUID) -> DatasetVersion:
    """Fix a draft for good: what its items are, and the digest over their commitments.

    Items of people whose consent does not cover its uses now are set aside, and so are those
    whose uses are reserved by now where they lie. Items are weighed in transactions of their own,
    page by page: inside of one all is one; so the gate is asked before. Raises NotPermitted,
    Unknown, WrongState while something is still being read, vetted or was cut off, it was neither
    vetted as it is nor that waived, or what was seen since leaves items unclear, GateClosed for
    what vetting found and nobody settled, NothingToFreeze.
    """
    version = get(DatasetVersion.objects.all(), version_id)
    require(actor, "consent.freeze_version", version)
    if is_outdated(version):
        _ask(version)
        weigh_again(version)
    return _freeze(actor, version)


def vet_here(*, actor: Actor, version_id: UUID) -> Vetting:
    """Vet a draft in this process, for commands that wait for it; no transaction may be open.

    Raises NotPermitted, Unknown, WrongState when it is no draft or is being vetted.
    """
    with transaction.atomic():
        vetting = vet_version(actor=actor, version_id=version_id)
        errand = lease_vetting(vetting.pk)
    assert errand is not None
    return carry_out_vetting(errand)


@transaction.atomic
def _ask(version: DatasetVersion) -> None:
    """Raise what would refuse to freeze a draft, and take back what asking sets aside."""
    version = lock_draft(version)
    check_read(version)
    set_aside_unconsented(version)
    check_gate(version)
    transaction.set_rollback(True)


@transaction.atomic
def _freeze(actor: Actor, version: DatasetVersion) -> DatasetVersion:
    version = lock_draft(version)
    check_read(version)
    set_aside_unconsented(version)
    is_vetted = check_gate(version)
    if is_outdated(version):
        raise WrongState("something was seen at a source just now: freeze the version again")
    return seal_version(actor, version, vetted=is_vetted)
