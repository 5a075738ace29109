"""The last layer of a plain chain is linear, so the best one for given features is a least-squares problem.

Solved once it takes a network whose first layers come from another scale to where descent would need thousands of
steps to bring it, and a trained one to the exact optimum of its last layer.
"""

from __future__ import annotations

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

# Relative to the mean power of a feature: keeps directions that the data hardly excites from growing large weights.
_RIDGE = 1e-7


def linear_chain(spec: Spec) -> Chain | None:
    """The network as convolutions without skips and a CRD pixel shuffle, with or without a base; None if it is not.

    One that is a chain only when rewritten is none: its weights have other shapes.
    """
    if lower_spec(spec) is not spec:
        return None
    try:
        found = chain_of(spec, "solving")
    except Unsupported:
        return None
    plain = found.shuffle.order == "CRD" and not any(skip is not None for skip in found.skips)
    return found if plain and found.convs[-1].bias and spec.border == "replicate" else None


def solve_last_layer(spec: Spec, weights: Mapping[str, Tensor], patches: Patches, batches: int) -> dict[str, Tensor]:
    """Weight and bias of the last convolution that minimise the squared error over random patches.

    Args:
        spec: a network for which :func:`linear_chain` is not None.
        weights: of all layers, on the device that is to compute; those of the last are not read.
        patches: where inputs and targets come from.
        batches: how many are drawn; each brings ``batch * n²`` equations for each unknown's column.

    Returns:
        The two tensors of the last convolution by name.
    """
    found = linear_chain(spec)
    assert found is not None
    *trunk, last = found.convs
    kernels = TorchKernels()
    kh, kw = last.kernel
    unknowns = last.in_channels * kh * kw + 1
    device = weights[f"{last.name}.weight"].device
    gram = torch.zeros(unknowns, unknowns, dtype=torch.float64, device=device)
    right = torch.zeros(unknowns, last.out_channels, dtype=torch.float64, device=device)
    with torch.no_grad():
        for _ in range(batches):
            x, target = (patch.to(device) for patch in patches.draw())
            x = inside(x, patches.margin - spec.halo)
            if found.base:
                target = target - kernels.resize(inside(x, spec.halo), spec.scale, "nearest")
            for conv in trunk:
                x = kernels.conv(x, weights[f"{conv.name}.weight"], weights.get(f"{conv.name}.bias"), (0, 0))
                if conv.activation != "none":
                    x = kernels.activate(x, conv.activation, weights.get(f"{conv.name}.slope"))
            features = F.unfold(x, (kh, kw)).transpose(0, 1).flatten(1)
            features = torch.cat([features, torch.ones(1, features.shape[1], device=device)])
            wanted = F.pixel_unshuffle(target, spec.scale).transpose(0, 1).flatten(1)
            gram += (features @ features.T).double()
            right += (features @ wanted.T).double()
        gram.diagonal().add_(_RIDGE * gram.diagonal().mean())
        solution = torch.linalg.solve(gram, right).float()
    shape = (last.out_channels, last.in_channels, kh, kw)
    return {f"{last.name}.weight": solution[:-1].T.reshape(shape).contiguous(), f"{last.name}.bias": solution[-1]}
