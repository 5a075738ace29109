"""The system's errors as errors of this package."""

import os
from pathlib import Path

import pytest

from subpixel.errors import ImageWriteError, VideoWriteError
from subpixel.storage.os_errors import free_space, os_error_text, write_errors_as


@pytest.mark.parametrize("kind", [ImageWriteError, VideoWriteError])
def test_an_error_of_the_system_becomes_one_of_ours(
    tmp_path: Path, kind: type[ImageWriteError | VideoWriteError]
) -> None:
    path = tmp_path / "no folder" / "out"
    with pytest.raises(kind) as caught, write_errors_as(kind, path):
        path.write_bytes(b"")
    assert type(caught.value) is kind
    assert str(caught.value) == f"{path}: cannot be written: no such file or directory"
    assert caught.value.__cause__ is None


def test_an_error_of_the_same_kind_passes_unchanged() -> None:
    error = VideoWriteError("encoder: no memory")
    with pytest.raises(VideoWriteError) as caught, write_errors_as(VideoWriteError, Path("out")):
        raise error
    assert caught.value is error


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), write_errors_as(VideoWriteError, Path("out")):
        raise ZeroDivisionError


def test_the_text_of_an_error_without_a_number() -> None:
    assert os_error_text(OSError("Bad thing")) == "bad thing"


def test_free_space_of_a_folder_and_of_an_open_file(tmp_path: Path) -> None:
    with open(tmp_path / "file", "wb") as file:
        sizes = [free_space(tmp_path), free_space(file.fileno())]
    assert all(size is not None and size > 0 for size in sizes)
    assert free_space(tmp_path / "no folder") is None


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="there is no /proc")
def test_a_file_system_without_blocks_does_not_say_how_much_is_free() -> None:
    assert free_space(Path("/proc")) is None
