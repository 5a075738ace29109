"""Checkpoints of other people's code: recognised by the names and shapes of their tensors, mapped to a Spec exactly.

A file is read as tensors and nothing else: whatever in it would run code is refused. What no mapping here knows goes to
spandrel, if that is installed (:mod:`subpixel.models.spandrel_models`).
"""

from __future__ import annotations

from pathlib import Path

from subpixel.errors import InvalidArgument, ModelFileError, SubpixelError
from subpixel.models.checkpoints.edsr import EDSR
from subpixel.models.checkpoints.luma import LUMA
from subpixel.models.checkpoints.rdn import RDN
from subpixel.models.checkpoints.reading import arrays_of, read_tensors
from subpixel.models.checkpoints.srresnet import SRRESNET
from subpixel.models.checkpoints.tensors import Array, Family, Tensors
from subpixel.models.checkpoints.wdsr import WDSR
from subpixel.models.files import Model
from subpixel.models.spandrel_models import SpandrelModel, by_spandrel

__all__ = ["FAMILIES", "SUFFIXES", "load_checkpoint"]

SUFFIXES = (".pth", ".pt")

# The explicit list of what is recognised.
FAMILIES: tuple[Family, ...] = (*LUMA, *SRRESNET, *EDSR, *WDSR, *RDN)


def load_checkpoint(path: str | Path, scale: int) -> Model | SpandrelModel:
    """A network from a checkpoint of somebody else's training code.

    Args:
        path: a file that ``torch.save`` wrote: a state dict, plain or under ``params_ema``, ``params`` or
            ``state_dict``, with or without ``module.`` before every name.
        scale: how many times larger. SRCNN works at any scale and FSRCNN's weights do not say theirs, so there it is
            taken at its word; others are checked.

    Returns:
        A :class:`Model` whose border is ``zero``, since all of these networks pad so; its weights are those of the file
        with everything multiplied in that is affine at inference: batch and weight normalisation, residual scaling,
        mean shift, value ranges. A final clamp to 0 … 1 is left to whoever stores the result. Or a
        :class:`~subpixel.models.spandrel_models.SpandrelModel`, run by spandrel.

    Raises:
        MissingExtra: torch is not installed, or the network is unknown here and spandrel cannot be imported.
        ModelFileError: not there, no checkpoint, more in it than tensors, or a network that nobody knows.
        InvalidArgument: another scale.

    >>> load_checkpoint("missing.pth", 2)
    Traceback (most recent call last):
    ...
    subpixel.errors.ModelFileError: missing.pth: no such file
    """
    path = Path(path)
    tensors = read_tensors(path)
    arrays = arrays_of(tensors)
    reasons: list[str] = []
    for family in FAMILIES:
        if not all(name in arrays for name in family.needs):
            continue
        try:
            model = _mapped(family, arrays, path, scale)
        except SubpixelError as error:
            reasons.append(f"looks like {family.name}, but {error}")
            continue
        if model.spec.scale != scale:
            raise InvalidArgument(f"scale={scale}: {path} is a ×{model.spec.scale} model, {family.name}")
        return model
    known = dict.fromkeys(family.name.partition(" (")[0] for family in FAMILIES)
    looked = "; ".join(reasons) or f"none of {', '.join(known)} by the names of its tensors"
    return by_spandrel(path, tensors, scale, looked)


def _mapped(family: Family, arrays: dict[str, Array], path: Path, scale: int) -> Model:
    tensors = Tensors(arrays)
    spec, weights = family.build(tensors, scale)
    tensors.check_all_taken()
    try:
        return Model(path.stem, spec, weights, training={"checkpoint": path.name, "names": family.name})
    except ModelFileError as error:
        raise ModelFileError(str(error).partition(": ")[2]) from None
