"""``model="auto"``: which of two stand-ins an image gets, why, and that nothing else changes it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import subpixel
import subpixel.backends.bands
from subpixel import Upscaler
from subpixel.errors import InvalidArgument
from subpixel.image import Job
from subpixel.image.compression import Jpeg
from subpixel.models import zoo
from subpixel.models.auto import BLOCKINESS_THRESHOLD, Choice, Source, choose_by_source, choose_by_traces
from subpixel.ops.compression_traces import Traces, traces_of


def decide(image: NDArray[Any], source: Source | None) -> Choice:
    return choose_by_source(source, "robust") or choose_by_traces(traces_of(image), source, "clean", "robust")


def scene() -> NDArray[np.uint8]:
    y, x = np.mgrid[:160, :192]
    waves = [np.sin(x / (7 + k) + y / 31) * np.cos(y / (9 + k) - x / 43) for k in range(3)]
    noise = np.random.default_rng(0).normal(0, 2, (160, 192, 1))
    return np.clip(128 + 80 * np.dstack(waves) + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def blocky() -> NDArray[np.uint8]:
    return Jpeg(40)(scene())


@pytest.mark.usefixtures("with_compressed")
@pytest.mark.parametrize("kind", ["u8", "u16", "f32", "gray", "alpha", "PIL"])
def test_blocks_choose(with_compressed: str, blocky: NDArray[np.uint8], kind: str) -> None:
    upscaler, variant = Upscaler(2, model="auto"), Upscaler(2, model=with_compressed)
    clean = Upscaler(2, model=zoo.resolve("auto"))

    def as_kind(pixels: NDArray[np.uint8]) -> Any:
        opaque = np.full((*pixels.shape[:2], 1), 255, np.uint8)
        result: dict[str, Any] = {
            "u8": pixels,
            "u16": pixels.astype(np.uint16) * 257,
            "f32": (pixels / 255).astype(np.float32),
            "gray": pixels[..., 1],
            "alpha": np.concatenate([pixels, opaque], axis=2),
            "PIL": Image.fromarray(pixels),
        }
        return result[kind]

    for pixels, expected, other in ((scene(), clean, variant), (blocky, variant, clean)):
        image = as_kind(pixels)
        choice = upscaler.choose_model(image)
        assert (choice.model, choice.compressed) == (expected.model, expected is variant)
        result = np.asarray(upscaler(image))
        np.testing.assert_array_equal(result, np.asarray(expected(image)))
        assert (result != np.asarray(other(image))).any()
        np.testing.assert_array_equal(result, np.asarray(subpixel.upscale(image, 2)))


def test_a_name_overrides(with_compressed: str, blocky: NDArray[np.uint8]) -> None:
    upscaler = Upscaler(2, model=zoo.resolve("auto"))
    assert upscaler.choose_model(blocky) == Choice(zoo.resolve("auto"), False, "")
    assert upscaler.choose_model(blocky, Source("jpeg", 20)).reason == ""
    clean = Upscaler(2, model=with_compressed)
    assert clean.choose_model(scene()) == Choice(with_compressed, False, "")
    assert (clean(scene()) != upscaler(scene())).any()


def test_without_a_variant_nothing_is_measured(monkeypatch: pytest.MonkeyPatch, blocky: NDArray[np.uint8]) -> None:
    monkeypatch.setattr("subpixel.upscaler.upscaler.traces_of", None)
    assert Upscaler(2, model="fast").choose_model(blocky) == Choice("fast", False, "")
    # Nor where no network runs.
    assert Upscaler(0.5).choose_model(blocky) == Choice(zoo.resolve("auto"), False, "")


def test_only_at_scales_that_the_variant_has(with_compressed: str) -> None:
    assert zoo.compressed_variant("auto", 2) == with_compressed
    assert zoo.compressed_variant(zoo.resolve("auto"), 2) == with_compressed
    assert zoo.compressed_variant("auto", 3) is None
    assert zoo.compressed_variant("bicubic", 2) is None
    assert zoo.compressed_variant(with_compressed, 2) is None


@pytest.mark.parametrize(
    ("source", "compressed", "reason"),
    [
        (None, False, "no visible compression"),
        (Source(), False, "no visible compression"),
        (Source("jpeg"), False, "no visible compression"),
        (Source("jpeg", 95), False, "no visible compression"),
        (Source("jpeg", 91), False, "no visible compression"),
        (Source("jpeg", 90), True, "a JPEG of quality 90"),
        (Source("jpeg", 30), True, "a JPEG of quality 30"),
        (Source("webp"), True, "lossy webp"),
        (Source("h264"), True, "lossy h264"),
    ],
)
def test_what_a_source_says_counts_first(source: Source | None, compressed: bool, reason: str) -> None:
    choice = decide(scene(), source)
    assert (choice.model, choice.compressed) == ("robust" if compressed else "clean", compressed)
    assert choice.reason.startswith(reason)
    assert str(choice) == f"{choice.model} ({choice.reason})"


@pytest.mark.parametrize("source", [None, Source(), Source("jpeg"), Source("jpeg", 97)])
def test_a_source_that_promises_quality_is_not_believed(source: Source | None, blocky: NDArray[np.uint8]) -> None:
    choice = decide(blocky, source)
    assert choice.compressed
    assert re.fullmatch("traces of a JPEG of quality (39|40|41)", choice.reason)


def test_blocks_without_a_lattice_choose_unless_a_good_jpeg_explains_them() -> None:
    blocks = Traces(blockiness=BLOCKINESS_THRESHOLD)
    compressed = Choice("robust", True, "compression artefacts measured: 0.12")
    clean = Choice("clean", False, "no visible compression")
    for source, traces, expected in (
        (None, blocks, compressed),
        (Source(), blocks, compressed),
        (Source("jpeg"), blocks, compressed),
        (Source("jpeg", 96), blocks, clean),
        (Source("heif"), blocks, clean),
        (Source("heif"), Traces(60), Choice("robust", True, "traces of a JPEG of quality 60")),
        (None, Traces(96, 0.4), clean),
        (None, Traces(90, 0), Choice("robust", True, "traces of a JPEG of quality 90")),
        (Source("jpeg", 96), Traces(91, 0.4), clean),
        (None, Traces(blockiness=0.119), clean),
    ):
        assert choose_by_traces(traces, source, "clean", "robust") == expected


def test_no_band_thread_or_backend_changes_it(
    with_compressed: str, monkeypatch: pytest.MonkeyPatch, blocky: NDArray[np.uint8]
) -> None:
    expected = Upscaler(2, model="auto").choose_model(blocky)
    for backend in ("reference", "auto"):
        for threads in (1, 3):
            assert Upscaler(2, model="auto", backend=backend, threads=threads).choose_model(blocky) == expected
    upscaler = Upscaler(2, model="auto", backend="reference")
    whole = upscaler(blocky)
    monkeypatch.setattr(subpixel.backends.bands, "_SAMPLES", 192 * 24)
    np.testing.assert_array_equal(upscaler(blocky), whole)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(upscaler, [scene(), blocky] * 4))
    for k, result in enumerate(results):
        np.testing.assert_array_equal(result, results[k % 2])
    np.testing.assert_array_equal(results[1], whole)


def test_a_choice_is_taken_as_it_is(with_compressed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is chosen once for many images is not measured again."""
    upscaler = Upscaler(2, model="auto")
    choice = upscaler.choose_model(scene(), Source("h264"))
    monkeypatch.setattr("subpixel.upscaler.upscaler.traces_of", None)
    variant = Upscaler(2, model=with_compressed)
    np.testing.assert_array_equal(upscaler(scene(), choice), variant(scene()))
    assert upscaler.network(choice).model.name == with_compressed
    y = scene()[..., 0]
    np.testing.assert_array_equal(upscaler.network(choice).plane(y), variant.plane(y))
    # Without a choice planes of video take the best for clean ones.
    np.testing.assert_array_equal(upscaler.plane(y), Upscaler(2, model=zoo.resolve("auto")).plane(y))


@pytest.mark.usefixtures("with_compressed")
@pytest.mark.parametrize(
    "image",
    [
        None,
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((4, 4), np.int32),
        np.zeros((0, 4), np.uint8),
        Image.new("CMYK", (4, 4)),
    ],
)
def test_anything_but_an_image_is_an_error(image: Any) -> None:
    for call in (
        Upscaler(2, model="auto"),
        Upscaler(2, model="auto").choose_model,
        Upscaler(2, model="bicubic").choose_model,
    ):
        with pytest.raises(InvalidArgument, match=r"^image: "):
            call(image)


def test_files_pass_on_what_they_say(with_compressed: str, tmp_path: Path) -> None:
    upscaler = Upscaler(2, model="auto")
    Image.fromarray(scene()).save(tmp_path / "fine.jpg", quality=97, subsampling=0)
    Image.fromarray(scene()).save(tmp_path / "coarse.jpg", quality=60)
    Image.fromarray(scene()).save(tmp_path / "a.png")
    # The smallest of JPEGs have too few pixels to measure; their tables still tell.
    Image.fromarray(scene()[:20, :20]).save(tmp_path / "icon.jpg", quality=60)
    Image.fromarray(Jpeg(40)(scene())).save(tmp_path / "was_jpeg.png")
    reasons = {path.name: Job(path, upscaler, folder=tmp_path).run().choice for path in sorted(tmp_path.iterdir())}
    assert {name: choice.compressed for name, choice in reasons.items()} == {
        "fine.jpg": False,
        "coarse.jpg": True,
        "a.png": False,
        "icon.jpg": True,
        "was_jpeg.png": True,
    }
    assert reasons["icon.jpg"].reason == "a JPEG of quality 60"
    result = np.asarray(Image.open(tmp_path / "icon_x2.png"))
    with Image.open(tmp_path / "icon.jpg") as image:
        np.testing.assert_array_equal(result, Upscaler(2, model=with_compressed)(np.asarray(image)))
