"""Resizing: one core that interpolates each axis by a table, and the conventions of nine libraries as data."""
