"""Verdicts follow from the figures: changed figures change them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from compare.report.made import decoders
from subpixel import compare
from subpixel.compare.claims import Claim, check_claims, false_detail, kept_detail
from subpixel.compare.intervals import Difference
from subpixel.compare.results import Results
from subpixel.ops import resize

METHODS = ["nearest", "bilinear", "bicubic", "lanczos", "pixel-shuffle"]


def drawing() -> np.ndarray:
    """Oblique edges, along which interpolation makes steps."""
    y, x = np.mgrid[:128, :128]
    plane = np.where(((3 * x + 7 * y) // 90) % 2, 230, 30).astype(np.uint8)
    return np.repeat(plane[..., None], 3, axis=2)


@pytest.fixture(scope="module")
def results() -> Results:
    """With transposed and sub-pixel convolutions that were not trained: the reference, more or less blurred."""
    found = compare.run(drawing(), 3, methods=METHODS, threads=1)
    soft = resize(resize(found.truth, scale=0.8, antialias=True), found.truth.shape[:2], mode="cubic")
    like = replace(
        found["bilinear"], image=soft, psnr_y=30.0, macs=81.0, milliseconds=found["bilinear"].milliseconds * 3
    )
    added = [replace(like, name=name, title=name) for name in ("transposed-icnr", "subpixel-icnr")]
    return replace(found, methods=(*found.methods, *added))


def claim(text: str, *parts: object) -> Claim:
    return next(one for one in check_claims(*parts) if text in one.text)  # type: ignore[arg-type]


def changed(results: Results, name: str, **values: object) -> Results:
    methods = (replace(one, **values) if one.name == name else one for one in results.methods)
    return replace(results, methods=tuple(methods))


def test_speed_of_pixel_shuffle(results: Results) -> None:
    fast = changed(results, "pixel-shuffle", milliseconds=1e-6)
    assert claim("fastest", fast).verdict == "supported"
    assert claim("fastest", changed(results, "pixel-shuffle", milliseconds=1e6)).verdict == "refuted"
    least = min(one.milliseconds for one in results.measured if one.name != "pixel-shuffle")
    assert claim("fastest", changed(results, "pixel-shuffle", milliseconds=least)).verdict == "no difference"


def test_looks_of_pixel_shuffle(results: Results) -> None:
    one = claim("looks worse", results)
    # A gray image has no colours to mix: the copies give nearest in either order.
    assert f"DCR, which makes nearest of them, gives {results['nearest'].psnr_y:.2f} dB" in one.measurement
    assert one.verdict == "supported"
    assert claim("looks worse", changed(results, "bilinear", psnr_y=1.0)).verdict == "refuted"
    assert claim("looks worse", replace(results, truth=None)).verdict == "not measured"


def test_jaggies(results: Results) -> None:
    assert claim("smooths the jaggies", results).verdict == "supported"
    assert claim("leaves jaggies", results).verdict == "supported"
    swapped = changed(results, "bilinear", image=results["nearest"].image)
    assert claim("smooths the jaggies", swapped).verdict == "no difference"
    exact = changed(results, "bilinear", image=results.truth)
    assert claim("leaves jaggies", exact).verdict == "refuted"
    alike = changed(results, "bilinear", image=results["lanczos"].image)
    assert claim("leaves jaggies", alike).verdict == "no difference"
    assert claim("leaves jaggies", replace(results, methods=results.methods[:2])).verdict == "not measured"


def test_transposed_convolution(results: Results) -> None:
    assert claim("keeps more detail", results).verdict == "supported"
    assert claim("costs more", results).verdict == "supported"
    blurred = changed(results, "transposed-icnr", image=np.full_like(results.truth, 128), milliseconds=1e-6)
    assert claim("keeps more detail", blurred).verdict == "refuted"
    assert claim("costs more", blurred).verdict == "refuted"
    without = replace(results, methods=results.methods[:5])
    assert claim("keeps more detail", without).verdict == "not measured"


def test_subpixel_convolution(results: Results) -> None:
    text = "at equal speed"
    assert claim(text, results).verdict == "no difference"
    assert claim(text, changed(results, "subpixel-icnr", psnr_y=30.2)).verdict == "supported"
    assert claim(text, changed(results, "subpixel-icnr", psnr_y=29.8)).verdict == "refuted"
    assert claim(text, changed(results, "subpixel-icnr", macs=100.0)).verdict == "not measured"


@pytest.mark.parametrize(
    ("half", "subpixel", "transposed", "nearest", "in_decoder", "learned"),
    [
        (0.01, 0.6, 0.5, 0.55, "supported", "supported"),
        (0.01, 0.5, 0.6, 0.65, "refuted", "refuted"),
        (0.20, 0.6, 0.5, 0.55, "no difference", "no difference"),
    ],
)
def test_decoders(
    half: float, subpixel: float, transposed: float, nearest: float, in_decoder: str, learned: str
) -> None:
    found = decoders(half, subpixel=subpixel, transposed=transposed, nearest=nearest, shuffle=0.9)
    assert claim("in a decoder", None, found).verdict == in_decoder
    one = claim("serves the next task", None, found)
    assert one.verdict == learned
    assert "a difference of" in one.measurement
    assert claim("serves the next task", None, decoders(half, shuffle=0.9)).verdict == "not measured"


def test_what_did_not_run_is_not_measured() -> None:
    claims = check_claims(None)
    assert len(claims) == 11
    assert {one.verdict for one in claims} == {"not measured"}
    assert all(one.rule and one.source and one.measurement for one in claims)


@pytest.mark.parametrize(
    ("low", "high", "largest", "restored", "accurate", "equal"),
    [
        (0.1, 0.3, 1e-6, True, "supported", "supported"),
        (-0.3, -0.1, 1e-4, True, "refuted", "refuted"),
        (-0.1, 0.1, 1e-6, False, "no difference", "refuted"),
    ],
)
def test_spaces(low: float, high: float, largest: float, restored: bool, accurate: str, equal: str) -> None:
    pairing = SimpleNamespace(
        equal="multiply-adds", difference=Difference("lr", "hr-macs", (low + high) / 2, low, high)
    )
    other = SimpleNamespace(equal="parameters", difference=Difference("lr", "hr-parameters", -9, -9, -9))
    conversion = SimpleNamespace(differences={"native": largest}, restored=restored)
    found = SimpleNamespace(pairings=[pairing, other], conversion=conversion)
    assert claim("LR space", None, None, found).verdict == accurate
    assert claim("in another order", None, None, found).verdict == equal
    found.pairings = [other]
    assert claim("LR space", None, None, found).verdict == "not measured"


def test_detail_measures() -> None:
    y, x = np.mgrid[:64, :64]
    fine = np.repeat((128 + 60 * np.sin(np.pi * 0.8 * x))[..., None], 3, 2).astype(np.uint8)
    half = np.repeat((128 + 30 * np.sin(np.pi * 0.8 * x))[..., None], 3, 2).astype(np.uint8)
    across = np.repeat((128 + 60 * np.sin(np.pi * 0.8 * y))[..., None], 3, 2).astype(np.uint8)
    assert kept_detail(half, fine, 2) == pytest.approx(0.5, abs=0.01)
    assert kept_detail(across, fine, 2) == pytest.approx(0, abs=0.05)
    assert false_detail(half, fine, 2) < 1
    # Luma spans 219 codes for 255 of gray.
    assert false_detail(across, fine, 2) == pytest.approx(60 * 219 / 255 / np.sqrt(2), rel=0.05)
