"""Put the installation's own life on record: what was deployed, migrated, set, held, verified.

Each is recorded when it differs from what was recorded last; the controls, and that a log was
verified, at least once a day. Safe to repeat, from any number of workers.
"""

from collections.abc import Mapping
from datetime import timedelta
from importlib import metadata

from django.utils import timezone

from ledger import installation, turns
from ledger.kinds import Facts, Kind
from ledger.models import Log, Observation
from ledger.record_kinds import (
    CONTROL_CHECKED,
    LOG_VERIFIED,
    MIGRATION_APPLIED,
    SETTING_CHANGED,
    SYSTEM_DEPLOYED,
    ControlChecked,
    LogVerified,
    MigrationApplied,
    SettingChanged,
    SystemDeployed,
)
from ledger.services.append import Unsealed, append
from ledger.verification import LogVerdict

REPEATED = timedelta(days=1)


def record_installation() -> int:
    """Record what is new about code, migrations, settings and controls; return how many records.

    Needs the keys and an open log.
    """
    with turns.alone(turns.INSTALLATION):
        return sum(
            [_record_migrations(), _record_deployment(), _record_settings(), _record_controls()]
        )


def record_verification(log: Log, verdict: LogVerdict) -> bool:
    """Record that ``log`` was verified, when the verdict is another one than last or a day old."""
    facts = LogVerified(
        log=log.name,
        size=verdict.size,
        is_sound=verdict.is_sound,
        is_openness_checked=verdict.is_openness_checked,
        findings=len(verdict.findings),
    )
    said = (f"{one.code} {one.index}" for one in verdict.findings)
    observed = {f"verification:{log.name}": installation.digest_of(said)}
    with turns.alone(turns.INSTALLATION):
        return _record(LOG_VERIFIED, facts, _due(observed, REPEATED))


def _record_migrations() -> bool:
    applied = installation.applied_migrations()
    due = _due({f"migration:{name}": installation.digest_of([name]) for name in applied})
    names = tuple(name.partition(":")[2] for name in due)
    return _record(MIGRATION_APPLIED, MigrationApplied(migrations=names), due)


def _record_deployment() -> bool:
    facts = SystemDeployed(
        release=metadata.version("muniment"),
        build=installation.build_digest(),
        lock=installation.lock_digest(),
    )
    digest = installation.digest_of([facts.release, facts.build, facts.lock])
    return _record(SYSTEM_DEPLOYED, facts, _due({"deployment": digest}))


def _record_settings() -> bool:
    digests = installation.setting_digests()
    due = _due({f"setting:{name}": digest for name, digest in digests.items()})
    names = tuple(name.partition(":")[2] for name in due)
    return _record(SETTING_CHANGED, SettingChanged(settings=names), due)


def _record_controls() -> bool:
    facts = ControlChecked(**installation.control_digests(), faults=installation.count_faults())
    digest = installation.digest_of(f"{name}={value}" for name, value in facts)
    return _record(CONTROL_CHECKED, facts, _due({"controls": digest}, REPEATED))


def _due(observed: Mapping[str, str], repeated: timedelta | None = None) -> dict[str, str]:
    """Return what differs from the newest observations, or is older than ``repeated``."""
    since = timezone.now() - repeated if repeated else None
    stored = {row.name: row for row in Observation.objects.filter(name__in=list(observed))}
    return {
        name: digest
        for name, digest in observed.items()
        if name not in stored
        or stored[name].digest != digest
        or (since is not None and stored[name].recorded_at < since)
    }


def _record(kind: Kind, facts: Facts, observed: Mapping[str, str]) -> bool:
    """Keep what was observed and append its record; say whether there was anything."""
    if not observed:
        return False
    now = timezone.now()
    rows = tuple(
        Observation.objects.update_or_create(
            name=name, defaults={"digest": digest, "recorded_at": now}
        )[0]
        for name, digest in observed.items()
    )
    append(kind=kind, facts=facts, segments=[Unsealed("house", rows=rows)])
    return True
