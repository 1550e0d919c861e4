"""Generation in the browser. Rows are read-only; people act through services, as programs do."""

from generation.admin import cases, catalogue, inbox, outputs, runs, training  # noqa: F401
