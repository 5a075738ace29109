"""Animated PNGs: every frame is read as specified, upscaled separately and written as an animation."""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from subpixel import Upscaler
from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.image import ImageData, Job, read, write
from subpixel.image.batch.inputs import find_images
from subpixel.image.batch.output_paths import OutputPaths
from subpixel.image.estimate import estimate_job
from subpixel.image.files.containers import apng, png
from subpixel.image.files.containers.apng import BACKGROUND, NONE, OVER, PREVIOUS, SOURCE, Control
from subpixel.image.files.reading import open_header

SIZE = (20, 14)
PALETTE = np.random.default_rng(1).integers(0, 256, (256, 3), np.uint8)
GRAYS = np.repeat(np.arange(255, -1, -1, dtype=np.uint8)[:, None], 3, 1)


def noise(width: int, height: int, channels: int, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def frame(mode: str, width: int, height: int, seed: int) -> bytes:
    """A still PNG. ``P+`` has transparent entries, ``RGB+`` and ``L+`` a transparent colour."""
    options: dict[str, Any] = {}
    if mode[0] == "P":
        image = Image.fromarray(noise(width, height, 1, seed)[..., 0]).convert("L")
        image = Image.frombytes("P", image.size, image.tobytes())
        image.putpalette((GRAYS if "gray" in mode else PALETTE).tobytes())
        options = {"transparency": bytes(range(256))} if "+" in mode else {}
    else:
        plain = mode.rstrip("+")
        pixels = noise(width, height, len(plain), seed)
        if plain[-1] == "A":
            pixels[..., -1] = np.where(pixels[..., -1] < 90, 0, np.where(pixels[..., -1] > 160, 255, pixels[..., -1]))
        if "+" in mode:
            pixels[: height // 2] = 7
            options = {"transparency": (7, 7, 7) if plain == "RGB" else 7}
        image = Image.fromarray(pixels if len(plain) > 1 else pixels[..., 0])
    target = io.BytesIO()
    image.save(target, "PNG", **options)
    return target.getvalue()


def save(path: Path, frames: list[tuple[Control, bytes]], plays: int = 0, still: bytes | None = None) -> None:
    """An animation; ``still`` is a default image that is no frame."""
    with open(path, "wb") as file:
        apng.write_animation(file, iter(frames), len(frames), plays)
    if still is not None:
        # Frames that follow a default image are all in fdAT: the frames before were numbered without it.
        content = path.read_bytes()
        head, body = content[:33], chunks_of(still)
        pieces, number = [png.chunk(b"acTL", struct.pack(">II", len(frames), plays))], 0
        pieces += [png.chunk(kind, data) for kind, data in body if kind == b"IDAT"]
        for kind, data in chunks_of(content):
            if kind in (b"fcTL", b"IDAT", b"fdAT"):
                kind, data = (b"fdAT", bytes(4) + data) if kind == b"IDAT" else (kind, data)
                pieces.append(png.chunk(kind, number.to_bytes(4, "big") + data[4:]))
                number += 1
        path.write_bytes(head + b"".join(pieces) + png.chunk(b"IEND", b""))


def chunks_of(content: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        found.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def joined(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return png.SIGNATURE + b"".join(png.chunk(kind, data) for kind, data in chunks)


def decode(path: Path) -> tuple[list[NDArray[np.uint8]], list[float], int]:
    """Frames as RGBA, their delays in milliseconds, and how often they are played, by Pillow."""
    frames, delays = [], []
    with Image.open(path) as image:
        for k in range(getattr(image, "n_frames", 1)):
            image.seek(k)
            frames.append(np.asarray(image.convert("RGBA")))
            delays.append(image.info["duration"])
        return frames, delays, image.info["loop"]


def as_rgba(pixels: NDArray[Any]) -> NDArray[Any]:
    channels = pixels.shape[2]
    colours = pixels[..., :1].repeat(3, 2) if channels < 3 else pixels[..., :3]
    alpha = pixels[..., -1:] if channels in (2, 4) else np.full_like(pixels[..., :1], 255)
    return np.concatenate([colours, alpha], 2)


CHANNELS = {"L": 1, "L+": 2, "LA": 2, "RGB": 3, "RGB+": 4, "RGBA": 4, "P": 3, "P+": 4, "P gray": 1, "P gray+": 2}


def compose(frames: list[tuple[Control, bytes]], folder: Path) -> list[NDArray[Any]]:
    """The canvas after each frame as RGBA, pixel by pixel, as the specification tells it."""
    canvas = [[(0, 0, 0, 0)] * SIZE[0] for _ in range(SIZE[1])]
    results = []
    for index, (control, content) in enumerate(frames):
        (folder / "frame.png").write_bytes(content)
        pixels = as_rgba(read(folder / "frame.png").pixels)
        saved = [row[:] for row in canvas]
        for y in range(control.height):
            for x in range(control.width):
                above = tuple(int(value) for value in pixels[y, x])
                below = canvas[control.y + y][control.x + x]
                if control.blending == OVER and above[3] < 255:
                    over, under = Fraction(above[3], 255), Fraction(below[3], 255) * (1 - Fraction(above[3], 255))
                    mixed = [
                        round((a * over + b * under) / (over + under)) if over + under else 0
                        for a, b in zip(above[:3], below[:3], strict=True)
                    ]
                    above = (mixed[0], mixed[1], mixed[2], round(255 * (over + under)))
                canvas[control.y + y][control.x + x] = above
        results.append(np.array(canvas))
        if control.disposal == PREVIOUS and index:
            canvas = saved
        elif control.disposal != NONE:
            for y in range(control.y, control.y + control.height):
                canvas[y][control.x : control.x + control.width] = [(0, 0, 0, 0)] * control.width
    return results


def random_frames(mode: str, seed: int) -> list[tuple[Control, bytes]]:
    """Six that use all disposals and blendings at any place."""
    rng = np.random.default_rng(seed)
    frames = [(Control(*SIZE, 0, 0, (1, 10), int(rng.integers(0, 3)), SOURCE), frame(mode, *SIZE, 100 + seed))]
    for number in range(5):
        x, y = int(rng.integers(0, SIZE[0])), int(rng.integers(0, SIZE[1]))
        width, height = int(rng.integers(1, SIZE[0] - x + 1)), int(rng.integers(1, SIZE[1] - y + 1))
        disposal, blending = int(rng.integers(0, 3)), int(rng.integers(0, 2))
        frames.append((Control(width, height, x, y, (1, 10), disposal, blending), frame(mode, width, height, number)))
    return frames


@pytest.mark.parametrize("mode", CHANNELS)
def test_frames_are_composed_as_specified(tmp_path: Path, mode: str) -> None:
    for seed in range(2):
        frames = random_frames(mode, seed)
        save(tmp_path / "a.png", frames)
        image = read(tmp_path / "a.png")
        assert image.pages == 6
        for one, other in zip(image.frames, compose(frames, tmp_path), strict=True):
            one = as_rgba(one).astype(int)
            assert np.abs(one[..., 3] - other[..., 3]).max() <= 1
            seen = other[..., 3:] > 0
            # Alpha is rounded after each frame here, and so it is there.
            assert np.abs((one[..., :3] - other[..., :3]) * seen).max() <= 2


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_frames_are_composed_as_ffmpeg_does(tmp_path: Path, mode: str) -> None:
    """Which has no transparency where a file has none, so there no frame leaves an empty area."""
    for seed in range(3):
        frames = random_frames(mode, seed)
        if mode in ("L", "RGB"):
            frames = [
                (replace(control, disposal=PREVIOUS if control.disposal and k else NONE), content)
                for k, (control, content) in enumerate(frames)
            ]
        save(tmp_path / "a.png", frames)
        image = read(tmp_path / "a.png")
        assert image.pixels.shape[2] == CHANNELS[mode]
        with av.open(str(tmp_path / "a.png")) as container:
            theirs = [each.to_ndarray(format="rgba").astype(int) for each in container.decode(video=0)]
        for one, other in zip(image.frames, theirs, strict=True):
            one = as_rgba(one)
            assert np.abs(one[..., 3] - other[..., 3]).max() <= 1
            assert np.abs((one - other)[..., :3] * (other[..., 3:] > 0)).max() <= 1


@pytest.mark.parametrize("mode", CHANNELS)
def test_the_kind_of_pixels_is_that_of_a_still_image(tmp_path: Path, mode: str) -> None:
    pngs = [frame(mode, *SIZE, seed) for seed in range(2)]
    save(tmp_path / "a.png", [(Control(*SIZE, 0, 0, (1, 10)), each) for each in pngs])
    image = read(tmp_path / "a.png")
    assert image.pixels.shape[2] == CHANNELS[mode]
    for index, each in enumerate(pngs):
        (tmp_path / "b.png").write_bytes(each)
        np.testing.assert_array_equal(image.frames[index], read(tmp_path / "b.png").pixels)


def test_alpha_only_where_no_frame_covers(tmp_path: Path) -> None:
    """Frames without alpha on a canvas that they do not cover, or that they leave empty."""
    whole, part = frame("RGB", *SIZE, 1), frame("RGB", 5, 5, 2)
    cases = {
        3: [Control(*SIZE, 0, 0, (1, 10), BACKGROUND), Control(*SIZE, 0, 0, (1, 10))],
        4: [Control(*SIZE, 0, 0, (1, 10), BACKGROUND), Control(5, 5, 2, 3, (1, 10))],
    }
    for channels, (first, second) in cases.items():
        save(tmp_path / "a.png", [(first, whole), (second, part if second.width == 5 else whole)])
        assert read(tmp_path / "a.png").pixels.shape[2] == channels
    save(tmp_path / "a.png", [(Control(*SIZE, 0, 0, (1, 10), PREVIOUS), whole), (Control(5, 5, 2, 3, (1, 10)), part)])
    second = read(tmp_path / "a.png").frames[1]
    assert second.shape[2] == 4
    assert second[..., 3].sum() == 25 * 255


@pytest.mark.parametrize("pixel_format", ["rgb24", "rgba", "gray", "pal8", "rgb48be", "gray16be", "rgba64be"])
def test_animations_of_ffmpeg(upscaler: Upscaler, tmp_path: Path, pixel_format: str) -> None:
    path = tmp_path / "a.png"
    with av.open(str(path), "w", format="apng", options={"plays": "3"}) as container:
        stream = container.add_stream("apng", rate=Fraction(24))
        stream.width, stream.height, stream.pix_fmt = 24, 16, pixel_format
        for k in range(5):
            source = np.roll(np.repeat(np.arange(24, dtype=np.uint8)[None] * 10, 16, 0), k, 1)
            video_frame = av.VideoFrame.from_ndarray(np.dstack([source] * 3), "rgb24")
            if pixel_format == "pal8":
                colours = np.random.default_rng(0).integers(0, 256, (256, 4), np.uint8)
                video_frame = av.VideoFrame.from_ndarray((source, colours), "pal8")  # type: ignore[arg-type]
            container.mux(stream.encode(video_frame.reformat(format=pixel_format)))
        container.mux(stream.encode())
    image = read(path)
    deep = pixel_format in ("rgb48be", "gray16be", "rgba64be")
    assert (image.pages, image.pixels.dtype) == (5, np.uint16 if deep else np.uint8)
    estimate = estimate_job(Job(path, upscaler))
    assert estimate.destination is not None
    assert estimate.destination.name == "a_x2.png"
    assert not estimate.problems
    result = Job(path, upscaler).run()
    assert set(result.notes) == set(estimate.notes)
    again = read(result.destination)
    assert (again.pages, again.pixels.dtype, again.pixels.shape[2]) == (5, image.pixels.dtype, image.pixels.shape[2])
    for before, after in zip(image.frames, again.frames, strict=True):
        np.testing.assert_array_equal(after, upscaler(before))
    frames, delays, plays = decode(result.destination)
    assert len(frames) == 5
    assert plays == 3
    assert delays == pytest.approx([1000 / 24] * 5)


@pytest.fixture
def moving(tmp_path: Path) -> Path:
    """Three frames of which the last two change a part, and the times of a cinema."""
    path = tmp_path / "a.apng"
    whole = frame("RGB", *SIZE, 1)
    parts = [(Control(6, 5, 3 + k, 2, (1001 * (k + 1), 24000)), frame("RGB", 6, 5, k)) for k in range(2)]
    save(path, [(Control(*SIZE, 0, 0, (0, 0)), whole), *parts], 7)
    return path


def test_names_times_and_repetitions(upscaler: Upscaler, moving: Path) -> None:
    result = Job(moving, upscaler).run()
    assert result.destination.name == "a_x2.apng"
    with open(result.destination, "rb") as file:
        animation = apng.read_animation(png.read_contents(file), file)
    assert animation is not None
    assert [each.delay for each in animation.frames] == [(0, 1000), (1001, 24000), (1001, 12000)]
    assert animation.plays == 7
    assert (animation.frames[1].width, animation.frames[1].height) < (2 * SIZE[0], 2 * SIZE[1])
    assert result.notes == ()


@pytest.mark.parametrize(("target", "delays"), [("webp", [0, 42, 83]), ("gif", [0, 40, 80])])
def test_other_animations(upscaler: Upscaler, moving: Path, target: str, delays: list[int]) -> None:
    result = Job(moving, upscaler, moving.parent / f"b.{target}").run()
    assert any("rounded" in note for note in result.notes)
    again = read(result.destination)
    assert (again.pages, again.header.get("delay"), again.header.get("loop")) == (3, delays, 7)  # type: ignore[union-attr]
    back = Job(result.destination, upscaler, moving.parent / "c.png").run()
    frames, _, plays = decode(back.destination)
    assert (len(frames), plays) == (3, 7)


@pytest.mark.parametrize("target", ["jpg", "tif", "avif"])
def test_formats_without_animations_refuse(upscaler: Upscaler, moving: Path, target: str) -> None:
    with pytest.raises(
        InvalidArgument, match=r"no (animation|animated AVIF), the image has 3 frames; png, webp can hold it"
    ):
        Job(moving, upscaler, moving.parent / f"b.{target}").run()


def test_metadata_is_written_once(upscaler: Upscaler, moving: Path) -> None:
    content = moving.read_bytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    more = png.chunk(b"cICP", bytes([12, 13, 0, 1])) + png.chunk(b"tEXt", b"Author\0Me") + png.chunk(b"eXIf", block)
    moving.write_bytes(content[:33] + more + content[33:])
    result = Job(moving, upscaler).run()
    assert result.size_out == (28, 40)  # turned upright
    written = result.destination.read_bytes()
    assert [written.count(kind) for kind in (b"cICP", b"tEXt", b"eXIf", b"acTL", b"PLTE")] == [1, 1, 1, 1, 0]
    with Image.open(result.destination) as image:
        assert image.getexif()[0x010F] == "Maker"
        assert image.getexif().get(0x0112, 1) == 1
    np.testing.assert_array_equal(read(result.destination).frames[2], upscaler(read(moving).frames[2]))


def test_a_comparison_shows_the_first_frame(upscaler: Upscaler, moving: Path) -> None:
    Job(moving, upscaler, moving.parent / "b.png", compare=moving.parent / "sheet.png").run()
    assert read(moving.parent / "sheet.png").pages == 1


def test_the_limit_counts_all_frames(moving: Path) -> None:
    read(moving, limit=3 * 20 * 14 / 1e6)
    with pytest.raises(ImageReadError, match=r"20×14 pixels in 3 frames are .* the limit is"):
        read(moving, limit=2.9 * 20 * 14 / 1e6)


def test_a_default_image_that_is_no_frame(upscaler: Upscaler, tmp_path: Path) -> None:
    controls = [Control(*SIZE, 0, 0, (1, 10)), Control(6, 5, 1, 1, (1, 5))]
    pngs = [frame("RGB", *SIZE, 1), frame("RGB", 6, 5, 2)]
    for count in (2, 1):
        path = tmp_path / f"{count}.png"
        save(path, list(zip(controls, pngs, strict=True))[:count], still=frame("RGB", *SIZE, 9))
        (tmp_path / "still.png").write_bytes(pngs[0])
        image = read(path)
        assert image.pages == count
        np.testing.assert_array_equal(image.frames[0], read(tmp_path / "still.png").pixels)
        (note,) = image.notes
        assert note == "the default image, which viewers without animations show, is no frame: it is not kept"
        assert len(decode(Job(path, upscaler).run().destination)[0] if count > 1 else [1]) == count


def test_an_animation_of_one_frame_is_a_still_image(upscaler: Upscaler, tmp_path: Path) -> None:
    save(tmp_path / "a.apng", [(Control(*SIZE, 0, 0, (1, 10)), frame("RGB", *SIZE, 1))])
    result = Job(tmp_path / "a.apng", upscaler).run()
    assert (result.destination.name, result.notes) == ("a_x2.png", ())
    assert b"acTL" not in result.destination.read_bytes()
    assert Job(tmp_path / "a.apng", upscaler, tmp_path / "b.apng").run().destination.exists()


def change(kind: bytes, number: int, new: Callable[[bytes], bytes | None]) -> Callable[[bytes], bytes]:
    """Change the content of one chunk of a kind, or remove it."""

    def changed(content: bytes) -> bytes:
        result, seen = [], 0
        for name, data in chunks_of(content):
            replaced: bytes | None = data
            if name == kind:
                replaced = new(data) if seen == number else data
                seen += 1
            if replaced is not None:
                result.append((name, replaced))
        return joined(result)

    return changed


def field(offset: int, form: str, value: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:offset] + struct.pack(form, value) + data[offset + struct.calcsize(form) :]


def twice(kind: bytes) -> Callable[[bytes], bytes]:
    return lambda content: joined([c for one in chunks_of(content) for c in ([one, one] if one[0] == kind else [one])])


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "fewer frames than stated": (change(b"acTL", 0, field(0, ">I", 4)), "acTL states 4 frames, the file has 3"),
    "more frames than stated": (change(b"acTL", 0, field(0, ">I", 1)), "acTL states 1 frame, the file has 3"),
    "no frames stated": (change(b"acTL", 0, field(0, ">I", 0)), "acTL states 0 frames, the file has 3"),
    "a vast number of frames": (change(b"acTL", 0, field(0, ">I", 1 << 31)), "acTL states 2147483648 frames"),
    "acTL of another size": (change(b"acTL", 0, lambda data: data[:4]), "an acTL chunk has 4 bytes, 8 are right"),
    "two acTL": (twice(b"acTL"), "two acTL"),
    "sequence of fcTL": (change(b"fcTL", 1, field(0, ">I", 9)), "has the sequence number 9, 1 is right"),
    "sequence of fdAT": (change(b"fdAT", 0, field(0, ">I", 9)), "has the sequence number 9, 2 is right"),
    "outside of the canvas": (
        change(b"fcTL", 2, field(12, ">I", 15)),
        r"frame 3 \(6×5 pixels at 15, 2\) is not inside",
    ),
    "beyond 32 bits": (change(b"fcTL", 2, field(12, ">I", (1 << 32) - 1)), "frame 3 .* is not inside"),
    "no width": (change(b"fcTL", 1, field(4, ">I", 0)), "frame 2 .* is not inside"),
    "unknown disposal": (change(b"fcTL", 1, field(24, ">B", 3)), "frame 2 has the disposal 3"),
    "unknown blending": (change(b"fcTL", 1, field(25, ">B", 2)), "and the blending 2"),
    "first frame of another size": (change(b"fcTL", 0, field(4, ">I", 3)), "has another size"),
    "no pixels in the middle": (
        lambda content: change(b"fcTL", 2, field(0, ">I", 2))(change(b"fdAT", 0, lambda data: None)(content)),
        "frame 2 has no pixels",
    ),
    "no pixels at the end": (change(b"fdAT", 1, lambda data: None), "frame 3 has no pixels"),
    "an empty fdAT": (change(b"fdAT", 1, lambda data: b""), "an fdAT is empty"),
    "fewer pixels than a frame has": (change(b"fdAT", 1, lambda data: data[:12]), "damaged"),
    "no end": (lambda content: content[:-12], "it is truncated"),
    "half a frame": (lambda content: content[:-40], "damaged"),
    "checksum of pixels": (lambda content: content[:-13] + b"\0" + content[-12:], "checksum of a frame is wrong"),
    "checksum of fcTL": (
        lambda content: content[: content.rindex(b"fcTL") + 30] + b"1234" + content[content.rindex(b"fcTL") + 34 :],
        "checksum of an fcTL chunk is wrong",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_animations_are_refused_in_one_sentence(upscaler: Upscaler, moving: Path, kind: str) -> None:
    damage, message = DAMAGE[kind]
    moving.write_bytes(damage(moving.read_bytes()))
    before = sorted(moving.parent.iterdir())
    with pytest.raises(ImageReadError, match=message) as info:
        Job(moving, upscaler).run()
    assert str(info.value).startswith(f"{moving}: the ")
    assert "\n" not in str(info.value)
    assert sorted(moving.parent.iterdir()) == before
    estimate_job(Job(moving, upscaler))  # raises nothing


def test_animation_chunks_without_an_animation(upscaler: Upscaler, moving: Path) -> None:
    """Without acTL before the pixels, the specification knows no animation: the default image is upscaled."""
    content = moving.read_bytes()
    late = [c for c in chunks_of(content) if c[0] != b"acTL"]
    at = next(k for k, c in enumerate(late) if c[0] == b"IDAT") + 1
    moved = joined([*late[:at], (b"acTL", bytes([0, 0, 0, 3, 0, 0, 0, 0])), *late[at:]])
    for changed, names in ((joined(late), "fcTL, fdAT"), (moved, "acTL, fcTL, fdAT")):
        moving.write_bytes(changed)
        result = Job(moving, upscaler, moving.parent / "b.png", overwrite=True).run()
        assert result.notes == (
            f"without acTL before the pixels, {names} are no animation: the default image is upscaled",
        )
        assert read(result.destination).pages == 1


def test_corrupted_animations_never_crash(moving: Path) -> None:
    content = moving.read_bytes()
    rng = np.random.default_rng(2)
    for _ in range(150):
        changed = bytearray(content)
        for at in rng.integers(8, len(content), int(rng.integers(1, 4))):
            changed[at] = int(rng.integers(0, 256))
        moving.write_bytes(changed[: int(rng.integers(len(content) // 2, len(content) + 1))])
        with contextlib.suppress(ImageReadError):
            read(moving)


def test_frames_of_different_kinds_are_not_assembled(tmp_path: Path) -> None:
    control = Control(*SIZE, 0, 0, (1, 10))
    with pytest.raises(ValueError, match="differ"):
        save(tmp_path / "a.png", [(control, frame("RGB", *SIZE, 1)), (control, frame("L", *SIZE, 1))])


def test_python_writes_animations(tmp_path: Path) -> None:
    pixels = noise(6, 12, 3, 4)
    assert write(ImageData(pixels, pages=3), tmp_path / "a.apng") == ()
    again = read(tmp_path / "a.apng")
    assert again.pages == 3
    np.testing.assert_array_equal(again.pixels, pixels)
    deep = replace(again, pixels=again.pixels.astype(np.uint16) * 257)
    write(deep, tmp_path / "b.png")
    np.testing.assert_array_equal(read(tmp_path / "b.png").pixels, deep.pixels)


def test_delays_that_sixteen_bits_do_not_hold(tmp_path: Path) -> None:
    write(ImageData(noise(6, 4, 3, 4), pages=2), tmp_path / "a.webp")
    image = read(tmp_path / "a.webp")
    assert image.header is not None
    image.header.set_type(image.header.get_typeof("delay"), "delay", [70_010, 70_011])
    notes = write(image, tmp_path / "b.png")
    assert notes == ("PNG stores delays as fractions of 16 bits: they were rounded",)
    assert decode(tmp_path / "b.png")[1] == pytest.approx([70_010, 70_011], rel=1e-3)


@pytest.mark.parametrize("target", ["png", "webp", "gif"])
def test_short_delays_stay_short(tmp_path: Path, target: str) -> None:
    """libvips takes 10 ms and less for 100 ms in a WebP, and joins equal frames there."""
    whole = noise(6, 8, 3, 1)
    write(ImageData(np.concatenate([whole[:4], whole[:4], whole[4:]]), pages=3), tmp_path / "a.png")
    image = read(tmp_path / "a.png")
    assert image.header is not None
    for delays in ([0, 10, 20], [0, 0, 0], [100, 10, 0]):
        image.header.set_type(image.header.get_typeof("delay"), "delay", delays)
        image.header.set_type(
            image.header.get_typeof("delay"), "subpixel-frame-times", [n for d in delays for n in (d, 1000)]
        )
        write(image, tmp_path / f"b.{target}", overwrite=True)
        again = read(tmp_path / f"b.{target}").header
        assert again is not None
        joined_delays = [delays[0] + delays[1], delays[2]] if target == "webp" else delays
        assert again.get("delay") == joined_delays


def test_folders_and_formats(upscaler: Upscaler, moving: Path) -> None:
    (found,) = find_images([str(moving.parent)])
    assert found.path == moving
    header = open_header(moving)
    paths = OutputPaths([str(moving)], None, upscaler.target)
    assert paths(moving, Path(), header).name == "a_x2.apng"
    header.file.close()
    assert Job(moving, upscaler, format="png").run().destination.name == "a_x2.png"
    (moving.parent / "still.png").write_bytes(frame("RGB", *SIZE, 1))
    assert Job(moving.parent / "still.png", upscaler, format="apng").run().destination.name == "still_x2.apng"


@pytest.mark.parametrize(("target", "longest"), [("webp", 16_776_000), ("gif", 655_350)])
@pytest.mark.parametrize("short", [0, 1])
def test_delays_longer_than_a_format_has(tmp_path: Path, target: str, longest: int, short: int) -> None:
    pieces = [(Control(*SIZE, 0, 0, time), frame("RGB", *SIZE, k)) for k, time in enumerate([(65535, 1), (short, 10)])]
    save(tmp_path / "a.png", pieces, 3)
    notes = write(read(tmp_path / "a.png"), tmp_path / f"b.{target}")
    assert any(note.startswith(f"delays of more than {longest / 1000:g} seconds were shortened") for note in notes)
    header = read(tmp_path / f"b.{target}").header
    assert header is not None
    assert (header.get("delay"), header.get("loop")) == ([longest, 100 * short], 3)


@pytest.mark.parametrize(("target", "plays"), [("png", 70_000), ("webp", 65_535), ("gif", 65_535)])
def test_more_repetitions_than_a_format_has(tmp_path: Path, target: str, plays: int) -> None:
    pieces = [(Control(*SIZE, 0, 0, (1, 10)), frame("RGB", *SIZE, k)) for k in range(2)]
    save(tmp_path / "a.png", pieces, 70_000)
    notes = write(read(tmp_path / "a.png"), tmp_path / f"b.{target}")
    assert any("is played at most 65535 times, not 70000" in note for note in notes) == (target != "png")
    header = read(tmp_path / f"b.{target}").header
    assert header is not None
    assert header.get("loop") == plays
