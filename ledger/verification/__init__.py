"""Reader: is the log in this database sound? Three verdicts, each finding with its place.

``integrity``     bodies → leaf hashes → links → tiles → roots → both signatures
``completeness``  records, leaves and queue; announced logs; the anchor; domain rows both ways
``openness``      each segment: open, padding, destroyed (epoch E), destroying, or missing
"""

from ledger.verification.findings import Finding, LogVerdict
from ledger.verification.run import verify_log

__all__ = ["Finding", "LogVerdict", "verify_log"]
