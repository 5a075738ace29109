"""Which device a training run takes, and whether it computes in bf16 there."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from subpixel.errors import InvalidArgument
from subpixel.train.device import device_of, trains_faster_in_bf16


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({}, False),
        ({"cpu_name": "Intel Xeon", "avx512_bf16": True}, False),
        ({"cpu_name": "Intel Xeon", "avx512_bf16": True, "amx_bf16": True}, True),
        ({"cpu_name": "AMD EPYC", "avx512_bf16": True}, True),
        ({"avx512_bf16": True}, True),
        ({"cpu_name": "AMD EPYC", "avx512_f": True}, False),
    ],
)
def test_bf16_is_taken_where_it_is_faster(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, Any], expected: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert trains_faster_in_bf16("cpu") is expected


@pytest.mark.parametrize("name", ["meta", "cuda:99", "nowhere"])
def test_other_devices_are_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match=f"train: device='{name}'"):
        device_of(name)
