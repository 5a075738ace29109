"""The encoder and decoder, built from a design."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from subpixel.compare.decoder.designs import LEVELS, Design
from subpixel.compare.decoder.learning.upsamplers import Convolution, Finish, make_down, make_up

__all__ = ["Network"]


class Network(nn.Module):
    """A network for segmentation: RGB to one score for each class and pixel.

    Args:
        design: its kind, widths and classes.
        seed: of its weights.
    """

    def __init__(self, design: Design, seed: int) -> None:
        super().__init__()
        rng = np.random.default_rng(seed)
        kind, widths = design.kind, design.widths
        self.enter = nn.Sequential(Convolution(rng, 3, widths[0]), Finish(widths[0]))
        self.downs, self.encoder = nn.ModuleList(), nn.ModuleList()
        for level in range(LEVELS):
            given, made = widths[level] * (4 if kind == "shuffle" else 1), widths[level + 1]
            self.downs.append(make_down(kind))
            self.encoder.append(nn.Sequential(Convolution(rng, given, made), Finish(made)))
        self.middle = nn.Sequential(Convolution(rng, widths[-2], widths[-1]), Finish(widths[-1]))
        self.ups, self.decoder = nn.ModuleList(), nn.ModuleList()
        for given, made in reversed(design.ups):
            self.ups.append(make_up(kind, rng, given, made))
            self.decoder.append(nn.Sequential(Convolution(rng, made, made), Finish(made)))
        self.head = nn.Conv2d(widths[0], design.classes, 1)
        with torch.no_grad():
            spread = rng.standard_normal(tuple(self.head.weight.shape), np.float32) / np.sqrt(np.float32(widths[0]))
            self.head.weight.copy_(torch.from_numpy(spread))
            nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` of −1 … 1, sides divisible by 4, to ``(N, classes, H, W)``."""
        x = self.enter(x)
        positions = []
        for down, block in zip(self.downs, self.encoder, strict=True):
            x, where = down(x)
            positions.append(where)
            x = block(x)
        x = self.middle(x)
        for up, block in zip(self.ups, self.decoder, strict=True):
            x = block(up(x, positions.pop()))
        scores: Tensor = self.head(x)
        return scores
