"""Reads checkpoint files as tensors by name, without running any code in them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from subpixel.errors import MissingExtra, ModelFileError
from subpixel.models.checkpoints.tensors import Array

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["read_tensors", "to_arrays"]

# The largest network of this field has 43 million parameters (EDSR). A checkpoint of its training has three times that.
_MAX_BYTES = 2 * 1024**3

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
    _check_file(path)
    try:
        import torch
    except ImportError:
        raise MissingExtra(f"{path}: reading a checkpoint needs torch: pip install 'subpixel[train]'") from None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # an untrusted pickle can raise any exception
        raise ModelFileError(f"{path}: {_reason(error)}") from error
    for key in _STATE_DICT_KEYS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping) or not content:
        raise ModelFileError(f"{path}: holds {type(content).__name__}; a state dict of tensors by name is needed")
    total = 0
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise ModelFileError(f"{path}: {name!r} is {type(value).__name__}; a tensor by name is needed")
        if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized or value.is_complex():
            raise ModelFileError(f"{path}: {name!r} is not a dense tensor of real numbers on the CPU")
        total += value.numel() * 4
    if total > _MAX_BYTES:
        raise ModelFileError(f"{path}: {total} bytes of weights; at most {_MAX_BYTES} are allowed")
    return _without_prefixes(content)


def to_arrays(tensors: Mapping[str, Tensor]) -> dict[str, Array]:
    """The tensors as f32 NumPy arrays."""
    return {name: np.ascontiguousarray(tensor.detach().float().numpy()) for name, tensor in tensors.items()}


def _check_file(path: Path) -> None:
    if not path.exists():
        raise ModelFileError(f"{path}: no such file")
    if not path.is_file():
        raise ModelFileError(f"{path}: not a file")
    size = path.stat().st_size
    if zipfile.is_zipfile(path):
        # torch stores without compression. A small compressed file could unpack to any size.
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise ModelFileError(f"{path}: not a readable checkpoint ({error})") from None
        if any(entry.filename.endswith("/constants.pkl") for entry in entries):
            raise ModelFileError(f"{path}: a TorchScript archive, which holds code; save only its state dict")
        size = max(size, sum(entry.file_size for entry in entries))
    if size > _MAX_BYTES:
        raise ModelFileError(f"{path}: {size} bytes; at most {_MAX_BYTES} are allowed for a checkpoint")


def _reason(error: Exception) -> str:
    """A short form of torch's long text."""
    wanted = re.search(r"GLOBAL ([\w.]+)", str(error))
    if wanted or "Unsupported class" in str(error):
        what = f" ({wanted[1]})" if wanted else ""
        return f"holds more than tensors{what}, and reading that would run code; save only its state dict"
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"not a readable checkpoint ({first[:120]})"


def _without_prefixes(content: Mapping[str, Any]) -> dict[str, Tensor]:
    state = dict(content)
    while prefix := next((p for p in _WRAPPER_PREFIXES if all(name.startswith(p) for name in state)), None):
        state = {name[len(prefix) :]: value for name, value in state.items()}
    return state
