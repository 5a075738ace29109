"""The adversary of SRGAN: a discriminator of results and photographs, its updates, and its loss.

Source: Ledig et al., arXiv 1609.04802 (SRGAN), sections 2.1 and 2.2.2.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from subpixel.errors import InvalidArgument
from subpixel.train.parallel import Processes

__all__ = ["Adversary", "Discriminator"]

# Adam's rate at its peak, as in the paper (section 3.2).
_RATE = 1e-4


class Discriminator(nn.Module):
    """The discriminator of the paper: eight 3x3 convolutions that halve the image four times, then two dense layers.

    Args:
        side: the side of the square images, at least 16.
        channels: the channels of the images.
        features: the channels of the first convolution; the others have 1, 2, 2, 4, 4, 8 and 8 times as many.

    All convolutions but the first have batch normalisation and no bias. LeakyReLU has the slope 0.2. The first dense
    layer has 16 times the features. The output is the logit; the paper's sigmoid is part of the loss.

    Raises:
        InvalidArgument: ``side`` is below 16.

    Source: arXiv 1609.04802, figure 4. For RGB of 96x96, as in the paper: 23,563,649 parameters, 18,876,417 of them in
    the dense layers; the convolutions have 4,687,232 at every side.

    >>> sum(p.numel() for p in Discriminator(96).parameters())
    23563649
    """

    def __init__(self, side: int, channels: int = 3, features: int = 64) -> None:
        super().__init__()
        if side < 16:
            raise InvalidArgument(
                f"train: results of {side}×{side} are too small for the adversary; at least 16×16 are needed"
            )
        layers: list[nn.Module] = [nn.Conv2d(channels, features, 3, padding=1), nn.LeakyReLU(0.2)]
        wide = features
        for number in range(1, 8):
            result, stride = features * 2 ** (number // 2), 1 + number % 2
            layers += [nn.Conv2d(wide, result, 3, stride, 1, bias=False), nn.BatchNorm2d(result), nn.LeakyReLU(0.2)]
            wide, side = result, -(-side // stride)
        self.convolutions = nn.Sequential(*layers)
        self.dense = nn.Sequential(
            nn.Linear(wide * side * side, 16 * features), nn.LeakyReLU(0.2), nn.Linear(16 * features, 1)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(N,)`` of images ``(N, C, side, side)``, 0 … 1. Above 0: a photograph."""
        logits: Tensor = self.dense(self.convolutions(images).flatten(1))
        return logits[:, 0]


class Adversary:
    """A discriminator in training.

    Args:
        discriminator: the network, on the device of the run.
        bf16: compute its layers in bf16.
    """

    def __init__(self, discriminator: Discriminator, bf16: bool = False) -> None:
        self.discriminator, self.bf16 = discriminator, bf16
        self.optimiser = torch.optim.Adam(discriminator.parameters(), _RATE)

    def loss_of_results(self, result: Tensor) -> Tensor:
        """The mean of ``-log D(result)`` over the batch, which is added to the content loss (equation 6)."""
        return self._binary(result, 1.0)

    def learn(self, result: Tensor, photographs: Tensor, factor: float, group: Processes) -> None:
        """Update the discriminator once: photographs are 1, results 0 (equation 2).

        Args:
            result: results ``(N, C, side, side)``. They get no gradient.
            photographs: of the same shape.
            factor: the learning rate relative to its peak.
            group: the processes that share the batch.
        """
        for one in self.optimiser.param_groups:
            one["lr"] = _RATE * factor
        self.optimiser.zero_grad()
        loss = self._binary(photographs, 1.0) + self._binary(result.detach(), 0.0)
        loss.backward()  # type: ignore[no-untyped-call]
        group.mean([p.grad for p in self.discriminator.parameters() if p.grad is not None])
        self.optimiser.step()

    def state(self) -> dict[str, Any]:
        """The content of a checkpoint."""
        return {"discriminator": self.discriminator.state_dict(), "optimiser": self.optimiser.state_dict()}

    def restore(self, content: dict[str, Any]) -> None:
        """Continue from what :meth:`state` returned."""
        self.discriminator.load_state_dict(content["discriminator"])
        self.optimiser.load_state_dict(content["optimiser"])

    def _binary(self, images: Tensor, truth: float) -> Tensor:
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.bf16):
            logits = self.discriminator(images)
        return F.binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, truth, dtype=torch.float32))
