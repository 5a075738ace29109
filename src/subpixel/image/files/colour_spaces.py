"""The colour spaces, by libvips' names, whose encoded values the networks take as they are."""

from __future__ import annotations

__all__ = ["GRAY", "RGB"]

GRAY = ("b-w", "grey16")
RGB = ("srgb", "rgb", "rgb16", "scrgb", "multiband")
