"""``subpixel evaluate``: measure a model on test sets."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from subpixel.cli.options import (
    DATA,
    FILES,
    Backend,
    Device,
    Ensemble,
    Exact,
    Json,
    Model,
    Precision,
    Strength,
    Threads,
    scale_option,
)
from subpixel.errors import InvalidArgument


def evaluate(
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Measure on this test set: a folder with HR/ and optionally LR_x2/, LR_x3/ and so on. A folder of "
            "test sets is measured set by set.",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    video: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Measure on this clip instead: it is downscaled and upscaled again. Repeat the option for more clips.",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    scale: Annotated[int, scale_option("Measure this factor: 2, 3, 4 or 8.", DATA)] = 2,
    degrade: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="Compress the small images first: jpeg:75 (4:2:0), jpeg:75:444, webp:80 or h264:23, each with its own "
            "quality.",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    model: Model,
    precision: Precision = "auto",
    ensemble: Ensemble = False,
    strength: Strength = 1.0,
    exact: Exact = False,
    backend: Backend = "auto",
    device: Device = "cpu",
    threads: Threads = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the figures to the model file.", rich_help_panel=FILES)
    ] = False,
    heatmap: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write maps to this folder that show where the result, downscaled again, differs from the input.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace maps that exist.", rich_help_panel=FILES)
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure the quality and speed of a model on test sets or clips.

    The command prints PSNR and SSIM, the time, how well the downscaled result matches the input, and the protocol.
    """
    if (data is None) == (not video):
        raise InvalidArgument("evaluate needs either --data or --video, not both")
    if video:
        for name, given in (("--degrade", degrade), ("--heatmap", heatmap)):
            if given:
                raise InvalidArgument(f"{name} works only with --data")
        if ensemble or strength != 1:
            raise InvalidArgument("--ensemble and --strength work only with --data")
        _check_record(record, model)
        _evaluate_video(video, model, scale, backend, device, precision, threads, as_json, record, exact)
        return
    assert data is not None
    from subpixel.image.compression import parse
    from subpixel.metrics import evaluate as measure
    from subpixel.metrics import record as with_figures
    from subpixel.models.files import Model, save
    from subpixel.upscaler import Upscaler

    _check_record(record, model)
    if record and (ensemble or strength != 1):
        raise InvalidArgument(
            "--record does not work with --ensemble or --strength: the file records the network alone"
        )
    degradation = parse(degrade) if degrade is not None else None
    upscaler = Upscaler(
        scale,
        model=model,
        backend=backend,
        device=device,
        precision=precision,
        threads=threads,
        ensemble=ensemble,
        strength=strength,
        exact=exact,
    )
    show = sys.stderr.isatty()
    progress = (lambda name: print(f"\r\x1b[K{name}", end="", file=sys.stderr)) if show else None
    report = measure(upscaler, data, progress, degradation, heatmaps=heatmap, overwrite=overwrite)
    if show:
        print("\r\x1b[K", end="", file=sys.stderr)
    if record:
        network = upscaler.network()
        assert isinstance(network.model, Model)  # it came from a model file
        save(with_figures(network.model, report, degraded=degrade), model)
    if as_json:
        print(json.dumps(_finite(report), indent=2, ensure_ascii=False, allow_nan=False))
        return
    _show(report)
    if heatmap is not None:
        from subpixel.metrics.heatmap import LIMIT

        print(f"  heat maps in {heatmap}: the absolute difference of Y, from 0 (black) to {LIMIT} or more (white)")


def _check_record(record: bool, model: str) -> None:
    if record and not model.endswith(".safetensors"):
        raise InvalidArgument("--record needs the path of a .safetensors file as --model")


def _title(report: dict[str, Any]) -> str:
    return f"{report['model']} ×{report['scale']}, {report['backend']}, {report['precision']}"


def _show(report: dict[str, Any]) -> None:
    mix = ", ensemble" if report["ensemble"] else ""
    mix += f", strength {report['strength']:g}" if report["strength"] != 1 else ""
    mix += "" if report["exact"] else ", flat parts plain"
    print(f"{_title(report)}{mix}")
    rows = [("", "PSNR Y", "SSIM Y", "PSNR RGB", "SSIM RGB", "round trip Y", "seconds", "Mpx/s", "images")]
    for name, one in report["sets"].items():
        decibels = [f"{one[key]:.3f} dB" for key in ("psnr_y", "psnr_rgb", "round_trip_psnr_y")]
        ratios = [f"{one[key]:.4f}" for key in ("ssim_y", "ssim_rgb")]
        time = f"{one['seconds']:.3f}", f"{one['megapixels_per_second']:.1f}", str(len(one["images"]))
        rows.append((name, decibels[0], ratios[0], decibels[1], ratios[1], decibels[2], *time))
    from subpixel.cli.table import align_rows

    for line in align_rows(rows):
        print(f"  {line}")
    for topic, text in report["protocol"].items():
        print(f"  {topic}: {text}")
    threads = f"{report['threads']} thread{'s'[: report['threads'] > 1]}"
    print(f"  time: {report['time']}; {threads}")


def _evaluate_video(
    files: list[Path],
    model: str,
    scale: int,
    backend: str,
    device: str,
    precision: str,
    threads: int | None,
    as_json: bool,
    record: bool,
    exact: bool,
) -> None:
    from subpixel.metrics.record import record_videos
    from subpixel.metrics.video import evaluate_video
    from subpixel.models.files import Model, save
    from subpixel.upscaler import Upscaler

    show = sys.stderr.isatty()
    progress = (lambda name: print(f"\r\x1b[K{name}", end="", file=sys.stderr)) if show else None
    upscaler = Upscaler(
        scale, model=model, backend=backend, device=device, precision=precision, threads=threads, exact=exact
    )
    network = upscaler.network()
    report = evaluate_video(upscaler, files, progress)
    if show:
        print("\r\x1b[K", end="", file=sys.stderr)
    if record:
        assert isinstance(network.model, Model)  # it came from a model file
        save(record_videos(network.model, report), model)
    if as_json:
        print(json.dumps(_finite(report), indent=2, ensure_ascii=False, allow_nan=False))
        return
    print(_title(report))
    clips = {**report["clips"], **({"mean": report["mean"]} if len(report["clips"]) > 1 else {})}
    rows = [("", "PSNR Y", "SSIM Y", "warping error", "frames/s")]
    for name, one in clips.items():
        rate = f"{one['frames'] / one['seconds']:.1f}" if "frames" in one else ""
        rows.append((name, *_video_figures(one), rate))
        rows += [(f"  {name}", *_video_figures(one[name]), "") for name in ("bicubic", "truth")]
    from subpixel.cli.table import align_rows

    for line in align_rows(rows):
        print(f"  {line}")
    for topic, text in report["protocol"].items():
        print(f"  {topic}: {text}")


def _video_figures(one: dict[str, Any]) -> tuple[str, str, str]:
    kinds = {"psnr_y": "{:.3f} dB", "ssim_y": "{:.4f}", "warping_error": "{:.3f}"}
    first, second, third = (kind.format(one[key]) if key in one else "" for key, kind in kinds.items())
    return first, second, third


def _finite(value: Any) -> Any:
    """The value for JSON, which has no infinity: PSNR of equal images becomes null."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and math.isinf(value) else value
