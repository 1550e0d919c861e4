"""The demo: one invented story told from end to end through the real service."""
