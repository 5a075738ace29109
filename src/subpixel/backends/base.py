"""The protocols of backends and sessions, the choice of a backend, and checks of what sessions are given."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

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

    name: str
    precisions: tuple[str, ...]

    def unavailable(self) -> str | None:
        """None if the backend can run here, else the reason, as the end of a sentence."""

    def details(self) -> dict[str, Any]:
        """What ``subpixel doctor`` shows about the backend."""

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


def choose_backend(name: str, precision: str, quantisation: Quantisation = None) -> tuple[Backend, str]:
    """The backend of that name, or for ``auto`` the fastest that can run here and has the precision.

    Args:
        name: ``auto``, ``native``, ``reference`` or ``torch``.
        precision: ``auto``, ``f32``, ``bf16`` or ``int8``. ``auto`` is int8 if ``quantisation`` records a loss of at
            most 0.05 dB, else f32: the same on every machine.
        quantisation: the int8 parameters of the model file.

    Returns:
        The backend and the precision to prepare it with.

    Raises:
        InvalidArgument: unknown name or precision.
        BackendUnavailable: the named backend cannot run here.
        Unsupported: the backend does not have the precision.

    >>> backend, precision = choose_backend("reference", "auto")
    >>> backend.name, precision
    ('reference', 'f32')
    """
    from subpixel.backends import BACKENDS

    if precision not in get_args(Precision):
        raise unknown("precision", precision, get_args(Precision))
    if name != "auto" and name not in BACKENDS:
        raise unknown("backend", name, ("auto", *BACKENDS))
    wanted = precision
    if precision == "auto":
        wanted = "int8" if _loses_little(quantisation) else "f32"
        if name != "auto" and wanted not in BACKENDS[name].precisions:
            wanted = "f32"
    given = f"backend={name!r}, precision={precision!r}"
    if name != "auto":
        backend = BACKENDS[name]
        reason = backend.unavailable()
        if reason:
            raise BackendUnavailable(f"backend '{name}' cannot run here: {reason}")
        if wanted not in backend.precisions:
            raise Unsupported(f"{given}: this backend has {', '.join(backend.precisions)}")
        return backend, wanted
    for backend in BACKENDS.values():
        reason = backend.unavailable()
        if wanted in backend.precisions and not reason:
            return backend, wanted
        if backend.name == "native" and wanted in backend.precisions:
            # Python shows a warning once for each text and place.
            warnings.warn(f"running on the slower fallback: {reason}", FallbackWarning, stacklevel=1)
    capable = [b.name for b in BACKENDS.values() if wanted in b.precisions]
    raise Unsupported(f"{given}: only {', '.join(capable)} has {wanted}, which cannot run here")


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
