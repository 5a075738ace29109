"""The functions of the package in forks, spawned processes and threads."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import subpixel
from helpers import random_image, save_image
from subpixel.errors import Unsupported
from video.clips import make_clip

PIXELS = random_image((60, 80, 3), np.uint8)
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def large(_: object = None) -> bytes:
    return subpixel.upscale(PIXELS, 2, threads=2).tobytes()


def large_file(paths: tuple[str, str]) -> None:
    subpixel.image.upscale_file(*paths, 2, model="bicubic")


def forked(action: Callable[[], object]) -> str:
    """What an action does in a fork of this process: ``done``, or the error's text."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # a fork that waits for ever ends here
        try:
            action()
            text = "done"
        except BaseException as error:  # noqa: BLE001  the child must not return into pytest
            text = f"{type(error).__name__}: {error}"
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(child, 0)
    return text or "it never ended"


@forks
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_arrays_in_a_fork() -> None:
    """The engine's threads are missing there, and are made anew."""
    wanted = large()

    def check() -> None:
        assert large() == wanted

    assert forked(check) == "done"


@forks
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_files_in_a_fork_are_one_sentence_and_no_endless_wait(tmp_path: Path) -> None:
    source = save_image(tmp_path / "a.png", PIXELS)
    large_file((str(source), str(tmp_path / "first.png")))
    advice = "start processes by multiprocessing.get_context('spawn')"
    for action in (
        lambda: large_file((str(source), str(tmp_path / "second.png"))),
        lambda: subpixel.image.write(subpixel.image.ImageData(PIXELS), tmp_path / "second.png"),
        lambda: subpixel.image.read(source),
    ):
        text = forked(action)
        assert text.startswith(f"{Unsupported.__name__}: this process was forked after its parent had used libvips")
        assert advice in text
    assert not (tmp_path / "second.png").exists()


@forks
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_video_in_a_fork(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", times=range(4))

    def upscale(name: str) -> None:
        subpixel.video.upscale_file(clip, tmp_path / name, 2, encoder="ffv1")

    upscale("first.mkv")
    assert forked(lambda: upscale("second.mkv")) == "done"
    assert (tmp_path / "second.mkv").stat().st_size == (tmp_path / "first.mkv").stat().st_size


def test_spawned_processes_make_the_same_files(tmp_path: Path) -> None:
    """As the advice says, also after libvips was used here."""
    source = save_image(tmp_path / "a.png", PIXELS)
    large_file((str(source), str(tmp_path / "here.png")))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert set(pool.map(large, range(2))) == {large()}
        list(pool.map(large_file, [(str(source), str(tmp_path / f"{n}.png")) for n in range(2)]))
    contents = {(tmp_path / f"{name}.png").read_bytes() for name in ("here", "0", "1")}
    assert len(contents) == 1


def test_threads_make_the_same_bytes(tmp_path: Path) -> None:
    source = save_image(tmp_path / "a.png", PIXELS)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(large, range(16))) == {large()}
        list(pool.map(large_file, [(str(source), str(tmp_path / f"{n}.png")) for n in range(16)]))
    assert len({(tmp_path / f"{n}.png").read_bytes() for n in range(16)}) == 1
