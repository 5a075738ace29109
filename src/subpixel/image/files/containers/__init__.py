"""What libvips neither reads nor writes, one module for each format. Readers take an open binary file.

:data:`INVENTORIES` lists the parts that each format is known to have; the documentation and tests are made from it.
"""

from subpixel.image.files.containers import gif, png, webp
from subpixel.image.files.containers.inventory import Inventory

__all__ = ["INVENTORIES"]

INVENTORIES: tuple[Inventory, ...] = (png.INVENTORY, webp.INVENTORY, gif.INVENTORY)
