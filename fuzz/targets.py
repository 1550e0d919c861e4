"""All targets, by name."""

from fuzz import bundles, descriptions, proofs, records, service, signals, texts
from fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for family in (texts, proofs, records, bundles, service, signals, descriptions)
    for target in family.TARGETS
}
