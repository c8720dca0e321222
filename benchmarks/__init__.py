"""Speed and memory beside peer libraries. ``make bench`` runs all, ``make bench ONLY=learner`` one.

A benchmark is a module of this package, named in ``__main__.BENCHMARKS``, whose ``measure(say)`` yields figures.
"""
