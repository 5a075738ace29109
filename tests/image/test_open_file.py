"""Files opened once: independent readers, the state of the file, descriptors."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from subpixel.image.files.open_file import OpenFile
from subpixel.image.files.reading import open_header, open_image, read

Make = Callable[..., NDArray[Any]]
Saved = Callable[..., Path]


def times_open(path: Path) -> int:
    """How many descriptors of this process belong to a file; others come and go as objects are collected."""
    links = [Path("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    return sum(os.path.lexists(link) and os.readlink(link) == str(path) for link in links)


def test_python_and_libvips_do_not_disturb_each_other(pixels: Make, saved: Saved) -> None:
    path = saved("a.png", pixels(200, 300))
    content = path.read_bytes()
    with OpenFile(path) as file, file.reader() as first, file.reader() as second:
        image = file.vips_image(access="sequential")
        region = pyvips.Region.new(image)
        rows = [np.frombuffer(region.fetch(0, 0, 300, 100), np.uint8)]
        assert first.read(100) == content[:100]
        assert second.read() == content
        assert first.read() == content[100:]
        assert file.digest == hashlib.sha256(content).hexdigest()
        rows.append(np.frombuffer(region.fetch(0, 100, 300, 100), np.uint8))
    np.testing.assert_array_equal(np.concatenate(rows).reshape(200, 300, 3), pixels(200, 300))


def test_a_reader_seeks_as_files_do(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(range(10)))
    with OpenFile(tmp_path / "a") as file, file.reader() as reader:
        assert (reader.seek(-3, os.SEEK_END), reader.read(2), reader.tell()) == (7, b"\7\x08", 9)
        assert (reader.seek(-4, os.SEEK_CUR), reader.read(1)) == (5, b"\5")
        assert (reader.seek(100), reader.read(1)) == (100, b"")


@pytest.mark.parametrize("number", [1 << 31, 1 << 40, (1 << 63) - 1, 1 << 63, 1 << 64, 1 << 100])
def test_a_length_or_an_offset_of_a_file_may_be_any_number(tmp_path: Path, number: int) -> None:
    (tmp_path / "a").write_bytes(bytes(range(10)))
    with OpenFile(tmp_path / "a") as file, file.reader() as reader:
        assert reader.read(number) == bytes(range(10))
        for whence in (os.SEEK_SET, os.SEEK_CUR, os.SEEK_CUR, os.SEEK_END):
            reader.seek(number, whence)
            assert (reader.read(), reader.read(number), reader.read(1)) == (b"", b"", b"")
        assert (reader.seek(-number, os.SEEK_END), reader.read(1)) == (0, b"\0")
        assert (reader.seek(-number, os.SEEK_CUR), reader.read(1)) == (0, b"\0")


def test_a_replaced_file_keeps_its_content_and_is_no_longer_current(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "b").write_bytes(b"new")
    with OpenFile(tmp_path / "a") as file:
        assert file.is_current
        os.replace(tmp_path / "b", tmp_path / "a")
        assert not file.is_current
        with file.reader() as reader:
            assert reader.read() == b"old"
    (tmp_path / "a").unlink()
    assert not file.is_current


@pytest.mark.parametrize("change", ["longer", "touched", "closed"])
def test_a_changed_or_closed_file_is_not_current(tmp_path: Path, change: str) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with OpenFile(tmp_path / "a") as file:
        if change == "longer":
            with open(tmp_path / "a", "ab") as more:
                more.write(b"er")
        elif change == "touched":
            os.utime(tmp_path / "a", ns=(1, 1))
        else:
            file.close()
        assert not file.is_current


def test_a_changed_file_is_opened_again(pixels: Make, saved: Saved) -> None:
    header = open_header(saved("a.png", pixels(4, 5)))
    saved("a.png", pixels(6, 7))
    with open_image(header.file.path, header=header) as file:
        assert file.shape == (6, 7, 3)
        assert file.file is not header.file
    with pytest.raises(OSError, match="file descriptor"), header.file.reader() as reader:
        reader.read()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists descriptors")
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "gif", "avif"])
def test_an_image_in_memory_keeps_no_file_open(pixels: Make, saved: Saved, suffix: str) -> None:
    path = saved(f"a.{suffix}", pixels())
    with OpenFile(path):
        assert times_open(path) == 1
    images = [read(path) for _ in range(5)]
    assert times_open(path) == 0
    assert len({image.pixels.tobytes() for image in images}) == 1


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists descriptors")
@pytest.mark.parametrize("content", [b"", b"not an image", b"\xff\xd8\xff\xe0 cut"])
def test_a_failure_keeps_no_file_open(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    for _ in range(3):
        with pytest.raises(OSError, match=r"a\.jpg"):
            read(tmp_path / "a.jpg")
    assert times_open(tmp_path / "a.jpg") == 0


def test_the_file_closes_when_nobody_holds_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    file = OpenFile(tmp_path / "a")
    descriptor = file._descriptor
    os.fstat(descriptor)
    del file
    with pytest.raises(OSError, match="file descriptor"):
        os.fstat(descriptor)
