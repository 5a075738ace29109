"""Flat cells around a session on f32 planes: the network computes everything, then flat cells take the plain resize."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends.base import Session
from subpixel.backends.integer import to_halves
from subpixel.errors import Unsupported
from subpixel.models.chain import chain_of
from subpixel.models.flat import LEAST_HALO, flat_samples, plain_resize
from subpixel.models.spec import Spec

__all__ = ["check_flat", "flat_session", "has_flat_cells"]


def check_flat(spec: Spec, flat: int | None) -> None:
    """Refuse flat cells for networks that have none.

    Raises:
        Unsupported: the network is no plain chain on luma, or sees fewer than two samples to each side.
    """
    if flat is None:
        return
    chain = chain_of(spec, "a threshold of flat cells")
    reach = (sum(conv.kernel[axis] // 2 for conv in chain.convs) for axis in (0, 1))
    if spec.colour != "luma" or min(reach) < LEAST_HALO:
        raise Unsupported("flat cells need a network on luma that sees at least two samples to each side")


def has_flat_cells(spec: Spec) -> bool:
    """Whether a network can have flat cells: it is a plain chain on luma that sees two samples to each side.

    >>> from subpixel.models import bicubic, espcn
    >>> has_flat_cells(espcn(2)), has_flat_cells(bicubic(2))
    (True, False)
    """
    try:
        check_flat(spec, 0)
    except Unsupported:
        return False
    return True


def flat_session(session: Session, scale: int, flat: int) -> Session:
    """A session whose flat cells are resized plainly.

    Args:
        session: of a luma network, on f32 planes.
        scale: of the network.
        flat: the threshold, in halves of a code.

    >>> x = np.full((1, 2, 3), 0.5, np.float32)
    >>> flat_session(lambda planes: np.zeros((1, 4, 6), np.float32), 2, 12)(x).tolist()[0][0]
    [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    """

    def run(planes: NDArray[Any]) -> NDArray[Any]:
        result = session(planes)
        if 0 in planes.shape:
            return result
        return np.where(flat_samples(to_halves(planes[0]), flat, scale), plain_resize(planes[0], scale), result)

    return run
