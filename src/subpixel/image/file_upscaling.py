"""Upscaling one image file in one call."""

from __future__ import annotations

import os
from pathlib import Path

from subpixel.image.files.reading import LIMIT
from subpixel.image.job import Job, Progress, Result
from subpixel.image.job_options import job_options
from subpixel.image.output_pixels import Colour
from subpixel.models.files import Model
from subpixel.upscaler import Upscaler

__all__ = ["upscale_file"]


def upscale_file(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str] | None = None,
    scale: float | None = None,
    *,
    model: str | os.PathLike[str] | Model = "auto",
    width: int | None = None,
    height: int | None = None,
    fit: tuple[int, int] | None = None,
    backend: str = "auto",
    device: str = "cpu",
    precision: str = "auto",
    threads: int | None = None,
    tile: int | None = None,
    ensemble: bool = False,
    strength: float = 1.0,
    exact: bool = False,
    overwrite: bool = False,
    quality: int | None = None,
    background: Colour | None = None,
    depth: int | None = None,
    format: str | None = None,
    compare: str | os.PathLike[str] | None = None,
    provenance: bool = True,
    limit: float = LIMIT,
    page: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Upscale one image file to the bytes that ``subpixel upscale`` writes.

    All metadata that the format can hold is kept. The result is verified before it is moved into place. For several
    files of one size, make an :class:`subpixel.Upscaler` once and run a :class:`Job` for each file.

    Args:
        source: the image. Its content decides its format, not its name.
        destination: the file to write; its suffix chooses the format: jpg, png, tif, webp, avif or gif. The default is
            ``name_x2.png`` (after the size) beside the source.
        scale: how many times larger: a number above 0 and up to 64; the default is 2 if no other size is given.
        model: ``"auto"``, the name of a shipped model, the path of a model file, or a model; see
            :class:`subpixel.Upscaler`.
        width: width of the result in pixels, instead of a scale; its height follows from the aspect.
        height: height of the result in pixels, instead of a scale; its width follows.
        fit: ``(width, height)``: the largest result with the image's aspect that fits in, instead of a scale.
        backend: ``"auto"``, ``"native"``, ``"reference"``, ``"torch"``, ``"torch-compiled"``, ``"onnxruntime"`` or
            ``"openvino"``.
        device: ``"cpu"``, ``"cuda"``, ``"mps"``, ``"gpu"`` or ``"auto"``, see :class:`subpixel.Upscaler`.
        precision: ``"auto"``, ``"f32"``, ``"bf16"`` or ``"int8"``.
        threads: 1 … 1024; the default is as many as this process may use.
        tile: side in pixels of the squares that go through a network at a time; the default is chosen to limit memory.
        ensemble: average over 8 flips and rotations, in eight times the time.
        strength: 0 … 1, from the bicubic resize to the network's result.
        exact: compute the network in flat parts too.
        overwrite: replace an existing file. The source itself is never replaced.
        quality: 1 … 100, of jpg, webp and avif; the default is 95, and lossless webp for a lossless source.
        background: the colour that transparent pixels are laid on, as ``"white"``, ``"#rrggbb"`` or ``(r, g, b)`` of
            0 … 255; the default keeps transparency.
        depth: 8 to round to 8 bits per sample; the default keeps those of the image.
        format: of a result without a destination, as ``"jpg"``; the default loses nothing: png, tif for floating point,
            the same format for an animation.
        compare: a file for a comparison of the bicubic resize and the result, or a folder for it; None for none.
        provenance: write into the result how it was made.
        limit: largest source in megapixels.
        page: which image to upscale of a TIFF or HEIF that holds several, from 1; the default is the main one.
        progress: called with the rows of the result that are done and the rows of all.

    Returns:
        The file that was written, its size, the model, and notes about what could not be kept.

    Raises:
        ImageReadError: the source is missing, damaged, too large or not an image.
        ImageWriteError: the destination exists or cannot be written.
        InvalidArgument: an argument is out of range, or the format cannot hold the result.
        Unsupported, BackendUnavailable, ModelFileError, MissingExtra: see :class:`subpixel.Upscaler`.

    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> from subpixel.image import ImageData, write
    >>> with TemporaryDirectory() as folder:
    ...     _ = write(ImageData(np.zeros((4, 6, 3), np.uint8)), f"{folder}/a.png")
    ...     result = upscale_file(f"{folder}/a.png", scale=3)
    >>> result.destination.name, result.size_out
    ('a_x3.png', (18, 12))
    """
    upscaler = Upscaler(
        scale,
        model=model,
        width=width,
        height=height,
        fit=fit,
        backend=backend,
        device=device,
        precision=precision,
        threads=threads,
        tile=tile,
        ensemble=ensemble,
        strength=strength,
        exact=exact,
    )
    # A model in memory may share its name with a shipped one.
    name = f"memory:{model.name}" if isinstance(model, Model) else os.fspath(model)
    options = job_options(
        name,
        precision=precision,
        ensemble=ensemble,
        strength=strength,
        exact=exact,
        quality=quality,
        background=background,
        depth=depth,
        page=page,
        compare=None if compare is None else Path(compare),
        format=format,
        provenance=provenance,
        limit=limit,
    )
    job = Job(
        Path(source),
        upscaler,
        destination=None if destination is None else Path(destination),
        overwrite=overwrite,
        **options,
    )
    return job.run(progress)
