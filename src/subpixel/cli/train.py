"""``subpixel train``: train a network on a folder of images or a video."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from subpixel.cli.option_names import with_option_names
from subpixel.cli.options import COMPUTATION, FILES, OUTPUT, Scale, Threads
from subpixel.errors import InvalidArgument, unknown

# Titles of panels that only this command has.
_DATA, _LEARNING = "What it learns from", "How it learns"


def train(
    *,
    data: Annotated[
        Path,
        typer.Option(
            metavar="PATH",
            help="Learn from this folder of 8-bit images, or from this video. Every 20th image or scene is held out "
            "and measured.",
            rich_help_panel=_DATA,
        ),
    ],
    held_out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Hold out the images that this text file names instead: a relative path or a pattern such as "
            "houses_*.jpg a line.",
            show_default=False,
            rich_help_panel=_DATA,
        ),
    ] = None,
    drawn: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Add this many images that code draws: type, gratings, grids, dead leaves, gradients and ramps.",
            rich_help_panel=_DATA,
        ),
    ] = 0,
    sizes: Annotated[
        str,
        typer.Option(metavar="LIST", help="Use each image at these sizes, 1 being its own.", rich_help_panel=_DATA),
    ] = "1,0.75,0.5",
    degradation: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Downscale only (clean), or also compress the small images (compressed).",
            rich_help_panel=_DATA,
        ),
    ] = "clean",
    variants: Annotated[
        int,
        typer.Option(
            metavar="N", help="Make this many degraded small images of each image and size.", rich_help_panel=_DATA
        ),
    ] = 1,
    frames: Annotated[
        int, typer.Option(metavar="N", help="Take about this many sharp frames of a video.", rich_help_panel=_DATA)
    ] = 200,
    clip: Annotated[
        int,
        typer.Option(
            metavar="N", help="Make clips of this many frames, for vespcn and recurrent.", rich_help_panel=_DATA
        ),
    ] = 7,
    speed: Annotated[
        float,
        typer.Option(
            metavar="PIXELS",
            help="Move images in clips by at most this many small pixels a frame.",
            rich_help_panel=_DATA,
        ),
    ] = 3.0,
    still: Annotated[
        float,
        typer.Option(
            metavar="X", help="Let the background of this share of such clips stand still.", rich_help_panel=_DATA
        ),
    ] = 0.15,
    arch: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Train this architecture. An unknown name lists the choices.", rich_help_panel=OUTPUT
        ),
    ] = "fast",
    scale: Scale = 2,
    data_name: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="Describe the data in the model file. Default: the name of the folder or video.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = "",
    licence: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="State the terms of the weights in the model file.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = "",
    minutes: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Take this long for reading, training and writing; training of resumed runs counts. Give --minutes or "
            "--steps.",
            show_default=False,
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Train for this many steps instead.", show_default=False, rich_help_panel=_LEARNING
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL",
            help="Begin with the weights of a shipped model or a model file, as far as they fit. Default: random "
            "weights.",
            show_default=False,
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=2**63 - 1,
            help="Set the seed of weights and patches, 0 to 2^63 - 1.",
            rich_help_panel=_LEARNING,
        ),
    ] = 0,
    batch: Annotated[
        int, typer.Option(metavar="N", help="Use this many patches in a step.", rich_help_panel=_LEARNING)
    ] = 32,
    patch: Annotated[
        int,
        typer.Option(
            metavar="PIXELS", help="Use small patches with sides of this many pixels.", rich_help_panel=_LEARNING
        ),
    ] = 64,
    candidates: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Of so many random patches, use the one with the most detail; 1: any. For images.",
            rich_help_panel=_LEARNING,
        ),
    ] = 2,
    lr: Annotated[
        float, typer.Option(metavar="X", help="Set the peak learning rate.", rich_help_panel=_LEARNING)
    ] = 0.005,
    cycles: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Repeat the cosine schedule this often, each time at half the rate.",
            rich_help_panel=_LEARNING,
        ),
    ] = 1,
    loss: Annotated[str, typer.Option(metavar="NAME", help="Minimise l1 or l2.", rich_help_panel=_LEARNING)] = "l1",
    fft: Annotated[
        float,
        typer.Option(
            metavar="X",
            help="Add the difference of the spectra (FFT) to the loss with this weight, such as 0.05.",
            rich_help_panel=_LEARNING,
        ),
    ] = 0.0,
    average: Annotated[
        float,
        typer.Option(
            metavar="X",
            help="Measure and save a mean of weights with this decay. 0 means the last weights.",
            rich_help_panel=_LEARNING,
        ),
    ] = 0.999,
    content: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Compare pixel, pyramid or vgg19. Default: vgg19 with --features, pyramid with --adversarial, else "
            "pixel.",
            show_default=False,
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Read the weights of VGG19 from this .pth or .safetensors file.",
            show_default=False,
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    layer: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Compare this layer of VGG19 before its activation, 1.1 to 5.4.",
            rich_help_panel=_LEARNING,
        ),
    ] = "5.4",
    adversarial: Annotated[
        float,
        typer.Option(
            metavar="X",
            help="Add an adversarial loss of this weight, such as SRGAN's 0.001. 0 means none.",
            rich_help_panel=_LEARNING,
        ),
    ] = 0.0,
    teacher: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Learn from this larger model of the same scale as well.",
            show_default=False,
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    teacher_share: Annotated[
        float,
        typer.Option(metavar="X", help="Give the teacher this share of the loss, 0 to 1.", rich_help_panel=_LEARNING),
    ] = 0.5,
    expand: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Over-parameterise each layer by this many times its output channels. 0 means not at all.",
            rich_help_panel=_LEARNING,
        ),
    ] = 4,
    rounded: Annotated[
        bool,
        typer.Option("--rounded", help="Round like int8 while training. Needs --start.", rich_help_panel=_LEARNING),
    ] = False,
    warped: Annotated[
        float,
        typer.Option(
            metavar="X", help="Set the weight of the warping error in the loss, for vespcn.", rich_help_panel=_LEARNING
        ),
    ] = 0.01,
    smooth: Annotated[
        float,
        typer.Option(
            metavar="X",
            help="Set the weight of the unevenness of motion in the loss, for vespcn.",
            rich_help_panel=_LEARNING,
        ),
    ] = 0.001,
    bf16: Annotated[
        bool | None,
        typer.Option(
            "--bf16/--no-bf16",
            help="Compute layers in bf16. Default: where that is faster than f32.",
            show_default=False,
            rich_help_panel=COMPUTATION,
        ),
    ] = None,
    device: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Train on cpu, cuda, cuda:1 and so on. auto takes a GPU if there is one.",
            rich_help_panel=COMPUTATION,
        ),
    ] = "auto",
    threads: Threads = None,
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Write the model to this .safetensors file; .csv, .png and .ckpt files are written beside it.",
            rich_help_panel=FILES,
        ),
    ],
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from the checkpoint beside --out.", rich_help_panel=FILES)
    ] = False,
) -> None:
    """Train a network on your own images or video.

    The command writes a model file and verifies it by reading it back. It needs the extra `train`: install
    'subpixel[train]'. Set the length with --minutes or --steps.
    """
    began = time.monotonic()  # importing torch takes seconds
    from subpixel.backends import available_threads
    from subpixel.models.zoo import ARCHITECTURES
    from subpixel.train import Settings, trains_faster_in_bf16
    from subpixel.train import train as fit

    if arch not in ARCHITECTURES:
        raise unknown("architecture", arch, ARCHITECTURES)
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
        candidates=candidates,
        lr=lr,
        loss=loss,
        fft=fft,
        average=average,
        sizes=_numbers(sizes),
        expand=expand,
        bf16=trains_faster_in_bf16(device) if bf16 is None else bf16,
        cycles=cycles,
        rounded=rounded,
        teacher_share=teacher_share if teacher is not None else 0.0,
        degradation=degradation,
        variants=variants,
        frames=frames,
        drawn=drawn,
        content=content or ("vgg19" if features else "pyramid" if adversarial else "pixel"),
        layer=layer,
        adversarial=adversarial,
        clip=clip,
        speed=speed,
        still=still,
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
        held_out=held_out,
        device=device,
        threads=threads if threads is not None else available_threads(),
        provenance={
            "command": _command(data, out, start, teacher, features, held_out),
            "data": data_name or data.name,
            "licence": licence,
        },
        began=began,
        say=lambda line: print(with_option_names(line), flush=True),
    )


def _numbers(sizes: str) -> tuple[float, ...]:
    try:
        return tuple(float(one) for one in sizes.split(","))
    except ValueError:
        raise InvalidArgument(f"--sizes {sizes}: numbers with commas between them are needed, such as 1,0.75") from None


def _shipped_or_file(start: Path | None, scale: int) -> Path | None:
    """The file of a shipped model if ``start`` is its name; else ``start`` itself."""
    from subpixel.models.zoo import ZOO

    entry = ZOO.get(str(start))
    if entry is None or not entry.trained:
        return start
    if scale not in entry.scales:
        raise InvalidArgument(
            f"--start {start}: this model has {', '.join(f'×{s}' for s in entry.scales)}, not ×{scale}"
        )
    return entry.path(scale)


def _command(*paths: Path | None) -> str:
    """The command line, for the model file; files and folders by their names alone, since their paths are private."""
    names = {str(path): path.name for path in paths if path is not None}
    return shlex.join(["subpixel", *(names.get(word, word) for word in sys.argv[1:])])
