"""``subpixel train``: fit a network to a folder of images or to a video."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from subpixel.cli.options import Scale, Threads
from subpixel.errors import InvalidArgument


def train(
    data: Annotated[
        Path,
        typer.Option(help="A folder of 8-bit images or a video; every 20th image or scene is held out to measure."),
    ],
    out: Annotated[Path, typer.Option(help="The model file to write, .safetensors; .csv, .png, .ckpt come beside it.")],
    arch: Annotated[str, typer.Option(help="Architecture; an unknown one is told which there are.")] = "fast",
    scale: Scale = 2,
    minutes: Annotated[float | None, typer.Option(help="How long (all resumed parts together).")] = None,
    steps: Annotated[int | None, typer.Option(help="How many steps, instead of minutes.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint beside --out.")] = False,
    start: Annotated[
        Path | None,
        typer.Option(help="A shipped model's name or a model file, whose fitting weights are taken to begin with."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of weights and patches.")] = 0,
    batch: Annotated[int, typer.Option(help="Patches a step.")] = 32,
    patch: Annotated[int, typer.Option(help="Side of a small patch.")] = 64,
    lr: Annotated[float, typer.Option(help="Peak learning rate.")] = 0.005,
    loss: Annotated[str, typer.Option(help="l1 or l2.")] = "l1",
    expand: Annotated[int, typer.Option(help="Over-parameterisation, in output channels; 0 for none.")] = 4,
    cycles: Annotated[int, typer.Option(help="Cosines of the rate in a row, each of half the height.")] = 1,
    rounded: Annotated[bool, typer.Option("--rounded", help="Round as int8 does; wants --start.")] = False,
    teacher: Annotated[Path | None, typer.Option(help="A larger model of the same scale to learn from.")] = None,
    teacher_share: Annotated[float, typer.Option(help="Of the loss, with --teacher.")] = 0.5,
    content: Annotated[
        str | None,
        typer.Option(
            help="What the loss compares: pixel, pyramid or vgg19. Default: vgg19 with --features, pyramid with "
            "--adversarial, else pixel.",
            show_default=False,
        ),
    ] = None,
    features: Annotated[Path | None, typer.Option(help="Weights of VGG19, .pth or .safetensors.")] = None,
    layer: Annotated[str, typer.Option(help="Of VGG19, before its activation: 1.1 … 5.4.")] = "5.4",
    adversarial: Annotated[float, typer.Option(help="Weight of an adversary's loss, as SRGAN's 0.001; 0: none.")] = 0.0,
    bf16: Annotated[
        bool | None,
        typer.Option(help="Compute layers in bf16. Default: where the device multiplies it.", show_default=False),
    ] = None,
    device: Annotated[str, typer.Option(help="auto (a GPU where there is one), cpu, cuda, cuda:1 …")] = "auto",
    degradation: Annotated[str, typer.Option(help="What befell the small images: clean or compressed.")] = "clean",
    variants: Annotated[int, typer.Option(help="Degraded small images made of each image and size.")] = 1,
    frames: Annotated[int, typer.Option(help="About how many sharp frames are taken of a video.")] = 200,
    clip: Annotated[int, typer.Option(help="Frames of a clip, for vespcn and recurrent.")] = 7,
    speed: Annotated[float, typer.Option(help="Small pixels a frame that images are moved by at most.")] = 3.0,
    warped: Annotated[float, typer.Option(help="Of the loss: error of what a flow brought here, for vespcn.")] = 0.01,
    smooth: Annotated[float, typer.Option(help="Of the loss: unevenness of flows.")] = 0.001,
    data_name: Annotated[str, typer.Option(help="What the data is, for the model's card.")] = "",
    licence: Annotated[str, typer.Option(help="Terms of the weights, for the model's card.")] = "",
    threads: Threads = None,
) -> None:
    """Train a network and write it as a model file, verified by reading it back."""
    from subpixel.backends import available_threads
    from subpixel.models.zoo import ARCHITECTURES
    from subpixel.train import Settings, multiplies_bf16
    from subpixel.train import train as fit

    if arch not in ARCHITECTURES:
        raise InvalidArgument(f"arch={arch!r}: one of {', '.join(ARCHITECTURES)} is needed")
    if scale < 2:
        raise InvalidArgument(f"scale={scale}: 2 or more is needed")
    settings = Settings(
        arch=arch,
        scale=scale,
        steps=steps,
        minutes=minutes,
        seed=seed,
        batch=batch,
        patch=patch,
        lr=lr,
        loss=loss,
        expand=expand,
        bf16=multiplies_bf16(device) if bf16 is None else bf16,
        cycles=cycles,
        rounded=rounded,
        teacher_share=teacher_share if teacher is not None else 0.0,
        degradation=degradation,
        variants=variants,
        frames=frames,
        content=content or ("vgg19" if features else "pyramid" if adversarial else "pixel"),
        layer=layer,
        adversarial=adversarial,
        clip=clip,
        speed=speed,
        warped=warped,
        smooth=smooth,
    )
    fit(
        settings,
        ARCHITECTURES[arch](scale),
        data,
        out,
        resume=resume,
        start=_shipped_or_file(start, scale),
        teacher=teacher,
        features=features,
        device=device,
        threads=threads if threads is not None else available_threads(),
        provenance={
            "command": _command(data, out, start, teacher, features),
            "data": data_name or data.name,
            "licence": licence,
        },
        say=lambda line: print(line, flush=True),
    )


def _shipped_or_file(start: Path | None, scale: int) -> Path | None:
    """The file of a shipped model that is called by its name, or the file that was named."""
    from subpixel.models.zoo import ZOO

    entry = ZOO.get(str(start))
    if entry is None or not entry.trained:
        return start
    if scale not in entry.scales:
        raise InvalidArgument(f"start={start}: has {', '.join(f'×{s}' for s in entry.scales)}, not ×{scale}")
    return entry.path(scale)


def _command(*paths: Path | None) -> str:
    """What was typed, with files and folders by their names alone: where they lay is nobody's business."""
    names = {str(path): path.name for path in paths if path is not None}
    return shlex.join(["subpixel", *(names.get(word, word) for word in sys.argv[1:])])
