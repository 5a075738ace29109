"""Model files and checkpoints that are right, mutations of what they say, and how they are read to the end."""

from __future__ import annotations

import io
import json
import math
import random
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load as from_bytes
from safetensors.numpy import save as to_bytes

from malformed.mutations import mutate
from networks import residual
from subpixel.models import Model
from subpixel.models.files import _digest, _document
from subpixel.models.integer import quantise
from subpixel.models.spec import (
    INPUT,
    Add,
    Concat,
    Conv,
    ConvTranspose,
    Frame,
    PixelShuffle,
    Previous,
    RunningMean,
    Spec,
    State,
    Warp,
)

__all__ = ["changed_model", "checkpoint_files", "model_bytes", "model_files", "read_checkpoint", "read_model"]

# What a mutation puts in place of a value of a description.
_VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 3, 64, 65, 4096, 65536, 1 << 31, 1 << 63, 10**40, -(10**40), 0.5, -0.0, 1e308,
    math.nan, math.inf, -math.inf, "", "input", "x", "x" * 5000, "a\nb", "\x00", "\ud800", [], [[]], [1, 2, 3], [3, 3],
    [None], {}, {"a": 1}, "conv", "zero", "rgb",
)  # fmt: skip


def read_model(path: Path) -> object:
    """All that is read of a model file: the network, its figures and its int8 form."""
    from subpixel.errors import Unsupported
    from subpixel.models import load
    from subpixel.models.integer import integer_network

    model = load(path)
    for precision in ("f32", "bf16", "int8"):
        model.scores(precision)
        model.video_scores(precision)
    try:
        return integer_network(model.spec, model.weights, model.quantisation)
    except Unsupported:
        return model


def read_checkpoint(path: Path) -> object:
    """A checkpoint of other people's code, as a network."""
    from subpixel.models.checkpoints import load_checkpoint

    return load_checkpoint(path, 2)


@lru_cache(1)
def model_files() -> dict[str, bytes]:
    """Model files by name: with every kind of layer and input, and with int8."""
    chain = Spec((Conv("a", INPUT, 1, 4, (3, 3), "relu"), Conv("b", "a", 4, 4, (3, 3)), PixelShuffle("up", "b", 2)), 2)
    deconvolution = Spec(
        (Conv("a", INPUT, 3, 2, (3, 1), "prelu", stride=1), ConvTranspose("up", "a", 2, 3, (4, 4), 2, (1, 1))), 2, "rgb"
    )
    video = Spec(
        (
            Concat("all", ("now", "before", "mean", "state", "last")),
            Conv("a", "all", 10, 4, (3, 3), "relu", stride=2),
            Conv("b", "a", 4, 16, (3, 3)),
            PixelShuffle("c", "b", 2),
            Conv("flow", "c", 4, 2, (3, 3), "tanh"),
            Warp("warped", "state", "flow", 2.0),
            Conv("d", "warped", 3, 3, (1, 1)),
            Conv("e", "d", 3, 3, (1, 1), shared="d"),
            Add("next", ("e", "state")),
            Concat("both", ("next", "c")),
            Conv("end", "both", 7, 4, (3, 3)),
            PixelShuffle("up", "end", 2),
        ),
        2,
        "luma",
        "zero",
        (Frame("now"), Frame("before", -1), RunningMean("mean"), State("state", 3, "next"), Previous("last")),
    )
    files = {"residual.safetensors": model_bytes(residual(2, "rgb", "zero", 3))}
    for name, spec in (("chain", chain), ("deconvolution", deconvolution), ("video", video)):
        rng = np.random.default_rng(7)
        weights = {key: rng.normal(0, 0.2, shape).astype(np.float32) for key, shape in spec.weight_shapes.items()}
        int8 = quantise(spec, weights, {"a": (0.0, 1.0)}) if name == "chain" else None
        figures = {"sets": {"Set5": {"psnr_y": 30.0}}, "videos": {"clips": {"a": {"psnr_y": 1.0}}, "mean": {}}}
        model = Model(name, spec, weights, {"data": "none", "settings": {"seed": 1}}, figures, "CC0-1.0", int8)
        files[f"{name}.safetensors"] = model_bytes(model)
    return files


def model_bytes(model: Model) -> bytes:
    """The file of a model."""
    return _with_document(_document(model), dict(model.weights))


def _with_document(document: Any, weights: dict[str, Any]) -> bytes:
    """A file whose checksum is right, whatever it says: what somebody who means harm would write."""
    if isinstance(document, dict):
        document["sha256"] = _digest({key: value for key, value in document.items() if key != "sha256"}, weights)
    return to_bytes(weights, {"subpixel": json.dumps(document, sort_keys=True)})


def changed_model(originals: list[tuple[str, bytes]], seed: int) -> tuple[str, bytes]:
    """A mutation of the bytes of a file, or of its description or tensors with a checksum that fits."""
    name, content = originals[seed % len(originals)]
    rng = random.Random(seed)
    if rng.random() < 0.3:
        return name, mutate(content, seed, other=originals[seed // len(originals) % len(originals)][1])
    size = int.from_bytes(content[:8], "little")
    document = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["subpixel"])
    weights = dict(sorted(from_bytes(content).items()))  # their order is not always the same
    for _ in range(rng.choice((1, 1, 2, 4))):
        if rng.random() < 0.1 and weights:
            _change_weights(weights, rng)
        else:
            _change(document, rng)
    return name, _with_document(document, weights)


def _change(document: Any, rng: random.Random) -> None:
    """One change of a description: a value, a name, a copy, a part that is missing."""
    parent = rng.choice(list(_containers(document)))
    keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
    if not keys:
        return
    key = rng.choice(keys)
    choice = rng.random()
    if choice < 0.2:
        del parent[key]
    elif choice < 0.3 and isinstance(parent, dict):
        parent[rng.choice(("name", "source", "x" * 300, "kind", "", "shared"))] = parent.pop(key)
    elif choice < 0.4 and isinstance(parent, list):
        parent[key:key] = [json.loads(json.dumps(parent[key])) for _ in range(rng.choice((1, 2, 50)))]
    elif choice < 0.55:
        parent[key] = json.loads(json.dumps(rng.choice(list(_containers(document)))))
    elif choice < 0.6:
        for _ in range(rng.choice((5, 50, 200))):
            parent[key] = [parent[key]]
    else:
        # A copy: a later change of a shared list would change it for all files that follow.
        parent[key] = json.loads(json.dumps(rng.choice(_VALUES)))


def _containers(value: Any, depth: int = 0) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        yield value
        if depth < 20:
            for one in value.values() if isinstance(value, dict) else value:
                yield from _containers(one, depth + 1)


def _change_weights(weights: dict[str, Any], rng: random.Random) -> None:
    name = rng.choice(list(weights))
    tensor = weights.pop(name)
    choice = rng.randrange(6)
    if choice == 0:
        weights[name[:-1] + "x"] = tensor
    elif choice == 1:
        weights[name] = tensor.astype(rng.choice([np.float16, np.float64, np.int32, np.uint8]))
    elif choice == 2:
        weights[name] = tensor.reshape(-1)
    elif choice == 3:
        weights[name] = np.concatenate([tensor, tensor])
    elif choice == 4:
        weights[name] = np.full_like(tensor, rng.choice([np.nan, np.inf, 1e38, 0.0]))


@lru_cache(1)
def checkpoint_files() -> dict[str, bytes]:
    """Checkpoints by name, of a few kinds of code and of both formats of torch."""
    import torch

    from models import ports

    torch.manual_seed(0)
    networks = {"espcn": ports.Espcn(2), "fsrcnn": ports.Fsrcnn(2), "srcnn": ports.Srcnn(2), "edsr": ports.Edsr(2)}
    states = {name: network.state_dict() for name, network in networks.items()}
    files = {f"{name}.pth": _saved(state) for name, state in states.items()}
    files["half.pt"] = _saved({"params": {key: value.half() for key, value in states["espcn"].items()}, "epoch": 3})
    files["old.pth"] = _saved(states["espcn"], _use_new_zipfile_serialization=False)
    return files


def _saved(content: object, **options: Any) -> bytes:
    import torch

    target = io.BytesIO()
    torch.save(content, target, **options)
    return target.getvalue()
