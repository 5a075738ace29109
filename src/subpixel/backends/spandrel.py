"""Sessions of networks that spandrel loads, run by torch on whole images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends.base import Session
from subpixel.errors import InvalidArgument, SubpixelError, Unsupported
from subpixel.models.spandrel_models import SpandrelModel

__all__ = ["prepare_spandrel"]


def prepare_spandrel(model: SpandrelModel, backend: str, precision: str, threads: int) -> Session:
    """A session of a network that has no Spec. It runs on torch in f32 only.

    Args:
        model: the network.
        backend: ``auto`` or ``torch``.
        precision: ``auto`` or ``f32``.
        threads: of torch, set for the whole process.

    Returns:
        A session on f32 planes ``(3, H, W)``. It raises SubpixelError if the network fails or returns another size.

    Raises:
        Unsupported: another backend or precision.
    """
    if backend not in ("auto", "torch") or precision not in ("auto", "f32"):
        raise Unsupported(
            f"backend={backend!r}, precision={precision!r}: model '{model.name}' ({model.architecture}, by spandrel) "
            "needs backend 'torch' and precision 'f32'"
        )
    import torch

    torch.set_num_threads(threads)

    def session(planes: NDArray[Any]) -> NDArray[Any]:
        if planes.dtype != np.float32 or planes.ndim != 3 or planes.shape[0] != 3:
            raise InvalidArgument(
                f"session: planes of dtype {planes.dtype} and shape {planes.shape}: f32 of shape (3, H, W) is needed"
            )
        whole = (3, planes.shape[1] * model.scale, planes.shape[2] * model.scale)
        try:
            with torch.inference_mode():
                output = model.run(torch.from_numpy(np.array(planes))[None])
        except (RuntimeError, ValueError, AssertionError) as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise SubpixelError(
                f"model '{model.name}' ({model.architecture}) fails on an image of {planes.shape[1:]}: {first}"
            ) from error
        if tuple(output.shape) != (1, *whole):
            raise SubpixelError(
                f"model '{model.name}' ({model.architecture}): the result has shape {tuple(output.shape)}; "
                f"{(1, *whole)} is needed"
            )
        result: NDArray[Any] = output[0].float().numpy()
        return result

    return session
