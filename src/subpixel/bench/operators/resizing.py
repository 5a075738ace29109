"""Resize, that of OpenCV, Pillow and torch, and a copy of the result's bytes. Pillow has one thread only.

"up" is 640×360 to 1920×1080, "down" the reverse. The copy is the ceiling: it writes every byte of the result once, to
new memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel import ops
from subpixel.bench.ceilings import array_copy
from subpixel.bench.operators.case import Call, Case, dtype_label, optional, torch_with_threads

__all__ = ["cases"]

_SMALL, _LARGE = (360, 640), (1080, 1920)
_OPENCV = {"linear": "INTER_LINEAR", "cubic": "INTER_CUBIC", "lanczos": "INTER_LANCZOS4", "nearest": "INTER_NEAREST"}
_PILLOW = {"linear": "BILINEAR", "cubic": "BICUBIC", "lanczos": "LANCZOS"}
_TORCH = {"linear": "bilinear", "cubic": "bicubic", "lanczos": "lanczos", "nearest": "nearest"}


def cases(threads: int) -> Iterator[Case]:
    """Each dialect with its library."""
    random = np.random.default_rng(0)
    small, large = (random.integers(0, 256, (*size, 3), np.uint8) for size in (_SMALL, _LARGE))
    planes = random.random((1, 3, *_SMALL), np.float32)
    cv2 = optional("cv2")
    if cv2 is not None:
        cv2.setNumThreads(threads)
    for mode in _OPENCV:
        yield _like_opencv(cv2, small, mode, "opencv", threads)
    for mode in _OPENCV:
        yield _like_opencv(cv2, small, mode, None, threads)
    yield _like_opencv(cv2, planes[0].transpose(1, 2, 0).copy(), "cubic", None, threads)
    pillow = optional("PIL.Image") if optional("PIL") else None
    for x, size in ((small, _LARGE), (large, _SMALL)):
        for mode in _PILLOW:
            yield _like_pillow(pillow, x, mode, size, threads)
    torch = torch_with_threads(threads)
    for x in (planes, small.transpose(2, 0, 1)[None].copy()):
        for mode in _TORCH:
            yield _like_torch(torch, x, mode, threads)


def _case(name: str, threads: int, ours: Call, peers: dict[str, Call]) -> Case:
    return Case("resize", name, {"subpixel": ours}, {"copy": array_copy(ours(), threads)}, peers)


def _like_opencv(cv2: Any, x: NDArray[Any], mode: Any, like: Any, threads: int) -> Case:
    peers: dict[str, Call] = {}
    if cv2 is not None:
        how = getattr(cv2, _OPENCV[mode])
        peers["OpenCV"] = lambda: cv2.resize(x, _LARGE[::-1], interpolation=how)
    name = f"{dtype_label(x)} HWC up {mode}, like {like or 'ours'}"
    return _case(name, threads, lambda: ops.resize(x, _LARGE, mode=mode, like=like), peers)


def _like_pillow(pillow: Any, x: NDArray[Any], mode: Any, size: tuple[int, int], threads: int) -> Case:
    peers: dict[str, Call] = {}
    if pillow is not None:
        image, how = pillow.fromarray(x), getattr(pillow.Resampling, _PILLOW[mode])
        peers["Pillow"] = lambda: image.resize(size[::-1], how)
    name = f"{dtype_label(x)} HWC {'up' if size == _LARGE else 'down'} {mode}, like pillow"
    return _case(name, threads, lambda: ops.resize(x, size, mode=mode, like="pillow"), peers)


def _like_torch(torch: Any, x: NDArray[Any], mode: Any, threads: int) -> Case:
    peers: dict[str, Call] = {}
    if torch is not None:
        tensor, more = torch.from_numpy(x), {"antialias": True} if mode == "lanczos" else {}
        interpolate = torch.nn.functional.interpolate
        peers["torch"] = lambda: interpolate(tensor, _LARGE, mode=_TORCH[mode], **more)
    name = f"{dtype_label(x)} NCHW up {mode}, like torch"
    return _case(name, threads, lambda: ops.resize(x, _LARGE, mode=mode, like="torch"), peers)
