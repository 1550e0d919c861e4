"""What beat does for generation."""

SCHEDULE = {"generation.sweep_jobs": {"task": "generation.tasks.sweep_jobs", "schedule": 5.0}}
