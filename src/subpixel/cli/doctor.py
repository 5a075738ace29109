"""``subpixel doctor``: versions, processor features and backends on this machine."""

from __future__ import annotations

import json
import platform
from typing import Any

from subpixel import __version__
from subpixel.cli.options import Json
from subpixel.errors import SubpixelError


def doctor(as_json: Json = False) -> None:
    """Show versions, processor features and backends.

    A backend that is unavailable is listed with the reason.
    """
    report = _report()
    if as_json:
        print(json.dumps(report, indent=2, ensure_ascii=False))
        return
    for name, version in report["versions"].items():
        print(f"{name:<12} {version}")
    threads = f"{report['threads']} thread{'s'[: report['threads'] > 1]}"
    print(f"{'processor':<12} {report['processor']}, {threads} available")
    for name, backend in report["backends"].items():
        state = f"unavailable: {backend['unavailable']}" if backend["unavailable"] else ", ".join(backend["precisions"])
        print(f"{name:<12} {state}")
        for key, value in backend["details"].items():
            print(f"{'':<12} {key}: {_plain(value)}")
    print(f"{'auto':<12} {report['auto']}")
    for name, note in report["flat"].items():
        print(f"{'flat parts':<12} {name}: {note or 'everything is computed'}")


def _report() -> dict[str, Any]:
    import numpy

    from subpixel.backends import BACKENDS, available_threads, choose_backend

    versions = {"subpixel": __version__, "python": platform.python_version(), "numpy": numpy.__version__}
    versions["libvips"] = _libvips()
    backends = {
        name: {
            "unavailable": backend.unavailable(),
            "precisions": list(backend.precisions),
            "details": backend.details(),
        }
        for name, backend in BACKENDS.items()
    }
    try:
        auto = choose_backend("auto", "auto")[0].name
    except SubpixelError as error:
        auto = f"none: {error}"
    return {
        "versions": versions,
        "system": platform.platform(),
        "processor": platform.machine(),
        "threads": available_threads(),
        "backends": backends,
        "auto": auto,
        "flat": _flat_notes(),
    }


def _flat_notes() -> dict[str, str]:
    """What flat parts cost in the default networks, by name and factor."""
    from subpixel.models.files import Model
    from subpixel.models.zoo import ZOO, compressed_variant, find, resolve

    names = [resolve("auto"), compressed_variant("auto")]
    models = [(name, scale, find(name, scale)) for name in names if name for scale in ZOO[name].scales]
    return {f"{name} ×{scale}": model.flat_note for name, scale, model in models if isinstance(model, Model)}


def _libvips() -> str:
    try:
        import pyvips
    except (ImportError, OSError) as error:
        return f"unavailable: {error}"
    return ".".join(str(pyvips.version(part)) for part in range(3))


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(name if present else f"no {name}" for name, present in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)
