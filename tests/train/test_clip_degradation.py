"""Noise and H.264 of whole clips: what the numbers say, the same each time, and one encoder for all frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from subpixel.errors import InvalidArgument
from subpixel.image.compression import H264Clip
from subpixel.train.motion.clip_degradation import CLIP_DEGRADATIONS, ClipDegradation

LEFT_ALONE, TOUCHED = 0.0, 0.999
YES, NO = 0.0, 0.999


def scene(frames: int = 6, height: int = 48, width: int = 50) -> torch.Tensor:
    y, x = np.mgrid[:height, :width]
    codes = np.rint(120 + 60 * np.sin(x / 4) * np.cos(y / 6))
    return torch.from_numpy(np.tile(codes / 255, (frames, 1, 1, 1)).astype(np.float32))


def degradation(**changes: object) -> ClipDegradation:
    values: dict[str, object] = {"clean": 0.1, "noise": 0.5, "deviation": (4.0, 4.0), "h264": 0.5, "crf": (20, 30)}
    return ClipDegradation(**(values | changes))  # type: ignore[arg-type]


def test_some_clips_stay_as_they_are() -> None:
    torch.testing.assert_close(degradation().apply(scene(), [LEFT_ALONE, YES, 0.5, YES, 0.5]), scene(), rtol=0, atol=0)
    torch.testing.assert_close(degradation().apply(scene(), [TOUCHED, NO, 0.5, NO, 0.5]), scene(), rtol=0, atol=0)


def test_each_frame_has_noise_of_its_own() -> None:
    result = degradation().apply(scene(), [TOUCHED, YES, 0.5, NO, 0.5])
    noise = (result - scene()) * 255
    assert float(noise.std()) == pytest.approx(4, rel=0.05)
    assert abs(float((noise[0] * noise[1]).mean())) < 1  # not the same noise
    assert float(noise.mean(dim=0).std()) == pytest.approx(4 / 6**0.5, rel=0.1)  # so the mean of frames has less
    codes = result * 255
    torch.testing.assert_close(codes, codes.round())
    again = degradation().apply(scene(), [TOUCHED, YES, 0.5, NO, 0.5])
    torch.testing.assert_close(result, again, rtol=0, atol=0)
    other = degradation().apply(scene(), [TOUCHED, 0.01, 0.5, NO, 0.5])
    assert (result != other).any()


def test_h264_sees_all_frames_and_coarser_steps_lose_more() -> None:
    fine, coarse = (degradation().apply(scene(), [TOUCHED, NO, 0.5, YES, crf]) for crf in (0.0, 0.99))
    losses = [float((one - scene()).abs().mean()) * 255 for one in (fine, coarse)]
    assert 0 < losses[0] < losses[1] < 12
    planes = (scene()[:, 0].numpy() * 255).round().astype(np.uint8)
    expected = H264Clip(20)(planes)
    np.testing.assert_array_equal((fine[:, 0].numpy() * 255).round(), expected)
    assert (H264Clip(20)(planes[:1])[0] != expected[-1]).any()  # a later frame is predicted from those before it


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 7, 5), (2, 33, 17), (5, 36, 36)])
def test_clips_of_every_size(shape: tuple[int, int, int]) -> None:
    luma = np.random.default_rng(0).integers(16, 236, shape, np.uint8)
    result = H264Clip(10)(luma)
    assert (result.shape, result.dtype) == (shape, np.uint8)
    assert np.abs(result.astype(int) - luma).mean() < 6
    np.testing.assert_array_equal(result, H264Clip(10)(luma))


def test_what_is_shipped() -> None:
    assert CLIP_DEGRADATIONS["clean"] is None
    assert CLIP_DEGRADATIONS["compressed"] is not None


@pytest.mark.parametrize("changes", [{"clean": 1.5}, {"noise": -0.1}, {"crf": (30, 20)}, {"deviation": (3.0, 1.0)}])
def test_what_is_no_degradation(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument, match="clips: "):
        degradation(**changes)


def test_no_such_rate() -> None:
    with pytest.raises(InvalidArgument, match="h264"):
        H264Clip(52)
