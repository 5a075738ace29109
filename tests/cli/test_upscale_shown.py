"""``subpixel upscale``: comparisons and dry runs."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import subpixel
import subpixel.backends.native
import subpixel.image
from cli.outcomes import assert_one_error
from subpixel.image import read

Run = Callable[..., Any]
Look = Callable[[], dict[str, Any]]


# Comparisons


def test_a_comparison_is_written_beside_the_result(run: Run, photo: Path, tmp_path: Path) -> None:
    done = run("upscale", photo, "-n", "fast", "-o", tmp_path / "out.png", "--compare", tmp_path / "both.png")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[1] == f"comparison → {tmp_path / 'both.png'}"
    sheet, result = read(tmp_path / "both.png").pixels, read(tmp_path / "out.png").pixels
    # So small an image is shown whole, at 16:1, within margins: left bicubic, right the result.
    panels = sheet[32 : 32 + 16 * 16 : 16, 32:]
    plain = subpixel.upscale(read(photo).pixels, 2, model="bicubic")
    assert np.abs(panels[:, : 24 * 16 : 16].astype(int) - plain).max() <= 1  # halves are rounded either way
    np.testing.assert_array_equal(panels[:, 408 : 408 + 24 * 16 : 16], result)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["both.png", "out.png", "photos"]


def test_comparisons_of_several_go_to_a_folder(run: Run, look: Look, photo: Path, tmp_path: Path) -> None:
    shutil.copy(photo, photo.parent / "b.png")
    (tmp_path / "both").mkdir()
    before = look()
    done = run("upscale", photo, photo.parent / "b.png", "-n", "bicubic", "--compare", tmp_path / "both.png")
    assert_one_error(done, 2)
    assert "for 2 images this must be an existing folder" in done.err
    assert look() == before
    done = run("upscale", photo, photo.parent / "b.png", "-n", "bicubic", "--compare", tmp_path / "both")
    assert done.code == 0
    names = sorted(p.name for p in (tmp_path / "both").iterdir())
    assert names == ["b_x2_comparison.png", "photo_x2_comparison.png"]


@pytest.mark.parametrize(
    ("target", "code"), [("there.png", 1), ("photo.png", 1), ("photo_x2.png", 2), ("none/a.png", 1), ("a.bmp", 2)]
)
def test_a_comparison_replaces_nothing(
    run: Run, look: Look, photo: Path, monkeypatch: pytest.MonkeyPatch, target: str, code: int
) -> None:
    monkeypatch.chdir(photo.parent)
    Path("there.png").write_bytes(b"precious")
    before = look()
    assert_one_error(run("upscale", "photo.png", "-n", "bicubic", "--compare", target), code)
    assert look() == before
    if target == "there.png":
        assert run("upscale", "photo.png", "-n", "bicubic", "--compare", target, "--overwrite").code == 0
        assert read(target).pixels.shape[1] == 856


# Dry runs


def test_a_dry_run_shows_what_the_run_does(run: Run, look: Look, photo: Path, tmp_path: Path) -> None:
    arguments = [
        "upscale",
        photo,
        "-n",
        "bicubic",
        "-s",
        3,
        "-o",
        tmp_path / "out.tif",
        "--compare",
        tmp_path / "c.png",
    ]
    before = look()
    done = run(*arguments, "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert look() == before
    first, second, third, last = done.out.splitlines()
    assert first == f"{photo}  12×8 RGB, 8 bits → {tmp_path / 'out.tif'}  36×24"
    assert re.match(r"    bicubic; up to (9|1\d)\d MB of memory, ", second)
    assert second.endswith(" s, a file of at most 2.6 kB")  # 36 × 24 × 3 bytes
    assert third == f"    comparison → {tmp_path / 'c.png'}"
    assert last.startswith("Nothing was written.")
    assert run(*arguments).code == 0
    assert read(tmp_path / "out.tif").pixels.shape == (24, 36, 3)


def test_a_dry_run_of_several_images_has_a_summary_and_the_exit_code_of_the_run(
    run: Run, look: Look, photo: Path
) -> None:
    (photo.parent / "bad.jpg").write_text("not an image")
    for name in ("b.png", "c.png", "c_x2.png"):
        shutil.copy(photo, photo.parent / name)
    images = [photo.parent / name for name in ("photo.png", "bad.jpg", "b.png", "c.png")]
    before = look()
    dry = run("upscale", *images, "-n", "bicubic", "--dry-run")
    assert look() == before
    assert dry.code == 3
    assert [line for line in dry.out.splitlines() if line.startswith("2 to do: 0.000768 megapixels to write")]
    real = run("upscale", *images, "-n", "bicubic")
    assert real.code == 3
    assert sorted(dry.err.replace("would fail", "failed").splitlines()) == sorted(real.err.splitlines())


@pytest.mark.parametrize("output", ["photo.png", "exists.png", "none/out.png", "out.bmp", "out.jpg"])
def test_a_dry_run_fails_as_the_run_does(
    run: Run, look: Look, photo: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.chdir(photo.parent)
    Path("exists.png").write_bytes(b"precious")
    Image.new("RGBA", (5, 5), (1, 2, 3, 100)).save("clear.png")
    before = look()
    dry, real = (run("upscale", "clear.png", "-n", "bicubic", "-o", output, *more) for more in (["--dry-run"], []))
    if output == "photo.png":  # not the source, but a file that exists
        assert "exists already" in dry.err
    assert (dry.code, dry.err) == (real.code, real.err)
    assert dry.code in (1, 2)
    assert look() == before


def test_a_dry_run_shows_the_choice(run: Run, with_compressed: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "coarse.jpg", quality=50)
    Image.fromarray(pixels).save(tmp_path / "fine.png")
    done = run("upscale", tmp_path / "coarse.jpg", tmp_path / "fine.png", "--dry-run")
    assert done.code == 0
    assert f"    {with_compressed} (a JPEG of quality 50); up to" in done.out
    assert " if blocks are visible; up to" in done.out


def test_a_dry_run_refuses_wrong_use(run: Run, photo: Path) -> None:
    assert_one_error(run("upscale", photo, "-n", "none", "--dry-run"), 2)
    assert_one_error(run("upscale", photo, "-n", "bicubic", "--dry-run", "--overwrite", "--skip-existing"), 2)
    done = run("upscale", photo.parent / "none.png", "-n", "bicubic", "--dry-run")
    assert done.code == 1
    assert "no such file" in done.err


def test_a_dry_run_of_a_folder(run: Run, look: Look, photo: Path, tmp_path: Path) -> None:
    (photo.parent / "deep").mkdir()
    shutil.copy(photo, photo.parent / "deep" / "other.png")
    out = tmp_path / "out"
    assert run("upscale", photo, "-n", "bicubic", "-o", f"{out}/").code == 0
    before = look()
    done = run("upscale", photo.parent, "-n", "bicubic", "-o", out, "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert look() == before
    first, second, third, fourth, _ = done.out.splitlines()
    assert first == f"[1/2] {photo}: done before → {out / 'photo_x2.png'}"
    assert second.startswith(f"[2/2] {photo.parent / 'deep' / 'other.png'}  12×8 RGB")
    assert second.endswith(f" → {out / 'deep' / 'other_x2.png'}  24×16")  # in a folder that does not exist yet
    assert third.startswith("    bicubic; up to ")
    assert fourth.startswith("1 to do: ")
    messages = [
        json.loads(line)
        for line in run("upscale", photo.parent, "-n", "bicubic", "-o", out, "--dry-run", "--json").out.splitlines()
    ]
    assert [(one["status"], one["size_out"], one["why"]) for one in messages] == [
        ("skipped", None, "done before"),
        ("planned", [24, 16], ""),
    ]
    assert messages[1]["bytes"] > messages[1]["seconds"] > 0
    assert messages[1]["destination"] == str(out / "deep" / "other_x2.png")


def test_a_comparison_for_a_finished_result(run: Run, photo: Path, tmp_path: Path) -> None:
    arguments = ["upscale", photo, "-n", "bicubic", "-o", tmp_path / "out.png"]
    assert run(*arguments).code == 0
    done = run(*arguments, "--compare", tmp_path / "both.png")
    assert done.code == 0
    assert "done before; no comparison was made; --overwrite makes both" in done.out
    assert run(*arguments, "--compare", tmp_path / "both.png", "--overwrite").code == 0
    assert read(tmp_path / "both.png").pixels.shape[1] == 856
    assert "done before →" in run(*arguments, "--compare", tmp_path / "both.png").out


def test_comparisons_of_one_name_are_refused_before_any_work(run: Run, look: Look, photo: Path, tmp_path: Path) -> None:
    (photo.parent / "deep").mkdir()
    shutil.copy(photo, photo.parent / "deep" / "photo.png")
    before = look()
    done = run("upscale", photo.parent, "-n", "bicubic", "-o", tmp_path / "out", "--compare", tmp_path)
    assert_one_error(done, 2)
    assert "photo_x2_comparison.png" in done.err
    assert look() == before


def test_json_names_the_comparison(run: Run, photo: Path, tmp_path: Path) -> None:
    done = run("upscale", photo, "-n", "bicubic", "--compare", tmp_path / "both.png", "--json")
    assert json.loads(done.out)["comparison"] == str(tmp_path / "both.png")
