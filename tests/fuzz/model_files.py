"""Harnesses of model files, checkpoints and descriptions of networks."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import lru_cache
from typing import Any

from fuzz.harness import Harness, scratch
from malformed.models import _with_document, checkpoint_files, model_files, read_checkpoint, read_model
from subpixel.errors import SpecError
from subpixel.models.spec import Spec

__all__ = ["HARNESSES"]


def _sealed(content: bytes) -> bytes | None:
    """The model file with a checksum that fits, so that what lies behind the check is reached; None if it is none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        size = int.from_bytes(content[:8], "little")
        document = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["subpixel"])
        return _with_document(document, dict(sorted(load(content).items())))
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError):
        return None


def check_model(content: bytes) -> object:
    """A model file as it is is read or refused; then one of the same content whose checksum fits."""
    from subpixel.errors import ModelFileError

    with suppress(ModelFileError):
        read_model(scratch(content, ".safetensors"))
    sealed = _sealed(content)
    return None if sealed is None else read_model(scratch(sealed, ".safetensors"))


def check_checkpoint(content: bytes) -> object:
    """A checkpoint is read or refused."""
    return read_checkpoint(scratch(content, ".pth"))


def check_spec(content: bytes) -> None:
    """A description is refused by a SpecError, or gives a network that can be described again."""
    try:
        spec = Spec.from_json(content.decode("utf-8", "surrogateescape"))
    except SpecError:
        return
    assert Spec.from_json(spec.to_json()) == spec
    assert spec.halo >= 0
    assert spec.parameters == sum(_product(shape) for shape in spec.weight_shapes.values())
    assert spec.macs_per_pixel >= 0


def _product(shape: tuple[int, ...]) -> int:
    result = 1
    for side in shape:
        result *= side
    return result


@lru_cache(1)
def spec_texts() -> dict[str, bytes]:
    """The descriptions of the model files."""
    found: dict[str, bytes] = {}
    for name, content in model_files().items():
        size = int.from_bytes(content[:8], "little")
        document: Any = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["subpixel"])
        found[name.replace(".safetensors", ".json")] = json.dumps(document["spec"]).encode()
    return found


HARNESSES = (
    Harness("model", check_model, model_files),
    Harness("checkpoint", check_checkpoint, checkpoint_files),
    Harness("spec", check_spec, spec_texts),
)
