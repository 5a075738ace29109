"""Interpolation: one core of axis tables, and the conventions of other libraries as data."""
