"""Makes tensorflow.json: what TensorFlow's resizes give for fixed inputs. Needs tensorflow-cpu, which the tests do not.

python tests/ops/tables/make_tensorflow.py
"""

import itertools
import json
from pathlib import Path

import numpy as np

SHAPES = [((5, 7), (9, 4)), ((4, 3), (8, 9)), ((9, 8), (3, 5)), ((1, 6), (4, 6)), ((6, 6), (1, 13))]
MODES = {
    "nearest": "nearest",
    "bilinear": "linear",
    "bicubic": "cubic",
    "area": "area",
    "lanczos3": "lanczos3",
    "lanczos5": "lanczos5",
    "gaussian": "gaussian",
    "mitchellcubic": "mitchellcubic",
}
LEGACY = {
    "nearest": "ResizeNearestNeighbor",
    "linear": "ResizeBilinear",
    "cubic": "ResizeBicubic",
}


def random_image(shape):
    """Digits without a pattern, the same everywhere: the test makes them too."""
    n = np.arange(shape[0] * shape[1])
    return ((n * n * 37 + n * 11) % 101).reshape(shape).astype(np.float32)


def entry(like, mode, shape, size, options, result):
    values = [float(f"{v:.7g}") for v in np.asarray(result, np.float32).ravel().tolist()]
    return {"like": like, "mode": mode, "shape": shape, "size": size, "options": options, "result": values}


def main():
    import tensorflow as tf  # here, so that looking for tests does not need it

    entries = []
    for shape, size in SHAPES:
        x = random_image(shape)[None, :, :, None]
        for name, mode in MODES.items():
            for antialias in (False, True):
                if antialias and mode in ("nearest", "area"):
                    continue
                result = tf.image.resize(x, size, method=name, antialias=antialias)
                entries.append(entry("tensorflow", mode, shape, size, {"antialias": True} if antialias else {}, result))
        for (mode, op), flag in itertools.product(LEGACY.items(), ("", "align_corners", "half_pixel_centers")):
            options = {flag: True} if flag else {}
            result = getattr(tf.raw_ops, op)(images=x, size=size, **options)
            entries.append(entry("tensorflow_v1", mode, shape, size, options, result))
        result = tf.raw_ops.ResizeArea(images=x, size=size)
        entries.append(entry("tensorflow_v1", "area", shape, size, {}, result))
    lines = ",\n".join(json.dumps(e) for e in entries)
    text = f'{{"made_with": {json.dumps(f"tensorflow {tf.__version__}")}, "entries": [\n{lines}\n]}}\n'
    Path(__file__).with_name("tensorflow.json").write_text(text)


if __name__ == "__main__":
    main()
