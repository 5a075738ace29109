"""LR space against HR space: where a super-resolution network should compute, at equal cost and at equal size.

The comparison of arXiv 1609.07009: a network that works at the size of its input and ends in a sub-pixel convolution,
beside networks that first interpolate and then work at the size of the result.
"""

from subpixel.compare.spaces.comparison import compare_spaces, steps_of
from subpixel.compare.spaces.conversion import Conversion, to_subpixel, to_transposed
from subpixel.compare.spaces.costs import LayerTime, paper_layers
from subpixel.compare.spaces.designs import BUDGETS, FAMILIES, Design, design_of, designs_of
from subpixel.compare.spaces.results import NetworkResult, Pairing, SpaceResults
from subpixel.compare.training_runs import Progress

__all__ = [
    "BUDGETS",
    "FAMILIES",
    "Conversion",
    "Design",
    "LayerTime",
    "NetworkResult",
    "Pairing",
    "Progress",
    "SpaceResults",
    "compare_spaces",
    "design_of",
    "designs_of",
    "paper_layers",
    "steps_of",
    "to_subpixel",
    "to_transposed",
]
