"""The state of a training run: weights, optimisers, the mean of weights, and its checkpoint."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from subpixel.errors import InvalidArgument
from subpixel.metrics import psnr
from subpixel.metrics.calibration import activation_ranges
from subpixel.metrics.protocol import codes_255
from subpixel.models.checkpoints.unpickling import unpickle
from subpixel.models.files import Model
from subpixel.models.foreign_files import model_errors
from subpixel.models.graph import run
from subpixel.models.spec import INPUT, Conv, Spec
from subpixel.models.torch_kernels import TorchKernels
from subpixel.storage.interrupts import on_sudden_end
from subpixel.train.adversarial import Adversary, Discriminator
from subpixel.train.data import Pair, Patches, inside, samples
from subpixel.train.fake_quant import FakeQuant
from subpixel.train.least_squares import linear_chain, solve_last_layer
from subpixel.train.optim import Muon
from subpixel.train.parallel import Processes
from subpixel.train.perceptual import Vgg19, pyramid_distance
from subpixel.train.reparameterisation import Trainable
from subpixel.train.revival import can_lose_channels, revive
from subpixel.train.settings import Settings
from subpixel.train.weight_transfer import transfer_weights
from subpixel.upscaler import luma

__all__ = ["IMAGES_FOR_RANGES", "State", "last_channels", "validate"]

IMAGES_FOR_RANGES = 48
_SIDE_FOR_RANGES = 96  # the side of the crop of each image

_SOLVE_BATCHES = 40  # about two million equations
_LAST_SOLVE_BATCHES = 200
_RATE_OF_FIRST = 4.0  # learning rate of a first layer before tanh, relative to other matrices: its kernels start large
_CPU = torch.device("cpu")
# A run may be prolonged, and resumed on another machine.
_MAY_DIFFER = ("steps", "minutes", "bf16")
_BEFORE_THEY_EXISTED = {"candidates": 1}  # what settings that older checkpoints lack were, if not their default
_PATCHES_FOR_REVIVAL = 64
_RATE_OF_VECTORS = 0.2  # Adam's rate for biases and slopes, relative to the matrices'


class State:
    """Everything that changes during a run and that a checkpoint stores."""

    def __init__(
        self,
        settings: Settings,
        spec: Spec,
        pairs: list[Pair],
        start: Model | None = None,
        teacher: Model | None = None,
        device: torch.device = _CPU,
        features: Mapping[str, Tensor] | None = None,
    ) -> None:
        generator = torch.Generator().manual_seed(settings.seed)
        self.settings, self.spec, self.device = settings, spec, device
        self.net = Trainable(spec, settings.expand, generator).to(device)
        self.teacher = None if teacher is None else _Teacher(teacher, spec, device)
        self.margin = max(_margin(spec), self.teacher.margin if self.teacher else 0)
        self.patches = self._source(pairs, generator)
        self.rounding: FakeQuant | None = None
        side = (settings.patch - 2 * self.margin) * spec.scale
        self.vgg19 = None if features is None else _vgg19(features, settings.layer, spec, side, device)
        self.adversary = _adversary(settings, spec.channels, side, device) if settings.adversarial else None
        self._adversary_batch: tuple[Tensor, Tensor] | None = (
            None  # results and photographs that the adversary has yet to see
        )
        self.started = start is not None
        if start is not None:
            self._begin(start)
        first, others, vectors = self.net.groups()
        convs = [layer for layer in spec.layers if isinstance(layer, Conv)]
        rate_of_first = _RATE_OF_FIRST if convs and convs[0].activation == "tanh" else 1.0
        self.optimisers: list[torch.optim.Optimizer] = [
            Muon([{"params": first, "lr": settings.lr * rate_of_first}, {"params": others}], settings.lr),
            torch.optim.Adam(vectors, settings.lr * _RATE_OF_VECTORS, capturable=device.type == "cuda"),
        ]
        self._rates = [[group["lr"] for group in o.param_groups] for o in self.optimisers]
        if device.type == "cuda":  # tensors, which a CUDA graph can read
            for group in (group for o in self.optimisers for group in o.param_groups):
                group["lr"] = torch.tensor(group["lr"], device=device)
        self._follow_by: float | Tensor = 1.0
        self.average = {name: w.detach().clone() for name, w in self.net.collapse().items()}
        self.best, self.best_psnr = {name: w.cpu() for name, w in self.average.items()}, -math.inf
        self.step, self.seconds = 0, 0.0
        self.earlier: list[str] = []  # commands that made the initial weights
        self.rows: list[list[float]] = []

    def _source(self, pairs: list[Pair], generator: torch.Generator) -> Patches:
        """The source of the patches of each step."""
        settings = self.settings
        return Patches(
            pairs, self.spec.scale, settings.patch, self.margin, settings.batch, generator, settings.candidates
        )

    def _begin(self, model: Model) -> None:
        """Start with another network's weights. If its last layer does not fit, solve for the best one."""
        own = {name: w.detach().cpu() for name, w in self.net.collapse().items()}
        source = {name: torch.from_numpy(w.copy()) for name, w in model.weights.items()}
        weights = transfer_weights(self.spec, model.spec, source, own)
        self.net.take(weights)
        last = f"{[layer.name for layer in self.spec.layers if isinstance(layer, Conv)][-1]}.weight"
        same = last in weights and weights[last].shape == self.spec.weight_shapes[last]
        if not same and linear_chain(self.spec):
            self.net.take(solve_last_layer(self.spec, self.net.collapse(), self.patches, _SOLVE_BATCHES))

    def enable_rounding(self, model: Model | None, pairs: list[Pair]) -> None:
        """Compute like int8 from now on, with the ranges of a trained network on some of these images."""
        if model is None or model.spec != self.spec:
            raise InvalidArgument("train: rounded needs a trained network of the same architecture as start")
        if self.spec.colour != "luma":
            raise InvalidArgument("train: rounded needs a luma network, as int8 does")
        indices = np.linspace(0, len(pairs) - 1, IMAGES_FOR_RANGES).astype(int)
        planes = [pairs[k].small[:, :_SIDE_FOR_RANGES, :_SIDE_FOR_RANGES].numpy() for k in indices]
        self.rounding = FakeQuant(self.spec, activation_ranges(model, planes))

    def loss(self, small: Tensor, large: Tensor) -> Tensor:
        """The loss of the current weights on a batch. Also updates the mean of weights."""
        small, large = small.to(self.device), large.to(self.device)
        weights = self.net.collapse()
        self._follow(weights)
        kernels: Callable[[], TorchKernels] = TorchKernels
        if self.rounding is not None:
            weights, kernels = self.rounding.round_weights(weights)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.bf16):
            result = run(self.spec, last_channels(weights), small, kernels(), pad=False).float()
        result = inside(result, (self.margin - _margin(self.spec)) * self.spec.scale)
        total = self._distance(result, large)
        if self.teacher is not None:
            share = self.settings.teacher_share
            total = (1 - share) * total + share * self._distance(result, self.teacher(small, self.margin))
        if self.adversary is not None:
            self._adversary_batch = (result.detach(), large)
            total = total + self.settings.adversarial * self.adversary.loss_of_results(result)
        return total

    def learn(self, loss: Tensor, share: Callable[[list[Tensor]], None] | None = None) -> None:
        """Update the weights once. ``share`` gets their gradients first."""
        for optimiser in self.optimisers:
            optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if share is not None:
            share([p.grad for p in self.net.parameters() if p.grad is not None])
        for optimiser in self.optimisers:
            optimiser.step()

    def revive(self) -> int:
        """Give channels that a ReLU has switched off new kernels, and say how many. What is computed stays the same.

        Kernels count their inputs from the mean on from now on.
        """
        if not can_lose_channels(self.spec):
            return 0
        # Processes that share a run choose the same samples and kernels.
        generator = torch.Generator().manual_seed(self.settings.seed + self.step)
        weights = {name: w.detach() for name, w in self.net.collapse().items()}
        revival = revive(self.spec, weights, self._probe(weights, generator), generator)
        changed = {name: w for name, w in revival.weights.items() if w is not weights[name]}
        # Rounding has the steps of the channels as they are. A run that begins with trained weights begins with all of
        # them: a channel may be zero on these images alone, and has until the next time to differ from it.
        if self.rounding is not None or (self.started and self.step == 0):
            changed = {}
        self.net.add({name: w - weights[name] for name, w in changed.items()})
        self.net.centre(revival.means)
        for name, weight in changed.items():
            new = weight != weights[name]
            self.average[name][new] = weight[new]
        return revival.count if changed else 0

    def _probe(self, weights: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """The network's inputs for some patches, which decide what is zero everywhere."""
        source = self._patches_with(generator)
        batches = [source.draw()[0] for _ in range(-(-_PATCHES_FOR_REVIVAL // self.settings.batch))]
        return {INPUT: torch.cat(batches).to(self.device)}

    def _patches_with(self, generator: torch.Generator) -> Patches:
        """The patches of the run, by other random numbers."""
        patches = copy(self.patches)
        patches.generator = generator
        return patches

    def teach_adversary(self, factor: float, group: Processes) -> None:
        """Update the adversary, if there is one, on the last batch. ``factor`` is relative to its peak rate."""
        if self.adversary is not None and self._adversary_batch is not None:
            self.adversary.learn(*self._adversary_batch, factor, group)

    def _distance(self, result: Tensor, target: Tensor) -> Tensor:
        if self.vgg19 is not None:
            return self.vgg19.distance(result, target)
        if self.settings.content == "pyramid":
            return pyramid_distance(result, target)
        error = result - target
        distance = error.abs().mean() if self.settings.loss == "l1" else (error * error).mean()
        return distance + self.settings.fft * _spectrum(error) if self.settings.fft else distance

    @property
    def capturable(self) -> bool:
        """Whether the device alone computes the loss, so that a CUDA graph can record it."""
        return self.rounding is None and self._by_psnr

    def mean_share(self, step: int) -> float:
        """The share of a step's weights in the mean of weights."""
        return 1 - min(self.settings.average, step / (step + 20))

    def pace(self, factor: float | Tensor, follow: float | Tensor) -> None:
        """Set every learning rate to ``factor`` times its peak, and the share of :meth:`mean_share`."""
        self._follow_by = follow
        for optimiser, rates in zip(self.optimisers, self._rates, strict=True):
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                if isinstance(group["lr"], Tensor):
                    group["lr"].copy_(torch.as_tensor(rate * factor))
                else:
                    group["lr"] = rate * factor

    def _follow(self, weights: dict[str, Tensor]) -> None:
        means = [self.average[name] for name in weights]
        steps = torch._foreach_sub([weight.detach() for weight in weights.values()], means)
        torch._foreach_mul_(steps, self._follow_by)
        torch._foreach_add_(means, steps)

    def score(self, weights: dict[str, Tensor], held_out: list[Pair]) -> float:
        """The validation PSNR of some weights, rounded if the run trains for int8."""
        if self.rounding is None:
            return validate(self.spec, weights, held_out)
        rounded, kernels = self.rounding.round_weights(weights)
        return validate(self.spec, rounded, held_out, kernels)

    def upscale(self, model: Model, pair: Pair) -> Tensor:
        """A model's result for a held-out image."""
        weights = {name: torch.from_numpy(value.copy()) for name, value in model.weights.items()}
        with torch.inference_mode():
            return run(model.spec, weights, samples(pair.small)[None], TorchKernels())

    def measure(self, weights: dict[str, Tensor], held_out: list[Pair]) -> float:
        """The score of some weights. The best weights are stored; without a PSNR loss, the last ones."""
        score = self.score(weights, held_out)
        if score > self.best_psnr or not self._by_psnr:
            self.best, self.best_psnr = {k: v.cpu().clone() for k, v in weights.items()}, score
        return score

    @property
    def _by_psnr(self) -> bool:
        return self.settings.content == "pixel" and not self.settings.adversarial

    @property
    def _solves(self) -> bool:
        return linear_chain(self.spec) is not None and self.rounding is None and self._by_psnr

    def solve_seconds(self) -> float:
        """About how long :meth:`finish` takes. The patches of the run stay the same."""
        if not self._solves:
            return 0.0
        state = self.patches.generator.get_state()
        times = []
        for _ in range(2):  # the first one also prepares libraries
            begin = time.monotonic()
            solve_last_layer(self.spec, self.average, self.patches, 1)
            times.append(time.monotonic() - begin)
        self.patches.generator.set_state(state)
        return _LAST_SOLVE_BATCHES * times[-1]

    def finish(self, held_out: list[Pair], deadline: float = math.inf) -> None:
        """Solve for the optimal last layer, and use it if it is better.

        Args:
            held_out: the images that decide.
            deadline: when the solve ends, by :func:`time.monotonic`.
        """
        if self._solves:
            last_layer = solve_last_layer(self.spec, self.average, self.patches, _LAST_SOLVE_BATCHES, deadline)
            self.measure({**self.average, **last_layer}, held_out)

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        content = {
            "settings": asdict(self.settings),
            "net": self.net.state_dict(),
            "even": self.net.even,
            "optimisers": [o.state_dict() for o in self.optimisers],
            "generator": self.patches.generator.get_state(),
            "average": self.average,
            "best": self.best,
            "best_psnr": self.best_psnr,
            "step": self.step,
            "seconds": self.seconds,
            "earlier": self.earlier,
            "rows": self.rows,
            "adversary": None if self.adversary is None else self.adversary.state(),
            "ranges": None if self.rounding is None else dict(self.rounding.ranges),
        }
        scratch = path.with_name(f".{path.name}.new")
        with on_sudden_end(scratch.unlink):
            torch.save(content, scratch)
            os.replace(scratch, path)

    def restore(self, path: Path) -> None:
        """Continue from a checkpoint.

        Raises:
            InvalidArgument: it was made with other settings.
            ModelFileError: it cannot be read, or is of another network.
        """
        content = unpickle(path)
        with model_errors(path, "is not a checkpoint of subpixel train"):
            current = asdict(self.settings)
            defaults = {f.name: f.default for f in fields(Settings)}
            earlier = {**defaults, **_BEFORE_THEY_EXISTED, **content["settings"]}
            differing = sorted(k for k in current if bool(current[k] != earlier[k]) and k not in _MAY_DIFFER)
            if differing:
                raise InvalidArgument(f"{path}: was made with other settings: {', '.join(differing)}")
            _check_progress(content)
        with model_errors(path, lambda error: f"is of another network ({_first_line(error)})"):
            # An older checkpoint has no centres: its weights count from zero, and its first kernels have any sum.
            centres = {name: value for name, value in self.net.state_dict().items() if name.startswith("centres.")}
            self.net.load_state_dict({**centres, **content["net"]})
            self.net.even = str(content.get("even", ""))
            for optimiser, stored in zip(self.optimisers, content["optimisers"], strict=True):
                # Options such as capturable depend on this machine; the checkpoint may come from another.
                own = [{k: v for k, v in group.items() if k != "params"} for group in optimiser.param_groups]
                groups = [{**theirs, **ours} for theirs, ours in zip(stored["param_groups"], own, strict=True)]
                optimiser.load_state_dict({**stored, "param_groups": groups})
            self.patches.generator.set_state(content["generator"])
            for name, value in content["average"].items():
                self.average[name].copy_(value)
            self.best, self.best_psnr = content["best"], content["best_psnr"]
            self.step, self.seconds, self.rows = content["step"], content["seconds"], content["rows"]
            self.earlier = list(content.get("earlier", self.earlier))
            if self.adversary is not None:
                self.adversary.restore(content["adversary"])
            if self.settings.rounded:
                self.rounding = FakeQuant(self.spec, content["ranges"])


def _check_progress(content: Mapping[str, Any]) -> None:
    """Raise TypeError unless a checkpoint counts steps and seconds, and its curve is a table of numbers."""
    numbers = [content["step"], content["seconds"], content["best_psnr"]]
    numbers += [value for row in content["rows"] for value in row]
    if not all(isinstance(value, (int, float)) for value in numbers) or not isinstance(content["step"], int):
        raise TypeError("the progress of the run is not in numbers")
    if not all(isinstance(value, Tensor) for value in content["best"].values()):
        raise TypeError("the best weights are not tensors")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class _Teacher:
    """A larger network whose results are part of the loss."""

    def __init__(self, model: Model, spec: Spec, device: torch.device) -> None:
        if (model.spec.scale, model.spec.colour) != (spec.scale, spec.colour):
            raise InvalidArgument(
                f"train: the teacher is a ×{model.spec.scale} model of {model.spec.colour}; "
                f"×{spec.scale} of {spec.colour} is needed"
            )
        self.spec, self.margin = model.spec, _margin(model.spec)
        self.weights = last_channels({name: torch.from_numpy(w.copy()).to(device) for name, w in model.weights.items()})

    @torch.no_grad()
    def __call__(self, small: Tensor, margin: int) -> Tensor:
        result = run(self.spec, self.weights, small, TorchKernels(), pad=False).float()
        return inside(result, (margin - self.margin) * self.spec.scale)


def _spectrum(error: Tensor) -> Tensor:
    """The mean absolute real and imaginary part of the FFT of an error, which is the difference of two FFTs."""
    return torch.view_as_real(torch.fft.rfft2(error)).abs().mean()


def _vgg19(features: Mapping[str, Tensor], layer: str, spec: Spec, side: int, device: torch.device) -> Vgg19:
    network = Vgg19(features, layer).to(device)
    if spec.colour != "rgb":
        raise InvalidArgument("train: content='vgg19' needs an RGB network; use content='pyramid' for luma")
    if side < network.least_side:
        raise InvalidArgument(f"train: results of {side}×{side} are too small for layer {layer}; use a larger patch")
    return network


def _adversary(settings: Settings, channels: int, side: int, device: torch.device) -> Adversary:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        discriminator = Discriminator(side, channels)
    return Adversary(discriminator.to(device), settings.bf16)


def last_channels(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights with kernels in channels-last memory format, which takes a fifth less time on CPUs."""
    return {name: w.contiguous(memory_format=torch.channels_last) if w.ndim == 4 else w for name, w in weights.items()}


def _margin(spec: Spec) -> int:
    """Samples at each side of a patch that have no target: none if the network pads with zeros."""
    return spec.halo if spec.border == "replicate" else 0


def validate(
    spec: Spec, weights: dict[str, Tensor], held_out: list[Pair], kernels: Callable[[], TorchKernels] = TorchKernels
) -> float:
    """The mean PSNR of luma on held-out images, under the protocol of ``evaluate``."""
    scores = []
    device = next(iter(weights.values())).device if weights else _CPU
    with torch.inference_mode():
        for pair in held_out:
            result = run(spec, weights, samples(pair.small)[None].to(device), kernels())[0].cpu().numpy()
            rounded = codes_255(result)
            truth = samples(pair.large).numpy().astype(np.float64)
            if spec.colour == "rgb":
                scores.append(psnr(luma(rounded / 255) * 255, luma(truth) * 255, data_range=255, crop=spec.scale))
            else:
                scores.append(psnr(rounded[0], truth[0] * 255, data_range=255, crop=spec.scale))
    return float(np.mean(scores))
