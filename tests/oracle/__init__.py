"""Slow, obvious versions of what the package computes fast, written from the definitions in f64."""
