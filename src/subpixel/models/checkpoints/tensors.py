"""Tools for converting a checkpoint: read each tensor once, and fold affine steps into convolutions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import ModelFileError, shown
from subpixel.models.spec import Colour, Spec

__all__ = [
    "DIV2K_MEAN",
    "Array",
    "Family",
    "Tensors",
    "Weights",
    "affine",
    "colour_of",
    "put",
    "put_stages",
]

Array = NDArray[np.float32]
Weights = dict[str, Array]

# The mean colour of DIV2K, which EDSR's code and its descendants subtract.
DIV2K_MEAN = np.array([0.4488, 0.4371, 0.4040])

# torch's default, which none of these networks changes. Checkpoints do not store it.
_BATCH_NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class Family:
    """A network with the tensor names of one code base.

    Args:
        name: the network and its tensor names, for the text of errors.
        needs: tensor names that together identify the network.
        build: makes the network from the tensors and the scale.
    """

    name: str
    needs: tuple[str, ...]
    build: Callable[[Tensors, int], tuple[Spec, Weights]]


class Tensors:
    """The tensors of a checkpoint. It records which were read: if one is left over, this is another network."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._arrays = arrays
        self._unread = set(arrays)

    def has(self, *names: str) -> bool:
        """Whether the checkpoint has all of these tensors."""
        return all(name in self._arrays for name in names)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor; ``()`` if there is none of that name."""
        return self._arrays[name].shape if name in self._arrays else ()

    def count(self, pattern: str) -> int:
        """How many tensors there are whose names are ``pattern`` with 0, 1, 2 … in place of ``{}``."""
        number = 0
        while self.has(pattern.format(number)):
            number += 1
        return number

    def stages(self, pattern: str) -> list[str]:
        """The names of the convolutions in a list where a shuffle follows each: ``pattern`` with 0, 2, 4 … in it."""
        return [name for name in (pattern.format(2 * k) for k in range(8)) if self.has(f"{name}.weight")]

    def take(self, name: str, *shape: int) -> Array:
        """Read a tensor, and check its shape if one is given.

        Raises:
            ModelFileError: the tensor is missing or has another shape.
        """
        if name not in self._arrays:
            raise ModelFileError(f"'{name}' is missing")
        self._unread.discard(name)
        value = self._arrays[name]
        if shape and value.shape != shape:
            raise ModelFileError(f"'{name}' has shape {value.shape}; {shape} is needed")
        return value

    def check_all_used(self) -> None:
        """Raise ModelFileError if a tensor was not read, so that it has no place in the network."""
        if self._unread:
            some = ", ".join(shown(name) for name in sorted(self._unread)[:3])
            raise ModelFileError(f"it has further tensors: {some}{' …' if len(self._unread) > 3 else ''}")

    def conv(self, name: str, *, bias: bool = True) -> tuple[Array, Array]:
        """Weight and bias of a convolution, with its weight normalisation folded in if it has one.

        Source: Salimans & Kingma, arXiv 1602.07868: ``w = g v / |v|``, with one length for each output channel.
        """
        old, new = f"{name}.weight", f"{name}.parametrizations.weight.original"
        length: Array | None = None
        if self.has(f"{old}_v"):
            length, weight = self.take(f"{old}_g"), self._kernel(f"{old}_v")
        elif self.has(f"{new}1"):
            length, weight = self.take(f"{new}0"), self._kernel(f"{new}1")
        else:
            weight = self._kernel(old)
        if length is not None:
            lengths = np.sqrt((weight.astype(np.float64) ** 2).sum(axis=(1, 2, 3), keepdims=True))
            if length.shape != lengths.shape or not lengths.all():
                raise ModelFileError(f"'{name}' is not normalised by the length of each output channel")
            weight = (weight * (length / lengths)).astype(np.float32)
        return weight, self.take(f"{name}.bias", len(weight)) if bias else np.zeros(len(weight), np.float32)

    def conv_transpose(self, name: str) -> tuple[Array, Array]:
        """Weight and bias of a transposed convolution."""
        weight = self._kernel(f"{name}.weight")
        return weight, self.take(f"{name}.bias", weight.shape[1])

    def conv_with_batch_norm(self, conv: str, norm: str) -> tuple[Array, Array]:
        """Weight and bias of a convolution without bias, with the batch normalisation after it folded in.

        Source: Ioffe & Szegedy, arXiv 1502.03167, algorithm 2: at inference, mean and variance are constants.
        """
        weight, _ = self.conv(conv, bias=False)
        gain, shift, mean, variance = (
            self.take(f"{norm}.{part}", len(weight)).astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        self._unread.discard(f"{norm}.num_batches_tracked")
        if (variance < 0).any():
            raise ModelFileError(f"'{norm}.running_var' has a negative value")
        factor = gain / np.sqrt(variance + _BATCH_NORM_EPSILON)
        folded = weight * factor[:, None, None, None]
        return folded.astype(np.float32), (shift - mean * factor).astype(np.float32)

    def slopes(self, name: str, channels: int, *, repeats: int = 1) -> Array:
        """A PReLU's slopes: one for all channels, or one for each. Each is ``repeated`` for the phases of a shuffle."""
        value = self.take(f"{name}.weight")
        if value.shape not in ((1,), (channels,)):
            raise ModelFileError(f"'{name}.weight' has shape {value.shape}; 1 or {channels} slopes are needed")
        return np.repeat(np.broadcast_to(value, channels), repeats).astype(np.float32)

    def _kernel(self, name: str) -> Array:
        weight = self.take(name)
        if weight.ndim != 4:
            raise ModelFileError(f"'{name}' has shape {weight.shape}; four axes are needed")
        return weight


def put(weights: Weights, name: str, conv: tuple[Array, Array], slope: Array | None = None) -> None:
    """Store the weight, bias and slopes of a layer."""
    weights[f"{name}.weight"], weights[f"{name}.bias"] = conv
    if slope is not None:
        weights[f"{name}.slope"] = slope


def put_stages(tensors: Tensors, weights: Weights, names: list[str], after: str) -> int:
    """Convert the convolutions of sub-pixel stages, see :mod:`subpixel.models.stages`.

    Args:
        tensors: the tensors of the checkpoint.
        weights: receives the weights, under ``up1.conv``, ``up2.conv`` …
        names: the names of the convolutions in the checkpoint, in order.
        after: the name of the convolution that reads the last stage's result.

    Returns:
        The scale of all stages together.

    Raises:
        ModelFileError: the stages are neither all of ×2 nor one of ×3.
    """
    found = []
    for number, (name, reader) in enumerate(zip(names, [*names[1:], after], strict=True), 1):
        put(weights, f"up{number}.conv", tensors.conv(name))
        result, features = len(weights[f"up{number}.conv.weight"]), tensors.shape(f"{reader}.weight")[1:2]
        phases = result // features[0] if features and features[0] else 0
        found.append(math.isqrt(phases))
    if not found or (found != [3] and set(found) != {2}):
        raise ModelFileError(f"its stages have the scales {found}; stages of ×2, or one of ×3, are needed")
    return math.prod(found)


def affine(matrix: NDArray[np.floating], shift: NDArray[np.floating], conv: tuple[Array, Array]) -> tuple[Array, Array]:
    """Fold ``colours -> matrix @ colours + shift``, applied to the result of a convolution, into the convolution.

    Args:
        matrix: ``(C, C)``.
        shift: ``(C,)``.
        conv: weight ``(C*k, in, kh, kw)`` and bias ``(C*k,)``, with ``k`` phases of a shuffle for each colour.
    """
    weight, bias = (part.astype(np.float64).reshape(len(matrix), -1, *part.shape[1:]) for part in conv)
    mixed = np.tensordot(matrix, weight, 1), np.tensordot(matrix, bias, 1) + shift[:, None]
    result = (part.reshape(one.shape).astype(np.float32) for part, one in zip(mixed, conv, strict=True))
    return next(result), next(result)


def colour_of(channels: int) -> Colour:
    """The colour of a network with 1 or 3 input channels.

    Raises:
        ModelFileError: it has another number of channels.
    """
    if channels not in (1, 3):
        raise ModelFileError(f"it reads {channels} channels; 1 or 3 are needed")
    return "luma" if channels == 1 else "rgb"
