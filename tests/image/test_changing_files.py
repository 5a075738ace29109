"""Files that are replaced between two reads, or written to while they are read."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from helpers import save_image
from subpixel import Upscaler, upscale
from subpixel.errors import ImageReadError
from subpixel.image import job, read, upscale_file
from subpixel.image.files import open_file
from subpixel.image.files.provenance import read_provenance
from subpixel.image.job import Job
from subpixel.models import find, save

FORMATS = ("jpg", "png", "tif", "webp", "gif", "avif", "webp animation", "gif animation")
Make = Callable[..., NDArray[Any]]


def content_of(folder: Path, form: str, gray: int) -> bytes:
    """A file of a format: an image, or an animation whose number of frames depends on its gray."""
    name, _, animated = form.partition(" ")
    frames = 2 + gray // 100 if animated else 1
    pixels = np.full((16 * frames, 24, 3), gray, np.uint8)
    for frame in range(frames):
        pixels[16 * frame + frame : 16 * frame + frame + 2] = gray + 20  # no frame equals another
    image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
    if animated:
        image.set_type(pyvips.GValue.gint_type, "page-height", 16)
        image.set_type(pyvips.GValue.array_int_type, "delay", [100] * frames)
    image.write_to_file(str(folder / f"made.{name}"))
    return (folder / f"made.{name}").read_bytes()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("how", ["replaced", "rewritten"])
def test_every_read_sees_the_file_as_it_is(tmp_path: Path, upscaler: Upscaler, form: str, how: str) -> None:
    contents = {gray: content_of(tmp_path, form, gray) for gray in (30, 140, 200)}
    size = max(map(len, contents.values()))
    path = tmp_path / f"a.{form.split()[0]}"

    def look(_: int) -> tuple[int, ...]:
        image = read(path)
        result = tmp_path / f"{threading.get_ident()}.png"
        Job(path, upscaler, result if image.pages == 1 else result.with_suffix(".gif"), overwrite=True).run()
        upscale_file(path, result.with_suffix(".webp"), model="bicubic", overwrite=True)
        large = read(result.with_suffix(".webp"))
        return tuple(round(float(x.frames[0][x.frames[0].shape[0] // 2 :, :, 0].mean())) for x in (image, large))

    with ThreadPoolExecutor(3) as threads:
        for gray, content in contents.items():
            # The same size and time, and in the second case the same file: nothing but the content tells them apart.
            padded = content.ljust(size, b"\0") if form[:3] != "tif" else content
            if how == "replaced":
                (tmp_path / "new").write_bytes(padded)
                os.replace(tmp_path / "new", path)
            else:
                path.write_bytes(padded)
            os.utime(path, ns=(10**18, 10**18))
            for pair in threads.map(look, range(6)):
                assert pair == pytest.approx((gray, gray), abs=3)


def truncate(path: Path) -> None:
    os.truncate(path, 100)


def rewrite(path: Path) -> None:
    """Other pixels at the same places, the same size, and in the end the same time."""
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def exchange(path: Path) -> None:
    save_image(path.with_name(f"other{path.suffix}"), np.full((100, 150, 3), 7, np.uint8))
    os.replace(path.with_name(f"other{path.suffix}"), path)


@pytest.mark.parametrize("change", [truncate, rewrite, exchange])
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "gif"])
@pytest.mark.parametrize("rows", [False, True], ids=["in memory", "by rows"])
def test_a_file_that_changes_while_it_is_read_gives_no_result(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    upscaler: Upscaler,
    suffix: str,
    rows: bool,
    change: Callable[[Path], None],
) -> None:
    """The file changes after its header was read, so libvips finds other bytes in the middle."""
    monkeypatch.setattr(open_file, "_SMALL", 0)
    monkeypatch.setattr(job, "HUGE", 0 if rows else 1 << 40)
    noise = np.random.default_rng(0).integers(0, 256, (100, 150, 3), np.uint8)
    path = save_image(tmp_path / f"a.{suffix}", noise)
    result = tmp_path / f"out.{'gif' if suffix == 'gif' else 'png'}"
    name = "inspect_rows" if rows else "load_pixels"
    first = getattr(job, name)
    monkeypatch.setattr(job, name, lambda *arguments, **options: [change(path), first(*arguments, **options)][1])
    with pytest.raises(ImageReadError, match="the file changed while it was read"):
        Job(path, upscaler, result).run()
    assert not result.exists()
    assert not list(tmp_path.glob(".*"))


def test_a_removed_or_renamed_file_was_read_whole(tmp_path: Path, upscaler: Upscaler) -> None:
    path = save_image(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    with job.open_image(path) as file:
        assert file.file.digest
        os.chmod(path, 0o600)
        job.check_read(file.file)
        os.rename(path, tmp_path / "b.png")
        job.check_read(file.file)


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="only Linux lists what is mapped")
def test_a_large_file_cut_short_does_not_end_the_process(tmp_path: Path) -> None:
    """No loader may map a file: the rest of a mapped file that is cut short cannot be read without a signal."""
    noise = np.random.default_rng(0).integers(0, 256, (150, 200, 3), np.uint8)
    for suffix in ("jpg", "png", "tif", "webp", "gif"):
        path = save_image(tmp_path / f"a.{suffix}", noise)
        with open(path, "ab") as file:
            file.write(bytes(open_file._SMALL))  # none is read in one piece
        with job.open_image(path) as image, open("/proc/self/maps") as maps:
            assert str(path) not in maps.read()
            os.truncate(path, 4096)
            with pytest.raises(ImageReadError, match="the file changed while it was read"):
                job.load_pixels(image)


def test_every_use_of_a_model_file_sees_it_as_it_is(tmp_path: Path) -> None:
    """Weights of the same size and time under the same name; results say which they were made by."""
    path, source = tmp_path / "m.safetensors", save_image(tmp_path / "a.png", np.full((8, 8, 3), 90, np.uint8))
    results = []
    for factor in (1, 0.5):
        model = find("espcn", 2)
        weights = {name: (value * factor).astype(np.float32) for name, value in model.weights.items()}
        save(replace(model, name="m", weights=weights), path)
        os.utime(path, ns=(10**18, 10**18))
        result = upscale_file(source, tmp_path / "b.png", model=path, overwrite=True)
        provenance = read_provenance(result.destination)
        assert provenance is not None
        results.append((upscale(read(source).pixels, 2, model=path).tobytes(), provenance.settings))
    assert len({pixels for pixels, _ in results}) == len({settings for _, settings in results}) == 2
