"""Resizing of torch tensors along axes of free sizes, as in a program that ``torch.export`` makes for any image.

The tables follow from the sizes, so an operator of torch, ``subpixel::resize_tables``, computes them when the program
runs. With the conventions of torch, its own ``interpolate`` resizes, which every tool of torch knows. A program that
holds the operator needs ``import subpixel.ops.resizing.free_sizes`` after that of torch, before it is loaded.
"""

from __future__ import annotations

import functools
import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import Unsupported
from subpixel.ops.resizing import plan as plans
from subpixel.ops.resizing.convention import Convention
from subpixel.ops.resizing.kernels import KERNELS
from subpixel.ops.resizing.taps import tabulate

__all__ = ["resize_free", "tables_operator"]

# torch's names of modes, by the number of axes.
_TORCH_MODES = {"linear": ("linear", "bilinear", "trilinear"), "cubic": ("", "bicubic", "")}
_TABLES = 3  # tensors for each axis: indices, weights, and which samples lie outside


@functools.cache
def tables_operator() -> Any:
    """The operator ``subpixel::resize_tables``; torch knows it from the first call on."""
    import torch

    def compute(n_in: Sequence[int], n_out: Sequence[int], taps: Sequence[int], request: str) -> list[Any]:
        return [torch.from_numpy(one) for one in _tables(tuple(n_in), tuple(n_out), taps, json.loads(request))]

    def describe(n_in: Sequence[int], n_out: Sequence[int], taps: Sequence[int], request: str) -> list[Any]:
        result: list[Any] = []
        for side, count in zip(n_out, taps, strict=True):
            result += [torch.empty((side, count), dtype=kind) for kind in (torch.int64, torch.float64)]
            result.append(torch.empty((side,), dtype=torch.bool))
        return result

    schema = "(SymInt[] n_in, SymInt[] n_out, SymInt[] taps, str request) -> Tensor[]"
    operator = torch.library.custom_op("subpixel::resize_tables", compute, mutates_args=(), schema=schema)
    operator.register_fake(describe)
    return operator


def _tables(
    n_in: tuple[int, ...], n_out: tuple[int, ...], taps: Sequence[int], how: Mapping[str, Any]
) -> list[NDArray[Any]]:
    """For each axis the indices and weights ``(n_out, taps)``, and which samples lie outside."""
    size = None if how["scale"] is not None else n_out
    arguments = (size, how["scale"], how["mode"], how["like"], None, tuple(range(len(n_in))), None)
    plan = plans.plan_of(n_in, how["dtype"], how["dtype"], arguments, how["options"])
    result: list[NDArray[Any]] = []
    for side, count in zip(sorted(plan.sides, key=lambda side: side.axis), taps, strict=True):
        table = tabulate(side.n_in, side.n_out, side.scale, plan.convention, side.roi)
        columns = ((0, 0), (0, count - table.index.shape[1]))
        result += [np.pad(one, columns) for one in (table.index, table.weight)]
        result.append(np.zeros(side.n_out, np.bool_) if table.outside is None else table.outside)
    return result


def resize_free(x: Any, plan: Any, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """Resize floats, or anything by ``nearest``, along axes of which some have a free size.

    Args:
        x: the tensor.
        plan: its ResizePlan, with the free sizes in it.
        arguments: size, scale, mode, like, layout, axes and transfer, as :func:`subpixel.ops.resize` got them.
        options: its other arguments.

    Raises:
        Unsupported: integers are summed, or the program is exported to ONNX, which has no such operator.
    """
    import torch

    nearest = plan.convention.kernel == "nearest"
    if not nearest and not x.is_floating_point():
        raise Unsupported(
            f"resize: a size of {tuple(x.shape)} is free; integers need known sizes, floats and mode='nearest' do not"
        )
    sides = sorted(plan.sides, key=lambda side: side.axis)
    if plan.dialect.name == "torch" and x.is_floating_point() and plan.preset.interpolate:
        return _interpolate(x, plan, sides, arguments, options)
    if torch.onnx.is_in_onnx_export():
        raise Unsupported(
            f"resize: a size of {tuple(x.shape)} is free; ONNX needs known sizes here, or like='torch' with floats"
        )
    scale = arguments[1] if not isinstance(arguments[1], np.ndarray) else arguments[1].tolist()
    request = {
        "dtype": plan.name,
        "scale": None if scale is None else [float(one) for one in _each(scale, len(sides))],
        "mode": arguments[2],
        "like": arguments[3],
        "options": {name: _plain(value) for name, value in options.items() if name != "alpha"},
    }
    taps = [_tap_count(side, plan.convention) for side in sides]
    tables = tables_operator()([side.n_in for side in sides], [side.n_out for side in sides], taps, json.dumps(request))
    for k, side in enumerate(sides):
        index, weight, outside = (one.to(x.device) for one in tables[_TABLES * k : _TABLES * (k + 1)])
        x = _along(x, side.axis, index, None if nearest else weight, plan)
        if plan.convention.coordinates == "tf_crop_and_resize":
            wide = outside.reshape(-1, *(1 for _ in range(x.ndim - 1 - side.axis)))
            x = torch.where(wide, torch.full((), plan.convention.extrapolation, dtype=x.dtype, device=x.device), x)
    return x.to(getattr(torch, plan.name))


def _along(x: Any, axis: int, index: Any, weight: Any | None, plan: Any) -> Any:
    import torch

    if weight is None:
        return x.index_select(axis, index[:, 0])
    parts = x.index_select(axis, index.reshape(-1)).to(getattr(torch, plan.sum_dtype))
    parts = parts.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
    wide = weight.to(parts.dtype).reshape(*index.shape, *(1 for _ in range(x.ndim - 1 - axis)))
    return (parts * wide).sum(axis + 1)


def _tap_count(side: Any, convention: Convention) -> Any:
    """At least as many taps as each output sample has; an expression if it depends on a free size."""
    if convention.kernel == "nearest":
        return 1
    kernel = KERNELS.get(convention.kernel)
    width = 1 if kernel is None else math.ceil(2 * kernel.support)
    if kernel is not None and not convention.antialias:
        return width + 2
    # The kernel widened by the step between samples. Beyond it, the table has weights of 0.
    widened = math.ceil(width / side.scale) if side.scale is not None else -(-width * side.n_in // side.n_out)
    return widened + width + 3


def _interpolate(x: Any, plan: Any, sides: Sequence[Any], arguments: Sequence[Any], options: Any) -> Any:
    """``torch.nn.functional.interpolate`` with the resized axes moved to the end."""
    from torch.nn import functional

    name = plan.preset.interpolate
    mode = _TORCH_MODES[name][len(sides) - 1] if name in _TORCH_MODES else name
    axes = [side.axis for side in sides]
    lead = [axis for axis in range(x.ndim) if axis not in axes]
    order = [*lead, *axes]
    moved = x.permute(order)
    planes = moved.reshape(1, math.prod(moved.shape[: len(lead)]), *moved.shape[len(lead) :])
    given: dict[str, Any] = {"size": [side.n_out for side in sides]}
    if arguments[1] is not None:
        given = {"scale_factor": [float(one) for one in _each(arguments[1], len(sides))]}
        given["recompute_scale_factor"] = options.get("recompute_scale_factor")
    if "align_corners" in options and name in _TORCH_MODES:
        given["align_corners"] = bool(options["align_corners"])
    y = functional.interpolate(planes, mode=mode, antialias=bool(options.get("antialias")), **given)
    y = y.reshape(*moved.shape[: len(lead)], *y.shape[2:])
    return y.permute([order.index(axis) for axis in range(x.ndim)]).contiguous()


def _each(value: Any, count: int) -> Sequence[Any]:
    return tuple(value) if isinstance(value, (tuple, list, np.ndarray)) else (value,) * count


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list, np.ndarray)):
        return [_plain(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value


if "torch" in sys.modules:
    tables_operator()
