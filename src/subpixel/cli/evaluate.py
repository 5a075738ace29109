"""``subpixel evaluate``: measure a model on test sets."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from subpixel.cli.options import Backend, Json, Model, Precision, Scale, Threads
from subpixel.errors import InvalidArgument


def evaluate(
    data: Annotated[Path, typer.Option(help="A folder with HR/ (and LR_x2/ …), or a folder of such folders.")],
    model: Model,
    scale: Scale = 2,
    threads: Threads = None,
    backend: Backend = "auto",
    precision: Precision = "auto",
    degrade: Annotated[
        str | None,
        typer.Option(help="Save the small pictures as jpeg:75 (4:2:0), jpeg:75:444, webp:80 or h264:23 (crf) first."),
    ] = None,
    as_json: Json = False,
    record: Annotated[bool, typer.Option("--record", help="Write the figures into the model file.")] = False,
) -> None:
    """Print PSNR and SSIM with the protocol they were measured under."""
    from subpixel.image.compression import parse
    from subpixel.metrics import evaluate as measure
    from subpixel.models.files import Model, save
    from subpixel.upscaler import Upscaler

    if record and not model.endswith(".safetensors"):
        raise InvalidArgument("--record: the path of the model file is needed as --model")
    degradation = parse(degrade) if degrade is not None else None
    upscaler = Upscaler(model, scale, backend, precision, threads)
    show = sys.stderr.isatty()
    progress = (lambda name: print(f"\r\x1b[K{name}", end="", file=sys.stderr)) if show else None
    report = measure(upscaler, data, progress, degradation)
    if show:
        print("\r\x1b[K", end="", file=sys.stderr)
    if record:
        assert isinstance(upscaler.model, Model)  # it came from a model file
        averages = {
            name: {"psnr_y": round(one["psnr_y"], 4), "ssim_y": round(one["ssim_y"], 5)}
            for name, one in report["sets"].items()
        }
        figures: dict[str, Any] = {"protocol": report["protocol"], "sets": averages}
        if degrade is not None:  # beside those on clean pictures
            figures = {"degraded": {**upscaler.model.figures.get("degraded", {}), degrade: figures}}
        figures = {**upscaler.model.figures, **figures}
        save(replace(upscaler.model, figures=figures), model)
    if as_json:
        print(json.dumps(report, indent=2, ensure_ascii=False))
        return
    print(f"{report['model']} ×{report['scale']}, {report['backend']}, {report['precision']}")
    for name, one in report["sets"].items():
        print(f"  {name:<12} {one['psnr_y']:7.3f} dB   SSIM {one['ssim_y']:.4f}   {len(one['images'])} pictures")
    for topic, text in report["protocol"].items():
        print(f"  {topic}: {text}")
