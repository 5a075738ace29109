"""What the shell suggests for the values of options, once its completion is installed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

__all__ = ["backends", "devices", "encoders", "export_formats", "models", "precisions"]


def models(incomplete: str) -> list[str]:
    """Names of models."""
    from subpixel.models.zoo import ZOO

    return _beginning(incomplete, ["auto", *ZOO])


def encoders(incomplete: str) -> list[str]:
    """Names of encoders of videos."""
    from subpixel.video.encoders import ENCODERS

    return _beginning(incomplete, ENCODERS)


def _backends() -> list[str]:
    from subpixel.backends import BACKENDS

    return ["auto", *BACKENDS]


def precisions(incomplete: str) -> list[str]:
    """Names of precisions."""
    from subpixel.backends.base import Precision

    return _beginning(incomplete, get_args(Precision))


def backends(incomplete: str) -> list[str]:
    """Names of backends."""
    from subpixel.backends import BACKENDS

    return _beginning(incomplete, ["auto", *BACKENDS])


def devices(incomplete: str) -> list[str]:
    """Names of devices."""
    from subpixel.backends.devices import Device

    return _beginning(incomplete, get_args(Device))


def export_formats(incomplete: str) -> list[str]:
    """Names of formats of ``subpixel export``."""
    from subpixel.export.request import FORMATS

    return _beginning(incomplete, FORMATS)


def _beginning(start: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(start)]
