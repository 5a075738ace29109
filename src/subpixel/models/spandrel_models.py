"""Networks that spandrel knows and no Spec describes: a torch module, run as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subpixel.errors import InvalidArgument, MissingExtra, ModelFileError, Unsupported

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SpandrelModel", "by_spandrel"]


@dataclass(frozen=True, eq=False)
class SpandrelModel:
    """A network of another package.

    Args:
        name: the file's.
        scale: how many times larger.
        run: ``(1, 3, H, W)`` f32 of 0 … 1, RGB, to ``(1, 3, H*scale, W*scale)``, both torch tensors on the CPU.
        architecture: what the other package calls it.

    How far its samples look is not known, some look at the whole image: it is run on whole images, never on parts.
    """

    name: str
    scale: int
    run: Any
    architecture: str
    figures: Mapping[str, Any] = field(default_factory=dict)


def by_spandrel(path: Path, tensors: Mapping[str, Tensor], scale: int, looked: str) -> SpandrelModel:
    """Let spandrel find out what the tensors are.

    Args:
        path: where they come from.
        tensors: the state dict.
        scale: how many times larger it is to be.
        looked: what was found before, for an error's text.

    Raises:
        MissingExtra: spandrel, or torchvision that it needs, cannot be imported.
        ModelFileError: spandrel does not know the network either.
        Unsupported: it is no network from RGB to RGB.
        InvalidArgument: another scale.

    Source: https://github.com/chaiNNer-org/spandrel, ``ModelLoader`` and ``ImageModelDescriptor``.
    """
    try:
        import spandrel
    except (ImportError, RuntimeError, OSError) as error:
        # torchvision raises RuntimeError where it was built for another torch.
        missing = isinstance(error, ModuleNotFoundError) and error.name == "spandrel"
        why = "is not installed" if missing else f"cannot be imported ({_first_line(error)})"
        raise MissingExtra(
            f"{path}: {looked}; others are loaded by spandrel, which {why}: pip install 'subpixel[spandrel]'"
        ) from None
    try:
        found = spandrel.ModelLoader("cpu").load_from_state_dict(dict(tensors))
    except spandrel.UnsupportedModelError:
        raise ModelFileError(f"{path}: {looked}; spandrel does not know it either") from None
    except (RuntimeError, KeyError, IndexError, ValueError, TypeError, AssertionError) as error:
        raise ModelFileError(f"{path}: {looked}; spandrel cannot load it ({_first_line(error)})") from None
    called = found.architecture.name
    channels = (found.input_channels, found.output_channels)
    if not isinstance(found, spandrel.ImageModelDescriptor) or channels != (3, 3):
        raise Unsupported(f"{path}: a {called} from {channels[0]} to {channels[1]} channels; RGB to RGB is needed")
    if found.scale != scale:
        raise InvalidArgument(f"scale={scale}: {path} is a ×{found.scale} model, {called} by spandrel")
    return SpandrelModel(path.stem, scale, found.eval(), called)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
