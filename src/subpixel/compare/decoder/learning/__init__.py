"""The decoder's networks and their training. It needs torch, from the extra ``train``."""

from subpixel.errors import MissingExtra

try:
    import torch  # noqa: F401
except ImportError:
    raise MissingExtra("the comparison of decoders needs torch: pip install 'subpixel[train]'") from None

from subpixel.compare.decoder.learning.costs import Costs, measure_costs
from subpixel.compare.decoder.learning.network import Network
from subpixel.compare.decoder.learning.training import Trained, train_decoder
from subpixel.compare.decoder.learning.upsamplers import make_down, make_up

__all__ = ["Costs", "Network", "Trained", "make_down", "make_up", "measure_costs", "train_decoder"]
