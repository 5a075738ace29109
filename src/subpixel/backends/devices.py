"""The devices that a network can run on, by name."""

from __future__ import annotations

from typing import Literal, Self, get_args

from subpixel.errors import unknown

__all__ = ["Device", "OnCpu", "check_device"]

# ``gpu`` is OpenVINO's: the graphics of an Intel processor. ``auto`` is a GPU if there is one.
Device = Literal["auto", "cpu", "cuda", "mps", "gpu"]


def check_device(device: str) -> None:
    """Raise InvalidArgument for an unknown name.

    >>> check_device("cuda0")
    Traceback (most recent call last):
    ...
    subpixel.errors.InvalidArgument: Unknown device 'cuda0'. Did you mean 'cuda'? Choices: auto, cpu, cuda, mps, gpu.
    """
    if device not in get_args(Device):
        raise unknown("device", device, get_args(Device))


class OnCpu:
    """The part of a backend that runs on the CPU alone."""

    devices: tuple[str, ...] = ("cpu",)

    def missing_device(self, device: str) -> str | None:
        """None: the CPU is there."""
        return None

    def on(self, device: str) -> Self:
        """The backend itself."""
        return self
