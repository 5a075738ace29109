"""Writing image files: losses are refused, and a failure changes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from subpixel.errors import ImageWriteError, InvalidArgument, SubpixelError
from subpixel.image import ImageData, read, write

Make = Callable[..., NDArray[Any]]
Saved = Callable[..., Path]
Look = Callable[[], dict[str, Any]]


@pytest.mark.parametrize(
    "name", ["ä ö ü.png", "图片.png", "a b  c.png", "x[1].png", "per%cent.png", "-dash.png", "🙂.png"]
)
def test_any_name_is_accepted(saved: Saved, pixels: Make, tmp_path: Path, name: str) -> None:
    saved("plain.png").rename(tmp_path / name)
    image = read(tmp_path / name)
    folder = tmp_path / f"folder {name[:-4]}"
    folder.mkdir()
    write(image, folder / name)
    np.testing.assert_array_equal(read(folder / name).pixels, pixels())
    assert [p.name for p in folder.iterdir()] == [name]


@pytest.mark.parametrize("suffix", ["", ".", ".heic", ".bmp", ".txt", ".png.bak", ".JPEG2000"])
def test_an_unknown_suffix_is_refused_with_the_known_ones(
    pixels: Make, look: Look, tmp_path: Path, suffix: str
) -> None:
    with pytest.raises(InvalidArgument, match=r"\.jpg.*\.png.*\.tif.*\.webp"):
        write(ImageData(pixels()), tmp_path / f"a{suffix}")
    assert look() == {}


@pytest.mark.parametrize("suffix", [".PNG", ".Jpg", ".TIFF"])
def test_suffixes_in_capitals_are_known(pixels: Make, tmp_path: Path, suffix: str) -> None:
    write(ImageData(pixels()), tmp_path / f"a{suffix}")
    assert read(tmp_path / f"a{suffix}").pixels.shape == (24, 36, 3)


@pytest.mark.parametrize(
    ("suffix", "channels", "dtype", "text"),
    [
        (".jpg", 4, np.uint8, "transparency"),
        (".jpeg", 2, np.uint8, "transparency"),
        (".jpg", 3, np.uint16, "uint16"),
        (".webp", 3, np.uint16, "uint16"),
        (".jpg", 3, np.float32, "float32"),
        (".png", 3, np.float32, "float32"),
    ],
)
def test_a_format_that_would_lose_something_is_refused(
    pixels: Make, look: Look, tmp_path: Path, suffix: str, channels: int, dtype: Any, text: str
) -> None:
    with pytest.raises(InvalidArgument, match=text):
        write(ImageData(pixels(channels=channels, dtype=dtype)), tmp_path / f"a{suffix}")
    assert look() == {}


@pytest.mark.parametrize("kind", ["file", "link", "dangling link", "folder"])
def test_an_existing_file_is_untouched(pixels: Make, look: Look, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.png"
    if kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.write_bytes(b"precious")
    else:
        if kind == "link":
            (tmp_path / "target").write_bytes(b"precious")
        path.symlink_to("target")
    before = look()
    with pytest.raises(ImageWriteError, match="folder" if kind == "folder" else "exists"):
        write(ImageData(pixels()), path)
    assert look() == before
    if kind == "folder":
        with pytest.raises(ImageWriteError, match="folder"):
            write(ImageData(pixels()), path, overwrite=True)
        assert look() == before


def test_overwriting_replaces_a_link_and_not_its_target(pixels: Make, tmp_path: Path) -> None:
    path, target = tmp_path / "a.png", tmp_path / "target.png"
    path.write_bytes(b"old")
    write(ImageData(pixels()), path, overwrite=True)
    np.testing.assert_array_equal(read(path).pixels, pixels())
    target.write_bytes(b"precious")
    path.unlink()
    path.symlink_to(target)
    write(ImageData(pixels()), path, overwrite=True)
    np.testing.assert_array_equal(read(path).pixels, pixels())
    assert target.read_bytes() == b"precious"


def test_a_folder_that_does_not_exist(pixels: Make, look: Look, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    before = look()
    for path, reason in (
        (tmp_path / "none" / "a.png", "does not exist"),
        (tmp_path / "file" / "a.png", "is not a folder"),
    ):
        with pytest.raises(ImageWriteError, match=reason):
            write(ImageData(pixels()), path)
    assert look() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written(pixels: Make, tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(ImageWriteError, match="cannot be written"):
            write(ImageData(pixels()), tmp_path / "a.png")
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize(
    "failure",
    [
        pyvips.Error("unable to write", "disk full"),
        OSError(28, "No space left on device"),
        KeyboardInterrupt(),
        MemoryError(),
    ],
    ids=lambda failure: type(failure).__name__,
)
@pytest.mark.parametrize("exists", [False, True])
def test_a_failure_midway_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, pixels: Make, look: Look, tmp_path: Path, failure: BaseException, exists: bool
) -> None:
    if exists:
        (tmp_path / "a.png").write_bytes(b"the old image")
    before = look()

    def half(image: pyvips.Image, *_: Any, **options: Any) -> None:
        (scratch,) = tmp_path.glob(".*.png")
        scratch.write_bytes(b"half of")
        raise failure

    monkeypatch.setattr(pyvips.Image, "write_to_target", half)
    expected = ImageWriteError if isinstance(failure, (pyvips.Error, OSError)) else type(failure)
    with pytest.raises(expected):
        write(ImageData(pixels()), tmp_path / "a.png", overwrite=exists)
    assert look() == before


def test_a_failure_of_the_last_step_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, pixels: Make, look: Look, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(b"the old image")
    before = look()

    def refuse(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ImageWriteError, match="operation not permitted"):
        write(ImageData(pixels()), tmp_path / "a.png", overwrite=True)
    assert look() == before


def test_a_file_that_appears_meanwhile_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch, pixels: Make, look: Look, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    real = pyvips.Image.write_to_target

    def slow(image: pyvips.Image, *rest: Any, **options: Any) -> None:
        real(image, *rest, **options)
        path.write_bytes(b"somebody else's")

    monkeypatch.setattr(pyvips.Image, "write_to_target", slow)
    with pytest.raises(ImageWriteError, match="exists"):
        write(ImageData(pixels()), path)
    assert look() == {"a.png": b"somebody else's"}


def test_a_file_system_without_hard_links(
    monkeypatch: pytest.MonkeyPatch, pixels: Make, look: Look, tmp_path: Path
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    write(ImageData(pixels()), tmp_path / "a.png")
    assert list(look()) == ["a.png"]
    with pytest.raises(SubpixelError, match="exists"):
        write(ImageData(pixels()), tmp_path / "a.png")
