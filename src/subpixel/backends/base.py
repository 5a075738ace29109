"""The protocols of backends and sessions, the choice of a backend, and checks of what sessions are given."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from subpixel.backends.devices import check_device
from subpixel.errors import BackendUnavailable, FallbackWarning, InvalidArgument, Unsupported, unknown
from subpixel.models.spec import Spec
from subpixel.ops.native import available_threads

__all__ = [
    "Backend",
    "ImageSession",
    "Planes",
    "Precision",
    "Quantisation",
    "Session",
    "SessionAlpha",
    "VideoSession",
    "available_threads",
    "check_inputs",
    "check_planes",
    "choose_backend",
    "empty_result",
]

Planes = NDArray[np.float32]
Weights = Mapping[str, NDArray[np.float32]]
Quantisation = Mapping[str, Any] | None
SessionAlpha = Literal["none", "opaque"]
Precision = Literal["auto", "f32", "bf16", "int8"]

# A loss of PSNR that nobody sees: up to it, the precision ``auto`` is int8.
_MAX_INVISIBLE_LOSS_DB = 0.05


class Session(Protocol):
    """A network that is ready to run."""

    def __call__(self, planes: NDArray[Any]) -> NDArray[Any]:
        """Upscale planes ``(C, H, W)`` to ``(C, H*scale, W*scale)`` of the same dtype. Thread-safe.

        The planes are f32 in the Spec's colour range. With int8 they may be u8 as well: each code stands for itself
        divided by 255.
        """


@runtime_checkable
class ImageSession(Session, Protocol):
    """A session of a luma network that accepts whole images too."""

    def image(self, pixels: NDArray[Any], alpha: SessionAlpha) -> NDArray[Any]:
        """Upscale an image ``(H, W, C)``, u8 or u16, to ``(H*scale, W*scale, C)`` of the same dtype.

        The network upscales luma; colour is bicubic (a = −0.5).

        Args:
            pixels: gray or RGB, with or without alpha as the last channel.
            alpha: ``none``: there is no alpha; ``opaque``: alpha is opaque everywhere, in the result too.
        """


class VideoSession(Protocol):
    """A network for videos that is ready to run."""

    def __call__(self, inputs: Mapping[str, Planes]) -> dict[str, Planes]:
        """From ``(C, H, W)`` f32 for each of ``spec.inputs`` to values of ``spec.outputs``, by name. Thread-safe."""


class Backend(Protocol):
    """An implementation that runs networks. It knows nothing of files, colour or tiles."""

    @property
    def name(self) -> str:
        """The name that people type."""

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions that it has."""

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices that it may run on, the CPU first."""

    def unavailable(self) -> str | None:
        """None if the backend can run here, else the reason, as the end of a sentence."""

    def details(self) -> dict[str, Any]:
        """What ``subpixel doctor`` shows about the backend."""

    def missing_device(self, device: str) -> str | None:
        """None if one of :attr:`devices` is here, else the reason, as the end of a sentence."""

    def on(self, device: str) -> Backend:
        """The same backend on one of :attr:`devices`."""

    def prepare(
        self,
        spec: Spec,
        weights: Weights,
        precision: str,
        threads: int,
        quantisation: Quantisation = None,
        flat: int | None = None,
    ) -> Session:
        """Make a session: pack the weights and compute tables once.

        Args:
            spec: a network on single images.
            weights: f32 tensors by name, as ``spec.weight_shapes`` lists them.
            precision: one of :attr:`precisions`.
            threads: at least 1.
            quantisation: the int8 parameters of the model file.
            flat: the threshold of flat cells in halves of a code, or None to compute all cells; see
                :mod:`subpixel.models.flat`. Cells are counted from the first sample that the session is given.
        """

    def prepare_video(
        self, spec: Spec, weights: Weights, precision: str, threads: int, quantisation: Quantisation = None
    ) -> VideoSession:
        """As :meth:`prepare`, for a network that reads several frames or has a state."""


def choose_backend(
    name: str, precision: str, quantisation: Quantisation = None, device: str = "cpu"
) -> tuple[Backend, str]:
    """The backend of that name, or for ``auto`` the fastest of ours that can run here and has the precision.

    Args:
        name: ``auto``, ``native``, ``reference``, ``torch``, ``torch-compiled``, ``onnxruntime`` or ``openvino``.
        precision: ``auto``, ``f32``, ``bf16`` or ``int8``. ``auto`` is int8 if ``quantisation`` records a loss of at
            most 0.05 dB and the backend has int8, else f32.
        quantisation: the int8 parameters of the model file.
        device: ``cpu``; ``cuda``, ``mps`` or ``gpu``: a GPU, with the first backend that has it if none is named;
            ``auto``: the first GPU that is here, else the CPU.

    Returns:
        The backend on its device, and the precision to prepare it with.

    Raises:
        InvalidArgument: unknown name, precision or device.
        BackendUnavailable: the named backend or device cannot run here.
        Unsupported: the backend does not have the precision or the device.

    >>> backend, precision = choose_backend("reference", "auto")
    >>> backend.name, precision
    ('reference', 'f32')
    """
    from subpixel.backends import BACKENDS

    if precision not in get_args(Precision):
        raise unknown("precision", precision, get_args(Precision))
    if name != "auto" and name not in BACKENDS:
        raise unknown("backend", name, ("auto", *BACKENDS))
    check_device(device)
    if device != "cpu":
        found = _on_device(name, device, precision)
        if found is not None:
            return found, _precision_of(found, precision, quantisation)
    if name != "auto":
        backend = BACKENDS[name]
        _require(backend)
        return backend, _precision_of(backend, precision, quantisation)
    given = f"backend={name!r}, precision={precision!r}"
    wanted = precision
    if precision == "auto":
        wanted = "int8" if _loses_little(quantisation) else "f32"
    for backend in BACKENDS.values():
        reason = backend.unavailable()
        if wanted in backend.precisions and not reason:
            return backend, wanted
        if backend.name == "native" and wanted in backend.precisions:
            # Python shows a warning once for each text and place.
            warnings.warn(f"running on the slower fallback: {reason}", FallbackWarning, stacklevel=1)
    capable = [b.name for b in BACKENDS.values() if wanted in b.precisions]
    raise Unsupported(f"{given}: only {', '.join(capable)} has {wanted}, which cannot run here")


def _require(backend: Backend) -> None:
    reason = backend.unavailable()
    if reason:
        raise BackendUnavailable(f"backend '{backend.name}' cannot run here: {reason}")


def _precision_of(backend: Backend, precision: str, quantisation: Quantisation) -> str:
    """The precision of a backend that was chosen."""
    wanted = precision
    if precision == "auto":
        wanted = "int8" if _loses_little(quantisation) and "int8" in backend.precisions else "f32"
    if wanted not in backend.precisions:
        given = f"backend={backend.name!r}, precision={precision!r}"
        raise Unsupported(f"{given}: this backend has {', '.join(backend.precisions)}")
    return wanted


def _on_device(name: str, device: str, precision: str) -> Backend | None:
    """A backend on a GPU; None for the CPU, where ``auto`` finds no GPU."""
    from subpixel.backends import BACKENDS

    if name != "auto":
        _require(BACKENDS[name])
    reasons: dict[str, str] = {}
    for backend in BACKENDS.values() if name == "auto" else (BACKENDS[name],):
        for one in backend.devices[1:]:
            if device not in ("auto", one):
                continue
            reason = backend.unavailable() or backend.missing_device(one)
            if reason is None and name == "auto" and precision not in ("auto", *backend.precisions):
                reason = f"it has no {precision}"
            if reason is None:
                return backend.on(one)
            reasons[backend.name] = reason
    if device == "auto":
        return None
    if reasons:
        why = "; ".join(f"backend '{one}': {reason}" for one, reason in reasons.items())
        raise BackendUnavailable(f"device={device!r} cannot be used: {why}")
    capable = " or ".join(f"backend={one.name!r}" for one in BACKENDS.values() if device in one.devices)
    raise Unsupported(f"backend={name!r}, device={device!r}: this backend runs on the CPU; {capable} is needed")


def _loses_little(quantisation: Quantisation) -> bool:
    loss = None if quantisation is None else quantisation.get("loss_db")
    return isinstance(loss, (int, float)) and loss <= _MAX_INVISIBLE_LOSS_DB


def check_planes(planes: Any, spec: Spec, *, int8: bool = False) -> NDArray[Any]:
    """The planes as an array, for every session on images.

    Raises:
        InvalidArgument: the dtype is not f32 (with ``int8``, nor u8), or the shape is not the network's ``(C, H, W)``.
    """
    array: NDArray[Any] = np.asarray(planes)
    fits = array.dtype == np.float32 or (int8 and array.dtype == np.uint8)
    if not fits or array.ndim != 3 or array.shape[0] != spec.channels:
        raise InvalidArgument(
            f"session: planes of dtype {array.dtype} and shape {array.shape}: {'f32 or u8' if int8 else 'f32'} of "
            f"shape ({spec.channels}, H, W) is needed"
        )
    return array


def empty_result(planes: NDArray[Any], spec: Spec) -> NDArray[Any]:
    """The result for planes without samples."""
    return np.empty((planes.shape[0], planes.shape[1] * spec.scale, planes.shape[2] * spec.scale), planes.dtype)


def check_inputs(inputs: Mapping[str, Any], spec: Spec) -> dict[str, Planes]:
    """The inputs as arrays by name, for every session on videos.

    Raises:
        InvalidArgument: the names are not those of the network's inputs, a dtype is not f32, an input has the wrong
            number of planes, or sizes differ.
    """
    names = [one.name for one in spec.inputs]
    if set(inputs) != set(names):
        raise InvalidArgument(f"session: inputs {', '.join(inputs) or 'none'}: {', '.join(names)} are needed")
    size = np.shape(inputs[names[0]])[1:]
    arrays = {}
    for name in names:
        array: NDArray[Any] = np.asarray(inputs[name])
        channels = spec.values[name].channels
        if array.dtype != np.float32 or array.ndim != 3 or array.shape != (channels, *size) or 0 in array.shape:
            wanted = ", ".join(map(str, (channels, *(size if len(size) == 2 and 0 not in size else ("H", "W")))))
            raise InvalidArgument(
                f"session: input '{name}' of dtype {array.dtype} and shape {array.shape}: f32 of shape ({wanted}) is "
                "needed"
            )
        arrays[name] = array
    return arrays
