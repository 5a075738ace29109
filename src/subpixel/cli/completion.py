"""What the shell suggests for the values of options, once its completion is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import get_args

__all__ = ["backends", "devices", "encoders", "export_formats", "models", "precisions"]


def _beginning(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    def suggest(incomplete: str) -> list[str]:
        """The names that begin as what was typed."""
        return [name for name in names() if name.startswith(incomplete)]

    return suggest


def _models() -> list[str]:
    from subpixel.models.zoo import ZOO

    return ["auto", *ZOO]


def _encoders() -> list[str]:
    from subpixel.video.encoders import ENCODERS

    return list(ENCODERS)


def _backends() -> list[str]:
    from subpixel.backends import BACKENDS

    return ["auto", *BACKENDS]


def _devices() -> tuple[str, ...]:
    from subpixel.backends.devices import Device

    return get_args(Device)


def _export_formats() -> list[str]:
    from subpixel.export.request import FORMATS

    return list(FORMATS)


def _precisions() -> tuple[str, ...]:
    from subpixel.backends.base import Precision

    return get_args(Precision)


models = _beginning(_models)
encoders = _beginning(_encoders)
precisions = _beginning(_precisions)
backends = _beginning(_backends)
devices = _beginning(_devices)
export_formats = _beginning(_export_formats)
