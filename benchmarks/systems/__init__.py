"""Published systems beside three baselines at equal tokens: ``python -m benchmarks.systems RUNS --out PAGE``."""
