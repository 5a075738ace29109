"""Training on clips: how they move, that training sees what running does, and whole runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from subpixel.backends import BACKENDS
from subpixel.backends.frame_sequence import FrameSequence
from subpixel.errors import InvalidArgument, ModelFileError
from subpixel.metrics.flow import flow_between
from subpixel.metrics.protocol import shrink
from subpixel.models import load
from subpixel.models.bicubic import bicubic
from subpixel.models.graph import run
from subpixel.models.recurrent import recurrent
from subpixel.models.spec import Conv, Frame, PixelShuffle, RunningMean, Spec
from subpixel.models.torch_kernels import TorchKernels
from subpixel.models.vespcn import vespcn, vespcn_slow
from subpixel.ops.running_mean import running_mean
from subpixel.train import Settings, train
from subpixel.train.motion import Clip, MotionState, load_clips
from subpixel.train.motion.clips import Clips
from subpixel.train.motion.paths import NUMBERS, moving_clip
from subpixel.train.motion.running_mean import running_means
from subpixel.train.motion.state import check_settings, unroll
from subpixel.train.reparameterisation import Trainable
from subpixel.train.video_frames import find_takes

MakeSettings = Callable[..., Settings]
RECURRENT = recurrent(2, width=8, middle=1, state=4)
VESPCN = vespcn(2, layers=2, width=8)


def silent(_: str) -> None:
    pass


def textured(side: int = 160) -> torch.Tensor:
    y, x = np.mgrid[:side, :side].astype(np.float64)
    waves = np.sin(x / 5 + y / 9) + np.sin(y / 4 - x / 11) + 0.5 * np.sin(x / 2)
    return torch.from_numpy((0.5 + 0.12 * waves).astype(np.float32))[None]


# Numbers of a background: which image, speed, heading, turn, zoom, bend (twice), still, room (twice); no patches.
STRAIGHT = [0.0, 1.0, 0.0, 0.5, 0.5, 0.0, 0.0, 1.0, 0.5, 0.5, 0, 0, 0, 0]
NO_PATCH = [1.0] * (NUMBERS - len(STRAIGHT))


def test_a_background_moves_along_its_path() -> None:
    clip = moving_clip([textured()], [*STRAIGHT, *NO_PATCH], 3, 48, 3.0)
    assert clip.shape == (3, 1, 48, 48)
    # 3 samples to the right each frame, exactly: the same samples, but for cubic interpolation between none.
    torch.testing.assert_close(clip[1, :, :, 3:], clip[0, :, :, :-3], atol=1e-4, rtol=0)
    torch.testing.assert_close(clip[2, :, :, 6:], clip[0, :, :, :-6], atol=1e-4, rtol=0)
    still = [*STRAIGHT[:7], 0.0, *STRAIGHT[8:]]
    clip = moving_clip([textured()], [*still, *NO_PATCH], 3, 48, 3.0)
    torch.testing.assert_close(clip[2], clip[0])


def test_patches_hide_what_is_behind_them_and_move_by_themselves() -> None:
    patch = [0.9, 1.0, 0.25, 0.5, 0.5, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5, 0.9, 0.0, 0.0]
    behind = [*STRAIGHT[:7], 0.0, *STRAIGHT[8:]]
    images = [torch.zeros(1, 96, 96), torch.ones(1, 96, 96)]
    clip = moving_clip(images, [*behind, *patch, *[1.0] * len(patch)], 3, 48, 4.0)
    rows = [frame[0].sum(1).argmax().item() for frame in (clip > 0.5).float()]
    assert 0.1 < float(clip.mean()) < 0.6
    centres = [float((frame[0] * torch.arange(48.0)[:, None]).sum() / frame.sum()) for frame in clip]
    assert np.diff(centres) == pytest.approx([4, 4], abs=0.2), rows
    assert float(clip[0, 0, 0, 0]) == 0


def test_clips_are_small_as_the_protocol_makes_them(settings: MakeSettings) -> None:
    chosen = settings(scale=2, batch=2, patch=16, clip=3)
    sources = [textured()]
    small, large = Clips(sources, chosen, 2, torch.Generator().manual_seed(1)).draw()
    assert (small.shape, large.shape) == ((2, 3, 1, 16, 16), (2, 3, 1, 32, 32))
    for one, whole in zip(small.flatten(0, 1), large.flatten(0, 1), strict=True):
        codes = (whole[0] * 255).round().to(torch.uint8).numpy()[..., None]
        expected = shrink(codes, 2)[0][..., 0].astype(np.float32)
        # Inside, where the edges of the patch have no part in it; rounded before and after.
        assert np.abs(one[0].numpy() * 255 - expected)[2:-2, 2:-2].max() <= 1.01
        assert torch.equal(one * 255, (one * 255).round())
    again = Clips(sources, chosen, 2, torch.Generator().manual_seed(1)).draw()
    assert torch.equal(small, again[0])
    # Two processes draw the halves of the same batch.
    halves = [Clips(sources, chosen, 2, torch.Generator().manual_seed(1)).draw(k, 2)[0] for k in (0, 1)]
    assert torch.equal(torch.cat(halves), small)
    with pytest.raises(InvalidArgument, match=r"patch=99: needs an image of at least 206×206"):
        Clips(sources, settings(patch=99), 2, torch.Generator())


def test_nothing_moves_faster_than_it_may(settings: MakeSettings) -> None:
    chosen = settings(scale=2, batch=4, patch=40, clip=2, speed=1.0)
    small, _ = Clips([textured(256)], chosen, 2, torch.Generator().manual_seed(3)).draw()
    for clip in small:
        flow = flow_between(clip[0, 0].numpy() * 255, clip[1, 0].numpy() * 255)
        # The middle of the image; further out turning and zooming add to it.
        assert np.median(np.hypot(*flow[:, 15:25, 15:25])) < 1.6


@pytest.mark.parametrize("spec", [RECURRENT, VESPCN, vespcn_slow(2, layers=3, width=6, pair=4)])
def test_training_sees_what_a_video_is_given(spec: Spec) -> None:
    """The same frames through what runs videos: results, the first frame's beginning, the ends."""
    net = Trainable(spec, 0, torch.Generator().manual_seed(0))
    weights = {name: w.detach() + 0.05 * torch.randn_like(w) for name, w in net.collapse().items()}
    small = torch.rand(1, 5, 1, 12, 16)
    result = unroll(spec, weights, small, range(5))[spec.layers[-1].name][0]
    session = BACKENDS["reference"].prepare_video(spec, {n: w.numpy() for n, w in weights.items()}, "f32", 1)
    sequence = FrameSequence(session, spec)
    results = [sequence.push(frame.numpy()) for frame in small[0]]
    results = [r for r in results if r is not None] + sequence.flush()
    np.testing.assert_allclose(result.numpy(), np.stack(results), rtol=0, atol=5e-4)


def test_training_computes_the_running_mean_of_videos() -> None:
    one = RunningMean("mean", 8)
    generator = torch.Generator().manual_seed(0)
    small = 0.4 + 0.02 * torch.rand(2, 20, 1, 12, 9, generator=generator)
    small[:, 11:, :, :, 4:] += 0.1
    means = running_means(small, one)
    for clip in (0, 1):
        mean = None
        for t, frame in enumerate(small[clip].numpy()):
            mean = running_mean(frame, mean, frames=8, still=one.still, changed=one.changed)
            np.testing.assert_allclose(means[t][clip].numpy(), mean[:1], rtol=0, atol=1e-5)


def test_a_clip_has_a_past_in_which_it_stands_still(settings: MakeSettings) -> None:
    chosen = settings(scale=2, batch=2, patch=16, clip=3)
    clips = Clips([textured()], chosen, 2, torch.Generator().manual_seed(1), past=20)
    pasts = set()
    for _ in range(12):
        small, large = clips.draw()
        assert large.shape == (2, 3, 1, 32, 32)
        past = small.shape[1] - 3
        pasts.add(past)
        for t in range(past):
            assert torch.equal(small[:, t], small[:, past])
    assert 0 in pasts
    assert len(pasts) > 4
    assert max(pasts) <= 20
    # The state begins after it, and the running mean does not.
    net = Trainable(RECURRENT, 0, torch.Generator().manual_seed(0))
    weights = {name: w.detach() + 0.05 * torch.randn_like(w) for name, w in net.collapse().items()}
    aged = torch.cat([torch.rand(1, 4, 1, 12, 16) * 0.002 + 0.5, torch.rand(1, 2, 1, 12, 16) * 0.002 + 0.5], 1)
    result = unroll(RECURRENT, weights, aged, range(4, 6))[RECURRENT.layers[-1].name]
    assert result.shape == (1, 2, 1, 24, 32)
    fresh = unroll(RECURRENT, weights, aged[:, 4:], range(2))[RECURRENT.layers[-1].name]
    assert not torch.equal(result, fresh)


@pytest.mark.parametrize("spec", [recurrent(3), vespcn(4), vespcn_slow(2)])
def test_a_network_begins_as_interpolation(spec: Spec) -> None:
    weights = {n: w.detach() for n, w in Trainable(spec, 2, torch.Generator().manual_seed(0)).collapse().items()}
    small = textured(48)[None, None].expand(-1, 3, -1, -1, -1)
    result = unroll(spec, weights, small, range(1, 2))[spec.layers[-1].name][0, 0]
    plain = run(bicubic(spec.scale), {}, small[0, 1:2], TorchKernels())[0]
    nearest = small[0, 1].repeat_interleave(spec.scale, 1).repeat_interleave(spec.scale, 2)

    def distance(x: torch.Tensor) -> float:
        return float((x - plain)[:, 8:-8, 8:-8].square().mean().sqrt())

    assert distance(result) < 0.9 * distance(nearest)


@pytest.mark.parametrize("spec", [RECURRENT, VESPCN], ids=["recurrent", "vespcn"])
def test_a_resumed_run_reaches_the_same_weights(data: Path, tmp_path: Path, settings: MakeSettings, spec: Spec) -> None:
    chosen = settings(arch="video", steps=24, batch=2, patch=12, clip=3, lr=0.02)
    values: list[str] = []
    model = train(chosen, spec, data, tmp_path / "whole.safetensors", say=values.append)
    assert "5 images or takes for training, 1 held out (bicubic: " in values[0]
    start = re.search(r"([\d.]+) dB at step 0", values[0])
    assert start is not None
    assert model.figures["validation_psnr_y"] > float(start.group(1)) + 0.05
    train(replace(chosen, steps=10), spec, data, tmp_path / "parts.safetensors", say=silent)
    again = train(chosen, spec, data, tmp_path / "parts.safetensors", resume=True, say=silent)
    assert again.training["steps"] == 24
    assert load(tmp_path / "parts.safetensors").spec == spec
    # A run that was stopped at 10 had gone down its cosine; from there on it is the same run only in its steps.
    with pytest.raises(InvalidArgument, match="was made with other settings: clip"):
        train(replace(chosen, clip=4), spec, data, tmp_path / "parts.safetensors", resume=True, say=silent)
    other = recurrent(2, width=9, middle=1, state=4)
    with pytest.raises(ModelFileError, match="is of another network"):
        train(chosen, other, data, tmp_path / "parts.safetensors", resume=True, say=silent)


def test_equal_seeds_give_equal_weights(data: Path, tmp_path: Path, settings: MakeSettings) -> None:
    chosen = settings(arch="video", steps=3, batch=2, patch=12, clip=3)
    a, b = (train(chosen, RECURRENT, data, tmp_path / f"{k}.safetensors", say=silent) for k in "ab")
    assert all(np.array_equal(a.weights[name], b.weights[name]) for name in a.weights)


def test_the_loss_has_a_part_for_motion(settings: MakeSettings) -> None:
    """What a flow brought here, and how uneven flows are, and both teach the flow alone."""
    sources = [textured()]

    def state_with(**changes: float) -> MotionState:
        return MotionState(settings(batch=1, patch=16, clip=3, **changes), VESPCN, sources)  # type: ignore[arg-type]

    small, large = state_with().patches.draw()
    bare, warped, smooth = (
        state_with(warped=w, smooth=s).loss(small, large).item() for w, s in ((0, 0), (1, 0), (0, 1))
    )
    assert warped > bare
    # Four flows: two neighbours, coarse and fine; an even one has the root of 0.01.
    assert smooth - bare == pytest.approx(0.4, abs=0.05)
    state = state_with(warped=1.0)
    state.loss(small, large).backward()  # type: ignore[no-untyped-call]
    gradient = state.net.direct["before_coarse1/weight"].grad
    assert gradient is not None
    assert float(gradient.abs().sum()) > 0


@pytest.mark.parametrize("spec", [recurrent(2, width=8, middle=2, state=4), VESPCN], ids=["recurrent", "vespcn"])
def test_channels_that_were_switched_off_come_back(settings: MakeSettings, spec: Spec) -> None:
    state = MotionState(settings(batch=2, patch=16, clip=4), spec, [textured()])  # type: ignore[list-item]
    with torch.no_grad():
        state.net.direct["conv1/bias"][:3] = -100.0

    def results() -> torch.Tensor:
        small, _ = Clips([textured()], state.settings, 2, torch.Generator().manual_seed(5)).draw()
        return unroll(spec, state.net.collapse(), small, range(4))[spec.layers[-1].name].detach()

    before = results()
    assert state.revive() >= 3
    assert min(state.net.collapse()["conv1.bias"][:3].tolist()) > -1
    torch.testing.assert_close(results(), before, rtol=0, atol=1e-5)
    assert state.revive() == 0


def test_flow_is_learnt(settings: MakeSettings) -> None:
    """On one clip that moves evenly the neighbour is brought nearer to the frame."""
    clip = moving_clip([textured(200)], [*STRAIGHT, *NO_PATCH], 3, 48, 2.0)
    small, large = clip[None, :, :, ::2, ::2].contiguous(), clip[None]
    state = MotionState(settings(batch=1, patch=16, clip=3, warped=1.0, lr=0.01), VESPCN, [textured()])  # type: ignore[list-item]

    def error() -> float:
        weights = {n: w.detach() for n, w in state.net.collapse().items()}
        result = unroll(VESPCN, weights, small, range(1, 2), ["before_moved"])["before_moved"]
        return float((result[:, 0] - small[:, 1]).square().mean())

    before = error()
    for _ in range(60):
        for optimiser in state.optimisers:
            optimiser.zero_grad()
        state.loss(small, large).backward()  # type: ignore[no-untyped-call]
        for optimiser in state.optimisers:
            optimiser.step()
    assert error() < 0.5 * before


def encoded_clip(path: Path, scenes: int = 3, frames: int = 12) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(25), options={"threads": "1"})
        stream.height, stream.width, stream.pix_fmt = 96, 128, "bgr0"
        for scene in range(scenes):
            rng = np.random.default_rng(scene)
            wide = rng.integers(0, 256, (3, 8, 3), np.uint8).repeat(32, 0).repeat(32, 1)
            for k in range(frames):
                pixels = np.ascontiguousarray(wide[:, 2 * k : 2 * k + 128])
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_a_video_gives_takes_within_its_scenes(tmp_path: Path, settings: MakeSettings) -> None:
    video = encoded_clip(tmp_path / "video.mkv")
    trained, held = find_takes(video, 1000, 3, 1.0)
    assert [name for name, _ in trained] == [f"video.mkv {n}" for n in (0, 3, 6, 9, 24, 27, 30, 33)]
    assert [name for name, _ in held] == [f"video.mkv {n}" for n in (12, 15, 18, 21)]
    for _, frames in [*trained, *held]:
        assert len(frames) == 3
        for a, b in pairwise(frames):
            np.testing.assert_array_equal(b[:, :-2], a[:, 2:])
    few, some = find_takes(video, 2, 3, 0.5)
    assert few
    assert some
    assert few[0][1][0].shape == (48, 64, 3)
    with pytest.raises(InvalidArgument, match="0 scenes of 13 frames or more; at least 2 are needed"):
        find_takes(video, 100, 13, 1.0)
    sources, clips, count = load_clips(video, RECURRENT, settings(clip=3), 1)
    assert (count, sources[0].shape, clips[0].large.shape) == (8, (3, 1, 48, 64), (3, 1, 40, 56))
    assert isinstance(clips[0], Clip)
    model = train(settings(steps=2, batch=2, patch=8, clip=3), RECURRENT, video, tmp_path / "m.safetensors", say=silent)
    assert model.training["images"] == 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rounded": True}, "rounded is for networks on images; 'small' is for videos"),
        ({"content": "pyramid"}, "content is for networks on images"),
        ({"adversarial": 0.1}, "adversarial is for networks on images"),
        ({"clip": 2}, "clip=2: 'small' needs 3 frames or more"),
    ],
)
def test_what_clips_do_not_have_is_refused(
    data: Path, tmp_path: Path, settings: MakeSettings, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        train(settings(**changes), VESPCN, data, tmp_path / "m.safetensors", say=silent)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InvalidArgument, match="speed=-1: a number of at least 0 is needed"):
        settings(speed=-1)
    with pytest.raises(InvalidArgument, match="still=2: a number from 0 to 1 is needed"):
        settings(still=2)
    coloured = recurrent_of_colours()
    with pytest.raises(InvalidArgument, match="clips of luma are compressed, not of rgb"):
        check_settings(settings(degradation="compressed"), coloured)


def recurrent_of_colours() -> Spec:
    return Spec(
        (Conv("end", "now", 3, 12, (3, 3)), PixelShuffle("sum", "end", 2)), 2, colour="rgb", inputs=(Frame("now"),)
    )


@pytest.mark.parametrize("spec", [RECURRENT, VESPCN])
def test_training_on_compressed_clips_repeats_itself(
    data: Path, tmp_path: Path, settings: MakeSettings, spec: Spec
) -> None:
    def trained(name: str, **changes: object) -> dict[str, object]:
        one = settings(steps=3, batch=2, patch=12, clip=4, **changes)
        return dict(train(one, spec, data, tmp_path / f"{name}.safetensors", say=silent).weights)

    first, again = (trained(name, degradation="compressed") for name in "ab")
    clean = trained("c")
    for name, weight in first.items():
        np.testing.assert_array_equal(weight, again[name])
    assert any((weight != clean[name]).any() for name, weight in first.items())


def test_clips_that_stand_still(data: Path, settings: MakeSettings) -> None:
    images, _, _ = load_clips(data, RECURRENT, settings(clip=4), 1)
    numbers = [0.5] * NUMBERS
    moving, still = (moving_clip(images, numbers, 4, 24, 3.0, share) for share in (0.0, 1.0))
    assert (moving[0] != moving[-1]).any()
    np.testing.assert_array_equal(still[0], still[-1])
