"""How screens write dates and times."""
