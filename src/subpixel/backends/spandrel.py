"""Networks of another package, run by torch on whole images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends.base import Session
from subpixel.errors import InvalidArgument, SubpixelError, Unsupported
from subpixel.models.spandrel_models import SpandrelModel

__all__ = ["prepare_spandrel"]


def prepare_spandrel(model: SpandrelModel, backend: str, precision: str, threads: int) -> Session:
    """A network that no Spec describes, made ready; torch in f32 is all there is for it.

    Args:
        model: the network.
        backend: ``auto`` or ``torch``.
        precision: ``auto`` or ``f32``.
        threads: of torch, which are the whole process's.

    Raises:
        Unsupported: another backend or precision.
    """
    if backend not in ("auto", "torch") or precision not in ("auto", "f32"):
        raise Unsupported(
            f"backend={backend!r}, precision={precision!r}: model '{model.name}' ({model.architecture}, by spandrel) "
            "runs on torch in f32 alone"
        )
    import torch

    torch.set_num_threads(threads)

    def session(planes: NDArray[Any]) -> NDArray[Any]:
        if planes.dtype != np.float32 or planes.ndim != 3 or planes.shape[0] != 3:
            raise InvalidArgument(f"session: {planes.dtype} planes of shape {planes.shape}: f32 of (3, H, W) is needed")
        whole = (3, planes.shape[1] * model.scale, planes.shape[2] * model.scale)
        try:
            with torch.inference_mode():
                output = model.run(torch.from_numpy(np.array(planes))[None])
        except (RuntimeError, ValueError, AssertionError) as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise SubpixelError(f"model '{model.name}' ({model.architecture}) fails on {whole[1:]}: {first}") from error
        if tuple(output.shape) != (1, *whole):
            raise SubpixelError(
                f"model '{model.name}' ({model.architecture}) made {tuple(output.shape)} of {(1, *whole)}"
            )
        result: NDArray[Any] = output[0].float().numpy()
        return result

    return session
