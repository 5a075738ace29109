"""Benchmarks: the machine's ceilings, this package and other libraries, measured in turns in one run."""
