"""Images processed row by row: the same bytes in bounded memory, and no leftovers after failures."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

import subpixel
import subpixel.image.files.rows
import subpixel.image.job
from subpixel import Upscaler
from subpixel.errors import ImageReadError, ImageWriteError, InvalidArgument
from subpixel.image import Job, read
from subpixel.image.files.reading import open_image
from subpixel.image.files.row_source import save_rows
from subpixel.image.files.rows import inspect_rows
from subpixel.ops.compression_traces import Traces, traces_of
from subpixel.upscaler.pixels import alpha_of

Make = Callable[..., NDArray[Any]]
Saved = Callable[..., Path]
Look = Callable[[], dict[str, Any]]


@pytest.fixture
def by_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Process every image by rows, in blocks of a few rows."""
    monkeypatch.setattr(subpixel.image.job, "HUGE", 0)
    monkeypatch.setattr(subpixel.image.files.rows, "_AT_ONCE", 2000)
    monkeypatch.setattr("subpixel.upscaler.upscaler._STREAMED", 3000)


def turned(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """The stored form of an upright image for an orientation: the inverses of EXIF's rotations."""
    turns: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
        1: lambda x: x,
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.transpose(1, 0, 2),
        6: lambda x: np.rot90(x, 1),
        7: lambda x: x[::-1, ::-1].transpose(1, 0, 2),
        8: lambda x: np.rot90(x, -1),
    }
    return np.ascontiguousarray(turns[orientation](values))


def with_orientation(path: Path, orientation: int) -> Path:
    image = pyvips.Image.new_from_file(str(path)).copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    result = path.with_name(f"turned{path.suffix}")
    image.write_to_file(str(result))
    return result


@pytest.mark.usefixtures("by_rows")
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("channels", "dtype"), [(1, np.uint8), (2, np.uint16), (3, np.uint8), (4, np.uint8), (3, np.float32)]
)
def test_rows_give_the_same_pixels_as_the_whole(
    saved: Saved, pixels: Make, look: Look, tmp_path: Path, orientation: int, channels: int, dtype: Any
) -> None:
    upright = pixels(53, 31, channels, dtype)
    source = with_orientation(saved("a.tif", turned(upright, orientation)), orientation)
    for scale in (2, 2.5, 0.5):
        messages: list[tuple[int, int]] = []
        job = Job(source, Upscaler(scale, model="fast"), tmp_path / "b.tif", overwrite=True)
        result = job.run(lambda done, total, messages=messages: messages.append((done, total)))
        expected = subpixel.upscale(upright, scale, model="fast")
        np.testing.assert_array_equal(read(tmp_path / "b.tif").pixels, expected)
        assert result.size_in == (31, 53)
        assert result.size_out == expected.shape[1::-1]
        assert messages[-1] == (len(expected), len(expected))
        assert messages == sorted(messages)
        assert len(messages) > 1 or scale == 0.5
        assert open_image(tmp_path / "b.tif").orientation == 1
    assert set(look()) == {"a.tif", "turned.tif", "b.tif"}


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
def test_rows_give_the_same_file_as_the_whole(
    saved: Saved, pixels: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    image = Image.fromarray(pixels(40, 30))
    exif = Image.Exif()
    exif[0x0132] = "2024:05:06 07:08:09"
    image.save(tmp_path / "a.png", exif=exif, dpi=(240, 240))
    for huge, name in ((1 << 40, f"whole{suffix}"), (0, f"rows{suffix}")):
        monkeypatch.setattr(subpixel.image.job, "HUGE", huge)
        Job(tmp_path / "a.png", Upscaler(2.5, model="fast"), tmp_path / name).run()
    assert (tmp_path / f"rows{suffix}").read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()


@pytest.mark.usefixtures("by_rows")
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (3, 2)])
def test_the_smallest_images(saved: Saved, pixels: Make, tmp_path: Path, size: tuple[int, int]) -> None:
    source = saved("a.png", pixels(*size, 4))
    for name in ("fast", "bicubic"):
        Job(source, Upscaler(2.5, model=name), tmp_path / "b.png", overwrite=True).run()
        expected = subpixel.upscale(read(source).pixels, 2.5, model=name)
        np.testing.assert_array_equal(read(tmp_path / "b.png").pixels, expected)


@pytest.mark.parametrize("size", [(30, 400), (64, 64), (300, 290), (1500, 1200)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_inspection_finds_what_the_whole_image_shows(size: tuple[int, int], channels: int) -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(0, 256, (-(-size[0] // 8), -(-size[1] // 8), channels), np.uint8).repeat(8, 0).repeat(8, 1)
    x = x[: size[0], : size[1]]
    for alpha in (None, 255):
        if channels == 4 and alpha is not None:
            x[..., 3] = alpha
        blocks = [x[top : top + 37] for top in range(0, len(x), 37)]
        found = inspect_rows(blocks, x.shape, measure=True)
        assert found == (alpha_of(x), traces_of(x))
        assert inspect_rows(blocks, x.shape, measure=False) == (alpha_of(x), Traces())


def test_inspection_stops_as_early_as_possible() -> None:
    def blocks() -> Iterator[NDArray[np.uint8]]:
        yield np.zeros((5, 3, 4), np.uint8)
        raise AssertionError("more was asked for")

    assert inspect_rows(blocks(), (10, 3, 4), measure=False) == ("transparent", Traces())
    assert inspect_rows(blocks(), (10, 3, 3), measure=False) == ("none", Traces())


@pytest.mark.usefixtures("by_rows", "with_compressed")
@pytest.mark.parametrize("blocky", [False, True])
def test_auto_chooses_the_same(tmp_path: Path, blocky: bool) -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(0, 256, (160, 120, 3), np.uint8)
    if blocky:
        x = x[:20, :15].repeat(8, 0).repeat(8, 1)
    Image.fromarray(x).save(tmp_path / "a.png")
    result = Job(tmp_path / "a.png", Upscaler(2, model="auto"), tmp_path / "b.png").run()
    assert result.choice == Upscaler(2, model="auto").choose_model(x)
    assert result.choice.compressed == blocky
    np.testing.assert_array_equal(read(tmp_path / "b.png").pixels, subpixel.upscale(x, 2))


@pytest.mark.usefixtures("by_rows")
def test_other_colour_spaces_are_converted_likewise(tmp_path: Path) -> None:
    Image.new("CMYK", (33, 41), (0, 200, 30, 10)).save(tmp_path / "c.jpg")
    result = Job(tmp_path / "c.jpg", Upscaler(2, model="bicubic"), tmp_path / "b.png").run()
    assert "cmyk" in result.notes[0]
    expected = subpixel.upscale(read(tmp_path / "c.jpg").pixels, 2, model="bicubic")
    np.testing.assert_array_equal(read(tmp_path / "b.png").pixels, expected)


# Failures


@pytest.mark.usefixtures("by_rows")
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_truncated_image_leaves_the_old_result(
    saved: Saved, pixels: Make, look: Look, tmp_path: Path, orientation: int
) -> None:
    source = with_orientation(saved("a.tif", pixels(400, 300)), orientation)
    source.write_bytes(source.read_bytes()[:200000])
    (tmp_path / "b.tif").write_bytes(b"the result of yesterday")
    before = look()
    with pytest.raises(ImageReadError):
        Job(source, Upscaler(2, model="bicubic"), tmp_path / "b.tif", overwrite=True).run()
    assert look() == before


@pytest.mark.usefixtures("by_rows")
@pytest.mark.parametrize("failure", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("orientation", [1, 6])
def test_an_interrupt_leaves_nothing(
    saved: Saved, pixels: Make, look: Look, tmp_path: Path, failure: type[BaseException], orientation: int
) -> None:
    source = with_orientation(saved("a.tif", pixels(200, 100)), orientation)
    before = look()

    def interrupt(done: int, _: int) -> None:
        if done > 100:
            raise failure

    with pytest.raises(failure):
        Job(source, Upscaler(2, model="bicubic"), tmp_path / "b.png").run(interrupt)
    assert look() == before


@pytest.mark.usefixtures("by_rows")
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
def test_a_writer_that_fails_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, saved: Saved, pixels: Make, look: Look, tmp_path: Path, failure: BaseException
) -> None:
    source = saved("a.png", pixels(200, 100))
    before = look()

    def half(image: pyvips.Image, *_: Any, **options: Any) -> None:
        (scratch,) = tmp_path.glob(".*.png")
        scratch.write_bytes(b"half of")
        raise failure

    monkeypatch.setattr(pyvips.Image, "write_to_target", half)
    with pytest.raises((ImageWriteError, KeyboardInterrupt, MemoryError)):
        Job(source, Upscaler(2, model="bicubic"), tmp_path / "b.png").run()
    assert look() == before


@pytest.mark.usefixtures("by_rows")
def test_too_little_disk_space_for_turning(
    monkeypatch: pytest.MonkeyPatch, saved: Saved, pixels: Make, look: Look, tmp_path: Path
) -> None:
    source = with_orientation(saved("a.tif", pixels(200, 100)), 6)
    before = look()
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(ImageWriteError, match=r"MiB are needed to turn .* upright"):
        Job(source, Upscaler(2, model="bicubic"), tmp_path / "b.png").run()
    assert look() == before


@pytest.mark.usefixtures("by_rows")
def test_what_the_format_cannot_hold_is_an_error_before_any_work(saved: Saved, pixels: Make, tmp_path: Path) -> None:
    source = saved("a.png", pixels(20, 10, 4))
    messages: list[int] = []
    with pytest.raises(InvalidArgument, match="transparency"):
        Job(source, Upscaler(2, model="bicubic"), tmp_path / "b.jpg").run(lambda done, _: messages.append(done))
    assert not messages


# Rows to libvips


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (3000, 1), (1300, 700)])
def test_libvips_reads_the_rows(dtype: Any, channels: int, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    x = (rng.random((*size, channels)) * (1 if dtype == np.float32 else np.iinfo(dtype).max)).astype(dtype)
    got: list[NDArray[Any]] = []
    fields: list[str] = []

    def save(image: pyvips.Image) -> None:
        fields.extend(image.get_fields())
        got.append(image.numpy())

    cuts = sorted({0, *rng.integers(0, size[0], 5).tolist(), size[0]})
    save_rows((x[a:b] for a, b in itertools.pairwise(cuts)), (*size, channels), np.dtype(dtype), save)
    np.testing.assert_array_equal(got[0].reshape(x.shape), x)
    assert got[0].dtype == dtype
    assert set(fields) == set(pyvips.Image.black(1, 1).get_fields())


def test_a_reader_that_stops_ends_the_rows() -> None:
    def blocks() -> Iterator[NDArray[np.uint8]]:
        for _ in range(1000):
            yield np.zeros((1, 1 << 16, 3), np.uint8)

    def save(_: pyvips.Image) -> None:
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        save_rows(blocks(), (1000, 1 << 16, 3), np.dtype(np.uint8), save)


# Memory

# The peak memory of this program alone: getrusage starts with the memory of the parent process.
_RUN = """
import re, sys
from pathlib import Path
from subpixel import Upscaler
from subpixel.image import Job
Job(Path(sys.argv[1]), Upscaler(2, model="fast"), Path(sys.argv[2])).run()
print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says this of a process")
@pytest.mark.parametrize(
    ("orientation", "rows", "most"), [pytest.param(1, 15000, 700, marks=pytest.mark.long), (6, 3000, 450)]
)
def test_a_large_image_needs_little_memory(tmp_path: Path, orientation: int, rows: int, most: int) -> None:
    """15 megapixels with alpha become 60, 300 MB of pixels; 75 become 300, 1.5 GB."""
    band = np.tile(np.arange(5000, dtype=np.uint8)[None, :, None], (rows, 1, 3))
    image = pyvips.Image.new_from_array(band).copy(interpretation="srgb").bandjoin(255).copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    image.write_to_file(str(tmp_path / "a.tif"))
    command = [sys.executable, "-c", _RUN, str(tmp_path / "a.tif"), str(tmp_path / "b.tif")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < most << 10  # KiB
    upright = (5000, rows) if orientation == 1 else (rows, 5000)
    assert open_image(tmp_path / "b.tif").shape == (upright[1] * 2, upright[0] * 2, 4)
