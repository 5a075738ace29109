"""What libvips neither reads nor writes, one module for each format. Readers take an open binary file.

:data:`INVENTORIES` lists the parts that each format is known to have; the documentation and tests are made from it.
"""

from subpixel.image.files.containers import gif, isobmff_inventory, jpeg, png, tiff_inventory, webp
from subpixel.image.files.containers.inventory import Inventory

__all__ = ["INVENTORIES"]

INVENTORIES: tuple[Inventory, ...] = (
    jpeg.INVENTORY,
    png.INVENTORY,
    tiff_inventory.INVENTORY,
    webp.INVENTORY,
    isobmff_inventory.INVENTORY,
    gif.INVENTORY,
)
