"""Trains the candidate shapes of fast, each for the same number of steps, to compare quality and time.

python docs/make_study.py --data IMAGES --out FOLDER
subpixel bench --suite quality -s 2 --threads 2 --models FOLDER --data TEST_SETS -o study.json
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from subpixel.metrics.calibration import calibrate
from subpixel.models import Model, find, load, save
from subpixel.models.our_networks import chain
from subpixel.models.spec import Conv, Spec
from subpixel.train import Settings, train

STEPS = 1500
SCALE = 2

# fast has 16 channels, 5 layers in the middle, a first kernel of 5×5 and a last one of 3×3.
CANDIDATES: dict[str, Spec] = {
    "w16-d5": chain(SCALE, width=16, middle=5, first=5, last=3),
    "w16-d5-end5": chain(SCALE, width=16, middle=5, first=5, last=5),
    "w16-d5-first3": chain(SCALE, width=16, middle=5, first=3, last=3),
    "w16-d5-prelu": chain(SCALE, width=16, middle=5, first=5, last=3, activation="prelu"),
    "w8-d16": chain(SCALE, width=8, middle=16, first=5, last=3),
    "w12-d9": chain(SCALE, width=12, middle=9, first=5, last=3),
    "w20-d3": chain(SCALE, width=20, middle=3, first=5, last=3),
    "w24-d2": chain(SCALE, width=24, middle=2, first=5, last=3),
    "w32-d1": chain(SCALE, width=32, middle=1, first=5, last=3),
    "w16-d8": chain(SCALE, width=16, middle=8, first=5, last=3),
    "w24-d8": chain(SCALE, width=24, middle=8, first=5, last=3),
}
PRUNED = "w16-d8-pruned"  # w16-d8, which starts from the strongest channels of balanced


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="the images to train on")
    parser.add_argument("--out", required=True, type=Path, help="a folder for the model files")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    beginning = given.out / "pruned.start"
    beginning.mkdir(exist_ok=True)
    start = beginning / f"{PRUNED}.safetensors"
    save(prune(find("balanced", SCALE), CANDIDATES["w16-d8"]), start)
    for name, spec in [*CANDIDATES.items(), (PRUNED, CANDIDATES["w16-d8"])]:
        out = given.out / f"{name}.safetensors"
        if out.exists():
            continue
        settings = Settings(name, SCALE, steps=given.steps, seed=1, batch=16, patch=64, lr=0.01, expand=4, bf16=False)
        train(settings, spec, given.data, out, start=start if name == PRUNED else None, threads=given.threads)
        save(calibrate(load(out), given.data, print), out)


def prune(model: Model, spec: Spec) -> Model:
    """A chain narrowed to ``spec``: each layer keeps the channels with the largest weights in the next one."""
    weights: dict[str, np.ndarray] = {}
    wide = [layer for layer in model.spec.layers if isinstance(layer, Conv)]
    narrow = [layer for layer in spec.layers if isinstance(layer, Conv)]
    inputs = np.arange(1)
    for k, (conv, target) in enumerate(zip(wide, narrow, strict=True)):
        kernel, bias = model.weights[f"{conv.name}.weight"][:, inputs], model.weights[f"{conv.name}.bias"]
        outputs = np.arange(conv.out_channels)
        if k + 1 < len(wide):
            following = model.weights[f"{wide[k + 1].name}.weight"]
            worth = np.square(following).sum(axis=(0, 2, 3)) * np.square(kernel).sum(axis=(1, 2, 3))
            outputs = np.sort(np.argsort(-worth)[: target.out_channels])
        weights[f"{target.name}.weight"], weights[f"{target.name}.bias"] = kernel[outputs], bias[outputs]
        inputs = outputs
    return replace(model, spec=spec, weights=weights, quantisation=None)


if __name__ == "__main__":
    main()
