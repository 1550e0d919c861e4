"""Django's own admin log stays empty: the record replaces it (design 6)."""

from django.contrib.admin import ModelAdmin


def switch_off() -> None:
    """Keep every admin from writing ``LogEntry`` rows, whose text repeats names in the clear."""
    for method in ("log_addition", "log_change", "log_deletions"):
        setattr(ModelAdmin, method, lambda *_, **__: None)
