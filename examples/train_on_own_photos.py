"""Fit the network "fast" to your own photographs, then upscale with it.

python examples/train_on_own_photos.py PHOTOGRAPHS MODEL.safetensors [STEPS]

Needs `pip install '.[train]'` and a folder of 8-bit images. A few thousand steps take minutes on a GPU. The file
then works everywhere a model's name does: `subpixel upscale photo.jpg -n MODEL.safetensors`.
"""

from __future__ import annotations

import sys

import numpy as np

from subpixel import Upscaler
from subpixel.models import ZOO, find
from subpixel.train import Settings, train


def main(photographs: str, out: str, steps: str = "2000") -> None:
    settings = Settings("fast", scale=2, steps=int(steps), batch=16, patch=48, expand=4)
    # The shipped weights are the start; the network's shape is theirs.
    model = train(settings, find("fast", 2).spec, photographs, out, start=ZOO["fast"].path(2))
    upscaler = Upscaler(2, model=model)
    print(upscaler, upscaler(np.zeros((32, 48, 3), np.uint8)).shape)


if __name__ == "__main__":
    if len(sys.argv) - 1 not in (2, 3):
        print((__doc__ or "").splitlines()[2], file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
