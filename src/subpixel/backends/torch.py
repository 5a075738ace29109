"""The backends ``torch`` and ``torch-compiled``, in f32 and bf16, on the CPU or a GPU."""

from __future__ import annotations

import importlib.metadata
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from subpixel.backends.base import (
    Planes,
    Quantisation,
    Session,
    VideoSession,
    Weights,
    check_inputs,
    check_planes,
    empty_result,
)
from subpixel.backends.flat import check_flat, flat_session
from subpixel.backends.missing import missing_packages
from subpixel.errors import FallbackWarning, Unsupported
from subpixel.models.graph import require_single_image, run, run_all
from subpixel.models.layers import Resize
from subpixel.models.spec import Spec

__all__ = ["TorchBackend"]


@dataclass(frozen=True)
class TorchBackend:
    """f32 and bf16 for any network. Preparing a session sets torch's number of threads for the whole process.

    Args:
        device: where it runs.
        compiled: compile each network with ``torch.compile`` when it first runs, and a few times again for other kinds
            of sizes. That takes seconds to minutes, and a C++ compiler on the CPU.
    """

    device: str = "cpu"
    compiled: bool = False
    precisions: tuple[str, ...] = ("f32", "bf16")
    devices: tuple[str, ...] = ("cpu", "cuda", "mps")

    @property
    def name(self) -> str:
        return "torch-compiled" if self.compiled else "torch"

    def unavailable(self) -> str | None:
        return missing_packages(("torch",), "train")

    def details(self) -> dict[str, Any]:
        return {} if self.unavailable() else {"torch": importlib.metadata.version("torch")}

    def missing_device(self, device: str) -> str | None:
        import torch

        found = {
            "cpu": True,
            "cuda": torch.cuda.is_available(),
            "mps": torch.backends.mps.is_available(),
        }
        return None if found[device] else f"torch finds no device '{device}' here"

    def on(self, device: str) -> TorchBackend:
        return replace(self, device=device)

    def prepare(
        self,
        spec: Spec,
        weights: Weights,
        precision: str,
        threads: int,
        quantisation: Quantisation = None,
        flat: int | None = None,
    ) -> Session:
        require_single_image(spec)
        check_flat(spec, flat)
        import torch

        from subpixel.models.torch_kernels import TorchKernels

        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        device = self.device
        tensors = _tensors(weights, device, dtype)
        kernels = TorchKernels()
        torch.set_num_threads(threads)
        network = self._network(spec, lambda x: run(spec, tensors, x, kernels))

        def session(planes: Planes) -> Planes:
            planes = check_planes(planes, spec)
            if 0 in planes.shape:
                return empty_result(planes, spec)
            with torch.inference_mode(), _whole_f32(device):
                x = torch.from_numpy(np.array(planes)).to(device, dtype)[None]
                result: Planes = network(x)[0].float().cpu().numpy()
            return result

        return session if flat is None else flat_session(session, spec.scale, flat)

    def prepare_video(
        self, spec: Spec, weights: Weights, precision: str, threads: int, quantisation: Quantisation = None
    ) -> VideoSession:
        if precision not in self.precisions:
            raise Unsupported(f"precision={precision!r}: backend '{self.name}' runs networks for videos in f32 or bf16")
        import torch

        from subpixel.models.torch_kernels import TorchKernels

        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        device = self.device
        tensors = _tensors(weights, device, dtype)
        kernels = TorchKernels()
        torch.set_num_threads(threads)
        network = self._network(spec, lambda batch: run_all(spec, tensors, batch, kernels))

        def session(inputs: Mapping[str, Planes]) -> dict[str, Planes]:
            arrays = check_inputs(inputs, spec)
            with torch.inference_mode(), _whole_f32(device):
                batch = {name: torch.from_numpy(np.array(x)).to(device, dtype)[None] for name, x in arrays.items()}
                result = network(batch)
                return {name: value[0].float().contiguous().cpu().numpy() for name, value in result.items()}

        return session

    def _network(self, spec: Spec, run: Callable[[Any], Any]) -> Callable[[Any], Any]:
        # NumPy makes the table of an interpolation for each size, and torch fails to compile that for all sizes.
        interpolates = any(isinstance(layer, Resize) and layer.mode != "nearest" for layer in spec.layers)
        return _compiled(run) if self.compiled and not interpolates else run


def _compiled(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function that is compiled at its first call; where that fails, it warns and runs as it is."""
    import torch

    from subpixel.storage.memory import is_memory_error

    compiled, failed = torch.compile(run, dynamic=None), False

    def call(x: Any) -> Any:
        nonlocal failed
        if failed:
            return run(x)
        # Only sizes are free. With ``dynamic=True`` the numbers of the Spec would be, too, and torch fails at them.
        for planes in x.values() if isinstance(x, dict) else (x,):
            torch._dynamo.maybe_mark_dynamic(planes, (2, 3))
        try:
            return compiled(x)
        except Exception as error:  # torch fails to compile with errors of any kind; those of the network come again
            if is_memory_error(error):
                raise
            failed = True
            why = next(iter(str(error).splitlines()), type(error).__name__)
            warnings.warn(
                f"running on the slower fallback: torch cannot compile the network here: {why}",
                FallbackWarning,
                stacklevel=2,
            )
            return run(x)

    return call


def _tensors(weights: Weights, device: str, dtype: Any) -> dict[str, Any]:
    import torch

    return {name: torch.from_numpy(np.array(value, np.float32)).to(device, dtype) for name, value in weights.items()}


@contextmanager
def _whole_f32(device: str) -> Iterator[None]:
    """cuDNN multiplies f32 with all of its digits; by default it drops 13 of 23 bits (TF32)."""
    if device != "cuda":
        yield
        return
    import torch

    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield
