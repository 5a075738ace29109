"""A trained network beside the shipped one, on the same held-out images."""

from __future__ import annotations

import torch

from subpixel.models.files import Model
from subpixel.models.zoo import ZOO, find
from subpixel.train.data import Pair
from subpixel.train.state import State, validate

__all__ = ["against_shipped", "shipped_for"]

# Differences of PSNR in dB below which two networks are equally good.
_EQUAL = 0.005


def shipped_for(arch: str, degradation: str, scale: int) -> str | None:
    """The name of the shipped network for the same use: of this architecture, or else the default one; None for none.

    >>> shipped_for("espcn", "clean", 2), shipped_for("fsrcnn-s", "compressed", 2), shipped_for("fast", "clean", 5)
    ('espcn', 'fast-compressed', None)
    """
    suffix = "" if degradation == "clean" else f"-{degradation}"
    for name in (f"{arch}{suffix}", f"fast{suffix}"):
        entry = ZOO.get(name)
        if entry is not None and entry.trained and scale in entry.scales:
            return name
    return None


def against_shipped(state: State, held_out: list[Pair]) -> str:
    """What the shipped network reaches on the held-out images, as the rest of a sentence; empty if there is none."""
    settings, spec = state.settings, state.spec
    name = shipped_for(settings.arch, settings.degradation, spec.scale)
    if name is None:
        return ""
    shipped = find(name, spec.scale)
    score = _score(state, shipped, held_out)
    if score is None:
        return ""
    gain = state.best_psnr - score
    text = f"; the shipped {name} reaches {score:.3f} dB there"
    if abs(gain) < _EQUAL:
        return f"{text}, so both are equally good"
    if gain > 0:
        return f"{text}, so this network is better by {gain:.3f} dB"
    same = shipped.spec == spec and not state.settings.rounded
    advice = f"; start='{name}' begins with its weights" if same else ""
    return f"{text}, so this network is worse by {-gain:.3f} dB{advice}"


def _score(state: State, shipped: Model, held_out: list[Pair]) -> float | None:
    """The PSNR of a shipped network as the run measures its own; None if it does not take these images."""
    weights = {name: torch.from_numpy(value.copy()) for name, value in shipped.weights.items()}
    if shipped.spec == state.spec:
        return validate(shipped.spec, weights, held_out) if state.spec.plain else state.score(weights, held_out)
    if not (shipped.spec.plain and state.spec.plain and shipped.spec.colour == state.spec.colour):
        return None
    return validate(shipped.spec, weights, held_out)
