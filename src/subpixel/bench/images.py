"""The suite ``images``: whole images through an ``Upscaler``; and the frames that begin the suite ``video``."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.bench import ceilings
from subpixel.bench.machine import version_of
from subpixel.bench.networks import Network, espcn_x3, network_call, synthetic_image, thin_x2
from subpixel.bench.options import BenchOptions, measure_group
from subpixel.bench.peers import superres
from subpixel.bench.results import Fact, Group
from subpixel.errors import SubpixelError
from subpixel.image import ImageData, Job, write
from subpixel.models.files import Model, save
from subpixel.upscaler import Upscaler

__all__ = ["frames", "image_files", "images", "real_time", "superres_comparison"]


def images(options: BenchOptions) -> Iterator[Group]:
    """The groups of the suite."""
    yield superres_comparison(options)
    with tempfile.TemporaryDirectory() as folder:
        upscalers = _upscalers(options, Path(folder), espcn_x3())
        yield kinds(options, upscalers)
        yield files(options, upscalers, Path(folder))


def image_files(options: BenchOptions) -> Iterator[Group]:
    """Only the group of files of :func:`images`."""
    with tempfile.TemporaryDirectory() as folder:
        yield files(options, _upscalers(options, Path(folder), espcn_x3()), Path(folder))


def superres_comparison(options: BenchOptions) -> Group:
    """``Upscaler(3, model="espcn")`` on RGB bytes, and OpenCV's dnn_superres."""
    network = espcn_x3()
    (h, w), r = network.size, network.spec.scale
    rgb = synthetic_image(network.size, 3)
    calls, entries = _bounds(options, network)
    notes = ["The ceiling counts only the network's multiply-adds; colour conversion comes on top."]
    with tempfile.TemporaryDirectory() as folder:
        _add_ours(_upscalers(options, Path(folder), network), rgb, calls, entries)
    if options.superres is None:
        notes.append("OpenCV dnn_superres: not measured, its model files were not given")
    else:
        peers = superres(options.superres, r, options.threads)
        if not peers:
            notes.append(f"OpenCV dnn_superres: not measured, OpenCV {version_of('opencv')} here has no such module")
        for peer in peers:
            calls[peer.name] = lambda peer=peer: peer.run(rgb)  # type: ignore[misc]
            entries.append((peer.name, "peer", None))
    title = f'Upscaler({r}, model="espcn"), RGB bytes, {w}×{h} → {w * r}×{h * r}'
    return measure_group(options, "end-to-end", title, calls, entries, notes)


def real_time(options: BenchOptions) -> Group:
    """The thin network on RGB bytes to 1920×1080, in images per second."""
    network = thin_x2()
    (h, w), r = network.size, network.spec.scale
    rgb = synthetic_image(network.size, 3)
    calls, entries = _bounds(options, network)
    with tempfile.TemporaryDirectory() as folder:
        _add_ours(_upscalers(options, Path(folder), network), rgb, calls, entries)
    title = f"The small network, RGB bytes, {w}×{h} → {w * r}×{h * r}"
    result = measure_group(options, "real-time", title, calls, entries)
    return _with_rates(result, "images a second")


def kinds(options: BenchOptions, upscalers: dict[str, Upscaler]) -> Group:
    """Kinds of images: the cost of colour, alpha and 16 bits over luma alone."""
    network = espcn_x3()
    rgb = synthetic_image(network.size, 3)
    clear = np.dstack([rgb, synthetic_image(network.size) // 2])
    inputs: dict[str, NDArray[Any]] = {
        "gray u8": rgb[..., 0].copy(),
        "RGB u8": rgb,
        "RGBA u8": clear,
        "RGB u16": rgb.astype(np.uint16) * 257,
        "RGB f32": rgb.astype(np.float32) / np.float32(255),
    }
    calls, entries = _bounds(options, network)
    for precision, upscaler in upscalers.items():
        for kind, x in inputs.items():
            name = f"{kind}, {precision}"
            calls[name] = lambda upscaler=upscaler, x=x: upscaler(x)  # type: ignore[misc]
            entries.append((name, "ours", f"ceiling {precision}"))
    (h, w), r = network.size, network.spec.scale
    return measure_group(options, "kinds", f'Upscaler({r}, model="espcn"), {w}×{h}, kinds of images', calls, entries)


def files(options: BenchOptions, upscalers: dict[str, Upscaler], folder: Path) -> Group:
    """PNG to PNG: a ``Job`` reads, upscales and writes; and the whole command with its start-up."""
    source, result = folder / "source.png", folder / "result.png"
    write(ImageData(synthetic_image(espcn_x3().size, 3)), source, overwrite=True)
    calls: dict[str, Callable[[], Any]] = {}
    entries: list[tuple[str, str, str | None]] = []
    for precision, upscaler in upscalers.items():
        job = Job(source, upscaler, destination=result, overwrite=True)
        calls[f"Job, {precision}"] = job.run
        entries.append((f"Job, {precision}", "ours", None))
    arguments = ["upscale", source, "-o", result, "-s", 3, "-n", "espcn", "-j", options.threads, "--overwrite"]
    command = [sys.executable, "-P", "-m", "subpixel", *map(str, arguments)]
    calls["subpixel upscale"] = lambda: _run(command)
    entries.append(("subpixel upscale", "ours", None))
    return measure_group(options, "files", "ESPCN ×3, an RGB PNG file of 640×360 to one of 1920×1080", calls, entries)


def frames(options: BenchOptions) -> Group:
    """Frames of video, 8 bits in 4:2:0, and the network alone on their luma: the cost of chroma and of codes."""
    network = thin_x2()
    (h, w), r = network.size, network.spec.scale
    y, u, v = synthetic_image(network.size), *(synthetic_image((-(-h // 2), -(-w // 2))) for _ in range(2))
    calls: dict[str, Callable[[], Any]] = {}
    entries: list[tuple[str, str, str | None]] = []
    with tempfile.TemporaryDirectory() as folder:
        for precision, upscaler in _upscalers(options, Path(folder), network).items():
            alone, whole = f"network alone, {precision}", f"4:2:0 u8, {precision}"
            calls[alone] = network_call(network, precision, options.threads)
            calls[whole] = lambda upscaler=upscaler: upscaler.yuv(  # type: ignore[misc]
                y, u, v, subsampling="420", siting="left", bits=8, full_range=False
            )
            entries += [(whole, "ours", alone), (alone, "ceiling", None)]
    title = f"{network.name} ×{r}, frames of {w}×{h} → {w * r}×{h * r}"
    return _with_rates(measure_group(options, "frames", title, calls, entries), "frames a second")


def _add_ours(
    upscalers: dict[str, Upscaler],
    x: NDArray[Any],
    calls: dict[str, Callable[[], Any]],
    entries: list[tuple[str, str, str | None]],
) -> None:
    for precision, upscaler in upscalers.items():
        calls[f"subpixel {precision}"] = lambda upscaler=upscaler: upscaler(x)  # type: ignore[misc]
        entries.append((f"subpixel {precision}", "ours", f"ceiling {precision}"))


def _with_rates(group: Group, unit: str) -> Group:
    """The group with the rate of each entry of ours."""
    rates = [Fact(one.name, 1000 / one.time.median, unit) for one in group.entries if one.role == "ours"]
    return replace(group, facts=tuple(rates))


def _upscalers(options: BenchOptions, folder: Path, network: Network) -> dict[str, Upscaler]:
    """Upscalers of a network in int8 and f32, with the int8 parameters of the benchmark."""
    path = folder / "model.safetensors"
    save(Model("model", network.spec, dict(network.weights), quantisation=network.quantisation), path)
    return {
        precision: Upscaler(
            network.spec.scale, model=str(path), backend="native", precision=precision, threads=options.threads
        )
        for precision in ("int8", "f32")
    }


def _bounds(
    options: BenchOptions, network: Network
) -> tuple[dict[str, Callable[[], Any]], list[tuple[str, str, str | None]]]:
    target = ceilings.targets()[-1]
    calls: dict[str, Callable[[], Any]] = {
        f"ceiling {precision}": ceilings.arithmetic(precision, target, options.threads, network.macs)
        for precision in ("int8", "f32")
    }
    return calls, [(name, "ceiling", None) for name in calls]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SubpixelError(f"{' '.join(command[2:])}: {done.stderr.strip()}")
