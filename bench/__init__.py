"""Benchmarks on the embedded default: ratios of two things measured in turn in one process."""
