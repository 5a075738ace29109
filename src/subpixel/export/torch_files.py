"""A state dict, and the plain module that it belongs to.

Not the archives of ``torch.export`` (.pt2): only nearby versions of torch read them, and nobody can read, change or
train what is in them. :class:`subpixel.torch.Upsampler` goes through ``torch.export`` for those who want one.
"""

from __future__ import annotations

import io
import json

import numpy as np

from subpixel import __version__
from subpixel.errors import MissingExtra
from subpixel.export.request import Request
from subpixel.models.onnx_export import value_range
from subpixel.models.torch_source import torch_source

__all__ = ["torch_files"]


def torch_files(asked: Request) -> tuple[bytes, bytes]:
    """The contents of the file of weights and of the Python file.

    Raises:
        MissingExtra: a .pt file without torch.
    """
    model, name = asked.model, asked.paths[0].name
    if asked.form.name == "torch":
        load = "torch.load(path, weights_only=True)"
        extra = ""
    else:
        load = "load_file(path)"
        extra = "from safetensors.torch import load_file\n"
    about = (
        f"{model.name} x{model.spec.scale}, exported by subpixel {__version__}. The weights are in {name!r}.\n\n"
        f"From (N, {model.spec.channels}, H, W) to {model.spec.scale} times the height and width. Planes:\n"
        f"{value_range(model.spec)}\n\nLicence of the weights: {model.licence or 'not stated'}"
    )
    text, names = torch_source(model.spec, about, load)
    text = text.replace("import torch\nfrom torch import nn", f"import torch\n{extra}from torch import nn", 1)
    dtype = np.float16 if asked.precision == "f16" else np.float32
    weights = {names[key]: np.ascontiguousarray(value, dtype) for key, value in model.weights.items()}
    return _state_dict(asked, weights), text.encode()


def _state_dict(asked: Request, weights: dict[str, np.ndarray]) -> bytes:
    if asked.form.name == "safetensors":
        from safetensors.numpy import save

        model = asked.model
        about = {"name": model.name, "scale": model.spec.scale, "licence": model.licence, "version": __version__}
        metadata = {"exported": json.dumps(about), "format": "pt"}
        content: bytes = save(weights, metadata)
        return content
    try:
        import torch
    except ImportError:
        raise MissingExtra(
            "a .pt file needs torch: pip install 'subpixel[train]'; format='safetensors' needs nothing"
        ) from None
    buffer = io.BytesIO()
    torch.save({name: torch.from_numpy(value) for name, value in weights.items()}, buffer)
    return buffer.getvalue()
