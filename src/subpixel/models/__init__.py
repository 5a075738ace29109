"""Networks: their layers as data, model files, checkpoints of other projects, and the list of shipped models."""

from subpixel.models.bicubic import bicubic
from subpixel.models.espcn import espcn
from subpixel.models.files import Model, load, save
from subpixel.models.spec import Spec
from subpixel.models.zoo import ZOO, find

__all__ = ["ZOO", "Model", "Spec", "bicubic", "espcn", "find", "load", "save"]
