"""What ``Upscaler.yuv`` refuses, and how it says so."""

import numpy as np
import pytest

from subpixel import Upscaler
from subpixel.errors import InvalidArgument

PLAIN = {"subsampling": "420", "siting": "left", "bits": 8, "full_range": False}
Y, C, C16 = np.zeros((6, 9), np.uint8), np.zeros((3, 5), np.uint8), np.zeros((3, 5), np.uint16)
OUT = [np.zeros((12, 18), np.uint8), np.zeros((6, 9), np.uint8), np.zeros((6, 9), np.uint8)]
FIXED = np.zeros((6, 9), np.uint8)
FIXED.setflags(write=False)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"subsampling": "421"},
            "unknown subsampling '421'. Did you mean '422'.*Choices: 420, 422, 444, 440, 411, gray",
        ),
        ({"subsampling": 420}, "unknown subsampling 420. Choices: 420, 422"),
        ({"siting": None}, "siting=None: subsampling '420' needs one of left, center, topleft"),
        ({"siting": "right"}, "unknown siting 'right'. Choices: left, center"),
        ({"siting": ["left"]}, r"unknown siting \['left'\]"),
        ({"bits": 7}, "bits=7: an integer from 8 to 16"),
        ({"bits": 17}, "bits=17"),
        ({"bits": 8.0}, "bits=8.0"),
        ({"bits": True}, "bits=True"),
        ({"bits": None}, "bits=None"),
        ({"bits": 10}, "y: dtype uint8: uint16 is needed with bits=10"),
        ({"full_range": 0}, "full_range=0: True or False"),
        ({"y": Y.astype(np.uint16)}, "y: dtype uint16: uint8 is needed with bits=8"),
        ({"y": Y.astype(np.float32)}, "y: dtype float32"),
        ({"y": Y.tolist()}, "y: list: a NumPy array"),
        ({"y": Y[0]}, r"y: shape \(9,\): \(H, W\)"),
        ({"y": Y[:0]}, r"y: shape \(0, 9\)"),
        ({"y": Y[..., None]}, r"y: shape \(6, 9, 1\)"),
        ({"u": None}, "u: NoneType: a NumPy array"),
        ({"u": C16}, "u: dtype uint16"),
        ({"v": C[:, :4]}, r"v: shape \(3, 4\): \(3, 5\) is needed with subsampling '420'"),
        ({"subsampling": "444"}, r"u: shape \(3, 5\): \(6, 9\)"),
        ({"subsampling": "gray"}, "subsampling='gray' has no chroma: u and v must be None"),
        ({"out": OUT[0]}, r"out: \(y, u, v\) of arrays"),
        ({"out": OUT[:2]}, r"out: \(y, u, v\) of arrays"),
        ({"out": [OUT[0], OUT[1], None]}, "out v: NoneType"),
        ({"out": [OUT[1], OUT[1], OUT[2]]}, r"out y: shape \(6, 9\): \(12, 18\)"),
        ({"out": [OUT[0], OUT[1], OUT[2].astype(np.uint16)]}, "out v: dtype uint16"),
        ({"out": [OUT[0], OUT[1], FIXED]}, "out v: the array is read-only"),
        ({"out": [OUT[0], OUT[1], OUT[1]]}, "out v overlaps out u"),
        ({"out": [OUT[0], OUT[1], Y]}, "out v overlaps y"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_is_refused(model, change, text):
    given = {"y": Y, "u": C, "v": C, **PLAIN, **change}
    with pytest.raises(InvalidArgument, match=f"^yuv: {text}"):
        Upscaler(2, model=model("luma")).yuv(**given)


def test_a_network_on_rgb_takes_no_frame(model):
    with pytest.raises(InvalidArgument, match="works on RGB; a luma model is needed"):
        Upscaler(2, model=model("rgb")).yuv(Y, C, C, **PLAIN)
