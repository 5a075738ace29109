"""One call of every operator on tensors of free sizes, and torch's tools applied to such calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ops.calls import parts
from subpixel import ops

__all__ = ["CALLS", "TOOLS", "Inputs", "inputs"]

Inputs = dict[str, Tensor]

# The parameters of a lambda are the names of its inputs.
CALLS: dict[str, Callable[..., Any]] = {
    "affine_grid": lambda theta, x: ops.affine_grid(theta, x.shape),
    "average_unpool": lambda x: ops.average_unpool(x, (2, 3)),
    "conv": lambda x, kernel: ops.conv(x, kernel, padding=((1, 2), (0, 1))),
    "conv_transpose": lambda x, kernel: ops.conv_transpose(
        x, kernel.permute(1, 0, 2, 3), padding=((1, 0), (0, 2)), stride=2
    ),
    "conv_transpose_to_subpixel": lambda weight, bias: ops.conv_transpose_to_subpixel(
        weight, bias, stride=2, padding=1
    ),
    "depth_to_space": lambda x: ops.depth_to_space(x, 2),
    "grid_sample": lambda x, grid: ops.grid_sample(x, grid, "bicubic", "border"),
    "icnr": lambda weight: ops.icnr((12, 3, 3, 3), 2, init=lambda shape: weight),
    "max_pool": lambda x: ops.max_pool(x, 2, padding=((0, 1), (1, 0)), stride=1, return_indices=True),
    "max_unpool": lambda pooled, where: ops.max_unpool(pooled, where, 2),
    "pixel_shuffle": lambda x: ops.pixel_shuffle(x, 2),
    "pixel_unshuffle": lambda x: ops.pixel_unshuffle(x, 2),
    "resize": lambda x: ops.resize(x, (7, 3), layout="NCHW", antialias=True),
    "space_to_depth": lambda x: ops.space_to_depth(x, 2),
    "subpixel_conv": lambda x, kernel: ops.subpixel_conv(x, kernel, None, 2, padding=1, crop=1),
    "subpixel_to_conv_transpose": lambda weight: ops.subpixel_to_conv_transpose(
        weight.repeat_interleave(4, 0), 2, padding=1
    ),
    "upsample": lambda x: ops.upsample(x, scale=2, mode="bicubic"),
    "upsample_bilinear": lambda x: ops.upsample_bilinear(x, (7, 6)),
    "upsample_nearest": lambda x: ops.upsample_nearest(x, scale=3),
    "warp": lambda x, flow: ops.warp(x, flow, padding_mode="reflection", units="halves"),
}  # fmt: skip


def inputs(n: int = 7, h: int = 10, w: int = 12, dtype: torch.dtype = torch.float32, seed: int = 0) -> Inputs:
    """Inputs of all calls: ``x`` is ``(n, 8, h, w)``, the others fit it.

    By themselves no two of the sizes are equal: torch takes equal ones for the same at first.
    """
    draw = torch.Generator().manual_seed(seed)

    def real(*shape: int) -> Tensor:
        return torch.rand(shape, generator=draw, dtype=torch.float64).mul(2).sub(1).to(dtype)

    x = real(n, 8, h, w)
    pooled, where = torch.nn.functional.max_pool2d(x, 2, return_indices=True)
    given = {"x": x, "grid": real(n, 9, 11, 2), "flow": real(n, 2, h, w), "theta": real(n, 2, 3)}
    return given | {
        "pooled": pooled,
        "where": where,
        "weight": real(3, 3, 3, 3),
        "bias": real(3),
        "kernel": real(4, 8, 3, 3),
    }


def names(call: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the inputs of a call."""
    return call.__code__.co_varnames[: call.__code__.co_argcount]


class Together(torch.nn.Module):
    """Several calls, one after another: a tool is started once for all of them. The result has one list of tensors."""

    def __init__(self, calls: Sequence[str]) -> None:
        super().__init__()
        self.calls = calls
        self.needed = sorted({name for call in calls for name in names(CALLS[call])})

    def forward(self, *given: Tensor) -> list[Tensor]:
        by_name = dict(zip(self.needed, given, strict=True))
        return [y for call in self.calls for y in parts(CALLS[call](*(by_name[name] for name in names(CALLS[call]))))]

    def of(self, given: Inputs) -> list[Tensor]:
        """The inputs that the calls need, in their order."""
        return [given[name] for name in self.needed]


def equal(ours: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    """Assert that two results are equal but for rounding."""
    for y, wanted in zip(ours, expected, strict=True):
        torch.testing.assert_close(y, wanted)


def compiled(calls: Sequence[str], backend: str = "aot_eager") -> None:
    """``torch.compile(fullgraph=True)`` for known sizes."""
    together, given = Together(calls), inputs()
    torch._dynamo.reset()
    run = torch.compile(together, fullgraph=True, backend=backend, dynamic=False)
    equal(run(*together.of(given)), together(*together.of(given)))


def compiled_free(calls: Sequence[str], backend: str = "aot_eager") -> None:
    """The same once for all sizes."""
    together = Together(calls)
    torch._dynamo.reset()
    run = torch.compile(together, fullgraph=True, backend=backend, dynamic=True)
    for k, sizes in enumerate(((7, 10, 12), (3, 10, 14), (5, 8, 6))):
        given = together.of(inputs(*sizes))
        with torch.compiler.set_stance("fail_on_recompile" if k else "default"):
            equal(run(*given), together(*given))


def shapes(together: Together, *, size: bool) -> tuple[Any, ...]:
    """The free sizes of each input: the batch, and with ``size`` the height and the width."""
    n, h, w = (
        torch.export.Dim("n", max=64),
        torch.export.Dim("h", min=3, max=512),
        torch.export.Dim("w", min=3, max=512),
    )
    whole = {2: 2 * h, 3: 2 * w} if size else {}
    half = {2: h, 3: w} if size else {}
    of = {"x": whole, "flow": whole, "pooled": half, "where": half, "grid": {}, "theta": {}}
    return tuple({0: n} | of[name] if name in of else None for name in together.needed)


def exported_batch(calls: Sequence[str]) -> None:
    """``torch.export`` with a free batch."""
    together = Together(calls)
    spec = (shapes(together, size=False),)
    program = torch.export.export(together, tuple(together.of(inputs())), dynamic_shapes=spec).module()
    for n in (7, 5):
        given = together.of(inputs(n))
        equal(program(*given), together(*given))


def exported_size(calls: Sequence[str]) -> None:
    """``torch.export`` with a free batch, height and width."""
    together = Together(calls)
    spec = (shapes(together, size=True),)
    program = torch.export.export(together, tuple(together.of(inputs())), dynamic_shapes=spec).module()
    for sizes in ((7, 10, 12), (5, 18, 6)):
        given = together.of(inputs(*sizes))
        equal(program(*given), together(*given))


def vectorised(calls: Sequence[str]) -> None:
    """``torch.vmap``."""
    together = Together(calls)
    several = [together.of(inputs(seed=seed)) for seed in range(3)]
    results = torch.vmap(together)(*(torch.stack(each) for each in zip(*several, strict=True)))
    for k, given in enumerate(several):
        equal([y[k] for y in results], together(*given))


def without_values(calls: Sequence[str]) -> None:
    """Meta tensors and fake tensors."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    together = Together(calls)
    given = together.of(inputs())
    expected = [(y.shape, y.dtype) for y in together(*given)]
    assert [(y.shape, y.dtype) for y in together(*(v.to("meta") for v in given))] == expected
    with FakeTensorMode() as mode:
        assert [(y.shape, y.dtype) for y in together(*map(mode.from_tensor, given))] == expected


def floats(together: Together, given: Sequence[Tensor]) -> tuple[int, ...]:
    return tuple(k for k, v in enumerate(given) if v.is_floating_point())


def functional_gradients(calls: Sequence[str]) -> None:
    """``torch.func.grad``, and in batches by ``vmap``."""
    together = Together(calls)
    given = together.of(inputs(dtype=torch.float64))
    places = floats(together, given)

    def loss(*v: Tensor) -> Tensor:
        return sum((y * y).sum() for y in together(*v) if y.is_floating_point())  # type: ignore[return-value]

    ours = torch.func.grad(loss, places)(*given)
    leaves = [v.clone().requires_grad_(k in places) for k, v in enumerate(given)]
    loss(*leaves).backward()
    # An input of which only the shape counts has no gradient there, and zeros here.
    equal(ours, [torch.zeros_like(leaves[k]) if leaves[k].grad is None else leaves[k].grad for k in places])
    batch = torch.vmap(torch.func.grad(loss, places))(*(torch.stack([v, v]) for v in given))
    equal([y[1] for y in batch], ours)


def forward_gradients(calls: Sequence[str]) -> None:
    """``torch.func.jvp``, against the difference of two calls."""
    together = Together(calls)
    given = together.of(inputs(dtype=torch.float64))
    places = floats(together, given)
    step = 1e-6

    def run(*v: Tensor) -> tuple[Tensor, ...]:
        replaced = dict(zip(places, v, strict=True))
        results = together(*(replaced.get(k, one) for k, one in enumerate(given)))
        return tuple(y for y in results if y.is_floating_point())

    start = tuple(given[k] for k in places)
    ways = tuple(torch.full_like(v, 0.5) for v in start)
    _, ours = torch.func.jvp(run, start, ways)
    after = run(*(v + step * way for v, way in zip(start, ways, strict=True)))
    before = run(*(v - step * way for v, way in zip(start, ways, strict=True)))
    for y, low, high in zip(ours, before, after, strict=True):
        torch.testing.assert_close(y, (high - low) / (2 * step), rtol=1e-4, atol=1e-4)


# By the columns of the table in docs/operators.md.
TOOLS: dict[str, Callable[[Sequence[str]], None]] = {
    "compile": compiled,
    "compile, free sizes": compiled_free,
    "export, free batch": exported_batch,
    "export, free sizes": exported_size,
    "vmap": vectorised,
    "meta, fake": without_values,
    "func.grad": functional_gradients,
    "func.jvp": forward_gradients,
}
