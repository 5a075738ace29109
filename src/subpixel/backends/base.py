"""What it means to run a Spec, and the choice between those who can."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import BackendUnavailable, FallbackWarning, InvalidArgument, Unsupported
from subpixel.models.spec import Spec
from subpixel.ops.native import available_threads

__all__ = [
    "Alpha",
    "Backend",
    "ImageSession",
    "Planes",
    "Precision",
    "Quantisation",
    "Session",
    "VideoSession",
    "available_threads",
    "checked_inputs",
    "checked_planes",
    "choose_backend",
]

Planes = NDArray[np.float32]
Weights = Mapping[str, NDArray[np.float32]]
Quantisation = Mapping[str, Any] | None
Alpha = Literal["none", "opaque", "carried"]
Precision = Literal["auto", "f32", "bf16", "int8"]

# Loss of PSNR that nobody sees: up to it, int8 is what ``auto`` means.
_HARMLESS_DB = 0.05


class Session(Protocol):
    """A network made ready to run."""

    def __call__(self, planes: NDArray[Any]) -> NDArray[Any]:
        """``(C, H, W)`` in the Spec's colour contract to ``(C, H*scale, W*scale)`` of the same dtype. Thread-safe.

        f32; with int8 also u8, which stands for the same divided by 255.
        """


@runtime_checkable
class ImageSession(Session, Protocol):
    """A session of a luma network that takes whole images too."""

    def image(self, pixels: NDArray[Any], alpha: Alpha) -> NDArray[Any]:
        """``(H, W, C)`` u8 or u16, gray or RGB with or without alpha, to ``(H*scale, W*scale, C)``.

        Luma by the network, colour and alpha bicubic (a = −0.5). ``alpha``: ``none``; ``opaque``, the last channel is
        opaque everywhere; or ``carried``: colour is carried premultiplied, then divided by the bicubic alpha.
        """


class VideoSession(Protocol):
    """A network for the frames of a video made ready to run."""

    def __call__(self, inputs: Mapping[str, Planes]) -> dict[str, Planes]:
        """``(C, H, W)`` f32 for each of ``spec.inputs``, by name, to the values of ``spec.outputs``. Thread-safe."""


class Backend(Protocol):
    """One way of running networks. Knows nothing of files, colour or tiles."""

    name: str
    precisions: tuple[str, ...]

    def unavailable(self) -> str | None:
        """None if it can run here, else the reason in a sentence's part."""

    def details(self) -> dict[str, Any]:
        """What ``subpixel doctor`` shows."""

    def prepare(
        self, spec: Spec, weights: Weights, precision: str, threads: int, quantisation: Quantisation = None
    ) -> Session:
        """Pack weights and compute tables once; ``quantisation`` is the model file's, for int8."""

    def prepare_video(
        self, spec: Spec, weights: Weights, precision: str, threads: int, quantisation: Quantisation = None
    ) -> VideoSession:
        """The same for a network that reads several frames or keeps something from one to the next."""


def choose_backend(name: str, precision: str, quantisation: Quantisation = None) -> tuple[Backend, str]:
    """The backend of that name, or for ``auto`` the fastest that runs here and has the precision.

    Args:
        name: ``auto`` or a backend's.
        precision: ``auto`` or one of them.
        quantisation: the model file's. ``auto`` is int8 where it records a loss of at most 0.05 dB, else f32: the same
            on every machine.

    Returns:
        The backend and the precision to ask of it.

    Raises:
        InvalidArgument: unknown name or precision.
        BackendUnavailable: named, but it cannot run here.
        Unsupported: it has no such precision.
    """
    from subpixel.backends import BACKENDS

    if precision not in get_args(Precision):
        raise InvalidArgument(f"precision={precision!r}: one of {', '.join(get_args(Precision))} is needed")
    if name != "auto" and name not in BACKENDS:
        raise InvalidArgument(f"backend={name!r}: one of auto, {', '.join(BACKENDS)} is needed")
    wanted = precision
    if precision == "auto":
        wanted = "int8" if _harmless(quantisation) else "f32"
        if name != "auto" and wanted not in BACKENDS[name].precisions:
            wanted = "f32"
    offers = f"backend={name!r}, precision={precision!r}"
    if name != "auto":
        backend = BACKENDS[name]
        reason = backend.unavailable()
        if reason:
            raise BackendUnavailable(f"backend '{name}' cannot run here: {reason}")
        if wanted not in backend.precisions:
            raise Unsupported(f"{offers}: this backend has {', '.join(backend.precisions)}")
        return backend, wanted
    for backend in BACKENDS.values():
        reason = backend.unavailable()
        if wanted in backend.precisions and not reason:
            return backend, wanted
        if backend.name == "native" and wanted in backend.precisions:
            # Python shows a warning of one text from one place once.
            warnings.warn(f"running on the slower fallback: {reason}", FallbackWarning, stacklevel=1)
    having = [b.name for b in BACKENDS.values() if wanted in b.precisions]
    raise Unsupported(f"{offers}: only {', '.join(having)} has {wanted}, which cannot run here")


def _harmless(quantisation: Quantisation) -> bool:
    loss = None if quantisation is None else quantisation.get("loss_db")
    return isinstance(loss, (int, float)) and loss <= _HARMLESS_DB


def checked_planes(planes: Any, spec: Spec, *, int8: bool = False) -> NDArray[Any]:
    """Border control of every session.

    Raises:
        InvalidArgument: not f32 (or, with ``int8``, u8), not three axes, or not the network's number of planes.
    """
    array: NDArray[Any] = np.asarray(planes)
    known = array.dtype == np.float32 or (int8 and array.dtype == np.uint8)
    if not known or array.ndim != 3 or array.shape[0] != spec.channels:
        raise InvalidArgument(
            f"session: {array.dtype} planes of shape {array.shape}: {'f32 or u8' if int8 else 'f32'} of "
            f"({spec.channels}, H, W) is needed"
        )
    return array


def checked_inputs(inputs: Mapping[str, Any], spec: Spec) -> dict[str, Planes]:
    """Border control of every session for videos.

    Raises:
        InvalidArgument: not the network's inputs, not f32, not the planes that each has, or sizes that differ.
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
                f"session: input '{name}': {array.dtype} planes of shape {array.shape}: f32 of ({wanted}) is needed"
            )
        arrays[name] = array
    return arrays
