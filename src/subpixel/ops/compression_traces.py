"""What the pixels of an image show of an earlier compression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from subpixel.ops.blockiness import blockiness, blockiness_of_windows
from subpixel.ops.jpeg_traces import jpeg_quality, jpeg_quality_of_windows

__all__ = ["Traces", "traces_of", "traces_of_windows"]


@dataclass(frozen=True)
class Traces:
    """What pixels show of an earlier compression. The default is that of pixels which show nothing.

    Args:
        jpeg_quality: see :func:`subpixel.metrics.jpeg_quality`.
        blockiness: see :func:`subpixel.metrics.blockiness`.
    """

    jpeg_quality: int | None = None
    blockiness: float = 0.0


def traces_of(image: NDArray[Any]) -> Traces:
    """The traces in an image.

    Args:
        image: as for :func:`subpixel.metrics.blockiness`.

    Raises:
        InvalidArgument: another shape or dtype.
    """
    return Traces(jpeg_quality(image), blockiness(image))


def traces_of_windows(parts: Sequence[NDArray[Any]]) -> Traces:
    """The traces in an image from its :func:`subpixel.ops.blockiness.sample_windows`."""
    return Traces(jpeg_quality_of_windows(parts), blockiness_of_windows(parts))
