"""The best last layer of a plain chain, by least squares: it is linear in the features before it.

One solution replaces thousands of steps of descent for a network whose first layers come from another scale. For a
trained network it gives the exact optimum of the last layer.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from subpixel.errors import Unsupported
from subpixel.models.chain import Chain, chain_of
from subpixel.models.lowering import lower_spec
from subpixel.models.spec import Spec
from subpixel.models.torch_kernels import TorchKernels
from subpixel.train.data import Patches, inside

__all__ = ["linear_chain", "solve_last_layer"]

# Ridge relative to the mean power of a feature. It prevents large weights for directions that the data hardly has.
_RIDGE = 1e-7


def linear_chain(spec: Spec) -> Chain | None:
    """The network as a chain without skips that ends in a CRD pixel shuffle, with or without a base; else None.

    A network that is a chain only after rewriting does not count: its weights have other shapes.
    """
    if lower_spec(spec) is not spec:
        return None
    try:
        chain = chain_of(spec, "solving")
    except Unsupported:
        return None
    plain = chain.shuffle.order == "CRD" and not any(skip is not None for skip in chain.skips)
    return chain if plain and chain.convs[-1].bias and spec.border == "replicate" else None


def solve_last_layer(
    spec: Spec, weights: Mapping[str, Tensor], patches: Patches, batches: int, deadline: float = math.inf
) -> dict[str, Tensor]:
    """The weight and bias of the last convolution that minimise the squared error on random patches.

    Args:
        spec: a network for which :func:`linear_chain` is not None.
        weights: the weights of all layers, on the device that computes. Those of the last layer are not read.
        patches: the source of inputs and targets.
        batches: how many batches to use. Each gives ``batch * n²`` equations.
        deadline: after this time of :func:`time.monotonic`, no further batch is used.

    Returns:
        The two tensors of the last convolution by name.
    """
    chain = linear_chain(spec)
    assert chain is not None
    *trunk, last = chain.convs
    kernels = TorchKernels()
    kh, kw = last.kernel
    unknowns = last.in_channels * kh * kw + 1
    device = weights[f"{last.name}.weight"].device
    gram = torch.zeros(unknowns, unknowns, dtype=torch.float64, device=device)
    right = torch.zeros(unknowns, last.out_channels, dtype=torch.float64, device=device)
    with torch.no_grad():
        for number in range(batches):
            if number and time.monotonic() >= deadline:
                break
            x, target = (patch.to(device) for patch in patches.draw())
            x = inside(x, patches.margin - spec.halo)
            if chain.base:
                target = target - kernels.resize(inside(x, spec.halo), spec.scale, "nearest")
            for conv in trunk:
                x = kernels.conv(x, weights[f"{conv.name}.weight"], weights.get(f"{conv.name}.bias"), (0, 0))
                if conv.activation != "none":
                    x = kernels.activate(x, conv.activation, weights.get(f"{conv.name}.slope"))
            features = F.unfold(x, (kh, kw)).transpose(0, 1).flatten(1)
            features = torch.cat([features, torch.ones(1, features.shape[1], device=device)])
            targets = F.pixel_unshuffle(target, spec.scale).transpose(0, 1).flatten(1)
            gram += (features @ features.T).double()
            right += (features @ targets.T).double()
        gram.diagonal().add_(_RIDGE * gram.diagonal().mean())
        solution = torch.linalg.solve(gram, right).float()
    shape = (last.out_channels, last.in_channels, kh, kw)
    return {f"{last.name}.weight": solution[:-1].T.reshape(shape).contiguous(), f"{last.name}.bias": solution[-1]}
