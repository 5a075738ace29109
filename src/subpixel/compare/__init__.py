"""The laboratory: every upsampler on one image, and what each does and costs.

>>> import numpy as np, subpixel.compare
>>> noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
>>> subpixel.compare.run(noise, 2, methods=["nearest", "bilinear"]).methods[0].title
'Nearest'
"""

from subpixel.compare.checkerboard import checkerboard
from subpixel.compare.degradations import DEGRADATIONS, Degradation
from subpixel.compare.methods import Method, all_methods, register
from subpixel.compare.results import MethodResult, Results
from subpixel.compare.runner import run

__all__ = [
    "DEGRADATIONS",
    "Degradation",
    "Method",
    "MethodResult",
    "Results",
    "all_methods",
    "checkerboard",
    "register",
    "run",
]
