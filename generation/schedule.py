"""What beat does for generation."""

SCHEDULE = {
    "generation.sweep_jobs": {"task": "generation.tasks.sweep_jobs", "schedule": 5.0},
    "generation.fold_tallies": {"task": "generation.tasks.fold_tallies", "schedule": 60.0},
}
