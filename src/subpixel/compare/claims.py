"""What tutorials and papers claim of upsamplers, and what the measurements of a report say to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.methods.trained import STEPS
from subpixel.compare.results import MethodResult, Results
from subpixel.metrics.protocol import luma_255
from subpixel.metrics.quality import psnr
from subpixel.ops import pixel_shuffle

__all__ = ["Claim", "Verdict", "check_claims", "false_detail", "kept_detail"]

Verdict = Literal["supported", "refuted", "no difference", "not measured"]
Plane = NDArray[np.float64]

# A difference of PSNR that counts, in dB, a ratio of times, and a difference of kept detail.
_DECIBELS, _RATIO, _KEPT = 0.1, 1.1, 0.02
# How many times the steps of bilinear nearest has, if bilinear is said to smooth them.
_SMOOTHER = 1.5
# Methods have equal multiply-adds if these differ by at most this ratio.
_EQUAL_COST = 1.1

_TUTORIALS = "Tutorials on upsampling layers"
_SHARPER = ("bicubic", "bicubic-075", "lanczos")
_PAPER = "Shi et al., arXiv 1609.05158 and 1609.07009"
_TRANSPOSED = ("transposed", "transposed-bilinear", "transposed-icnr")
# Sub-pixel convolution and the transposed convolution that starts from weights of the same kind.
_ALIKE = (("subpixel", "transposed"), ("subpixel-icnr", "transposed-icnr"))


# The kinds of a decoder's upsampler that learn how they enlarge, and those whose enlarging is fixed.
_LEARNED, _FIXED = ("transposed", "subpixel", "grid"), ("nearest", "bilinear", "unpool")
_NO_SPACES = "The networks were not trained; the option --lr-hr does that."
# How far the results of a network and of its converted form may be apart, of values of 0 … 1.
_SAME = 1e-5
_NO_DECODERS = "The decoders were not trained; the option --decoder does that."


@dataclass(frozen=True)
class Claim:
    """A claim beside what was measured.

    Args:
        text: the claim.
        source: who makes it.
        verdict: what the measurement says; ``not measured`` if the part of the laboratory that would tell did not run.
        measurement: the figures in one sentence.
        rule: which figures lead to which verdict.
    """

    text: str
    source: str
    verdict: Verdict
    measurement: str
    rule: str


def check_claims(results: Results | None, decoder: Any = None, spaces: Any = None) -> list[Claim]:
    """Weigh each claim against the results that are there; every verdict is computed from them.

    Args:
        results: of :func:`subpixel.compare.run`.
        decoder: of the comparison of decoders.
        spaces: of the comparison of LR space and HR space.
    """
    claims = []
    for text, source, rule, measure in _OF_AN_IMAGE:
        verdict, measurement = _NOT_RUN if results is None else measure(results)
        claims.append(Claim(text, source, verdict, measurement, rule))
    for text, source, rule, weigh in _OF_DECODERS:
        verdict, measurement = ("not measured", _NO_DECODERS) if decoder is None else weigh(decoder)
        claims.append(Claim(text, source, verdict, measurement, rule))
    for text, source, rule, judge in _OF_SPACES:
        verdict, measurement = ("not measured", _NO_SPACES) if spaces is None else judge(spaces)
        claims.append(Claim(text, source, verdict, measurement, rule))
    return claims


Measured = tuple[Verdict, str]
_NOT_RUN: Measured = ("not measured", "No image was compared.")


def kept_detail(image: NDArray[np.uint8], truth: NDArray[np.uint8], scale: int) -> float:
    """How much of the fine detail of the reference an image has: 1 is all of it, 0 none.

    Fine are the frequencies above half of the limit of the small image, 1 / (4·scale) cycles a pixel. The part of the
    image there is projected onto that of the reference, so detail of its own does not count.

    >>> noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    >>> kept_detail(noise, noise, 2), kept_detail(np.full_like(noise, 128), noise, 2)
    (1.0, 0.0)
    """
    ours, true = (_above(luma_255(one), 1 / (4 * scale)) for one in (image, truth))
    energy = float((true * true).sum())
    return float((ours * true).sum()) / energy if energy else 0.0


def false_detail(image: NDArray[np.uint8], truth: NDArray[np.uint8], scale: int) -> float:
    """The detail beyond the limit of the small image that the reference does not have: root mean square of luma codes.

    Steps along edges are such detail. The limit is 1 / (2·scale) cycles a pixel. Of the part of the image beyond it,
    what is proportional to that of the reference is subtracted.

    >>> noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    >>> round(false_detail(noise, noise, 2), 6)
    0.0
    """
    ours, true = (_above(luma_255(one), 1 / (2 * scale)) for one in (image, truth))
    energy = float((true * true).sum())
    rest = ours - true * (float((ours * true).sum()) / energy) if energy else ours
    return float(np.sqrt((rest * rest).mean()))


def _above(plane: Plane, limit: float) -> Plane:
    """The part of a plane whose frequency along either axis is above a limit in cycles a pixel.

    The plane is mirrored first, so that its edges make no frequencies of their own.
    """
    height, width = plane.shape
    mirrored = np.pad(plane, ((0, height), (0, width)), mode="symmetric")
    spectrum = np.fft.rfft2(mirrored)
    rows = np.abs(np.fft.fftfreq(2 * height))[:, None]
    columns = np.fft.rfftfreq(2 * width)[None]
    spectrum[np.maximum(rows, columns) <= limit] = 0
    result: Plane = np.fft.irfft2(spectrum, s=mirrored.shape)[:height, :width]
    return result


def _methods(results: Results, *names: str) -> list[MethodResult]:
    """Those of these names that ran, in the order of the names."""
    known = {one.name: one for one in results.measured}
    return [known[name] for name in names if name in known]


def _best(methods: list[MethodResult]) -> MethodResult | None:
    """The one of the highest PSNR."""
    known = [one for one in methods if one.psnr_y is not None]
    return max(known, key=lambda one: one.psnr_y or 0, default=None)


def _missing(what: str) -> Measured:
    return "not measured", f"{what} did not run, or there is no reference."


def _verdict(value: float, threshold: float) -> Verdict:
    """Whether a figure that the claim calls positive is."""
    return "supported" if value >= threshold else "refuted" if value <= -threshold else "no difference"


def _shuffle_is_fastest(results: Results) -> Measured:
    ours = next(iter(_methods(results, "pixel-shuffle")), None)
    others = [one for one in results.measured if one.name != "pixel-shuffle" and one.milliseconds is not None]
    if ours is None or ours.milliseconds is None or not others:
        return _missing("Pixel shuffle, or all that it is compared with,")
    next_one = min(others, key=lambda one: one.milliseconds or 0)
    assert next_one.milliseconds is not None
    ratio = next_one.milliseconds / ours.milliseconds
    verdict: Verdict = "supported" if ratio >= _RATIO else "refuted" if ratio <= 1 / _RATIO else "no difference"
    text = f"Pixel shuffle takes {ours.milliseconds:.3f} ms; the fastest other method, {next_one.title}, "
    return verdict, f"{text}{next_one.milliseconds:.3f} ms. It only moves pixels that something else has computed."


def _shuffle_looks_worse(results: Results) -> Measured:
    bilinear, transposed = next(iter(_methods(results, "bilinear")), None), _best(_methods(results, *_TRANSPOSED))
    if results.truth is None or bilinear is None or bilinear.psnr_y is None or transposed is None:
        return _missing("Bilinear or transposed convolution")
    assert transposed.psnr_y is not None
    scale = results.scale
    # As in the tutorials: the small image as r² copies of its channels, then shuffled.
    copies = np.tile(results.small, (1, 1, scale**2))[None]
    figures = {}
    for order in ("CRD", "DCR"):
        shuffled = pixel_shuffle(copies, scale, order=order, layout="NHWC")[0]
        figures[order] = psnr(luma_255(shuffled), luma_255(results.truth), data_range=255, crop=scale)
    worse = min(bilinear.psnr_y, transposed.psnr_y) - figures["CRD"]
    text = (
        f"Copies of the small image shuffled in the order CRD give {figures['CRD']:.2f} dB, bilinear "
        f"{bilinear.psnr_y:.2f} dB, {transposed.title} {transposed.psnr_y:.2f} dB. The copies are the reason: "
        f"the order mixes their colours, and DCR, which makes nearest of them, gives {figures['DCR']:.2f} dB."
    )
    return _verdict(worse, _DECIBELS), text


def _steps(results: Results, *names: str) -> dict[str, float]:
    """False detail by the titles of these methods, as far as they ran and there is a reference."""
    truth = results.truth
    if truth is None:
        return {}
    images = {one.title: one.image for one in _methods(results, *names)}
    return {title: false_detail(image, truth, results.scale) for title, image in images.items() if image is not None}


def _bilinear_smooths(results: Results) -> Measured:
    steps = _steps(results, "nearest", "bilinear")
    if len(steps) < 2:
        return _missing("Nearest or bilinear")
    nearest, bilinear = steps.values()
    ratio = nearest / max(bilinear, 1e-9)
    verdict: Verdict = "supported" if ratio >= _SMOOTHER else "refuted" if ratio <= 1 / _RATIO else "no difference"
    text = f"Detail that the reference does not have, in codes of luma: nearest {nearest:.2f}, bilinear {bilinear:.2f}"
    return verdict, f"{text}, a ratio of {ratio:.1f}."


def _bilinear_leaves(results: Results) -> Measured:
    steps = _steps(results, "bilinear", *_SHARPER)
    if len(steps) < 2 or not _methods(results, "bilinear"):
        return _missing("Bilinear, or bicubic and Lanczos,")
    (_, bilinear), *others = steps.items()
    title, least = min(others, key=lambda one: one[1])
    ratio = bilinear / max(least, 1e-9)
    verdict: Verdict = "supported" if ratio >= _RATIO else "refuted" if ratio <= 1 / _RATIO else "no difference"
    text = f"Detail that the reference does not have, in codes of luma: bilinear {bilinear:.2f}, {title} {least:.2f}"
    return verdict, f"{text}, a ratio of {ratio:.2f}."


def _transposed_keeps_detail(results: Results) -> Measured:
    bilinear, transposed = next(iter(_methods(results, "bilinear")), None), _best(_methods(results, *_TRANSPOSED))
    if results.truth is None or bilinear is None or transposed is None:
        return _missing("Bilinear or transposed convolution")
    assert bilinear.image is not None
    assert transposed.image is not None
    ours = kept_detail(transposed.image, results.truth, results.scale)
    theirs = kept_detail(bilinear.image, results.truth, results.scale)
    text = f"{transposed.title} keeps {ours:.1%} of the fine detail of the reference, bilinear {theirs:.1%}; PSNR is "
    return (
        _verdict(ours - theirs, _KEPT),
        f"{text}{transposed.psnr_y:.2f} and {bilinear.psnr_y:.2f} dB. It was trained for {STEPS} steps on this image.",
    )


def _transposed_costs_more(results: Results) -> Measured:
    bilinear, transposed = next(iter(_methods(results, "bilinear")), None), _best(_methods(results, *_TRANSPOSED))
    transposed = transposed or next(iter(_methods(results, *_TRANSPOSED)), None)
    if bilinear is None or transposed is None or bilinear.milliseconds is None or transposed.milliseconds is None:
        return "not measured", "Bilinear or transposed convolution did not run."
    ratio = transposed.milliseconds / bilinear.milliseconds
    verdict: Verdict = "supported" if ratio >= _RATIO else "refuted" if ratio <= 1 / _RATIO else "no difference"
    ours, theirs = (f"{one.milliseconds:.2f} ms and {one.macs:,.0f}" for one in (transposed, bilinear))
    return verdict, f"{transposed.title} takes {ours} multiply-adds a pixel, bilinear {theirs}, without any training."


def _equal_cost(one: float, other: float) -> bool:
    return 0 < max(one, other) <= _EQUAL_COST * min(one, other)


def _subpixel_is_more_accurate(results: Results) -> Measured:
    alike = [_methods(results, *names) for names in _ALIKE]
    pairs = [pair for pair in alike if len(pair) == 2 and _equal_cost(*(one.macs or 0 for one in pair))]
    if results.truth is None or not pairs:
        return _missing("A pair of the two that starts alike and has equal multiply-adds")
    one, other = max(pairs, key=lambda pair: pair[0].psnr_y or -math.inf)
    assert one.psnr_y is not None
    assert other.psnr_y is not None
    return _verdict(one.psnr_y - other.psnr_y, _DECIBELS), (
        f"At {one.macs:,.0f} multiply-adds a pixel, {one.title} reaches {one.psnr_y:.2f} dB in {one.milliseconds:.2f} "
        f"ms, {other.title} {other.psnr_y:.2f} dB in {other.milliseconds:.2f} ms. One can be rewritten as the other."
    )


def _subpixel_in_decoders(decoder: Any) -> Measured:
    return _weighed([_difference(budget, ("subpixel",), ("transposed",)) for budget in decoder.budgets])


def _learned_serves_the_task(decoder: Any) -> Measured:
    return _weighed([_difference(budget, _LEARNED, _FIXED) for budget in decoder.budgets])


def _difference(budget: Any, ours: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[Verdict, str] | None:
    """The best of some kinds against the best of others, under one budget; None if there is none of either."""
    # They come with the best IoU first.
    one = next((each for each in budget.kinds if each.kind in ours), None)
    other = next((each for each in budget.kinds if each.kind in theirs), None)
    if one is None or other is None:
        return None
    found = budget.difference(one.kind, other.kind)
    verdict: Verdict = "supported" if found.low > 0 else "refuted" if found.high < 0 else "no difference"
    interval = f"{100 * found.low:+.2f} … {100 * found.high:+.2f}"
    return verdict, (
        f"With equal {budget.budget}, {one.title} has an IoU of {one.iou.mean:.1%}, {other.title} "
        f"{other.iou.mean:.1%}: a difference of {100 * found.mean:+.2f} ({interval}) points"
    )


def _weighed(found: list[tuple[Verdict, str] | None]) -> Measured:
    known = [one for one in found if one is not None]
    if not known:
        return "not measured", "Such decoders did not run."
    verdicts = {verdict for verdict, _ in known}
    # Budgets that disagree show no difference that holds for both.
    verdict = verdicts.pop() if len(verdicts) == 1 else "no difference"
    return verdict, "; ".join(text if not k else text[0].lower() + text[1:] for k, (_, text) in enumerate(known)) + "."


_TIMES = f"More or less by a ratio of {_RATIO} counts."


def _lr_space_is_more_accurate(spaces: Any) -> Measured:
    found: list[tuple[Verdict, str] | None] = []
    for one in spaces.pairings:
        if one.equal == "multiply-adds":
            gain = one.difference
            verdict: Verdict = "supported" if gain.low > 0 else "refuted" if gain.high < 0 else "no difference"
            found.append((verdict, f"{gain.mean:+.3f} ({gain.low:+.3f} … {gain.high:+.3f})"))
    verdict, figures = _weighed(found)
    if verdict == "not measured":
        return verdict, "No two networks of equal multiply-adds were trained."
    return verdict, f"PSNR of LR space less that of HR space, in dB: {figures}"


def _forms_are_equal(spaces: Any) -> Measured:
    found = spaces.conversion
    if not found.differences:
        return "not measured", "Nothing ran the two forms."
    largest = max(found.differences.values())
    verdict: Verdict = "supported" if found.restored and largest <= _SAME else "refuted"
    back = "gives the same weights to the bit" if found.restored else "gives other weights"
    return verdict, f"Results of 0 … 1 differ by at most {largest:.1e}; the way back {back}."


_OF_AN_IMAGE: tuple[tuple[str, str, str, Callable[[Results], Measured]], ...] = (
    ("Pixel shuffle is the fastest way to upsample", _TUTORIALS, f"Medians of a call. {_TIMES}", _shuffle_is_fastest),
    (
        "Pixel shuffle looks worse than bilinear and transposed convolution",
        _TUTORIALS,
        f"PSNR of Y below both by {_DECIBELS} dB supports it.",
        _shuffle_looks_worse,
    ),
    (
        "Bilinear interpolation smooths the jaggies",
        _TUTORIALS,
        "Detail beyond the limit of the small image that the reference lacks: nearest with "
        f"{_SMOOTHER} times that of bilinear supports it.",
        _bilinear_smooths,
    ),
    (
        "Bilinear interpolation leaves jaggies",
        _TUTORIALS,
        f"The same figure: {_RATIO} times that of the best of bicubic and Lanczos supports it.",
        _bilinear_leaves,
    ),
    (
        "Transposed convolution keeps more detail than bilinear",
        _TUTORIALS,
        f"Share of the reference's frequencies above half the limit of the small image. A difference of {_KEPT:.0%} "
        "counts.",
        _transposed_keeps_detail,
    ),
    (
        "Transposed convolution costs more than bilinear",
        _TUTORIALS,
        f"Medians of a call. {_TIMES}",
        _transposed_costs_more,
    ),
    (
        "Sub-pixel convolution is more accurate than transposed convolution at equal speed",
        _PAPER,
        f"PSNR of Y of a pair that starts alike, whose multiply-adds differ by at most 10 %. A difference of "
        f"{_DECIBELS} dB counts.",
        _subpixel_is_more_accurate,
    ),
)
_INTERVALS = "The interval of 95 % of the difference, for every budget: it lies on one side of 0 or not."

_OF_DECODERS: tuple[tuple[str, str, str, Callable[[Any], Measured]], ...] = (
    (
        "Sub-pixel convolution is more accurate than transposed convolution, in a decoder",
        _PAPER,
        f"Mean IoU. {_INTERVALS}",
        _subpixel_in_decoders,
    ),
    (
        "A learned upsampler serves the next task better",
        _TUTORIALS,
        "Mean IoU of the best upsampler with weights or offsets of its own, beside the best one of nearest, bilinear "
        f"and max unpooling. {_INTERVALS}",
        _learned_serves_the_task,
    ),
)
_OF_SPACES: tuple[tuple[str, str, str, Callable[[Any], Measured]], ...] = (
    (
        "At equal cost, a network in LR space is more accurate than one in HR space",
        _PAPER,
        "PSNR of Y at equal multiply-adds. The interval of 95 % of the difference, for every pair: it lies on one side "
        "of 0 or not.",
        _lr_space_is_more_accurate,
    ),
    (
        "A sub-pixel convolution is a transposed convolution with its weights in another order",
        _PAPER,
        f"A trained network and its converted form: a difference of at most {_SAME:g}, and the same weights after the "
        "way back.",
        _forms_are_equal,
    ),
)
