"""What torch's tools need from an operator that runs without values, or on sizes that are not known yet.

``torch.compile``, ``torch.export``, ``vmap``, fake and meta tensors run an operator to find out what it does. There are
no values then, and a size that may change from call to call is a *free* size: a ``torch.SymInt``, an expression.
Reading a value or converting a free size to an integer would end such a tool, or bind the result to one size.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

__all__ = ["all_known", "constant", "is_compiled", "is_free", "operator", "shows_values"]

F = TypeVar("F", bound=Callable[..., Any])


def operator(function: F) -> F:
    """Let ``torch.compile`` trace a function of tensors as it runs, not by its bytecode.

    The compiler does not follow locks, caches and NumPy, which operators use to plan their work. It therefore puts the
    call into its graph as a whole, and traces what the call does with tensors. The function must return tensors.
    """

    def in_graph(*args: Any, **kwargs: Any) -> Any:
        return function(*map(_known, args), **{name: _known(value) for name, value in kwargs.items()})

    @constant
    def allow() -> None:
        sys.modules["torch"].compiler.allow_in_graph(in_graph)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if is_compiled():
            allow()
            return in_graph(*args, **kwargs)
        return function(*args, **kwargs)

    return cast(F, call)


def _known(value: Any) -> Any:
    """A free number that is no size as a number: the program is made for this one."""
    if isinstance(value, (tuple, list)):
        return (list if isinstance(value, list) else tuple)(map(_known, value))
    return float(value) if isinstance(value, sys.modules["torch"].SymFloat) else value


def constant(function: F) -> F:
    """Let ``torch.compile`` run a function while it traces, and take its result for a constant.

    Its arguments must not be tensors. ``torch.compiler.assume_constant_result`` sets the same mark, but torch is not
    loaded for its sake.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


def is_compiled() -> bool:
    """Whether ``torch.compile`` reads this very code, rather than running it."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.compiler.is_dynamo_compiling())


def is_free(size: Any) -> bool:
    """Whether a size is not known as a number.

    >>> is_free(3)
    False
    """
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(size, torch.SymInt)


def all_known(sizes: Any) -> bool:
    """Whether all of these sizes are numbers."""
    return not any(is_free(size) for size in sizes)


def shows_values(x: Any) -> bool:
    """Whether the values of an array can be read: not those of a tensor that is traced, vectorised, fake or meta."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(x, torch.Tensor):
        return True
    if torch.compiler.is_compiling() or x.device.type == "meta":
        return False
    functorch = torch._C._functorch
    while functorch.is_functorch_wrapped_tensor(x):
        if functorch.is_batchedtensor(x):
            return False
        x = functorch.get_unwrapped(x)
    # A fake tensor is of a class of its own, as is a tensor that records operations.
    return type(x) in (torch.Tensor, torch.nn.Parameter)
