"""Upscale with a checkpoint of one of the published networks, as their training code saves it.

python examples/load_checkpoint.py CHECKPOINT.pth SCALE PHOTO RESULT

ESPCN, FSRCNN, SRCNN, EDSR, SRResNet, RDN, WDSR and others are recognised by the names and shapes of their tensors
(needs `pip install '.[train]'`); what else there is goes through spandrel, if that is installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from subpixel import Upscaler
from subpixel.image import read, write
from subpixel.models import Model, save


def main(checkpoint: str, scale: str, source: str, destination: str) -> None:
    upscaler = Upscaler(int(scale), model=checkpoint)
    image = read(Path(source))
    write(image.with_frames([upscaler(frame) for frame in image.frames]), Path(destination))
    print(upscaler)
    # As a model file it loads without torch, and without trusting the checkpoint again.
    model = upscaler.clean_model
    if isinstance(model, Model):
        save(model, Path(destination).with_suffix(".safetensors"))


if __name__ == "__main__":
    if len(sys.argv) - 1 != 4:
        print((__doc__ or "").splitlines()[2], file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
