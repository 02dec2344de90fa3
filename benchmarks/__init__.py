"""Benchmarks against what else there is, as ratios from one interleaved run. ``python -m benchmarks --help``."""
