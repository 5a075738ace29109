"""The explicit list of models that are shipped. A new one is one line here and its files in ``weights/``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from subpixel.errors import InvalidArgument
from subpixel.models.espcn import espcn
from subpixel.models.families import balanced, fast, high
from subpixel.models.files import Model, load
from subpixel.models.spec import Spec

__all__ = ["ARCHITECTURES", "ZOO", "Entry", "find", "resolve"]

_WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Entry:
    """A shipped model: its name, the scales it comes in, and one line about it."""

    name: str
    scales: tuple[int, ...]
    about: str
    trained: bool = True

    def path(self, scale: int) -> Path:
        """Its weights file for one of its scales."""
        return _WEIGHTS / f"{self.name}_x{scale}.safetensors"


ZOO: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("espcn", (2, 3, 4, 8), "ESPCN as in the paper: 5-3-3, 64-32-r², tanh, luma (arXiv 1609.05158)"),
        Entry("bicubic", (2, 3, 4, 8), "bicubic interpolation (Keys, a = −0.5), the baseline", trained=False),
    )
}

# What can be trained, by name: functions of the scale.
ARCHITECTURES: dict[str, Callable[[int], Spec]] = {"fast": fast, "balanced": balanced, "high": high, "espcn": espcn}

# What ``model="auto"`` means: the best that is shipped.
_AUTO = "espcn"


def resolve(name: str) -> str:
    """The model that a name stands for: ``auto`` is today's best, others are themselves."""
    return _AUTO if name == "auto" else name


def find(name: str, scale: int) -> Model:
    """A model by the name of a shipped one, ``auto``, or the path of a ``.safetensors`` file.

    Raises:
        InvalidArgument: unknown name, or a scale the model does not have.
        ModelFileError: a file that cannot be used.

    >>> find("bicubic", 2).spec.scale
    2
    """
    name = resolve(name)
    if name.endswith(".safetensors"):
        model = load(name)
        if model.spec.scale != scale:
            raise InvalidArgument(f"scale={scale}: {name} is a ×{model.spec.scale} model")
        return model
    if name not in ZOO:
        raise InvalidArgument(
            f"model={name!r}: one of auto, {', '.join(ZOO)} or the path of a .safetensors file is needed"
        )
    if scale not in ZOO[name].scales:
        raise InvalidArgument(f"scale={scale}: model '{name}' has {', '.join(f'×{s}' for s in ZOO[name].scales)}")
    return _shipped(name, scale)


@lru_cache(maxsize=16)
def _shipped(name: str, scale: int) -> Model:
    return load(ZOO[name].path(scale))
