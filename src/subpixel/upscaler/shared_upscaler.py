"""``upscale``: one call for one image. Calls with equal arguments share an Upscaler."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable
from functools import lru_cache
from typing import Any, TypeVar

from subpixel.models.files import Model
from subpixel.models.zoo import is_path
from subpixel.upscaler.arguments import keywords_after
from subpixel.upscaler.upscaler import Upscaler

__all__ = ["upscale"]

T = TypeVar("T")


@keywords_after(2, 'upscale(image, 2, model="fast")')
def upscale(
    image: T,
    scale: float | None = None,
    *,
    model: str | os.PathLike[str] | Model = "auto",
    width: int | None = None,
    height: int | None = None,
    fit: tuple[int, int] | None = None,
    backend: str = "auto",
    device: str = "cpu",
    precision: str = "auto",
    threads: int | None = None,
    tile: int | None = None,
    ensemble: bool = False,
    strength: float = 1.0,
    exact: bool = False,
) -> T:
    """Upscale one image. The result equals the bytes that the command line writes.

    Args:
        image: an ``(H, W)`` or ``(H, W, C)`` array (u8, u16, f32, f64; gray, RGB or with alpha), a torch tensor of that
            shape, or a PIL image, see :meth:`Upscaler.__call__`. Channels are in the order R, G, B.
        scale: how many times larger, a number above 0 and up to 64; the default is 2 if no other size is given.
        model: ``"auto"``, the name of a shipped model, the path of a model file, or a model; see :class:`Upscaler`.
        width: width of the result in pixels, instead of a scale.
        height: height of the result in pixels, instead of a scale.
        fit: ``(width, height)`` of a box, for the largest result that fits in.
        backend: ``"auto"``, ``"native"``, ``"reference"``, ``"torch"``, ``"torch-compiled"``, ``"onnxruntime"`` or
            ``"openvino"``.
        device: ``"cpu"``, ``"cuda"``, ``"mps"``, ``"gpu"`` or ``"auto"``, see :class:`Upscaler`.
        precision: ``"auto"``, ``"f32"``, ``"bf16"`` or ``"int8"``.
        threads: 1 … 1024; the default is as many as this process may use.
        tile: side in pixels of the squares that are upscaled at a time; the default is chosen to limit memory.
        ensemble: average over 8 flips and rotations.
        strength: 0 … 1, from the bicubic resize to the network's result.
        exact: compute the network in flat parts too.

    Returns:
        An image of the same kind, larger.

    Raises:
        InvalidArgument: see :class:`Upscaler`.

    >>> import numpy as np
    >>> upscale(np.zeros((5, 7), np.uint8), 3).shape, upscale(np.zeros((5, 7), np.uint8), 2.5).shape
    ((15, 21), (13, 18))
    """
    options: dict[str, Any] = {
        "model": model,
        "width": width,
        "height": height,
        "fit": tuple(fit) if isinstance(fit, Iterable) and not isinstance(fit, str) else fit,
        "backend": backend,
        "device": device,
        "precision": precision,
        "threads": threads,
        "tile": tile,
        "ensemble": ensemble,
        "strength": strength,
        "exact": exact,
    }
    # A file can change, and a model cannot be hashed; a shipped model is always the same.
    shipped = isinstance(model, str) and not is_path(model)
    make: Callable[..., Upscaler] = _shared if shipped and _hashable(options.values()) else Upscaler
    return make(scale, **options)(image)


# typed, so that True is refused as a scale even after 1 was used
_shared = lru_cache(maxsize=8, typed=True)(Upscaler)


def _hashable(values: Iterable[Any]) -> bool:
    """Whether all values can be keys of the cache. The constructor raises an error for those that cannot."""
    return all(isinstance(value, Hashable) for value in values)
