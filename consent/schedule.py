"""What beat does for the consent app."""

SCHEDULE = {
    "consent.sweep_errands": {"task": "consent.tasks.sweep_errands", "schedule": 30.0},
    "consent.sweep_portal": {"task": "consent.tasks.sweep_portal", "schedule": 60.0},
    "consent.sweep_scans": {"task": "consent.tasks.sweep_scans", "schedule": 30.0},
    "consent.sweep_vettings": {"task": "consent.tasks.sweep_vettings", "schedule": 30.0},
    "consent.sweep_releases": {"task": "consent.tasks.sweep_releases", "schedule": 15.0},
    "consent.sweep_readings": {"task": "consent.tasks.sweep_readings", "schedule": 5.0},
    "consent.expire_grants": {"task": "consent.tasks.expire_grants", "schedule": 600.0},
    "consent.prepare_renewals": {"task": "consent.tasks.prepare_renewals", "schedule": 3600.0},
    "consent.send_askings": {"task": "consent.tasks.send_askings", "schedule": 60.0},
    "consent.list_campaigns_again": {
        "task": "consent.tasks.list_campaigns_again",
        "schedule": 3600.0,
    },
    "consent.carry_campaigns": {"task": "consent.tasks.carry_campaigns", "schedule": 20.0},
    "consent.assess_impacts": {"task": "consent.tasks.assess_impacts", "schedule": 5.0},
}
