"""Measures networks for videos on scenes that stand still, with noise and H.264, frame after frame.

python docs/still_scenes.py --data PICTURES --model recurrent_x2.safetensors --model balanced-compressed -s 2

Each scene is the middle of a held-out picture, made smaller by bicubic interpolation. Every frame has noise of its own,
and one encoder compresses all frames. A network for images upscales each frame alone. The figures are PSNR of luma in
dB, rounded to 8 bits, the mean of all scenes from the given frame on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel import Upscaler
from subpixel.backends import BACKENDS
from subpixel.image.compression import H264Clip
from subpixel.metrics import psnr
from subpixel.metrics.protocol import codes_255
from subpixel.metrics.video_calibration import run_sequence
from subpixel.models import Model, find, load
from subpixel.models.zoo import is_path
from subpixel.train.data import Pair, find_images, load_pairs

HELD_OUT = Path(__file__).parent / "training" / "held_out.txt"
SIDE = 160  # of the small scenes at most

Frames = NDArray[np.float32]


def main() -> None:
    own = parsed()
    models = [load(name) if is_path(name) else find(name, own.scale) for name in own.model]
    degradations = [(float(noise), int(crf)) for noise, crf in (text.split(":") for text in own.degrade)]
    _, sources = find_images(own.data, held_out=HELD_OUT)
    scenes = load_pairs(sources[:: max(1, len(sources) // own.scenes)][: own.scenes], own.scale, (1.0,), 1, "luma")
    for noise, crf in degradations:
        words = f"noise of {noise:g} codes, " + (f"H.264 at CRF {crf}" if crf else "not compressed")
        print(
            f"{words}: " + ", ".join(f"{m.name} {mean(m, scenes, noise, crf, own):.2f} dB" for m in models), flush=True
        )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the pictures")
    parser.add_argument("--model", action="append", required=True, help="a shipped model or a model file; repeatable")
    parser.add_argument("-s", "--scale", type=int, default=2)
    parser.add_argument(
        "--degrade", nargs="*", default=["8:28", "4:23", "0:0"], help="noise:CRF of each row; CRF 0: none"
    )
    parser.add_argument("--scenes", type=int, default=6)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--from", dest="first", type=int, default=30, help="the first frame that counts")
    parser.add_argument("--every", type=int, default=5, help="only every N-th frame counts")
    parser.add_argument("--precision", default="f32")
    return parser.parse_args()


def mean(model: Model, scenes: list[Pair], noise: float, crf: int, own: argparse.Namespace) -> float:
    """PSNR over all scenes and all frames that count."""
    counted = range(own.first, own.frames, own.every)
    scores = []
    for seed, scene in enumerate(scenes):
        small, truth = middle(scene, own.scale)
        frames = degraded(small, own.frames, noise, crf, seed)
        for result in results(model, frames, counted, own.precision):
            scores.append(psnr(codes_255(result), truth, data_range=255, crop=own.scale))
    return float(np.mean(scores))


def middle(scene: Pair, scale: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The codes of the middle of a scene, small and large."""
    small, large = (one[0].numpy().astype(np.float64) * 255 for one in (scene.small, scene.large))
    height, width = (min(side, SIDE) for side in small.shape)
    top, left = (small.shape[0] - height) // 2, (small.shape[1] - width) // 2
    rows, columns = slice(top * scale, (top + height) * scale), slice(left * scale, (left + width) * scale)
    return np.rint(small[top : top + height, left : left + width]), large[rows, columns]


def degraded(small: NDArray[np.float64], count: int, noise: float, crf: int, seed: int) -> Frames:
    """The frames of a scene, ``(count, H, W)``, 0 … 1."""
    random = np.random.default_rng(seed)
    codes = np.rint(small + noise * random.standard_normal((count, *small.shape)))
    planes = np.clip(codes, 0, 255).astype(np.uint8)
    return (H264Clip(crf)(planes) if crf else planes).astype(np.float32) / np.float32(255)


def results(model: Model, frames: Frames, counted: range, precision: str) -> Iterator[Frames]:
    """The results of the frames that count."""
    scale = model.spec.scale
    if model.spec.plain:
        upscale = Upscaler(scale, model=model, precision=precision).plane
        yield from (upscale(frames[k]) for k in counted)
        return
    session = BACKENDS["native"].prepare_video(model.spec, model.weights, precision, 1, model.quantisation)
    done = run_sequence(session, model.spec, list(frames[:, None]))
    yield from (done[k][0] for k in counted)


if __name__ == "__main__":
    main()
