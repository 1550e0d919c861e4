"""What beat does for the ledger. A check that is not due yet, or under way, costs one query."""

from celery.schedules import crontab

_HOUR = 3600.0

SCHEDULE = {
    "ledger.ask_outsiders": {"task": "ledger.tasks.ask_outsiders", "schedule": crontab()},
    "ledger.check_logs": {"task": "ledger.tasks.check_logs", "schedule": 60.0},
    "ledger.record_installation": {"task": "ledger.tasks.record_installation", "schedule": 600.0},
    "ledger.close_due_epoch": {"task": "ledger.tasks.close_due_epoch", "schedule": 300.0},
    "ledger.replay_journal": {"task": "ledger.tasks.replay_journal", "schedule": 30.0},
    "ledger.sweep_reports": {"task": "ledger.tasks.sweep_reports", "schedule": 120.0},
    "ledger.sweep_request_keys": {"task": "ledger.tasks.sweep_request_keys", "schedule": _HOUR},
    "ledger.sweep_files": {"task": "ledger.tasks.sweep_files", "schedule": _HOUR},
    "ledger.sweep_orphan_keys": {"task": "ledger.tasks.sweep_orphan_keys", "schedule": _HOUR},
}
