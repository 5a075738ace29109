"""The errors that this package raises, and the text of those about an unknown name.

Each class inherits :class:`SubpixelError`, so that one ``except`` catches them all, and the builtin error that fits:
code that knows only the builtin catches it as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = [
    "BackendUnavailable",
    "ClusterError",
    "FallbackWarning",
    "FileChanged",
    "ImageReadError",
    "ImageTooLarge",
    "ImageWriteError",
    "InvalidArgument",
    "MissingExtra",
    "ModelFileError",
    "OutOfMemory",
    "SpecError",
    "SubpixelError",
    "Unsupported",
    "VideoReadError",
    "VideoWriteError",
    "unknown",
]


class SubpixelError(Exception):
    """The parent of all errors of this package. Its text says what was given and what would be right."""


class InvalidArgument(SubpixelError, ValueError):
    """A function does not accept an argument."""


class SpecError(SubpixelError, ValueError):
    """The description of a network contradicts itself; the text names the layer."""


class ModelFileError(SubpixelError, ValueError):
    """A model file is missing or damaged, or it is not a model file of this package."""


class Unsupported(SubpixelError, NotImplementedError):
    """The request makes sense, but this backend, model or format does not support it."""


class BackendUnavailable(SubpixelError, RuntimeError):
    """A backend was requested by name and cannot run on this machine."""


class ClusterError(SubpixelError, RuntimeError):
    """A cluster cannot be started or joined, or it has no worker left."""


class MissingExtra(SubpixelError, ImportError):
    """An optional dependency is not installed; the text names the extra that installs it."""


class OutOfMemory(SubpixelError, MemoryError):
    """There is not enough memory; the text says for what, and what needs less."""


class ImageReadError(SubpixelError, OSError):
    """An image cannot be read."""


class ImageTooLarge(ImageReadError):
    """An image is larger than the limit."""


class ImageWriteError(SubpixelError, OSError):
    """An image cannot be written."""


class VideoReadError(SubpixelError, OSError):
    """A video cannot be read."""


class VideoWriteError(SubpixelError, OSError):
    """A video cannot be written."""


class FileChanged(ImageReadError, VideoReadError):
    """An image or a video changed while it was read, so that what was read may not belong together."""


class FallbackWarning(UserWarning):
    """Something slower runs in place of what was expected, for example NumPy in place of the compiled module."""


def shown(value: Any) -> str:
    """A value as Python writes it, for the text of an error: on one line, and shortened if it is long.

    >>> shown((3, 3)), shown("x" * 200)[:8]
    ('(3, 3)', "'xxxxxxx")
    >>> len(shown([["x" * 200] * 99] * 99)) < 300
    True
    """
    from reprlib import Repr  # here, since `import subpixel` loads nothing

    limits = Repr()
    limits.maxstring = limits.maxother = limits.maxlong = 120
    limits.maxlist = limits.maxtuple = limits.maxdict = limits.maxset = 6
    limits.maxlevel = 3
    text = " ".join(limits.repr(value).split("\n"))
    return text if len(text) <= 240 else f"{text[:236]} …"


def unknown(
    kind: str,
    given: Any,
    known: Iterable[str],
    hint: str = "",
    *,
    where: str = "",
    error: type[SubpixelError] = InvalidArgument,
) -> SubpixelError:
    """The error for a name that is not in a list: it suggests the closest name, whatever the case of its letters.

    Args:
        kind: what the name stands for: ``model``, ``backend``, ``layout`` …
        given: what the caller wrote, of any type.
        known: the names that are accepted.
        hint: a sentence that replaces the list of the names.
        where: the function or the layer that the name was given to.
        error: the class of the error.

    Returns:
        The error, for the caller to raise.

    >>> raise unknown("model", "fats", ["fast", "high"], hint="See `subpixel models`.")
    Traceback (most recent call last):
    subpixel.errors.InvalidArgument: Unknown model 'fats'. Did you mean 'fast'? See `subpixel models`.
    >>> print(unknown("order", 5, ["CRD", "DCR"], where="pixel_shuffle"))
    pixel_shuffle: unknown order 5. Choices: CRD, DCR.
    """
    from difflib import get_close_matches  # here, since `import subpixel` loads nothing

    names = list(known)
    folded = {name.casefold(): name for name in names}
    close = get_close_matches(given.casefold(), folded, n=1) if isinstance(given, str) else []
    start = f"{where}: unknown" if where else "Unknown"
    suggestion = f" Did you mean '{folded[close[0]]}'?" if close else ""
    return error(f"{start} {kind} {shown(given)}.{suggestion} {hint or 'Choices: ' + ', '.join(names) + '.'}")
