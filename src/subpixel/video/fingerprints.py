"""Digests of what the frames of a result depend on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from subpixel.errors import InvalidArgument, VideoReadError
from subpixel.models.files import Model
from subpixel.storage.file_kinds import open_file
from subpixel.storage.os_errors import os_error_text
from subpixel.upscaler import MotionNetwork, Network
from subpixel.video.video_file import VideoFile

__all__ = ["sequence_identity", "source_identity", "video_identity", "weights_digest"]

# Bytes at either end of a source that identify it: a video is too long to be read before each start.
_ENDS = 1 << 20
# The same of an image of a sequence. Its end holds, or depends on, all pixels in most formats.
_IMAGE_ENDS = 1 << 12


def source_identity(path: Path) -> list[int | str]:
    """What distinguishes a video from another one of the same name: its size, and a digest of its ends.

    Raises:
        VideoReadError: it cannot be read.
    """
    return _identity(path, _ENDS)


def sequence_identity(paths: Iterable[Path]) -> list[int | str]:
    """The same for a sequence of images: how many there are, and a digest of the sizes and ends of all.

    Raises:
        VideoReadError: one cannot be read.
    """
    count, digest = 0, hashlib.sha256()
    for path in paths:
        count += 1
        digest.update(repr(_identity(path, _IMAGE_ENDS)).encode())
    return [count, digest.hexdigest()]


def video_identity(video: VideoFile) -> list[int | str]:
    """The same for a video or a sequence."""
    return source_identity(video.path) if video.images is None else sequence_identity(video.images.paths)


def _identity(path: Path, ends: int) -> list[int | str]:
    try:
        with os.fdopen(open_file(path), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.sha256(file.read(ends))
            file.seek(max(0, size - ends))
            digest.update(file.read(ends))
    except OSError as error:
        raise VideoReadError(f"{path}: {os_error_text(error)}") from None
    return [size, digest.hexdigest()]


def weights_digest(network: Network | MotionNetwork) -> str:
    """What distinguishes a network from another one of the same name.

    Raises:
        InvalidArgument: the network is run by spandrel, which gives no weights.
    """
    if not isinstance(network.model, Model):
        raise InvalidArgument(
            f"model '{network.model.name}' cannot upscale videos, since it is run by spandrel; other models can"
        )
    digest = hashlib.sha256(network.model.spec.to_json().encode())
    for name, weight in sorted(network.model.weights.items()):
        digest.update(name.encode() + np.ascontiguousarray(weight).tobytes())
    digest.update(repr(network.model.quantisation).encode())
    return digest.hexdigest()
