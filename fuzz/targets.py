"""All targets, by name."""

from fuzz import bundles, proofs, records, service, texts
from fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for family in (texts, proofs, records, bundles, service)
    for target in family.TARGETS
}
