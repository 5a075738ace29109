"""Every error this package raises on purpose.

Each class inherits :class:`SubpixelError`, so that one ``except`` catches them all, and the builtin
that a caller who never heard of this package would catch.
"""

from __future__ import annotations

__all__ = [
    "BackendUnavailable",
    "FallbackWarning",
    "ImageReadError",
    "ImageWriteError",
    "InvalidArgument",
    "MissingExtra",
    "ModelFileError",
    "SpecError",
    "SubpixelError",
    "Unsupported",
    "VideoReadError",
    "VideoWriteError",
]


class SubpixelError(Exception):
    """Parent of every error of this package. Its text is one sentence for a person."""


class InvalidArgument(SubpixelError, ValueError):
    """An argument is outside of what the function accepts."""


class SpecError(SubpixelError, ValueError):
    """A network description is contradictory; the text names the layer."""


class ModelFileError(SubpixelError, ValueError):
    """A model file is missing, damaged, or not one of ours."""


class Unsupported(SubpixelError, NotImplementedError):
    """The request is sensible but this backend, model or format does not offer it."""


class BackendUnavailable(SubpixelError, RuntimeError):
    """A backend was asked for by name and cannot run here."""


class MissingExtra(SubpixelError, ImportError):
    """An optional dependency is not installed; the text names the extra that brings it."""


class ImageReadError(SubpixelError, OSError):
    """An image cannot be read."""


class ImageWriteError(SubpixelError, OSError):
    """An image cannot be written."""


class VideoReadError(SubpixelError, OSError):
    """A video cannot be read."""


class VideoWriteError(SubpixelError, OSError):
    """A video cannot be written."""


class FallbackWarning(UserWarning):
    """Something slower than intended is in use (for example NumPy in place of the native module)."""
