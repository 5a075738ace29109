"""``subpixel upscale``: its files, its output and its errors."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save_file

import subpixel
import subpixel.backends.native
import subpixel.image
from cli.outcomes import assert_one_error
from malformed.images import NOT_IMAGES
from subpixel.image import read
from subpixel.models import files

Run = Callable[..., Any]
Look = Callable[[], dict[str, Any]]


# Success


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_an_image_is_upscaled(run: Run, photo: Path, tmp_path: Path, scale: int) -> None:
    done = run("upscale", photo, "-s", scale, "-n", "bicubic", "-o", tmp_path / "out.png")
    assert (done.code, done.err) == (0, "")
    expected = subpixel.upscale(read(photo).pixels, scale, model="bicubic")
    np.testing.assert_array_equal(read(tmp_path / "out.png").pixels, expected)
    assert str(tmp_path / "out.png") in done.out
    assert f"{12 * scale}×{8 * scale}" in done.out


@pytest.mark.parametrize(
    ("arguments", "sizes", "size", "name"),
    [
        (["-s", "2.5"], {"scale": 2.5}, (30, 20), "photo_x2.5.png"),
        (["-s", "2.0"], {"scale": 2}, (24, 16), "photo_x2.png"),
        (["-s", "6", "-t", "5"], {"scale": 6}, (72, 48), "photo_x6.png"),
        (["--width", "31"], {"width": 31}, (31, 21), "photo_w31.png"),
        (["--height", "31"], {"height": 31}, (47, 31), "photo_h31.png"),
        (["--fit", "100x30"], {"fit": (100, 30)}, (45, 30), "photo_fit100x30.png"),
        (["--fit", "100×30"], {"fit": (100, 30)}, (45, 30), "photo_fit100x30.png"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_any_size_gives_the_pixels_of_python(
    run: Run, photo: Path, arguments: list[str], sizes: dict[str, Any], size: tuple[int, int], name: str
) -> None:
    done = run("upscale", photo, "-n", "fast", *arguments)
    assert (done.code, done.err) == (0, "")
    assert f"{size[0]}×{size[1]}" in done.out
    expected = subpixel.upscale(read(photo).pixels, model="fast", **sizes)
    assert expected.shape == (*size[::-1], 3)
    np.testing.assert_array_equal(read(photo.with_name(name)).pixels, expected)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(["-s", "0.5"], "smaller than the image"), (["--width", "12"], "already; its pixels are unchanged")],
)
def test_a_size_without_a_network_is_noted(run: Run, photo: Path, arguments: list[str], text: str) -> None:
    done = run("upscale", photo, "-n", "fast", *arguments)
    assert done.code == 0
    (line,) = done.err.splitlines()
    assert line.startswith("note: ")
    assert text in line
    done = run("upscale", photo, *arguments, "--overwrite")  # no network ran, so auto chose none
    assert done.code == 0
    assert "auto" not in done.out


def test_a_model_file_is_taken_by_its_path(run: Run, photo: Path, tmp_path: Path, weights: Path) -> None:
    assert run("upscale", photo, "-n", weights, "-o", tmp_path / "out.png", "-j", 1).code == 0
    expected = subpixel.upscale(read(photo).pixels, 2, model=str(weights))
    np.testing.assert_array_equal(read(tmp_path / "out.png").pixels, expected)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["--ensemble"], {"ensemble": True}),
        (["--strength", "0.25"], {"strength": 0.25}),
        (["--strength", "0", "--ensemble"], {"strength": 0, "ensemble": True}),
    ],
    ids=str,
)
def test_an_ensemble_and_a_strength(
    run: Run, photo: Path, tmp_path: Path, weights: Path, arguments: list[str], options: dict[str, Any]
) -> None:
    assert run("upscale", photo, "-n", weights, "-o", tmp_path / "out.png", *arguments).code == 0
    expected = subpixel.upscale(read(photo).pixels, 2, model=str(weights), **options)
    np.testing.assert_array_equal(read(tmp_path / "out.png").pixels, expected)
    assert (expected != subpixel.upscale(read(photo).pixels, 2, model=str(weights))).any()


@pytest.mark.parametrize("strength", ["-0.1", "1.5", "nan", "inf", "half"])
def test_other_strengths_are_refused(run: Run, photo: Path, strength: str) -> None:
    done = run("upscale", photo, "--strength", strength)
    assert_one_error(done, 2)
    assert "strength" in done.err


@pytest.mark.parametrize("backend", ["auto", "native", "reference", "torch"])
def test_every_backend_can_be_named(run: Run, photo: Path, tmp_path: Path, backend: str) -> None:
    if backend == "torch":
        pytest.importorskip("torch")
    done = run("upscale", photo, "-n", "bicubic", "--backend", backend, "--precision", "f32", "-o", tmp_path / "o.png")
    assert done.code == 0
    expected = subpixel.upscale(read(photo).pixels, 2, model="bicubic", backend="reference")
    assert np.abs(read(tmp_path / "o.png").pixels.astype(int) - expected).max() <= 1


def test_without_an_output_the_result_lies_beside(run: Run, photo: Path) -> None:
    assert run("upscale", photo, "-n", "bicubic").code == 0
    assert sorted(p.name for p in photo.parent.iterdir()) == ["photo.png", "photo_x2.png"]


def test_an_output_folder_for_several_images(run: Run, photo: Path, tmp_path: Path) -> None:
    names = ["b.png", "ä 图.png", "photo.png"]
    for name in names[:2]:
        shutil.copy(photo, photo.parent / name)
    folder = tmp_path / "out"
    folder.mkdir()
    done = run("upscale", *(photo.parent / name for name in names), "-n", "bicubic", "-o", folder)
    assert (done.code, done.err) == (0, "")
    assert sorted(p.name for p in folder.iterdir()) == sorted(f"{Path(name).stem}_x2.png" for name in names)
    *lines, last = done.out.splitlines()
    assert [line.split()[0] for line in lines] == ["[1/3]", "[2/3]", "[3/3]"]
    assert last.startswith("3 done, 0 skipped, 0 failed of 3  ")
    assert last.endswith(f"in {folder}")


def test_overwrite_replaces(run: Run, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "out.png").write_bytes(b"old")
    assert run("upscale", photo, "-n", "bicubic", "-o", tmp_path / "out.png", "--overwrite").code == 0
    assert read(tmp_path / "out.png").pixels.shape == (16, 24, 3)


def test_conversions_are_notes(run: Run, tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8)).save(tmp_path / "c.jpg")
    done = run("upscale", tmp_path / "c.jpg", "-n", "bicubic")
    assert done.code == 0
    (line,) = done.err.splitlines()
    assert line.startswith("note: ")
    assert "cmyk" in line


def test_without_the_compiled_module_it_runs_with_one_note(
    monkeypatch: pytest.MonkeyPatch, run: Run, photo: Path, tmp_path: Path
) -> None:
    shutil.copy(photo, photo.parent / "b.png")
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(subpixel.backends.native, "native_module", lambda: None)
    done = run("upscale", photo, photo.parent / "b.png", "-n", "bicubic", "-o", tmp_path / "out")
    assert done.code == 0
    (line,) = done.err.splitlines()
    assert line.startswith("note: ")
    assert "compiler" in line
    expected = subpixel.upscale(read(photo).pixels, 2, model="bicubic", backend="reference")
    np.testing.assert_array_equal(read(tmp_path / "out" / "photo_x2.png").pixels, expected)


# Errors


@pytest.mark.parametrize("name", NOT_IMAGES)
def test_a_file_that_is_not_an_image(run: Run, look: Look, tmp_path: Path, name: str) -> None:
    file, content = NOT_IMAGES[name]
    (tmp_path / file).write_bytes(content)
    before = look()
    done = run("upscale", tmp_path / file, "-n", "bicubic")
    assert_one_error(done, 1)
    assert file in done.err
    assert look() == before


def test_missing_and_truncated_files(run: Run, look: Look, photo: Path, tmp_path: Path) -> None:
    content = photo.read_bytes()
    photo.write_bytes(content[: len(content) * 2 // 3])
    (tmp_path / "empty").mkdir()
    before = look()
    for path, out in ((tmp_path / "none.png", "out.png"), (tmp_path / "empty", "out"), (photo, "out.png")):
        assert_one_error(run("upscale", path, "-n", "bicubic", "-o", tmp_path / out), 1)
    assert look() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["-s", "0"],
        ["-s", "-1"],
        ["-s", "nan"],
        ["-s", "inf"],
        ["-s", "1000000"],
        ["-s", "99999999999999999999999"],
        ["-s", "two"],
        ["-s", "65"],
        ["-s", "1"],
        ["-s", "2", "--width", "30"],
        ["--width", "30", "--height", "20"],
        ["--width", "0"],
        ["--height", "2.5"],
        ["--width", "1000"],
        ["--fit", "3840"],
        ["--fit", "3840x"],
        ["--fit", "0x5"],
        ["-t", "0"],
        ["-t", "x"],
        ["-s"],
        ["-n", "espcm"],
        ["-j", "0"],
        ["-j", "-2"],
        ["-j", "many"],
        ["-j", "99999999999"],
        ["--backend", "cuda"],
        ["--precision", "f8"],
        ["--precision", "int8"],
        ["--backend", "native", "--precision", "bf16"],
        ["--no-such-option"],
        ["-o", "out.bmp"],
        ["-o", "out"],
    ],
    ids=" ".join,
)
def test_wrong_use(run: Run, look: Look, photo: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.chdir(photo.parent)
    before = look()
    # A model named last wins, so it stands first.
    assert_one_error(run("upscale", "-n", "bicubic", photo, *arguments), 2)
    assert look() == before


def test_no_image_named_and_unknown_commands(run: Run) -> None:
    assert_one_error(run("upscale"), 2)
    assert_one_error(run("upscale"), 2)
    assert_one_error(run("--unknown"), 2)


@pytest.mark.parametrize("output", ["photo.png", "exists.png", "none/out.png", "photo.png/out.png", "n" * 300 + ".png"])
def test_an_output_that_cannot_be_written(
    run: Run, look: Look, photo: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    (photo.parent / "exists.png").write_bytes(b"precious")
    monkeypatch.chdir(photo.parent)
    before = look()
    assert_one_error(run("upscale", "photo.png", "-n", "bicubic", "-o", output), 1)
    assert look() == before


def test_the_source_is_not_replaced_even_with_overwrite(run: Run, look: Look, photo: Path) -> None:
    before = look()
    assert_one_error(run("upscale", photo, "-n", "bicubic", "-o", photo, "--overwrite"), 1)
    assert look() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written(run: Run, photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    assert_one_error(run("upscale", photo, "-n", "bicubic", "-o", folder / "out.png"), 1)


def test_a_read_only_folder_is_named(run: Run, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    done = run("upscale", photo, "-n", "bicubic", "-o", tmp_path / "out.png")
    assert_one_error(done, 1)
    assert done.err == f"error: {tmp_path / 'out.png'}: the folder {tmp_path} is not writable\n"


def test_formats_that_would_lose_something(run: Run, look: Look, tmp_path: Path) -> None:
    Image.new("RGBA", (5, 5), (1, 2, 3, 100)).save(tmp_path / "a.png")
    Image.fromarray(np.zeros((5, 5), np.uint16)).save(tmp_path / "w.png")
    before = look()
    for name, word in (("a.png", "transparency"), ("w.png", "uint16")):
        done = run("upscale", tmp_path / name, "-n", "bicubic", "-o", tmp_path / "out.jpg")
        assert_one_error(done, 2)
        assert word in done.err
    assert look() == before


def changed_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def wrong_shape(path: Path) -> None:
    """A file with a correct digest whose weights do not fit its network."""
    with safe_open(path, framework="numpy") as file:
        document = json.loads(file.metadata()["subpixel"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    tensors["conv2.weight"] = tensors["conv2.weight"][:, :, :1, :1].copy()
    document.pop("sha256")
    document["sha256"] = files._digest(document, tensors)
    save_file(tensors, path, {"subpixel": json.dumps(document, sort_keys=True)})


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (changed_byte, "damaged"),
        (wrong_shape, "conv2.weight"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "safetensors"),
        (lambda path: path.write_bytes(b""), "safetensors"),
        (lambda path: path.write_text("not a model"), "safetensors"),
        (lambda path: path.unlink(), "no such file"),
        (lambda path: (path.unlink(), path.mkdir()), "not a file"),
    ],
    ids=["a changed byte", "a wrong shape", "cut short", "empty", "text", "missing", "a folder"],
)
def test_weights_that_cannot_be_used(
    run: Run, look: Look, photo: Path, tmp_path: Path, weights: Path, damage: Callable[[Path], Any], word: str
) -> None:
    path = tmp_path / "m.safetensors"
    shutil.copy(weights, path)
    damage(path)
    before = look()
    done = run("upscale", photo, "-n", path, "-o", tmp_path / "out.png")
    assert_one_error(done, 1)
    assert word in done.err
    assert look() == before


def test_a_model_file_of_another_scale(run: Run, photo: Path, weights: Path) -> None:
    done = run("upscale", photo, "-n", weights, "-s", 5)
    assert_one_error(done, 2)
    assert "two networks in a row reach ×4" in done.err


# Several images


def test_one_bad_image_of_many_is_exit_code_three(run: Run, photo: Path, tmp_path: Path) -> None:
    bad = photo.parent / "bad.jpg"
    bad.write_text("not an image")
    shutil.copy(photo, photo.parent / "z.png")
    (tmp_path / "out").mkdir()
    done = run("upscale", photo, bad, photo.parent / "z.png", "-n", "bicubic", "-o", tmp_path / "out")
    assert done.code == 3
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["photo_x2.png", "z_x2.png"]
    errors = done.err.splitlines()
    assert [line.startswith("error: ") for line in errors] == [True, True]
    assert "bad.jpg" in errors[0]
    assert "1 of 3" in errors[1]
    *lines, last = done.out.splitlines()
    assert len(lines) == 2
    assert last.startswith("2 done, 0 skipped, 1 failed of 3  ")


def test_all_bad_is_exit_code_one(run: Run, look: Look, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_text("not an image")
    before = look()
    done = run("upscale", tmp_path / "a.jpg", tmp_path / "b.jpg", "-n", "bicubic")
    assert done.code == 1
    assert "2 of 2" in done.err
    assert done.out.startswith("0 done, 0 skipped, 2 failed of 2  ")
    assert look() == before


@pytest.mark.parametrize(
    "names", [("photo.png", "other/photo.png"), ("photo.png", "photo.jpg"), ("other", "photo.png")]
)
def test_two_results_of_one_name_are_refused_before_any_work(
    run: Run, look: Look, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, str]
) -> None:
    (photo.parent / "other").mkdir()
    shutil.copy(photo, photo.parent / "other" / "photo.png")
    shutil.copy(photo, photo.parent / "photo.jpg")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(photo.parent)
    before = look()
    done = run("upscale", *names, "-n", "bicubic", "-o", tmp_path / "out")
    assert_one_error(done, 2)
    assert "photo_x2.png" in done.err
    assert all(name in done.err for name in names)
    assert look() == before


def test_many_need_a_folder(run: Run, look: Look, photo: Path, tmp_path: Path) -> None:
    shutil.copy(photo, photo.parent / "b.png")
    before = look()
    for output in (tmp_path / "out.png", photo):
        done = run("upscale", photo, photo.parent / "b.png", "-n", "bicubic", "-o", output)
        assert_one_error(done, 2)
        assert "folder" in done.err
    assert look() == before


def test_an_interrupt_is_exit_code_130(monkeypatch: pytest.MonkeyPatch, run: Run, look: Look, photo: Path) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    before = look()
    monkeypatch.setattr(subpixel.image.Job, "run", interrupted)
    assert_one_error(run("upscale", photo, "-n", "bicubic"), 130)
    assert look() == before


def test_too_little_memory_is_one_sentence(monkeypatch: pytest.MonkeyPatch, run: Run, photo: Path) -> None:
    def greedy(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(subpixel.image.Job, "run", greedy)
    assert_one_error(run("upscale", photo, "-n", "bicubic"), 1)


# The choice of ``auto``


def test_auto_shows_its_choice_and_a_name_overrides_it(run: Run, with_compressed: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "coarse.jpg", quality=50)
    Image.fromarray(pixels).save(tmp_path / "fine.png")
    clean = with_compressed.removesuffix("-compressed")
    done = run("upscale", tmp_path / "coarse.jpg", tmp_path / "fine.png", "-o", tmp_path)
    assert (done.code, done.err) == (0, "")
    first, second, _ = done.out.splitlines()
    assert first.endswith(f"s  auto: {with_compressed} (a JPEG of quality 50)")
    assert second.endswith(f"s  auto: {clean} (no visible compression)")
    expected = subpixel.Upscaler(2, model=with_compressed)(read(tmp_path / "coarse.jpg").pixels)
    np.testing.assert_array_equal(read(tmp_path / "coarse_x2.png").pixels, expected)
    done = run("upscale", tmp_path / "coarse.jpg", "-n", clean, "-o", tmp_path / "named.png")
    assert "auto:" not in done.out
    expected = subpixel.Upscaler(2, model=clean)(read(tmp_path / "coarse.jpg").pixels)
    np.testing.assert_array_equal(read(tmp_path / "named.png").pixels, expected)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["upscale", ""], "INPUT is empty; name a file."),
        (["upscale", "a.png", ""], "INPUT is empty; name a file."),
        (["upscale", "a.png", "-o", ""], "--output is empty; name a file or a folder."),
        (["upscale", "a.png", "--output="], "--output is empty; name a file or a folder."),
        (["upscale", "a.png", "--compare", ""], "--compare is empty; name a file or a folder."),
        (["video", ""], "INPUT is empty; name a file."),
        (["play", ""], "INPUT is empty; name a file."),
        (["evaluate", "-n", "fast", "--data", ""], "--data is empty; name a folder."),
        (["evaluate", "-n", "fast", "--video", "a.mkv", "--video", ""], "--video is empty; name a file."),
        (["quantise", "", "--data", "x"], "FILE is empty; name a file."),
    ],
)
def test_an_empty_path_is_refused(run: Run, arguments: list[str], text: str) -> None:
    done = run(*arguments)
    assert_one_error(done, 2)
    assert done.err == f"error: {text}\n"


def test_two_sizes_are_named_as_options(run: Run, photo: Path) -> None:
    done = run("upscale", photo, "-s", 2, "--width", 100)
    assert done.err == ("error: --scale 2, --width 100: only one of --scale, --width, --height and --fit is possible\n")
    assert "--strength 2: a number from 0" in run("upscale", photo, "--strength", 2).err


@pytest.mark.parametrize("output", [(), ("-o", "out/")])
def test_each_page_of_a_file_has_a_name(run: Run, tmp_path: Path, output: tuple[str, ...]) -> None:
    pages = [Image.new("L", (8, 6), 10), Image.new("L", (4, 3), 200)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    folder = tmp_path / "out" if output else tmp_path
    options = ("-o", f"{folder}/") if output else ()
    for page, name, size in (((), "a_x2.png", (16, 12)), (("--page", 2), "a_x2_page2.png", (8, 6))):
        assert run("upscale", tmp_path / "a.tif", "-n", "bicubic", *options, *page).code == 0
        with Image.open(folder / name) as image:
            assert image.size == size


def test_another_page_of_a_tiff(run: Run, tmp_path: Path) -> None:
    pages = [Image.new("L", (8, 6), 10), Image.new("L", (4, 3), 200)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    done = run("upscale", tmp_path / "a.tif", "-n", "bicubic", "-o", tmp_path / "b.png")
    assert "the first is upscaled, the others are not kept; --page 2 upscales another" in done.err
    again = ("upscale", tmp_path / "a.tif", "-n", "bicubic", "-o", tmp_path / "c.png", "--page")
    assert "8×6" in run(*again, 2, "--dry-run").out
    assert run(*again, 2).code == 0
    assert read(tmp_path / "c.png").pixels.shape[:2] == (6, 8)
    assert "done before" in run(*again, 2).out
    assert "with other settings" in run(*again, 1).err
    for options in ((3,), (3, "--dry-run"), (3, "--overwrite")):
        done = run(*again[:-2], tmp_path / "d.png", "--page", *options)
        assert done.code == 1
        assert f"{tmp_path / 'a.tif'}: --page 3: the file holds 2 images" in done.out + done.err
    for wrong in ("0", "x", "1.5"):
        assert f"--page {wrong}: an integer from 1 to 100000 is needed" in run(*again, wrong).err
