"""The shipped networks, on luma or colour as each was trained."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.methods.method import Method, NotPossible, Prepared, Sample
from subpixel.models.files import Model
from subpixel.models.zoo import ZOO, Entry
from subpixel.ops import resize
from subpixel.upscaler import Upscaler, luma

__all__ = ["METHODS"]


def _upscaler(entry: Entry, sample: Sample) -> tuple[Upscaler, Prepared]:
    """The upscaler, and what is known of it without a call to run."""
    if sample.scale not in entry.scales:
        has = ", ".join(f"×{scale}" for scale in entry.scales)
        raise NotPossible(f"it has {has}, not ×{sample.scale}")
    upscaler = Upscaler(sample.scale, model=entry.name, threads=sample.threads)
    model = upscaler.network().model
    assert isinstance(model, Model)  # it is a shipped one
    spec = model.spec
    macs = spec.macs_per_pixel / sample.scale**2
    details = {"precision": upscaler.precision}
    return upscaler, Prepared(lambda: upscaler(sample.small), macs, spec.parameters, details=details)


def _method(entry: Entry) -> Method:
    def prepare(sample: Sample) -> Prepared:
        upscaler, prepared = _upscaler(entry, sample)
        if entry.video:
            return Prepared(
                lambda: _first_frame(upscaler, sample), prepared.macs, prepared.parameters, details=prepared.details
            )
        return prepared

    title = f"{entry.name}, first frame" if entry.video else entry.name
    return Method(entry.name, title, "network", f"{entry.about[0].upper()}{entry.about[1:]}.", prepare)


def _first_frame(upscaler: Upscaler, sample: Sample) -> NDArray[np.float32]:
    """The first frame of a video network: its luma, with the colours of the bicubic resize."""
    frames = upscaler.network().frames()
    small = sample.small.astype(np.float32) / 255
    y = luma(np.moveaxis(small, -1, 0)).astype(np.float32)
    pushed = frames.push_luma(y)
    large = frames.flush_luma()[0] if pushed is None else pushed
    plain = resize(small, sample.size, layout="HWC")
    # Where R, G and B change by d, studio luma changes by 219/255 d.
    difference = (large - luma(np.moveaxis(plain, -1, 0))) * (255 / 219)
    result: NDArray[np.float32] = ((plain + difference[..., None]) * 255).astype(np.float32)
    return result


METHODS = tuple(_method(entry) for entry in ZOO.values() if entry.trained)
