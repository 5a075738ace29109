"""Images on workers: the bytes of one machine, each result once, whatever becomes of the workers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.conftest import Done
from cluster.conftest import Pools
from helpers import save_image
from subpixel import Upscaler
from subpixel.cluster import image_batch, rules
from subpixel.cluster.image_batch import pieces_of
from subpixel.cluster.worker import Worker
from subpixel.image.batch.plan import Task
from subpixel.models.zoo import ZOO, Entry
from subpixel.storage.locks import claim

Run = Callable[..., Done]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with images of several formats, one in a folder of its own, and one that is none."""
    folder, rng = tmp_path / "photos", np.random.default_rng(1)
    (folder / "more").mkdir(parents=True)
    for number, name in enumerate(("a.png", "b.jpg", "c.tif", "more/d.png", "e.webp", "f.png")):
        save_image(folder / name, rng.integers(0, 255, (12 + number, 20, 3), np.uint8))
    (folder / "g.png").write_text("no image")
    return folder


def results(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("ship", [(), ("--ship",)])
@pytest.mark.parametrize("model", ["auto", "bicubic"])
def test_results_notes_and_exit_code_are_those_of_one_machine(
    run: Run, photos: Path, tmp_path: Path, pools: Pools, ship: tuple[str, ...], model: str
) -> None:
    one = run("upscale", photos, "-o", tmp_path / "one/", "-n", model)
    done = run("cluster", "images", photos, "-o", tmp_path / "many", "-n", model, "--workers", 2, *ship)
    assert (one.code, done.code) == (3, 3)
    assert results(tmp_path / "many") == results(tmp_path / "one")
    assert len(results(tmp_path / "one")) == 6
    assert not [name for name in os.listdir(tmp_path / "many") if name.startswith(".")]
    assert done.out.splitlines()[-1].startswith("6 done, 0 skipped, 1 failed of 7")
    assert sorted(done.err.splitlines()) == sorted(one.err.splitlines())
    again = run("cluster", "images", photos, "-o", tmp_path / "many", "-n", model, *ship)
    assert again.out.splitlines()[-1].startswith("0 done, 6 skipped, 1 failed of 7")


@pytest.mark.parametrize("ship", [(), ("--ship",)])
@pytest.mark.parametrize("how", ["before", "after"])
def test_lost_workers_cost_time_and_nothing_else(
    run: Run, photos: Path, tmp_path: Path, pools: Pools, how: str, ship: tuple[str, ...]
) -> None:
    pools.options["lost"] = lambda number: how if number in (0, 2, 3) else ""
    (photos / "g.png").unlink()
    done = run("cluster", "images", photos, "-o", tmp_path / "many", "-n", "bicubic", *ship)
    run("upscale", photos, "-o", tmp_path / "one/", "-n", "bicubic")
    assert done.code == 0
    assert results(tmp_path / "many") == results(tmp_path / "one")


def test_an_image_that_ends_every_worker_fails_alone(run: Run, photos: Path, tmp_path: Path, pools: Pools) -> None:
    pools.options["lost"] = lambda number: "before" if number < 3 else ""
    (photos / "g.png").unlink()
    done = run("cluster", "images", photos, "-o", tmp_path / "many", "-n", "bicubic", "--workers", 1)
    assert done.code == 3
    assert "given up, since 3 workers ended while they worked on it" in done.err
    assert len(results(tmp_path / "many")) == 5


def test_a_piece_of_many_images_that_ends_every_worker_is_taken_apart(
    run: Run, photos: Path, tmp_path: Path, pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_batch, "_PIECES", 1)  # all images are one piece, and then six
    pools.options["lost"] = lambda number: "before" if number < 6 else ""
    (photos / "g.png").unlink()
    done = run("cluster", "images", photos, "-o", tmp_path / "many", "-n", "bicubic", "--workers", 1)
    assert done.code == 3
    assert done.err.count("given up") == 1
    assert len(results(tmp_path / "many")) == 5


def test_a_result_of_another_run_is_waited_for(
    run: Run, photos: Path, tmp_path: Path, pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "many").mkdir()
    other = claim(tmp_path / "many" / "a_x2.png")
    assert other.__enter__()
    monkeypatch.setattr("subpixel.image.batch.run.time.sleep", lambda seconds: other.__exit__(None, None, None))
    (photos / "g.png").unlink()
    done = run("cluster", "images", photos, "-o", tmp_path / "many", "-n", "bicubic")
    assert (done.code, len(results(tmp_path / "many"))) == (0, 6)
    assert "waiting for 1 image that another process is upscaling" in done.err


def test_a_file_that_appears_meanwhile_is_not_replaced(run: Run, photos: Path, tmp_path: Path, pools: Pools) -> None:
    (photos / "g.png").unlink()

    def lost(number: int) -> str:
        (tmp_path / "many" / "a_x2.png").write_text("mine")
        return ""

    pools.options["lost"] = lost
    done = run("cluster", "images", photos, "-o", tmp_path / "many", "-n", "bicubic")
    assert done.code == 3
    assert (tmp_path / "many" / "a_x2.png").read_text() == "mine"
    assert "a_x2.png: exists already" in done.err


def test_a_worker_of_another_version_is_refused_with_a_sentence(
    run: Run, photos: Path, tmp_path: Path, pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "refusal", partial(_as_version, rules.refusal, "9.9"))
    done = run("cluster", "images", photos, "-o", tmp_path / "many")
    assert done.code == 1
    assert "refused, since subpixel 9.9 is installed there and the job needs" in done.err
    assert results(tmp_path / "many") == {}


def _as_version(refusal: Callable[[dict[str, Any]], str | None], version: str, given: dict[str, Any]) -> str | None:
    rules.__version__, before = version, rules.__version__  # type: ignore[attr-defined]
    try:
        return refusal(given)
    finally:
        rules.__version__ = before  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", ["auto", "mine.safetensors"])
def test_a_worker_with_other_weights_is_refused_with_a_sentence(
    run: Run, photos: Path, tmp_path: Path, pools: Pools, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    """A file is replaced after the driver has begun, and before a worker starts."""
    for name in ("fast", "fast-compressed"):
        for scale in ZOO[name].scales:
            shutil.copy(ZOO[name].path(scale), tmp_path)
    shutil.copy(ZOO["espcn"].path(2), tmp_path / "mine.safetensors")
    monkeypatch.setattr(Entry, "path", lambda self, scale: tmp_path / f"{self.name}_x{scale}.safetensors")
    changed = "fast-compressed_x3.safetensors" if model == "auto" else model

    def replaced(self: Worker, rules: dict[str, Any]) -> Any:
        shutil.copy(tmp_path / "fast_x2.safetensors", tmp_path / changed)
        return greet(self, rules)

    greet = Worker.greet
    monkeypatch.setattr(Worker, "greet", replaced)
    monkeypatch.chdir(tmp_path)
    done = run("cluster", "images", photos, "-o", tmp_path / "many", "-n", model)
    assert done.code == 1
    assert f"refused, since its {changed} is another file than that of the machine that runs the command" in done.err
    assert results(tmp_path / "many") == {}


def test_two_runs_do_not_share_a_folder(run: Run, photos: Path, tmp_path: Path, pools: Pools) -> None:
    (tmp_path / "many").mkdir()
    with claim(tmp_path / "many" / ".subpixel-cluster"):
        done = run("cluster", "images", photos, "-o", tmp_path / "many")
    assert done.code == 1
    assert "another subpixel cluster is writing into this folder" in done.err


def test_what_a_killed_run_left_is_removed(run: Run, photos: Path, tmp_path: Path, pools: Pools) -> None:
    left = tmp_path / "many" / ".subpixel-cluster" / "0123" / "4567"
    left.mkdir(parents=True)
    (left / "a_x2.png").write_text("half")
    assert run("cluster", "images", photos, "-o", tmp_path / "many", "-n", "bicubic").code == 3
    assert not (tmp_path / "many" / ".subpixel-cluster").exists()


def test_pieces_have_about_equal_work_and_large_images_are_alone(tmp_path: Path) -> None:
    sizes = [10, 10, 10, 10, 10, 10, 10, 10, 400, 20]
    tasks = [Task(tmp_path / f"{n}.png", tmp_path / f"{n}_x2.png", size) for n, size in enumerate(sizes)]
    pieces = pieces_of(tasks, 1, lambda task: task.pixels)
    assert sorted(task.pixels for piece in pieces for task in piece) == sorted(sizes)
    assert [task.pixels for task in pieces[0]] == [400]
    assert all(sum(task.pixels for task in piece) <= 500 / 8 for piece in pieces[1:])
    many = [Task(tmp_path / f"{n}.png", tmp_path / f"{n}_x2.png", 1) for n in range(1000)]
    assert max(map(len, pieces_of(many, 1, lambda task: 1.0))) == 32


def test_a_batch_needs_files_and_a_folder(run: Run, photos: Path, pools: Pools) -> None:
    done = run("cluster", "images", "-", "-o", "out")
    assert done.code == 2
    assert "subpixel upscale reads a pipe" in done.err


def test_work_counts_the_network_and_the_file() -> None:
    task = Task(Path("a.png"), Path("a_x2.png"), 1000)
    light, heavy = (image_batch.work_of(Upscaler(2, model=name))(task) for name in ("bicubic", "fast"))
    assert 0 < light < heavy
