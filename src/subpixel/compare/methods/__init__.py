"""The upsamplers that are compared: an explicit list, and those that a caller adds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from subpixel.compare.methods import interpolation, networks, rearrangement, trained, warping
from subpixel.compare.methods.method import FAMILIES, Method, NotPossible, Prepared, Sample
from subpixel.errors import InvalidArgument, unknown

__all__ = ["FAMILIES", "Method", "NotPossible", "Prepared", "Sample", "all_methods", "methods_of", "register"]

_METHODS: tuple[Method, ...] = (
    *interpolation.METHODS,
    *rearrangement.METHODS,
    *trained.METHODS,
    *warping.METHODS,
    *networks.METHODS,
)
_OWN: dict[str, Method] = {}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def register(name: str, function: Callable[[Any, int], Any], *, title: str = "", about: str = "") -> Method:
    """Add one's own upsampler to the comparisons of this process. The same name again replaces it.

    Args:
        name: lower-case letters, digits and hyphens; no name of the product's own.
        function: ``(image, scale)`` to the larger image: ``(H, W, 3)`` u8 to ``(scale*H, scale*W, 3)``, u8 or floats of
            0 … 255, which are clipped and rounded.
        title: its name in tables; the default is ``name``.
        about: one sentence about it.

    Returns:
        The method.

    Raises:
        InvalidArgument: such a name is not allowed.

    >>> import numpy as np
    >>> register("repeat", lambda image, scale: image.repeat(scale, 0).repeat(scale, 1)).family
    'own'
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidArgument(
            f"name={name!r}: lower-case letters, digits and hyphens are needed, such as 'my-upsampler'"
        )
    if any(name == method.name for method in _METHODS):
        raise InvalidArgument(f"name={name!r}: the product has a method of this name")
    if not callable(function):
        raise InvalidArgument(f"function={function!r}: a function of an image and a scale is needed")
    method = Method(
        name, title or name, "own", about, lambda sample: Prepared(lambda: function(sample.small, sample.scale))
    )
    _OWN[name] = method
    return method


def all_methods() -> tuple[Method, ...]:
    """Every method: those of the product, then those of :func:`register`."""
    return (*_METHODS, *_OWN.values())


def methods_of(names: Iterable[str] | None = None) -> tuple[Method, ...]:
    """The methods of these names, in the order given; None for all.

    Raises:
        InvalidArgument: there is no such method, or the list is empty.
    """
    if names is None:
        return all_methods()
    known = {method.name: method for method in all_methods()}
    chosen = []
    for name in [names] if isinstance(names, str) else names:
        if name not in known:
            raise unknown("method", name, known)
        chosen.append(known[name])
    if not chosen:
        raise InvalidArgument("methods: at least one name is needed")
    return tuple(dict.fromkeys(chosen))
