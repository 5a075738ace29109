"""What an Upscaler refuses, and how it says so."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import subpixel
from networks import residual
from subpixel import Upscaler
from subpixel.errors import InvalidArgument, ModelFileError, SubpixelError, Unsupported
from subpixel.models import save


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (np.zeros((4, 4, 3), np.int32), "int32"),
        (np.zeros((4, 4), bool), "bool"),
        (np.zeros((4, 4), np.float16), "float16"),
        (np.zeros((4, 4), np.int8), "int8"),
        (np.zeros((4, 4), complex), "complex128"),
        (np.zeros((4, 4), object), "object"),
        (np.zeros((4, 4, 5), np.uint8), r"\(4, 4, 5\)"),
        (np.zeros((4, 4, 0), np.uint8), r"\(4, 4, 0\)"),
        (np.zeros((3, 4, 4), np.uint8)[None], r"\(1, 3, 4, 4\)"),
        (np.zeros(4, np.uint8), r"\(4,\)"),
        (np.zeros((), np.uint8), r"\(\)"),
        (np.zeros((0, 4), np.uint8), "no pixel"),
        (np.zeros((4, 0, 3), np.uint8), "no pixel"),
        ([[1, 2], [3, 4]], "list"),
        (None, "NoneType"),
        ("photo.jpg", "is a path"),
        (Image.new("CMYK", (4, 4)), "CMYK"),
        (Image.new("HSV", (4, 4)), "PIL mode HSV"),
        (Image.new("I", (4, 4)), "PIL mode I"),
        (Image.new("RGB", (0, 4)), "no pixel"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_other_images_are_refused(image: Any, text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        subpixel.upscale(image, 2, model="bicubic")


@pytest.mark.parametrize(
    "y",
    [
        np.zeros((4, 4, 1), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 4)),
        [[1]],
        Image.new("L", (3, 3)),
    ],
    ids=["three axes", "one axis", "empty", "f64", "list", "PIL"],
)
def test_other_planes_are_refused(model: Callable[..., str], y: Any) -> None:
    with pytest.raises(InvalidArgument):
        Upscaler(2, model=model("luma")).plane(y)


def test_a_network_on_rgb_takes_no_plane(model: Callable[..., str]) -> None:
    with pytest.raises(InvalidArgument, match="RGB"):
        Upscaler(2, model=model("rgb")).plane(np.zeros((4, 4), np.uint8))


@pytest.mark.parametrize("scale", [0, -1, True, False, math.nan, math.inf, 10**6, 1, "2", (2, 2)])
def test_other_scales_are_refused(scale: Any) -> None:
    with pytest.raises(InvalidArgument, match="scale="):
        Upscaler(scale, model="bicubic")


@pytest.mark.parametrize("scale", [0, -1, True, False, math.nan, math.inf, 10**6, 1, "2", (2, 2)])
def test_fewer_scales_are_refused_where_a_resize_follows(scale: Any) -> None:
    # What is kept of earlier calls must not let them in.
    subpixel.upscale(np.zeros((2, 2), np.uint8), 1.5, model="bicubic")
    subpixel.upscale(np.zeros((2, 2), np.uint8), 2, model="bicubic")
    with pytest.raises(InvalidArgument, match="scale="):
        subpixel.upscale(np.zeros((2, 2), np.uint8), scale, model="bicubic")


def test_a_numpy_number_is_a_scale() -> None:
    assert subpixel.upscale(np.zeros((2, 2), np.uint8), np.int64(2), model="bicubic").shape == (4, 4)


@pytest.mark.parametrize("threads", [0, -1, True, 2.0, 2.5, math.nan, 1025, 2**31, "2"])
def test_other_thread_counts_are_refused(threads: Any) -> None:
    subpixel.upscale(np.zeros((2, 2), np.uint8), 2, model="bicubic", threads=1)
    subpixel.upscale(np.zeros((2, 2), np.uint8), 2, model="bicubic", threads=2)
    for use in (
        lambda t: Upscaler(model="bicubic", threads=t),
        lambda t: subpixel.upscale(None, 2, model="bicubic", threads=t),
    ):
        with pytest.raises(InvalidArgument, match="threads="):
            use(threads)


def test_unknown_names_are_refused_with_those_there_are() -> None:
    with pytest.raises(
        InvalidArgument, match=r"^Unknown model 'espcm'\. Did you mean 'espcn'\? See `subpixel models`\.$"
    ):
        Upscaler(model="espcm")
    with pytest.raises(InvalidArgument, match=r"backend 'cuda'.*native.*reference.*torch"):
        Upscaler(model="bicubic", backend="cuda")
    with pytest.raises(InvalidArgument, match=r"precision 'f16'.*f32"):
        Upscaler(model="bicubic", precision="f16")
    with pytest.raises(InvalidArgument, match="scale=5: model 'bicubic' has ×2, ×3, ×4 and ×8; choose one"):
        Upscaler(5, model="bicubic").plane(np.zeros((4, 4), np.uint8))


@pytest.mark.parametrize(("backend", "precision"), [("native", "bf16"), ("reference", "int8"), ("auto", "int8")])
def test_a_precision_that_a_backend_lacks_is_an_error(backend: str, precision: str) -> None:
    with pytest.raises(Unsupported, match=precision):
        Upscaler(model="bicubic", backend=backend, precision=precision)


def test_a_model_file_of_another_scale_takes_no_planes(model: Callable[..., str]) -> None:
    with pytest.raises(InvalidArgument, match=r"scale=2: .*has only ×3; choose it"):
        Upscaler(2, model=model("luma", 3)).plane(np.zeros((4, 4), np.uint8))


def test_a_model_file_that_is_not_there_or_damaged(model: Callable[..., str], tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no such file"):
        Upscaler(model=str(tmp_path / "none.safetensors"))
    content = bytearray(Path(model("luma")).read_bytes())
    content[-20] ^= 1
    (tmp_path / "changed.safetensors").write_bytes(content)
    with pytest.raises(ModelFileError, match="damaged"):
        Upscaler(model=str(tmp_path / "changed.safetensors"))


def test_a_model_file_that_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    image = np.random.default_rng(0).integers(0, 256, (6, 6)).astype(np.uint8)
    results = []
    for seed in (1, 2):
        save(residual(2, "luma", "replicate", seed), path)
        results.append(subpixel.upscale(image, 2, model=str(path)))
    assert (results[0] != results[1]).any()


def test_every_error_is_of_the_family_and_of_a_builtin() -> None:
    for name in subpixel.errors.__all__:
        cls = getattr(subpixel.errors, name)
        if not isinstance(cls, type) or cls is SubpixelError or issubclass(cls, Warning):
            continue
        builtins = [
            b for b in cls.__mro__ if b.__module__ == "builtins" and b not in (Exception, BaseException, object)
        ]
        assert issubclass(cls, SubpixelError)
        assert builtins
