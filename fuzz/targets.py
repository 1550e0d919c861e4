"""All targets, by name."""

from fuzz import bundles, descriptions, proofs, receipts, records, service, signals, texts
from fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for family in (texts, proofs, records, bundles, service, signals, descriptions, receipts)
    for target in family.TARGETS
}
