"""Missing data (GDAL_NODATA) does not spread, and the range of floating point values is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subpixel.image.files.rows
import subpixel.image.job
from image.tiff_files import image, ramp, text, tiff
from subpixel import Upscaler
from subpixel.image.files.reading import read
from subpixel.image.job import Job, Result
from subpixel.image.missing_data import MissingData

HEIGHTS = np.add.outer(np.linspace(0.2, 0.5, 90), np.linspace(0, 0.3, 70)).astype(np.float32)


def holes(pixels: NDArray[Any], value: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Pixels with an island, a corner, a whole edge, single pixels and a deep area missing; and where."""
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    missing = (
        ((y - 20) ** 2 + (x - 30) ** 2 < 60) | (y + x < 12) | (x > 66) | ((y % 17 == 5) & (x % 23 == 7)) | (y > 45)
    )
    pixels = pixels.copy()
    pixels[missing] = value
    return pixels, missing


def run(folder: Path, pixels: NDArray[Any], nodata: str, **size: Any) -> tuple[Result, NDArray[Any]]:
    (folder / "a.tif").write_bytes(tiff(image(pixels, {42113: text(nodata)})))
    size = size or {"scale": 2}
    job = Job(folder / "a.tif", Upscaler(model="fast", precision="f32", **size), destination=folder / "b.tif")
    result = Job(job.source, job.upscaler, destination=job.destination, overwrite=True).run()
    return result, read(folder / "b.tif").pixels


@pytest.mark.parametrize("nodata", ["-9999", "nan", "0", "-3.4028234663852886e+38"])
@pytest.mark.parametrize("size", [{"scale": 2}, {"width": 100}], ids=str)
def test_missing_data_stays_missing_and_does_not_spread(tmp_path: Path, nodata: str, size: dict[str, Any]) -> None:
    value = np.float32(nodata)
    pixels, missing = holes(HEIGHTS, value)
    result, upscaled = run(tmp_path, pixels, nodata, **size)
    height, width = upscaled.shape[:2]
    nearest = np.ix_((2 * np.arange(height) + 1) * 90 // (2 * height), (2 * np.arange(width) + 1) * 70 // (2 * width))
    there = np.isnan(upscaled[..., 0]) if nodata == "nan" else upscaled[..., 0] == value
    np.testing.assert_array_equal(there, missing[nearest])
    whole = Upscaler(model="fast", precision="f32", **size)(HEIGHTS)
    assert np.abs(upscaled[..., 0] - whole)[~there].max() < 0.03
    shown = f"{value:g}"
    count = int(missing.sum())
    assert result.notes == (
        f"{count} pixels of missing data (GDAL_NODATA {shown}) were filled for upscaling and are missing in the result"
        " again",
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_pixel_is_missing_if_all_of_its_colours_have_the_value(tmp_path: Path, channels: int, dtype: Any) -> None:
    pixels = np.full((20, 20, channels), 100, dtype)
    pixels[4, 4] = 255
    pixels[10, 10] = 0
    if channels > 2:
        pixels[15, 15, 0] = 0  # one colour alone is a colour
    extra = {338: (3, [2])} if channels in (2, 4) else {}
    (tmp_path / "a.tif").write_bytes(tiff(image(pixels, {42113: text("0"), **extra})))
    result = Job(tmp_path / "a.tif", Upscaler(model="bicubic"), destination=tmp_path / "b.tif").run()
    upscaled = read(tmp_path / "b.tif").pixels
    colours = channels - (channels in (2, 4))
    missing = (upscaled[..., :colours] == 0).all(axis=2)
    assert missing.sum() == 4
    assert missing[20:22, 20:22].all()
    assert (upscaled[18:24, 18:24, :colours][~missing[18:24, 18:24]] == 100).all()
    assert any(note.startswith("1 pixel of missing data (GDAL_NODATA 0) were") for note in result.notes)


@pytest.mark.parametrize("nodata", ["-1", "256", "1.5", "none", ""])
def test_a_value_that_no_sample_has_is_nothing(tmp_path: Path, nodata: str) -> None:
    result, _ = run(tmp_path, ramp(), nodata)
    assert result.notes == ()


@pytest.mark.parametrize("orientation", [1, 6])
def test_rows_give_the_same_as_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, orientation: int) -> None:
    pixels, _ = holes(HEIGHTS, -9999)
    content = tiff(image(pixels, {42113: text("-9999"), 274: (3, [orientation])}))
    (tmp_path / "a.tif").write_bytes(content)
    upscaler = Upscaler(2, model="fast")
    whole = Job(tmp_path / "a.tif", upscaler, destination=tmp_path / "whole.tif").run()
    monkeypatch.setattr(subpixel.image.job, "HUGE", 0)
    monkeypatch.setattr(subpixel.image.files.rows, "_AT_ONCE", 2000)  # bytes: some rows at a time
    rows = Job(tmp_path / "a.tif", upscaler, destination=tmp_path / "rows.tif").run()
    np.testing.assert_array_equal(read(tmp_path / "whole.tif").pixels, read(tmp_path / "rows.tif").pixels)
    assert whole.notes == rows.notes


@pytest.mark.parametrize("heights", [[90], [1] * 90, [33, 57], [64, 1, 25], [89, 1]], ids=str)
def test_filling_does_not_depend_on_blocks(heights: list[int]) -> None:
    pixels, _ = holes(HEIGHTS[..., None], -9999)

    def filled(rows: list[int]) -> NDArray[Any]:
        data = MissingData(-9999, (90, 70), (180, 140), 1)
        return np.concatenate(list(data.fill(np.split(pixels, np.cumsum(rows)[:-1]))))

    np.testing.assert_array_equal(filled(heights), filled([90]))


@pytest.mark.parametrize("rows", [False, True])
def test_values_far_from_0_to_1_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: bool) -> None:
    monkeypatch.setattr(subpixel.image.job, "HUGE", 0 if rows else 1 << 40)
    for number, (values, note) in enumerate(
        [
            (HEIGHTS * 4000, f"values from {HEIGHTS.min() * 4000:g} to {HEIGHTS.max() * 4000:g} are far from 0 … 1"),
            (HEIGHTS - 2, "are far from 0 … 1"),
            (HEIGHTS, ""),
            (HEIGHTS + 0.5, ""),
            (
                HEIGHTS * np.float32(np.nan),
                "6300 pixels that were NaN or infinite were filled for upscaling and are NaN in the result",
            ),
        ]
    ):
        (tmp_path / "a.tif").write_bytes(tiff(image(values.astype(np.float32))))
        destination = tmp_path / f"{number}.tif"
        notes = Job(tmp_path / "a.tif", Upscaler(2, model="bicubic"), destination=destination).run().notes
        assert len(notes) == bool(note)
        assert note in "".join(notes)


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("nodata", [None, "-9999"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_does_not_spread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float, nodata: str | None, rows: bool
) -> None:
    monkeypatch.setattr(subpixel.image.job, "HUGE", 0 if rows else 1 << 40)
    pixels = np.repeat(HEIGHTS[..., None], 3, axis=2)
    pixels[40, 30, 1] = value
    (tmp_path / "a.tif").write_bytes(tiff(image(pixels, {} if nodata is None else {42113: text(nodata)})))
    job = Job(tmp_path / "a.tif", Upscaler(2, model="fast", precision="f32"), destination=tmp_path / "b.tif")
    result, upscaled = job.run(), read(tmp_path / "b.tif").pixels
    after = "NaN" if nodata is None else nodata
    assert result.notes == (f"a pixel that was NaN or infinite was filled for upscaling and is {after} in the result",)
    lost = (np.isnan(upscaled) if nodata is None else upscaled == float(nodata)).all(axis=2)
    assert [*zip(*np.nonzero(lost), strict=True)] == [(80, 60), (80, 61), (81, 60), (81, 61)]
    whole = Upscaler(2, model="fast", precision="f32")(np.repeat(HEIGHTS[..., None], 3, axis=2))
    assert np.abs(upscaled - whole)[~lost].max() < 0.03


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_alpha_that_is_no_number_does_not_spread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float, rows: bool
) -> None:
    monkeypatch.setattr(subpixel.image.job, "HUGE", 0 if rows else 1 << 40)
    pixels = np.repeat(HEIGHTS[..., None], 4, axis=2)
    pixels[..., 3] = 0.5
    whole = Upscaler(2, model="fast", precision="f32")(pixels)
    pixels[40, 30, 3] = value
    (tmp_path / "a.tif").write_bytes(tiff(image(pixels, {338: (3, [2])})))
    job = Job(tmp_path / "a.tif", Upscaler(2, model="fast", precision="f32"), destination=tmp_path / "b.tif")
    result, upscaled = job.run(), read(tmp_path / "b.tif").pixels
    assert result.notes == ("alpha of a pixel was NaN or infinite, was filled for upscaling and is NaN in the result",)
    lost = np.isnan(upscaled[..., 3])
    assert [*zip(*np.nonzero(lost), strict=True)] == [(80, 60), (80, 61), (81, 60), (81, 61)]
    assert np.isfinite(upscaled[..., :3]).all()
    assert np.abs(upscaled - whole)[~lost].max() < 0.03
