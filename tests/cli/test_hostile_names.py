"""Every file name works, as input and as output, for images and videos, from Python and from the command line."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import save_image
from hostile_names import STEMS
from subpixel.image import read, upscale_file
from subpixel.models import find, save
from subpixel.upscaler import Upscaler
from subpixel.video import Job, Settings, probe
from video.clips import make_clip

Run = Callable[..., Any]
FAST = ("--model", "bicubic")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, so that names stand alone."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("image") / "a.png"
    return save_image(path, np.arange(8 * 12 * 3, dtype=np.uint8).reshape(8, 12, 3)).read_bytes()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_clip(tmp_path_factory.mktemp("clip") / "a.mp4", times=range(3)).read_bytes()


@pytest.mark.parametrize("stem", STEMS)
def test_an_image_of_any_name(here: Path, run: Run, image: bytes, stem: str) -> None:
    source, copy, folder = Path(f"{stem}.png"), Path(f"{stem}.jpg"), Path(f"out{stem}")
    source.write_bytes(image)
    done = run("upscale", *FAST, "-o", copy, "--", source)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("\n") == 1
    assert read(copy).pixels.shape == (16, 24, 3)
    assert run("upscale", *FAST, "-o", f"{folder}/", "--compare", "sheet.png", "--", source).code == 0
    assert [path.name for path in folder.iterdir()] == [f"{stem}_x2.png"]
    result = upscale_file(source, model="bicubic")
    assert result.destination == Path(f"{stem}_x2.png")
    assert result.destination.read_bytes() == next(folder.iterdir()).read_bytes()


def test_a_folder_of_all_names(here: Path, run: Run, image: bytes) -> None:
    for stem in STEMS:
        Path("in").mkdir(exist_ok=True)
        Path("in", f"{stem}.png").write_bytes(image)
    done = run("upscale", *FAST, "--json", "in", "-o", "out[1]", "--processes", "1")
    reports = [json.loads(line) for line in done.out.splitlines()]
    assert (done.code, {report["status"] for report in reports}) == (0, {"done"})
    assert {report["source"] for report in reports} == {os.path.join("in", f"{stem}.png") for stem in STEMS}
    assert {path.name for path in Path("out[1]").iterdir()} == {f"{stem}_x2.png" for stem in STEMS}
    assert run("upscale", *FAST, "in", "-o", "out[1]").out.count("done before") == len(STEMS)


@pytest.mark.parametrize("name", ["a.png ", "a.png[Q=5]", "a.png\n", "a"])
def test_the_content_of_an_input_decides(here: Path, run: Run, image: bytes, name: str) -> None:
    Path(name).write_bytes(image)
    assert run("upscale", *FAST, name, "-o", "b.png").code == 0
    assert read(name).pixels.shape == (8, 12, 3)


def test_a_file_goes_before_the_pattern_that_its_name_is(here: Path, run: Run, image: bytes) -> None:
    Path("a[1].png").write_bytes(image)
    Path("a1.png").write_bytes(b"not an image")
    assert run("upscale", *FAST, "a[1].png", "-o", "b.png").code == 0
    Path("a[1].png").unlink()
    assert "a1.png: not an image" in run("upscale", *FAST, "a[1].png", "-o", "c/").err


@pytest.mark.parametrize("stem", STEMS)
def test_a_video_of_any_name(here: Path, run: Run, clip: bytes, stem: str) -> None:
    source, copy = Path(f"{stem}.mp4"), Path(f"{stem}.mkv")
    source.write_bytes(clip)
    done = run("video", *FAST, "--encoder", "ffv1", "-o", copy, "--", source)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("\n") == 1
    assert probe(copy).stream.size == (96, 64)
    if stem in STEMS[::4]:  # the same from Python, and the default name
        result = Job(source, Upscaler(2, model="bicubic"), settings=Settings("x264")).run()
        assert result.destination == Path(f"{stem}_x2.mp4")
    assert not [path for path in here.iterdir() if path.name.startswith(".") and "subpixel" in path.name]


@pytest.mark.parametrize("stem", STEMS[::3])
def test_a_model_of_any_name(here: Path, run: Run, image: bytes, stem: str) -> None:
    save(find("fast", 2), f"{stem}.safetensors")
    Path("a.png").write_bytes(image)
    assert run("upscale", f"--model={stem}.safetensors", "a.png").code == 0


@pytest.mark.parametrize("command", ["upscale", "video"])
def test_an_address_is_never_opened(here: Path, run: Run, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        for address in (f"http://127.0.0.1:{port}/a.mp4", f"tcp://127.0.0.1:{port}", "concat:a.mp4|b.mp4", "data:,a"):
            done = run(command, address)
            assert done.code == 1
            assert "no such file" in done.err
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps names in Unicode")
@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "ascii:strict"},
        {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "latin-1:strict"},
    ],
)
def test_a_locale_that_cannot_encode_a_name_does_not_matter(
    here: Path, image: bytes, clip: bytes, variables: dict[str, str]
) -> None:
    """One process for all, since each takes long to start."""
    Path("ordner_ü").mkdir()
    for name in ("ü×图.png", os.fsdecode(b"\xff.png")):
        Path("ordner_ü", name).write_bytes(image)
        Path(name).with_suffix(".mp4").write_bytes(clip)
    script = f"""
import sys
from subpixel.cli import main
codes = [main(["upscale", {list(FAST)!r}[0], "bicubic", "--json", sys.argv[1], "-o", sys.argv[2]])]
codes += [main(["video", "--model=bicubic", name]) for name in sys.argv[3:]]
codes += [main(["upscale", sys.argv[2] + "none.png"]), main(["--help"])]
sys.exit(codes != [0, 0, 0, 1, 0])
"""
    videos = ("ü×图.mp4", os.fsdecode(b"\xff.mp4"))
    done = subprocess.run(
        [sys.executable, "-c", script, "ordner_ü", "neu_é", *videos],
        env={**os.environ, **variables},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr.decode("latin-1")
    reports = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
    assert [report["status"] for report in reports] == ["done", "done"]
    assert {path.name for path in Path("neu_é").iterdir()} == {"ü×图_x2.png", os.fsdecode(b"\xff_x2.png")}
    assert probe("ü×图_x2.mp4").stream.size == (96, 64)
