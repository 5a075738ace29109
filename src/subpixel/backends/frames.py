"""Frames of video: the format of their planes, the siting of chroma, and how a session upscales them.

Positions are counted in luma samples along an axis. A chroma sample covers a cell of ``f`` luma samples (2 across and 2
down in 4:2:0). It lies ``s`` samples after the first of them: 0 if it is co-sited, ``(f - 1) / 2`` in the middle,
``f - 1`` with the last. Output chroma has the same ``f`` and ``s``, so its sample ``j`` lies at ``f j + s`` of the
output's luma. Position ``p`` of the output's luma is position ``(p + 1/2) / r - 1/2`` of the input's, as everywhere in
this package. Input chroma lies there at the ``q`` for which ``f q + s`` is that position. With ``d = (s + 1/2) / f``::

    q = ((f j + s + 1/2) / r - 1/2 - s) / f = (j + d) / r - d

So each axis is a resize whose samples lie at ``d`` of their cells: the usual half-pixel rule with another centre. ``d``
is 1/2 in the middle (with ``f = 1`` too) and 1/4 for a co-sited sample of 4:2:0. Since ``d`` is the same in input and
output, chroma never moves against luma, however often a video is upscaled.

A side of ``n`` luma samples has ``ceil(n / f)`` of chroma, and its result ``ceil(r n / f)``. If ``f`` does not divide
``n``, this is up to ``r - 1`` less than ``r`` times the input's: the rest would belong to no sample of luma.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from subpixel.backends.bands import bands, rows_at_once
from subpixel.backends.base import Session
from subpixel.errors import InvalidArgument, unknown
from subpixel.ops.resizing.compiled import Passes, is_available, plan_float, run
from subpixel.ops.resizing.taps import AxisTaps, axis_taps

__all__ = [
    "FrameFormat",
    "FrameSession",
    "Siting",
    "Subsampling",
    "interpolate",
    "interpolate_plane",
    "resize_plane",
    "to_codes",
    "upscale",
]

Subsampling = Literal["420", "422", "444", "440", "411", "gray"]
Siting = Literal["left", "center", "topleft", "top", "bottomleft", "bottom"]
Plane = NDArray[Any]
F32 = NDArray[np.float32]

# Luma samples for each chroma sample, down and across.
_FACTORS = {"420": (2, 2), "422": (1, 2), "444": (1, 1), "440": (2, 1), "411": (1, 4), "gray": (1, 1)}
# Where chroma lies in its cell, down and across: 0 with the first luma sample, 0.5 in the middle, 1 with the last.
_SITINGS = {
    "left": (0.5, 0.0),
    "center": (0.5, 0.5),
    "topleft": (0.0, 0.0),
    "top": (0.0, 0.5),
    "bottomleft": (1.0, 0.0),
    "bottom": (1.0, 0.5),
}
_NAMES = ("y", "u", "v")


@runtime_checkable
class FrameSession(Session, Protocol):
    """A session of a luma network that accepts whole frames too."""

    def frame(self, planes: Sequence[Plane], results: Sequence[Plane], form: FrameFormat) -> None:
        """Upscale as :func:`upscale` does: from checked planes into results that overlap nothing."""


@dataclass(frozen=True)
class FrameFormat:
    """The format that all frames of a stream share.

    Args:
        subsampling: ``420``, ``422``, ``444``, ``440``, ``411`` or ``gray``.
        siting: where chroma lies: ``left``, ``center``, ``topleft``, ``top``, ``bottomleft`` or ``bottom``. None is
            allowed only without subsampling.
        bits: of each sample, 8 … 16.
        full_range: True if codes span the whole range of the bits, False for studio range (16 … 235 of 8 bits).

    Raises:
        InvalidArgument: another value, or no siting with subsampled chroma.

    >>> FrameFormat("420", "left", 10, False).chroma((1079, 1919))
    (540, 960)
    """

    subsampling: str
    siting: str | None
    bits: int
    full_range: bool

    def __post_init__(self) -> None:
        known = get_args(Subsampling)
        if not isinstance(self.subsampling, str) or self.subsampling not in known:
            raise unknown("subsampling", self.subsampling, known, where="yuv")
        if self.siting is None and self.factors != (1, 1):
            raise InvalidArgument(
                f"yuv: siting=None: subsampling '{self.subsampling}' needs one of {', '.join(_SITINGS)}"
            )
        if self.siting is not None and not (isinstance(self.siting, str) and self.siting in _SITINGS):
            raise unknown("siting", self.siting, _SITINGS, where="yuv")
        if isinstance(self.bits, bool) or not isinstance(self.bits, (int, np.integer)) or not 8 <= self.bits <= 16:
            raise InvalidArgument(f"yuv: bits={self.bits!r}: an integer from 8 to 16 is needed")
        if not isinstance(self.full_range, (bool, np.bool_)):
            raise InvalidArgument(f"yuv: full_range={self.full_range!r}: True or False is needed")

    @property
    def factors(self) -> tuple[int, int]:
        """Luma samples for each chroma sample, down and across."""
        return _FACTORS[self.subsampling]

    @property
    def luma(self) -> FrameFormat:
        """The format of the luma alone, as a gray frame."""
        return FrameFormat("gray", None, self.bits, self.full_range)

    @property
    def centres(self) -> tuple[float, float]:
        """Where chroma lies in its cell, down and across: ``d`` of the module's text."""
        siting = _SITINGS[self.siting or "center"]
        down, across = ((offset * (f - 1) + 0.5) / f for offset, f in zip(siting, self.factors, strict=True))
        return down, across

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8 if self.bits == 8 else np.uint16)

    @property
    def max_code(self) -> int:
        """The highest code."""
        return (1 << int(self.bits)) - 1

    @property
    def network_bytes(self) -> bool:
        """Whether codes are the bytes that int8 networks read: 8 bits of studio range."""
        return self.bits == 8 and not self.full_range

    @property
    def codes(self) -> tuple[np.float32, np.float32, np.float32]:
        """``(unit, black, codes)``: a value is ``code * unit + black``, and its code ``(value - black) * codes``.

        Values are those that networks read, with black at 16/255 and white at 235/255. Studio codes are those of 8
        bits times ``2**(bits - 8)``; full-range codes go from 0 to ``2**bits - 1``.
        """
        if self.full_range:
            span = 219.0 / 255.0
            return np.float32(span / self.max_code), np.float32(16.0 / 255.0), np.float32(self.max_code / span)
        studio = 255 << (int(self.bits) - 8)
        return np.float32(1.0 / studio), np.float32(0), np.float32(studio)

    def chroma(self, luma: tuple[int, int]) -> tuple[int, int]:
        """The height and width of chroma, from the height and width of luma."""
        down, across = self.factors
        return -(-luma[0] // down), -(-luma[1] // across)

    def check_frame(self, y: Any, u: Any, v: Any) -> list[Plane]:
        """The planes of a frame as a list: one of a gray frame, else three.

        Raises:
            InvalidArgument: a plane is missing or one too many, or its type, dtype or size is wrong.
        """
        if self.subsampling == "gray":
            if u is not None or v is not None:
                raise InvalidArgument("yuv: subsampling='gray' has no chroma: u and v must be None")
            return [self._check_plane(y, "y", None)]
        luma = self._check_plane(y, "y", None)
        shape = self.chroma(luma.shape)
        return [luma, *(self._check_plane(plane, name, shape) for name, plane in (("u", u), ("v", v)))]

    def output_planes(self, planes: Sequence[Plane], scale: int, out: Any) -> list[Plane]:
        """The planes to write the result to, ``scale`` times as large: those of ``out``, or new ones if it is None.

        Raises:
            InvalidArgument: a plane of ``out`` does not fit, is read-only, or overlaps another plane.
        """
        height, width = planes[0].shape
        luma = (height * scale, width * scale)
        shapes = [luma, *[self.chroma(luma)] * (len(planes) - 1)]
        if out is None:
            return [np.empty(shape, self.dtype) for shape in shapes]
        given = list(out) if isinstance(out, (tuple, list)) else []
        if len(given) == 3 and len(planes) == 1 and given[1] is None and given[2] is None:
            given = given[:1]
        if len(given) != len(planes):
            wanted = "(y, u, v)" if len(planes) == 3 else "(y, None, None)"
            raise InvalidArgument(f"yuv: out: {wanted} of arrays is needed")
        for k, (name, plane, shape) in enumerate(zip(_NAMES, given, shapes, strict=False)):
            self._check_plane(plane, f"out {name}", shape)
            if not plane.flags.writeable:
                raise InvalidArgument(f"yuv: out {name}: the array is read-only; a writeable one is needed")
            for other, theirs in zip((*_NAMES, *("out " + n for n in _NAMES)), (*planes, *given[:k]), strict=False):
                if np.shares_memory(plane, theirs):
                    raise InvalidArgument(f"yuv: out {name} overlaps {other}: each plane needs memory of its own")
        return given

    def _check_plane(self, plane: Any, name: str, shape: tuple[int, int] | None) -> Plane:
        if not isinstance(plane, np.ndarray):
            raise InvalidArgument(f"yuv: {name}: {type(plane).__name__}: a NumPy array is needed")
        if plane.dtype != self.dtype:
            raise InvalidArgument(f"yuv: {name}: dtype {plane.dtype}: {self.dtype} is needed with bits={self.bits}")
        if shape is None and (plane.ndim != 2 or 0 in plane.shape):
            raise InvalidArgument(f"yuv: {name}: shape {plane.shape}: (H, W) of at least one sample is needed")
        if shape is not None and plane.shape != shape:
            raise InvalidArgument(
                f"yuv: {name}: shape {plane.shape}: {shape} is needed with subsampling '{self.subsampling}'"
            )
        return plane


def upscale(
    session: Session,
    planes: Sequence[Plane],
    results: Sequence[Plane],
    form: FrameFormat,
    scale: int,
    halo: int | None,
    session_reads_bytes: bool,
) -> None:
    """Upscale a frame with a session on planes, in NumPy: luma by the network, chroma cubic (a = −0.5).

    The compiled module does the same operations on floats, in the same order.

    Args:
        session: of a luma network.
        planes: checked, ``(H, W)`` each.
        results: the planes to write to.
        form: the format of the frame.
        scale: of the network.
        halo: input samples on each side that an output sample depends on; None for all.
        session_reads_bytes: the session reads u8 too. Codes are then passed on as they are where the format allows.
    """
    _upscale_luma(session, planes[0], results[0], form, scale, halo, session_reads_bytes and form.network_bytes)
    for plane, result in zip(planes[1:], results[1:], strict=True):
        _resize_plane(plane, result, form.centres, form, (scale, scale))


def interpolate(
    planes: Sequence[Plane], results: Sequence[Plane], form: FrameFormat, scale: int, threads: int | None
) -> None:
    """Upscale a frame without a network: luma is cubic, as chroma always is.

    Args:
        planes: checked, ``(H, W)`` each.
        results: the planes to write to.
        form: the format of the frame.
        scale: the upscaling factor.
        threads: of the compiled module; None for NumPy, which gives the same bytes.
    """
    for number, (plane, result) in enumerate(zip(planes, results, strict=True)):
        interpolate_plane(plane, result, form.centres if number else (0.5, 0.5), form, scale, threads)


def interpolate_plane(
    plane: Plane, result: Plane, centres: tuple[float, float], form: FrameFormat, scale: int, threads: int | None
) -> None:
    """Upscale one plane as :func:`interpolate` does; its samples lie at ``centres`` of their cells, down and across."""
    resize_plane(plane, result, centres, form, (scale, scale), threads)


def resize_plane(
    plane: Plane,
    result: Plane,
    centres: tuple[float, float],
    form: FrameFormat,
    scales: tuple[float, float],
    threads: int | None,
) -> None:
    """Resize one plane to any size by a cubic (a = −0.5), antialiased along an axis that shrinks.

    Args:
        plane: ``(H, W)`` codes.
        result: the plane to write to.
        centres: where a sample lies in its cell, down and across, see :attr:`FrameFormat.centres`.
        form: the format of the frame.
        scales: how many times higher and wider the frame becomes.
        threads: of the compiled module; None for NumPy, which gives the same bytes.
    """
    passes = None if threads is None else _passes(plane.shape, result.shape, centres, scales, form)
    if passes is None:
        _resize_plane(plane, result, centres, form, scales)
    else:
        result[:] = run(passes, plane, threads)


@lru_cache(maxsize=16)
def _passes(
    given: tuple[int, int],
    result: tuple[int, int],
    centres: tuple[float, float],
    scales: tuple[float, float],
    form: FrameFormat,
) -> Passes | None:
    if not is_available():
        return None
    tables = list(enumerate(_taps(given, result, centres, scales)))
    codes = np.dtype(form.dtype).name
    return plan_float(given, codes, tables, "float32", codes, most=form.max_code)


def _taps(
    given: tuple[int, ...], result: tuple[int, ...], centres: tuple[float, float], scales: tuple[float, float]
) -> list[AxisTaps]:
    """The tables of both axes."""
    return [
        axis_taps(n_in, n_out, scale, antialias=True, centre=centre)
        for n_in, n_out, scale, centre in zip(given, result, scales, centres, strict=True)
    ]


def _upscale_luma(
    session: Session, y: Plane, result: Plane, form: FrameFormat, scale: int, halo: int | None, as_bytes: bool
) -> None:
    height, width = y.shape
    unit, black, codes = form.codes
    for band in bands(height, width, scale, halo):
        x = y[band.source]
        output = session((x if as_bytes else x.astype(np.float32) * unit + black)[None])[0][band.crop]
        result[band.result] = output if as_bytes else to_codes((output - black) * codes, form)


def _resize_plane(
    x: Plane, result: Plane, centres: tuple[float, float], form: FrameFormat, scales: tuple[float, float]
) -> None:
    rows, columns = _taps(x.shape, result.shape, centres, scales)
    step = rows_at_once(max(x.shape[1], result.shape[1]))
    for top in range(0, len(rows.index), step):
        band = slice(top, top + step)
        down = AxisTaps(rows.index[band], rows.weight[band])
        result[band] = to_codes(_resize_axis(_resize_axis(x, down, 0), columns, 1), form)


def _resize_axis(x: NDArray[Any], taps: AxisTaps, axis: int) -> F32:
    """Resize one axis, adding up from the first tap on."""
    shape = (-1, 1) if axis == 0 else (1, -1)
    weight = taps.weight.astype(np.float32)
    terms = (
        x.take(index, axis).astype(np.float32) * w.reshape(shape)
        for index, w in zip(taps.index.T, weight.T, strict=True)
    )
    return reduce(np.add, terms)


def to_codes(x: F32, form: FrameFormat) -> Plane:
    """Codes as integers: rounded half up and clipped to the range of the bits. Overwrites nothing of ``x``."""
    x = x + np.float32(0.5)
    return np.clip(x, np.float32(0), np.float32(form.max_code), out=x).astype(form.dtype)
