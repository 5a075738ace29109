"""Sampling at arbitrary places."""
