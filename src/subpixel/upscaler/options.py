"""Options of running a network: the arguments that all kinds of networks share, checked once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from subpixel.backends import available_threads
from subpixel.errors import InvalidArgument

__all__ = ["NetworkOptions", "as_written", "check_tile"]


@dataclass(frozen=True)
class NetworkOptions:
    """The options of running a network.

    Args:
        backend: ``auto``, ``native``, ``reference``, ``torch``, ``torch-compiled``, ``onnxruntime`` or ``openvino``.
        precision: ``auto``, ``f32``, ``bf16`` or ``int8``.
        threads: 1 … 1024; the default is as many as this process may use.
        ensemble: average the results on the 8 flips and rotations of the input.
        strength: 0 … 1, from the bicubic resize to the network's result.
        exact: compute the network everywhere, in flat parts too, see :mod:`subpixel.models.flat`.
        device: ``cpu``, ``cuda``, ``mps``, ``gpu`` or ``auto``, see :func:`subpixel.backends.choose_backend`.

    Raises:
        InvalidArgument: threads, ensemble, strength or exact out of range. Names of backends, precisions and devices
            are checked when a network is made ready, see :func:`subpixel.backends.choose_backend`.

    >>> NetworkOptions(strength=2)
    Traceback (most recent call last):
    ...
    subpixel.errors.InvalidArgument: strength=2: a number from 0 (plain bicubic) to 1 (the network) is needed
    """

    backend: str = "auto"
    precision: str = "auto"
    threads: int = field(default_factory=available_threads)
    ensemble: bool = False
    strength: float = 1.0
    exact: bool = False
    device: str = "cpu"

    def __post_init__(self) -> None:
        threads: Any = self.threads
        if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or not 1 <= threads <= 1024:
            raise InvalidArgument(f"threads={threads!r}: an integer from 1 to 1024 is needed")
        if not isinstance(self.ensemble, (bool, np.bool_)):
            raise InvalidArgument(f"ensemble={self.ensemble!r}: True or False is needed")
        if not isinstance(self.exact, (bool, np.bool_)):
            raise InvalidArgument(f"exact={self.exact!r}: True or False is needed")
        number = isinstance(self.strength, (int, float, np.integer, np.floating)) and not isinstance(
            self.strength, bool
        )
        if not number or not 0 <= self.strength <= 1:  # NaN fails this comparison
            raise InvalidArgument(
                f"strength={as_written(self.strength)}: a number from 0 (plain bicubic) to 1 (the network) is needed"
            )
        object.__setattr__(self, "threads", int(threads))
        object.__setattr__(self, "ensemble", bool(self.ensemble))
        object.__setattr__(self, "exact", bool(self.exact))
        object.__setattr__(self, "strength", float(self.strength))


def as_written(value: Any) -> str:
    """A value for a message; a number as people write it, 2 for 2.0.

    >>> as_written(2.0), as_written(0.1), as_written("2")
    ('2', '0.1', "'2'")
    """
    if not isinstance(value, (float, np.floating)):
        return repr(value)
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)


def check_tile(tile: Any) -> int | None:
    """A tile's side in pixels, or None.

    Raises:
        InvalidArgument: not an integer of at least 1.
    """
    if tile is None:
        return None
    if isinstance(tile, bool) or not isinstance(tile, (int, np.integer)) or tile < 1:
        raise InvalidArgument(f"tile={tile!r}: an integer of pixels of at least 1 is needed")
    return int(tile)
