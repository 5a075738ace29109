"""Where a network is trained."""

from __future__ import annotations

import torch

from subpixel.errors import InvalidArgument

__all__ = ["device_of", "multiplies_bf16"]


def device_of(name: str) -> torch.device:
    """The device of that name; ``auto`` is a GPU where there is one.

    Raises:
        InvalidArgument: there is none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise InvalidArgument(f"train: device={name!r}: is not there; auto, cpu or cuda is needed") from None
    if device.type not in ("cpu", "cuda"):
        raise InvalidArgument(f"train: device={name!r}: auto, cpu or cuda is needed")
    return device


def multiplies_bf16(name: str) -> bool:
    """Whether the device has products of bf16; without them it trains faster in f32."""
    device = device_of(name)
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    capabilities = torch.cpu.get_capabilities()
    return any(bool(capabilities.get(key)) for key in ("avx512_bf16", "amx_bf16"))
