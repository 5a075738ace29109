"""Videos by networks that use motion: codes in, codes out, the delay, cuts found, and what is refused."""

import subprocess
import sys

import numpy as np
import pytest

from subpixel import Upscaler
from subpixel.backends import BACKENDS, FrameFormat
from subpixel.errors import InvalidArgument, Unsupported
from subpixel.models import Model
from subpixel.models.espcn import espcn
from subpixel.models.recurrent import recurrent
from subpixel.models.spec import INPUT, Conv, PixelShuffle, Resize, Spec
from subpixel.models.vespcn import vespcn
from subpixel.ops.scenes import CutDetector
from subpixel.upscaler import MotionNetwork, NetworkOptions


def model_of(spec, size=1.0):
    rng = np.random.default_rng(0)
    weights = {
        k: (size * rng.standard_normal(s) / max(4, np.prod(s[1:])) ** 0.5).astype(np.float32)
        for k, s in spec.weight_shapes.items()
    }
    return Model("video", spec, weights)


def frames_through(model, form=None, **options):
    return MotionNetwork(model, NetworkOptions("reference")).frames(form, **options)


RECURRENT = model_of(recurrent(2, width=6, middle=1, state=4))
VESPCN = model_of(vespcn(2, layers=2, width=4))


def planes_at(k, form, size=(20, 26)):
    rng = np.random.default_rng(k)
    shapes = [size, *([form.chroma(size)] * 2 if form.subsampling != "gray" else [])]
    return [rng.integers(0, form.max_code + 1, shape).astype(form.dtype) for shape in shapes]


@pytest.mark.parametrize("model", [RECURRENT, VESPCN], ids=["recurrent", "vespcn"])
@pytest.mark.parametrize(
    "form",
    [FrameFormat("420", "left", 8, False), FrameFormat("422", "topleft", 10, True), FrameFormat("gray", None, 8, True)],
    ids=["420", "422 full 10", "gray full"],
)
def test_each_frame_comes_out_once_with_its_own_chroma(model, form):
    video = frames_through(model, form)
    frames = [planes_at(k, form) for k in range(4)]
    copies = [[plane.copy() for plane in frame] for frame in frames]
    output = []
    for frame in copies:
        output.append(video.push(frame))
        for plane in frame:
            plane[:] = 0  # a decoder may write where it wrote before
    assert [m is None for m in output] == [True] * video.latency + [False] * (4 - video.latency)
    results = [m for m in output if m is not None] + video.flush()
    assert len(results) == 4
    # Chroma is what the still-image way makes of it.
    plain = Upscaler(2, model="espcn", backend="reference", precision="f32")
    for frame, result in zip(frames, results, strict=True):
        expected = plain.yuv(
            *(*frame, None, None)[:3],
            subsampling=form.subsampling,
            siting=form.siting,
            bits=form.bits,
            full_range=form.full_range,
        )
        assert [plane.shape for plane in result] == [plane.shape for plane in expected if plane is not None]
        assert all(plane.dtype == form.dtype for plane in result)
        for mine, its in zip(result[1:], expected[1:], strict=False):
            np.testing.assert_array_equal(mine, its)


@pytest.mark.parametrize("full", [False, True])
def test_codes_mean_what_the_form_says(full):
    """With nothing but zeros for weights a frame is repeated: every code stays what it is."""
    still = model_of(recurrent(2, width=6, middle=1, state=4), 0.0)
    form = FrameFormat("gray", None, 8, full)
    video = frames_through(still, form)
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    (result,) = video.push([codes])
    np.testing.assert_array_equal(result, codes.repeat(2, 0).repeat(2, 1))


def scene(k, rng):
    base = rng.random((24, 32)).astype(np.float32).repeat(4, 0).repeat(4, 1)
    return [np.clip(0.2 + 0.6 * np.roll(base, t, 1) + 0.01 * k, 0, 1) for t in range(4)]


def test_scenes_begin_anew():
    frames = [*scene(0, np.random.default_rng(1)), *(0.3 * f for f in scene(1, np.random.default_rng(2)))]
    video = frames_through(RECURRENT)
    with_cut = [video.push_luma(frame) for frame in frames]
    alone = [frames_through(RECURRENT) for _ in range(2)]
    apart = [alone[k // 4].push_luma(frame) for k, frame in enumerate(frames)]
    assert all(map(np.array_equal, with_cut, apart))
    blind = frames_through(RECURRENT, cuts=False)
    assert not np.array_equal([blind.push_luma(frame) for frame in frames][4], apart[4])


def test_cuts_are_distinguished_from_pans_and_noise():
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 256, (6, 20)).astype(np.float32).repeat(40, 0).repeat(40, 1)
    pan = [wide[:, 4 * t : 4 * t + 320].astype(np.uint8) for t in range(12)]
    detector = CutDetector()
    assert [detector.begins_scene(f) for f in pan] == [True] + [False] * 11
    assert detector.begins_scene(255 - wide[:, :320].astype(np.uint8))
    assert not detector.begins_scene(255 - wide[:, 3:323].astype(np.uint8))
    noisy = CutDetector()
    frames = [np.clip(100 + 30 * rng.standard_normal((240, 320)), 0, 255).astype(np.uint8) for _ in range(6)]
    assert [noisy.begins_scene(f) for f in frames] == [True] + [False] * 5


@pytest.mark.parametrize("model", [RECURRENT, VESPCN], ids=["recurrent", "vespcn"])
def test_a_video_resumes_in_the_middle_with_equal_bytes(model):
    form = FrameFormat("420", "left", 8, False)
    frames = [planes_at(k, form) for k in range(5)]
    whole = frames_through(model, form)
    expected = [whole.push(f) for f in frames] + whole.flush()
    first = frames_through(model, form)
    result = [first.push(f) for f in frames[:3]]
    second = frames_through(model, form)
    second.restore(first.state())
    result += [second.push(f) for f in frames[3:]] + second.flush()
    for mine, its in zip(result, expected, strict=True):
        assert (mine is None) == (its is None)
        if mine is not None:
            assert all(map(np.array_equal, mine, its))
    with pytest.raises(InvalidArgument, match="'more' belongs to no state of a video"):
        second.restore({**first.state(), "more": np.zeros(1)})
    other = frames_through(VESPCN if model is RECURRENT else RECURRENT)
    with pytest.raises(InvalidArgument, match=r"state is not one that FrameSequence.state"):
        other.restore(first.state())


def test_auto_takes_who_can():
    if BACKENDS["native"].unavailable():
        pytest.skip("this installation has no compiled module")
    for model in (RECURRENT, VESPCN):
        assert MotionNetwork(model).backend == MotionNetwork(model, NetworkOptions("native")).backend == "native"
    others = "reference" if BACKENDS["torch"].unavailable() else "torch"
    assert MotionNetwork(VESPCN, NetworkOptions("auto", "bf16")).backend == others
    with pytest.raises(Unsupported, match="backend 'native' with precision='bf16' supports video networks"):
        MotionNetwork(VESPCN, NetworkOptions("native", "bf16"))


def test_the_engine_needs_no_torch_for_motion():
    """In a process where importing torch fails."""
    if BACKENDS["native"].unavailable():
        pytest.skip("this installation has no compiled module")
    code = """
import sys
sys.modules["torch"] = None
import numpy as np
from subpixel.models import find
from subpixel.upscaler import MotionNetwork
network = MotionNetwork(find("vespcn", 4))
frames = network.frames()
frame = np.full((9, 14), 0.5, np.float32)
assert frames.push_luma(frame) is None
print(network.backend, frames.push_luma(frame).shape, len(frames.flush_luma()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "native (36, 56) 1\n", done.stderr


def test_a_network_for_images_with_strides_sees_the_whole_image():
    """Bands would begin where the strides do not: large images give what the planes alone give."""
    layers = (
        Conv("a", INPUT, 1, 4, (3, 3), "relu", stride=4),
        Conv("b", "a", 4, 16, (3, 3)),
        PixelShuffle("up", "b", 4),
        Resize("sum", "up", 2),
    )
    model = model_of(Spec(layers, 2, "luma", "zero"))
    y = np.random.default_rng(0).integers(16, 236, (1030, 600), np.uint8)
    results = {}
    for backend in ("reference", *(["native"] if not BACKENDS["native"].unavailable() else [])):
        upscaler = Upscaler(2, model=model, backend=backend, precision="f32")
        assert upscaler.halo is None
        results[backend], _, _ = upscaler.yuv(y, None, None, subsampling="gray", siting=None, bits=8, full_range=False)
        session = BACKENDS[backend].prepare(model.spec, model.weights, "f32", 1)
        expected = session(y[None].astype(np.float32) / np.float32(255))[0] * np.float32(255)
        np.testing.assert_allclose(results[backend], np.clip(expected, 0, 255), rtol=0, atol=0.51)
        gray = upscaler(y)
        assert gray.shape == (2060, 1200)
        results[f"{backend}, image"] = gray
    if len(results) == 4:
        for kind in ("", ", image"):
            one, two = (results[backend + kind].astype(int) for backend in ("native", "reference"))
            assert np.abs(one - two).max() <= 1


def test_refusals(tmp_path):
    with pytest.raises(
        InvalidArgument, match="scale=3: model 'video' has only ×2; choose it for planes and frames in memory"
    ):
        Upscaler(3, model=RECURRENT).network()
    with pytest.raises(
        InvalidArgument, match="model 'fast' has ×2, ×3, ×4 and ×8; choose one of them for planes and frames in memory"
    ):
        Upscaler(5, model="fast").network()
    with pytest.raises(Unsupported, match="model 'video' is not for videos"):
        MotionNetwork(model_of(espcn(2)))
    for option, text in (({"ensemble": True}, "ensemble"), ({"strength": 0.5}, "strength=0.5")):
        with pytest.raises(Unsupported, match=f"{text}: model 'video' reads several frames and has no such option"):
            Upscaler(2, model=RECURRENT, **option)
    with pytest.raises(InvalidArgument, match=r"luma \(H, W\) of f32 is needed"):
        frames_through(RECURRENT).push_luma(np.zeros((4, 4), np.uint8))
    with pytest.raises(InvalidArgument, match="no format was given"):
        frames_through(RECURRENT).push([np.zeros((4, 4), np.uint8)])
    from subpixel.models import save

    save(RECURRENT, tmp_path / "video.safetensors")
    upscaler = Upscaler(2, model=tmp_path / "video.safetensors", backend="reference")
    assert isinstance(upscaler.network(), MotionNetwork)
    assert not Upscaler(2, model="fast").network().uses_motion
    # Single images are refused in one sentence.
    with pytest.raises(Unsupported, match="model 'video' is for videos and does not upscale images; model 'fast' does"):
        upscaler(np.zeros((8, 8), np.uint8))
