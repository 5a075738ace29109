"""Many kinds of files: those that can be read are upscaled from the pixels of another reader; others are one line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

import subpixel
from malformed.images import NOT_IMAGES, png_header, truncated
from subpixel import Upscaler
from subpixel.errors import ImageReadError, SubpixelError
from subpixel.image import Job

Make = Callable[..., NDArray[Any]]
Look = Callable[[], dict[str, Any]]

# The values 1 … 8 in EXIF 2.32.
UPRIGHT: list[Callable[[NDArray[Any]], NDArray[Any]]] = [
    lambda x: x,
    lambda x: x[:, ::-1],
    lambda x: x[::-1, ::-1],
    lambda x: x[::-1],
    lambda x: x.swapaxes(0, 1),
    lambda x: np.rot90(x, -1),
    lambda x: x[::-1, ::-1].swapaxes(0, 1),
    lambda x: np.rot90(x),
]

KINDS = [
    *(("jpg", channels, np.uint8) for channels in (1, 3)),
    *(("png", channels, dtype) for channels in (1, 2, 3, 4) for dtype in (np.uint8, np.uint16)),
    *(("tif", channels, dtype) for channels in (1, 2, 3, 4) for dtype in (np.uint8, np.uint16, np.float32)),
    *(("webp", channels, np.uint8) for channels in (3, 4)),
    *(("avif", channels, np.uint8) for channels in (3, 4)),
]


def save(path: Path, values: NDArray[Any], orientation: int, profile: bytes | None) -> None:
    options: dict[str, Any]
    if path.suffix == ".avif":  # rotated by its own boxes, which libvips does not write
        exif = Image.Exif()
        exif[0x0112] = orientation
        options = {"quality": 95, "subsampling": "4:4:4", "exif": exif, "icc_profile": profile or b""}
        Image.fromarray(values).save(path, **options)
        return
    gray, wide = values.shape[2] < 3, values.dtype == np.uint16
    space = ("grey16" if wide else "b-w") if gray else ("rgb16" if wide else "srgb")
    image = pyvips.Image.new_from_array(values).copy(interpretation=space)
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    if profile is not None:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    options = {".webp": {"lossless": True}, ".jpg": {"Q": 98}}.get(path.suffix, {})
    image.write_to_file(str(path), **options)


def decoded(path: Path, values: NDArray[Any]) -> NDArray[Any]:
    """The pixels by Pillow or tifffile, not rotated; the written ones if neither reads them (16-bit colour in PNG)."""
    if path.suffix == ".tif":
        shown: NDArray[Any] = pytest.importorskip("tifffile").imread(path)
    elif values.dtype == np.uint8:
        with Image.open(path) as image:
            shown = np.asarray(image)
    else:
        shown = values
    return shown.reshape(values.shape)


@pytest.mark.parametrize("with_profile", [False, True], ids=["plain", "profile"])
@pytest.mark.parametrize(("suffix", "channels", "dtype"), KINDS, ids=str)
def test_format_depth_alpha_orientation_and_profile(
    upscaler: Upscaler,
    pixels: Make,
    look: Look,
    tmp_path: Path,
    wide: bytes,
    suffix: str,
    channels: int,
    dtype: Any,
    with_profile: bool,
) -> None:
    values = pixels(10, 15, channels, dtype)
    profile = wide if with_profile and channels >= 3 else None
    for orientation in range(1, 9):
        source = tmp_path / f"a{orientation}.{suffix}"
        save(source, values, orientation, profile)
        before = look()
        result = Job(source, upscaler).run()
        after = look()
        assert set(after) - set(before) == {result.destination.name}
        assert after[source.name] == before[source.name]
        assert result.notes == ()
        expected = subpixel.upscale(UPRIGHT[orientation - 1](decoded(source, values)).copy(), 2, model="bicubic")
        assert result.destination.suffix == (".tif" if dtype == np.float32 else ".png")
        output = pyvips.Image.new_from_file(str(result.destination))
        shown = output.numpy().reshape(expected.shape)
        assert shown.dtype == dtype
        near = {"jpg": 3, "avif": 2}.get(suffix, 1e-6 if dtype == np.float32 else 0)  # decoders may round differently
        assert np.abs(shown.astype(float) - expected).max() <= near
        kept = bytes(output.get("icc-profile-data")) if output.get_typeof("icc-profile-data") else None
        assert kept == profile


@pytest.mark.parametrize("shape", [(1, 1), (1, 20000), (20000, 1), (2, 1), (3, 5)])
@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "gif"])
def test_odd_shapes(upscaler: Upscaler, pixels: Make, tmp_path: Path, suffix: str, shape: tuple[int, int]) -> None:
    values = pixels(*shape, channels=1)[..., 0]
    Image.fromarray(values).save(tmp_path / f"a.{suffix}")
    output = Job(tmp_path / f"a.{suffix}", upscaler).run().destination
    with Image.open(tmp_path / f"a.{suffix}") as image, Image.open(output) as result:
        expected = subpixel.upscale(np.asarray(image.convert("L")), 2, model="bicubic").astype(int)
        assert np.abs(np.asarray(result) - expected).max() <= (3 if suffix == "jpg" else 0)


def hostile(folder: Path) -> dict[str, str]:
    """Files that cannot be read, and parts of their errors."""
    found = {}
    for file, content in NOT_IMAGES.values():
        (folder / file).write_bytes(content)
        found[file] = ""
    (folder / "vast.webp").write_bytes(png_header(50000, 50000))
    Image.new("RGB", (40, 40), (9, 200, 70)).save(folder / "whole.png")
    (folder / "cut.png").write_bytes(list(truncated((folder / "whole.png").read_bytes()))[20])
    (folder / "folder.png").mkdir()
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "nothing.png").symlink_to("not there.png")
    (folder / "ключ 图片.png").write_bytes(b"no image")
    found |= {"vast.webp": "megapixels", "cut.png": "truncated", "folder.png": "this is a folder", "empty.png": "empty"}
    found |= {"loop.png": "too many levels", "nothing.png": "no such file", "ключ 图片.png": "no known image format"}
    if os.geteuid() != 0:  # root reads everything
        (folder / "locked.png").write_bytes((folder / "whole.png").read_bytes())
        (folder / "locked.png").chmod(0)
        found["locked.png"] = "permission"
    return found


def test_a_file_that_cannot_be_read_is_one_line_and_leaves_nothing(upscaler: Upscaler, tmp_path: Path) -> None:
    expected = hostile(tmp_path)
    names = sorted(os.listdir(tmp_path))
    for name, words in expected.items():
        with pytest.raises(ImageReadError) as caught:
            Job(tmp_path / name, upscaler).run()
        assert isinstance(caught.value, SubpixelError)
        text = str(caught.value)
        assert text.startswith(str(tmp_path / name))
        assert "\n" not in text
        assert words in text
        assert sorted(os.listdir(tmp_path)) == names


def test_names_of_any_script(upscaler: Upscaler, pixels: Make, tmp_path: Path) -> None:
    for name in ("ключ.png", "图片.tif", "a\u0301.webp", "🙂.gif", "café.avif"):
        Image.fromarray(pixels()).save(tmp_path / name)
        result = Job(tmp_path / name, upscaler, format="png").run().destination
        assert result.name == f"{Path(name).stem}_x2.png"
        with Image.open(result) as image:
            assert image.size == (72, 48)
