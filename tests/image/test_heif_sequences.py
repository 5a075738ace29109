"""Animated AVIF: every frame, its time and the number of repetitions; HEIC by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from image.heif_files import Item, box, coded, heif, nclx, sequence
from subpixel import Upscaler
from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.image import Job, read
from subpixel.image.estimate import estimate_job
from subpixel.image.files.containers import isobmff
from subpixel.image.files.containers.isobmff_tracks import Track
from subpixel.image.files.decoders.heif_sequence import open_sequence
from subpixel.image.files.source_metadata import get_field

Y, X = np.mgrid[:16, :24]
FRAMES = [np.dstack([(X * 8 + 30 * k) % 256, Y * 15, 255 - X * 5]).astype(np.uint8) for k in range(4)]
ALPHA = (255 - X * 9).astype(np.uint8)


@pytest.fixture
def moving(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str = "a.avif", alpha: bool = False, **options: Any) -> Path:
        pixels = [np.dstack([frame, ALPHA]) if alpha else frame for frame in FRAMES]
        first, *others = (Image.fromarray(frame) for frame in pixels)
        settings = {"quality": 100, "subsampling": "4:4:4", "duration": [40, 80, 120, 160], "loop": 3, **options}
        first.save(tmp_path / name, "AVIF", save_all=True, append_images=others, **settings)
        return tmp_path / name

    return make


def decoded(path: Path) -> list[NDArray[Any]]:
    with Image.open(path) as image:
        frames = []
        for number in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(number)
            frames.append(np.asarray(image))
        return frames


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0", "4:2:2", "4:0:0"])
@pytest.mark.parametrize("full", ["full", "limited"])
def test_all_frames_are_read(moving: Callable[..., Path], alpha: bool, subsampling: str, full: str) -> None:
    path = moving(alpha=alpha, subsampling=subsampling, range=full)
    image = read(path)
    assert image.notes == ()
    assert image.pages == 4
    expected = decoded(path)
    assert len(expected) == 4
    for found, wanted in zip(image.frames, expected, strict=True):
        if subsampling == "4:0:0":  # Pillow has L, or RGBA with alpha
            wanted = wanted[..., None] if wanted.ndim == 2 else wanted[..., [0, 3]]
        difference = np.abs(found.astype(int) - wanted)
        # The same decoder; chroma is interpolated by other means.
        assert difference.max() <= (2 if subsampling in ("4:4:4", "4:0:0") else 60)
        assert difference.mean() <= 1.5


def test_times_and_repetitions(moving: Callable[..., Path], upscaler: Upscaler, tmp_path: Path) -> None:
    path = moving()
    header = read(path).header
    assert get_field(header, "delay", []) == [40, 80, 120, 160]
    result = Job(path, upscaler).run()
    assert result.destination.suffix == ".webp"
    with Image.open(result.destination) as image:
        assert image.n_frames == 4  # type: ignore[attr-defined]
        assert image.size == (48, 32)
    assert get_field(read(result.destination).header, "delay", []) == [40, 80, 120, 160]
    as_png = Job(path, upscaler, tmp_path / "b.png").run()
    with Image.open(as_png.destination) as image:
        assert image.n_frames == 4  # type: ignore[attr-defined]
    assert estimate_job(Job(path, upscaler, tmp_path / "c.webp")).problems == ()
    for suffix in ("avif", "jpg"):
        with pytest.raises(InvalidArgument, match="the image has 4 frames"):
            Job(path, upscaler, tmp_path / f"c.{suffix}").run()


def test_frames_of_an_animation_that_libvips_opens_as_a_still(moving: Callable[..., Path], tmp_path: Path) -> None:
    """By its major brand the file is an image, by a compatible one a sequence."""
    content = moving().read_bytes()
    assert content[8:12] == b"avis"
    path = tmp_path / "b.avif"
    path.write_bytes(content[:8] + b"avif" + content[12:])
    np.testing.assert_array_equal(read(path).pixels, read(tmp_path / "a.avif").pixels)


def test_metadata_of_a_sequence(moving: Callable[..., Path], upscaler: Upscaler, tmp_path: Path, wide: bytes) -> None:
    block = Image.Exif()
    block[0x010F] = "Maker"
    path = moving(exif=block, icc_profile=wide)
    result = Job(path, upscaler, tmp_path / "b.webp").run()
    assert result.notes == ()
    with Image.open(result.destination) as image:
        assert image.getexif()[0x010F] == "Maker"
        assert image.info["icc_profile"] == wide


def test_damaged_sequences(moving: Callable[..., Path]) -> None:
    path = moving()
    content = path.read_bytes()
    at = content.index(b"mdat")
    path.write_bytes(content[: at + 4] + bytes(len(content) - at - 4))
    with pytest.raises(ImageReadError, match=r"a.avif: the image is damaged or truncated \("):
        read(path)
    path.write_bytes(content.replace(b"stts", b"xxxx"))
    with pytest.raises(ImageReadError, match="the image sequence is damaged: its tables do not agree"):
        read(path)


def test_a_sequence_whose_frames_cannot_be_found(tmp_path: Path) -> None:
    data, kinds = coded(FRAMES[0])
    still = Item(b"av01", data, (*kinds, nclx(1, 13, 0)))
    (tmp_path / "a.avif").write_bytes(heif([still], before=sequence(5), brand=b"avis"))
    with pytest.raises(ImageReadError, match="the image sequence is damaged"):
        read(tmp_path / "a.avif")
    (tmp_path / "b.avif").write_bytes(heif([still], brand=b"avis"))  # no sequence in spite of its brand
    np.testing.assert_array_equal(read(tmp_path / "b.avif").pixels, FRAMES[0])


def test_numbers_that_libvips_cannot_hold() -> None:
    times = ((1, 3), (2**32 - 2, 2**32 - 1), (7, 4_000_000_000))
    track = Track(1, "pict", 3, times, (24, 16), "av01", 0, (), 1, 2**40, ())
    found = open_sequence(isobmff.Contents(tracks=[track]))
    assert found is not None
    assert (found.layout.times, found.layout.plays) == (((1, 3), (1, 1), (0, 1)), 0)
    with pytest.raises(ImageReadError, match="a frame is shown for more than a day"):
        open_sequence(isobmff.Contents(tracks=[track._replace(times=((86_401, 1),) * 3)]))
    with pytest.raises(ImageReadError, match="turned by no right angle"):
        open_sequence(isobmff.Contents(tracks=[track._replace(orientation=0)]))


@pytest.mark.parametrize(
    ("kind", "brand", "name"),
    [(b"hvc1", b"heic", r"HEIC \(HEVC\)"), (b"hvc1", b"mif1", r"HEIC \(HEVC\)"), (b"vvc1", b"mif1", "VVIC"),
     (b"xyz1", b"mif1", "HEIF with images of type xyz1")],
)  # fmt: skip
def test_other_codecs_are_named(upscaler: Upscaler, tmp_path: Path, kind: bytes, brand: bytes, name: str) -> None:
    data, kinds = coded(FRAMES[0])
    configuration = box({b"hvc1": b"hvcC", b"vvc1": b"vvcC"}.get(kind, b"free"), bytes(23))
    path = tmp_path / "a.heic"
    path.write_bytes(heif([Item(kind, data, (configuration, kinds[1], nclx(1, 13, 0)))], brand=brand))
    with pytest.raises(ImageReadError, match=f"this is {name}.*, which the installed libvips cannot read; convert it"):
        read(path)
    (problem,) = estimate_job(Job(path, upscaler)).problems
    assert "cannot read; convert it to PNG or TIFF" in str(problem)
