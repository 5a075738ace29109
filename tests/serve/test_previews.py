"""Previews: parts of pictures, frames, and where the limits of a source and of a result differ."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from helpers import random_image, save_image
from serve.conftest import client_of
from subpixel.serve.processes.rasters import Raster


def pixels_of(answer: httpx.Response) -> NDArray[np.uint8]:
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


@pytest.fixture(scope="module")
def job(client: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A job whose result is 2.5 times as large, of a picture with odd sides."""
    path = save_image(tmp_path_factory.mktemp("parts") / "a.png", random_image((333, 517, 3), np.uint8))
    made = client.post("/v1/images?scale=2.5", content=path.read_bytes())
    assert made.status_code == 200, made.text
    return made.headers["x-subpixel-job"]


@pytest.mark.parametrize("of", ["source", "result", "bicubic"])
def test_a_part_is_that_of_the_whole(client: httpx.Client, job: str, of: str) -> None:
    url = f"/v1/jobs/{job}/preview"
    whole = pixels_of(client.get(url, params={"of": of}))
    height, width = whole.shape[:2]
    for box in ((0, 0, 7, 5), (100, 60, 64, 128), (width - 50, height - 40, 50, 40), (0, 0, width, height)):
        part = pixels_of(client.get(url, params={"of": of, "region": ",".join(map(str, box))}))
        left, top, wide, high = box
        np.testing.assert_array_equal(part, whole[top : top + high, left : left + wide])


@pytest.mark.parametrize("of", ["source", "result", "bicubic"])
def test_a_part_is_made_smaller(client: httpx.Client, job: str, of: str) -> None:
    url = f"/v1/jobs/{job}/preview"
    whole = pixels_of(client.get(url, params={"of": of})).astype(float)
    part = pixels_of(client.get(url, params={"of": of, "region": "8,16,400,200", "max": 100}))
    assert part.shape == (50, 100, 3)
    means = whole[16:216, 8:408].reshape(50, 4, 100, 4, 3).mean(axis=(1, 3))
    assert np.abs(part - means).mean() < 12  # random pixels: another part would differ by 25 and more


def test_parts_that_are_not_there_are_refused(client: httpx.Client, job: str) -> None:
    for region in ("0,0,518,1", "517,0,1,1", "0,0,0,1", "1,2,3", "a,b,c,d", "0,0,1,1,1", "-1,0,1,1"):
        answer = client.get(f"/v1/jobs/{job}/preview", params={"of": "source", "region": region})
        assert answer.status_code == 422, region


def test_a_large_part_needs_a_size(serve: Any, tmp_path: Path) -> None:
    path = save_image(tmp_path / "wide.png", random_image((4, 2100, 3), np.uint8))
    with client_of(serve()) as client:
        url = client.post("/v1/images", content=path.read_bytes()).headers["x-subpixel-job"]
        url = f"/v1/jobs/{url}/preview?region=0,0,4200,8"
        assert client.get(url).status_code == 422
        assert pixels_of(client.get(f"{url}&max=2048")).shape == (4, 2048, 3)


def test_what_a_client_has_is_not_made_again(serve: Any, photo: Path) -> None:
    running = serve()
    with client_of(running) as client:
        job = client.post("/v1/images", content=photo.read_bytes()).headers["x-subpixel-job"]
        url = f"/v1/jobs/{job}/preview?region=1,2,10,10"
        etag = client.get(url).headers["etag"]
        for path in running.service.files.folder(job).glob("preview-*.png"):
            path.unlink()
        assert client.get(url, headers={"If-None-Match": etag}).status_code == 304
        assert not list(running.service.files.folder(job).glob("preview-*.png"))
        assert client.get(url).headers["etag"] == etag


def test_frames_of_an_animation(client: httpx.Client, tmp_path: Path) -> None:
    frames = [Image.fromarray(random_image((20, 30, 3), np.uint8, number)) for number in range(3)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True, duration=100)
    made = client.post("/v1/images", content=(tmp_path / "a.webp").read_bytes())
    assert made.status_code == 200, made.text
    url = f"/v1/jobs/{made.headers['x-subpixel-job']}"
    assert client.get(url).json()["frames"] == 3
    for number, frame in enumerate(frames, 1):
        for region in ({}, {"region": "5,6,10,8"}):
            params = {"of": "source", "frame": number, **region}
            shown = pixels_of(client.get(f"{url}/preview", params=params))[..., :3]
            expected = np.asarray(frame)
            np.testing.assert_array_equal(shown, expected[6:14, 5:15] if region else expected)
    assert client.get(f"{url}/preview?frame=4").status_code == 422
    assert client.get(f"{url}/preview?frame=4&region=0,0,1,1").status_code == 422


def test_a_picture_that_lies_on_its_side(client: httpx.Client, tmp_path: Path) -> None:
    image = Image.fromarray(random_image((40, 60, 3), np.uint8))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.png", exif=exif)
    made = client.post("/v1/images", content=(tmp_path / "a.png").read_bytes())
    url = f"/v1/jobs/{made.headers['x-subpixel-job']}"
    source = client.get(url).json()["source"]
    assert (source["width"], source["height"]) == (40, 60)
    shown = pixels_of(client.get(f"{url}/preview?of=source&region=10,20,30,40"))
    np.testing.assert_array_equal(shown, np.rot90(np.asarray(image), -1)[20:60, 10:40])


def test_a_raster_is_decoded_in_rows(tmp_path: Path) -> None:
    pixels = random_image((3001, 1703, 1), np.uint16)
    path = save_image(tmp_path / "a.tif", pixels)
    raster = Raster.make(tmp_path / "r", path, limit=100, page=None, frame=1)
    assert Raster.open(tmp_path / "r") == raster
    assert [raster.level_size(level) for level in range(raster.levels)] == [
        *((1703, 3001), (852, 1501), (426, 751), (213, 376))
    ]
    codes = (pixels.astype(np.uint32) + 128) // 257
    np.testing.assert_array_equal(raster.read((1700, 2999, 3, 2)), codes[2999:, 1700:])
    padded = np.pad(codes, ((0, 1), (0, 1), (0, 0)), mode="edge")
    means = (padded.reshape(1501, 2, 852, 2, 1).sum(axis=(1, 3)) + 2) // 4
    np.testing.assert_array_equal(raster.read((0, 0, 852, 1501), 1), means)
    assert not list(tmp_path.glob("*.part"))


def test_a_result_may_be_larger_than_a_source(serve: Any, photo: Path) -> None:
    with client_of(serve(limit=0.001)) as client:  # 1,000 pixels: the photo has 864, its result 3,456
        answer = client.post("/v1/images", params={"scale": 2}, content=photo.read_bytes())
        job = answer.headers["x-subpixel-job"]
        for of in ("source", "result", "bicubic"):
            preview = client.get(f"/v1/jobs/{job}/preview", params={"of": of, "max": 20})
            assert (preview.status_code, preview.headers["content-type"]) == (200, "image/png"), preview.text
