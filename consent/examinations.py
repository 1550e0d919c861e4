"""What the doctor examines of the consent app."""

from consent.signing import examine_receipt_keys
from ledger.checks import EXAMINATIONS

EXAMINATIONS.register("receipt keys", examine_receipt_keys)
