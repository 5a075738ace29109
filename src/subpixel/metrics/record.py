"""Figures of a report, rounded and written into a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from subpixel.errors import InvalidArgument
from subpixel.models.files import Model

__all__ = ["record", "record_videos"]

# The figures that a model file stores, with their decimals. Times belong to a machine and are not stored.
_VIDEO_DIGITS = {"psnr_y": 4, "ssim_y": 5, "warping_error": 4}
_DIGITS = {"psnr_y": 4, "ssim_y": 5, "psnr_rgb": 4, "ssim_rgb": 5, "round_trip_psnr_y": 4}


def record(model: Model, report: Mapping[str, Any], *, degraded: str | None = None) -> Model:
    """A copy of the model with the figures of a report. They replace the older ones of the same precision.

    Args:
        model: the measured model.
        report: a report of :func:`subpixel.metrics.evaluate`. Figures of f32 are stored at the top of ``figures``
            (``protocol``, ``sets``), those of another precision below its name.
            :meth:`subpixel.models.Model.scores` reads them.
        degraded: the name of the compression that the small images went through. Its figures are stored in
            ``degraded``.

    Raises:
        InvalidArgument: the report is of an ensemble or of a strength below 1.
    """
    if report["ensemble"] or report["strength"] != 1:
        raise InvalidArgument("record: figures of an ensemble or of a strength below 1 are not the network's own")
    sets = {
        name: {key: round(one[key], digits) for key, digits in _DIGITS.items()} for name, one in report["sets"].items()
    }
    entry: dict[str, Any] = {"protocol": report["protocol"], "sets": sets}
    before = _figures(model, report["precision"])
    if degraded is not None:
        entry = {"degraded": {**before.get("degraded", {}), degraded: entry}}
    return _with_figures(model, report["precision"], entry)


def record_videos(model: Model, report: Mapping[str, Any]) -> Model:
    """A copy of the model with the figures of a report of :func:`subpixel.metrics.video.evaluate_video`.

    They are stored in ``videos`` (``protocol``, ``clips``, ``mean``);
    :meth:`subpixel.models.Model.video_scores` reads them.
    """

    def round_figures(one: Mapping[str, Any]) -> dict[str, Any]:
        return {
            key: round_figures(value) if isinstance(value, Mapping) else round(value, _VIDEO_DIGITS[key])
            for key, value in one.items()
            if isinstance(value, Mapping) or key in _VIDEO_DIGITS
        }

    clips = {name: round_figures(one) for name, one in report["clips"].items()}
    videos = {"protocol": report["protocol"], "clips": clips, "mean": round_figures(report["mean"])}
    return _with_figures(model, report["precision"], {"videos": videos})


def _figures(model: Model, precision: str) -> Mapping[str, Any]:
    result: Mapping[str, Any] = model.figures if precision == "f32" else model.figures.get(precision, {})
    return result


def _with_figures(model: Model, precision: str, entry: Mapping[str, Any]) -> Model:
    after = {**_figures(model, precision), **entry}
    return replace(model, figures=after if precision == "f32" else {**model.figures, precision: after})
