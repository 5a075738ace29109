"""The backends, which run networks: an explicit list. ``auto`` is the first that can run here."""

from subpixel.backends.base import Backend, ImageSession, Session, VideoSession, available_threads, choose_backend
from subpixel.backends.frames import FrameFormat, FrameSession
from subpixel.backends.native import NativeBackend
from subpixel.backends.onnxruntime import OnnxRuntimeBackend
from subpixel.backends.openvino import OpenVinoBackend
from subpixel.backends.reference import ReferenceBackend
from subpixel.backends.torch import TorchBackend

__all__ = [
    "BACKENDS",
    "Backend",
    "FrameFormat",
    "FrameSession",
    "ImageSession",
    "Session",
    "VideoSession",
    "available_threads",
    "choose_backend",
]

# The reference stands before those of other projects: it starts at once, needs nothing installed, and always runs. So
# these run only where they are named, or where a device is that ours do not have.
BACKENDS: dict[str, Backend] = {
    backend.name: backend
    for backend in (
        *(NativeBackend(), ReferenceBackend(), TorchBackend(), TorchBackend(compiled=True)),
        *(OnnxRuntimeBackend(), OpenVinoBackend()),
    )
}
"""The backends by name."""
