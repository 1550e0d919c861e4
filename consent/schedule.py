"""What beat does for the consent app."""

SCHEDULE = {
    "consent.sweep_errands": {"task": "consent.tasks.sweep_errands", "schedule": 30.0},
    "consent.expire_grants": {"task": "consent.tasks.expire_grants", "schedule": 600.0},
}
