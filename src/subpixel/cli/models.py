"""``subpixel models``: the models that come with the package, with their quality and their time on this machine."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from subpixel.cli.options import COMPUTATION, OUTPUT, Json, integer
from subpixel.errors import InvalidArgument

if TYPE_CHECKING:
    from subpixel.cli.model_table import ModelRow

# Pixels of the result of a measured call.
_PIXELS = 1_000_000
# Seconds of repetition; a call that takes longer than that counts alone.
_SECONDS = 0.5


def models(
    scale: Annotated[
        int | None,
        typer.Option(
            "-s",
            "--scale",
            parser=integer,
            metavar="N",
            help="List only models of this scale: 2, 3, 4 or 8. Default: all.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option(
            "--time",
            help="Measure the time of each model on this machine, about a second for each line.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    threads: Annotated[
        int | None,
        typer.Option(
            "-j",
            "--threads",
            metavar="N",
            min=1,
            max=1024,
            help="Measure with this many threads, 1 to 1024. Default: all processors that this process may use.",
            show_default=False,
            rich_help_panel=COMPUTATION,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the models that come with the package.

    For each model and scale, the table shows the parameters, the precision in which it runs, and PSNR of luma in dB in
    that precision.
    """
    from subpixel.backends import available_threads

    threads = available_threads() if threads is None else threads
    rows = _rows(scale)
    documents = [row.document for row in rows]
    if measure:
        for document in documents:
            if sys.stderr.isatty():
                print(f"\r\x1b[K{document['name']} ×{document['scale']}", end="", file=sys.stderr)
            document["time"] = _time(document["name"], document["scale"], threads)
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr)
    from subpixel.cli.model_table import model_table

    print(json.dumps(documents, indent=2, ensure_ascii=False) if as_json else model_table(rows, threads))


def _rows(scale: int | None) -> list[ModelRow]:
    """What the model files record, one row for each model and scale.

    Raises:
        InvalidArgument: no model has the scale.
    """
    from subpixel.backends import choose_backend
    from subpixel.cli.model_table import ModelRow
    from subpixel.models.zoo import ZOO, find, resolve

    rows: list[ModelRow] = []
    for entry in ZOO.values():
        for factor in entry.scales:
            if scale not in (None, factor):
                continue
            model = find(entry.name, factor)
            # auto takes the same precision on every backend; this one always runs.
            precision = choose_backend("reference", "auto", model.quantisation)[1]
            figures = model.video_scores(precision) if entry.video else model.scores(precision)
            document = {
                "name": entry.name,
                "scale": factor,
                "about": entry.about,
                "auto": resolve("auto") == entry.name,
                "colour": model.spec.colour,
                "parameters": model.spec.parameters,
                "macs_per_pixel": model.spec.macs_per_pixel,
                "receptive_field": model.spec.receptive_field,
                "figures": dict(model.figures),
                "training": dict(model.training),
                "flat": None if model.flat is None else dict(model.flat),
                "licence": model.licence,
            }
            psnr = {name: one["psnr_y"] for name, one in figures.items() if "psnr_y" in one}
            rows.append(ModelRow(document, entry.purpose or entry.about, precision, psnr, entry.video))
    if not rows:
        factors = sorted({factor for entry in ZOO.values() for factor in entry.scales})
        raise InvalidArgument(f"scale={scale}: no model has this scale. Choices: {', '.join(map(str, factors))}.")
    return rows


def _time(name: str, scale: int, threads: int) -> dict[str, Any]:
    """Milliseconds for a megapixel of the result, as ``precision="auto"`` runs the model: RGB for a model for images,
    luma for a model for videos."""
    import numpy as np

    from subpixel.bench.networks import synthetic_image
    from subpixel.bench.timing import time_alternately
    from subpixel.upscaler import MotionNetwork, Upscaler

    upscaler = Upscaler(scale, model=name, threads=threads)
    network = upscaler.network()
    side = round(_PIXELS**0.5 / scale)

    if isinstance(network, MotionNetwork):
        luma = synthetic_image((side, side), 1)[..., 0].astype(np.float32) / np.float32(255)
        frames = network.frames()

        def call() -> None:
            frames.push_luma(luma)
    else:
        rgb = synthetic_image((side, side), 3)

        def call() -> None:
            upscaler(rgb)

    start = time.perf_counter()
    call()
    seconds = time.perf_counter() - start
    if seconds < _SECONDS:
        seconds = time_alternately({name: call}, rounds=15, seconds=_SECONDS)[name].median / 1e3
    return {
        "ms_per_megapixel": float(f"{seconds * 1e9 / (side * scale) ** 2:.4g}"),
        "backend": network.backend,
        "precision": network.precision,
        "threads": threads,
    }
