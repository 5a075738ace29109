"""One interface to NumPy, torch and other arrays, with which every operator is written once.

An operator calls :func:`enter` once. It gets the arithmetic that fits its arguments, and a function that converts the
result back. NumPy arrays and torch tensors are used as they are (torch keeps its graph and its device). Other arrays
with DLPack or ``__array__`` (JAX, array-api-strict …) are converted to NumPy, and the result is converted back, without
a gradient.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import numpy as np

from subpixel.errors import InvalidArgument

__all__ = ["Arithmetic", "enter"]

Back = Callable[[Any], Any]


class Arithmetic(Protocol):
    """The functions that operators are written with, named as in NumPy. Each returns a new value."""

    name: str

    def constant(self, value: Any, like: Any) -> Any:
        """A NumPy array or number as an array like ``like``, on its device; floats get its dtype."""

    def take(self, x: Any, index: Any, axis: int) -> Any:
        """Select slices along one axis, by a NumPy array of integers."""

    def gather(self, x: Any, index: Any) -> Any:
        """``out[n, c, p] = x[n, c, index[n, p]]``; the index is an int64 array of the same kind."""

    def reshape(self, x: Any, shape: Sequence[int]) -> Any: ...
    def transpose(self, x: Any, axes: Sequence[int]) -> Any: ...
    def contiguous(self, x: Any) -> Any: ...
    def copy(self, x: Any) -> Any:
        """A copy in new memory, contiguous in the order of the axes."""

    def expand(self, x: Any, shape: Sequence[int]) -> Any:
        """Repeat axes of length 1 up to ``shape``, without a copy."""

    def concatenate(self, parts: Sequence[Any], axis: int) -> Any: ...
    def pad(self, x: Any, widths: Sequence[tuple[int, int]], value: float) -> Any: ...
    def zeros(self, shape: Sequence[int], like: Any) -> Any: ...
    def arange(self, n: int, like: Any) -> Any:
        """0 … n - 1 in f64, on the device of ``like``."""

    def where(self, condition: Any, a: Any, b: Any) -> Any: ...
    def floor(self, x: Any) -> Any: ...
    def clip(self, x: Any, low: float, high: float) -> Any: ...
    def einsum(self, rule: str, *operands: Any) -> Any: ...

    def astype(self, x: Any, dtype: str) -> Any:
        """Convert to the dtype of that NumPy name (``float32``, ``uint8`` …)."""

    def dtype(self, x: Any) -> str:
        """The dtype's name in NumPy."""


class NumpyArithmetic:
    """The functions on ``numpy.ndarray``."""

    name = "numpy"

    def constant(self, value: Any, like: Any) -> Any:
        value = np.asarray(value)
        return value.astype(like.dtype) if value.dtype.kind == "f" and like.dtype.kind == "f" else value

    def take(self, x: Any, index: Any, axis: int) -> Any:
        return np.take(x, index, axis=axis)

    def gather(self, x: Any, index: Any) -> Any:
        return np.take_along_axis(x, index[:, None, :], axis=2)

    def reshape(self, x: Any, shape: Sequence[int]) -> Any:
        return x.reshape(tuple(shape))

    def transpose(self, x: Any, axes: Sequence[int]) -> Any:
        return x.transpose(tuple(axes))

    def contiguous(self, x: Any) -> Any:
        return np.ascontiguousarray(x)

    def copy(self, x: Any) -> Any:
        return x.copy()

    def expand(self, x: Any, shape: Sequence[int]) -> Any:
        return np.broadcast_to(x, tuple(shape))

    def concatenate(self, parts: Sequence[Any], axis: int) -> Any:
        return np.concatenate(list(parts), axis=axis)

    def pad(self, x: Any, widths: Sequence[tuple[int, int]], value: float) -> Any:
        return np.pad(x, list(widths), constant_values=value)

    def zeros(self, shape: Sequence[int], like: Any) -> Any:
        return np.zeros(tuple(shape), like.dtype)

    def arange(self, n: int, like: Any) -> Any:
        return np.arange(n, dtype=np.float64)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        return np.where(condition, a, b)

    def floor(self, x: Any) -> Any:
        return np.floor(x)

    def clip(self, x: Any, low: float, high: float) -> Any:
        return np.clip(x, low, high)

    def einsum(self, rule: str, *operands: Any) -> Any:
        return np.einsum(rule, *operands, optimize=True)

    def astype(self, x: Any, dtype: str) -> Any:
        return x.astype(dtype)

    def dtype(self, x: Any) -> str:
        return str(x.dtype.name)


class TorchArithmetic:
    """The functions on ``torch.Tensor`` of any device, differentiable."""

    name = "torch"

    def __init__(self) -> None:
        self._torch = sys.modules["torch"]

    def constant(self, value: Any, like: Any) -> Any:
        tensor = self._torch.as_tensor(np.asarray(value), device=like.device)
        return tensor.to(like.dtype) if tensor.is_floating_point() and like.is_floating_point() else tensor

    def take(self, x: Any, index: Any, axis: int) -> Any:
        flat = self._torch.as_tensor(np.asarray(index, np.int64).ravel(), device=x.device)
        axis %= x.ndim
        return x.index_select(axis, flat).reshape(*x.shape[:axis], *np.shape(index), *x.shape[axis + 1 :])

    def gather(self, x: Any, index: Any) -> Any:
        return x.gather(2, index[:, None, :].expand(-1, x.shape[1], -1))

    def reshape(self, x: Any, shape: Sequence[int]) -> Any:
        return x.reshape(tuple(shape))

    def transpose(self, x: Any, axes: Sequence[int]) -> Any:
        return x.permute(tuple(axes))

    def contiguous(self, x: Any) -> Any:
        return x.contiguous()

    def copy(self, x: Any) -> Any:
        return x.clone(memory_format=self._torch.contiguous_format)

    def expand(self, x: Any, shape: Sequence[int]) -> Any:
        return x.expand(tuple(shape))

    def concatenate(self, parts: Sequence[Any], axis: int) -> Any:
        return self._torch.cat(list(parts), dim=axis)

    def pad(self, x: Any, widths: Sequence[tuple[int, int]], value: float) -> Any:
        flat = [width for pair in reversed(list(widths)) for width in pair]
        return self._torch.nn.functional.pad(x, flat, value=value)

    def zeros(self, shape: Sequence[int], like: Any) -> Any:
        return self._torch.zeros(tuple(shape), dtype=like.dtype, device=like.device)

    def arange(self, n: int, like: Any) -> Any:
        return self._torch.arange(n, dtype=self._torch.float64, device=like.device)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        return self._torch.where(condition, a, b)

    def floor(self, x: Any) -> Any:
        return x.floor()

    def clip(self, x: Any, low: float, high: float) -> Any:
        return x.clamp(low, high)

    def einsum(self, rule: str, *operands: Any) -> Any:
        return self._torch.einsum(rule, *operands)

    def astype(self, x: Any, dtype: str) -> Any:
        return x.to(getattr(self._torch, dtype))

    def dtype(self, x: Any) -> str:
        return str(x.dtype).removeprefix("torch.")


_NUMPY = NumpyArithmetic()


def _unchanged(y: Any) -> Any:
    return y


def enter(op: str, *arrays: Any) -> tuple[Arithmetic, list[Any], Back]:
    """The arithmetic for some arrays, the arrays prepared for it, and a function that converts the result back.

    NumPy arrays, lists and numbers may be mixed with arrays of one other library; the result is then of that library.
    Torch tensors are mixed with nothing else.

    Args:
        op: the operator, for the text of errors.
        arrays: its array arguments.

    Raises:
        InvalidArgument: the arrays belong to different libraries, or an argument is not an array.

    >>> arithmetic, arrays, back = enter("flip", [1.0, 2.0])
    >>> arithmetic.name, back(arithmetic.take(arrays[0], [1, 0], 0)).tolist()
    ('numpy', [2.0, 1.0])
    """
    if len(arrays) == 1 and type(arrays[0]) is np.ndarray:
        return _NUMPY, list(arrays), _unchanged
    torch = sys.modules.get("torch")
    if torch is not None and any(isinstance(x, torch.Tensor) for x in arrays):
        for x in arrays:
            if not isinstance(x, torch.Tensor):
                raise InvalidArgument(f"{op}: torch tensors and {type(x).__name__} cannot be mixed; pass tensors only")
        return TorchArithmetic(), list(arrays), lambda y: y
    foreign = [x for x in arrays if not isinstance(x, (np.ndarray, np.generic, list, tuple, int, float))]
    if not foreign:
        return NumpyArithmetic(), [np.asarray(x) for x in arrays], lambda y: y
    for x in foreign[1:]:
        if type(x) is not type(foreign[0]):
            raise InvalidArgument(f"{op}: {type(foreign[0]).__name__} and {type(x).__name__} cannot be mixed")
    return NumpyArithmetic(), [_to_numpy(op, x) for x in arrays], _converter(op, foreign[0])


def _to_numpy(op: str, x: Any) -> np.ndarray:
    if isinstance(x, np.ndarray):
        return x
    # DLPack shares memory, but NumPy's supports neither bfloat16 nor the memory of other devices. Then the library's
    # own conversion copies.
    converters: list[Callable[[Any], Any]] = [np.from_dlpack] if hasattr(x, "__dlpack__") else []
    converters += [np.asarray] if not converters or hasattr(x, "__array__") else []
    reason = ""
    for convert in converters:
        try:
            return cast(np.ndarray, convert(x))
        except (TypeError, ValueError, BufferError, RuntimeError) as error:
            reason = reason or str(error).partition("\n")[0]
    raise InvalidArgument(f"{op}: {type(x).__name__} cannot be converted to an array ({reason})")


def _converter(op: str, x: Any) -> Back:
    """A function from NumPy to the kind of ``x``, by its namespace's ``asarray``; without one it changes nothing."""
    if not hasattr(x, "__array_namespace__"):
        return lambda y: y
    namespace = x.__array_namespace__()

    def back(y: Any) -> Any:
        result = namespace.asarray(y)
        # JAX has no 64-bit types unless they are enabled, and silently wraps integers that do not fit.
        if y.dtype in (np.int64, np.uint64) and y.size:
            limits = namespace.iinfo(result.dtype)
            if int(y.max()) > int(limits.max) or int(y.min()) < int(limits.min):
                raise InvalidArgument(
                    f"{op}: integers from {y.min()} to {y.max()} do not fit {result.dtype}, the widest type of "
                    f"{type(x).__name__} here; pass NumPy arrays, or enable 64-bit types"
                )
        return result

    return back
