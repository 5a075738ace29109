"""Upscaling one video file in one call."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from subpixel.errors import InvalidArgument
from subpixel.models.files import Model
from subpixel.upscaler import Upscaler
from subpixel.video.encoders import parse_options
from subpixel.video.images.frame_rate import exact_rate
from subpixel.video.images.number_pattern import NumberPattern
from subpixel.video.job import Job, Progress, Result, Settings
from subpixel.video.time_range import TimeRange

if TYPE_CHECKING:
    from subpixel.video.images.image_output import ImageOutput

__all__ = ["upscale_file"]


def upscale_file(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str] | None = None,
    scale: float | None = None,
    *,
    width: int | None = None,
    height: int | None = None,
    fit: tuple[int, int] | None = None,
    model: str | os.PathLike[str] | Model = "auto",
    backend: str = "auto",
    device: str = "cpu",
    precision: str = "auto",
    threads: int | None = None,
    ensemble: bool = False,
    strength: float = 1.0,
    exact: bool = False,
    encoder: str | None = None,
    crf: int | None = None,
    preset: str | None = None,
    pix_fmt: str | None = None,
    encoder_options: str | None = None,
    start: float | None = None,
    end: float | None = None,
    side_by_side: bool = False,
    deinterlace: bool = False,
    overwrite: bool = False,
    frame_rate: float | Fraction | str | None = None,
    start_number: int | None = None,
    copy_time: bool = False,
    progress: Progress | None = None,
    stream: int | None = None,
    audio: str = "copy",
) -> Result:
    """Upscale one video file, with its sound, subtitles, chapters and metadata, as ``subpixel video`` does.

    All other streams are copied unchanged; subtitles that the container does not hold are converted. The result is
    verified before it is moved into place. If the call is interrupted, an equal call resumes after the last complete
    segment.

    Args:
        source: the video; or images that are its frames: a pattern such as ``frames/%04d.png`` (``%%`` is a percent
            sign), or a folder that holds images and no video, in the order of their names.
        destination: the file to write; its suffix chooses the container: mp4, m4v, mov, qt, mkv, webm or nut. The
            default is ``name_x2`` with the source's suffix (``.mkv`` if that container is not written here) beside the
            source. A name with a number and the suffix of an image, such as ``frames/%04d.png``, writes one image for
            each frame (png, tif, jpg, webp, avif or gif), without sound; the folder is created.
        scale: how many times larger: a number above 0 and up to 64; below 1 the video is resized, without a network. 1
            cleans a compressed video. Pixels keep their shape. The default is 2 if no other size is given.
        width: width of the result in square pixels, instead of a scale, as the video is shown: after a turn that the
            file states. The height follows from the aspect.
        height: height of the result in square pixels; its width follows.
        fit: ``(width, height)``: the largest result with the video's aspect that fits in, in square pixels.
        model: ``"auto"``, the name of a shipped model, the path of a model file, or a model; see
            :class:`subpixel.Upscaler`. ``"auto"`` is ``fast-compressed`` for a lossy codec, else ``fast``.
        backend: ``"auto"``, ``"native"``, ``"reference"``, ``"torch"``, ``"torch-compiled"``, ``"onnxruntime"`` or
            ``"openvino"``.
        device: ``"cpu"``, ``"cuda"``, ``"mps"``, ``"gpu"`` or ``"auto"``, see :class:`subpixel.Upscaler`.
        precision: ``"auto"``, ``"f32"``, ``"bf16"`` or ``"int8"``.
        threads: 1 … 1024, of the network and of the encoder; the default is as many as this process may use.
        ensemble: average over 8 flips and rotations, in eight times the time.
        strength: 0 … 1, from the bicubic resize to the network's result.
        exact: compute the network in flat parts too.
        encoder: ``"x264"``, ``"x265"``, ``"svt-av1"``, ``"vp9"``, ``"ffv1"`` or ``"prores"``. The default fits the
            container and the frames: x264; x265 for more than 8 bits or gray; FFV1 for RGB; in WebM, VP9 or AV1.
        crf: quality, for encoders that have this setting; lower is better and larger.
        preset: speed, in the encoder's own words, as ``"slow"`` for x264.
        pix_fmt: the pixel format to encode, as ``"yuv420p10le"``; the default is the source's.
        encoder_options: additional options of libavcodec, as ``"tune=grain"``; see
            :func:`subpixel.video.parse_options`.
        start: where the part to write begins, in seconds after the first frame; the default is the beginning.
        end: where it ends, in seconds; the default is the end of the video.
        side_by_side: show the bicubic resize on the left.
        deinterlace: turn interlaced frames into progressive ones first. Without it they are an error.
        overwrite: replace an existing file. The source itself is never replaced. Without it, a result that was made
            from the same video with the same settings is left as it is, and any other file is an error.
        frame_rate: frames a second of images, as ``24``, ``23.976`` or ``"24000/1001"``; the default is 25.
        start_number: of the first image, if images are written; the default is 1. From images to images it is the
            number of the first of them.
        copy_time: give the result the modification time of the source.
        progress: called with the number of encoded frames and the number of all frames (None if unknown), from a thread
            of its own.
        stream: the index of the video stream to upscale, as ``ffprobe`` and the notes count; the default is the stream
            that the file marks so, then the largest.
        audio: what becomes of sounds: ``"copy"``, ``"none"`` to leave them out, or an encoder and the bits a second of
            each stream: ``"aac:128k"``, ``"opus:96k"``, ``"mp3"``, ``"ac3"``, ``"eac3"``, ``"flac"`` or ``"alac"``.

    Returns:
        The file that was written, its size, the number of frames, the model, and notes about what could not be kept.

    Raises:
        VideoReadError: the source is missing, not a video, or cannot be decoded; or images of a sequence are missing or
            differ in size.
        ImageReadError, ImageWriteError: an image cannot be read or written.
        VideoWriteError: the destination is another file, cannot be written, or differs when it is read back.
        InvalidArgument: an argument is out of range, or the container cannot hold the result.
        Unsupported: interlaced frames, a pixel format that cannot be upscaled or encoded, or a model that does not fit.
        BackendUnavailable, ModelFileError, MissingExtra: see :class:`subpixel.Upscaler`.

    >>> import av
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with av.open(f"{folder}/a.mkv", "w") as out:
    ...         stream = out.add_stream("ffv1", rate=24)
    ...         stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
    ...         for _ in range(3):
    ...             out.mux(stream.encode(av.VideoFrame(32, 16, "yuv420p")))
    ...         out.mux(stream.encode(None))
    ...     result = upscale_file(f"{folder}/a.mkv", scale=3, encoder="ffv1")
    >>> result.destination.name, result.size_out, result.frames
    ('a_x3.mkv', (96, 48), 3)

    Images as frames, both ways:

    >>> import numpy as np
    >>> from pathlib import Path
    >>> from subpixel.image import ImageData, write
    >>> with TemporaryDirectory() as folder:
    ...     for number in (1, 2):
    ...         _ = write(ImageData(np.zeros((16, 32, 3), np.uint8)), f"{folder}/{number:04d}.png")
    ...     video = upscale_file(f"{folder}/%04d.png", f"{folder}/a.mkv", 2, frame_rate=24)
    ...     images = upscale_file(f"{folder}/a.mkv", f"{folder}/large/%d.png", 2)
    ...     sorted(path.name for path in Path(folder, "large").iterdir())
    ['1.png', '2.png']
    >>> video.size_out, images.size_out
    ((64, 32), (128, 64))
    """
    time_range = None
    if start is not None or end is not None:
        time_range = TimeRange(_seconds(start or 0), None if end is None else _seconds(end))
    upscaler = Upscaler(
        scale,
        width=width,
        height=height,
        fit=fit,
        model=model,
        backend=backend,
        device=device,
        precision=precision,
        threads=threads,
        ensemble=ensemble,
        strength=strength,
        exact=exact,
    )
    settings = Settings(encoder, crf, preset, pix_fmt, parse_options(encoder_options), audio)
    rate = None if frame_rate is None else exact_rate(frame_rate)
    target = None if destination is None else Path(destination)
    job: Job | ImageOutput
    if target is not None and NumberPattern.of(target) is not None:
        from subpixel.video.images.image_output import ImageOutput  # libvips is loaded where there are images

        job = ImageOutput(
            Path(source),
            upscaler,
            target,
            start_number,
            overwrite,
            deinterlace,
            time_range,
            side_by_side,
            rate,
            stream=stream,
        )
        job.check_settings(settings)
        return job.run(progress)
    if start_number is not None:
        raise InvalidArgument(f"start_number={start_number}: this is for images, as in frames/%04d.png")
    job = Job(
        Path(source),
        upscaler,
        target,
        settings,
        overwrite,
        deinterlace,
        time_range,
        side_by_side,
        stream=stream,
        frame_rate=rate,
        copy_time=copy_time,
    )
    return job.run(progress)


def _seconds(value: float) -> Fraction:
    """A time as a fraction: 0.1 is a tenth, not the float nearest to it."""
    return Fraction(value).limit_denominator(1_000_000)
