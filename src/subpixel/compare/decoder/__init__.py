"""One encoder–decoder for segmentation, of which only the upsampler changes: which one serves best, at equal cost?

Networks and training need torch, from the extra ``train``; the charts need matplotlib, from the extra ``compare``.
"""

from subpixel.compare.decoder.comparison import compare_decoders
from subpixel.compare.decoder.kinds import BUDGETS, KINDS, Kind
from subpixel.compare.decoder.results import BudgetResult, DecoderResults, KindResult
from subpixel.compare.intervals import Difference, Estimate
from subpixel.compare.training_runs import Progress

__all__ = [
    "BUDGETS",
    "KINDS",
    "BudgetResult",
    "DecoderResults",
    "Difference",
    "Estimate",
    "Kind",
    "KindResult",
    "Progress",
    "compare_decoders",
]
