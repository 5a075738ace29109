"""Plans of batches: destinations, open files, tasks that are sent to processes."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import random_image
from subpixel.errors import InvalidArgument
from subpixel.image.batch.inputs import find_images
from subpixel.image.batch.output_paths import OutputPaths
from subpixel.image.batch.plan import _OPEN_FILES, BatchPlan, plan_batch
from subpixel.upscaler import Target

Saved = Callable[..., Path]


def plan(folder: Path, output: str | None = None, suffix: str | None = None) -> BatchPlan:
    inputs = [str(folder)]
    paths = OutputPaths(inputs, output, Target(2), suffix)
    return plan_batch(find_images(inputs, paths.folder), paths)


def test_destinations_follow_the_pixels(saved: Saved, tmp_path: Path) -> None:
    saved("a.jpg")
    saved("b.tif", np.zeros((3, 4, 3), np.float32))
    frames = [Image.fromarray(random_image((4, 4, 3), np.uint8, seed)) for seed in range(2)]
    frames[0].save(tmp_path / "c.webp", save_all=True, append_images=frames[1:])
    (tmp_path / "d.png").write_bytes(b"broken")
    tasks = plan(tmp_path).tasks
    assert [task.destination.name for task in tasks] == ["a_x2.png", "b_x2.tif", "c_x2.webp", "d_x2.png"]
    assert [task.pixels for task in tasks] == [24 * 36, 12, 16, 0]
    assert {task.destination.suffix for task in plan(tmp_path, suffix=".avif").tasks} == {".avif"}


@pytest.mark.parametrize("count", [_OPEN_FILES, _OPEN_FILES + 1])
def test_few_images_stay_open_and_many_do_not(saved: Saved, tmp_path: Path, count: int) -> None:
    for number in range(count):
        saved(f"{number:02}.png", np.zeros((2, 3, 1), np.uint8))
    tasks = plan(tmp_path).tasks
    assert [task.pixels for task in tasks] == [6] * count
    for task in tasks:
        if count > _OPEN_FILES:
            assert task.header is None
        else:
            assert task.header is not None
            assert task.header.file.is_current


def test_a_task_is_sent_without_its_open_file(saved: Saved, tmp_path: Path) -> None:
    saved("a.png")
    (task,) = plan(tmp_path).tasks
    copy = pickle.loads(pickle.dumps(task))
    assert task.header is not None
    assert copy.header is None
    assert copy == task
    assert hash(copy) == hash(task)


@pytest.mark.parametrize("output", ["out.png", "there"])
def test_several_images_need_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").touch()
    with pytest.raises(InvalidArgument, match="for several images the output must be a folder"):
        OutputPaths(["a.png", "b.png"], output, Target(2))
