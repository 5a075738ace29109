"""Pooling that keeps positions, and its ways back."""
