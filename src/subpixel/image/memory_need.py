"""The memory of a job at its peak, from the header of its image: a sum of terms, each of them measured.

The figures are those of whole processes on Linux, with pages in use, not addresses. Each term is rounded up, so that
the sum is a limit that jobs stay below, by up to a third.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from subpixel.image.files.formats import Format
from subpixel.image.files.reading import ImageFile
from subpixel.image.files.rows import memory_held
from subpixel.image.files.wide_files import is_wide
from subpixel.upscaler import SizePlan, Upscaler

__all__ = ["PROCESS", "MemoryNeed", "encoder_memory", "memory_by_rows", "memory_in_one_piece", "most_memory"]

# Python with NumPy, libvips, the engine and a network.
PROCESS = 78_000_000
# The buffers of a network besides its images: 9 … 18 MB on the native backend with a few threads, and 1 MB for each
# thread beyond; on the others, where whole layers of a band of rows are in memory, 270 … 370 MB.
_NETWORK, _THREAD, _NETWORK_ELSEWHERE = 16_000_000, 1_000_000, 400_000_000
# Bytes for each pixel of a stage's source: its luma, while flat cells are looked for; see native/engine/chain_io.cpp.
_LUMA = 4
# What lies between two stages, or before the last resize: in memory see subpixel.upscaler.upscaler; by rows strips with
# their halos on both sides of a stage.
_BETWEEN, _BETWEEN_ROWS = 256 << 20, 160 << 20
# By rows, strips of the result: one is computed, one waits, one is read, and two are freed late. A strip has so many
# bytes, or as many rows as the network's halo.
_STRIPS, _STRIP = 5, 32 << 20
# By rows, bytes for each row of the result, of whatever width: measured on images of up to 200,000 rows.
_EACH_ROW = 700
# By rows, blocks of the source: those that a strip needs, and copies of them.
_BLOCKS = 24_000_000
# Transparency: the bicubic strip, and tiles that are filled.
_TRANSPARENCY = 24_000_000
# Rows of the result that libvips holds while it writes them.
_ROWS_WRITTEN = 850
# Wide rows are filtered and compressed here, in blocks of 4 and 8 MB with copies in 16 bits.
_WIDE_WRITER = 64_000_000
# The strips of a TIFF, while they are compressed.
_TIFF_WRITER = 40_000_000
# Coders that hold whole images: bytes for each pixel of the result, without alpha and with it; and in all.
_LOSSLESS_WEBP, _LOSSY_WEBP, _WEBP = (37, 38), (16, 20), 16_000_000
_AVIF, _DEEP_AVIF, _AVIF_CODER = (54, 80), (78, 110), 18_000_000
_GIF, _GIF_CODER = 26, 10_000_000
# An animation is put together before it is encoded.
_CANVAS = 10
# What freed memory costs, since the next allocation does not always fit in, of all but the process.
_SCATTERED = 1 / 16


@dataclass(frozen=True)
class MemoryNeed:
    """What the memory of a job consists of, in bytes.

    Args:
        decoder: what libvips holds of the source while it reads it.
        pixels: the image and its result, or the rows of them that exist at one time.
        network: the buffers of networks and resizes.
        encoder: what the coder of the result holds.
        process: Python and the libraries.
    """

    decoder: int
    pixels: int
    network: int
    encoder: int
    process: int = PROCESS

    @property
    def total(self) -> int:
        """All of it."""
        return self.process + self.work

    @property
    def work(self) -> int:
        """All but the process."""
        parts = self.decoder + self.pixels + self.network + self.encoder
        return parts + int(parts * _SCATTERED)


def encoder_memory(
    form: Format, options: Mapping[str, Any], size: tuple[int, int], channels: int, dtype: np.dtype[Any], pages: int = 1
) -> int:
    """What a coder holds besides the pixels that it is given.

    Args:
        form: the format.
        options: of libvips' writer.
        size: ``(width, height)`` of a frame.
        channels: 1 … 4.
        dtype: of the samples.
        pages: the number of frames.
    """
    width, height = size
    pixels, transparent = width * height, channels in (2, 4)
    row = width * channels * dtype.itemsize
    rows = min(_ROWS_WRITTEN, height) * row
    canvas = _CANVAS * pixels * pages if pages > 1 else 0
    if form.name == "WebP":
        each = _LOSSLESS_WEBP if options.get("lossless") else _LOSSY_WEBP
        return rows + pixels * each[transparent] + _WEBP + canvas
    if form.name == "AVIF":
        return rows + pixels * (_AVIF if dtype.itemsize == 1 else _DEEP_AVIF)[transparent] + _AVIF_CODER
    if form.name == "GIF":
        return rows + pixels * _GIF + _GIF_CODER + canvas
    return rows + (min(_TIFF_WRITER, row * height) if form.name == "TIFF" else 0)


def memory_in_one_piece(
    file: ImageFile, upscaler: Upscaler, plan: SizePlan, encoder: int, *, compare: bool
) -> MemoryNeed:
    """The memory of a job whose image and result are arrays.

    Args:
        file: the source.
        upscaler: of the job.
        plan: for the size.
        encoder: see :func:`encoder_memory`.
        compare: whether a sheet is made.
    """
    height, width, channels = file.shape
    pixel = channels * file.dtype.itemsize
    before, after = (file.pages * high * wide * pixel for wide, high in ((width, height), plan.size))
    pixels, network = before + after, _buffers(upscaler) + _between(plan, channels, pixel)
    network += _luma(upscaler, plan, pixel, _BETWEEN)
    if file.orientation > 2:
        pixels += before  # turned into a second array
    if channels in (2, 4):
        network += before // file.pages + min(_TRANSPARENCY, after)
    if compare:
        colours = 1 if channels < 3 else 3
        network += plan.size[0] * colours * (4 * height + plan.size[1])  # f32 of the new width, then all in bytes
    # The decoder is done when the result is made, though not all is free, and the network when it is encoded.
    decoder = max(file.decoding // 3, file.decoding - after)
    return MemoryNeed(decoder, pixels, max(0, network - encoder), encoder)


def memory_by_rows(file: ImageFile, upscaler: Upscaler, plan: SizePlan, form: Format, encoder: int) -> MemoryNeed:
    """The memory of a job whose image is processed row by row.

    Args:
        file: the source.
        upscaler: of the job.
        plan: for the size.
        form: of the result.
        encoder: see :func:`encoder_memory`.
    """
    _, width, channels = file.shape
    pixel = channels * file.dtype.itemsize
    row = plan.size[0] * pixel
    halo = upscaler.halo or 0
    strip = max(_STRIP, halo * row * max(plan.factors, default=1))
    pixels = _STRIPS * strip + _BLOCKS + 3 * halo * width * pixel + _EACH_ROW * plan.size[1]
    network = _buffers(upscaler) + _BETWEEN_ROWS * max(0, len(plan.factors) + plan.resizes - 1)
    network += _luma(upscaler, plan, pixel, _STRIP)
    if channels in (2, 4):
        network += _TRANSPARENCY
    return MemoryNeed(memory_held(file), pixels, network, _WIDE_WRITER if is_wide(form, row) else encoder)


def most_memory(pixels: int, upscaler: Upscaler, form: Format, options: Mapping[str, Any]) -> int:
    """What an image that is not open may take in one piece: at most that of RGBA with 8 bits.

    Args:
        pixels: of the image.
        upscaler: of the job.
        form: of the result.
        options: of libvips' writer.
    """
    side = max(1, math.isqrt(pixels))
    size = upscaler.target.size(side, side)
    after = size[0] * size[1] * 4
    resized = upscaler.target.scale is None or upscaler.target.scale % 1 != 0
    work = max(encoder_memory(form, options, size, 4, np.dtype(np.uint8)), 2 * min(_BETWEEN, 4 * after) * resized)
    luma = _LUMA * pixels if _keeps_luma(upscaler) else 0
    return PROCESS + _buffers(upscaler) + 8 * pixels + luma + after + _TRANSPARENCY + work


def _buffers(upscaler: Upscaler) -> int:
    if upscaler.backend != "native":
        return _NETWORK_ELSEWHERE
    return _NETWORK + _THREAD * min(upscaler.threads, os.cpu_count() or 1)


def _keeps_luma(upscaler: Upscaler) -> bool:
    return upscaler.backend == "native" and not upscaler.exact


def _luma(upscaler: Upscaler, plan: SizePlan, pixel: int, at_once: int) -> int:
    """The luma of the pixels that become about so many bytes at once, in the stage that has the most."""
    if not _keeps_luma(upscaler):
        return 0
    width, height = plan.source
    most = 0
    for factor in plan.factors:
        most = max(most, min(width * height, at_once // (factor**2 * pixel) + 2 * (upscaler.halo or 0) * width))
        width, height = width * factor, height * factor
    return _LUMA * most


def _between(plan: SizePlan, channels: int, pixel: int) -> int:
    """Memory between the stages: results of networks that another stage follows, and the f32 of a resize."""
    width, height = plan.source
    total = 0
    for factor in plan.factors[: None if plan.resizes else -1]:
        height, width = height * factor, width * factor
        total += min(_BETWEEN, height * width * pixel)
    if plan.resizes:
        total += 2 * min(_BETWEEN, height * width * channels * 4)
    return total
