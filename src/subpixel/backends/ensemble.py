"""Sessions made of sessions: the mean over flips and rotations, and what lies between plain resize and network.

Both work on f32 planes, before anything is rounded. A band with its halo may be turned like a whole image: what a
network makes of it is the same wherever it lies, and the halo reaches equally far to all four sides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends.base import Planes, Session

__all__ = ["ensemble_session"]


def ensemble_session(session: Session, plain: Session, *, ensemble: bool, strength: float) -> Session:
    """A session on f32 planes that gives ``plain + strength * (network - plain)``.

    Args:
        session: of the network.
        plain: of the plain resize, same planes and scale; all that runs at strength 0.
        ensemble: the network's result is the mean of its results on the 8 flips and rotations of the planes, each
            turned back. Source: Timofte et al., "Seven ways to improve example-based single image super resolution",
            arXiv 1511.02228, section 3.6.
        strength: 0 … 1.

    >>> x = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    >>> ensemble_session(lambda planes: planes + 8, lambda planes: planes, ensemble=True, strength=0.25)(x).tolist()
    [[[2.0, 3.0, 4.0], [5.0, 6.0, 7.0]]]
    """
    if strength == 0:
        return lambda planes: plain(planes)  # as a function: what else the session offers is another way to the result
    network = _ensemble(session) if ensemble else session

    def run(planes: NDArray[Any]) -> Planes:
        result: Planes = network(planes)
        if strength != 1:
            base = plain(planes)
            result = base + np.float32(strength) * (result - base)
        return result

    return run


def _ensemble(session: Session) -> Session:
    def run(planes: NDArray[Any]) -> Planes:
        total: Planes | None = None
        for turns in range(4):
            turned = np.rot90(planes, turns, (1, 2))
            for step in (1, -1):  # as it is, and mirrored
                result = session(np.ascontiguousarray(turned[:, :, ::step]))
                back = np.rot90(result[:, :, ::step], -turns, (1, 2))
                total = back.copy() if total is None else np.add(total, back, out=total)
        assert total is not None
        total *= np.float32(1 / 8)
        return total

    return run
