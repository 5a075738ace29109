"""Reads checkpoint files as tensors by name, without running any code in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from subpixel.errors import ModelFileError, shown
from subpixel.models.checkpoints.tensors import Array
from subpixel.models.checkpoints.unpickling import MAX_BYTES, unpickle
from subpixel.models.foreign_files import model_errors

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["read_tensors", "to_arrays"]

_MAX_BYTES = MAX_BYTES
# Weights as f32 have twice or four times the bytes of half and quarter precision, and two layers may share them.
_MOST_SHARED = 16
_SPARE = 64 * 1024**2

# The keys under which training code stores the state dict, the running mean of weights first: it is the better one.
_STATE_DICT_KEYS = ("params_ema", "params", "state_dict", "model_state_dict", "model")

# The prefixes that wrappers for several devices put before every name.
_WRAPPER_PREFIXES = ("module.", "model.")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The state dict in a file of ``torch.save``, on the CPU, without outer dicts and prefixes.

    Raises:
        MissingExtra: torch is not installed.
        ModelFileError: there is no such file, it is too large, it is no checkpoint, or it holds more than tensors.
    """
    content = unpickle(path, _MAX_BYTES)
    with model_errors(path, "its content is no state dict of tensors by name"):
        state = _state_dict(path, content)
        _check_size(path, state)
        return _without_prefixes(state)


def _state_dict(path: Path, content: Any) -> Mapping[str, Tensor]:
    import torch

    for key in _STATE_DICT_KEYS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping) or not content:
        raise ModelFileError(f"{path}: holds {type(content).__name__}; a state dict of tensors by name is needed")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise ModelFileError(f"{path}: {shown(name)} is {type(value).__name__}; a tensor by name is needed")
        if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized or value.is_complex():
            raise ModelFileError(f"{path}: {shown(name)} is not a dense tensor of real numbers on the CPU")
    return content


def _check_size(path: Path, state: Mapping[str, Tensor]) -> None:
    """Raise ModelFileError for more weights than the file can hold: a tensor may repeat what is stored once."""
    total = sum(value.numel() for value in state.values()) * 4
    if total > _MAX_BYTES:
        raise ModelFileError(f"{path}: {total} bytes of weights; at most {_MAX_BYTES} are allowed")
    stored = path.stat().st_size
    if total > _MOST_SHARED * stored + _SPARE:
        raise ModelFileError(f"{path}: {total} bytes of weights in a file of {stored} bytes; they repeat one another")


def to_arrays(tensors: Mapping[str, Tensor]) -> dict[str, Array]:
    """The tensors as f32 NumPy arrays."""
    return {name: np.ascontiguousarray(tensor.detach().float().numpy()) for name, tensor in tensors.items()}


def _without_prefixes(content: Mapping[str, Any]) -> dict[str, Tensor]:
    state = dict(content)
    while prefix := next((p for p in _WRAPPER_PREFIXES if all(name.startswith(p) for name in state)), None):
        state = {name[len(prefix) :]: value for name, value in state.items()}
    return state
