"""What must be equal on all machines of a job, so that it does not matter which of them made a piece.

Everything here is made of built-in types, so that it can be read by other versions of this package.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from subpixel import __version__
from subpixel.backends import BACKENDS, choose_backend
from subpixel.errors import BackendUnavailable, ModelFileError
from subpixel.models.zoo import ZOO, compressed_variant, find_network, is_path, resolve, scales_of
from subpixel.storage.digest import digest_of
from subpixel.storage.os_errors import os_error_text
from subpixel.upscaler import Upscaler

__all__ = ["job_rules", "precisions_of", "refusal"]


def job_rules(
    precisions: Iterable[str],
    token: Path | None,
    sources: Iterable[Path] = (),
    model: str | None = None,
) -> dict[str, Any]:
    """The rules of a job, as this machine sets them.

    Results in int8 are the same on every instruction set. Those in f32 and bf16 may differ in their last bits, so all
    workers then use the instruction set of this machine.

    Args:
        precisions: that the networks of the job compute in.
        token: a file in the folder where workers write; None if everything is sent to them and back.
        sources: files or folders that every worker must see, too.
        model: a name or path; every worker must have the same files of it. None if they are compared later.

    Raises:
        ModelFileError: a file of the model cannot be read.
    """
    details = BACKENDS["native"].details()
    exact = set(precisions) <= {"int8"}
    return {
        "version": __version__,
        "folder": os.getcwd(),
        "native": bool(details),
        "target": None if exact or not details else details["chosen"],
        "token": None if token is None else str(token),
        "sources": [str(source) for source in sources],
        "model": model,
        "weights": {} if model is None else _weights(model),
        "content": None if token is None else token.read_text("ascii"),
    }


def precisions_of(upscaler: Upscaler) -> set[str]:
    """The precisions in which the networks for images of any kind and size may compute."""
    if is_path(upscaler.model) or upscaler.options.precision != "auto":
        return {upscaler.precision}
    return {
        choose_backend(upscaler.options.backend, "auto", getattr(find_network(name, scale), "quantisation", None))[1]
        for name in _names(upscaler.model)
        for scale in scales_of(name)
    }


def refusal(rules: dict[str, Any]) -> str | None:
    """Why this machine cannot work on a job; None if it can.

    The process is then in the driver's current folder, if it exists here, and the instruction set is forced.
    """
    host = platform.node()
    if rules["version"] != __version__:
        return f"{host}: refused, since subpixel {__version__} is installed there and the job needs {rules['version']}"
    if os.path.isdir(rules["folder"]):
        os.chdir(rules["folder"])  # paths that are relative mean the same there
    native, target = BACKENDS["native"], rules["target"]
    if rules["native"] and native.unavailable():
        return f"{host}: refused, since its subpixel has no compiled engine, and that of the job has one"
    if target is not None:
        os.environ["SUBPIXEL_TARGET"] = target
        try:
            native.details()
        except BackendUnavailable:
            return (
                f"{host}: refused, since its processor lacks {target}, which f32 and bf16 depend on; where the command "
                f"runs, SUBPIXEL_TARGET names an instruction set for all"
            )
    try:
        weights = {} if rules["model"] is None else _weights(rules["model"])
    except ModelFileError as error:
        return f"{host}: refused: {error}"
    for name, digest in rules["weights"].items():
        if weights.get(name) != digest:
            return f"{host}: refused, since its {name} is another file than that of the machine that runs the command"
    if rules["token"] is None:
        return None
    unseen = next((source for source in rules["sources"] if not os.path.exists(source)), None)
    try:
        same = Path(rules["token"]).read_text("ascii") == rules["content"]
    except OSError:
        same = False
    if unseen is None and not same:
        unseen = str(Path(rules["token"]).parent)
    if unseen is not None:
        return f"{host}: refused, since it does not see {unseen}; share it under this path, or use ship=True"
    return None


def _names(model: str) -> list[str]:
    """The shipped models that images of any kind may need."""
    name = resolve(model)
    variant = compressed_variant(name) if model == "auto" else None
    return [name] if variant is None else [name, variant]


def _weights(model: str) -> dict[str, str]:
    """The SHA-256 of each model file that images of any kind and size may need."""
    if is_path(model):
        return {model: _digest(Path(model))}
    return {path.name: _digest(path) for name in _names(model) for path in map(ZOO[name].path, ZOO[name].scales)}


def _digest(path: Path) -> str:
    try:
        return digest_of(path)
    except OSError as error:
        raise ModelFileError(f"{path}: {os_error_text(error)}") from None
