"""Checkpoint files as tensors by name, nothing in them being trusted."""

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

__all__ = ["arrays_of", "read_tensors"]

# The largest network of this field has 43 million parameters (EDSR), a checkpoint of its training three times that.
_MAX_BYTES = 2 * 1024**3

# Where training code keeps the weights beside other things; the running mean of weights first, as it is the better.
_KEPT_UNDER = ("params_ema", "params", "state_dict", "model_state_dict", "model")

# What wrappers for several devices put before every name.
_WRAPPERS = ("module.", "model.")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The state dict in a file of ``torch.save``, on the CPU, without what code wraps around it.

    Raises:
        MissingExtra: torch is not installed.
        ModelFileError: not there, too large, no such file, or other things than tensors in it.
    """
    _check_file(path)
    try:
        import torch
    except ImportError:
        raise MissingExtra(f"{path}: reading checkpoints needs torch: pip install 'subpixel[train]'") from None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # a pickle of a stranger can fail in every way there is
        raise ModelFileError(f"{path}: {_why(error)}") from error
    for key in _KEPT_UNDER:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping) or not content:
        raise ModelFileError(f"{path}: holds {type(content).__name__}, a state dict of tensors by name is needed")
    total = 0
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise ModelFileError(f"{path}: {name!r} is {type(value).__name__}, a tensor by name is needed")
        if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized or value.is_complex():
            raise ModelFileError(f"{path}: {name!r} is no plain tensor of numbers")
        total += value.numel() * 4
    if total > _MAX_BYTES:
        raise ModelFileError(f"{path}: {total} bytes of weights are more than any such network has")
    return _unwrapped(content)


def arrays_of(tensors: Mapping[str, Tensor]) -> dict[str, Array]:
    """The same in NumPy and f32."""
    return {name: np.ascontiguousarray(tensor.detach().float().numpy()) for name, tensor in tensors.items()}


def _check_file(path: Path) -> None:
    if not path.exists():
        raise ModelFileError(f"{path}: no such file")
    if not path.is_file():
        raise ModelFileError(f"{path}: not a file")
    size = path.stat().st_size
    if zipfile.is_zipfile(path):
        # torch stores without compression; compressed, a small file could unpack to anything.
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise ModelFileError(f"{path}: not a checkpoint that can be read ({error})") from None
        if any(entry.filename.endswith("/constants.pkl") for entry in entries):
            raise ModelFileError(f"{path}: a TorchScript archive, which is code; save its state dict alone")
        size = max(size, sum(entry.file_size for entry in entries))
    if size > _MAX_BYTES:
        raise ModelFileError(f"{path}: {size} bytes are more than any such checkpoint has")


def _why(error: Exception) -> str:
    """One sentence of what torch says in many."""
    wanted = re.search(r"GLOBAL ([\w.]+)", str(error))
    if wanted or "Unsupported class" in str(error):
        what = f" ({wanted[1]})" if wanted else ""
        return f"holds more than tensors{what}, which only running its code could read; save its state dict alone"
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"not a checkpoint that can be read ({first[:120]})"


def _unwrapped(content: Mapping[str, Any]) -> dict[str, Tensor]:
    state = dict(content)
    while prefix := next((p for p in _WRAPPERS if all(name.startswith(p) for name in state)), None):
        state = {name[len(prefix) :]: value for name, value in state.items()}
    return state
