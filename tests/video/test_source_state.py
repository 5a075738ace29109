"""A video that changes while it is upscaled gives no result."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from subpixel.errors import VideoReadError
from subpixel.upscaler import Upscaler
from subpixel.video import Job, PipeOutput, Settings
from subpixel.video.source_state import unchanged_file
from video.clips import make_clip


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("clips")
    return {name: make_clip(folder / f"{name}.mp4", times=range(n)).read_bytes() for name, n in (("a", 8), ("b", 30))}


def copied_over(path: Path, other: bytes) -> None:
    path.write_bytes(other)


def truncated(path: Path, other: bytes) -> None:
    os.truncate(path, path.stat().st_size // 2)


def replaced(path: Path, other: bytes) -> None:
    path.with_name("other").write_bytes(other)
    os.replace(path.with_name("other"), path)


def of_equal_size_and_time(path: Path, other: bytes) -> None:
    status = path.stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", [copied_over, truncated, replaced, of_equal_size_and_time])
def test_a_video_that_changes_gives_no_result(
    tmp_path: Path, clips: dict[str, bytes], change: Callable[[Path, bytes], None]
) -> None:
    path, result = tmp_path / "a.mp4", tmp_path / "out.mkv"
    path.write_bytes(clips["a"])
    result.write_bytes(b"the result of yesterday")
    changed = False

    def progress(done: int, total: int | None) -> None:
        nonlocal changed
        if not changed:
            changed = True
            change(path, clips["b"])

    job = Job(path, Upscaler(2, model="bicubic"), result, Settings("ffv1"), overwrite=True)
    with pytest.raises(VideoReadError, match=r"a\.mp4: the file changed while it was read"):
        job.run(progress)
    assert result.read_bytes() == b"the result of yesterday"
    path.write_bytes(clips["a"])
    assert (job.run().frames, job.run().resumed) == (8, 0)  # nothing of the other video is used


def test_frames_in_a_pipe_end_with_an_error(tmp_path: Path, clips: dict[str, bytes]) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(clips["a"])

    class Pipe(io.BytesIO):
        def write(self, data: object) -> int:
            os.utime(path, ns=(1, 1))
            return super().write(data)  # type: ignore[arg-type]

    with pytest.raises(VideoReadError, match="the file changed while it was read"):
        PipeOutput(path, Upscaler(2, model="bicubic")).run(Pipe())


def test_a_missing_or_removed_file_has_its_own_error(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with pytest.raises(VideoReadError, match="the reason"), unchanged_file(path):
        raise VideoReadError("the reason")
    path.touch()
    with unchanged_file(path) as check:
        path.unlink()
        check()
