"""Strategies and searches beside a vote at equal tokens: ``python -m benchmarks.strategies RUNS --out PAGE``."""
