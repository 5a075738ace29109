"""Makes paddle.json: what Paddle's interpolate gives for fixed inputs. Needs paddlepaddle, which the tests do not.

python tests/ops/tables/make_paddle.py
"""

import json
from pathlib import Path

import numpy as np

# Shape, and the size or factors wanted, by number of axes.
CASES = {
    1: [
        ((7,), {"size": [4]}),
        ((5,), {"size": [13]}),
        ((6,), {"scale": [1.7]}),
        ((6,), {"size": [1]}),
        ((4,), {"scale": [0.4]}),
    ],
    2: [
        ((5, 7), {"size": [9, 4]}),
        ((4, 3), {"size": [8, 9]}),
        ((9, 8), {"size": [3, 5]}),
        ((6, 6), {"size": [1, 13]}),
        ((5, 4), {"scale": [0.3, 0.3]}),
        ((5, 6), {"scale": [1.7, 2.3]}),
        ((9, 8), {"scale": [0.6, 0.45]}),
        ((4, 5), {"scale": [2.0, 3.0]}),
    ],
    3: [((3, 4, 2), {"size": [5, 3, 4]}), ((3, 2, 4), {"scale": [1.5, 2.0, 0.7]}), ((3, 4, 4), {"size": [1, 1, 2]})],
}
MODES = {
    1: {"nearest": "nearest", "linear": "linear", "area": "area"},
    2: {"nearest": "nearest", "bilinear": "linear", "bicubic": "cubic", "area": "area"},
    3: {"nearest": "nearest", "trilinear": "linear", "area": "area"},
}
OPTIONS = {
    "nearest": [{}, {"align_corners": True}],
    "linear": [{}, {"align_mode": 1}, {"align_corners": True}, {"align_corners": True, "align_mode": 1}],
    "cubic": [{}, {"align_corners": True}],
    "area": [{}],
}
LAYOUTS = {1: "NCW", 2: "NCHW", 3: "NCDHW"}


def random_image(shape):
    """Digits without a pattern, the same everywhere: the test makes them too."""
    n = np.arange(np.prod(shape))
    return ((n * n * 37 + n * 11) % 101).reshape(shape).astype(np.float32)


def main():
    import paddle  # here, so that looking for tests does not need it
    import paddle.nn.functional as F

    entries, refused = [], []
    for dims, cases in CASES.items():
        for shape, wanted in cases:
            for name, mode in MODES[dims].items():
                for options in OPTIONS[mode]:
                    x = paddle.to_tensor(random_image(shape)[None, None])
                    given = {"size": wanted.get("size"), "scale_factor": wanted.get("scale")}
                    what = {"mode": mode, "shape": shape, **wanted, "options": options}
                    try:
                        y = F.interpolate(x, mode=name, data_format=LAYOUTS[dims], **given, **options)
                    except (ValueError, RuntimeError, TypeError) as error:
                        refused.append({**what, "error": str(error).strip().splitlines()[-1][:80]})
                        continue
                    values = [float(f"{v:.7g}") for v in y.numpy().ravel().tolist()]
                    entries.append({**what, "result_shape": list(y.shape[2:]), "result": values})
    lines = ",\n".join(json.dumps(e) for e in entries)
    others = ",\n".join(json.dumps(e) for e in refused)
    result = json.dumps(f"paddlepaddle {paddle.__version__}")
    text = f'{{"made_with": {result}, "entries": [\n{lines}\n], "refused": [\n{others}\n]}}\n'
    Path(__file__).with_name("paddle.json").write_text(text)


if __name__ == "__main__":
    main()
