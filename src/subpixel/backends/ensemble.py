"""Sessions built from other sessions: the mean over 8 flips and rotations, and a blend of network and plain resize.

Both work on f32 planes, before anything is rounded. A band with its halo can be flipped and rotated like a whole image:
a network's result does not depend on where a band lies, and the halo is equally wide on all four sides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends.base import Planes, Session

__all__ = ["ensemble_session"]


def ensemble_session(session: Session, plain: Session, *, ensemble: bool, strength: float) -> Session:
    """A session on f32 planes whose result is ``plain + strength * (network - plain)``.

    Args:
        session: the network.
        plain: the plain resize, on the same planes and at the same scale. At strength 0 only this runs.
        ensemble: take the mean of the network's results on the 8 flips and rotations of the planes, each rotated
            back. Source: Timofte et al., "Seven ways to improve example-based single image super resolution",
            arXiv 1511.02228, section 3.6.
        strength: 0 … 1, where 1 is the network alone.

    >>> x = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    >>> ensemble_session(lambda planes: planes + 8, lambda planes: planes, ensemble=True, strength=0.25)(x).tolist()
    [[[2.0, 3.0, 4.0], [5.0, 6.0, 7.0]]]
    """
    if strength == 0:
        return lambda planes: plain(planes)  # a plain function hides the session's other methods, which skip this one
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
        for quarter_turns in range(4):
            rotated = np.rot90(planes, quarter_turns, (1, 2))
            for step in (1, -1):  # as it is, and mirrored
                result = session(np.ascontiguousarray(rotated[:, :, ::step]))
                back = np.rot90(result[:, :, ::step], -quarter_turns, (1, 2))
                total = back.copy() if total is None else np.add(total, back, out=total)
        assert total is not None
        total *= np.float32(1 / 8)
        return total

    return run
