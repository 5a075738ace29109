"""The expected size of a result's file, beside what is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import save_image
from subpixel.image.estimate import estimate_job
from subpixel.image.job import Job
from subpixel.image.result_bytes import expected_bytes
from subpixel.image.synthetic import photograph
from subpixel.models.auto import Source
from subpixel.upscaler import Upscaler


@pytest.mark.parametrize("scale", [2, 3.5])
@pytest.mark.parametrize("source", ["a.png", "a.jpg", "a.webp"])
def test_it_is_right_within_a_factor_of_two(tmp_path: Path, source: str, scale: float) -> None:
    path = save_image(tmp_path / source, photograph(240, 320))
    job = Job(path, Upscaler(scale, model="fast", threads=1))
    estimate = estimate_job(job)
    size = job.run().destination.stat().st_size
    assert size <= estimate.bytes_most
    assert estimate.bytes_out is None or size / 2 <= estimate.bytes_out <= size * 2
    assert source != "a.png" or estimate.bytes_out is not None


def test_it_is_not_guessed(tmp_path: Path) -> None:
    png, jpeg = Source(), Source("jpeg", 80)
    assert expected_bytes(png, "pngload", 10**5, 10**5, 4 * 10**5, ".png") is not None
    assert expected_bytes(png, "pngload", 10**5, 10**5, 4 * 10**5, ".jpg") is None  # 0.1 to 1 of the source
    assert expected_bytes(png, "tiffload", 10**5, 10**5, 4 * 10**5, ".png") is None
    assert expected_bytes(png, "pngload", 500, 10**5, 4 * 10**5, ".png") is None
    assert expected_bytes(png, "pngload", 10**5, 10**5, 10**5, ".png") is None
    assert expected_bytes(jpeg, "jpegload", 10**5, 10**5, 4 * 10**5, ".jpeg") is not None
    assert expected_bytes(Source("jpeg"), "jpegload", 10**5, 10**5, 4 * 10**5, ".jpg") is None
    assert expected_bytes(Source("avif"), "heifload", 10**5, 10**5, 4 * 10**5, ".avif") is None
