"""Checkpoints of other projects: recognised by the names and shapes of their tensors, and converted to a Spec exactly.

A file is read as tensors and nothing else: a file that would run code is refused. Networks that are unknown here are
passed to spandrel, if it is installed (:mod:`subpixel.models.spandrel_models`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from subpixel.errors import InvalidArgument, ModelFileError, SubpixelError
from subpixel.models.checkpoints.edsr import EDSR
from subpixel.models.checkpoints.luma import LUMA
from subpixel.models.checkpoints.rdn import RDN
from subpixel.models.checkpoints.reading import read_tensors, to_arrays
from subpixel.models.checkpoints.srresnet import SRRESNET
from subpixel.models.checkpoints.tensors import Array, Family, Tensors
from subpixel.models.checkpoints.wdsr import WDSR
from subpixel.models.files import Model
from subpixel.models.spandrel_models import SpandrelModel, load_by_spandrel

__all__ = ["FAMILIES", "SUFFIXES", "load_checkpoint"]

SUFFIXES = (".pth", ".pt")

# What computing with shapes raises if they make no sense.
_MISFITS = (ArithmeticError, IndexError, KeyError, TypeError, ValueError)

# The explicit list of networks that are recognised.
FAMILIES: tuple[Family, ...] = (*LUMA, *SRRESNET, *EDSR, *WDSR, *RDN)


def load_checkpoint(path: str | Path, scale: int) -> Model | SpandrelModel:
    """Load a network from a checkpoint of another project's training code.

    Args:
        path: a file written by ``torch.save``: a state dict, plain or under ``params_ema``, ``params``, ``state_dict``,
            ``model_state_dict`` or ``model``, with or without ``module.`` or ``model.`` before every name.
        scale: the upscaling factor. It is checked, except for SRCNN, which works at any scale, and FSRCNN, whose
            weights do not show theirs.

    Returns:
        A :class:`Model` with border ``zero``, since all of these networks pad with zeros. Everything that is affine at
        inference is folded into its weights: batch and weight normalisation, residual scaling, mean shift, value
        ranges. A final clamp to 0 … 1 is not part of it. For other networks, a
        :class:`~subpixel.models.spandrel_models.SpandrelModel`, which spandrel runs.

    Raises:
        MissingExtra: torch is not installed, or the network is unknown here and spandrel cannot be imported.
        ModelFileError: there is no such file, it is no checkpoint, it holds more than tensors, or neither this package
            nor spandrel knows the network.
        InvalidArgument: the network has another scale.

    >>> load_checkpoint("missing.pth", 2)
    Traceback (most recent call last):
    ...
    subpixel.errors.ModelFileError: missing.pth: no such file
    """
    path = Path(path)
    tensors = read_tensors(path)
    arrays = to_arrays(tensors)
    reasons: list[str] = []
    for family in FAMILIES:
        if not all(name in arrays for name in family.needs):
            continue
        try:
            model = _convert(family, arrays, path, scale)
        except (SubpixelError, *_MISFITS) as error:
            reason = error if isinstance(error, SubpixelError) else "the shapes of its tensors do not fit each other"
            reasons.append(f"looks like {family.name}, but {reason}")
            continue
        if model.spec.scale != scale:
            raise InvalidArgument(f"scale={scale}: {path} is a ×{model.spec.scale} model, {family.name}")
        return model
    known = dict.fromkeys(family.name.partition(" (")[0] for family in FAMILIES)
    findings = "; ".join(reasons) or f"the names of its tensors are of none of {', '.join(known)}"
    return load_by_spandrel(path, tensors, scale, findings)


@np.errstate(all="ignore")  # weights that are not finite are refused after the conversion, in one sentence
def _convert(family: Family, arrays: dict[str, Array], path: Path, scale: int) -> Model:
    tensors = Tensors(arrays)
    spec, weights = family.build(tensors, scale)
    tensors.check_all_used()
    try:
        return Model(path.stem, spec, weights, training={"checkpoint": path.name, "names": family.name})
    except ModelFileError as error:
        raise ModelFileError(str(error).partition(": ")[2]) from None
