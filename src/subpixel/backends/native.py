"""The backend ``native``, which runs networks on the C++ engine of ``native/``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends.bands import bands
from subpixel.backends.base import (
    Planes,
    Quantisation,
    Session,
    SessionAlpha,
    VideoSession,
    Weights,
    check_planes,
)
from subpixel.backends.devices import OnCpu
from subpixel.backends.flat import check_flat
from subpixel.backends.frames import FrameFormat
from subpixel.backends.native_graph import Graph, phases
from subpixel.backends.video_chain import ChainVideoSession
from subpixel.errors import BackendUnavailable, InvalidArgument, Unsupported
from subpixel.models.bicubic import bicubic
from subpixel.models.chain import Chain, chain_of, row_of, video_chain_of
from subpixel.models.flat import integer_taps, plain_taps
from subpixel.models.graph import require_single_image
from subpixel.models.integer import IntegerNetwork, integer_network
from subpixel.models.lowering import lower
from subpixel.models.spec import Spec
from subpixel.ops.native import forced_form, forced_target, native_module

__all__ = ["NativeBackend", "native_module"]


# Channels of the shipped networks.
_WIDTHS = (16, 24, 64)


class NativeBackend(OnCpu):
    """f32 for any network, bf16 and int8 for plain chains.

    The engine uses the best instruction set of the machine. The environment variable ``SUBPIXEL_TARGET`` forces one.
    Where int8 convolutions have two forms, it measures once which takes less time; ``SUBPIXEL_INT8_FORM`` forces one.
    """

    name = "native"
    precisions: tuple[str, ...] = ("f32", "bf16", "int8")

    def unavailable(self) -> str | None:
        if native_module() is None:
            return "subpixel was installed without a C++ compiler; install a compiler, then reinstall subpixel"
        return None

    def details(self) -> dict[str, Any]:
        module = native_module()
        if module is None:
            return {}
        targets = module.targets()
        return {
            "targets": targets,
            "chosen": forced_target() or targets[-1],
            "features": module.features(),
            "int8 convolutions": _form_in_use(module),
        }

    def prepare(
        self,
        spec: Spec,
        weights: Weights,
        precision: str,
        threads: int,
        quantisation: Quantisation = None,
        flat: int | None = None,
    ) -> Session:
        module = native_module()
        if module is None:
            raise BackendUnavailable(f"backend 'native' cannot run here: {self.unavailable()}")
        if threads < 1:
            raise InvalidArgument(f"backend 'native': threads={threads}: at least 1 is needed")
        require_single_image(spec)
        check_flat(spec, flat)
        # Chains have no transposed convolution.
        spec, weights = lower(spec, weights)
        if precision == "int8":
            return _integer_session(module, spec, integer_network(spec, weights, quantisation), threads, flat)
        try:
            return _float_session(module, spec, weights, chain_of(spec, precision), precision, threads, flat)
        except Unsupported:
            if precision == "bf16":
                raise
        return _session(module, Graph(module, spec, weights, threads), spec, threads)

    def prepare_video(
        self, spec: Spec, weights: Weights, precision: str, threads: int, quantisation: Quantisation = None
    ) -> VideoSession:
        module = native_module()
        if module is None:
            raise BackendUnavailable(f"backend 'native' cannot run here: {self.unavailable()}")
        if threads < 1:
            raise InvalidArgument(f"backend 'native': threads={threads}: at least 1 is needed")
        try:
            chain = video_chain_of(spec, f"backend 'native' with precision='{precision}'")
        except Unsupported:
            if precision != "f32":
                raise
            return Graph(module, spec, weights, threads)
        if precision == "int8":
            run_convs = _integer_row(module, integer_network(spec, weights, quantisation), threads)
        else:
            run_convs = _float_row(module, spec, weights, precision, threads)
        return ChainVideoSession(spec, chain, run_convs)


def _skip_flat(engine: Any, scale: int, flat: int | None) -> None:
    if flat is not None:
        engine.skip_flat(flat, integer_taps(scale).ravel().tolist(), plain_taps(scale).astype("f4").ravel().tolist())


def _integer_session(
    module: ModuleType, spec: Spec, network: IntegerNetwork, threads: int, flat: int | None
) -> Session:
    crd = network.order == "CRD"
    engine = module.IntegerSession(
        network.channels, network.scale, crd, network.base, network.zero_border, threads, forced_target(), forced_form()
    )
    for conv in network.convs:
        constants = conv.bias, conv.shift, conv.multiplier, conv.slope
        skip = -1 if conv.skip is None else conv.skip
        last = conv is network.convs[-1]
        engine.conv(conv.weight, *constants, conv.activation, conv.zero, last, skip, conv.gain)
    _skip_flat(engine, network.scale, flat)
    return _session(module, engine, spec, threads, chain=True, int8=True)


def _form_in_use(module: ModuleType) -> str:
    """The form of int8 convolutions of 3×3 with the channels of the shipped networks, in words."""
    forced = forced_form()
    if all(_form_of(module, channels, "winograd") == "direct" for channels in _WIDTHS):
        return "direct, the only form here"
    if forced:
        return f"{forced}, forced"
    found = {channels: _form_of(module, channels, "") for channels in _WIDTHS}
    if len(set(found.values())) == 1:
        return f"{found[_WIDTHS[0]]}, found to be faster"
    parts = [f"{form} with {channels} channels" for channels, form in found.items()]
    return f"{', '.join(parts)}; found to be faster"


def _form_of(module: ModuleType, channels: int, form: str) -> str:
    engine = module.IntegerSession(channels, 1, True, False, False, 1, forced_target(), form)
    weight, constants = np.zeros((channels, channels, 3, 3), np.int8), np.zeros(channels, np.int32)
    engine.conv(weight, constants, constants, constants.astype(np.int16), None, "relu", 0, False, -1, 0)
    (result,) = engine.forms
    return str(result)


def _float_session(
    module: ModuleType,
    spec: Spec,
    weights: Weights,
    chain: Chain,
    precision: str,
    threads: int,
    flat: int | None,
) -> Session:
    engine = module.FloatSession(
        precision,
        spec.channels,
        spec.scale,
        chain.shuffle.order == "CRD",
        chain.base,
        spec.border == "zero",
        threads,
        forced_target(),
    )
    for conv, skip in zip(chain.convs, chain.skips, strict=True):
        tensors = [weights.get(f"{conv.name}.{part}") for part in ("weight", "bias", "slope")]
        arrays = [_array(t) for t in tensors]
        last = conv is chain.convs[-1]
        engine.conv(*arrays, conv.activation, last, -1 if skip is None else skip)
    _skip_flat(engine, spec.scale, flat)
    return _session(module, engine, spec, threads, chain=True)


def _session(
    module: ModuleType, engine: Any, spec: Spec, threads: int, *, chain: bool = False, int8: bool = False
) -> Session:
    if spec == bicubic(spec.scale, colour="rgb"):
        return _BicubicSession(module, engine, spec, threads)
    if spec.colour != "luma":
        return _PlaneSession(engine, spec, int8)
    return _ChainSession(engine, spec, int8) if chain else _GraphSession(module, engine, spec, threads)


class _PlaneSession:
    """A session on planes only."""

    def __init__(self, engine: Any, spec: Spec, int8: bool) -> None:
        self._engine, self._spec, self._int8 = engine, spec, int8

    def __call__(self, planes: NDArray[Any]) -> NDArray[Any]:
        planes = np.ascontiguousarray(check_planes(planes, self._spec, int8=self._int8))
        channels, height, width = planes.shape
        result = np.empty((channels, height * self._spec.scale, width * self._spec.scale), planes.dtype)
        if result.size:
            self._engine.run(planes, result)
        return result


class _ChainSession(_PlaneSession):
    """A session of a luma chain: the compiled module reads and writes pixels of images and frames, row by row."""

    def __init__(self, engine: Any, spec: Spec, int8: bool) -> None:
        super().__init__(engine, spec, int8)
        self._taps = _cubic(spec.scale)

    def image(self, pixels: NDArray[Any], alpha: SessionAlpha) -> NDArray[Any]:
        pixels = np.ascontiguousarray(pixels)
        result = _empty_result(pixels, self._spec.scale)
        self._engine.image(pixels, result, *self._taps, alpha)
        return result

    def frame(self, planes: Sequence[NDArray[Any]], results: Sequence[NDArray[Any]], form: FrameFormat) -> None:
        rows, columns = (_cubic(self._spec.scale, centre) for centre in form.centres)
        # Rows may have any stride; a plane whose rows are not contiguous is copied.
        ordered = [plane if _rows_contiguous(plane) else np.ascontiguousarray(plane) for plane in planes]
        result = [plane if _rows_contiguous(plane) else np.empty(plane.shape, plane.dtype) for plane in results]
        self._engine.frame(ordered, result, int(form.bits), bool(form.full_range), *form.factors, *rows, *columns)
        for mine, theirs in zip(result, results, strict=True):
            if mine is not theirs:
                theirs[...] = mine


class _GraphSession(_PlaneSession):
    """A session of any other luma network: luma, the network and the rest run one after another, band by band."""

    def __init__(self, module: ModuleType, engine: Any, spec: Spec, threads: int) -> None:
        super().__init__(engine, spec, False)
        self._taps = _cubic(spec.scale)
        self._module, self._threads, self._target = module, threads, forced_target()

    def image(self, pixels: NDArray[Any], alpha: SessionAlpha) -> NDArray[Any]:
        height, width, _ = pixels.shape
        scale, pixels = self._spec.scale, np.ascontiguousarray(pixels)
        result = _empty_result(pixels, scale)
        halo = self._spec.halo if self._spec.multiple == 1 else None
        for band in bands(height, width, scale, halo):
            rows = pixels[band.source]
            luma = np.empty((len(rows), width), np.float32)
            self._module.luma(rows, luma, alpha, self._threads, self._target)
            net = self(luma[None])[0, band.crop]
            self._module.compose(
                pixels, band.top, band.bottom, net, result, *self._taps, alpha, self._threads, self._target
            )
        return result


class _BicubicSession(_PlaneSession):
    """A session of the bicubic resize, each channel by itself."""

    def __init__(self, module: ModuleType, engine: Any, spec: Spec, threads: int) -> None:
        super().__init__(engine, spec, False)
        self._taps = _cubic(spec.scale)
        self._module, self._threads, self._target = module, threads, forced_target()

    def image(self, pixels: NDArray[Any], alpha: SessionAlpha) -> NDArray[Any]:
        pixels = np.ascontiguousarray(pixels)
        result = _empty_result(pixels, self._spec.scale)
        self._module.interpolate(pixels, result, *self._taps, self._threads, self._target)
        return result  # what is opaque stays opaque


def _float_row(
    module: ModuleType, spec: Spec, weights: Weights, precision: str, threads: int
) -> Callable[[Planes], Planes]:
    """A function that runs the convolutions of a video chain.

    The engine reads and writes equally many planes: the smaller number is padded with planes of zeros.
    """
    chain, weights = row_of(spec, weights, "backend 'native'")
    *_, end = chain.convs
    count = max(chain.convs[0].in_channels, end.out_channels)
    engine = module.FloatSession(precision, count, 1, True, False, spec.border == "zero", threads, forced_target())
    for conv in chain.convs:
        tensors = [weights.get(f"{conv.name}.{part}") for part in ("weight", "bias", "slope")]
        weight, bias, slope = (_array(t) for t in tensors)
        if conv is chain.convs[0]:
            weight = _pad_with_zeros(weight, 1, count)
        if conv is end:
            weight, bias = _pad_with_zeros(weight, 0, count), _pad_with_zeros(bias, 0, count)
        engine.conv(weight, bias, slope, conv.activation, conv is end, -1)
    return _row(engine, count)


def _integer_row(module: ModuleType, network: IntegerNetwork, threads: int) -> Callable[[Planes], Planes]:
    """As :func:`_float_row`, in integers."""
    end = network.convs[-1]
    count = max(network.channels, len(end.weight))
    engine = module.IntegerSession(count, 1, True, False, network.zero_border, threads, forced_target(), forced_form())
    for conv in network.convs:
        weight: NDArray[Any] = conv.weight
        constants: list[NDArray[Any]] = [conv.bias, conv.shift, conv.multiplier]
        if conv is network.convs[0]:
            weight = _pad_with_zeros(weight, 1, count)
        if conv is end:
            weight = _pad_with_zeros(weight, 0, count)
            constants = [_pad_with_zeros(values, 0, count) for values in constants]
        engine.conv(weight, *constants, conv.slope, conv.activation, conv.zero, conv is end, -1, 0)
    return _row(engine, count)


def _row(engine: Any, count: int) -> Callable[[Planes], Planes]:
    def run(x: Planes) -> Planes:
        x = _pad_with_zeros(x, 0, count)
        y = np.empty_like(x)
        engine.run(x, y)
        return y

    return run


def _array(values: NDArray[Any] | None) -> NDArray[np.float32] | None:
    return None if values is None else np.ascontiguousarray(values, np.float32)


def _pad_with_zeros(array: NDArray[Any] | None, axis: int, count: int) -> NDArray[Any]:
    """Append zeros along an axis, up to ``count`` entries."""
    assert array is not None
    if array.shape[axis] < count:
        array = np.pad(array, [(0, count - side if k == axis else 0) for k, side in enumerate(array.shape)])
    return np.ascontiguousarray(array)


def _empty_result(pixels: NDArray[Any], scale: int) -> NDArray[Any]:
    height, width, channels = pixels.shape
    return np.empty((height * scale, width * scale, channels), pixels.dtype)


def _rows_contiguous(plane: NDArray[Any]) -> bool:
    """Whether the samples of each row are contiguous and aligned."""
    return plane.strides[1] == plane.itemsize and plane.flags.aligned


@lru_cache(maxsize=64)
def _cubic(scale: int, centre: float = 0.5) -> tuple[list[int], list[float]]:
    offsets, weights = phases(scale, "cubic", centre)
    return offsets[::4], weights
