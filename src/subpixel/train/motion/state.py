"""The state of a run on clips: results frame by frame, the loss, and the measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from subpixel.errors import InvalidArgument
from subpixel.metrics import psnr
from subpixel.metrics.protocol import codes_255
from subpixel.models.bicubic import bicubic
from subpixel.models.files import Model
from subpixel.models.graph import run, run_all
from subpixel.models.spec import Frame, Previous, RunningMean, Spec, Warp
from subpixel.models.spec import State as StateInput
from subpixel.models.torch_kernels import TorchKernels
from subpixel.train.data import Pair, Patches
from subpixel.train.motion.clips import Clip, Clips
from subpixel.train.motion.running_mean import running_means
from subpixel.train.settings import Settings
from subpixel.train.state import State, last_channels
from subpixel.upscaler import luma

__all__ = ["MotionState", "bicubic_score", "check_settings", "unroll"]

_ROUND = 0.01  # in the Huber loss of flows, below which differences count squared


class MotionState(State):
    """The state of a run on clips. In place of pairs it has the sources of clips, and held-out clips.

    For each warp of a frame, the loss also has the error of the warped frame (``settings.warped``) and the unevenness
    of its flow (``settings.smooth``), for coarse and fine estimates alike.

    Source: Caballero et al., arXiv 1611.05250, equations 4 to 6. Recurrent networks learn through all frames of a
    clip, as in Fuoli et al., arXiv 1909.08080.
    """

    def _source(self, pairs: list[Pair], generator: torch.Generator) -> Patches:
        past = max((one.frames for one in self.spec.means), default=0)
        clips = Clips(cast("list[Tensor]", pairs), self.settings, self.spec.scale, generator, past)
        return cast(Patches, clips)

    def loss(self, small: Tensor, large: Tensor) -> Tensor:
        small, large = small.to(self.device), large.to(self.device)
        weights = self.net.collapse()
        self._follow(weights)
        warps = [w for w in self.spec.layers if isinstance(w, Warp) and w.source in self._frames]
        keep = [name for warp in warps for name in (warp.name, warp.flow)]
        past = small.shape[1] - large.shape[1]
        indices = self._indices(small, past)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.bf16):
            result = unroll(self.spec, last_channels(weights), small, indices, keep)
        total = self._distance(
            result[self.spec.layers[-1].name].float(), large[:, indices.start - past : indices.stop - past]
        )
        now = small[:, indices.start : indices.stop]
        for warp in warps:
            error = result[warp.name].float()[..., : now.shape[-2], : now.shape[-1]] - now
            flow = result[warp.flow].float()
            total = total + self.settings.warped * (error * error).mean() + self.settings.smooth * _unevenness(flow)
        return total

    def _indices(self, small: Tensor, past: int) -> range:
        """The frames that count: all with their neighbours, those after the past."""
        behind, ahead = self.spec.reach
        # A recurrent network starts with its state at the beginning of a video.
        return range(past if self.spec.has_memory else behind, small.shape[1] - ahead)

    def _probe(self, weights: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        small, large = (clips.to(self.device) for clips in self._patches_with(generator).draw())
        scene = _Scene(self.spec, small, self._indices(small, small.shape[1] - large.shape[1]))
        if not self.spec.has_memory:
            return scene.all_inputs()
        with torch.no_grad():
            for t in scene.indices[:-1]:
                scene.remember(run_all(self.spec, weights, scene.inputs(t), TorchKernels()))
        return scene.inputs(scene.indices[-1])

    @property
    def _frames(self) -> set[str]:
        return {frame.name for frame in self.spec.frames}

    def score(self, weights: dict[str, Tensor], held_out: list[Pair]) -> float:
        return _mean_psnr(
            self.spec,
            cast("list[Clip]", held_out),
            lambda clip: self._results(self.spec, weights, clip),
        )

    def upscale(self, model: Model, pair: Pair) -> Tensor:
        weights = {name: torch.from_numpy(value.copy()) for name, value in model.weights.items()}
        return self._results(model.spec, weights, cast(Clip, pair))

    @staticmethod
    def _results(spec: Spec, weights: Mapping[str, Tensor], clip: Clip) -> Tensor:
        device = next(iter(weights.values())).device
        with torch.inference_mode():
            result = unroll(spec, weights, clip.small[None].to(device), range(clip.past, len(clip.small)))
        return result[spec.layers[-1].name][0]


def check_settings(settings: Settings, spec: Spec, **arguments: Any) -> None:
    """Check that the settings suit training on clips.

    Raises:
        InvalidArgument: a setting is for networks on images, or ``clip`` is too small.
    """
    images_only = {
        "rounded": settings.rounded,
        "content": settings.content != "pixel",
        "adversarial": settings.adversarial > 0,
        **{name: value is not None for name, value in arguments.items()},
    }
    for name, is_set in images_only.items():
        if is_set:
            raise InvalidArgument(f"train: {name} is for networks on images; '{settings.arch}' is for videos")
    if settings.degradation != "clean" and spec.colour != "luma":
        raise InvalidArgument(
            f"train: degradation={settings.degradation!r}: clips of luma are compressed, not of {spec.colour}"
        )
    least = sum(spec.reach) + 1
    if settings.clip < max(2, least):
        raise InvalidArgument(f"train: clip={settings.clip}: '{settings.arch}' needs {max(2, least)} frames or more")


def unroll(
    spec: Spec, weights: Mapping[str, Tensor], small: Tensor, indices: range, keep: Sequence[str] = ()
) -> dict[str, Tensor]:
    """The results of a clip's frames, differentiable through all of them.

    Args:
        spec: the network.
        weights: every tensor of ``spec.weight_shapes``.
        small: ``(N, T, C, H, W)``, a scene from its beginning.
        indices: the frames to upscale. Beyond its ends, the clip repeats its first and last frame. States begin with
            the first of them, running means with the first frame of the clip.
        keep: further layers whose values to return.

    Returns:
        The values of the last layer and of ``keep`` by name, each ``(N, len(indices), C, H, W)``.
    """
    kernels, result = TorchKernels(), spec.layers[-1].name
    scene, names = _Scene(spec, small, indices), [result, *keep]
    if not spec.has_memory:
        output = run_all(spec, weights, scene.all_inputs(), kernels, keep=keep)
        return {name: output[name].reshape(len(small), len(indices), *output[name].shape[1:]) for name in names}
    values: dict[str, list[Tensor]] = {name: [] for name in names}
    for t in indices:
        output = run_all(spec, weights, scene.inputs(t), kernels, keep=keep)
        scene.remember(output)
        for name in names:
            values[name].append(output[name])
    return {name: torch.stack(value, 1) for name, value in values.items()}


class _Scene:
    """What a network reads for each frame of a clip; see :func:`unroll`."""

    def __init__(self, spec: Spec, small: Tensor, indices: range) -> None:
        self.spec, self.small, self.indices = spec, small, indices
        self.means = {one.name: running_means(small[:, : indices.stop], one) for one in spec.means}
        self.memory: dict[str, Tensor] = {}

    def inputs(self, t: int) -> dict[str, Tensor]:
        """The inputs of frame ``t``, ``(N, C, H, W)`` each. All frames before it have been remembered."""
        inputs = {}
        for one in self.spec.inputs:
            if isinstance(one, Frame):
                inputs[one.name] = self._frame(t + one.offset)
            elif isinstance(one, RunningMean):
                inputs[one.name] = self.means[one.name][t]
            elif one.name in self.memory:
                inputs[one.name] = self.memory[one.name]
            elif isinstance(one, Previous):
                inputs[one.name] = self._frame(t).repeat_interleave(self.spec.scale**2, 1)
            else:
                inputs[one.name] = self.small.new_zeros(len(self.small), one.channels, *self.small.shape[-2:])
        return inputs

    def all_inputs(self) -> dict[str, Tensor]:
        """The inputs of all frames at once, ``(N * T, C, H, W)`` each, of a network without memory."""
        return {
            one.name: torch.stack([self._frame(t + one.offset) for t in self.indices], 1).flatten(0, 1)
            for one in self.spec.frames
        }

    def remember(self, output: Mapping[str, Tensor]) -> None:
        """Keep what the next frame reads of this frame's values."""
        for one in self.spec.inputs:
            if isinstance(one, StateInput):
                self.memory[one.name] = output[one.next]
            elif isinstance(one, Previous):
                result = output[self.spec.layers[-1].name]
                self.memory[one.name] = F.pixel_unshuffle(result.clamp(0, 1), self.spec.scale)

    def _frame(self, t: int) -> Tensor:
        return self.small[:, min(max(t, 0), self.small.shape[1] - 1)]


def bicubic_score(spec: Spec, held_out: list[Clip]) -> float:
    """The mean PSNR of bicubic on the held-out clips."""
    plain = bicubic(spec.scale, colour=spec.colour)
    return _mean_psnr(spec, held_out, lambda clip: run(plain, {}, clip.small[clip.past :], TorchKernels()))


def _unevenness(flow: Tensor) -> Tensor:
    """The Huber loss of equation 5 for differences of neighbouring flow vectors, its mean over samples."""
    x = flow[..., :-1, 1:] - flow[..., :-1, :-1]
    y = flow[..., 1:, :-1] - flow[..., :-1, :-1]
    return (_ROUND + (x * x + y * y).sum(-3)).sqrt().mean()


def _mean_psnr(spec: Spec, held_out: list[Clip], upscale: Any) -> float:
    """The mean PSNR of luma over frames and clips. Results are rounded to 8 bits, a border of ``scale`` is cropped."""
    scores = []
    for clip in held_out:
        result = codes_255(upscale(clip).float().cpu().numpy()) / 255
        for one, truth in zip(result, clip.large.numpy().astype(np.float64), strict=True):
            pair = (luma(p) if spec.colour == "rgb" else p[0] for p in (one, truth))
            a, b = (plane * 255 for plane in pair)
            scores.append(psnr(a, b, data_range=255, crop=spec.scale))
    return float(np.mean(scores))
