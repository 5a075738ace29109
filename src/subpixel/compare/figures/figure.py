"""What the laboratory knows of a figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from subpixel.compare.figures.sheet import Section, Sheet
from subpixel.compare.figures.subject import Subject

__all__ = ["Figure"]


@dataclass(frozen=True)
class Figure:
    """A figure that is drawn of any image.

    Args:
        name: what people type, of lower-case letters, digits and hyphens.
        title: above it.
        about: one sentence about it.
        draw: makes its sections.
        extra: the extra of this package that it needs beside ``compare``, or nothing.
    """

    name: str
    title: str
    about: str
    draw: Callable[[Subject], Sequence[Section]]
    extra: str = ""

    def sheet(self, subject: Subject) -> Sheet:
        """The figure of an image, not yet set."""
        return Sheet(self.title, self.about, self.draw(subject))
