"""Estimates of jobs, compared with what the jobs then do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

import subpixel.image.job
from subpixel import Upscaler
from subpixel.errors import ImageReadError, ImageWriteError, InvalidArgument, SubpixelError
from subpixel.image import Job
from subpixel.image.estimate import SpeedTrials, estimate_job
from subpixel.image.files.reading import open_image
from subpixel.image.synthetic import photograph

Make = Callable[..., NDArray[Any]]
Saved = Callable[..., Path]
Look = Callable[[], dict[str, Any]]


class NoTrial(SpeedTrials):
    """A pixel takes a microsecond; the arguments are recorded."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def __call__(self, *arguments: Any) -> float:
        self.asked.append(arguments)
        return 1e-6


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return Upscaler(3, model="bicubic")


@pytest.mark.parametrize(
    ("name", "channels", "dtype", "destination"),
    [
        ("a.png", 1, np.uint8, "a_x3.png"),
        ("a.png", 4, np.uint16, "a_x3.png"),
        ("a.tif", 3, np.float32, "a_x3.tif"),
        ("a.jpg", 3, np.uint8, "out.webp"),
        ("a.webp", 3, np.uint8, "out.jpg"),
    ],
)
def test_an_estimate_is_what_the_job_does(
    upscaler: Upscaler,
    pixels: Make,
    saved: Saved,
    look: Look,
    tmp_path: Path,
    name: str,
    channels: int,
    dtype: Any,
    destination: str,
) -> None:
    job = Job(
        saved(name, pixels(11, 17, channels, dtype)),
        upscaler,
        destination=tmp_path / destination if destination.startswith("out") else None,
        compare=tmp_path,
    )
    before = look()
    estimate = estimate_job(job, NoTrial())
    assert look() == before
    assert (estimate.channels, estimate.dtype, estimate.orientation) == (channels, np.dtype(dtype).name, 1)
    assert estimate.problems == ()
    assert estimate.seconds == pytest.approx(11 * 17 * 1e-6)
    done = job.run()
    assert estimate.destination == done.destination == tmp_path / destination
    assert (estimate.size_in, estimate.size_out) == (done.size_in, done.size_out) == ((17, 11), (51, 33))
    assert (estimate.notes, estimate.choice) == (done.notes, done.choice)
    assert job.comparison_path(done.destination) == done.comparison


def test_only_the_header_is_read(upscaler: Upscaler, saved: Saved, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = saved("a.png", photograph(300, 400))
    content = whole.read_bytes()
    whole.write_bytes(content[:5000] + bytes(len(content) - 5000))  # the pixels are damaged
    monkeypatch.setattr(pyvips.Image, "numpy", None)
    before = look()
    estimate = estimate_job(Job(whole, upscaler), NoTrial())
    assert (estimate.size_in, estimate.problems) == ((400, 300), ())
    assert look() == before


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_sizes_are_those_of_the_upright_image(upscaler: Upscaler, tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=exif)
    estimate = estimate_job(Job(tmp_path / "a.jpg", upscaler), NoTrial())
    assert estimate.orientation == orientation
    assert estimate.size_out == ((60, 90) if orientation == 6 else (90, 60))


def test_conversions_are_notes(upscaler: Upscaler, tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8)).save(tmp_path / "c.jpg")
    estimate = estimate_job(Job(tmp_path / "c.jpg", upscaler), NoTrial())
    assert "cmyk" in estimate.notes[0]
    assert estimate.channels == 3


def test_the_model_is_known_if_the_file_decides(with_compressed: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "coarse.jpg", quality=50)
    Image.fromarray(noise).save(tmp_path / "fine.jpg", quality=97)
    Image.fromarray(noise).save(tmp_path / "fine.png")
    auto = Upscaler(2, model="auto")
    estimate = {
        name: estimate_job(Job(tmp_path / name, auto), NoTrial()) for name in ("coarse.jpg", "fine.jpg", "fine.png")
    }
    assert str(estimate["coarse.jpg"].choice) == f"{with_compressed} (a JPEG of quality 50)"
    assert estimate["coarse.jpg"].choice == Job(tmp_path / "coarse.jpg", auto).run().choice
    assert estimate["fine.jpg"].choice is None
    assert estimate["fine.png"].choice is None


@pytest.mark.parametrize(
    ("channels", "dtype", "target", "compare", "kinds", "words"),
    [
        (4, np.uint8, "out.jpg", None, [InvalidArgument], ["transparency"]),
        (3, np.uint16, "out.jpg", None, [InvalidArgument], ["uint16"]),
        (3, np.uint8, "out.bmp", None, [InvalidArgument], ["must end in"]),
        (3, np.uint8, "none/out.png", None, [ImageWriteError], ["does not exist"]),
        (3, np.uint8, "a.png", None, [ImageWriteError], ["the output is the input file"]),
        (3, np.uint8, "there.png", None, [ImageWriteError], ["exists already"]),
        (4, np.uint8, "there.jpg", "there.png", [ImageWriteError, ImageWriteError, InvalidArgument], ["exists"]),
        (3, np.uint8, "out.png", "out.png", [InvalidArgument], ["have the same name"]),
        (3, np.uint8, "out.png", "a.png", [ImageWriteError], ["the output is the input file"]),
    ],
)
def test_problems_are_those_of_the_job(
    upscaler: Upscaler,
    pixels: Make,
    saved: Saved,
    look: Look,
    tmp_path: Path,
    channels: int,
    dtype: Any,
    target: str,
    compare: str | None,
    kinds: list[type[SubpixelError]],
    words: list[str],
) -> None:
    source = saved("a.png", pixels(channels=channels, dtype=dtype))
    for name in ("there.png", "there.jpg"):
        (tmp_path / name).write_bytes(b"precious")
    job = Job(source, upscaler, destination=tmp_path / target, compare=None if compare is None else tmp_path / compare)
    before = look()
    estimate = estimate_job(job, NoTrial())
    assert [type(problem) for problem in estimate.problems] == kinds
    assert words[0] in str(estimate.problems[0])
    with pytest.raises(kinds[0]) as raised:
        job.run()
    assert str(raised.value) == str(estimate.problems[0])
    assert look() == before


def test_a_source_that_cannot_be_read(upscaler: Upscaler, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("not an image")
    for source in (tmp_path / "a.png", tmp_path / "none.png", tmp_path):
        estimate = estimate_job(Job(source, upscaler), NoTrial())
        assert (estimate.size_in, estimate.destination, len(estimate.problems)) == (None, None, 1)
        assert isinstance(estimate.problems[0], ImageReadError)


@pytest.mark.parametrize(("suffix", "width"), [(".jpg", 21_834), (".webp", 5_462)])
def test_too_large_for_the_format(upscaler: Upscaler, saved: Saved, tmp_path: Path, suffix: str, width: int) -> None:
    source = saved("wide.png", np.zeros((1, width, 1), np.uint8))
    estimate = estimate_job(Job(source, upscaler, destination=tmp_path / f"out{suffix}"), NoTrial())
    assert f"the result has {3 * width}×3" in str(estimate.problems[0])
    with pytest.raises(InvalidArgument) as raised:
        Job(source, upscaler, destination=tmp_path / f"out{suffix}").run()
    assert str(raised.value) == str(estimate.problems[0])
    saved("wide.png", np.zeros((1, width - 1, 1), np.uint8))
    assert estimate_job(Job(source, upscaler, destination=tmp_path / f"out{suffix}"), NoTrial()).problems == ()


def test_memory_counts_the_images(upscaler: Upscaler, saved: Saved, tmp_path: Path) -> None:
    def needed(shape: tuple[int, ...], dtype: Any = np.uint8, **options: Any) -> float:
        return estimate_job(Job(saved("a.png", np.zeros(shape, dtype)), upscaler, **options), NoTrial()).memory / 1e6

    none = needed((1, 1, 1))
    assert 80 < none < 150  # the process
    million = needed((1000, 1000, 1)) - none
    assert million > 1 + 9
    assert needed((1000, 1000, 3)) - none == pytest.approx(3 * million, rel=1e-3)
    assert needed((1000, 1000, 3), np.uint16) - none == pytest.approx(6 * million, rel=1e-3)
    assert needed((1000, 1000, 3), compare=tmp_path) > needed((1000, 1000, 3)) + 27


def test_each_kind_of_work_is_tried_once(
    upscaler: Upscaler, saved: Saved, look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = SpeedTrials()
    kinds = {"a.png": 3, "b.png": 3, "c.png": 4, "d.jpg": 3}
    jobs = [Job(saved(name, photograph(8, 8)[..., [0, 1, 2, 0][:n]]), upscaler) for name, n in kinds.items()]
    before = look()
    estimate = [estimate_job(job, trials) for job in jobs]
    assert look() == before
    assert estimate[0].seconds == estimate[1].seconds > 0
    assert len(trials._seconds) == 3


def test_synthetic_photographs() -> None:
    data = photograph(100, 150, 3)
    assert (data.shape, data.dtype) == ((100, 150, 3), np.uint8)
    np.testing.assert_array_equal(data, photograph(100, 150, 3))
    assert (data != photograph(100, 150, 4)).any()
    # They are as hard for codecs as photographs: 9 … 17 of 24 bits per pixel remain in a PNG.
    image = pyvips.Image.new_from_array(photograph(512, 512))
    assert 9 < len(image.write_to_buffer(".png", compression=3, filter="all")) * 8 / 512**2 < 17


@pytest.mark.parametrize("size", [{"scale": 2.5}, {"width": 40}, {"fit": (50, 7)}, {"scale": 6}], ids=str)
def test_any_size(pixels: Make, saved: Saved, size: dict[str, Any]) -> None:
    job = Job(saved("a.png", pixels(11, 17)), Upscaler(model="bicubic", **size))
    estimate = estimate_job(job)
    assert estimate.seconds > 0
    assert estimate.problems == ()
    done = job.run()
    assert (estimate.size_out, estimate.destination, estimate.notes) == (done.size_out, done.destination, done.notes)


def test_an_impossible_size(pixels: Make, saved: Saved, look: Look) -> None:
    job = Job(saved("a.png", pixels(11, 17)), Upscaler(model="bicubic", width=17 * 65))
    before = look()
    estimate = estimate_job(job, NoTrial())
    with pytest.raises(InvalidArgument) as raised:
        job.run()
    assert [str(problem) for problem in estimate.problems] == [str(raised.value)]
    assert (estimate.size_in, estimate.size_out) == ((17, 11), None)
    assert look() == before


@pytest.mark.parametrize("compressed", [False, True])
def test_pixels_are_read_if_they_decide_whether_the_job_succeeds(
    with_compressed: str, saved: Saved, tmp_path: Path, compressed: bool
) -> None:
    source = saved("a.png", photograph(64, 96) if compressed else photograph(24, 32))
    if compressed:
        Image.open(source).save(tmp_path / "a.jpg", quality=10)
        Image.open(tmp_path / "a.jpg").save(source)
    job = Job(source, Upscaler(1, model="auto"))
    estimate = estimate_job(job)
    if compressed:
        assert estimate.problems == ()
        assert estimate.choice is not None
        assert estimate.choice.model == with_compressed
        assert job.run().choice == estimate.choice
    else:
        with pytest.raises(InvalidArgument) as raised:
            job.run()
        assert list(map(str, estimate.problems)) == [str(raised.value)]


def test_a_huge_image_needs_little_memory_except_with_a_comparison(
    monkeypatch: pytest.MonkeyPatch, saved: Saved, tmp_path: Path
) -> None:
    source, bicubic = saved("a.png", np.zeros((8000, 9000, 1), np.uint8)), Upscaler(2, model="bicubic")
    assert estimate_job(Job(source, bicubic), NoTrial()).memory < 72e6 * (1 + 4)
    both = estimate_job(Job(source, bicubic, compare=tmp_path), NoTrial())
    assert both.memory > 72e6 * (1 + 4 + 4)
    monkeypatch.setattr(subpixel.image.job, "HUGE", 1)
    assert not Job(source, bicubic, compare=tmp_path).needs_rows(open_image(source), (1, 1))
    assert Job(source, bicubic).needs_rows(open_image(source), (1, 1))


def test_losses_of_a_format_are_notes(upscaler: Upscaler, pixels: Make, saved: Saved, tmp_path: Path) -> None:
    job = Job(saved("a.png", pixels()), upscaler, destination=tmp_path / "out.gif")
    estimate = estimate_job(job)
    assert estimate.notes == job.run().notes
    assert "256 colours" in estimate.notes[0]


def test_all_frames_count(upscaler: Upscaler, tmp_path: Path) -> None:
    frames = [Image.fromarray(photograph(40, 50, seed)) for seed in range(3)]
    for number in (1, 3):
        frames[0].save(tmp_path / f"{number}.webp", save_all=True, append_images=frames[1:number], lossless=True)
    one, three = (estimate_job(Job(tmp_path / f"{number}.webp", upscaler), NoTrial()) for number in (1, 3))
    assert three.seconds == pytest.approx(3 * one.seconds)
    assert three.size_out == (150, 120)


@pytest.mark.parametrize("size", [{"height": 8}, {"width": 12}, {"fit": (12, 8)}])
def test_a_size_that_the_image_has_already(pixels: Make, saved: Saved, tmp_path: Path, size: dict[str, Any]) -> None:
    """With ``auto``, whose model for compressed images a scale of 1 would call for."""
    job = Job(saved("a.png", pixels(8, 12)), Upscaler(**size), tmp_path / "b.png")
    estimate, result = estimate_job(job), job.run()
    assert (estimate.problems, estimate.size_out) == ((), result.size_out)
