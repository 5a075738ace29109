"""The backends, which run networks: an explicit list, fastest first. ``auto`` is the first that can run here."""

from subpixel.backends.base import Backend, ImageSession, Session, VideoSession, available_threads, choose_backend
from subpixel.backends.frames import FrameFormat, FrameSession
from subpixel.backends.native import NativeBackend
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

# The reference stands before torch: it starts at once and needs nothing installed.
BACKENDS: dict[str, Backend] = {
    backend.name: backend for backend in (NativeBackend(), ReferenceBackend(), TorchBackend())
}
