"""Networks without a Spec that the package spandrel loads, each run as a torch module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subpixel.errors import InvalidArgument, MissingExtra, ModelFileError, Unsupported

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SpandrelModel", "load_by_spandrel"]


@dataclass(frozen=True, eq=False)
class SpandrelModel:
    """A network that spandrel loaded.

    Its receptive field is unknown, and some networks see the whole image. So it runs on whole images, never on tiles.

    Args:
        name: the name of the file, without its suffix.
        scale: the upscaling factor.
        run: from RGB ``(1, 3, H, W)`` f32 of 0 … 1 to ``(1, 3, H*scale, W*scale)``, both torch tensors on the CPU.
        architecture: spandrel's name of the network.
        figures: what is known of its quality; nothing for a checkpoint.
    """

    name: str
    scale: int
    run: Any
    architecture: str
    figures: Mapping[str, Any] = field(default_factory=dict)


def load_by_spandrel(path: Path, tensors: Mapping[str, Tensor], scale: int, findings: str) -> SpandrelModel:
    """Load a network with spandrel, which recognises it by its tensors.

    Args:
        path: the file, for the name and the text of errors.
        tensors: the state dict.
        scale: the upscaling factor that the network must have.
        findings: why no network of this package fits, for the text of errors.

    Raises:
        MissingExtra: spandrel, or torchvision that it needs, cannot be imported.
        ModelFileError: spandrel does not know the network either, or cannot load it.
        Unsupported: the network is not from RGB to RGB.
        InvalidArgument: the network has another scale.

    Source: https://github.com/chaiNNer-org/spandrel, ``ModelLoader`` and ``ImageModelDescriptor``.
    """
    try:
        import spandrel
    except (ImportError, RuntimeError, OSError) as error:
        # torchvision raises RuntimeError if it was built for another version of torch.
        missing = isinstance(error, ModuleNotFoundError) and error.name == "spandrel"
        why = "is not installed" if missing else f"cannot be imported ({_first_line(error)})"
        raise MissingExtra(
            f"{path}: {findings}; spandrel, which loads other networks, {why}: pip install 'subpixel[spandrel]'"
        ) from None
    try:
        found = spandrel.ModelLoader("cpu").load_from_state_dict(dict(tensors))
    except spandrel.UnsupportedModelError:
        raise ModelFileError(f"{path}: {findings}; spandrel does not know the network either") from None
    except (RuntimeError, KeyError, IndexError, ValueError, TypeError, AssertionError) as error:
        raise ModelFileError(f"{path}: {findings}; spandrel cannot load it ({_first_line(error)})") from None
    architecture = found.architecture.name
    channels = (found.input_channels, found.output_channels)
    if not isinstance(found, spandrel.ImageModelDescriptor) or channels != (3, 3):
        raise Unsupported(f"{path}: {architecture} from {channels[0]} to {channels[1]} channels; RGB to RGB is needed")
    if found.scale != scale:
        raise InvalidArgument(f"scale={scale}: {path} is a ×{found.scale} model, {architecture} by spandrel")
    return SpandrelModel(path.stem, scale, found.eval(), architecture)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
