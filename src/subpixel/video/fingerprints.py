"""Digests of what the frames of a result depend on."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from subpixel.errors import InvalidArgument, VideoReadError
from subpixel.models.files import Model
from subpixel.storage.file_kinds import open_file
from subpixel.storage.os_errors import os_error_text
from subpixel.upscaler import MotionNetwork, Network

__all__ = ["source_identity", "weights_digest"]

# Bytes at either end of a source that identify it: a video is too long to be read before each start.
_ENDS = 1 << 20


def source_identity(path: Path) -> list[int | str]:
    """What distinguishes a video from another one of the same name: its size, and a digest of its ends.

    Raises:
        VideoReadError: it cannot be read.
    """
    try:
        with os.fdopen(open_file(path), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.sha256(file.read(_ENDS))
            file.seek(max(0, size - _ENDS))
            digest.update(file.read(_ENDS))
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
