"""What beat does for the service as a whole."""

SCHEDULE = {
    "config.empty_done": {"task": "config.tasks.empty_done_messages", "schedule": 60.0},
    "config.empty_mail": {"task": "config.tasks.empty_mail", "schedule": 30.0},
}
