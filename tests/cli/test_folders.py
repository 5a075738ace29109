"""``subpixel upscale`` on folders: destinations, skipped images and output."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import subpixel
from subpixel.image import Job
from subpixel.image.files.reading import read
from subpixel.models import load, save

Run = Callable[..., Any]
Look = Callable[[], dict[str, Any]]


@pytest.fixture
def make_image(tmp_path: Path) -> Callable[..., Path]:
    """``image("in/a.png", seed)``: a small file made by Pillow."""

    def make(name: str | bytes, seed: int = 0) -> Path:
        path = tmp_path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), np.uint8)
        with open(path, "wb") as file:
            Image.fromarray(pixels).save(file, "JPEG" if path.suffix == ".jpg" else "PNG")
        return path

    return make


@pytest.fixture
def upscale(run: Run) -> Run:
    """The command with the cheapest network."""
    return lambda *arguments: run("upscale", "-n", "bicubic", "-j", 1, *arguments)


def assert_is_result(source: Path, result: Path, scale: int = 2) -> None:
    with Image.open(source) as image:
        expected = subpixel.upscale(np.asarray(image), scale, model="bicubic")
    with Image.open(result) as image:
        np.testing.assert_array_equal(np.asarray(image), expected)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# Pixels that the format cannot hold


def test_advice_that_many_images_need_is_given_once(upscale: Run, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "b"):
        Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(folder / f"{name}.png")
    Image.fromarray(np.full((4, 4), 500, np.uint16)).save(folder / "c.png")
    Image.new("RGB", (4, 4)).save(folder / "d.png")
    arguments = (folder, "-o", tmp_path / "out", "-f", "jpg")
    result = upscale(*arguments)
    assert result.code == 3
    assert result.err.count("JPEG has no transparency, the image does; png") == 2
    assert result.err.count("--background white") == 1
    assert "note: 2 images do not fit into the format: --background white lays transparent pixels" in result.err
    assert result.err.count("--depth 8") == 1
    arguments = (folder, "-o", tmp_path / "filled", "-f", "jpg")
    result = upscale(*arguments, "--background", "#00ff00", "--depth", 8)
    assert result.code == 0
    assert result.err == ""
    with Image.open(tmp_path / "filled" / "a_x2.jpg") as image:
        assert image.getpixel((4, 4)) == pytest.approx((0, 255, 0), abs=3)
    again = upscale(*arguments, "--background", "#00ff00", "--depth", 8)
    assert "4 skipped" in again.out
    other = upscale(*arguments, "--background", "white", "--depth", 8)
    assert other.code != 0  # made with other settings
    single = upscale(folder / "a.png", "-o", tmp_path / "a.jpg")
    assert "--background white" in single.err
    wrong = upscale(folder / "a.png", "-o", tmp_path / "a.jpg", "--background", "whitish")
    assert "--background whitish: a name such as white" in wrong.err


# Destinations


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_folder_keeps_its_structure_in_the_output(upscale: Run, make_image: Any, tmp_path: Path, slash: str) -> None:
    names = ["in/a.png", "in/sub/b.png", "in/sub/deep down/c.png"]
    sources = [make_image(name, seed) for seed, name in enumerate(names)]
    make_image("in/.hidden.png")
    (tmp_path / "in" / "notes.txt").write_text("not an image, and not looked at")
    done = upscale(tmp_path / "in", "-o", f"{tmp_path / 'made' / 'out'}{slash}")
    assert (done.code, done.err) == (0, "")
    out = tmp_path / "made" / "out"
    assert files(out) == ["a_x2.png", "sub/b_x2.png", "sub/deep down/c_x2.png"]
    for source, result in zip(sources, files(out), strict=True):
        assert_is_result(source, out / result)


def test_results_beside_the_images_are_not_inputs(upscale: Run, make_image: Any, tmp_path: Path) -> None:
    make_image("in/a.png")
    make_image("in/sub/b.png", 1)
    assert upscale(tmp_path / "in").code == 0
    assert files(tmp_path / "in") == ["a.png", "a_x2.png", "sub/b.png", "sub/b_x2.png"]
    done = upscale(tmp_path / "in")
    assert done.code == 0
    assert "0 done, 2 skipped, 0 failed of 2" in done.out
    # Results of another scale are results too; a file that only has such a name is an image.
    make_image("in/a_xmas.png", 2)
    assert upscale(tmp_path / "in", "-s", 3).code == 0
    result = ["a.png", "a_x2.png", "a_x3.png", "a_xmas.png", "a_xmas_x3.png"]
    assert files(tmp_path / "in") == [*result, "sub/b.png", "sub/b_x2.png", "sub/b_x3.png"]
    # A result is an image like any other if it is alone or named.
    shutil.move(tmp_path / "in" / "sub" / "b_x2.png", tmp_path / "b_x2.png")
    assert upscale(tmp_path / "b_x2.png").code == 0
    assert_is_result(tmp_path / "b_x2.png", tmp_path / "b_x2_x2.png")


def test_results_that_match_a_pattern_are_not_inputs(upscale: Run, make_image: Any, tmp_path: Path) -> None:
    make_image("in/a.png")
    make_image("in/b.png", 1)
    for _ in range(2):
        assert upscale(tmp_path / "in" / "*.png").code == 0
        assert files(tmp_path / "in") == ["a.png", "a_x2.png", "b.png", "b_x2.png"]


def test_an_output_folder_inside_the_input_is_not_an_input(upscale: Run, make_image: Any, tmp_path: Path) -> None:
    make_image("in/a.png")
    for _ in range(2):
        assert upscale(tmp_path / "in", "-o", tmp_path / "in" / "larger").code == 0
        assert files(tmp_path / "in") == ["a.png", "larger/a_x2.png"]


def test_the_format_of_results_without_a_name(upscale: Run, make_image: Any, tmp_path: Path, run: Run) -> None:
    make_image("in/a.png")
    assert upscale(tmp_path / "in", "-f", "webp", "-o", tmp_path / "out").code == 0
    with Image.open(tmp_path / "out" / "a_x2.webp") as image:
        assert image.size == (18, 12)
    assert upscale(tmp_path / "in", "-f", "nonsense").code == 2


@pytest.mark.parametrize("output", ["file.txt", "out.png"])
def test_an_output_for_several_images_that_is_not_a_folder(
    upscale: Run, look: Look, make_image: Any, tmp_path: Path, output: str
) -> None:
    make_image("in/a.png")
    (tmp_path / "file.txt").write_text("precious")
    before = look()
    done = upscale(tmp_path / "in", "-o", tmp_path / output)
    assert done.code == 2
    assert "folder" in done.err
    assert look() == before


def test_two_images_with_one_result_are_refused_before_any_work(
    upscale: Run, look: Look, make_image: Any, tmp_path: Path
) -> None:
    for name in ("in/a.png", "in/sub/b.jpg", "in/sub/b.png"):
        make_image(name)
    before = look()
    done = upscale(tmp_path / "in", "-o", tmp_path / "out")
    assert done.code == 2
    assert str(tmp_path / "in/sub/b.jpg") in done.err
    assert str(tmp_path / "in/sub/b.png") in done.err
    assert look() == before


def test_an_image_is_not_replaced_by_the_result_of_another(
    upscale: Run, look: Look, make_image: Any, tmp_path: Path
) -> None:
    one, two = make_image("a.png"), make_image("a_x2.png", 1)
    before = look()
    done = upscale(one, two, "--overwrite")
    assert done.code == 2
    assert str(one) in done.err
    assert str(two) in done.err
    assert look() == before


# Existing files


def test_the_same_command_again_skips_all_images(
    upscale: Run, look: Look, make_image: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed, name in enumerate("abc"):
        make_image(f"in/{name}.png", seed)
    command = (tmp_path / "in", "-o", tmp_path / "out")
    assert upscale(*command).code == 0
    before = look()
    monkeypatch.setattr(Job, "run", None)
    for more in ([], ["--overwrite"], ["--skip-existing"]):
        done = upscale(*command, *more)
        assert (done.code, done.err) == (0, "")
        assert "0 done, 3 skipped, 0 failed of 3" in done.out
        assert look() == before


def test_changed_images_and_settings_are_noticed(
    upscale: Run, run: Run, look: Look, make_image: Any, tmp_path: Path
) -> None:
    for seed, name in enumerate("ab"):
        make_image(f"in/{name}.png", seed)
    command = (tmp_path / "in", "-o", tmp_path / "out")
    assert upscale(*command).code == 0
    changed = make_image("in/b.png", 7)
    before = look()
    done = upscale(*command)
    assert done.code == 3
    first, _ = done.err.splitlines()
    assert first.startswith(f"error: {tmp_path / 'out' / 'b_x2.png'}: exists already, made from another image or an")
    assert first.endswith("--overwrite replaces it")
    assert "0 done, 1 skipped, 1 failed of 2" in done.out
    assert look() == before
    done = upscale(*command, "--overwrite")
    assert done.code == 0
    assert "1 done, 1 skipped, 0 failed of 2" in done.out
    assert_is_result(changed, tmp_path / "out" / "b_x2.png")
    before = look()
    done = run("upscale", "-n", "fast", *command)
    assert done.code == 1
    assert done.err.count("made from this image with other settings") == 2
    assert look() == before
    assert "2 done" in run("upscale", "-n", "fast", *command, "--overwrite").out
    assert "2 skipped" in run("upscale", "-n", "fast", *command).out
    assert run("upscale", "-n", "fast", "--strength", 0.5, *command).code == 1


def test_a_model_file_is_identified_by_its_content(run: Run, make_image: Any, tmp_path: Path, weights: Path) -> None:
    make_image("in/a.png")
    shutil.copy(weights, tmp_path / "moved.safetensors")
    command = (tmp_path / "in", "-o", tmp_path / "out")
    assert run("upscale", "-n", weights, *command).code == 0
    assert "done before" in run("upscale", "-n", tmp_path / "moved.safetensors", *command).out
    other = load(weights)
    save(replace(other, licence="another"), tmp_path / "moved.safetensors")
    assert "other settings" in run("upscale", "-n", tmp_path / "moved.safetensors", *command).err


def test_files_of_other_programs_are_kept_skipped_or_replaced(
    upscale: Run, look: Look, make_image: Any, tmp_path: Path
) -> None:
    source = make_image("in/a.png")
    make_image("in/b.png", 1)
    theirs = make_image("out/a_x2.png", 5)
    before = theirs.read_bytes()
    command = (tmp_path / "in", "-o", tmp_path / "out")
    done = upscale(*command)
    assert done.code == 3
    assert "exists already; --overwrite replaces it" in done.err
    assert files(tmp_path / "out") == ["a_x2.png", "b_x2.png"]
    assert upscale(*command, "--skip-existing").code == 0
    assert theirs.read_bytes() == before
    assert upscale(*command, "--overwrite").code == 0
    assert_is_result(source, theirs)
    assert upscale(*command, "--overwrite", "--skip-existing").code == 2


# Failures


def test_a_bad_image_does_not_stop_the_others(upscale: Run, make_image: Any, tmp_path: Path) -> None:
    names = ["a.png", "c.png", "d.png"]
    sources = [make_image(f"in/{name}", seed) for seed, name in enumerate(names)]
    (tmp_path / "in" / "b.png").write_bytes(sources[0].read_bytes()[:60])
    (tmp_path / "in" / "gone.jpg").symlink_to("nowhere")
    done = upscale(tmp_path / "in", tmp_path / "none.png", "-o", tmp_path / "out")
    assert done.code == 3
    errors = done.err.splitlines()
    assert len(errors) == 4
    assert [name for name in ("b.png", "gone.jpg", "none.png") if any(name in line for line in errors)] == [
        "b.png",
        "gone.jpg",
        "none.png",
    ]
    assert errors[-1] == "error: 3 of 6 images failed"
    assert files(tmp_path / "out") == ["a_x2.png", "c_x2.png", "d_x2.png"]
    for source in sources:
        assert_is_result(source, tmp_path / "out" / f"{source.stem}_x2.png")


def test_an_image_that_disappears_after_the_plan(
    upscale: Run, make_image: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = make_image("in/a.png"), make_image("in/b.png", 1)
    run_job = Job.run

    def run_and_remove(job: Job, *arguments: Any, **options: Any) -> Any:
        two.unlink(missing_ok=True)
        return run_job(job, *arguments, **options)

    monkeypatch.setattr(Job, "run", run_and_remove)
    done = upscale(tmp_path / "in")
    assert done.code == 3
    assert f"error: {two}: no such file or directory" in done.err
    assert files(tmp_path / "in") == ["a.png", "a_x2.png"]
    assert_is_result(one, tmp_path / "in" / "a_x2.png")


def test_a_file_in_place_of_a_folder_fails_its_image_alone(upscale: Run, make_image: Any, tmp_path: Path) -> None:
    make_image("in/a.png")
    make_image("in/sub/b.png", 1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").write_text("a file of that name")
    done = upscale(tmp_path / "in", "-o", tmp_path / "out")
    assert done.code == 3
    assert files(tmp_path / "out") == ["a_x2.png", "sub"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written(upscale: Run, make_image: Any, tmp_path: Path) -> None:
    make_image("in/a.png")
    make_image("in/locked/b.png", 1)
    (tmp_path / "in" / "locked").chmod(0o555)
    try:
        done = upscale(tmp_path / "in")
    finally:
        (tmp_path / "in" / "locked").chmod(0o755)
    assert done.code == 3
    assert files(tmp_path / "in") == ["a.png", "a_x2.png", "locked/b.png"]


# Output


def test_json_is_a_line_for_each_image_and_nothing_else(upscale: Run, make_image: Any, tmp_path: Path) -> None:
    for seed, name in enumerate("ab"):
        make_image(f"in/{name}.png", seed)
    Image.new("CMYK", (4, 3)).save(tmp_path / "in" / "c.jpg")
    make_image("in/d.png", 4)
    assert upscale(tmp_path / "in" / "b.png", "-o", f"{tmp_path}/out/").code == 0
    (tmp_path / "in" / "d.png").write_bytes(b"broken")
    done = upscale(tmp_path / "in", "-o", tmp_path / "out", "--json")
    assert done.code == 3
    lines = [json.loads(line) for line in done.out.splitlines()]
    by_name = {Path(line["source"]).name: line for line in lines}
    assert len(lines) == len(by_name) == 4
    a, b, c, d = (by_name[name] for name in ("a.png", "b.png", "c.jpg", "d.png"))
    assert (a["status"], a["size_in"], a["size_out"], a["model"]) == ("done", [9, 6], [18, 12], "bicubic")
    assert a["destination"] == str(tmp_path / "out" / "a_x2.png")
    assert a["seconds"] > 0
    assert (a["error"], a["notes"]) == (None, [])
    assert (b["status"], b["why"], b["size_out"]) == ("skipped", "done before", None)
    assert "cmyk" in c["notes"][0]
    assert (d["status"], d["size_out"]) == ("failed", None)
    assert "d.png" in d["error"]
    done = upscale(tmp_path / "in" / "d.png", "--json")
    assert done.code == 1
    assert json.loads(done.out)["status"] == "failed"


def test_quiet_prints_no_successes(upscale: Run, make_image: Any, tmp_path: Path) -> None:
    make_image("in/a.png")
    make_image("in/b.png", 1)
    done = upscale(tmp_path / "in", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_names_of_any_kind(upscale: Run, make_image: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["-n.png", "a\nb.png", "[1].png", " .png", "ä 图 🙂.png", "x[page=1].png", "50%.png", "a'\"`$b.png"]
    raw = [*map(os.fsencode, names), b"\xff\xfe.png", b"caf\xe9/\xff.png"]
    for seed, name in enumerate(raw):
        try:
            make_image(b"in/" + name, seed)
        except OSError:
            pytest.skip("names that are no UTF-8 cannot be made here")
    done = upscale(tmp_path / "in", "-o", tmp_path / "out", "--json")
    assert (done.code, done.err.count("\n")) == (0, 1), done.err
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert {os.fsencode(line["source"]) for line in lines} == {
        os.fsencode(tmp_path / "in") + b"/" + name for name in raw
    }
    for line in lines:
        assert_is_result_of_any_name(line["source"], line["destination"])
    done = upscale(tmp_path / "in", "-o", tmp_path / "out")
    assert len(done.out.splitlines()) == len(raw) + 1
    assert "\\xff\\xfe.png" in done.out
    assert "a\\nb.png" in done.out
    monkeypatch.chdir(tmp_path / "in")
    assert upscale("--", "-n.png").code == 0
    assert_is_result_of_any_name("-n.png", "-n_x2.png")


def assert_is_result_of_any_name(source: str, result: str) -> None:
    with open(source, "rb") as one, open(result, "rb") as two, Image.open(one) as small, Image.open(two) as large:
        np.testing.assert_array_equal(np.asarray(large), subpixel.upscale(np.asarray(small), 2, model="bicubic"))


def test_results_are_the_same_in_parallel_and_one_by_one(upscale: Run, make_image: Any, tmp_path: Path) -> None:
    for seed in range(3):
        make_image(f"in/{seed}.png", seed)
    assert upscale(tmp_path / "in", "-o", tmp_path / "one").code == 0
    assert upscale(tmp_path / "in", "-o", tmp_path / "two", "--processes", 2).code == 0
    for seed in range(3):
        name = f"{seed}_x2.png"
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        assert upscale(tmp_path / "in" / f"{seed}.png", "-o", tmp_path / name).code == 0
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / name).read_bytes()
    assert read(tmp_path / "2_x2.png").pixels.shape == (12, 18, 3)
