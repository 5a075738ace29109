"""What it means to run a Spec, and the choice between those who can."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import BackendUnavailable, FallbackWarning, InvalidArgument, Unsupported
from subpixel.models.spec import Spec
from subpixel.ops.native import available_threads

__all__ = ["Backend", "Planes", "Precision", "Session", "available_threads", "checked_planes", "choose"]

Planes = NDArray[np.float32]
Weights = Mapping[str, NDArray[np.float32]]
Precision = Literal["auto", "f32", "bf16", "int8"]


class Session(Protocol):
    """A network made ready to run."""

    def __call__(self, planes: Planes) -> Planes:
        """``(C, H, W)`` f32 in the Spec's colour contract to ``(C, H*scale, W*scale)``. Thread-safe."""


class Backend(Protocol):
    """One way of running networks. Knows nothing of files, colour or tiles."""

    name: str
    precisions: tuple[str, ...]

    def unavailable(self) -> str | None:
        """None if it can run here, else the reason in a sentence's part."""

    def details(self) -> dict[str, Any]:
        """What ``subpixel doctor`` shows."""

    def prepare(self, spec: Spec, weights: Weights, precision: str, threads: int) -> Session:
        """Pack weights and compute tables once."""


def choose(name: str, precision: str) -> tuple[Backend, str]:
    """The backend of that name, or for ``auto`` the fastest that runs here and has the precision.

    Returns:
        The backend and the precision to ask of it (``auto`` is f32: no model file records an int8 loss yet).

    Raises:
        InvalidArgument: unknown name or precision.
        BackendUnavailable: named, but it cannot run here.
        Unsupported: it has no such precision.
    """
    from subpixel.backends import BACKENDS

    if precision not in get_args(Precision):
        raise InvalidArgument(f"precision={precision!r}: one of {', '.join(get_args(Precision))} is needed")
    wanted = "f32" if precision == "auto" else precision
    if name != "auto" and name not in BACKENDS:
        raise InvalidArgument(f"backend={name!r}: one of auto, {', '.join(BACKENDS)} is needed")
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
    if not having:
        raise Unsupported(f"{offers}: no backend has {wanted}; f32 and, with torch, bf16 are to be had")
    raise Unsupported(f"{offers}: only {', '.join(having)} has {wanted}, which cannot run here")


def checked_planes(planes: Any, spec: Spec) -> Planes:
    """Border control of every session.

    Raises:
        InvalidArgument: not f32, not three axes, or not the network's number of planes.
    """
    array = np.asarray(planes)
    if array.dtype != np.float32 or array.ndim != 3 or array.shape[0] != spec.channels:
        raise InvalidArgument(
            f"session: {array.dtype} planes of shape {array.shape}: f32 of ({spec.channels}, H, W) is needed"
        )
    return array
