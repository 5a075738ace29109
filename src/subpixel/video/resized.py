"""Frames of any size: networks make luma larger, and one resize of each plane ends at the size.

Only luma goes through the networks. Chroma goes from the source to its place in one resize, which keeps its siting. The
networks' results are rounded to codes, as between the networks and the resize of an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from subpixel.backends import FrameFormat
from subpixel.backends.frames import resize_plane
from subpixel.upscaler import Network
from subpixel.video.formats import Layout, Plane, new_frame, planes_of
from subpixel.video.frame import StillUpscaler
from subpixel.video.incremental import IncrementalUpscaler

__all__ = ["FrameResize", "ResizedUpscaler"]

_CENTRE = (0.5, 0.5)


class FrameResize:
    """The resize that ends at the size: cubic (a = −0.5), antialiased along a side that shrinks.

    Args:
        layout: of the frames.
        siting: where chroma samples lie.
        full_range: whether codes use their full range.
        source: (width, height) of the source's frames, and so of the luma that its chroma belongs to.
        large: (width, height) of the luma, or of R, G and B, after the networks.
        size: (width, height) of the result.
        threads: how many to use.
    """

    def __init__(
        self,
        layout: Layout,
        siting: str,
        full_range: bool,
        source: tuple[int, int],
        large: tuple[int, int],
        size: tuple[int, int],
        threads: int,
    ) -> None:
        self.size, self._threads = size, threads
        # R, G and B are codes of full range, each like the luma of a gray frame.
        if layout.rgb:
            self._format = FrameFormat("gray", None, layout.bits, True)
        else:
            self._format = layout.frame_format(siting, full_range)
        luma, chroma = (_scales(size, before) for before in (large, source))
        self._scales = [luma] * 3 if layout.rgb else [luma, chroma, chroma]
        self._centres = [_CENTRE] * 3 if layout.rgb else [_CENTRE, *[self._format.centres] * 2]

    def __call__(self, planes: Sequence[Plane], results: Sequence[Plane]) -> None:
        """Resize planes into results: of YUV, luma after the networks and the source's chroma."""
        for number, (plane, result) in enumerate(zip(planes, results, strict=True)):
            self.plane(number, plane, result)

    def plane(self, number: int, plane: Plane, result: Plane) -> None:
        """Resize one of the planes."""
        scales = self._scales[number]
        if scales == (1.0, 1.0):
            result[:] = plane
        else:
            resize_plane(plane, result, self._centres[number], self._format, scales, self._threads)


class ResizedUpscaler(StillUpscaler):
    """Upscales the frames of one video, in order, to any size. A plane that equals the one before is not computed.

    Args:
        networks: luma networks that run one after another; for RGB frames, any networks. None are needed for a size
            that is not larger, or for the plain resize.
        layout: of the frames.
        siting: where chroma samples lie.
        full_range: whether codes use their full range.
        source: (width, height) of the frames.
        size: (width, height) of the results.
        threads: of the resize.
    """

    def __init__(
        self,
        networks: Sequence[Network],
        layout: Layout,
        siting: str,
        full_range: bool,
        source: tuple[int, int],
        size: tuple[int, int],
        threads: int,
    ) -> None:
        self.layout, self.result_size = layout, size
        self.name = networks[0].model.name if networks else "bicubic"
        self._steps: list[IncrementalUpscaler] = []
        large = source
        for network in networks:
            step = IncrementalUpscaler(network, layout if layout.rgb else layout.luma, siting, full_range, large)
            self._steps.append(step)
            large = step.result_size
        self._resize = FrameResize(layout, siting, full_range, source, large, size, threads)
        self._before: tuple[list[Plane], list[Plane]] | None = None

    def upscale(self, source: Any) -> Any:
        planes = planes_of(source, self.layout)
        result, results = new_frame(self.result_size, self.layout)
        changed = [True] * len(planes)
        if self._before is not None:
            changed = [not np.array_equal(*pair) for pair in zip(planes, self._before[0], strict=True)]
        through = 3 if self.layout.rgb else 1  # planes that go through the networks
        large = planes[:through]
        if any(changed[:through]):
            changed[:through] = [True] * through
            large = self._upscale(large)
        for number, plane in enumerate([*large, *planes[through:]]):
            if changed[number]:
                self._resize.plane(number, plane, results[number])
            else:
                assert self._before is not None
                np.copyto(results[number], self._before[1][number])
        # They stay as they are: a decoder does not write to a frame that is still in use, nor an encoder to its input.
        self._before = planes, results
        return result

    def _upscale(self, planes: list[Plane]) -> list[Plane]:
        for step in self._steps:
            width, height = step.result_size
            results = [np.empty((height, width), self.layout.dtype) for _ in planes]
            step.upscale_planes(planes, results)
            planes = results
        return planes


def _scales(size: tuple[int, int], before: tuple[int, int]) -> tuple[float, float]:
    """How many times higher and wider a frame becomes."""
    return size[1] / before[1], size[0] / before[0]
